// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "common/temporary_folder.hpp"
#include "netvsc-doctor/netdevices.hpp"
#include "vdev_netvsc/core/netdevices.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace netvsc::doctor {

/// A folder that stands for / with sysfs, proc and others, and the netdevices that rtnetlink would
/// list.
class FakeRoot {
public:
    void write(const std::string &name, const std::string &text) const {
        const auto file = path(name);
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text << '\n';
    }
    void make_folder(const std::string &name) const {
        std::filesystem::create_directories(path(name));
    }
    /// A link as sysfs has them: relative, and it ends with its target's name.
    void link(const std::string &name, const std::string &target) const {
        const auto file = path(name);
        make_folder(target);
        std::filesystem::create_directories(file.parent_path());
        const auto to = path(target);
        std::filesystem::create_symlink(
            to.parent_path().lexically_relative(file.parent_path()) / to.filename(), file);
    }
    [[nodiscard]] std::filesystem::path path(const std::string &name) const {
        return folder_.path().string() + name;
    }
    [[nodiscard]] Files files() const { return Files(folder_.path()); }

    void netvsc(const std::string &name, int ifindex, unsigned mac) {
        const std::string device = "/sys/devices/vmbus/" + std::to_string(ifindex);
        write(device + "/class_id", "{f8615163-df3e-46c5-913f-f2d2f965ed0e}");
        link(device + "/subsystem", "/sys/bus/vmbus");
        add(test::netvsc(name, ifindex, test::mac(mac)), device);
    }
    void vf(const std::string &name, int ifindex, unsigned mac, const std::string &pci,
            const std::string &driver) {
        const std::string device = "/sys/bus/pci/devices/" + pci;
        link(device + "/subsystem", "/sys/bus/pci");
        if (!driver.empty())
            link(device + "/driver", "/sys/bus/pci/drivers/" + driver);
        add(test::vf(name, ifindex, test::mac(mac), pci), device);
    }
    void add(const Link &netdevice, const std::string &device = "") {
        const std::string folder = "/sys/class/net/" + netdevice.name();
        write(folder + "/ifindex", std::to_string(netdevice.ifindex()));
        if (!device.empty())
            link(folder + "/device", device);
        kernel.links[netdevice.ifindex()] = netdevice.message;
    }

    KernelNetdevices kernel;

private:
    test::TemporaryFolder folder_;
};

} // namespace netvsc::doctor
