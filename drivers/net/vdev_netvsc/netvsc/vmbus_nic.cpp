// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc/vmbus_nic.hpp"

#include "base/parse_number.hpp"
#include "netdev/netdevice_control.hpp"
#include "netlink/interface_addresses.hpp"
#include "sysfs/attribute.hpp"

#include <fcntl.h>
#include <filesystem>
#include <net/if.h>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace netvsc {
namespace {

namespace fs = std::filesystem;

constexpr const char *uio_driver = "uio_hv_generic";
constexpr const char *netvsc_driver = "hv_netvsc";
constexpr std::string_view bus = "/sys/bus/vmbus";

// The process that has this file open; nullopt: none that this process may see.
std::optional<std::string> holder_of(const fs::path &file) {
    std::error_code error;
    for (const auto &process : fs::directory_iterator("/proc", error)) {
        if (!parse_number<int>(process.path().filename().string()))
            continue;
        for (fs::directory_iterator open(process.path() / "fd", error), end; !error && open != end;
             open.increment(error)) {
            std::error_code closed;
            if (fs::read_symlink(open->path(), closed) == file)
                return process.path().filename().string();
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<VmbusNic> VmbusNic::of_netdevice(const std::string &name) {
    std::error_code error;
    const fs::path device = fs::path("/sys/class/net") / name / "device";
    if (fs::read_symlink(device / "subsystem", error).filename() != "vmbus" || error)
        return std::nullopt;
    const fs::path target = fs::read_symlink(device, error);
    if (error)
        return std::nullopt;
    return VmbusNic(target.filename().string());
}

bool VmbusNic::uio_driver_loaded() {
    return ::access((std::string(bus) + "/drivers/" + uio_driver).c_str(), F_OK) == 0;
}

bool VmbusNic::exists() const { return driver_.exists(); }

std::string VmbusNic::kernel_driver() const { return driver_.current().value_or(""); }

// The name of the first entry in this folder of the device: its netdevice, its UIO device.
std::optional<std::string> VmbusNic::entry_of(const std::string &folder) const {
    std::error_code error;
    const fs::directory_iterator entry(fs::path(bus) / "devices" / guid_ / folder, error);
    if (error || entry == fs::directory_iterator{})
        return std::nullopt;
    return entry->path().filename().string();
}

Result<SavedNetdevice> VmbusNic::save() const {
    const auto name = entry_of("net");
    if (!name)
        return failure(ENODEV, "netdevice of VMBus device " + guid_);
    const std::string path = "/sys/class/net/" + *name + "/";
    const auto mtu = read_attribute(AT_FDCWD, path + "mtu");
    const auto flags = read_attribute(AT_FDCWD, path + "flags");
    const auto mac = read_attribute(AT_FDCWD, path + "address");
    const auto ifindex = read_attribute(AT_FDCWD, path + "ifindex");
    for (const auto *attribute : {&mtu, &flags, &mac, &ifindex}) {
        if (!*attribute)
            return std::unexpected(attribute->error());
    }
    const auto number = parse_number<unsigned>(std::string_view(*flags).substr(2), 16);
    const auto address = MacAddress::parse(*mac);
    SavedNetdevice saved{.name = *name,
                         .mtu = parse_number<int>(*mtu).value_or(0),
                         .up = (number.value_or(0) & IFF_UP) != 0,
                         .mac = address.value_or(MacAddress{}),
                         .addresses = {}};
    const auto addresses = interface_addresses(parse_number<int>(*ifindex).value_or(0));
    if (!addresses)
        return std::unexpected(addresses.error());
    for (InterfaceAddress found : *addresses) {
        found.ifindex = 0;
        if (!is_link_local(found))
            saved.addresses.push_back(found);
    }
    return saved;
}

Result<void> VmbusNic::take() const { return driver_.bind(uio_driver); }

Result<void> VmbusNic::check_unused() const {
    const auto uio = entry_of("uio");
    const auto holder = uio ? holder_of("/dev/" + *uio) : std::nullopt;
    if (holder)
        return failure(EBUSY, "/dev/" + *uio + " is open in process " + *holder);
    return {};
}

Result<void> VmbusNic::restore(const SavedNetdevice &saved) const {
    if (kernel_driver() != netvsc_driver) {
        if (auto unused = check_unused(); !unused)
            return unused;
        if (auto restored = driver_.restore(); !restored)
            return restored;
    }
    if (kernel_driver() != netvsc_driver)
        return failure(ENODEV, "binding VMBus device " + guid_ + " to " + netvsc_driver);
    return apply(saved);
}

// A failed step does not stop the others. The first error counts.
Result<void> VmbusNic::apply(const SavedNetdevice &saved) const {
    const auto name = entry_of("net");
    if (!name)
        return failure(ENODEV, "netdevice of VMBus device " + guid_);
    const auto netdevice =
        NetdeviceControl::open(static_cast<int>(::if_nametoindex(name->c_str())));
    if (!netdevice)
        return std::unexpected(netdevice.error());
    Result<void> outcome;
    const auto note = [&](Result<void> step) {
        if (outcome && !step)
            outcome = std::move(step);
    };
    if (*name != saved.name) {
        note(netdevice->set_down()); // udev may have set it up
        note(netdevice->set_name(saved.name));
    }
    note(netdevice->set_mac(saved.mac));
    note(netdevice->set_mtu(saved.mtu));
    if (saved.up)
        note(netdevice->set_up());
    for (InterfaceAddress address : saved.addresses) {
        address.ifindex = netdevice->ifindex();
        note(add_address(address));
    }
    return outcome;
}

} // namespace netvsc
