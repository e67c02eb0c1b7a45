// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netlink/link_message.hpp"
#include "netlink/mac_address.hpp"
#include "sysfs/pci_address.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace netvsc::doctor {

/// A VF of a NetVSC: a netdevice of a PCI function with the same MAC address.
struct VfFacts {
    std::string netdevice;
    PciAddress pci;
    std::string driver; ///< its kernel driver; empty: none
    bool mana = false;
};

/// A NetVSC netdevice.
struct NetvscFacts {
    std::string name;
    int ifindex = 0;
    std::optional<MacAddress> mac;
    std::vector<InterfaceAddress> addresses;
    bool up = false;
    bool default_route = false;      ///< a default route leads out by it
    std::vector<std::string> uppers; ///< bridges, bonds, VLANs and so on over it
    std::vector<VfFacts> vfs;
    bool taken = false; ///< the command line uses it

    /// It has addresses, and all of them are IPv6 link-local ones.
    [[nodiscard]] bool only_link_local() const;
    /// Why the system needs it; empty if it does not.
    [[nodiscard]] std::string use() const;
};

/// The facts of a machine that the checks need.
struct Machine {
    bool hyperv = false;
    std::vector<NetvscFacts> netvscs;
    /// The kernel modules that are loaded, built in, or can be loaded.
    std::set<std::string> modules;
    std::set<std::string> loaded_modules;
    bool xdp_sockets = false; ///< the kernel has AF_XDP sockets
    /// The device files that this user can read and write.
    std::set<std::string> device_files;
    std::map<unsigned, unsigned> hugepages;      ///< number of pages by their size in kB
    std::map<unsigned, unsigned> free_hugepages; ///< the same
    bool hugetlbfs = false;                      ///< a file system of hugepages is mounted
    bool iommu = false;
    std::uint64_t capabilities = 0; ///< effective ones, by CAP_* of linux/capability.h
    std::vector<unsigned> cpus;     ///< that this process may use

    std::string pmd_folder;     ///< EAL's driver folder
    std::set<std::string> pmds; ///< the files in it
    /// The version of librte_eal, as in its file's name, that this tool and the driver were built
    /// for: "23.0".
    std::string built_for;
    std::set<std::string> eal_versions; ///< those that are installed beside it

    std::string plugin; ///< the driver's file
    bool plugin_exists = false;
    std::string open_folder; ///< one above the plugin that anybody may write to; empty: none

    /// Entries in the driver's folder of processes that have ended.
    std::vector<std::string> leftovers;
    /// Files of hugepages of processes that have ended.
    struct HugepageFiles {
        unsigned count = 0;
        std::uint64_t bytes = 0;
    };
    /// By the beginning of their names: "/dev/hugepages/rtemap_".
    std::map<std::string, HugepageFiles> hugepage_files;
    /// Names of keepalive areas that no process has locked: "/dpdk_keepalive_shm_name".
    std::vector<std::string> abandoned_areas;

    [[nodiscard]] bool has_capability(unsigned number) const {
        return (capabilities >> number & 1U) != 0;
    }
};

} // namespace netvsc::doctor
