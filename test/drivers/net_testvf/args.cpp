// SPDX-License-Identifier: BSD-3-Clause
#include "args.hpp"

#include "base/parse_number.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <rte_kvargs.h>

namespace testvf {

namespace {

std::optional<bool> parse_flag(std::string_view value) {
    if (value == "0")
        return false;
    if (value == "1")
        return true;
    return std::nullopt;
}

bool parse_probe(std::string_view value, Args &args) {
    constexpr std::string_view counted = "fail:";
    constexpr std::string_view needed = "needs:";
    args.probe_needs.clear();
    args.probe_failures = value == "fail" ? Args::always : 0;
    if (value == "ok" || value == "fail")
        return true;
    if (value.starts_with(needed)) {
        args.probe_needs = value.substr(needed.size());
        return !args.probe_needs.empty();
    }
    if (!value.starts_with(counted))
        return false;
    const auto failures = netvsc::parse_number<unsigned>(value.substr(counted.size()));
    args.probe_failures = failures.value_or(0);
    return failures.has_value();
}

/// @return what was expected, if the value is not that; null if all is well
const char *apply(Args &args, std::string_view key, std::string_view value) {
    if (key == "probe")
        return parse_probe(value, args) ? nullptr
                                        : "ok, fail, fail:<number of times> or needs:<file>";
    std::chrono::milliseconds *length = key == "probe_ms"  ? &args.probe
                                        : key == "stop_ms" ? &args.stop
                                        : key == "info_ms" ? &args.info
                                                           : nullptr;
    if (length != nullptr) {
        const auto parsed = netvsc::parse_number<unsigned>(value);
        if (!parsed)
            return "a number of milliseconds";
        *length = std::chrono::milliseconds(*parsed);
        return nullptr;
    }
    bool *flag = key == "rmv"        ? &args.rmv
                 : key == "set_link" ? &args.set_link
                 : key == "set_mac"  ? &args.set_mac
                 : key == "lsc"      ? &args.lsc
                                     : nullptr;
    if (flag == nullptr)
        return "rmv, set_link, set_mac, lsc, probe, probe_ms, stop_ms or info_ms as the key";
    const auto parsed = parse_flag(value);
    if (!parsed)
        return "0 or 1";
    *flag = *parsed;
    return nullptr;
}

} // namespace

netvsc::Result<Args> parse_args(const Args &defaults, const char *text, const char *source) {
    Args args = defaults;
    if (text == nullptr || *text == '\0')
        return args;
    const std::unique_ptr<rte_kvargs, decltype(&rte_kvargs_free)> list(
        rte_kvargs_parse(text, nullptr), &rte_kvargs_free);
    if (!list)
        return netvsc::failure(EINVAL, std::string(source) + " \"" + text + "\"");
    for (unsigned i = 0; i < list->count; i++) {
        const auto &pair = list->pairs[i];
        const std::string_view value = pair.value == nullptr ? "" : pair.value;
        if (const char *expected = apply(args, pair.key, value))
            return netvsc::failure(EINVAL, std::string(source) + " \"" + pair.key + "=" +
                                               std::string(value) + "\" (expected " + expected +
                                               ")");
    }
    return args;
}

} // namespace testvf
