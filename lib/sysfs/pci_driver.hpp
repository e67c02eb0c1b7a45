// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "sysfs/pci_address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netvsc {

/// Which kernel driver a PCI function is bound to, through sysfs(5). Any thread; the calls that
/// bind wait until the drivers involved have let go of the device and taken it.
/// Source: Documentation/ABI/testing/sysfs-bus-pci (driver_override, bind, unbind,
/// drivers_probe).
class PciDriver {
public:
    /// @param root  where sysfs is mounted; another folder in tests
    explicit PciDriver(PciAddress address, std::string root = "/sys");

    /// The function is there.
    [[nodiscard]] bool exists() const;
    /// The driver it is bound to; nullopt: none, or it cannot be told.
    [[nodiscard]] std::optional<std::string> current() const {
        return driver().value_or(std::nullopt);
    }
    /// The same, for those to whom "none" and "it cannot be told" are not one.
    [[nodiscard]] Result<std::optional<std::string>> driver() const;

    /// The only driver the kernel may choose for it; nullopt: any.
    [[nodiscard]] Result<std::optional<std::string>> driver_override() const;

    /// Binds the function to @p driver, taking it from the one it has. Does nothing if that is
    /// the one. On failure the function has its old driver again.
    /// @param driver  a kernel driver's name, such as vfio-pci; must be loaded
    /// @return failure(ENOENT) if there is no such driver; failure(ENODEV) if the driver did not
    ///         take the device (the kernel's log says why); else what sysfs said
    [[nodiscard]] Result<void> bind(const std::string &driver) const;

    /// Gives the function back to the driver the kernel would choose. After a failure it may have
    /// none; another try goes on from there.
    [[nodiscard]] Result<void> give_back() const;

private:
    [[nodiscard]] Result<void> set_override(std::string_view text) const;
    [[nodiscard]] Result<void> unbind() const;
    /// Lets the kernel choose.
    [[nodiscard]] Result<void> choose() const;

    std::string name_;
    std::string bus_;    ///< .../bus/pci
    std::string device_; ///< .../bus/pci/devices/<address>
};

} // namespace netvsc
