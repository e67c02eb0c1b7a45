// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/netdevice.hpp"

#include "base/file_descriptor.hpp"
#include "base/parse_number.hpp"
#include "sysfs/attribute.hpp"

#include <array>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <strings.h>
#include <unistd.h>

namespace netvsc {
namespace {

// NetVSC's class id on the VMBus (HV_NIC_GUID in the kernel's linux/hyperv.h).
constexpr std::string_view netvsc_class = "{f8615163-df3e-46c5-913f-f2d2f965ed0e}";
constexpr std::string_view microsoft_vendor = "0x1414";
constexpr std::string_view mana_device = "0x00ba";

bool equals(const Result<std::string> &attribute, std::string_view text) {
    return attribute && *attribute == text;
}

// The last component of a symbolic link's target.
std::optional<std::string> link_target_name(int folder, const char *path) {
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlinkat(folder, path, target.data(), target.size());
    if (size <= 0 || static_cast<std::size_t>(size) == target.size())
        return std::nullopt;
    const std::string_view whole(target.data(), static_cast<std::size_t>(size));
    return std::string(whole.substr(whole.rfind('/') + 1));
}

bool is_netvsc(int netdevice) {
    const auto id = read_attribute(netdevice, "device/class_id");
    return id && id->size() == netvsc_class.size() &&
           ::strncasecmp(id->data(), netvsc_class.data(), id->size()) == 0;
}

std::optional<PciAddress> pci_function(int netdevice, const std::string &path) {
    const auto subsystem = link_target_name(netdevice, "device/subsystem");
    if (subsystem == "pci") {
        const auto name = link_target_name(netdevice, "device");
        return name ? PciAddress::parse(*name) : std::nullopt;
    }
    // The parent of a virtio device is its PCI function.
    if (subsystem == "virtio" && link_target_name(netdevice, "device/../subsystem") == "pci") {
        const std::string parent = path + "/device/..";
        const std::unique_ptr<char, decltype(&std::free)> real(::realpath(parent.c_str(), nullptr),
                                                               &std::free);
        if (real) {
            const std::string_view whole(real.get());
            return PciAddress::parse(whole.substr(whole.rfind('/') + 1));
        }
    }
    return std::nullopt;
}

} // namespace

Result<DeviceFacts> Sysfs::netdevice(const std::string &name, int ifindex) const {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
        return failure(EINVAL, "netdevice name '" + name + "'");
    const std::string path = root_ + "/class/net/" + name;
    // The open folder stays this netdevice's folder, even if the netdevice is renamed meanwhile.
    const auto folder = FileDescriptor::open(path, O_PATH | O_DIRECTORY);
    if (!folder)
        return std::unexpected(folder.error());
    const auto index = read_attribute(folder->get(), "ifindex");
    const auto found = index ? parse_number<int>(*index) : std::nullopt;
    if (!found)
        return failure(ENODEV, "read " + path + "/ifindex");
    if (*found != ifindex)
        return failure(ESTALE, path + " is netdevice " + *index);

    if (is_netvsc(folder->get()))
        return DeviceFacts{.netvsc = true, .pci = {}};
    DeviceFacts facts;
    facts.pci = pci_function(folder->get(), path);
    facts.mana = facts.pci &&
                 equals(read_attribute(folder->get(), "device/vendor"), microsoft_vendor) &&
                 equals(read_attribute(folder->get(), "device/device"), mana_device);
    return facts;
}

Result<DeviceFacts> Sysfs::pci_netdevice(const PciAddress &pci) const {
    const std::string path = root_ + "/bus/pci/devices/" + pci.to_string();
    const auto vendor = read_attribute(AT_FDCWD, path + "/vendor");
    if (!vendor)
        return failure(ENODEV, "read " + path + "/vendor");
    return DeviceFacts{.pci = pci,
                       .mana = *vendor == microsoft_vendor &&
                               equals(read_attribute(AT_FDCWD, path + "/device"), mana_device)};
}

} // namespace netvsc
