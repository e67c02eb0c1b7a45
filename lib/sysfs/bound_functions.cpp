// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/bound_functions.hpp"

#include "sysfs/pci_driver.hpp"

namespace netvsc {

BoundFunctions::BoundFunctions(std::string folder, std::string sysfs)
    : notes_(std::move(folder)), sysfs_(std::move(sysfs)) {}

Result<bool> BoundFunctions::is_left_by(const PciAddress &address,
                                        const std::string &driver) const {
    const PciDriver function(address, sysfs_);
    if (driver.empty() || !function.exists())
        return false;
    const auto bound_to = function.driver();
    const auto override_text = function.driver_override();
    if (!bound_to || !override_text)
        return std::unexpected(!bound_to ? bound_to.error() : override_text.error());
    if (!*bound_to)
        return !*override_text || *override_text == driver;
    return *bound_to == driver && *override_text == driver;
}

Result<void> BoundFunctions::note(const PciAddress &address, const std::string &driver) {
    return notes_.record(address.to_string(), driver);
}

void BoundFunctions::forget(const PciAddress &address) { notes_.erase(address.to_string()); }

void BoundFunctions::abandon(const PciAddress &address) { notes_.release(address.to_string()); }

std::vector<PciAddress> BoundFunctions::abandoned() {
    std::vector<PciAddress> found;
    for (const std::string &name : notes_.names()) {
        const auto address = PciAddress::parse(name);
        const auto driver = address ? notes_.claim(name) : std::nullopt;
        if (!driver)
            continue;
        const auto left = is_left_by(*address, *driver);
        if (!left)
            notes_.release(name); // it cannot be told now
        else if (*left)
            found.push_back(*address);
        else
            notes_.erase(name);
    }
    return found;
}

} // namespace netvsc
