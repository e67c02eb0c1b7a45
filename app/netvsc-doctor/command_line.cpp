// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-doctor/command_line.hpp"

#include "core/link.hpp"
#include "netvsc-doctor/fallbacks.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace netvsc::doctor {
namespace {

// testpmd needs a main lcore and one that forwards.
std::string lcores(const Machine &machine) {
    const unsigned first = machine.cpus.empty() ? 0 : machine.cpus.front();
    if (machine.cpus.size() < 2)
        return "--lcores=(0,1)@" + std::to_string(first);
    return "--lcores=" + std::to_string(first) + "," + std::to_string(machine.cpus[1]);
}

std::string device(const Machine &machine) {
    std::string text = "--vdev=net_vdev_netvsc0";
    for (const NetvscFacts &netvsc : machine.netvscs) {
        if (netvsc.taken)
            text += safe_in_devargs(netvsc.name) || !netvsc.mac ? ",iface=" + netvsc.name
                                                                : ",mac=" + netvsc.mac->to_string();
    }
    if (const auto fallback = working_fallback(machine); fallback && *fallback != Fallback::tap)
        text += ",fallback=" + std::string(name_of(*fallback));
    return text;
}

// Keeps EAL from the VFs of the other NetVSC netdevices: a PMD would take their traffic.
void add_pci_arguments(const Machine &machine, std::vector<std::string> &words) {
    std::map<PciAddress, std::string> wanted; ///< with the ports of a MANA function
    std::set<PciAddress> unwanted;
    for (const NetvscFacts &netvsc : machine.netvscs) {
        for (const VfFacts &vf : netvsc.vfs) {
            if (!netvsc.taken)
                unwanted.insert(vf.pci);
            else if (std::string &ports = wanted[vf.pci]; vf.mana && netvsc.mac)
                ports += ",mac=" + netvsc.mac->to_string();
        }
    }
    // Ports of one function: only a list of the allowed ones separates them.
    const bool share =
        std::ranges::any_of(unwanted, [&](const PciAddress &pci) { return wanted.contains(pci); });
    if (share) {
        for (const auto &[pci, ports] : wanted)
            words.insert(words.end(), {"-a", pci.to_string() + ports});
        return;
    }
    for (const PciAddress &pci : unwanted)
        words.insert(words.end(), {"-b", pci.to_string()});
}

bool has_free_hugepages(const Machine &machine) {
    return machine.hugetlbfs && std::ranges::any_of(machine.free_hugepages, [](const auto &entry) {
               return entry.second != 0;
           });
}

} // namespace

std::expected<void, std::string> choose(Machine &machine, std::span<const std::string> names) {
    for (NetvscFacts &netvsc : machine.netvscs)
        netvsc.taken = names.empty() ? netvsc.use().empty()
                                     : std::ranges::find(names, netvsc.name) != names.end();
    for (const std::string &name : names) {
        if (std::ranges::find(machine.netvscs, name, &NetvscFacts::name) == machine.netvscs.end())
            return std::unexpected("--iface " + name + ": expected a NetVSC netdevice");
    }
    return {};
}

std::vector<std::string> testpmd_command(const Machine &machine) {
    if (!machine.plugin_exists || !working_fallback(machine) ||
        std::ranges::none_of(machine.netvscs, &NetvscFacts::taken))
        return {};
    std::vector<std::string> words{"dpdk-testpmd", lcores(machine), "-d", machine.plugin,
                                   device(machine)};
    add_pci_arguments(machine, words);
    const bool hugepages = has_free_hugepages(machine);
    if (!hugepages)
        words.insert(words.end(), {"--no-huge", "-m", "512"});
    words.insert(words.end(), {"--", "-i"});
    // testpmd's default number, for all possible lcores, can take more than these 512 MiB.
    if (!hugepages)
        words.emplace_back("--total-num-mbufs=32768");
    return words;
}

std::string quoted(std::span<const std::string> words) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,:=/@%+";
    std::string line;
    for (const std::string &word : words) {
        line += line.empty() ? "" : " ";
        if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
            line += word;
            continue;
        }
        line += '\'';
        for (const char c : word)
            line += c == '\'' ? std::string("'\\''") : std::string(1, c);
        line += '\'';
    }
    return line;
}

} // namespace netvsc::doctor
