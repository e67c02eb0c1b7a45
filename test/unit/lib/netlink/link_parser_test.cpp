// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/link_parser.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netvsc {
namespace {

using namespace std::string_view_literals;

/// Builds a netlink message byte by byte, so that a test can add any error.
class Message {
public:
    Message(std::uint16_t type, const auto &header) {
        const nlmsghdr start{
            .nlmsg_len = 0, .nlmsg_type = type, .nlmsg_flags = 0, .nlmsg_seq = 0, .nlmsg_pid = 0};
        append(&start, sizeof start);
        append(&header, sizeof header);
        align();
    }

    Message &raw(std::string_view bytes) {
        append(bytes.data(), bytes.size());
        return *this;
    }
    Message &attribute(std::uint16_t type, std::string_view value) {
        return attribute_claiming(sizeof(nlattr) + value.size(), type, value);
    }
    /// @param length  the length in the attribute's header, which it includes
    Message &attribute_claiming(std::size_t length, std::uint16_t type, std::string_view value) {
        align();
        const nlattr header{.nla_len = static_cast<std::uint16_t>(length), .nla_type = type};
        append(&header, sizeof header);
        append(value.data(), value.size());
        return *this;
    }
    Message &name(std::string_view text) {
        return attribute(IFLA_IFNAME, std::string(text) + '\0');
    }
    Message &cut_to(std::size_t payload) {
        bytes_.resize(sizeof(nlmsghdr) + payload);
        return *this;
    }

    struct Outcome {
        std::optional<NetlinkEvent> event;
        bool malformed = false;
    };
    [[nodiscard]] Outcome parse() const {
        // On the heap and not a byte too many, so that a sanitizer sees a read beyond the end.
        const auto exact = std::make_unique<char[]>(bytes_.size());
        std::memcpy(exact.get(), bytes_.data(), bytes_.size());
        auto *message = reinterpret_cast<nlmsghdr *>(exact.get());
        message->nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
        Outcome outcome{.event = {}, .malformed = true};
        outcome.event = parse_rtnetlink(message, outcome.malformed);
        return outcome;
    }

private:
    void append(const void *from, std::size_t size) {
        const auto *bytes = static_cast<const char *>(from);
        bytes_.insert(bytes_.end(), bytes, bytes + size);
    }
    void align() { bytes_.resize(NLMSG_ALIGN(bytes_.size())); }

    std::vector<char> bytes_;
};

std::string nested(std::uint16_t type, std::string_view value) {
    const nlattr header{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + value.size()),
                        .nla_type = type};
    std::string bytes(reinterpret_cast<const char *>(&header), sizeof header);
    bytes.append(value);
    bytes.resize(NLMSG_ALIGN(bytes.size()));
    return bytes;
}

Message link_message(int ifindex = 7, unsigned flags = IFF_UP, unsigned char family = AF_UNSPEC,
                     std::uint16_t type = RTM_NEWLINK) {
    ifinfomsg header{};
    header.ifi_family = family;
    header.ifi_type = ARPHRD_ETHER;
    header.ifi_index = ifindex;
    header.ifi_flags = flags;
    return {type, header};
}

Message address_message(unsigned char family = AF_INET, std::uint16_t type = RTM_NEWADDR,
                        unsigned ifindex = 7, unsigned char prefix_length = 24) {
    ifaddrmsg header{};
    header.ifa_family = family;
    header.ifa_prefixlen = prefix_length;
    header.ifa_index = ifindex;
    return {type, header};
}

constexpr auto mac_bytes = "\x00\x15\x5d\x01\x02\x03"sv;
constexpr MacAddress mac{{0x00, 0x15, 0x5d, 0x01, 0x02, 0x03}};
constexpr auto other_mac_bytes = "\x00\x15\x5d\x01\x02\x04"sv;
constexpr MacAddress other_mac{{0x00, 0x15, 0x5d, 0x01, 0x02, 0x04}};

void expect_malformed(const Message &message) {
    const auto outcome = message.parse();
    EXPECT_FALSE(outcome.event);
    EXPECT_TRUE(outcome.malformed);
}

void expect_ignored(const Message &message) {
    const auto outcome = message.parse();
    EXPECT_FALSE(outcome.event);
    EXPECT_FALSE(outcome.malformed);
}

template <typename Event> Event expect_event(const Message &message) {
    const auto outcome = message.parse();
    EXPECT_FALSE(outcome.malformed);
    if (!outcome.event || !std::holds_alternative<Event>(*outcome.event)) {
        ADD_FAILURE() << "no such event";
        return {};
    }
    return std::get<Event>(*outcome.event);
}

// ---- Links.

TEST(LinkParser, ReadsAllThatIsWantedOfALink) {
    const auto link = expect_event<LinkMessage>(link_message(7, IFF_UP | IFF_LOWER_UP)
                                                    .name("eth1")
                                                    .attribute(IFLA_MTU, "\xdc\x05\0\0"sv)
                                                    .attribute(IFLA_ADDRESS, mac_bytes)
                                                    .attribute(IFLA_CARRIER, "\x01"sv)
                                                    .attribute(IFLA_PERM_ADDRESS, other_mac_bytes));
    const LinkMessage expected{.ifindex = 7,
                               .name = "eth1",
                               .type = ARPHRD_ETHER,
                               .flags = IFF_UP | IFF_LOWER_UP,
                               .carrier = true,
                               .mac = mac,
                               .permanent_mac = other_mac,
                               .software = false};
    EXPECT_EQ(link, expected);
}

TEST(LinkParser, APciFunctionRightBelowIsNamed) {
    const auto below = [](std::string_view bus, std::string_view device) {
        return link_message()
            .name("eth1")
            .attribute(IFLA_PARENT_DEV_NAME, device)
            .attribute(IFLA_PARENT_DEV_BUS_NAME, bus);
    };
    const auto parent = [&](std::string_view bus, std::string_view device) {
        return expect_event<LinkMessage>(below(bus, device)).pci_parent;
    };
    EXPECT_EQ(parent("pci\0"sv, "0001:00:02.0\0"sv), "0001:00:02.0");
    EXPECT_EQ(parent("virtio\0"sv, "virtio2\0"sv), "");
    EXPECT_EQ(parent("\0"sv, "0001:00:02.0\0"sv), "");
    expect_malformed(below("pci"sv, "0001:00:02.0\0"sv));
    expect_malformed(below("pci\0"sv, "0001:00:02.0"sv));
}

TEST(LinkParser, ALinkNeedsNoMoreThanAName) {
    const auto link = expect_event<LinkMessage>(link_message().name("l"));
    EXPECT_EQ(link.name, "l");
    EXPECT_FALSE(link.mac);
    EXPECT_FALSE(link.permanent_mac);
    EXPECT_FALSE(link.carrier);
}

TEST(LinkParser, CarrierIsTheFlagWhereTheAttributeIsMissing) {
    EXPECT_TRUE(expect_event<LinkMessage>(link_message(7, IFF_LOWER_UP).name("eth1")).carrier);
    EXPECT_FALSE(expect_event<LinkMessage>(
                     link_message(7, IFF_LOWER_UP).name("eth1").attribute(IFLA_CARRIER, "\0"sv))
                     .carrier);
}

TEST(LinkParser, ANameMayHoldAnyByteButASlash) {
    for (const auto name : {"a,b=(c)[d]"sv, "\xff\x01"sv, "abcdefghijklmno"sv, "..."sv})
        EXPECT_EQ(expect_event<LinkMessage>(link_message().name(name)).name, name);
}

TEST(LinkParser, ALinkWithAKindIsMadeBySoftware) {
    EXPECT_TRUE(expect_event<LinkMessage>(link_message().name("veth0").attribute(
                                              IFLA_LINKINFO, nested(IFLA_INFO_KIND, "veth\0"sv)))
                    .software);
    // As the kernel sends it: with the flag that says the attribute holds others.
    EXPECT_TRUE(expect_event<LinkMessage>(
                    link_message().name("veth0").attribute(IFLA_LINKINFO | NLA_F_NESTED,
                                                           nested(IFLA_INFO_XSTATS, "x"sv) +
                                                               nested(IFLA_INFO_KIND, "veth\0"sv)))
                    .software);
}

// A port of a bridge or bond has IFLA_LINKINFO too, with the master's kind in it only.
TEST(LinkParser, APortOfABridgeIsNotMadeBySoftware) {
    EXPECT_FALSE(
        expect_event<LinkMessage>(link_message().name("eth1").attribute(
                                      IFLA_LINKINFO, nested(IFLA_INFO_SLAVE_KIND, "bridge\0"sv)))
            .software);
    EXPECT_FALSE(
        expect_event<LinkMessage>(link_message().name("eth1").attribute(IFLA_LINKINFO, ""sv))
            .software);
}

TEST(LinkParser, AnAddressThatIsNotEthernetIsNoMac) {
    const std::string infiniband(20, '\x42');
    const auto link = expect_event<LinkMessage>(link_message()
                                                    .name("ib0")
                                                    .attribute(IFLA_ADDRESS, infiniband)
                                                    .attribute(IFLA_PERM_ADDRESS, infiniband));
    EXPECT_FALSE(link.mac);
    EXPECT_FALSE(link.permanent_mac);
    EXPECT_FALSE(expect_event<LinkMessage>(
                     link_message().name("sit0").attribute(IFLA_ADDRESS, "\x7f\0\0\x01"sv))
                     .mac);
    EXPECT_FALSE(
        expect_event<LinkMessage>(link_message().name("tun0").attribute(IFLA_ADDRESS, ""sv)).mac);
}

TEST(LinkParser, AVanishedLinkNeedsOnlyItsIndex) {
    EXPECT_EQ(expect_event<LinkGone>(link_message(9, 0, AF_UNSPEC, RTM_DELLINK)).ifindex, 9);
}

TEST(LinkParser, BridgeMessagesAboutAPortAreIgnored) {
    expect_ignored(link_message(7, 0, AF_BRIDGE).name("eth1"));
    expect_ignored(link_message(7, 0, AF_BRIDGE, RTM_DELLINK).name("eth1"));
}

TEST(LinkParser, OtherMessagesAreIgnored) {
    constexpr std::uint16_t others[] = {NLMSG_NOOP, RTM_NEWROUTE, RTM_NEWNEIGH, RTM_GETLINK,
                                        RTM_SETLINK};
    for (const std::uint16_t type : others)
        expect_ignored(link_message(7, 0, AF_UNSPEC, type).name("eth1"));
}

TEST(LinkParser, ALinkWithoutAValidIndexIsMalformed) {
    for (const int ifindex : {0, -1}) {
        expect_malformed(link_message(ifindex).name("eth1"));
        expect_malformed(link_message(ifindex, 0, AF_UNSPEC, RTM_DELLINK));
    }
}

TEST(LinkParser, AShortHeaderIsMalformed) {
    for (std::size_t size = 0; size < sizeof(ifinfomsg); ++size) {
        expect_malformed(link_message().cut_to(size));
        expect_malformed(link_message(7, 0, AF_UNSPEC, RTM_DELLINK).cut_to(size));
    }
}

TEST(LinkParser, ALinkWithoutANameIsMalformed) {
    expect_malformed(link_message());
    expect_malformed(link_message().attribute(IFLA_ADDRESS, mac_bytes));
}

TEST(LinkParser, ANameLinuxWouldNotGiveIsMalformed) {
    for (const auto name : {""sv, "a/b"sv, "/"sv, "."sv, ".."sv, "abcdefghijklmnop"sv})
        expect_malformed(link_message().name(name));
}

TEST(LinkParser, ANameWithoutItsEndIsMalformed) {
    expect_malformed(link_message().attribute(IFLA_IFNAME, "eth1"sv));
    expect_malformed(link_message().attribute(IFLA_IFNAME, ""sv));
}

TEST(LinkParser, ABadNameAfterAGoodOneIsMalformed) {
    expect_malformed(link_message().name("eth1").name("a/b"));
}

TEST(LinkParser, AnAttributeWhoseLengthDoesNotFitIsMalformed) {
    for (const std::size_t length : {0UL, 1UL, 3UL, 11UL, 12UL, 100UL, 65535UL})
        expect_malformed(
            link_message().name("eth1").attribute_claiming(length, IFLA_ADDRESS, mac_bytes));
}

// The last attribute may end in the middle of four bytes; nothing behind the message is its.
TEST(LinkParser, AnAttributeThatEndsInThePaddingBehindTheMessageIsMalformed) {
    for (const std::size_t missing : {1UL, 2UL, 3UL}) {
        const auto value = "\0\0\0\0\0\0\0\0"sv;
        expect_malformed(link_message().name("eth1").attribute_claiming(
            sizeof(nlattr) + value.size(), IFLA_ADDRESS, value.substr(missing)));
    }
    EXPECT_EQ(
        expect_event<LinkMessage>(link_message().name("eth1").attribute(IFLA_ADDRESS, mac_bytes))
            .mac,
        mac);
}

TEST(LinkParser, BytesTooFewForAnAttributeAreMalformed) {
    for (const auto rest : {"\0"sv, "\0\0"sv, "\4\0\0"sv})
        expect_malformed(link_message().attribute(IFLA_IFNAME, "eth\0"sv).raw(rest));
}

TEST(LinkParser, ACarrierOfAnotherSizeIsMalformed) {
    expect_malformed(link_message().name("eth1").attribute(IFLA_CARRIER, ""sv));
    expect_malformed(link_message().name("eth1").attribute(IFLA_CARRIER, "\1\0\0\0"sv));
}

TEST(LinkParser, AMalformedLinkInfoIsMalformed) {
    std::string too_long = nested(IFLA_INFO_KIND, "veth\0"sv);
    too_long[0] = 0x40;
    std::string too_short = nested(IFLA_INFO_KIND, "veth\0"sv);
    too_short[0] = 0x03;
    for (const std::string &info :
         {too_long, too_short, std::string("\4"), nested(IFLA_INFO_KIND, "veth\0"sv) + "\4"})
        expect_malformed(link_message().name("veth0").attribute(IFLA_LINKINFO, info));
}

// ---- Addresses.

constexpr auto ipv4 = "\x0a\x00\x00\x01"sv;
constexpr auto peer = "\x0a\x00\x00\x02"sv;
constexpr auto ipv6 = "\xfe\x80\0\0\0\0\0\0\x02\x15\x5d\xff\xfe\x01\x02\x03"sv;

std::string_view bytes_of(const InterfaceAddress &address) {
    return {reinterpret_cast<const char *>(address.address.data()), address.address.size()};
}

TEST(AddressParser, ReadsIpv4) {
    const auto event = expect_event<AddressMessage>(address_message().attribute(IFA_LOCAL, ipv4));
    EXPECT_FALSE(event.gone);
    EXPECT_EQ(event.address.ifindex, 7);
    EXPECT_EQ(event.address.family, AF_INET);
    EXPECT_EQ(event.address.prefix_length, 24);
    EXPECT_EQ(bytes_of(event.address), std::string(ipv4) + std::string(12, '\0'));
}

TEST(AddressParser, ReadsIpv6) {
    const auto event =
        expect_event<AddressMessage>(address_message(AF_INET6).attribute(IFA_ADDRESS, ipv6));
    EXPECT_EQ(event.address.family, AF_INET6);
    EXPECT_EQ(bytes_of(event.address), ipv6);
}

TEST(AddressParser, ReportsARemovedAddress) {
    EXPECT_TRUE(expect_event<AddressMessage>(
                    address_message(AF_INET, RTM_DELADDR).attribute(IFA_LOCAL, ipv4))
                    .gone);
}

TEST(AddressParser, OnAPointToPointLinkOursCountsAndNotThePeers) {
    for (const auto &message :
         {address_message().attribute(IFA_ADDRESS, peer).attribute(IFA_LOCAL, ipv4),
          address_message().attribute(IFA_LOCAL, ipv4).attribute(IFA_ADDRESS, peer)})
        EXPECT_EQ(bytes_of(expect_event<AddressMessage>(message).address).substr(0, 4), ipv4);
}

TEST(AddressParser, AnotherFamilyIsIgnored) {
    expect_ignored(address_message(AF_MCTP).attribute(IFA_LOCAL, "\x08"sv));
}

TEST(AddressParser, AnAddressOfAnotherSizeIsMalformed) {
    expect_malformed(address_message(AF_INET).attribute(IFA_ADDRESS, ipv6));
    expect_malformed(address_message(AF_INET6).attribute(IFA_ADDRESS, ipv4));
    expect_malformed(address_message(AF_INET).attribute(IFA_LOCAL, ""sv));
}

TEST(AddressParser, AMessageWithoutAnAddressIsMalformed) {
    expect_malformed(address_message());
    expect_malformed(address_message().attribute(IFA_LABEL, "eth1\0"sv));
}

TEST(AddressParser, AnIndexOfNoLinkIsMalformed) {
    for (const unsigned ifindex : {0U, 0x80000000U, 0xffffffffU})
        expect_malformed(address_message(AF_INET, RTM_NEWADDR, ifindex).attribute(IFA_LOCAL, ipv4));
}

TEST(AddressParser, APrefixLongerThanTheAddressIsMalformed) {
    expect_event<AddressMessage>(
        address_message(AF_INET, RTM_NEWADDR, 7, 32).attribute(IFA_LOCAL, ipv4));
    expect_malformed(address_message(AF_INET, RTM_NEWADDR, 7, 33).attribute(IFA_LOCAL, ipv4));
    expect_event<AddressMessage>(
        address_message(AF_INET6, RTM_NEWADDR, 7, 128).attribute(IFA_ADDRESS, ipv6));
    expect_malformed(address_message(AF_INET6, RTM_NEWADDR, 7, 129).attribute(IFA_ADDRESS, ipv6));
}

TEST(AddressParser, AShortHeaderIsMalformed) {
    for (std::size_t size = 0; size < sizeof(ifaddrmsg); ++size)
        expect_malformed(address_message().cut_to(size));
}

TEST(AddressParser, AnAttributeWhoseLengthDoesNotFitIsMalformed) {
    for (const std::size_t length : {0UL, 3UL, 9UL, 65535UL})
        expect_malformed(address_message().attribute_claiming(length, IFA_LOCAL, ipv4));
}

// ---- Arbitrary bytes.

// Truncates a good message at each byte. The parser reads, ignores or refuses it, and never reads
// beyond its end.
TEST(LinkParser, AMessageCutAnywhereIsReadWithinItsBytes) {
    const auto whole = [] {
        return link_message()
            .name("eth1")
            .attribute(IFLA_ADDRESS, mac_bytes)
            .attribute(IFLA_LINKINFO, nested(IFLA_INFO_KIND, "veth\0"sv))
            .attribute(IFLA_CARRIER, "\1"sv);
    };
    for (std::size_t size = 0; size < 76; ++size) {
        const auto outcome = whole().cut_to(size).parse();
        EXPECT_FALSE(outcome.event && outcome.malformed) << size;
        EXPECT_TRUE(outcome.event || outcome.malformed) << size;
    }
}

} // namespace
} // namespace netvsc
