// SPDX-License-Identifier: BSD-3-Clause
#include "pci_driver.hpp"

#include "file_descriptor.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>
#include <utility>

namespace netvsc {
namespace {

Result<void> write_attribute(const std::string &path, std::string_view text) {
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.valid())
        return system_error("open " + path);
    ssize_t size;
    do {
        size = ::write(file.get(), text.data(), text.size());
    } while (size < 0 && errno == EINTR);
    if (size < 0)
        return system_error("write " + path);
    return {};
}

// What the kernel takes for "no override": a lone newline.
constexpr std::string_view no_override = "\n";

} // namespace

PciDriver::PciDriver(PciAddress address, std::string root)
    : name_(address.to_string()), bus_(std::move(root) + "/bus/pci"),
      device_(bus_ + "/devices/" + name_) {}

bool PciDriver::exists() const { return ::access(device_.c_str(), F_OK) == 0; }

std::optional<std::string> PciDriver::current() const {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(device_ + "/driver", error);
    if (error)
        return std::nullopt;
    return target.filename().string();
}

std::optional<std::string> PciDriver::driver_override() const {
    std::ifstream file(device_ + "/driver_override");
    std::string text;
    if (!std::getline(file, text) || text == "(null)")
        return std::nullopt;
    return text;
}

// Takes the function from its driver and lets the kernel choose anew.
Result<void> PciDriver::rebind(std::string_view override_text) const {
    if (auto written = write_attribute(device_ + "/driver_override", override_text); !written)
        return written;
    if (current()) {
        if (auto unbound = write_attribute(device_ + "/driver/unbind", name_); !unbound)
            return unbound;
    }
    return write_attribute(bus_ + "/drivers_probe", name_);
}

Result<void> PciDriver::bind(const std::string &driver) const {
    if (driver.empty() || driver.find('/') != std::string::npos || driver == "..")
        return failure(EINVAL, "kernel driver '" + driver + "'");
    if (current() == driver)
        return {};
    // Asked before the device is taken from the driver it works with.
    if (::access((bus_ + "/drivers/" + driver).c_str(), F_OK) != 0)
        return system_error("kernel driver " + driver + " (is its module loaded?)");
    auto bound = rebind(driver);
    if (bound && current() == driver)
        return {};
    // Best effort: the error to be told is the one above.
    (void)give_back();
    if (!bound)
        return bound;
    return failure(ENODEV, "binding " + name_ + " to kernel driver " + driver);
}

Result<void> PciDriver::give_back() const {
    if (!driver_override() && current())
        return {}; // another device, at the address of the one that was bound
    return rebind(no_override);
}

} // namespace netvsc
