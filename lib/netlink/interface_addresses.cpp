// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/interface_addresses.hpp"

#include "base/parse_number.hpp"
#include "netlink/link_parser.hpp"
#include "netlink/netlink_exchange.hpp"
#include "netlink/netlink_request.hpp"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string>
#include <variant>

namespace netvsc {
namespace {

using AddressRequest = NetlinkRequest<ifaddrmsg>;

constexpr std::size_t size_of(std::uint8_t family) { return family == AF_INET ? 4 : 16; }

} // namespace

Result<std::vector<InterfaceAddress>> interface_addresses(int ifindex) {
    const auto exchange = NetlinkExchange::open(NETLINK_ROUTE, "addresses");
    if (!exchange)
        return std::unexpected(exchange.error());
    AddressRequest request(RTM_GETADDR, NLM_F_DUMP);
    std::vector<InterfaceAddress> found;
    auto done = exchange->transact(request.header(), [&](const nlmsghdr &message) {
        bool malformed = false;
        const auto event = parse_rtnetlink(&message, malformed);
        const auto *address = event ? std::get_if<AddressMessage>(&*event) : nullptr;
        if (address != nullptr && address->address.ifindex == ifindex)
            found.push_back(address->address);
    });
    if (!done)
        return std::unexpected(std::move(done.error()));
    return found;
}

Result<void> add_address(const InterfaceAddress &address) {
    const auto exchange = NetlinkExchange::open(NETLINK_ROUTE, "address " + text_of(address));
    if (!exchange)
        return std::unexpected(exchange.error());
    AddressRequest request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    request.family_header().ifa_family = address.family;
    request.family_header().ifa_prefixlen = address.prefix_length;
    request.family_header().ifa_index = static_cast<unsigned>(address.ifindex);
    const std::string_view bytes(reinterpret_cast<const char *>(address.address.data()),
                                 size_of(address.family));
    request.put_bytes(IFA_LOCAL, bytes);
    request.put_bytes(IFA_ADDRESS, bytes);
    auto added = exchange->transact(request.header());
    return !added && added.error().number == EEXIST ? Result<void>{} : added;
}

std::optional<InterfaceAddress> parse_interface_address(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos)
        return std::nullopt;
    const std::string host(text.substr(0, slash));
    InterfaceAddress address;
    address.family = host.find(':') == std::string::npos ? AF_INET : AF_INET6;
    const auto prefix = parse_number<std::uint8_t>(text.substr(slash + 1));
    if (!prefix || *prefix > 8 * size_of(address.family) ||
        ::inet_pton(address.family, host.c_str(), address.address.data()) != 1)
        return std::nullopt;
    address.prefix_length = *prefix;
    return address;
}

} // namespace netvsc
