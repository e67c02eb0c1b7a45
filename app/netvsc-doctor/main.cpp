// SPDX-License-Identifier: BSD-3-Clause
//
// Checks a machine before net_vdev_netvsc is used on it.

#include "netvsc-doctor/command_line.hpp"
#include "netvsc-doctor/netdevices.hpp"
#include "netvsc-doctor/options.hpp"
#include "netvsc-doctor/read_machine.hpp"
#include "netvsc-doctor/report.hpp"
#include "tool/run_tool.hpp"

#include <filesystem>
#include <iostream>

namespace netvsc::doctor {
namespace {

int complain(const std::string &problem) {
    std::cerr << "netvsc-doctor: " << problem << '\n';
    return 2;
}

int run(const Options &options) {
    const auto kernel = list_netdevices();
    if (!kernel) {
        std::cerr << "netvsc-doctor: netdevices: " << kernel.error().message() << '\n';
        return 1;
    }
    const std::string plugin = std::filesystem::absolute(options.plugin).lexically_normal();
    Machine machine = read_machine(*kernel, Files(options.root), plugin);
    if (const auto chosen = choose(machine, options.interfaces); !chosen)
        return complain(chosen.error());
    const Report report = examine(std::move(machine));
    using nlohmann::json;
    std::cout << (options.json
                      ? json_of(report).dump(2, ' ', false, json::error_handler_t::replace) + "\n"
                      : text_of(report))
              << std::flush;
    return std::cout && !report.has_error() ? 0 : 1;
}

} // namespace
} // namespace netvsc::doctor

int main(int count, char **arguments) {
    using namespace netvsc::doctor;
    return netvsc::run_tool<Options>("netvsc-doctor", count, arguments, run);
}
