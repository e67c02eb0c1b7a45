// SPDX-License-Identifier: BSD-3-Clause
#include "devargs.hpp"

#include "link.hpp"

#include <memory>
#include <span>
#include <vector>

#include <rte_kvargs.h>

namespace netvsc {

std::expected<Arguments, std::string> parse_devargs(const char *text) {
    if (text == nullptr || *text == '\0')
        return Arguments{};
    // Without a list of keys: rte_kvargs would only say that one is wrong, not which.
    const std::unique_ptr<rte_kvargs, decltype(&rte_kvargs_free)> list(
        rte_kvargs_parse(text, nullptr), &rte_kvargs_free);
    if (!list)
        return std::unexpected("device arguments '" + printable(text) +
                               "': expected key=value pairs divided by commas");
    std::vector<KeyValue> pairs;
    for (const rte_kvargs_pair &pair : std::span(list->pairs, list->count))
        pairs.push_back({.key = pair.key != nullptr ? pair.key : "",
                         .value = pair.value != nullptr ? pair.value : ""});
    return Arguments::parse(pairs);
}

} // namespace netvsc
