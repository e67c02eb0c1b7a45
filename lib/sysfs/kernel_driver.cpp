// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/kernel_driver.hpp"

#include "sysfs/attribute.hpp"

#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

namespace netvsc {
namespace {

// A lone newline clears the override (drivers/base/driver.c, driver_set_override()).
constexpr std::string_view no_override = "\n";

} // namespace

KernelDriver::KernelDriver(const std::string &bus, std::string name, std::string root)
    : name_(std::move(name)), bus_(std::move(root) + "/bus/" + bus),
      device_(bus_ + "/devices/" + name_) {}

bool KernelDriver::exists() const { return ::access(device_.c_str(), F_OK) == 0; }

Result<std::optional<std::string>> KernelDriver::driver() const {
    std::error_code error;
    const std::string link = device_ + "/driver";
    const auto target = std::filesystem::read_symlink(link, error);
    if (!error)
        return target.filename().string();
    if (error == std::errc::no_such_file_or_directory)
        return std::nullopt;
    return failure(error.value(), "readlink " + link);
}

Result<std::optional<std::string>> KernelDriver::driver_override() const {
    auto text = read_attribute(AT_FDCWD, device_ + "/driver_override");
    if (!text)
        return std::unexpected(std::move(text.error()));
    return text->empty() || *text == "(null)" ? std::nullopt : std::optional(std::move(*text));
}

Result<void> KernelDriver::set_override(std::string_view text) const {
    return write_attribute(device_ + "/driver_override", text);
}

Result<void> KernelDriver::unbind() const {
    const auto bound_to = driver();
    if (!bound_to)
        return std::unexpected(bound_to.error());
    return *bound_to ? write_attribute(device_ + "/driver/unbind", name_) : Result<void>{};
}

Result<void> KernelDriver::probe() const { return write_attribute(bus_ + "/drivers_probe", name_); }

Result<void> KernelDriver::bind(const std::string &driver) const {
    if (driver.empty() || driver.find('/') != std::string::npos || driver == "..")
        return failure(EINVAL, "kernel driver '" + driver + "'");
    if (current() == driver)
        return {};
    // Checked first: a missing driver must not cost the device its present one.
    if (::access((bus_ + "/drivers/" + driver).c_str(), F_OK) != 0)
        return system_error("kernel driver " + driver + " (is its module loaded?)");
    auto bound = set_override(driver);
    if (bound)
        bound = unbind();
    if (bound)
        bound = probe();
    if (bound && current() == driver)
        return {};
    // Best effort: the caller gets the first error.
    (void)restore();
    if (!bound)
        return bound;
    return failure(ENODEV, "binding " + name_ + " to kernel driver " + driver);
}

// The order matters: wherever it is interrupted, BindingJournal holds its entry for valid.
Result<void> KernelDriver::restore() const {
    const auto override_text = driver_override();
    const auto bound_to = driver();
    if (!override_text || !bound_to)
        return std::unexpected(!override_text ? override_text.error() : bound_to.error());
    if (!*override_text && *bound_to)
        return {}; // another device has taken the name
    if (auto unbound = unbind(); !unbound)
        return unbound;
    if (auto set = set_override(no_override); !set)
        return set;
    return probe();
}

} // namespace netvsc
