// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-scheduled-events/document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace netvsc::scheduled {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// 2022-04-11 22:26:58 UTC
constexpr Time moment{1'649'716'018s};

// In the documented form.
json documented() {
    return {{"DocumentIncarnation", 2},
            {"Events",
             {{{"EventId", "C7061BAC-AFDC-4513-B24B-AA5F13A16123"},
               {"EventStatus", "Scheduled"},
               {"EventType", "Freeze"},
               {"ResourceType", "VirtualMachine"},
               {"Resources", {"WestNO_0", "WestNO_1"}},
               {"NotBefore", "Mon, 11 Apr 2022 22:26:58 GMT"},
               {"Description", "Virtual machine is being paused."},
               {"EventSource", "Platform"},
               {"DurationInSeconds", 5}}}}};
}

std::string problem_with(const json &document) {
    const auto parsed = parse_document(document.dump());
    return parsed ? "" : parsed.error();
}

// The problem when the member @p key of the event is replaced.
std::string problem_with(const std::string &key, const json &value) {
    json document = documented();
    document["Events"][0][key] = value;
    return problem_with(document);
}

TEST(Document, IsParsed) {
    const auto document = parse_document(documented().dump());
    ASSERT_TRUE(document) << document.error();
    EXPECT_EQ(document->incarnation, 2U);
    ASSERT_EQ(document->events.size(), 1U);
    const Event &event = document->events[0];
    EXPECT_EQ(event.id, "C7061BAC-AFDC-4513-B24B-AA5F13A16123");
    EXPECT_EQ(event.type, "Freeze");
    EXPECT_EQ(event.status, "Scheduled");
    EXPECT_EQ(event.resource_type, "VirtualMachine");
    EXPECT_THAT(event.resources, ElementsAre("WestNO_0", "WestNO_1"));
    EXPECT_EQ(event.not_before, moment);
    EXPECT_EQ(event.duration, 5s);
    EXPECT_EQ(event.description, "Virtual machine is being paused.");
}

TEST(Document, WithoutEvents) {
    const auto document = parse_document(R"({"DocumentIncarnation":1,"Events":[]})");
    ASSERT_TRUE(document) << document.error();
    EXPECT_THAT(document->events, IsEmpty());
}

TEST(Document, StartedEventHasNoTime) {
    json document = documented();
    document["Events"][0]["NotBefore"] = "";
    document["Events"][0]["EventStatus"] = "Started";
    const auto parsed = parse_document(document.dump());
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(parsed->events[0].not_before, std::nullopt);
}

TEST(Document, OptionalParts) {
    json document = documented();
    document["Events"][0]["DurationInSeconds"] = -1;
    document["Events"][0].erase("Description");
    const auto parsed = parse_document(document.dump());
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(parsed->events[0].duration, std::nullopt);
    EXPECT_EQ(parsed->events[0].description, "");
}

TEST(Document, MalformedOnesAreRefused) {
    for (const char *text : {"", "{", "[]", "7", "null", R"({"Events":[]})", "<html></html>",
                             R"({"DocumentIncarnation":"1","Events":[]})",
                             R"({"DocumentIncarnation":-1,"Events":[]})"}) {
        const auto parsed = parse_document(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_THAT(parsed.error(), HasSubstr("DocumentIncarnation")) << text;
    }
    EXPECT_EQ(problem_with({{"DocumentIncarnation", 1}}), "Events: expected a list");
    EXPECT_EQ(problem_with({{"DocumentIncarnation", 1}, {"Events", 7}}), "Events: expected a list");
    EXPECT_EQ(problem_with({{"DocumentIncarnation", 1}, {"Events", {7}}}),
              "Events[0].EventId: expected a text");
    EXPECT_EQ(problem_with("EventId", 7), "Events[0].EventId: expected a text");
    EXPECT_EQ(problem_with("EventType", nullptr), "Events[0].EventType: expected a text");
    EXPECT_EQ(problem_with("Resources", "vm"), "Events[0].Resources: expected a list of names");
    EXPECT_EQ(problem_with("Resources", {7}), "Events[0].Resources: expected a list of names");
    EXPECT_EQ(problem_with("NotBefore", 7), "Events[0].NotBefore: expected a text");
}

TEST(Document, MalformedTimesAreRefused) {
    for (const char *time : {"soon", "Mon, 11 Apr 2022 22:26:58", "Mon, 11 Apr 2022 22:26:58 GMT+1",
                             "Mon, 11 Apr 2022 25:26:58 GMT", "2022-04-11T22:26:58Z"})
        EXPECT_THAT(problem_with("NotBefore", time),
                    HasSubstr(std::string("NotBefore '") + time + "': expected a time"));
    EXPECT_THAT(problem_with("NotBefore", "\x1b[2J"), HasSubstr("'?[2J'"));
}

TEST(Document, EventAsText) {
    auto event = parse_document(documented().dump())->events[0];
    EXPECT_EQ(text_of(event),
              "Freeze C7061BAC-AFDC-4513-B24B-AA5F13A16123, Scheduled, not before 2022-04-11 "
              "22:26:58 UTC, for about 5 s: Virtual machine is being paused.");
    event.not_before.reset();
    event.duration.reset();
    event.id = "a\x1b[2J\n";
    event.description = "";
    EXPECT_EQ(text_of(event), "Freeze a?[2J?, Scheduled");
}

} // namespace
} // namespace netvsc::scheduled
