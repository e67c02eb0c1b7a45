// SPDX-License-Identifier: BSD-3-Clause
#include "collectd/bit_mask.hpp"

#include <algorithm>

namespace netvsc::collectd {
namespace {

std::optional<unsigned> digit_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f')
        return static_cast<unsigned>(digit - 'a' + 10);
    if (digit >= 'A' && digit <= 'F')
        return static_cast<unsigned>(digit - 'A' + 10);
    return std::nullopt;
}

} // namespace

std::optional<BitMask> parse_mask(std::string_view text) {
    if (text.starts_with("0x") || text.starts_with("0X"))
        text.remove_prefix(2);
    if (text.empty())
        return std::nullopt;
    text.remove_prefix(std::min(text.find_first_not_of('0'), text.size() - 1));
    BitMask mask;
    if (text.size() * 4 > mask.size())
        return std::nullopt;
    for (const char digit : text) {
        const auto value = digit_value(digit);
        if (!value)
            return std::nullopt;
        mask = mask << 4 | BitMask(*value);
    }
    return mask;
}

std::size_t width(const BitMask &mask) {
    std::size_t bits = mask.size();
    while (bits > 0 && !mask.test(bits - 1))
        --bits;
    return bits;
}

} // namespace netvsc::collectd
