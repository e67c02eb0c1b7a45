// SPDX-License-Identifier: BSD-3-Clause
#include "pci_id.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace netvsc {
namespace {

constexpr std::size_t digits = 4;

std::optional<std::uint16_t> number_of(std::string_view text) {
    const auto is_digit = [](unsigned char character) { return std::isxdigit(character) != 0; };
    std::uint16_t number = 0;
    if (text.size() != digits || !std::ranges::all_of(text, is_digit) ||
        std::from_chars(text.data(), text.data() + digits, number, 16).ec != std::errc{})
        return std::nullopt;
    return number;
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
