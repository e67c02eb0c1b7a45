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

/// The netdevices of this network namespace, as far as they have been told of.
///
/// The cost of each operation does not depend on how many netdevices there are: netdevices made
/// by software (which may be thousands, all with one MAC address) are in no index by address.
/// A listing is bracketed by begin_listing() and end_listing(): what it did not name goes.
class LinkTable {
public:
    struct Change {
        const Link *before = nullptr; ///< as it was (valid until the next call), or null
        const Link *after = nullptr;  ///< as it is now
        /// Its name, addresses or device changed, or it is new: not only its flags or carrier.
        bool identity = false;
    };

    /// sysfs has to be asked about the device below this netdevice; else the facts known stay.
    [[nodiscard]] bool wants_facts(const LinkMessage &message) const;

    Change put(Link link);
    /// @return the netdevice taken out, if it was known
    std::optional<Link> remove(int ifindex);

    void put_address(const InterfaceAddress &address);
    void remove_address(const InterfaceAddress &address);
    /// The netdevice has an IPv4 or IPv6 address, link-local ones included.
    [[nodiscard]] bool is_routed(int ifindex) const;
    /// It has an address by which the machine may be reached: not only IPv6 link-local ones, which
    /// a netdevice gets by itself when it is brought up.
    [[nodiscard]] bool may_be_reached(int ifindex) const;

    void begin_listing();
    /// Drops the addresses a listing did not name.
    /// @return the netdevices it did not name, still in the table, for remove()
    [[nodiscard]] std::vector<int> end_listing();

    [[nodiscard]] const Link *find(int ifindex) const;
    [[nodiscard]] const Link *find(const std::string &name) const;
    /// The netdevices with a device below them that have this current or permanent address,
    /// in the order of their ifindex.
    [[nodiscard]] std::vector<const Link *> with_mac(const MacAddress &mac) const;
    /// NetVSC netdevices, in the order of their ifindex.
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
    /// For each netdevice its addresses, with the last listing that named them.
    std::unordered_map<int, std::map<InterfaceAddress, unsigned>> addresses_;
    std::optional<Link> previous_;
    unsigned listing_ = 0;
};

} // namespace netvsc
