// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/devargs.hpp"

#include "core/link.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace netvsc {
namespace {

// Removes the next key=value from @p rest. A comma in brackets does not end it.
std::string_view take_pair(std::string_view &rest) {
    bool in_list = false;
    std::size_t end = 0;
    for (; end < rest.size() && (in_list || rest[end] != ','); ++end) {
        if (rest[end] == '[' || rest[end] == ']')
            in_list = rest[end] == '[';
    }
    const auto pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return pair;
}

} // namespace

std::expected<Arguments, std::string> parse_devargs(const char *text) {
    if (text == nullptr || *text == '\0')
        return Arguments{};
    // rte_kvargs_parse() ends a value at its first '=', so it cannot parse vf_args=[a=1,b=2].
    std::vector<KeyValue> pairs;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view pair = take_pair(rest);
        if (pair.empty())
            continue;
        const auto equals = pair.find('=');
        KeyValue argument{.key = std::string(pair.substr(0, equals)), .value = {}};
        if (equals != std::string_view::npos)
            argument.value = pair.substr(equals + 1);
        if (argument.key.empty())
            return std::unexpected("device arguments '" + printable(text) +
                                   "': expected key=value pairs separated by commas");
        pairs.push_back(std::move(argument));
    }
    return Arguments::parse(pairs);
}

} // namespace netvsc
