// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "netvsc/saved_netdevice.hpp"
#include "sysfs/kernel_driver.hpp"

#include <optional>
#include <string>
#include <vector>

namespace netvsc {

/// A NIC on the kernel's VMBus, identified by its instance GUID, so that the identity outlives its
/// netdevice. Stateless. Any thread; the calls block until the kernel's drivers have returned.
class VmbusNic {
public:
    explicit VmbusNic(std::string guid) : guid_(std::move(guid)), driver_("vmbus", guid_) {}

    /// The NIC of a netdevice. @return nullopt if the netdevice's device is not on the VMBus
    [[nodiscard]] static std::optional<VmbusNic> of_netdevice(const std::string &name);
    /// The kernel has loaded uio_hv_generic.
    [[nodiscard]] static bool uio_driver_loaded();

    [[nodiscard]] const std::string &guid() const { return guid_; }
    [[nodiscard]] bool exists() const;
    /// @return the kernel driver's name; empty: none
    [[nodiscard]] std::string kernel_driver() const;
    /// The settings of its netdevice. @return failure(ENODEV) if it has none
    [[nodiscard]] Result<SavedNetdevice> save() const;

    /// Binds this NIC, and no other, to uio_hv_generic. Its netdevice is removed.
    [[nodiscard]] Result<void> take() const;
    /// Rebinds it to hv_netvsc, and restores the settings of the netdevice that appears. Does the
    /// latter alone if hv_netvsc has it already.
    /// @return failure(EBUSY) if a process has its /dev/uio open: the kernel would free pages that
    ///         this process has mapped
    [[nodiscard]] Result<void> restore(const SavedNetdevice &saved) const;

private:
    [[nodiscard]] Result<void> apply(const SavedNetdevice &saved) const;
    [[nodiscard]] Result<void> check_unused() const;
    [[nodiscard]] std::optional<std::string> entry_of(const std::string &folder) const;

    std::string guid_;
    KernelDriver driver_;
};

} // namespace netvsc
