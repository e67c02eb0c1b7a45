// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "l2fwd-keepalive/path.hpp"

#include <expected>
#include <memory>
#include <string>
#include <vector>

struct rte_mempool;

namespace netvsc {

/// The ports that are forwarded between, started; stopped and closed at the end.
class Ports {
public:
    /// @param mask  which ports, in pairs in their order; an odd last one leads to itself
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
