// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-doctor/read_machine.hpp"

#include "base/parse_number.hpp"
#include "netvsc-doctor/leftovers.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include <rte_build_config.h>

namespace netvsc::doctor {
namespace {

namespace fs = std::filesystem;

bool is_hyperv(const Files &files) {
    return !files.names("/sys/bus/vmbus/devices").empty() ||
           (files.text("/sys/class/dmi/id/sys_vendor") == "Microsoft Corporation" &&
            files.text("/sys/class/dmi/id/product_name") == "Virtual Machine");
}

// "kernel/net/sched/sch_multiq.ko.xz: ..." is sch_multiq. A file's name may have '-' for '_'.
std::string module_of(std::string_view line) {
    line = line.substr(0, line.find(':'));
    line = line.substr(line.rfind('/') + 1);
    std::string name(line.substr(0, line.find('.')));
    std::ranges::replace(name, '-', '_');
    return name;
}

void read_modules(const Files &files, Machine &machine) {
    machine.loaded_modules = files.names("/sys/module");
    machine.modules = machine.loaded_modules;
    const std::string folder = "/lib/modules/" + files.text("/proc/sys/kernel/osrelease") + "/";
    for (const char *list : {"modules.builtin", "modules.dep"}) {
        for (const std::string &line : files.lines(folder + list))
            machine.modules.insert(module_of(line));
    }
    // The kernel's socket families, also those without a module.
    for (const std::string &line : files.lines("/proc/net/protocols")) {
        if (line.starts_with("PACKET "))
            machine.modules.insert("af_packet");
        machine.xdp_sockets |= line.starts_with("XDP ");
    }
}

void read_hugepages(const Files &files, Machine &machine) {
    constexpr std::string_view prefix = "hugepages-";
    constexpr std::string_view suffix = "kB";
    const std::string folder = "/sys/kernel/mm/hugepages";
    for (const std::string &name : files.names(folder)) {
        std::string_view size = name;
        if (!size.starts_with(prefix) || !size.ends_with(suffix))
            continue;
        size.remove_prefix(prefix.size());
        size.remove_suffix(suffix.size());
        const auto kilobytes = parse_number<unsigned>(size);
        if (!kilobytes)
            continue;
        const auto count = [&](const char *file) {
            const auto path = std::filesystem::path(folder) / name / file;
            return parse_number<unsigned>(files.text(path.string())).value_or(0);
        };
        machine.hugepages[*kilobytes] = count("nr_hugepages");
        machine.free_hugepages[*kilobytes] = count("free_hugepages");
    }
    machine.hugetlbfs = std::ranges::any_of(files.lines("/proc/mounts"), [](const auto &line) {
        return line.find(" hugetlbfs ") != std::string::npos;
    });
}

// "0-3,8" (the format of cpumask_pr_args(), proc(5)).
std::vector<unsigned> parse_cpus(std::string_view list) {
    std::vector<unsigned> cpus;
    while (!list.empty()) {
        const auto range = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), range.size() + 1));
        const auto dash = range.find('-');
        const auto first = parse_number<unsigned>(range.substr(0, dash));
        const auto last =
            dash == std::string_view::npos ? first : parse_number<unsigned>(range.substr(dash + 1));
        if (!first || !last)
            return cpus;
        for (unsigned cpu = *first; cpu <= *last; ++cpu)
            cpus.push_back(cpu);
    }
    return cpus;
}

void read_process(const Files &files, Machine &machine) {
    const auto after = [](std::string_view line, std::string_view name) -> std::string_view {
        if (!line.starts_with(name))
            return {};
        line.remove_prefix(name.size());
        return line.substr(std::min(line.find_first_not_of("\t "), line.size()));
    };
    for (const std::string &line : files.lines("/proc/self/status")) {
        if (const auto set = after(line, "CapEff:"); !set.empty())
            machine.capabilities = parse_number<std::uint64_t>(set, 16).value_or(0);
        if (const auto list = after(line, "Cpus_allowed_list:"); !list.empty())
            machine.cpus = parse_cpus(list);
    }
    for (const char *file : {"/dev/net/tun", "/dev/vhost-net"}) {
        if (files.usable(file))
            machine.device_files.insert(file);
    }
}

// EAL's driver folder is <libdir>/dpdk/pmds-<version>, and librte_eal.so.<version> is in <libdir>.
void read_dpdk(const Files &files, Machine &machine) {
    constexpr std::string_view folder_prefix = "pmds-";
    constexpr std::string_view library = "librte_eal.so.";
    machine.pmd_folder = RTE_EAL_PMD_PATH;
    const fs::path folder(machine.pmd_folder);
    machine.pmds = files.names(machine.pmd_folder);
    const std::string name = folder.filename();
    if (!name.starts_with(folder_prefix))
        return;
    machine.built_for = name.substr(folder_prefix.size());
    for (const std::string &file : files.names(folder.parent_path().parent_path())) {
        if (!file.starts_with(library))
            continue;
        // "23" is a link to "23.0".
        const std::string version = file.substr(library.size());
        if (version.find('.') != std::string::npos)
            machine.eal_versions.insert(version);
    }
}

// EAL refuses plugins below a folder that anybody may write to (verify_perms() in its
// eal_common_options.c).
void read_plugin(const Files &files, const std::string &plugin, Machine &machine) {
    machine.plugin = plugin;
    machine.plugin_exists = files.exists(plugin);
    for (fs::path folder = fs::path(plugin).parent_path(); folder.has_relative_path();
         folder = folder.parent_path()) {
        std::error_code error;
        const auto status = fs::status(files.path(folder), error);
        if (!error && (status.permissions() & fs::perms::others_write) != fs::perms::none)
            machine.open_folder = folder;
    }
}

} // namespace

Machine read_machine(const KernelNetdevices &kernel, const Files &files,
                     const std::string &plugin) {
    Machine machine;
    machine.hyperv = is_hyperv(files);
    machine.netvscs = find_netvscs(kernel, files);
    machine.iommu = !files.names("/sys/kernel/iommu_groups").empty();
    read_modules(files, machine);
    read_hugepages(files, machine);
    read_process(files, machine);
    read_dpdk(files, machine);
    read_plugin(files, plugin, machine);
    read_leftovers(files, machine);
    return machine;
}

} // namespace netvsc::doctor
