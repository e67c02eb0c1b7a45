// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/link.hpp"

#include <string>
#include <string_view>

/// Netdevices for tests, as rtnetlink and sysfs would report them.
namespace netvsc::test {

/// A MAC address that differs for each @p number.
[[nodiscard]] inline MacAddress mac(unsigned number) {
    return {{0x00, 0x15, 0x5d, static_cast<std::uint8_t>(number >> 16),
             static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}};
}

/// An Ethernet netdevice with a device below it that is neither NetVSC nor PCI.
[[nodiscard]] inline Link ethernet(std::string name, int ifindex, MacAddress address) {
    Link link;
    link.message.ifindex = ifindex;
    link.message.name = std::move(name);
    link.message.type = ARPHRD_ETHER;
    link.message.mac = address;
    return link;
}

[[nodiscard]] inline Link netvsc(std::string name, int ifindex, MacAddress address) {
    Link link = ethernet(std::move(name), ifindex, address);
    link.facts.netvsc = true;
    return link;
}

[[nodiscard]] inline Link vf(std::string name, int ifindex, MacAddress address,
                             std::string_view pci) {
    Link link = ethernet(std::move(name), ifindex, address);
    link.message.permanent_mac = address;
    link.facts.pci = PciAddress::parse(pci).value();
    return link;
}

/// veth, vlan, bridge, ...
[[nodiscard]] inline Link software(std::string name, int ifindex, MacAddress address) {
    Link link = ethernet(std::move(name), ifindex, address);
    link.message.software = true;
    return link;
}

/// An IPv4 address 10.0.0.@p host on a netdevice.
[[nodiscard]] inline InterfaceAddress ipv4(int ifindex, std::uint8_t host = 1) {
    return {.ifindex = ifindex,
            .family = 2, // AF_INET
            .prefix_length = 24,
            .address = {10, 0, 0, host}};
}

[[nodiscard]] inline InterfaceAddress ipv6(int ifindex, std::uint8_t first, std::uint8_t second) {
    return {.ifindex = ifindex,
            .family = 10, // AF_INET6
            .prefix_length = 64,
            .address = {first, second}};
}

} // namespace netvsc::test
