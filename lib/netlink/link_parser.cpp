// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/link_parser.hpp"

#include "netlink/netlink_attributes.hpp"

#include <cstring>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string_view>

#include <libmnl/libmnl.h>

#ifndef IFF_LOWER_UP // glibc's net/if.h lacks it, and linux/if.h clashes with it
#define IFF_LOWER_UP 0x10000
#endif

namespace netvsc {
namespace {

constexpr AttributePolicy link_info_policy[] = {
    {.type = IFLA_INFO_KIND, .kind = AttributeKind::bytes, .nested = {}},
};
constexpr AttributePolicy link_policy[] = {
    {.type = IFLA_IFNAME, .kind = AttributeKind::string, .nested = {}},
    {.type = IFLA_ADDRESS, .kind = AttributeKind::bytes, .nested = {}}, // of any link type's size
    {.type = IFLA_PERM_ADDRESS, .kind = AttributeKind::bytes, .nested = {}},
    {.type = IFLA_CARRIER, .kind = AttributeKind::u8, .nested = {}},
    {.type = IFLA_LINKINFO, .kind = AttributeKind::nested, .nested = link_info_policy},
    {.type = IFLA_PARENT_DEV_NAME, .kind = AttributeKind::string, .nested = {}},
    {.type = IFLA_PARENT_DEV_BUS_NAME, .kind = AttributeKind::string, .nested = {}},
};
constexpr AttributePolicy address_policy[] = {
    {.type = IFA_ADDRESS, .kind = AttributeKind::bytes, .nested = {}}, // of the family's size
    {.type = IFA_LOCAL, .kind = AttributeKind::bytes, .nested = {}},
};

std::optional<MacAddress> read_mac(const NetlinkAttributes &attributes, std::uint16_t type) {
    const auto bytes = attributes.bytes(type);
    MacAddress mac;
    if (!bytes || bytes->size() != mac.bytes.size())
        return std::nullopt;
    std::memcpy(mac.bytes.data(), bytes->data(), bytes->size());
    return mac;
}

// Accepts what the kernel's dev_valid_name() (net/core/dev.c) accepts, and more.
bool is_netdevice_name(std::string_view name) {
    return !name.empty() && name.size() < IFNAMSIZ && name != "." && name != ".." &&
           name.find('/') == std::string_view::npos;
}

std::optional<NetlinkEvent> parse_link(const nlmsghdr *message, bool &malformed) {
    malformed = mnl_nlmsg_get_payload_len(message) < sizeof(ifinfomsg);
    if (malformed)
        return std::nullopt;
    const auto *header = static_cast<const ifinfomsg *>(mnl_nlmsg_get_payload(message));
    // A bridge reports its ports by the same message types with family AF_BRIDGE. Its RTM_DELLINK
    // means that the port left the bridge, not that the netdevice was removed.
    if (header->ifi_family != AF_UNSPEC)
        return std::nullopt;
    malformed = header->ifi_index <= 0;
    if (malformed)
        return std::nullopt;
    if (message->nlmsg_type == RTM_DELLINK)
        return LinkGone{.ifindex = header->ifi_index};

    const auto attributes = NetlinkAttributes::parse(*message, sizeof *header, link_policy);
    const auto name = attributes ? attributes->string(IFLA_IFNAME) : std::nullopt;
    malformed = !name || !is_netdevice_name(*name);
    if (malformed)
        return std::nullopt;
    LinkMessage link;
    link.ifindex = header->ifi_index;
    link.name = *name;
    link.type = header->ifi_type;
    link.flags = header->ifi_flags;
    const bool lower_up = (header->ifi_flags & IFF_LOWER_UP) != 0;
    link.carrier = attributes->u8(IFLA_CARRIER).value_or(lower_up ? 1 : 0) != 0;
    link.mac = read_mac(*attributes, IFLA_ADDRESS);
    link.permanent_mac = read_mac(*attributes, IFLA_PERM_ADDRESS);
    const auto link_info = attributes->nested(IFLA_LINKINFO);
    link.software = link_info && link_info->has(IFLA_INFO_KIND);
    if (attributes->string(IFLA_PARENT_DEV_BUS_NAME) == "pci")
        link.pci_parent = attributes->string(IFLA_PARENT_DEV_NAME).value_or("");
    return link;
}

std::optional<NetlinkEvent> parse_address(const nlmsghdr *message, bool &malformed) {
    malformed = mnl_nlmsg_get_payload_len(message) < sizeof(ifaddrmsg);
    if (malformed)
        return std::nullopt;
    const auto *header = static_cast<const ifaddrmsg *>(mnl_nlmsg_get_payload(message));
    if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6)
        return std::nullopt;
    const std::size_t size = header->ifa_family == AF_INET ? 4 : 16;

    const auto attributes = NetlinkAttributes::parse(*message, sizeof *header, address_policy);
    const auto any = attributes ? attributes->bytes(IFA_ADDRESS) : std::nullopt;
    const auto local = attributes ? attributes->bytes(IFA_LOCAL) : std::nullopt;
    // On a point-to-point link IFA_ADDRESS is the peer's and IFA_LOCAL this host's (rtnetlink(7)).
    const auto address = local ? local : any;
    AddressMessage event;
    event.gone = message->nlmsg_type == RTM_DELADDR;
    event.address.ifindex = static_cast<int>(header->ifa_index);
    event.address.family = header->ifa_family;
    event.address.prefix_length = header->ifa_prefixlen;
    malformed = !address || address->size() != size || (any && any->size() != size) ||
                event.address.ifindex <= 0 || event.address.prefix_length > 8 * size;
    if (malformed)
        return std::nullopt;
    std::memcpy(event.address.address.data(), address->data(), size);
    return event;
}

} // namespace

std::optional<NetlinkEvent> parse_rtnetlink(const nlmsghdr *message, bool &malformed) {
    malformed = false;
    switch (message->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return parse_link(message, malformed);
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return parse_address(message, malformed);
    default:
        return std::nullopt;
    }
}

} // namespace netvsc
