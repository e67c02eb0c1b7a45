// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netvsc {

/// Reads and changes the kernel driver of a device through sysfs(5). Any thread. bind() and
/// restore() block until the kernel drivers have returned from remove() and probe(). They need
/// write permission for the files of sysfs.
/// Source: Documentation/ABI/testing/sysfs-bus-pci and sysfs-bus-vmbus (driver_override, bind,
/// unbind, drivers_probe).
class KernelDriver {
public:
    /// @param bus   the kernel's name of the device's bus, such as pci or vmbus
    /// @param name  the device's name on its bus
    /// @param root  where sysfs is mounted; another folder in tests
    KernelDriver(const std::string &bus, std::string name, std::string root = "/sys");

    /// The device exists in sysfs.
    [[nodiscard]] bool exists() const;
    /// The driver that the device is bound to; nullopt if it has none, or if sysfs cannot be
    /// read.
    [[nodiscard]] std::optional<std::string> current() const {
        return driver().value_or(std::nullopt);
    }
    /// The same, but an error if sysfs cannot be read.
    [[nodiscard]] Result<std::optional<std::string>> driver() const;

    /// The only driver that the kernel may bind to the device; nullopt if it may bind any.
    [[nodiscard]] Result<std::optional<std::string>> driver_override() const;

    /// Unbinds the device from its present driver and binds it to @p driver. Does nothing if the
    /// device is bound to it already. Restores the device on failure.
    /// @param driver  a kernel driver's name, such as vfio-pci; its module must be loaded
    /// @return failure(EINVAL) for what is no driver's name; failure(ENOENT) if there is no such
    ///         driver; failure(ENODEV) if its probe failed (the kernel's log says why); else the
    ///         error of the sysfs file
    [[nodiscard]] Result<void> bind(const std::string &driver) const;

    /// Undoes bind(): clears the override and lets the kernel bind the driver of its own choice.
    /// Does nothing if another device has taken the name. After a failure the device may have
    /// no driver; another call continues from there.
    [[nodiscard]] Result<void> restore() const;

private:
    [[nodiscard]] Result<void> set_override(std::string_view text) const;
    [[nodiscard]] Result<void> unbind() const;
    /// Lets the kernel bind the device (drivers_probe).
    [[nodiscard]] Result<void> probe() const;

    std::string name_;
    std::string bus_;    ///< .../bus/<bus>
    std::string device_; ///< .../bus/<bus>/devices/<name>
};

} // namespace netvsc
