// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/link.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace netvsc {

/// The netdevices of this network namespace that the kernel has reported.
///
/// The cost of an operation does not depend on the number of netdevices. Software netdevices are in
/// no index by address: there may be thousands with one MAC address. A listing begins with
/// begin_listing() and ends with end_listing(); netdevices that it did not name are removed.
class LinkTable {
public:
    struct Change {
        const Link *before = nullptr; ///< as it was (valid until the next call), or null
        const Link *after = nullptr;  ///< as it is now
        /// Its name, addresses or device changed, or it is new: not only its flags or carrier.
        bool identity = false;
    };

    /// Whether sysfs must be read for the device below this netdevice. Otherwise the known facts
    /// stay.
    [[nodiscard]] bool wants_facts(const LinkMessage &message) const;

    Change put(Link link);
    /// @return the removed netdevice, if it was known
    std::optional<Link> remove(int ifindex);

    void put_address(const InterfaceAddress &address);
    void remove_address(const InterfaceAddress &address);
    /// The netdevice has an IPv4 or IPv6 address, link-local ones included.
    [[nodiscard]] bool is_routed(int ifindex) const;
    /// One address of the netdevice, IPv4 before IPv6; nullopt if it has none.
    [[nodiscard]] std::optional<InterfaceAddress> first_address(int ifindex) const;
    /// The netdevice has an address that may be in use. IPv6 link-local addresses do not count: a
    /// netdevice gets one whenever it is set up.
    [[nodiscard]] bool may_be_reached(int ifindex) const;

    void begin_listing();
    /// Removes the addresses that the listing did not name.
    /// @return the netdevices that it did not name. They stay in the table until remove().
    [[nodiscard]] std::vector<int> end_listing();

    [[nodiscard]] const Link *find(int ifindex) const;
    [[nodiscard]] const Link *find(const std::string &name) const;
    /// The netdevices over a device that have this current or permanent address, by ifindex.
    [[nodiscard]] std::vector<const Link *> with_mac(const MacAddress &mac) const;
    /// NetVSC netdevices, by ifindex.
    [[nodiscard]] std::vector<const Link *> netvscs() const;
    [[nodiscard]] std::size_t size() const { return links_.size(); }

private:
    struct Entry {
        Link link;
        unsigned listing = 0; ///< the last listing that named it
    };
    void index(const Link &link);
    void unindex(const Link &link);

    std::unordered_map<int, Entry> links_;
    std::unordered_map<std::string, int> by_name_;
    std::unordered_map<MacAddress, std::set<int>> by_mac_;
    std::set<int> netvscs_;
    /// The addresses of each netdevice, with the last listing that named them.
    std::unordered_map<int, std::map<InterfaceAddress, unsigned>> addresses_;
    std::optional<Link> previous_;
    unsigned listing_ = 0;
};

} // namespace netvsc
