// SPDX-License-Identifier: BSD-3-Clause
#include "core/link.hpp"
#include "netvsc-doctor/checks.hpp"
#include "netvsc-doctor/command_line.hpp"

#include <algorithm>
#include <array>

namespace netvsc::doctor {
namespace {

/// A kernel driver that shares its VFs with a PMD.
struct SharedDriver {
    std::string_view kernel;
    std::string_view rdma; ///< the kernel module through which the PMD uses the VF
    std::string_view pmd;
};
constexpr std::array shared_drivers{
    SharedDriver{.kernel = "mlx4_core", .rdma = "mlx4_ib", .pmd = "librte_net_mlx4.so"},
    SharedDriver{.kernel = "mlx5_core", .rdma = "mlx5_ib", .pmd = "librte_net_mlx5.so"},
    SharedDriver{.kernel = "mana", .rdma = "mana_ib", .pmd = "librte_net_mana.so"},
};

// Other names cannot be part of a command as they are; renaming() comes first.
std::string netvsc_command(const std::string &before, const NetvscFacts &netvsc,
                           const std::string &after) {
    return safe_in_devargs(netvsc.name) ? before + netvsc.name + after : "";
}

// A name that a terminal would obey is in no command.
std::string renaming(const NetvscFacts &netvsc) {
    if (printable(netvsc.name) != netvsc.name)
        return {};
    const std::vector<std::string> down{"ip", "link", "set", "dev", netvsc.name, "down"};
    const std::vector<std::string> rename{
        "ip", "link", "set", "dev", netvsc.name, "name", "nv" + std::to_string(netvsc.ifindex)};
    return quoted(down) + " && " + quoted(rename);
}

void check_use(const NetvscFacts &netvsc, Findings &findings) {
    if (const std::string use = netvsc.use(); !use.empty()) {
        findings.push_back({.verdict = netvsc.taken ? Verdict::warning : Verdict::note,
                            .subject = printable(netvsc.name),
                            .text = use + (netvsc.taken ? ": the application takes its traffic "
                                                          "from the kernel"
                                                        : ": left to the system"),
                            .fix = {}});
        return;
    }
    if (!safe_in_devargs(netvsc.name))
        findings.push_back(
            {.verdict = Verdict::warning,
             .subject = printable(netvsc.name),
             .text = "its name would change the meaning of device arguments: the driver does not "
                     "attach to it",
             .fix = renaming(netvsc)});
    if (netvsc.only_link_local())
        findings.push_back(
            {.verdict = Verdict::warning,
             .subject = printable(netvsc.name),
             .text = "its IPv6 link-local address " + text_of(netvsc.addresses.front()) +
                     " hides it from an instance without iface= and mac=",
             .fix = netvsc_command("sysctl -w net/ipv6/conf/", netvsc, "/disable_ipv6=1")});
    if (!netvsc.up && !netvsc.vfs.empty())
        findings.push_back({.verdict = Verdict::error,
                            .subject = printable(netvsc.name),
                            .text = "it is down and has a VF: hv_netvsc may block a PMD that sets "
                                    "the VF up",
                            .fix = netvsc_command("ip link set dev ", netvsc, " up")});
}

void check_vf(const NetvscFacts &netvsc, const VfFacts &vf, const Machine &machine,
              Findings &findings) {
    const std::string subject = printable(netvsc.name);
    const std::string name = "VF " + vf.pci.to_string();
    if (vf.driver.empty()) {
        findings.push_back({.verdict = Verdict::warning,
                            .subject = subject,
                            .text = name + " has no kernel driver",
                            .fix = "echo " + vf.pci.to_string() + " >/sys/bus/pci/drivers_probe"});
        return;
    }
    const auto shared = std::ranges::find(shared_drivers, vf.driver, &SharedDriver::kernel);
    if (shared == shared_drivers.end()) {
        findings.push_back(
            {.verdict = Verdict::warning,
             .subject = subject,
             .text = name + ": no PMD shares a VF with the kernel driver " + vf.driver +
                     ". The port uses its fallback, and the kernel this VF. With vf_bind= the "
                     "host would not send to the VF",
             .fix = {}});
        return;
    }
    if (!machine.pmds.contains(std::string(shared->pmd)))
        findings.push_back({.verdict = Verdict::warning,
                            .subject = subject,
                            .text = name + " (" + vf.driver + "): DPDK's " +
                                    std::string(shared->pmd) + " is not installed",
                            .fix = {}});
    if (!machine.loaded_modules.contains(std::string(shared->rdma)) ||
        !machine.loaded_modules.contains("ib_uverbs"))
        findings.push_back({.verdict = Verdict::warning,
                            .subject = subject,
                            .text = name + " (" + vf.driver +
                                    "): its PMD needs the kernel "
                                    "modules ib_uverbs and " +
                                    std::string(shared->rdma),
                            .fix = "modprobe -a ib_uverbs " + std::string(shared->rdma)});
    if (vf.mana)
        findings.push_back({.verdict = Verdict::warning,
                            .subject = subject,
                            .text = name +
                                    " is of MANA: by manadv(7) the port would receive "
                                    "nothing by it. Microsoft's set-up is DPDK's net_netvsc over "
                                    "uio_hv_generic",
                            .fix = {}});
}

} // namespace

void check_netdevices(const Machine &machine, Findings &findings) {
    if (machine.hyperv)
        findings.push_back({.verdict = Verdict::ok,
                            .subject = "Hyper-V",
                            .text = "this machine runs on Hyper-V",
                            .fix = {}});
    else
        findings.push_back({.verdict = Verdict::warning,
                            .subject = "Hyper-V",
                            .text = "no VMBus and no firmware of Hyper-V: the driver attaches only "
                                    "to netdevices that are named, with force=1",
                            .fix = {}});
    if (machine.netvscs.empty())
        findings.push_back({.verdict = Verdict::error,
                            .subject = "NetVSC",
                            .text = "there is no NetVSC netdevice",
                            .fix = {}});
    else if (std::ranges::none_of(machine.netvscs, &NetvscFacts::taken))
        findings.push_back({.verdict = Verdict::error,
                            .subject = "NetVSC",
                            .text = "the system uses every NetVSC netdevice, and this machine may "
                                    "be reached by it. --iface takes one nevertheless",
                            .fix = {}});
    for (const NetvscFacts &netvsc : machine.netvscs) {
        const std::size_t before = findings.size();
        check_use(netvsc, findings);
        if (!netvsc.taken)
            continue;
        for (const VfFacts &vf : netvsc.vfs)
            check_vf(netvsc, vf, machine, findings);
        if (netvsc.vfs.empty())
            findings.push_back({.verdict = Verdict::note,
                                .subject = printable(netvsc.name),
                                .text = "it has no VF now: the port begins on its fallback",
                                .fix = {}});
        if (findings.size() == before)
            findings.push_back({.verdict = Verdict::ok,
                                .subject = printable(netvsc.name),
                                .text = "it is free, and its VF can be used",
                                .fix = {}});
    }
}

} // namespace netvsc::doctor
