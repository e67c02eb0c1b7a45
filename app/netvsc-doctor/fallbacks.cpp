// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-doctor/fallbacks.hpp"

#include <linux/capability.h>

namespace netvsc::doctor {
namespace {

struct Capability {
    unsigned number;
    const char *name;
};
constexpr Capability net_admin{.number = CAP_NET_ADMIN, .name = "CAP_NET_ADMIN"};
constexpr Capability net_raw{.number = CAP_NET_RAW, .name = "CAP_NET_RAW"};
constexpr Capability sys_admin{.number = CAP_SYS_ADMIN, .name = "CAP_SYS_ADMIN"};

struct Needs {
    std::vector<const char *> modules;
    std::vector<const char *> device_files;
    std::vector<Capability> capabilities;
    const char *pmd = nullptr;
};

// doc/guides/nics/vdev_netvsc_fallback.rst and doc/guides/howto/run_without_root.rst have them.
Needs needs_of(Fallback fallback) {
    switch (fallback) {
    case Fallback::tap:
        return {.modules = {"tun", "sch_ingress", "sch_multiq", "cls_flower", "act_mirred",
                            "act_gact", "act_skbedit"},
                .device_files = {"/dev/net/tun"},
                .capabilities = {net_admin},
                .pmd = "librte_net_tap.so"};
    case Fallback::af_packet:
        return {.modules = {"af_packet"},
                .device_files = {},
                .capabilities = {net_admin, net_raw},
                .pmd = "librte_net_af_packet.so"};
    case Fallback::af_xdp:
        return {.modules = {},
                .device_files = {},
                .capabilities = {net_admin, net_raw, sys_admin},
                .pmd = "librte_net_af_xdp.so"};
    case Fallback::virtio_user:
        return {.modules = {"tun", "vhost_net", "sch_ingress", "cls_matchall", "act_mirred",
                            "act_skbedit"},
                .device_files = {"/dev/net/tun", "/dev/vhost-net"},
                .capabilities = {net_admin, net_raw},
                .pmd = "librte_net_virtio.so"};
    }
    return {};
}

std::string joined(const std::vector<std::string> &parts) {
    std::string text;
    for (const std::string &part : parts)
        text += (text.empty() ? "" : ", ") + part;
    return text;
}

} // namespace

std::string FallbackNeeds::text() const {
    std::vector<std::string> parts;
    if (!modules.empty())
        parts.push_back("kernel modules " + joined(modules));
    if (xdp_sockets)
        parts.emplace_back("AF_XDP sockets of the kernel");
    if (!device_files.empty())
        parts.push_back("access to " + joined(device_files));
    if (!capabilities.empty())
        parts.push_back(joined(capabilities));
    if (!pmd.empty())
        parts.push_back("DPDK's " + pmd);
    return joined(parts);
}

FallbackNeeds missing_for(Fallback fallback, const Machine &machine) {
    const Needs needs = needs_of(fallback);
    FallbackNeeds missing;
    for (const char *module : needs.modules) {
        if (!machine.modules.contains(module))
            missing.modules.emplace_back(module);
    }
    for (const char *file : needs.device_files) {
        if (!machine.device_files.contains(file))
            missing.device_files.emplace_back(file);
    }
    for (const auto &[number, name] : needs.capabilities) {
        if (!machine.has_capability(number))
            missing.capabilities.emplace_back(name);
    }
    missing.xdp_sockets = fallback == Fallback::af_xdp && !machine.xdp_sockets;
    if (!machine.pmds.contains(needs.pmd))
        missing.pmd = needs.pmd;
    return missing;
}

std::optional<Fallback> working_fallback(const Machine &machine) {
    if (missing_for(Fallback::tap, machine).empty())
        return Fallback::tap;
    for (const Fallback fallback : fallbacks_by_preference) {
        if (missing_for(fallback, machine).empty())
            return fallback;
    }
    return std::nullopt;
}

} // namespace netvsc::doctor
