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

std::optional<unsigned> parse_probe(std::string_view value) {
    constexpr std::string_view counted = "fail:";
    if (value == "ok")
        return 0;
    if (value == "fail")
        return Args::always;
    if (!value.starts_with(counted))
        return std::nullopt;
    value.remove_prefix(counted.size());
    return netvsc::parse_number<unsigned>(value);
}

/// @return what was expected, if the value is not that; null if all is well
const char *apply(Args &args, std::string_view key, std::string_view value) {
    if (key == "probe") {
        const auto failures = parse_probe(value);
        if (!failures)
            return "ok, fail or fail:<number of times>";
        args.probe_failures = *failures;
        return nullptr;
    }
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
