// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <memory>
#include <string>

#include <rte_memzone.h>

namespace netvsc::virtio {

/// Zeroed memory of EAL's, which a back end can map; move-only. No thread may hold the port's lock
/// while it makes or frees one: EAL takes its memory lock, which comes first.
class QueueMemory {
public:
    QueueMemory() = default;
    /// @param name   unique in the application
    /// @param bytes  aligned to a page
    [[nodiscard]] static Result<QueueMemory> make(const std::string &name, std::size_t bytes,
                                                  int numa_node);

    [[nodiscard]] std::byte *data() const {
        return zone_ == nullptr ? nullptr : static_cast<std::byte *>(zone_->addr);
    }

private:
    struct Free {
        void operator()(const rte_memzone *zone) const { rte_memzone_free(zone); }
    };
    explicit QueueMemory(const rte_memzone *zone) : zone_(zone) {}

    std::unique_ptr<const rte_memzone, Free> zone_;
};

} // namespace netvsc::virtio
