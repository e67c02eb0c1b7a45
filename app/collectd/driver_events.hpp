// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace netvsc::collectd {

/// The names that belong to one port of net_vdev_netvsc.
struct PortFacts {
    std::string name;      ///< ethdev's
    std::string netdevice; ///< the NetVSC's
    std::string vf;        ///< PCI address; empty: none
    bool operator==(const PortFacts &) const = default;
};

/// One event of net_vdev_netvsc, as its telemetry reports it.
struct DriverEvent {
    std::uint64_t sequence = 0;
    std::int64_t time_ns = 0; ///< CLOCK_MONOTONIC
    std::string type;         ///< such as "vf_attached"; newer drivers may add types
    unsigned port_id = 0;
    PortFacts facts;
    int lcore = -1;
    std::string reason; ///< of vf_unused, such as "probe_failed"
};

/// One answer to /vdev_netvsc/events.
struct EventBatch {
    std::uint64_t first = 0; ///< the oldest event that the driver still has
    std::uint64_t next = 0;  ///< the first event to request next
    std::int64_t now_ns = 0;
    std::vector<DriverEvent> events;
};

/// @return nullopt if the answer is not of the form expected
[[nodiscard]] std::optional<EventBatch> parse_events(const nlohmann::json &answer);

/// Reads an answer to /vdev_netvsc/info. @return nullopt as above
[[nodiscard]] std::optional<PortFacts> parse_info(const nlohmann::json &answer);

/// From an answer to /vdev_netvsc/info: for how long the port has had a VF that does not carry its
/// packets; 0: none. @return nullopt as above
[[nodiscard]] std::optional<std::chrono::nanoseconds> unused_vf_of(const nlohmann::json &answer);

/// A reader's position in the driver's events.
///
/// Events from before the first connection are not reported. After a restart of the application,
/// all events of the new process are reported.
class EventCursor {
public:
    /// The client has connected. @p pid and the event numbers show whether the process is the same.
    void connected(int pid);
    /// The first event to request.
    [[nodiscard]] std::uint64_t since() const { return since_; }

    struct News {
        std::vector<DriverEvent> events;
        std::uint64_t missed = 0; ///< events that the driver no longer had
        bool more = false;        ///< the driver has further events
    };
    [[nodiscard]] News take(EventBatch batch);

private:
    std::uint64_t since_ = 1;
    int pid_ = -1;
    bool history_ = false; ///< the next events are older than the first connection
};

} // namespace netvsc::collectd
