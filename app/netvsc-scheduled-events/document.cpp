// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-scheduled-events/document.hpp"

#include "telemetry/json_fields.hpp"
#include "telemetry/printable_text.hpp"

#include <ctime>

namespace netvsc::scheduled {
namespace {

using nlohmann::json;

std::unexpected<std::string> wrong(const std::string &place, const std::string &expected) {
    return std::unexpected(place + ": expected " + expected);
}

// "Mon, 11 Apr 2022 22:26:58 GMT" (RFC 9110, 5.6.7). The names are those of the locale "C", which a
// program has unless it calls setlocale().
std::optional<Time> parse_time(const std::string &text) {
    tm parts{};
    const char *end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (end != text.c_str() + text.size())
        return std::nullopt;
    return Time(std::chrono::seconds(::timegm(&parts)));
}

std::expected<Event, std::string> parse_event(const json &entry, const std::string &place) {
    Event event;
    for (const auto &[key, value] : {std::pair{"EventId", &event.id},
                                     {"EventType", &event.type},
                                     {"EventStatus", &event.status},
                                     {"ResourceType", &event.resource_type}}) {
        auto text = json_field<std::string>(entry, key);
        if (!text)
            return wrong(place + "." + key, "a text");
        *value = std::move(*text);
    }
    const auto resources = entry.find("Resources");
    if (resources == entry.end() || !resources->is_array())
        return wrong(place + ".Resources", "a list of names");
    for (const json &resource : *resources) {
        auto name = json_as<std::string>(resource);
        if (!name)
            return wrong(place + ".Resources", "a list of names");
        event.resources.push_back(std::move(*name));
    }
    const auto not_before = json_field<std::string>(entry, "NotBefore");
    if (!not_before)
        return wrong(place + ".NotBefore", "a text");
    if (!not_before->empty()) {
        event.not_before = parse_time(*not_before);
        if (!event.not_before)
            return wrong(place + ".NotBefore '" + printable_text(not_before->substr(0, 40)) + "'",
                         "a time such as 'Mon, 11 Apr 2022 22:26:58 GMT', or nothing");
    }
    event.description = json_field<std::string>(entry, "Description").value_or("");
    // -1: unknown.
    if (const auto length = json_field<std::uint32_t>(entry, "DurationInSeconds"))
        event.duration = std::chrono::seconds(*length);
    return event;
}

} // namespace

std::expected<Document, std::string> parse_document(std::string_view text) {
    const json answer = json::parse(text, nullptr, /*allow_exceptions=*/false);
    const auto incarnation = json_field<std::uint64_t>(answer, "DocumentIncarnation");
    if (!incarnation)
        return wrong("the answer", "a JSON object with the number DocumentIncarnation");
    const auto events = answer.find("Events");
    if (events == answer.end() || !events->is_array())
        return wrong("Events", "a list");
    Document document{.incarnation = *incarnation, .events = {}};
    for (std::size_t i = 0; i < events->size(); ++i) {
        auto event = parse_event((*events)[i], "Events[" + std::to_string(i) + "]");
        if (!event)
            return std::unexpected(std::move(event.error()));
        document.events.push_back(std::move(*event));
    }
    return document;
}

std::string text_of(Time time) {
    const std::time_t seconds =
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%F %T UTC", &parts)};
}

std::string text_of(const Event &event) {
    std::string text = event.type + " " + event.id + ", " + event.status;
    if (event.not_before)
        text += ", not before " + text_of(*event.not_before);
    if (event.duration)
        text += ", for about " + std::to_string(event.duration->count()) + " s";
    if (!event.description.empty())
        text += ": " + event.description;
    return printable_text(std::move(text));
}

} // namespace netvsc::scheduled
