// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "l2fwd-keepalive/path.hpp"

#include <expected>
#include <memory>
#include <string>
#include <vector>

struct rte_mempool;

namespace netvsc {

/// The started ports between which the application forwards. The destructor stops and closes them.
class Ports {
public:
    /// @param mask  the ports; each two in order form a pair; an odd last port sends to itself
    /// @return or else a message
    [[nodiscard]] static std::expected<Ports, std::string> start(std::uint64_t mask);

    Ports(const Ports &) = delete;
    Ports &operator=(const Ports &) = delete;
    Ports(Ports &&other) noexcept = default;
    Ports &operator=(Ports &&other) noexcept = default;
    ~Ports();

    /// One for each port, in the order of ports.
    [[nodiscard]] const std::vector<std::unique_ptr<Path>> &paths() const { return paths_; }

private:
    Ports() = default;

    std::vector<std::unique_ptr<Path>> paths_;
};

} // namespace netvsc
