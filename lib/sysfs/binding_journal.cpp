// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/binding_journal.hpp"

#include "sysfs/pci_driver.hpp"

namespace netvsc {

BindingJournal::BindingJournal(std::string folder, std::string sysfs)
    : entries_(std::move(folder)), sysfs_(std::move(sysfs)) {}

Result<bool> BindingJournal::is_valid(const PciAddress &address, const std::string &driver) const {
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

Result<void> BindingJournal::record(const PciAddress &address, const std::string &driver) {
    return entries_.record(address.to_string(), driver);
}

void BindingJournal::erase(const PciAddress &address) { entries_.erase(address.to_string()); }

void BindingJournal::release(const PciAddress &address) { entries_.release(address.to_string()); }

std::vector<PciAddress> BindingJournal::claim_abandoned() {
    std::vector<PciAddress> found;
    for (const std::string &name : entries_.names()) {
        const auto address = PciAddress::parse(name);
        const auto driver = address ? entries_.claim(name) : std::nullopt;
        if (!driver)
            continue;
        const auto valid = is_valid(*address, *driver);
        if (!valid)
            entries_.release(name); // sysfs cannot be read now
        else if (*valid)
            found.push_back(*address);
        else
            entries_.erase(name);
    }
    return found;
}

} // namespace netvsc
