// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/devargs.hpp"

#include "core/link.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <rte_kvargs.h>

namespace netvsc {
namespace {

constexpr std::string_view vf_args = "vf_args";

using Kvargs = std::unique_ptr<rte_kvargs, decltype(&rte_kvargs_free)>;

// The length of the first key=value. A comma in brackets does not end it.
std::size_t pair_length(std::string_view text) {
    bool in_list = false;
    std::size_t end = 0;
    for (; end < text.size() && (in_list || text[end] != ','); ++end) {
        if (text[end] == '[' || text[end] == ']')
            in_list = text[end] == '[';
    }
    return end;
}

// Removes each vf_args=<value> from @p text. Of a pair with several '=', rte_kvargs_parse() returns
// the last two parts as key and value (rte_kvargs_tokenize() in DPDK 22.11 to 26.07): a=1 for
// vf_args=a=1.
std::vector<KeyValue> take_vf_args(std::string &text) {
    std::vector<KeyValue> taken;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = pair_length(std::string_view(text).substr(at));
        const std::string pair = text.substr(at, length);
        if (pair.starts_with(std::string(vf_args) + "=")) {
            taken.push_back(
                {.key = std::string(vf_args), .value = pair.substr(vf_args.size() + 1)});
            text.erase(at, length + 1);
        } else {
            at += length + 1;
        }
    }
    return taken;
}

} // namespace

std::expected<Arguments, std::string> parse_devargs(const char *text) {
    if (text == nullptr || *text == '\0')
        return Arguments{};
    const auto malformed = [text](const std::string &expected) {
        return std::unexpected("device arguments '" + printable(text) + "': expected " + expected);
    };
    std::string rest = text;
    std::vector<KeyValue> pairs = take_vf_args(rest);
    const Kvargs parsed(rte_kvargs_parse(rest.c_str(), nullptr), &rte_kvargs_free);
    if (!parsed)
        return malformed("at most " + std::to_string(RTE_KVARGS_MAX) +
                         " key=value pairs, and enough memory");
    std::ptrdiff_t values = 0;
    for (const auto &[key, value] : std::span(parsed->pairs).first(parsed->count)) {
        if (*key == '\0')
            return malformed("key=value pairs separated by commas");
        values += value != nullptr ? 1 : 0;
        pairs.push_back({.key = key, .value = value != nullptr ? value : ""});
    }
    // Of force=iface=eth1 rte_kvargs_parse() has returned iface=eth1 alone.
    if (std::ranges::count(rest, '=') != values)
        return malformed("key=value pairs, and '=' in no value but that of vf_args");
    return Arguments::parse(pairs);
}

} // namespace netvsc
