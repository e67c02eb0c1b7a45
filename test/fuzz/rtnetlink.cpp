// SPDX-License-Identifier: BSD-3-Clause
// rtnetlink messages, several in a datagram, as the driver reads them.
#include "netlink/complete_message.hpp"
#include "netlink/link_parser.hpp"
#include "require.hpp"

#include <cstdint>
#include <cstring>
#include <memory>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

using namespace netvsc;

namespace {

void check(const NetlinkEvent &event) {
    if (const auto *link = std::get_if<LinkMessage>(&event)) {
        require(link->ifindex > 0);
        require(!link->name.empty() && link->name.size() <= 15);
        require(link->name.find('/') == std::string::npos &&
                link->name.find('\0') == std::string::npos);
    } else if (const auto *address = std::get_if<AddressMessage>(&event)) {
        const InterfaceAddress &told = address->address;
        require(told.ifindex > 0);
        require(told.family == AF_INET || told.family == AF_INET6);
        planted_bug(told.family == AF_INET && told.prefix_length < 8);
        require(told.prefix_length <= (told.family == AF_INET ? 32 : 128));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    // Of the input's very size, and aligned as a socket's buffer is: a read past the end is seen.
    const auto buffer = std::make_unique<std::uint8_t[]>(size);
    std::memcpy(buffer.get(), data, size);
    const auto *message = reinterpret_cast<const nlmsghdr *>(buffer.get());
    int left = static_cast<int>(size);
    while (is_complete_message(message, left)) {
        bool malformed = false;
        if (const auto event = parse_rtnetlink(message, malformed)) {
            require(!malformed);
            check(*event);
        }
        message = mnl_nlmsg_next(message, &left);
    }
    return 0;
}
