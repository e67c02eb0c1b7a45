// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-status/text.hpp"

#include "telemetry/json_fields.hpp"
#include "telemetry/printable_text.hpp"

#include <algorithm>

namespace netvsc::status {

using nlohmann::json;

std::string text_in(const json &object, const char *key) {
    return printable_text(json_field<std::string>(object, key).value_or(""));
}

std::uint64_t number_in(const json &object, const char *key) {
    return json_field<std::uint64_t>(object, key).value_or(0);
}

const json &member(const json &object, const char *key) {
    static const json nothing;
    if (!object.is_object())
        return nothing;
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
}

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
}

std::string right(const std::string &text, std::size_t width) {
    return std::string(width - std::min(width, text.size()), ' ') + text;
}

std::string length_of(std::uint64_t nanoseconds) {
    const std::uint64_t tenths = nanoseconds / 100'000'000;
    const std::uint64_t seconds = tenths / 10;
    const std::uint64_t minutes = seconds / 60;
    const std::uint64_t hours = minutes / 60;
    const auto text = [](std::uint64_t number) { return std::to_string(number); };
    if (seconds == 0)
        return text(nanoseconds / 1'000'000) + " ms";
    if (seconds < 10)
        return text(seconds) + "." + text(tenths % 10) + " s";
    if (minutes == 0)
        return text(seconds) + " s";
    if (hours == 0)
        return text(minutes) + " min " + text(seconds % 60) + " s";
    if (hours < 24)
        return text(hours) + " h " + text(minutes % 60) + " min";
    return text(hours / 24) + " d " + text(hours % 24) + " h";
}

std::string since(std::uint64_t then, std::uint64_t now) {
    return then == 0 ? "" : " for " + length_of(now - std::min(then, now));
}

std::string because(std::string reason) {
    std::ranges::replace(reason, '_', ' ');
    return reason.empty() ? "" : ": " + reason;
}

std::string times(std::uint64_t count) {
    return count == 1 ? "once" : std::to_string(count) + " times";
}

} // namespace netvsc::status
