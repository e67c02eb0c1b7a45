// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "collectd/config.hpp"
#include "collectd/driver_events.hpp"
#include "collectd/keepalive_status.hpp"
#include "collectd/link_status.hpp"
#include "collectd/ongoing_problem.hpp"
#include "keepalive/keepalive_reader.hpp"
#include "telemetry/telemetry_client.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace netvsc::collectd {

/// Reads the telemetry and the keepalive area of one DPDK application, as configured. The
/// application may start, end and restart at any time.
///
/// Threads: none of its own, no locking; one thread at a time may call it.
class Collector {
public:
    /// No read() takes longer than this, even if the application hangs. A running application
    /// answers within some hundred microseconds.
    static constexpr std::chrono::milliseconds time_limit{500};

    /// @param runtime_folder  contains the application's runtime folder, whose name is the prefix
    Collector(Config config, std::string runtime_folder);

    [[nodiscard]] Report read();

private:
    using Deadline = TelemetryClient::Deadline;

    // The arguments that the steps of one read share.
    struct Round {
        LinkStatus &link;
        Deadline deadline;
        Report &report;
    };
    void read_application(LinkStatus &link, Report &report);
    [[nodiscard]] Result<void> ask(const Round &round);
    [[nodiscard]] Result<TelemetryClient> connect(const Round &round);
    [[nodiscard]] Result<void> read_events(TelemetryClient &client, const Round &round);
    void tell(const DriverEvent &event, std::chrono::nanoseconds age, const Round &round);
    void report_application_problem(const Error &error, Report &report);

    void read_keepalive(KeepaliveStatus &keepalive, Report &report);
    void report_keepalive_problem(const Error &error, Report &report);

    std::string file_prefix_;
    std::string shm_name_;
    std::string runtime_folder_;

    std::optional<LinkStatus> link_;
    std::optional<TelemetryClient> client_;
    bool facts_learned_ = false; ///< from client_
    EventCursor cursor_;
    OngoingProblem application_problem_;

    std::optional<KeepaliveStatus> keepalive_;
    std::optional<KeepaliveReader> reader_;
    AreaActivity activity_;
    OngoingProblem keepalive_problem_;
};

} // namespace netvsc::collectd
