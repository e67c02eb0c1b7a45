// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace netvsc::collectd {

/// What net_vdev_netvsc says of one of its ports.
struct PortFacts {
    std::string name;      ///< ethdev's
    std::string netdevice; ///< the NetVSC's
    std::string vf;        ///< PCI address; empty: none
    bool operator==(const PortFacts &) const = default;
};

/// One event of net_vdev_netvsc's, as its telemetry tells it.
struct DriverEvent {
    std::uint64_t sequence = 0;
    std::int64_t time_ns = 0; ///< CLOCK_MONOTONIC
    std::string type;         ///< "vf_attached"; newer drivers may have others
    unsigned port_id = 0;
    PortFacts facts;
    int lcore = -1;
};

/// One answer to /vdev_netvsc/events.
struct EventBatch {
    std::uint64_t first = 0; ///< the oldest that the driver still has
    std::uint64_t next = 0;  ///< what to ask for next
    std::int64_t now_ns = 0;
    std::vector<DriverEvent> events;
};

/// @return nullopt if the answer is not of the form expected
[[nodiscard]] std::optional<EventBatch> parse_events(const nlohmann::json &answer);

/// Reads an answer to /vdev_netvsc/info. @return nullopt as above
[[nodiscard]] std::optional<PortFacts> parse_info(const nlohmann::json &answer);

/// Where in the driver's events a reader is.
///
/// What happened before the reader came is not news. What happened before it noticed that the
/// application had been started anew is.
class EventCursor {
public:
    /// Another process answers from now on, or perhaps the same: that is found out by @p pid and
    /// by the numbers.
    void connected(int pid);
    /// The first event to ask for.
    [[nodiscard]] std::uint64_t since() const { return since_; }

    struct News {
        std::vector<DriverEvent> events;
        std::uint64_t missed = 0; ///< events that the driver no longer had
        bool more = false;        ///< ask again
    };
    [[nodiscard]] News take(EventBatch batch);

private:
    std::uint64_t since_ = 1;
    int pid_ = -1;
    bool history_ = false; ///< what comes is not news
};

} // namespace netvsc::collectd
