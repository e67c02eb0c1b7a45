// SPDX-License-Identifier: BSD-3-Clause
#include "collectd/driver_events.hpp"

#include "telemetry/json_fields.hpp"

#include <algorithm>
#include <utility>

namespace netvsc::collectd {
namespace {

std::string text_field(const nlohmann::json &object, const char *key) {
    return json_field<std::string>(object, key).value_or("");
}

std::optional<DriverEvent> parse_event(const nlohmann::json &object) {
    const auto sequence = json_field<std::uint64_t>(object, "seq");
    const auto time = json_field<std::int64_t>(object, "time_ns");
    auto type = json_field<std::string>(object, "type");
    if (!sequence || !time || !type)
        return std::nullopt;
    return DriverEvent{.sequence = *sequence,
                       .time_ns = *time,
                       .type = std::move(*type),
                       .port_id = json_field<unsigned>(object, "port_id").value_or(0),
                       .facts = {.name = text_field(object, "port"),
                                 .netdevice = text_field(object, "netdevice"),
                                 .vf = text_field(object, "vf")},
                       .lcore = json_field<int>(object, "lcore").value_or(-1),
                       .reason = text_field(object, "reason")};
}

} // namespace

std::optional<EventBatch> parse_events(const nlohmann::json &answer) {
    const auto first = json_field<std::uint64_t>(answer, "first");
    const auto next = json_field<std::uint64_t>(answer, "next");
    const auto now = json_field<std::int64_t>(answer, "now_ns");
    if (!first || !next || !now)
        return std::nullopt;
    const auto events = answer.find("events");
    // DPDK 22.11 telemetry has no array of objects within an object. The driver sends an object
    // with numbers as keys there.
    if (events == answer.end() || !events->is_structured())
        return std::nullopt;
    EventBatch batch{.first = *first, .next = *next, .now_ns = *now, .events = {}};
    for (const auto &object : *events) {
        auto event = parse_event(object);
        if (!event)
            return std::nullopt;
        batch.events.push_back(std::move(*event));
    }
    std::ranges::sort(batch.events, {}, &DriverEvent::sequence); // "10" comes before "9"
    return batch;
}

std::optional<PortFacts> parse_info(const nlohmann::json &answer) {
    auto name = json_field<std::string>(answer, "name");
    if (!name)
        return std::nullopt;
    return PortFacts{.name = std::move(*name),
                     .netdevice = text_field(answer, "netdevice"),
                     .vf = text_field(answer, "vf")};
}

std::optional<std::chrono::nanoseconds> unused_vf_of(const nlohmann::json &answer) {
    const auto since = json_field<std::int64_t>(answer, "vf_unused_since_ns");
    const auto now = json_field<std::int64_t>(answer, "now_ns");
    if (!since || !now || *since < 0 || *since > *now)
        return std::nullopt;
    return std::chrono::nanoseconds(*since == 0 ? 0 : *now - *since);
}

void EventCursor::connected(int pid) {
    if (pid == pid_)
        return;
    history_ = pid_ == -1;
    pid_ = pid;
    since_ = 1;
}

EventCursor::News EventCursor::take(EventBatch batch) {
    News news;
    if (batch.next < since_) {
        // Fewer events than already read: a new process with the same PID, as in containers.
        since_ = 1;
        news.more = true;
        return news;
    }
    std::erase_if(batch.events, [&](const auto &event) { return event.sequence < since_; });
    if (!history_ && batch.first > since_)
        news.missed = batch.first - since_;
    since_ = batch.next;
    news.more = !batch.events.empty();
    if (!history_)
        news.events = std::move(batch.events);
    if (!news.more)
        history_ = false;
    return news;
}

} // namespace netvsc::collectd
