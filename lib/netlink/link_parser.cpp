// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/link_parser.hpp"

#include <algorithm>
#include <cstring>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <span>

#include <libmnl/libmnl.h>

#ifndef IFF_LOWER_UP // glibc's net/if.h lacks it, and linux/if.h clashes with it
#define IFF_LOWER_UP 0x10000
#endif

namespace netvsc {
namespace {

// Calls visit(attribute) for each attribute in a stretch of bytes. False: an attribute's length
// does not fit, or visit() said so. (libmnl's own loops end quietly at a misfit, and are not C++.)
template <typename Visit> bool for_each_attribute(const void *begin, const void *end, Visit visit) {
    const auto *position = static_cast<const char *>(begin);
    const auto *stop = static_cast<const char *>(end);
    while (position < stop) {
        const auto *attribute = reinterpret_cast<const nlattr *>(position);
        if (!mnl_attr_ok(attribute, static_cast<int>(stop - position)) || !visit(attribute))
            return false;
        position = reinterpret_cast<const char *>(mnl_attr_next(attribute));
    }
    return true;
}

// The attributes behind a header of the given size.
template <typename Visit>
bool for_each_attribute(const nlmsghdr *message, std::size_t header_size, Visit visit) {
    // Not mnl_nlmsg_get_payload_tail(), which rounds up to beyond the message's end.
    return for_each_attribute(mnl_nlmsg_get_payload_offset(message, header_size),
                              reinterpret_cast<const char *>(message) + message->nlmsg_len, visit);
}

std::span<const std::uint8_t> payload(const nlattr *attribute) {
    return {static_cast<const std::uint8_t *>(mnl_attr_get_payload(attribute)),
            mnl_attr_get_payload_len(attribute)};
}

std::optional<MacAddress> mac_of(const nlattr *attribute) {
    const auto bytes = payload(attribute);
    MacAddress mac;
    if (bytes.size() != mac.bytes.size())
        return std::nullopt;
    std::ranges::copy(bytes, mac.bytes.begin());
    return mac;
}

bool read_text(const nlattr *attribute, std::string &text) {
    if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0)
        return false;
    text = mnl_attr_get_str(attribute);
    return true;
}

// The name must be a C string that Linux would accept for a netdevice (dev_valid_name()).
bool read_name(const nlattr *attribute, std::string &name) {
    return read_text(attribute, name) && !name.empty() && name.size() < IFNAMSIZ && name != "." &&
           name != ".." && name.find('/') == std::string::npos;
}

bool read_link_info(const nlattr *link_info, bool &has_kind) {
    const auto bytes = payload(link_info);
    return for_each_attribute(bytes.data(), bytes.data() + bytes.size(),
                              [&](const nlattr *attribute) {
                                  has_kind |= mnl_attr_get_type(attribute) == IFLA_INFO_KIND;
                                  return true;
                              });
}

// What is needed of a message beyond what is handed on.
struct Seen {
    bool named = false;
    std::string parent_bus;
};

bool read_link_attribute(const nlattr *attribute, LinkMessage &link, Seen &seen) {
    switch (mnl_attr_get_type(attribute)) {
    case IFLA_IFNAME:
        seen.named = read_name(attribute, link.name);
        return seen.named;
    case IFLA_ADDRESS:
        link.mac = mac_of(attribute);
        return true;
    case IFLA_PERM_ADDRESS:
        link.permanent_mac = mac_of(attribute);
        return true;
    case IFLA_CARRIER:
        if (mnl_attr_validate(attribute, MNL_TYPE_U8) < 0)
            return false;
        link.carrier = mnl_attr_get_u8(attribute) != 0;
        return true;
    case IFLA_LINKINFO:
        return read_link_info(attribute, link.software);
    case IFLA_PARENT_DEV_NAME:
        return read_text(attribute, link.pci_parent);
    case IFLA_PARENT_DEV_BUS_NAME:
        return read_text(attribute, seen.parent_bus);
    default:
        return true;
    }
}

std::optional<NetlinkEvent> parse_link(const nlmsghdr *message, bool &malformed) {
    malformed = mnl_nlmsg_get_payload_len(message) < sizeof(ifinfomsg);
    if (malformed)
        return std::nullopt;
    const auto *header = static_cast<const ifinfomsg *>(mnl_nlmsg_get_payload(message));
    // A bridge tells of its ports with the same message type and family AF_BRIDGE: the port is
    // not gone when it leaves the bridge.
    if (header->ifi_family != AF_UNSPEC)
        return std::nullopt;
    malformed = header->ifi_index <= 0;
    if (malformed)
        return std::nullopt;
    if (message->nlmsg_type == RTM_DELLINK)
        return LinkGone{.ifindex = header->ifi_index};

    LinkMessage link;
    link.ifindex = header->ifi_index;
    link.type = header->ifi_type;
    link.flags = header->ifi_flags;
    link.carrier = (header->ifi_flags & IFF_LOWER_UP) != 0;
    Seen seen;
    malformed = !for_each_attribute(message, sizeof *header, [&](const nlattr *attribute) {
        return read_link_attribute(attribute, link, seen);
    }) || !seen.named;
    if (malformed)
        return std::nullopt;
    if (seen.parent_bus != "pci")
        link.pci_parent.clear();
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

    AddressMessage event;
    event.gone = message->nlmsg_type == RTM_DELADDR;
    event.address.ifindex = static_cast<int>(header->ifa_index);
    event.address.family = header->ifa_family;
    event.address.prefix_length = header->ifa_prefixlen;
    bool local = false;
    bool found = false;
    malformed = !for_each_attribute(message, sizeof *header,
                                    [&](const nlattr *attribute) {
                                        const std::uint16_t type = mnl_attr_get_type(attribute);
                                        if (type != IFA_ADDRESS && type != IFA_LOCAL)
                                            return true;
                                        const auto bytes = payload(attribute);
                                        if (bytes.size() != size)
                                            return false;
                                        // On a point-to-point link IFA_ADDRESS is the peer's;
                                        // IFA_LOCAL is ours (rtnetlink(7)).
                                        if (type == IFA_LOCAL || !local)
                                            std::ranges::copy(bytes, event.address.address.begin());
                                        local |= type == IFA_LOCAL;
                                        found = true;
                                        return true;
                                    }) ||
                !found || event.address.ifindex <= 0 || event.address.prefix_length > 8 * size;
    if (malformed)
        return std::nullopt;
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
