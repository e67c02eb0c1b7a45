// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-doctor/checks.hpp"
#include "netvsc-doctor/command_line.hpp"
#include "netvsc-doctor/fallbacks.hpp"

#include <algorithm>
#include <filesystem>

namespace netvsc::doctor {
namespace {

namespace fs = std::filesystem;

// A command that supplies a missing part; empty if there is none.
std::string fix_of(const FallbackNeeds &missing) {
    if (!missing.capabilities.empty())
        return "sudo netvsc-doctor";
    if (!missing.modules.empty())
        return "apt-get install linux-image-amd64";
    if (!missing.pmd.empty())
        return "apt-get install dpdk";
    std::string modules;
    for (const std::string &file : missing.device_files)
        modules += file == "/dev/net/tun" ? " tun" : " vhost_net";
    return "modprobe -a" + modules;
}

void check_fallbacks(const Machine &machine, Findings &findings) {
    const auto used = working_fallback(machine);
    for (const Fallback fallback :
         {Fallback::tap, Fallback::af_packet, Fallback::virtio_user, Fallback::af_xdp}) {
        const std::string name = "fallback=" + std::string(name_of(fallback));
        const FallbackNeeds missing = missing_for(fallback, machine);
        if (missing.empty()) {
            const bool instead = fallback == used && fallback != Fallback::tap;
            findings.push_back(
                {.verdict = Verdict::ok,
                 .subject = name,
                 .text = instead ? "it works here: use it in place of tap" : "it works here",
                 .fix = {}});
            continue;
        }
        const bool is_default = fallback == Fallback::tap;
        const Verdict missed = used ? Verdict::warning : Verdict::error;
        findings.push_back(
            {.verdict = is_default ? missed : Verdict::note,
             .subject = name,
             .text = (is_default ? "the default does not work here: " : "missing: ") +
                     missing.text() + (is_default ? " missing" : ""),
             .fix = is_default ? fix_of(missing) : ""});
    }
}

void check_hugepages(const Machine &machine, Findings &findings) {
    const auto total = [](const auto &pages) {
        return std::ranges::any_of(pages, [](const auto &entry) { return entry.second != 0; });
    };
    std::string text;
    std::string fix;
    if (!total(machine.hugepages)) {
        text = "there are none";
        fix = "sysctl -w vm.nr_hugepages=512";
    } else if (!total(machine.free_hugepages)) {
        text = "none is free: other processes use them, or ended without removing their files";
    } else if (!machine.hugetlbfs) {
        text = "no hugetlbfs is mounted";
        fix = "mkdir -p /dev/hugepages && mount -t hugetlbfs none /dev/hugepages";
    }
    if (!text.empty()) {
        findings.push_back({.verdict = Verdict::warning,
                            .subject = "hugepages",
                            .text = text + ". EAL does without by --no-huge",
                            .fix = fix});
        return;
    }
    for (const auto &[kilobytes, pages] : machine.free_hugepages) {
        if (pages != 0)
            findings.push_back({.verdict = Verdict::ok,
                                .subject = "hugepages",
                                .text = std::to_string(pages) + " of " + std::to_string(kilobytes) +
                                        " kB are free",
                                .fix = {}});
    }
}

void check_vfio(const Machine &machine, Findings &findings) {
    const bool vfio = machine.modules.contains("vfio_pci");
    findings.push_back(
        {.verdict = machine.iommu && vfio ? Verdict::ok : Verdict::note,
         .subject = "vfio",
         .text = machine.iommu
                     ? (vfio ? "an IOMMU and vfio-pci: vf_bind=vfio-pci works"
                             : "the kernel module vfio-pci is missing: vf_bind=vfio-pci fails")
                     : "no IOMMU: vf_bind=vfio-pci fails. mlx4, mlx5 and MANA do not need it",
         .fix = {}});
}

void check_leftovers(const Machine &machine, Findings &findings) {
    const auto add = [&](Verdict verdict, std::string text, std::string fix = {}) {
        findings.push_back({.verdict = verdict,
                            .subject = "leftovers",
                            .text = std::move(text),
                            .fix = std::move(fix)});
    };
    for (const std::string &name : machine.leftovers)
        add(Verdict::note, "a killed process has left the change '" + name +
                               "'. The next start of the driver reverts it");
    for (const auto &[beginning, files] : machine.hugepage_files)
        add(Verdict::warning,
            std::to_string(files.count) + " files " + beginning +
                "*, whose process has ended, use " + std::to_string(files.bytes >> 20U) +
                " MB of hugepages. The next start of EAL with hugepages removes them",
            "find " + quoted(std::vector{fs::path(beginning).parent_path().string()}) + " -name " +
                quoted(std::vector{fs::path(beginning).filename().string() + "*"}) +
                " -exec flock --nonblock {} rm {} \\;");
    for (const std::string &name : machine.abandoned_areas)
        add(Verdict::note,
            "no process has locked the keepalive area " + name +
                ": a killed process has left it, or DPDK's l2fwd-keepalive uses it. The next start "
                "of the driver with this name replaces it");
}

} // namespace

void check_system(const Machine &machine, Findings &findings) {
    check_fallbacks(machine, findings);
    check_hugepages(machine, findings);
    check_vfio(machine, findings);
    check_leftovers(machine, findings);
}

void check_dpdk(const Machine &machine, Findings &findings) {
    const auto add = [&](Verdict verdict, std::string text, std::string fix = {}) {
        findings.push_back({.verdict = verdict,
                            .subject = "DPDK",
                            .text = std::move(text),
                            .fix = std::move(fix)});
    };
    std::string installed;
    for (const std::string &version : machine.eal_versions)
        installed += (installed.empty() ? "" : ", ") + version;
    if (machine.built_for.empty())
        add(Verdict::note, "this DPDK has no driver folder, so its version is not checked");
    else if (machine.eal_versions.contains(machine.built_for))
        add(Verdict::ok, "librte_eal " + machine.built_for +
                             " is installed, for which the driver "
                             "was built");
    else if (machine.eal_versions.empty())
        add(Verdict::error,
            "no librte_eal is installed beside " + machine.pmd_folder +
                "; the driver was built "
                "for " +
                machine.built_for,
            "apt-get install dpdk");
    else
        add(Verdict::error, "the driver was built for librte_eal " + machine.built_for +
                                ", and installed is " + installed +
                                ": it does not load. Build it for "
                                "the installed DPDK");
    if (!machine.plugin_exists)
        add(Verdict::error, "the driver " + machine.plugin + " does not exist. --plugin names it",
            "meson install -C build");
    else if (!machine.open_folder.empty())
        add(Verdict::error,
            "EAL refuses " + machine.plugin + ": anybody may write to " + machine.open_folder,
            "install -D -t /usr/local/lib/dpdk-vdev-netvsc " + machine.plugin);
    else
        add(Verdict::ok, "the driver is " + machine.plugin);
}

} // namespace netvsc::doctor
