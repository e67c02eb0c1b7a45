// SPDX-License-Identifier: BSD-3-Clause
#include "collectd/driver_events.hpp"
#include "collectd/keepalive_status.hpp"
#include "collectd/link_status.hpp"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc::collectd {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

auto told(Severity severity, const char *message) {
    return AllOf(Field(&Notification::severity, severity), Field(&Notification::message, message));
}

DriverEvent driver_event(const char *type, unsigned port = 0, const char *vf = "") {
    return {.sequence = 1,
            .type = type,
            .port_id = port,
            .facts = {.name = "net_failsafe_vsc0", .netdevice = "eth1", .vf = vf}};
}

class LinkStatusTest : public testing::Test {
protected:
    // What one poll of port @p port adds.
    Report poll(LinkStatus &status, unsigned port, bool up) {
        Report report;
        status.polled(port, up, report);
        return report;
    }
    Report happen(LinkStatus &status, const DriverEvent &event,
                  std::chrono::nanoseconds age = 0ns) {
        Report report;
        status.happened(event, age, report);
        return report;
    }
};

TEST_F(LinkStatusTest, DispatchesAValueWhenItChanges) {
    LinkStatus status({.port_names = {"wan"}});
    EXPECT_THAT(poll(status, 0, true).values, ElementsAre(Value{"wan", "link_status", 1}));
    EXPECT_THAT(poll(status, 0, true).values, IsEmpty());
    EXPECT_THAT(poll(status, 0, false).values, ElementsAre(Value{"wan", "link_status", 0}));
    EXPECT_THAT(poll(status, 1, false).values, ElementsAre(Value{"port.1", "link_status", 0}))
        << "the first one, were it down";
    EXPECT_THAT(poll(status, 0, true).notifications, IsEmpty());
}

TEST_F(LinkStatusTest, DispatchesEachValueIfConfigured) {
    LinkStatus status({.only_changes = false});
    EXPECT_THAT(poll(status, 0, true).values, ElementsAre(Value{"port.0", "link_status", 1}));
    EXPECT_THAT(poll(status, 0, true).values, ElementsAre(Value{"port.0", "link_status", 1}));
}

TEST_F(LinkStatusTest, NotifiesInPlaceOfValues) {
    LinkStatus status({.notify = true});
    const auto first = poll(status, 0, true);
    EXPECT_THAT(first.values, IsEmpty());
    EXPECT_THAT(first.notifications, ElementsAre(told(Severity::okay, "Link Status: UP")));
    EXPECT_EQ(first.notifications[0].plugin_instance, "port.0");
    EXPECT_THAT(poll(status, 0, true).notifications, IsEmpty());
    EXPECT_THAT(poll(status, 0, false).notifications,
                ElementsAre(told(Severity::warning, "Link Status: DOWN")));
}

TEST_F(LinkStatusTest, ReportsLinkChangesBetweenTwoPolls) {
    LinkStatus status({.notify = true});
    (void)poll(status, 0, true);
    const auto down = happen(status, driver_event("link_down"), 3s);
    ASSERT_THAT(down.notifications, ElementsAre(told(Severity::warning, "Link Status: DOWN")));
    EXPECT_EQ(down.notifications[0].age, 3s);
    EXPECT_THAT(down.notifications[0].metadata,
                ElementsAre(Pair("port", "net_failsafe_vsc0"), Pair("netvsc", "eth1")));
    EXPECT_THAT(happen(status, driver_event("link_up")).notifications,
                ElementsAre(told(Severity::okay, "Link Status: UP")));
    EXPECT_THAT(poll(status, 0, true).notifications, IsEmpty()) << "reported already";
}

TEST_F(LinkStatusTest, LinkEventsAreNoValues) {
    LinkStatus status({});
    (void)poll(status, 0, true);
    const auto report = happen(status, driver_event("link_down"));
    EXPECT_THAT(report.values, IsEmpty());
    EXPECT_THAT(report.notifications, IsEmpty());
}

TEST_F(LinkStatusTest, ReportsVfsWithTheNamesOfNetvscAndVf) {
    LinkStatus status({.port_names = {"wan"}});
    const auto report = happen(status, driver_event("vf_removed", 0, "0000:01:00.0"), 5ms);
    ASSERT_THAT(report.notifications,
                ElementsAre(told(Severity::warning, "VF removed: 0000:01:00.0 of NetVSC eth1")));
    const auto &notification = report.notifications[0];
    EXPECT_EQ(notification.plugin_instance, "wan");
    EXPECT_EQ(notification.age, 5ms);
    EXPECT_THAT(notification.metadata,
                ElementsAre(Pair("port", "net_failsafe_vsc0"), Pair("netvsc", "eth1"),
                            Pair("vf", "0000:01:00.0"), Pair("event", "vf_removed")));
}

TEST_F(LinkStatusTest, GivesEachEventItsSeverity) {
    LinkStatus status({});
    for (const auto &[type, severity] :
         {std::pair{"vf_present", Severity::okay}, std::pair{"vf_attached", Severity::okay},
          std::pair{"vf_failed", Severity::failure}, std::pair{"vf_removed", Severity::warning},
          std::pair{"vf_unused", Severity::warning}, std::pair{"vf_unused_end", Severity::okay},
          std::pair{"port_added", Severity::okay}, std::pair{"port_removed", Severity::warning}})
        EXPECT_THAT(happen(status, driver_event(type)).notifications,
                    ElementsAre(Field(&Notification::severity, severity)))
            << type;
    EXPECT_THAT(happen(status, driver_event("of_a_newer_driver")).notifications, IsEmpty());
    EXPECT_THAT(happen(status, driver_event("lcore_dead")).notifications, IsEmpty());
}

TEST_F(LinkStatusTest, NamesTheVfOfALinkChangeUntilItsRemoval) {
    LinkStatus status({.notify = true});
    status.learn(0, {.name = "p", .netdevice = "eth1", .vf = "0000:01:00.0"});
    EXPECT_THAT(poll(status, 0, true).notifications[0].metadata,
                Contains(Pair("vf", "0000:01:00.0")));
    (void)happen(status, driver_event("vf_removed", 0, "0000:01:00.0"));
    EXPECT_THAT(poll(status, 0, false).notifications[0].metadata,
                ElementsAre(Pair("port", "net_failsafe_vsc0"), Pair("netvsc", "eth1")));
    (void)happen(status, driver_event("vf_attached", 0, "0000:02:00.0"));
    EXPECT_THAT(happen(status, driver_event("link_up")).notifications[0].metadata,
                Contains(Pair("vf", "0000:02:00.0")));
}

TEST_F(LinkStatusTest, SaysWhyAVfIsUnused) {
    LinkStatus status({.notify = true});
    auto event = driver_event("vf_unused", 0, "0000:01:00.0");
    event.reason = "probe_failed";
    EXPECT_EQ(happen(status, event).notifications[0].message,
              "VF unused: 0000:01:00.0 of NetVSC eth1: probe_failed");
    (void)happen(status, driver_event("vf_removed", 0, "0000:01:00.0"));
    (void)happen(status, driver_event("vf_unused_end", 0, "0000:01:00.0"));
    EXPECT_THAT(poll(status, 0, true).notifications[0].metadata,
                ElementsAre(Pair("port", "net_failsafe_vsc0"), Pair("netvsc", "eth1")));
}

TEST_F(LinkStatusTest, ReplacesControlCharacters) {
    LinkStatus status({});
    auto event = driver_event("vf_attached", 0, "0000:01:00.0");
    event.facts.netdevice = "eth\n1";
    const auto report = happen(status, event);
    EXPECT_THAT(report.notifications[0].message, HasSubstr("eth?1"));
    EXPECT_THAT(report.notifications[0].metadata, Contains(Pair("netvsc", "eth?1")));
}

TEST_F(LinkStatusTest, LeavesOutPortsThatAreNotEnabled) {
    LinkStatus status({.ports = BitMask(2)});
    EXPECT_FALSE(status.watched(0));
    EXPECT_TRUE(status.watched(1));
    EXPECT_FALSE(status.watched(65535));
    EXPECT_THAT(happen(status, driver_event("vf_removed", 0)).notifications, IsEmpty());
    EXPECT_THAT(happen(status, driver_event("vf_removed", 65535)).notifications, IsEmpty());
    EXPECT_FALSE(happen(status, driver_event("vf_removed", 1)).notifications.empty());
}

TEST_F(LinkStatusTest, ReportsAReturnedPortAgain) {
    LinkStatus status({});
    (void)poll(status, 0, true);
    (void)poll(status, 1, true);
    Report report;
    status.present(std::array{1U}, report);
    EXPECT_THAT(poll(status, 0, true).values, ElementsAre(Value{"port.0", "link_status", 1}));
    EXPECT_THAT(poll(status, 1, true).values, IsEmpty());
    status.forget();
    EXPECT_THAT(poll(status, 1, true).values, ElementsAre(Value{"port.1", "link_status", 1}));
}

TEST_F(LinkStatusTest, WarnsOnceThatThereAreMoreNamesThanPorts) {
    LinkStatus status({.port_names = {"a", "b"}});
    Report report;
    status.present(std::array{0U}, report);
    status.present(std::array{0U}, report);
    EXPECT_THAT(report.messages, ElementsAre(Field(&Message::text, HasSubstr("2 PortName lines"))));
    LinkStatus enough({.port_names = {"a"}});
    Report silent;
    enough.present(std::array{0U, 1U}, silent);
    EXPECT_THAT(silent.messages, IsEmpty());
}

TEST_F(LinkStatusTest, WarnsOnceOfAnApplicationWithoutPorts) {
    LinkStatus status({});
    Report report;
    status.present(std::array<unsigned, 0>{}, report);
    status.present(std::array<unsigned, 0>{}, report);
    EXPECT_THAT(report.messages,
                ElementsAre(Field(&Message::text, HasSubstr("has no DPDK ports"))));
    status.forget(); // the next application
    Report next;
    status.present(std::array<unsigned, 0>{}, next);
    EXPECT_THAT(next.messages, testing::SizeIs(1));
}

KeepaliveSnapshot snapshot(std::initializer_list<unsigned> states) {
    KeepaliveSnapshot result;
    for (const unsigned state : states)
        result.states.push_back(static_cast<LcoreState>(state));
    result.last_seen.resize(states.size());
    return result;
}

Report poll(KeepaliveStatus &status, std::initializer_list<unsigned> states) {
    Report report;
    status.polled(snapshot(states), report);
    return report;
}

TEST(KeepaliveStatusTest, DispatchesTheValueOfEachLcoreOfTheMask) {
    KeepaliveStatus status({.lcores = BitMask(0b1011)});
    EXPECT_THAT(poll(status, {0, 1, 2, 9}).values,
                ElementsAre(Value{"keepalive", "lcore0", 0}, Value{"keepalive", "lcore1", 1},
                            Value{"keepalive", "lcore3", 9}));
    EXPECT_THAT(poll(status, {0, 2, 1, 9}).values, ElementsAre(Value{"keepalive", "lcore1", 2}));
    status.forget();
    EXPECT_EQ(poll(status, {0, 2, 1, 9}).values.size(), 3U);
}

TEST(KeepaliveStatusTest, DispatchesEachValueIfConfigured) {
    KeepaliveStatus status({.only_changes = false, .lcores = BitMask(1)});
    EXPECT_EQ(poll(status, {1}).values.size(), 1U);
    EXPECT_EQ(poll(status, {1}).values.size(), 1U);
}

TEST(KeepaliveStatusTest, NotifiesInTheStockPluginsWords) {
    KeepaliveStatus status({.notify = true, .lcores = BitMask(0xff)});
    const auto report = poll(status, {0, 1, 2, 3, 4, 5, 6, 7});
    EXPECT_THAT(report.values, IsEmpty());
    EXPECT_THAT(report.notifications,
                ElementsAre(told(Severity::okay, "lcore 0 Keep Alive Status: UNUSED"),
                            told(Severity::okay, "lcore 1 Keep Alive Status: ALIVE"),
                            told(Severity::failure, "lcore 2 Keep Alive Status: DEAD"),
                            told(Severity::failure, "lcore 3 Keep Alive Status: GONE"),
                            told(Severity::warning, "lcore 4 Keep Alive Status: MISSING"),
                            told(Severity::okay, "lcore 5 Keep Alive Status: DOZING"),
                            told(Severity::okay, "lcore 6 Keep Alive Status: SLEEP"),
                            told(Severity::failure, "lcore 7 Keep Alive Status: UNKNOWN")));
    EXPECT_EQ(report.notifications[0].plugin_instance, "keepalive");
    EXPECT_THAT(poll(status, {0, 1, 2, 3, 4, 5, 6, 7}).notifications, IsEmpty());
}

TEST(KeepaliveStatusTest, ReportsDeathsBetweenTwoPolls) {
    KeepaliveStatus status({.notify = true, .lcores = BitMask(2)});
    (void)poll(status, {0, 1});
    Report report;
    status.happened(1, LcoreState::dead, 2s, report);
    status.happened(1, LcoreState::alive, 1s, report);
    status.happened(0, LcoreState::dead, 1s, report);
    status.happened(5000, LcoreState::dead, 1s, report);
    ASSERT_THAT(report.notifications,
                ElementsAre(told(Severity::failure, "lcore 1 Keep Alive Status: DEAD"),
                            told(Severity::okay, "lcore 1 Keep Alive Status: ALIVE")));
    EXPECT_EQ(report.notifications[0].age, 2s);
    EXPECT_THAT(poll(status, {0, 1}).notifications, IsEmpty());
}

TEST(KeepaliveStatusTest, WarnsOnceThatTheMaskIsWiderThanTheArea) {
    KeepaliveStatus status({.lcores = BitMask(0x104)});
    const auto report = poll(status, {1, 1, 1, 1});
    EXPECT_THAT(report.messages, ElementsAre(Field(&Message::text, HasSubstr("lcore 8"))));
    EXPECT_THAT(report.values, ElementsAre(Value{"keepalive", "lcore2", 1}));
    EXPECT_THAT(poll(status, {1, 1, 1, 1}).messages, IsEmpty());
}

TEST(AreaActivityTest, FindsAnAreaWithoutAWriter) {
    const AreaActivity::Time start{1h};
    auto seen = snapshot({1, 0});
    AreaActivity activity;
    seen.last_seen = {7, 0};
    EXPECT_FALSE(activity.left_over(seen, start));
    EXPECT_FALSE(activity.left_over(seen, start + 59s));
    EXPECT_TRUE(activity.left_over(seen, start + 60s));
    seen.last_seen = {8, 0};
    EXPECT_FALSE(activity.left_over(seen, start + 61s)) << "it was only slow";
    seen.states[0] = LcoreState::dead;
    EXPECT_FALSE(activity.left_over(seen, start + 500s))
        << "the time stamp of a dead lcore does not move";
}

nlohmann::json event_json(std::uint64_t sequence) {
    return {{"seq", sequence}, {"time_ns", 5},        {"type", "vf_attached"}, {"port_id", 3},
            {"port", "vsc0"},  {"netdevice", "eth1"}, {"vf", "0000:01:00.0"},  {"lcore", -1}};
}

nlohmann::json batch_json(std::uint64_t first, std::uint64_t next,
                          std::initializer_list<std::uint64_t> events) {
    auto list = nlohmann::json::array();
    for (const auto sequence : events)
        list.push_back(event_json(sequence));
    return {{"first", first}, {"next", next}, {"now_ns", 100}, {"events", list}};
}

EventBatch batch(std::uint64_t first, std::uint64_t next,
                 std::initializer_list<std::uint64_t> events) {
    return *parse_events(batch_json(first, next, events));
}

TEST(DriverEventsTest, ReadsAnAnswer) {
    const auto parsed = parse_events(batch_json(1, 3, {2}));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->first, 1U);
    EXPECT_EQ(parsed->next, 3U);
    EXPECT_EQ(parsed->now_ns, 100);
    ASSERT_EQ(parsed->events.size(), 1U);
    const auto &event = parsed->events[0];
    EXPECT_EQ(event.sequence, 2U);
    EXPECT_EQ(event.time_ns, 5);
    EXPECT_EQ(event.type, "vf_attached");
    EXPECT_EQ(event.port_id, 3U);
    EXPECT_EQ(event.facts, (PortFacts{"vsc0", "eth1", "0000:01:00.0"}));
    EXPECT_EQ(event.lcore, -1);
}

TEST(DriverEventsTest, ReadsEventsByNumberInTheirOrder) {
    auto answer = batch_json(1, 11, {});
    answer["events"] = {{"10", event_json(10)}, {"9", event_json(9)}};
    const auto parsed = parse_events(answer);
    ASSERT_TRUE(parsed);
    EXPECT_THAT(parsed->events,
                ElementsAre(Field(&DriverEvent::sequence, 9U), Field(&DriverEvent::sequence, 10U)));
    answer["events"] = nlohmann::json::object();
    EXPECT_THAT(parse_events(answer)->events, IsEmpty());
}

TEST(DriverEventsTest, RefusesWhatItDoesNotUnderstand) {
    for (const char *key : {"first", "next", "now_ns", "events"}) {
        auto answer = batch_json(1, 3, {2});
        answer.erase(key);
        EXPECT_FALSE(parse_events(answer)) << key;
        answer[key] = "x";
        EXPECT_FALSE(parse_events(answer)) << key;
    }
    for (const char *key : {"seq", "time_ns", "type"}) {
        auto answer = batch_json(1, 3, {2});
        answer["events"][0].erase(key);
        EXPECT_FALSE(parse_events(answer)) << key;
    }
    EXPECT_FALSE(parse_events({}));
    EXPECT_FALSE(parse_events({1, 2}));
    EXPECT_FALSE(parse_info({1, 2}));
    EXPECT_FALSE(parse_info({{"name", 7}}));
}

TEST(DriverEventsTest, ReadsThePortsFacts) {
    EXPECT_EQ(parse_info({{"name", "vsc0"}, {"netdevice", "eth1"}, {"vf", ""}, {"more", 1}}),
              (PortFacts{"vsc0", "eth1", ""}));
}

TEST(EventCursorTest, LeavesOutWhatWasBeforeTheReader) {
    EventCursor cursor;
    cursor.connected(10);
    EXPECT_EQ(cursor.since(), 1U);
    auto news = cursor.take(batch(1, 3, {1, 2}));
    EXPECT_THAT(news.events, IsEmpty());
    EXPECT_TRUE(news.more);
    EXPECT_FALSE(cursor.take(batch(1, 3, {})).more);
    EXPECT_EQ(cursor.since(), 3U);
    news = cursor.take(batch(1, 4, {3}));
    EXPECT_THAT(news.events, ElementsAre(Field(&DriverEvent::sequence, 3U)));
    EXPECT_EQ(news.missed, 0U);
}

TEST(EventCursorTest, ReportsAllEventsOfANewApplication) {
    EventCursor cursor;
    cursor.connected(10);
    (void)cursor.take(batch(1, 50, {}));
    cursor.connected(11);
    EXPECT_EQ(cursor.since(), 1U);
    EXPECT_EQ(cursor.take(batch(1, 3, {1, 2})).events.size(), 2U);
}

TEST(EventCursorTest, ContinuesAfterALostConnection) {
    EventCursor cursor;
    cursor.connected(10);
    (void)cursor.take(batch(1, 50, {}));
    cursor.connected(10);
    EXPECT_EQ(cursor.since(), 50U);
}

TEST(EventCursorTest, FindsTheNewApplicationOfTheSamePid) {
    EventCursor cursor;
    cursor.connected(1);
    (void)cursor.take(batch(1, 50, {}));
    cursor.connected(1);
    const auto news = cursor.take(batch(1, 3, {}));
    EXPECT_TRUE(news.more);
    EXPECT_EQ(cursor.since(), 1U);
    EXPECT_EQ(cursor.take(batch(1, 3, {1, 2})).events.size(), 2U);
}

TEST(EventCursorTest, CountsWhatItMissed) {
    EventCursor cursor;
    cursor.connected(1);
    (void)cursor.take(batch(1, 5, {}));
    EXPECT_EQ(cursor.take(batch(9, 11, {9, 10})).missed, 4U);
}

} // namespace
} // namespace netvsc::collectd
