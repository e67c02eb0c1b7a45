// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/adapted_operations.hpp"

#include "base/mutex.hpp"

#include <map>
#include <utility>

namespace netvsc {
namespace {

using Replace = void (*)(eth_dev_ops &);

/// The copies of the process.
class Copies {
public:
    const eth_dev_ops *get(const eth_dev_ops &original, Replace replace) {
        const MutexLock lock(mutex_);
        const auto [copy, is_new] = copies_.try_emplace({&original, replace}, original);
        if (is_new)
            replace(copy->second);
        return &copy->second;
    }
    /// @return nullptr if @p operations are no copy
    const eth_dev_ops *original_of(const eth_dev_ops *operations) {
        const MutexLock lock(mutex_);
        for (const auto &[source, copy] : copies_) {
            if (&copy == operations)
                return source.first;
        }
        return nullptr;
    }

private:
    Mutex mutex_;
    std::map<std::pair<const eth_dev_ops *, Replace>, eth_dev_ops>
        copies_ NETVSC_GUARDED_BY(mutex_);
};

Copies &copies() {
    static auto *copies = new Copies;
    return *copies;
}

void release_nothing(rte_eth_dev * /*port*/, std::uint16_t /*queue*/) {}

} // namespace

void adapt_operations(rte_eth_dev &port, Replace replace) {
    if (copies().original_of(port.dev_ops) == nullptr)
        port.dev_ops = copies().get(*port.dev_ops, replace);
}

const eth_dev_ops &original_operations(const rte_eth_dev &port) {
    const eth_dev_ops *original = copies().original_of(port.dev_ops);
    return original != nullptr ? *original : *port.dev_ops;
}

void restore_operations(rte_eth_dev &port) { port.dev_ops = &original_operations(port); }

void complete_queue_release(eth_dev_ops &operations) {
    for (auto *release : {&operations.rx_queue_release, &operations.tx_queue_release}) {
        if (*release == nullptr)
            *release = release_nothing;
    }
}

} // namespace netvsc
