// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/adapted_operations.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace netvsc {
namespace {

struct AdaptedOperations {
    eth_dev_ops operations; ///< what the port has: first, so that this is found by it
    const eth_dev_ops *original;
};

void release_nothing(rte_eth_dev * /*port*/, std::uint16_t /*queue*/) {}

} // namespace

void adapt_operations(rte_eth_dev &port, void (*exchange)(eth_dev_ops &)) {
    static std::mutex mutex;
    static auto *copies =
        new std::map<std::pair<const eth_dev_ops *, void (*)(eth_dev_ops &)>, AdaptedOperations>;
    const std::lock_guard lock(mutex);
    if (std::ranges::any_of(
            *copies, [&](const auto &copy) { return port.dev_ops == &copy.second.operations; }))
        return;
    const auto [copy, is_new] =
        copies->try_emplace({port.dev_ops, exchange}, AdaptedOperations{.operations = *port.dev_ops,
                                                                        .original = port.dev_ops});
    if (is_new)
        exchange(copy->second.operations);
    port.dev_ops = &copy->second.operations;
}

const eth_dev_ops &original_operations(const rte_eth_dev &port) {
    return *reinterpret_cast<const AdaptedOperations *>(port.dev_ops)->original;
}

void complete_queue_release(eth_dev_ops &operations) {
    for (auto *release : {&operations.rx_queue_release, &operations.tx_queue_release}) {
        if (*release == nullptr)
            *release = release_nothing;
    }
}

} // namespace netvsc
