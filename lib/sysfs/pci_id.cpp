// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/pci_id.hpp"

#include "base/parse_number.hpp"

namespace netvsc {
namespace {

constexpr std::size_t digits = 4;

std::optional<std::uint16_t> number_of(std::string_view text) {
    return text.size() == digits ? parse_number<std::uint16_t>(text, 16) : std::nullopt;
}

} // namespace

std::optional<PciId> PciId::parse(std::string_view text) {
    if (text.size() != 2 * digits + 1 || text[digits] != ':')
        return std::nullopt;
    const auto vendor = number_of(text.substr(0, digits));
    const auto device = number_of(text.substr(digits + 1));
    if (!vendor || !device)
        return std::nullopt;
    return PciId{.vendor = *vendor, .device = *device};
}

} // namespace netvsc
