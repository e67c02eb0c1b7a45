// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-status/palette.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace netvsc::status {

/// The last paths of each port, and the frames that it lost meanwhile. One column for each read of
/// the status.
class TimeLine {
public:
    /// Takes one result of read_status() with losses. Ports that it does not have are forgotten.
    void add(const nlohmann::json &status);
    /// The application does not answer.
    void clear() { ports_.clear(); }

    /// Two lines for each port: paths, and lost frames. Empty without ports.
    /// @param columns  the width of the terminal
    [[nodiscard]] std::string lines(std::size_t columns, const Palette &palette) const;

private:
    static constexpr std::size_t kept = 500; ///< columns; more than a terminal has

    struct Column {
        std::string path;
        bool vf_changed = false;           ///< a VF has arrived, left or failed in between
        std::optional<std::uint64_t> lost; ///< nullopt: unknown
    };
    struct Port {
        std::string netdevice;
        std::optional<std::uint64_t> vf_change; ///< the time of the last one
        std::optional<std::uint64_t> lost;      ///< the counters' sum
        std::deque<Column> columns;
    };
    std::map<std::string, Port> ports_; ///< by the port's name
};

} // namespace netvsc::status
