// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/pci_address.hpp"

#include <charconv>
#include <cstdio>

namespace netvsc {
namespace {

// Cuts off a hexadecimal number of min to max digits and its separator ('\0': end of the text).
template <typename Number>
bool cut_number(std::string_view &text, std::size_t min, std::size_t max, char separator,
                Number &number) {
    const char *begin = text.data();
    const auto [stop, error] = std::from_chars(begin, begin + text.size(), number, 16);
    const auto digits = static_cast<std::size_t>(stop - begin);
    if (error != std::errc{} || digits < min || digits > max)
        return false;
    text.remove_prefix(digits);
    if (separator == '\0')
        return text.empty();
    if (text.empty() || text.front() != separator)
        return false;
    text.remove_prefix(1);
    return true;
}

} // namespace

std::optional<PciAddress> PciAddress::parse(std::string_view text) {
    PciAddress address;
    if (!cut_number(text, 4, 8, ':', address.domain) || !cut_number(text, 2, 2, ':', address.bus) ||
        !cut_number(text, 2, 2, '.', address.device) ||
        !cut_number(text, 1, 1, '\0', address.function) || address.device > 31 ||
        address.function > 7)
        return std::nullopt;
    return address;
}

std::string PciAddress::to_string() const {
    char text[sizeof "ffffffff:ff:1f.7"];
    std::snprintf(text, sizeof text, "%04x:%02x:%02x.%u", domain, bus, device, function);
    return text;
}

} // namespace netvsc
