// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-doctor/netdevices.hpp"

#include "base/overloaded.hpp"
#include "core/link.hpp"
#include "netlink/link_monitor.hpp"
#include "sysfs/netdevice.hpp"
#include "sysfs/pci_driver.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>

namespace netvsc::doctor {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 5s;

std::vector<std::string> words_of(const std::string &line) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;)
        words.push_back(std::move(word));
    return words;
}

// The netdevices with a default route. The formats: fib_route_seq_show() in Linux's
// net/ipv4/fib_trie.c, rt6_info_route() in net/ipv6/route.c.
std::set<std::string> default_routes(const Files &files) {
    constexpr std::size_t destination = 1;
    constexpr std::size_t mask = 7;
    std::set<std::string> netdevices;
    for (const std::string &line : files.lines("/proc/net/route")) {
        const auto words = words_of(line);
        if (words.size() > mask && words[destination] == "00000000" && words[mask] == "00000000")
            netdevices.insert(words.front());
    }
    const std::string any(32, '0');
    for (const std::string &line : files.lines("/proc/net/ipv6_route")) {
        const auto words = words_of(line);
        // The kernel's own route to nowhere is at lo.
        if (words.size() > 2 && words[0] == any && words[1] == "00" && words.back() != "lo")
            netdevices.insert(words.back());
    }
    return netdevices;
}

std::vector<std::string> uppers_of(const std::string &name, const Files &files) {
    constexpr std::string_view prefix = "upper_";
    std::vector<std::string> uppers;
    for (const std::string &entry : files.names("/sys/class/net/" + name)) {
        if (entry.starts_with(prefix))
            uppers.push_back(entry.substr(prefix.size()));
    }
    return uppers;
}

bool is_vf_of(const Link &vf, const Link &netvsc) {
    const auto has = [&](const std::optional<MacAddress> &mac) { return mac && vf.has_mac(*mac); };
    return vf.may_be_vf() && (has(netvsc.message.mac) || has(netvsc.message.permanent_mac));
}

} // namespace

Result<KernelNetdevices> list_netdevices() {
    auto monitor = LinkMonitor::open();
    if (!monitor)
        return std::unexpected(std::move(monitor.error()));
    KernelNetdevices found;
    const auto sink = [&](const NetlinkEvent &event) {
        std::visit(Overloaded{
                       [&](const LinkMessage &link) { found.links[link.ifindex] = link; },
                       [&](const LinkGone &gone) { found.links.erase(gone.ifindex); },
                       [&](const AddressMessage &message) {
                           if (message.gone)
                               found.addresses.erase(message.address);
                           else
                               found.addresses.insert(message.address);
                       },
                       [&](DumpBegin) { found = {}; },
                       [](DumpDone) {},
                   },
                   event);
    };
    if (auto read = monitor->read_until_dumped(sink, patience); !read)
        return std::unexpected(std::move(read.error()));
    return found;
}

std::vector<NetvscFacts> find_netvscs(const KernelNetdevices &kernel, const Files &files) {
    const std::string sysfs_root = files.path("/sys");
    const Sysfs sysfs(sysfs_root);
    std::vector<Link> links;
    for (const auto &[ifindex, message] : kernel.links) {
        const auto facts = sysfs.netdevice(message.name, ifindex);
        links.push_back({.message = message, .facts = facts.value_or(DeviceFacts{})});
    }
    const auto routes = default_routes(files);
    std::vector<NetvscFacts> netvscs;
    for (const Link &link : links) {
        if (!link.is_netvsc())
            continue;
        NetvscFacts netvsc{.name = link.name(),
                           .ifindex = link.ifindex(),
                           .mac = link.message.mac,
                           .addresses = {},
                           .up = link.is_up(),
                           .default_route = routes.contains(link.name()),
                           .uppers = uppers_of(link.name(), files),
                           .vfs = {}};
        std::ranges::copy_if(
            kernel.addresses, std::back_inserter(netvsc.addresses),
            [&](const InterfaceAddress &address) { return address.ifindex == link.ifindex(); });
        for (const Link &other : links) {
            if (is_vf_of(other, link))
                netvsc.vfs.push_back(
                    {.netdevice = other.name(),
                     .pci = *other.facts.pci,
                     .driver = PciDriver(*other.facts.pci, sysfs_root).current().value_or(""),
                     .mana = other.facts.mana});
        }
        netvscs.push_back(std::move(netvsc));
    }
    return netvscs;
}

} // namespace netvsc::doctor
