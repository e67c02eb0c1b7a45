// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/link_message.hpp"

#include <arpa/inet.h>

namespace netvsc {

bool is_link_local(const InterfaceAddress &address) {
    return address.family == AF_INET6 && address.address[0] == 0xfe &&
           (address.address[1] & 0xc0) == 0x80;
}

std::string text_of(const InterfaceAddress &address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(address.family, address.address.data(), text.data(), text.size());
    return std::string(text.data()) + "/" + std::to_string(address.prefix_length);
}

} // namespace netvsc
