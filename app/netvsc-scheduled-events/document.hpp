// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netvsc::scheduled {

/// UTC
using Time = std::chrono::sys_time<std::chrono::milliseconds>;

/// One of Azure's Scheduled Events. Source: Microsoft Learn, "Scheduled Events for Linux VMs",
/// version 2020-07-01.
struct Event {
    std::string id;
    std::string type;                   ///< "Freeze", "Reboot", "Redeploy", "Preempt", "Terminate"
    std::string status;                 ///< "Scheduled" or "Started"
    std::string resource_type;          ///< "VirtualMachine"
    std::vector<std::string> resources; ///< names of the virtual machines
    std::optional<Time> not_before;     ///< the earliest start; nullopt: the event has started
    std::string description;
    /// Expected length of the interruption; nullopt if Azure does not know it.
    std::optional<std::chrono::seconds> duration;
};

/// Azure's list of events.
struct Document {
    std::uint64_t incarnation = 0; ///< grows when the list changes
    std::vector<Event> events;
};

/// Parses the answer to GET /metadata/scheduledevents.
/// @return or else a message: which part is wrong, and what was expected
[[nodiscard]] std::expected<Document, std::string> parse_document(std::string_view text);

/// "2022-04-11 22:26:58 UTC"
[[nodiscard]] std::string text_of(Time time);

/// "Freeze <id>, Scheduled, not before 2022-04-11 22:26:58 UTC, for about 5 s: <description>".
/// Printable ASCII only.
[[nodiscard]] std::string text_of(const Event &event);

} // namespace netvsc::scheduled
