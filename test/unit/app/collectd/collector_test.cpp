// SPDX-License-Identifier: BSD-3-Clause
#include "collectd/collector.hpp"
#include "common/fake_application.hpp"
#include "common/message_matcher.hpp"
#include "common/shm_name.hpp"
#include "common/temporary_folder.hpp"
#include "keepalive/keepalive_area.hpp"

#include <atomic>
#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <latch>
#include <map>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>

namespace netvsc::collectd {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;
using test::FakeApplication;
using test::is_message;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using Connection = FakeApplication::Connection;

// The answers of an application by command. The answer to all other commands is null.
class Answers {
public:
    void set(const std::string &command, json value) {
        const std::scoped_lock lock(mutex_);
        values_[command] = std::move(value);
    }
    [[nodiscard]] std::string to(const std::string &command) {
        const std::scoped_lock lock(mutex_);
        ++asked_[command];
        const auto value = values_.find(command);
        return json{
            {command.substr(0, command.find(',')), value == values_.end() ? json() : value->second}}
            .dump();
    }
    [[nodiscard]] FakeApplication::Behaviour behaviour() {
        return FakeApplication::answering(
            [this](const std::string &command) { return to(command); });
    }
    [[nodiscard]] int asked(const std::string &command) {
        const std::scoped_lock lock(mutex_);
        return asked_[command];
    }

private:
    std::mutex mutex_;
    std::map<std::string, json> values_;
    std::map<std::string, int> asked_;
};

class CollectorTest : public testing::Test {
protected:
    CollectorTest() {
        answers_.set("/ethdev/list", {0, 1});
        set_link(0, "UP");
        set_link(1, "DOWN");
    }
    void set_link(int port, const char *status) {
        answers_.set("/ethdev/link_status," + std::to_string(port), {{"status", status}});
    }
    [[nodiscard]] Collector collector(Config config = {.link = LinkConfig()}) const {
        return {std::move(config), folder_.path()};
    }
    [[nodiscard]] auto application(FakeApplication::Behaviour behaviour) const {
        return std::make_unique<FakeApplication>(folder_.path() / "rte" / "dpdk_telemetry.v2",
                                                 std::move(behaviour));
    }
    // An application that does @p instead_of_answer at the first query for its ports.
    [[nodiscard]] auto failing(std::function<void(const Connection &)> instead_of_answer) const {
        return application([instead_of_answer](const Connection &client) {
            client.send(FakeApplication::greeting);
            for (auto command = client.receive(); !command.empty(); command = client.receive()) {
                if (command == "/ethdev/list")
                    return instead_of_answer(client);
                client.send(json{{command.substr(0, command.find(',')), json()}}.dump());
            }
        });
    }
    static const Value up_0, down_1;

    TemporaryFolder folder_;
    Answers answers_;
};
const Value CollectorTest::up_0{"port.0", "link_status", 1};
const Value CollectorTest::down_1{"port.1", "link_status", 0};

TEST_F(CollectorTest, ReadsTheLinkStatusOfAllPorts) {
    const auto running = application(answers_.behaviour());
    auto reader = collector();
    const auto report = reader.read();
    EXPECT_THAT(report.values, ElementsAre(up_0, down_1));
    EXPECT_THAT(report.messages,
                ElementsAre(is_message(Level::info,
                                       "connected to application 'rte', PID 4711, DPDK 22.11")));
    set_link(1, "UP");
    const auto second = reader.read();
    EXPECT_THAT(second.values, ElementsAre(Value{"port.1", "link_status", 1}));
    EXPECT_THAT(second.messages, IsEmpty());
}

TEST_F(CollectorTest, DoesNotQueryDisabledPorts) {
    const auto running = application(answers_.behaviour());
    auto reader = collector({.link = LinkConfig{.ports = BitMask(2)}});
    EXPECT_THAT(reader.read().values, ElementsAre(down_1));
    EXPECT_EQ(answers_.asked("/ethdev/link_status,0"), 0);
}

TEST_F(CollectorTest, WaitsForTheApplicationAndLogsThatOnce) {
    auto reader = collector();
    EXPECT_THAT(reader.read().messages,
                ElementsAre(is_message(Level::notice, "application 'rte' is not running")));
    EXPECT_THAT(reader.read().messages, IsEmpty());
    const auto running = application(answers_.behaviour());
    const auto report = reader.read();
    EXPECT_THAT(report.values, ElementsAre(up_0, down_1));
    EXPECT_THAT(report.messages,
                ElementsAre(is_message(Level::info, "connected"),
                            is_message(Level::notice, "application 'rte' answers")));
}

TEST_F(CollectorTest, FollowsARestartWithinOneRead) {
    auto running = application(answers_.behaviour());
    auto reader = collector();
    (void)reader.read();
    running.reset();
    running = application(answers_.behaviour());
    const auto report = reader.read();
    EXPECT_THAT(report.values, ElementsAre(up_0, down_1)) << "reports all values again";
    EXPECT_THAT(report.messages, ElementsAre(is_message(Level::info, "connected")));
}

TEST_F(CollectorTest, ReportsThatTheApplicationEnded) {
    auto running = application(answers_.behaviour());
    auto reader = collector();
    (void)reader.read();
    running.reset();
    const auto report = reader.read();
    EXPECT_THAT(report.values, IsEmpty());
    EXPECT_THAT(report.messages, ElementsAre(is_message(Level::notice, "is not running")));
}

TEST_F(CollectorTest, IsNotHeldUpByAHangingApplication) {
    std::latch end(1);
    std::atomic<int> connections = 0;
    const auto hanging = failing([&](const Connection &client) {
        ++connections;
        end.wait();
        client.await_close();
    });
    {
        auto reader = collector();
        for (int i = 0; i < 2; ++i) {
            const auto start = steady_clock::now();
            const auto report = reader.read();
            EXPECT_THAT(report.values, IsEmpty());
            EXPECT_EQ(report.messages.size(), i == 0 ? 2U : 0U) << "logged once";
            EXPECT_GE(steady_clock::now() - start, Collector::time_limit);
        }
        EXPECT_EQ(connections, 1) << "an application serves ten";
    }
    end.count_down();
}

TEST_F(CollectorTest, SurvivesAnApplicationThatDiesInTheMiddleOfAnAnswer) {
    auto dying = failing([](const Connection &client) { client.send(R"({"/ethdev/list":[0,)"); });
    auto reader = collector();
    const auto report = reader.read();
    EXPECT_THAT(report.values, IsEmpty());
    EXPECT_THAT(report.messages, ElementsAre(is_message(Level::info, "connected"),
                                             is_message(Level::warning, "not to /ethdev/list")));
    dying.reset();
    const auto running = application(answers_.behaviour());
    EXPECT_THAT(reader.read().values, ElementsAre(up_0, down_1));
}

TEST_F(CollectorTest, RefusesAnswersOfAnotherForm) {
    const auto running = application(answers_.behaviour());
    for (const auto &ports : {json("x"), json{{"0", 1}}, json{"0"}, json{-1}, json{70000}}) {
        answers_.set("/ethdev/list", ports);
        auto reader = collector();
        const auto report = reader.read();
        EXPECT_THAT(report.messages, testing::Contains(is_message(Level::warning, "/ethdev/list")))
            << ports;
        EXPECT_THAT(report.values, IsEmpty());
    }
    answers_.set("/ethdev/list", {0});
    for (const auto &status : {json("UP"), json{{"status", 1}}, json{{"status", "LEFT"}}}) {
        answers_.set("/ethdev/link_status,0", status);
        auto reader = collector();
        EXPECT_THAT(reader.read().values, IsEmpty()) << status;
    }
    answers_.set("/ethdev/link_status,0", nullptr); // the port was just removed
    auto reader = collector();
    EXPECT_THAT(reader.read().messages, ElementsAre(is_message(Level::info, "connected")));
}

TEST_F(CollectorTest, LeavesOutAnApplicationWithoutPorts) {
    answers_.set("/ethdev/list", nullptr);
    const auto running = application(answers_.behaviour());
    auto reader = collector();
    const auto report = reader.read();
    EXPECT_THAT(report.values, IsEmpty());
    EXPECT_THAT(report.messages, ElementsAre(is_message(Level::info, "connected"),
                                             is_message(Level::warning, "has no DPDK ports")));
    EXPECT_THAT(reader.read().messages, IsEmpty());
}

json driver_event(std::uint64_t sequence, const char *type, int lcore = -1) {
    return {{"seq", sequence},
            {"time_ns", 1'000'000'000},
            {"type", type},
            {"port_id", 0},
            {"port", "net_failsafe_vsc0"},
            {"netdevice", "eth1"},
            {"vf", "0000:01:00.0"},
            {"lcore", lcore}};
}

TEST_F(CollectorTest, ReportsTheEventsOfNetVdevNetvsc) {
    const auto batch = [](std::uint64_t next, json events) {
        return json{
            {"first", 1}, {"next", next}, {"now_ns", 4'000'000'000}, {"events", std::move(events)}};
    };
    answers_.set("/vdev_netvsc/list", {0});
    answers_.set("/vdev_netvsc/info,0",
                 {{"name", "net_failsafe_vsc0"}, {"netdevice", "eth1"}, {"vf", "0000:01:00.0"}});
    answers_.set("/vdev_netvsc/events,1",
                 batch(3, {driver_event(1, "vf_present"), driver_event(2, "vf_attached")}));
    answers_.set("/vdev_netvsc/events,3", batch(3, json::array()));
    const auto running = application(answers_.behaviour());
    auto reader = collector(
        {.link = LinkConfig{.notify = true},
         .keepalive = KeepaliveConfig{.notify = true, .lcores = BitMask(2), .shm_name = "/no"}});
    const auto first = reader.read();
    EXPECT_THAT(first.notifications,
                ElementsAre(Field(&Notification::message, "Link Status: UP"),
                            Field(&Notification::message, "Link Status: DOWN")))
        << "earlier events are not reported";
    EXPECT_THAT(first.notifications[0].metadata,
                testing::Contains(testing::Pair("vf", "0000:01:00.0")));

    answers_.set("/vdev_netvsc/events,3",
                 batch(6, {driver_event(3, "vf_removed"), driver_event(4, "link_down"),
                           driver_event(5, "lcore_dead", 1)}));
    answers_.set("/vdev_netvsc/events,6", batch(6, json::array()));
    const auto second = reader.read();
    EXPECT_THAT(
        second.notifications,
        ElementsAre(Field(&Notification::message, "VF removed: 0000:01:00.0 of NetVSC eth1"),
                    Field(&Notification::message, "Link Status: DOWN"),
                    Field(&Notification::message, "lcore 1 Keep Alive Status: DEAD"),
                    Field(&Notification::message, "Link Status: UP")));
    EXPECT_EQ(second.notifications[0].age, 3s);
}

TEST_F(CollectorTest, ReportsForHowLongAVfIsUnused) {
    const auto set_unused = [this](const json &since, std::int64_t now) {
        answers_.set(
            "/vdev_netvsc/info,0",
            {{"name", "net_failsafe_vsc0"}, {"vf_unused_since_ns", since}, {"now_ns", now}});
    };
    const Value unused{"port.0", "vf_unused", 2.5};
    answers_.set("/ethdev/list", {0});
    answers_.set("/vdev_netvsc/list", {0, 7}); // the answer for port 7 is null
    set_unused(1'000'000'000, 3'500'000'000);
    const auto running = application(answers_.behaviour());
    auto reader = collector();
    EXPECT_THAT(reader.read().values, ElementsAre(up_0, unused));
    EXPECT_THAT(reader.read().values, IsEmpty());
    set_unused(0, 4'000'000'000);
    EXPECT_THAT(reader.read().values, ElementsAre(Value{"port.0", "vf_unused", 0}));
    for (const json &nonsense : {json(-1), json("x"), json(), json(4'000'000'001)}) {
        set_unused(nonsense, 4'000'000'000);
        EXPECT_THAT(reader.read().values, IsEmpty()) << nonsense;
    }
}

TEST_F(CollectorTest, ReportsAnUnusedVfAsConfigured) {
    const Value unused{"port.0", "vf_unused", 2.5};
    answers_.set("/ethdev/list", {0});
    answers_.set("/vdev_netvsc/list", {0});
    answers_.set("/vdev_netvsc/info,0", {{"name", "net_failsafe_vsc0"},
                                         {"vf_unused_since_ns", 1'000'000'000},
                                         {"now_ns", 3'500'000'000}});
    const auto running = application(answers_.behaviour());
    {
        auto every_value = collector({.link = LinkConfig{.only_changes = false}});
        EXPECT_THAT(every_value.read().values, ElementsAre(up_0, unused));
        EXPECT_THAT(every_value.read().values, ElementsAre(up_0, unused));
    }
    EXPECT_THAT(collector({.link = LinkConfig{.notify = true}}).read().values, IsEmpty());
    EXPECT_THAT(collector({.link = LinkConfig{.ports = BitMask(2)}}).read().values, IsEmpty());
}

TEST_F(CollectorTest, LearnsOfPortsFromAnApplicationThatWasSlowAtFirst) {
    answers_.set("/vdev_netvsc/list", {0});
    answers_.set("/vdev_netvsc/info,0", {{"name", "net_failsafe_vsc0"}, {"netdevice", "eth1"}});
    std::latch waited_for(1);
    const auto slow = application(FakeApplication::answering([&](const std::string &command) {
        if (command == "/vdev_netvsc/list")
            waited_for.wait();
        return answers_.to(command);
    }));
    auto reader = collector({.link = LinkConfig{.notify = true}});
    EXPECT_THAT(reader.read().notifications, IsEmpty()) << "it does not answer in time";
    waited_for.count_down();
    const auto report = reader.read();
    ASSERT_EQ(report.notifications.size(), 2U);
    EXPECT_THAT(report.notifications[0].metadata,
                testing::Contains(testing::Pair("netvsc", "eth1")));
}

TEST_F(CollectorTest, StopsReadingADriverWhoseEventsNeverEnd) {
    const json endless{
        {"first", 1}, {"next", 1}, {"now_ns", 1}, {"events", {driver_event(1, "vf_present")}}};
    answers_.set("/vdev_netvsc/events,1", endless);
    const auto running = application(answers_.behaviour());
    auto reader = collector();
    EXPECT_EQ(reader.read().values.size(), 2U);
    EXPECT_LE(answers_.asked("/vdev_netvsc/events,1"), 100);
}

class KeepaliveCollectorTest : public CollectorTest {
protected:
    [[nodiscard]] Collector watching() const {
        return collector(
            {.keepalive = KeepaliveConfig{.lcores = BitMask(6), .shm_name = name_.name()}});
    }
    [[nodiscard]] KeepaliveArea area() const {
        auto made = KeepaliveArea::create({.name = name_.name(), .lcores = 4});
        EXPECT_TRUE(made) << made.error().message();
        made->set(1, LcoreState::alive, 1);
        return std::move(*made);
    }
    static const Value lcore_1_alive, lcore_2_unused;
    test::ShmName name_;
};
const Value KeepaliveCollectorTest::lcore_1_alive{"keepalive", "lcore1", 1};
const Value KeepaliveCollectorTest::lcore_2_unused{"keepalive", "lcore2", 0};

TEST_F(KeepaliveCollectorTest, ReadsTheLcoresOfTheMask) {
    auto written = area();
    auto reader = watching();
    auto report = reader.read();
    EXPECT_THAT(report.values, ElementsAre(lcore_1_alive, lcore_2_unused));
    EXPECT_THAT(report.messages, IsEmpty());
    written.set(1, LcoreState::dead, 1);
    EXPECT_THAT(reader.read().values, ElementsAre(Value{"keepalive", "lcore1", 2}));
}

TEST_F(KeepaliveCollectorTest, WaitsForTheAreaAndLogsThatOnce) {
    auto reader = watching();
    EXPECT_THAT(reader.read().messages, ElementsAre(is_message(Level::notice, "waiting")));
    EXPECT_THAT(reader.read().messages, IsEmpty());
    const auto written = area();
    const auto report = reader.read();
    EXPECT_THAT(report.values, ElementsAre(lcore_1_alive, lcore_2_unused));
    EXPECT_THAT(report.messages, ElementsAre(is_message(Level::notice, "is read")));
}

TEST_F(KeepaliveCollectorTest, FollowsAnAreaThatIsReplaced) {
    auto reader = watching();
    {
        const auto written = area();
        EXPECT_EQ(reader.read().values.size(), 2U);
    }
    const auto anew = area();
    const auto report = reader.read();
    EXPECT_THAT(report.values, ElementsAre(lcore_1_alive, lcore_2_unused));
    EXPECT_THAT(report.messages, IsEmpty());
}

TEST_F(KeepaliveCollectorTest, ReportsThatTheAreaWasRemoved) {
    auto reader = watching();
    {
        const auto written = area();
        (void)reader.read();
    }
    const auto report = reader.read();
    EXPECT_THAT(report.values, IsEmpty());
    EXPECT_THAT(report.messages,
                ElementsAre(is_message(Level::notice, "there is no shared memory")));
}

TEST_F(KeepaliveCollectorTest, ReportsThatTheOwnerHasDied) {
    auto reader = watching();
    {
        auto written = area();
        (void)reader.read();
        // Like a crash: the lock ends, the name stays.
        ASSERT_EQ(::rename(name_.path().c_str(), (name_.path() + "x").c_str()), 0);
    }
    ASSERT_EQ(::rename((name_.path() + "x").c_str(), name_.path().c_str()), 0);
    const auto report = reader.read();
    EXPECT_THAT(report.values, IsEmpty()) << "its last states are out of date";
    EXPECT_THAT(report.messages, ElementsAre(is_message(Level::warning, "unknown")));
}

TEST_F(KeepaliveCollectorTest, SurvivesAnAreaThatIsTruncated) {
    auto reader = watching();
    const auto written = area();
    (void)reader.read();
    ASSERT_EQ(::truncate(name_.path().c_str(), 40), 0);
    const auto report = reader.read();
    EXPECT_THAT(report.values, IsEmpty());
    EXPECT_THAT(report.messages, ElementsAre(is_message(Level::warning, "truncated")));
    EXPECT_THAT(reader.read().values, IsEmpty());
}

TEST_F(KeepaliveCollectorTest, RefusesWhatIsNoArea) {
    auto reader = watching();
    std::ofstream(name_.path()) << "something else altogether";
    EXPECT_THAT(reader.read().messages,
                ElementsAre(is_message(Level::warning, "no keepalive area")));
}

TEST_F(KeepaliveCollectorTest, RefusesAnAreaThatAnybodyMayWrite) {
    auto reader = watching();
    const auto written = area();
    ASSERT_EQ(::chmod(name_.path().c_str(), 0666), 0);
    const auto report = reader.read();
    EXPECT_THAT(report.values, IsEmpty());
    EXPECT_THAT(report.messages,
                ElementsAre(is_message(Level::warning, "is writable by all users")));
}

TEST_F(KeepaliveCollectorTest, ContinuesWithOneWhenTheOtherFails) {
    const auto written = area();
    auto reader =
        collector({.link = LinkConfig(),
                   .keepalive = KeepaliveConfig{.lcores = BitMask(6), .shm_name = name_.name()}});
    EXPECT_EQ(reader.read().values.size(), 2U);
    const auto running = application(answers_.behaviour());
    ASSERT_EQ(::truncate(name_.path().c_str(), 0), 0);
    EXPECT_THAT(reader.read().values, ElementsAre(up_0, down_1));
}

} // namespace
} // namespace netvsc::collectd
