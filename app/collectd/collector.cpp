// SPDX-License-Identifier: BSD-3-Clause
#include "collectd/collector.hpp"

#include "collectd/text.hpp"
#include "telemetry/json_fields.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace netvsc::collectd {
namespace {

using std::chrono::steady_clock;

// Limits the pages of events in one read. The driver keeps fewer.
constexpr int max_pages = 64;

std::unexpected<Error> not_understood(const char *command) {
    return failure(EPROTO, std::string("answer to ") + command);
}

Result<std::vector<unsigned>> parse_ports(const nlohmann::json &answer, const char *command) {
    std::vector<unsigned> ports;
    if (answer.is_null()) // the application is linked without the library of this command
        return ports;
    if (!answer.is_array())
        return not_understood(command);
    for (const auto &element : answer) {
        const auto port = json_as<std::uint16_t>(element);
        if (!port)
            return not_understood(command);
        ports.push_back(*port);
    }
    return ports;
}

// nullopt: the port was removed in the meantime.
Result<std::optional<bool>> parse_link(const nlohmann::json &answer) {
    if (answer.is_null())
        return std::nullopt;
    const auto status = json_field<std::string>(answer, "status");
    if (status != "UP" && status != "DOWN")
        return not_understood("/ethdev/link_status");
    return status == "UP";
}

Result<std::vector<unsigned>> list_ports(TelemetryClient &client, const char *command,
                                         TelemetryClient::Deadline deadline) {
    const auto answer = client.query(command, deadline);
    if (!answer)
        return std::unexpected(answer.error());
    return parse_ports(*answer, command);
}

// Reads the names of net_vdev_netvsc's ports, if the application has loaded the driver.
Result<void> learn_facts(TelemetryClient &client, LinkStatus &link,
                         TelemetryClient::Deadline deadline) {
    const auto ports = list_ports(client, "/vdev_netvsc/list", deadline);
    if (!ports)
        return std::unexpected(ports.error());
    for (const unsigned port : *ports) {
        const auto info = client.query("/vdev_netvsc/info," + std::to_string(port), deadline);
        if (!info)
            return std::unexpected(info.error());
        if (auto facts = parse_info(*info))
            link.learn(port, std::move(*facts));
    }
    return {};
}

Result<void> read_ports(TelemetryClient &client, LinkStatus &link,
                        TelemetryClient::Deadline deadline, Report &report) {
    const auto ports = list_ports(client, "/ethdev/list", deadline);
    if (!ports)
        return std::unexpected(ports.error());
    link.present(*ports, report);
    for (const unsigned port : *ports) {
        if (!link.watched(port))
            continue;
        const auto status = client.query("/ethdev/link_status," + std::to_string(port), deadline);
        if (!status)
            return std::unexpected(status.error());
        const auto up = parse_link(*status);
        if (!up)
            return std::unexpected(up.error());
        if (const std::optional<bool> &known = *up; known)
            link.polled(port, *known, report);
    }
    return {};
}

// Reads for how long each port of net_vdev_netvsc has had a VF that does not carry its packets.
Result<void> read_unused_vfs(TelemetryClient &client, LinkStatus &link,
                             TelemetryClient::Deadline deadline, Report &report) {
    const auto ports = list_ports(client, "/vdev_netvsc/list", deadline);
    if (!ports)
        return std::unexpected(ports.error());
    for (const unsigned port : *ports) {
        if (!link.watched(port))
            continue;
        const auto info = client.query("/vdev_netvsc/info," + std::to_string(port), deadline);
        if (!info)
            return std::unexpected(info.error());
        // Absent: the port was removed in the meantime.
        if (const auto length = unused_vf_of(*info))
            link.vf_unused(port, *length, report);
    }
    return {};
}

std::optional<LcoreState> lcore_state(const std::string &type) {
    if (type == "lcore_alive")
        return LcoreState::alive;
    if (type == "lcore_missing")
        return LcoreState::missing;
    if (type == "lcore_dead")
        return LcoreState::dead;
    return std::nullopt;
}

} // namespace

Collector::Collector(Config config, std::string runtime_folder)
    : file_prefix_(std::move(config.file_prefix)),
      shm_name_(config.keepalive ? config.keepalive->shm_name : ""),
      runtime_folder_(std::move(runtime_folder)) {
    if (config.link)
        link_.emplace(std::move(*config.link));
    if (config.keepalive)
        keepalive_.emplace(std::move(*config.keepalive));
}

Report Collector::read() {
    Report report;
    if (link_)
        read_application(*link_, report);
    if (keepalive_)
        read_keepalive(*keepalive_, report);
    return report;
}

// ---- The application's telemetry.

void Collector::read_application(LinkStatus &link, Report &report) {
    const Round round{.link = link, .deadline = steady_clock::now() + time_limit, .report = report};
    // The second attempt reconnects: the application may have restarted since the last read.
    Result<void> done;
    for (int attempt = 0; attempt < 2; ++attempt) {
        const bool had_client = client_.has_value();
        done = ask(round);
        if (client_ && !client_->connected()) {
            client_.reset();
            link.forget();
        }
        if (done || client_ || !had_client)
            break;
    }
    if (!done)
        report_application_problem(done.error(), report);
    else if (application_problem_.end())
        report.messages.push_back(
            {.level = Level::notice, .text = "application '" + file_prefix_ + "' answers"});
}

Result<void> Collector::ask(const Round &round) {
    if (!client_) {
        auto connected = connect(round);
        if (!connected)
            return std::unexpected(std::move(connected.error()));
        client_ = std::move(*connected);
        facts_learned_ = false;
    }
    // If the application does not answer in time, the next read queries it again.
    if (!facts_learned_) {
        if (auto learned = learn_facts(*client_, round.link, round.deadline); !learned)
            return learned;
        facts_learned_ = true;
    }
    if (auto events = read_events(*client_, round); !events)
        return events;
    if (auto read = read_ports(*client_, round.link, round.deadline, round.report); !read)
        return read;
    return read_unused_vfs(*client_, round.link, round.deadline, round.report);
}

Result<TelemetryClient> Collector::connect(const Round &round) {
    auto client = connect_application(runtime_folder_, file_prefix_, round.deadline);
    if (!client)
        return client;
    const auto &greeting = client->greeting();
    cursor_.connected(greeting.pid);
    round.report.messages.push_back({.level = Level::info,
                                     .text = "connected to application '" + file_prefix_ +
                                             "', PID " + std::to_string(greeting.pid) + ", " +
                                             printable(greeting.version)});
    return client;
}

Result<void> Collector::read_events(TelemetryClient &client, const Round &round) {
    constexpr const char *command = "/vdev_netvsc/events";
    for (int page = 0; page < max_pages; ++page) {
        const auto answer = client.query(
            std::string(command) + ',' + std::to_string(cursor_.since()), round.deadline);
        if (!answer)
            return std::unexpected(answer.error());
        if (answer->is_null()) // net_vdev_netvsc is not loaded
            return {};
        auto batch = parse_events(*answer);
        if (!batch)
            return not_understood(command);
        const std::int64_t now = batch->now_ns;
        const auto news = cursor_.take(std::move(*batch));
        if (news.missed > 0)
            round.report.messages.push_back(
                {.level = Level::warning,
                 .text = std::to_string(news.missed) + " events of application '" + file_prefix_ +
                         "' were lost: the driver keeps no more; use a shorter Interval"});
        for (const auto &event : news.events)
            tell(event, std::chrono::nanoseconds(now) - std::chrono::nanoseconds(event.time_ns),
                 round);
        if (!news.more)
            break;
    }
    return {};
}

void Collector::tell(const DriverEvent &event, std::chrono::nanoseconds age, const Round &round) {
    const auto state = lcore_state(event.type);
    if (!state)
        round.link.happened(event, age, round.report);
    else if (keepalive_ && event.lcore >= 0)
        keepalive_->happened(static_cast<unsigned>(event.lcore), *state, age, round.report);
}

void Collector::report_application_problem(const Error &error, Report &report) {
    const std::string who = "application '" + file_prefix_ + "'";
    Level level = Level::warning;
    std::string text;
    switch (error.number) {
    case ENOENT:
    case ECONNREFUSED:
        level = Level::notice;
        text = who + " is not running (" + error.message() + "); waiting for it";
        break;
    case ETIMEDOUT:
        text = who + " does not answer within " + std::to_string(time_limit.count()) +
               " ms; its link status is unknown";
        break;
    case EACCES:
        text = who + " refuses the connection (" + error.message() +
               "): collectd must run as root or as the application's user";
        break;
    case ECONNRESET:
    case EPIPE:
        text = who + " closed the connection (" + error.message() +
               "): it has ended, or it already has ten telemetry clients; trying again";
        break;
    default:
        text = who + ": " + error.message() + "; its link status is unknown";
    }
    application_problem_.begin(level, printable(std::move(text)), report);
}

// ---- The keepalive area.

void Collector::read_keepalive(KeepaliveStatus &keepalive, Report &report) {
    using Condition = KeepaliveReader::Condition;
    if (reader_) {
        const auto condition = reader_->condition();
        if (condition == Condition::replaced || condition == Condition::removed) {
            reader_.reset();
            keepalive.forget();
        }
    }
    if (!reader_) {
        auto opened = KeepaliveReader::open({.name = shm_name_});
        if (!opened)
            return report_keepalive_problem(opened.error(), report);
        reader_.emplace(std::move(*opened));
        activity_ = {};
    }
    const auto snapshot = reader_->read();
    if (!snapshot) {
        reader_.reset();
        keepalive.forget();
        return report_keepalive_problem(snapshot.error(), report);
    }
    const auto condition = reader_->condition();
    if (condition == Condition::abandoned ||
        (condition == Condition::unlocked && activity_.left_over(*snapshot, steady_clock::now()))) {
        keepalive.forget();
        return report_keepalive_problem(
            {.number = EOWNERDEAD, .context = "shared memory " + shm_name_}, report);
    }
    if (keepalive_problem_.end())
        report.messages.push_back(
            {.level = Level::notice, .text = "shared memory " + shm_name_ + " is read"});
    keepalive.polled(*snapshot, report);
}

void Collector::report_keepalive_problem(const Error &error, Report &report) {
    if (error.number == ENOENT)
        keepalive_problem_.begin(Level::notice,
                                 "there is no shared memory " + shm_name_ +
                                     "; waiting for an application to create it",
                                 report);
    else
        keepalive_problem_.begin(Level::warning,
                                 printable(error.message()) + "; the lcores' states are unknown",
                                 report);
}

} // namespace netvsc::collectd
