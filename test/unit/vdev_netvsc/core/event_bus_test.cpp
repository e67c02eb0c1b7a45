// SPDX-License-Identifier: BSD-3-Clause
#include "core/event_bus.hpp"

#include <atomic>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::chrono::steady_clock::time_point epoch{};

Event about(std::uint16_t port, EventType type = EventType::vf_present) {
    return {.type = type, .port_id = port, .port = {}, .netdevice = {}, .vf = {}, .lcore = -1};
}

class EventBusTest : public testing::Test {
protected:
    std::uint64_t publish(EventType type = EventType::vf_present) {
        return bus_.publish(about(0, type), epoch);
    }
    /// Subscribes a callback that records the numbers of its events.
    bool listen(int user = 0) {
        return bus_.subscribe(
            key(user), [this](const NumberedEvent &event) { received_.push_back(event.sequence); });
    }
    [[nodiscard]] EventBus::Key key(int user) const {
        return {.function = 1, .user = &users_.at(static_cast<std::size_t>(user))};
    }

    std::array<int, 3> users_{};
    std::atomic<int> woken_ = 0;
    EventBus bus_{[this] { ++woken_; }, 4};
    std::vector<std::uint64_t> received_;
};

TEST_F(EventBusTest, NumbersAndTimesWhatIsPublished) {
    EXPECT_EQ(bus_.publish(about(3), epoch + 5ns), 1);
    EXPECT_EQ(bus_.publish(about(4, EventType::link_up), epoch + 7ns), 2);
    const auto history = bus_.since(0);
    EXPECT_EQ(history.first, 1);
    EXPECT_EQ(history.next, 3);
    EXPECT_THAT(history.events,
                ElementsAre(NumberedEvent{.sequence = 1, .time = epoch + 5ns, .event = about(3)},
                            NumberedEvent{.sequence = 2,
                                          .time = epoch + 7ns,
                                          .event = about(4, EventType::link_up)}));
}

TEST_F(EventBusTest, KeepsTheLastAndShowsWhatIsMissing) {
    for (int i = 0; i < 7; ++i)
        publish();
    const auto history = bus_.since(2);
    EXPECT_EQ(history.first, 4);
    EXPECT_EQ(history.next, 8);
    ASSERT_EQ(history.events.size(), 4);
    EXPECT_EQ(history.events.front().sequence, 4);
    EXPECT_EQ(history.events.back().sequence, 7);
}

TEST_F(EventBusTest, ReturnsEventsFromTheRequestedNumberOn) {
    for (int i = 0; i < 3; ++i)
        publish();
    EXPECT_EQ(bus_.since(2).events.size(), 2);
    EXPECT_THAT(bus_.since(4).events, IsEmpty());
    EXPECT_THAT(bus_.since(~0ULL).events, IsEmpty());
}

TEST_F(EventBusTest, IsEmptyAtFirst) {
    const auto history = bus_.since(0);
    EXPECT_EQ(history.first, 1);
    EXPECT_EQ(history.next, 1);
    EXPECT_THAT(history.events, IsEmpty());
}

TEST_F(EventBusTest, WakesNobodyWithoutSubscribers) {
    publish();
    EXPECT_EQ(woken_, 0);
    ASSERT_TRUE(listen());
    publish();
    EXPECT_EQ(woken_, 1);
}

TEST_F(EventBusTest, CallsOnlyWhenDelivering) {
    ASSERT_TRUE(listen());
    publish();
    EXPECT_THAT(received_, IsEmpty());
    bus_.deliver();
    EXPECT_THAT(received_, ElementsAre(1));
    bus_.deliver();
    EXPECT_THAT(received_, ElementsAre(1));
}

TEST_F(EventBusTest, ReportsWhatFollowsTheSubscription) {
    publish();
    ASSERT_TRUE(listen());
    publish();
    ASSERT_TRUE(listen(1));
    publish();
    bus_.deliver();
    EXPECT_THAT(received_, ElementsAre(2, 3, 3));
}

TEST_F(EventBusTest, SubscribesOnce) {
    EXPECT_TRUE(listen());
    EXPECT_FALSE(listen());
    EXPECT_TRUE(listen(1));
}

TEST_F(EventBusTest, IsSilentAfterUnsubscribing) {
    ASSERT_TRUE(listen());
    publish();
    EXPECT_TRUE(bus_.unsubscribe(key(0)));
    EXPECT_FALSE(bus_.unsubscribe(key(0)));
    publish();
    bus_.deliver();
    EXPECT_THAT(received_, IsEmpty());
    ASSERT_TRUE(listen());
    publish();
    bus_.deliver();
    EXPECT_THAT(received_, ElementsAre(3));
}

TEST_F(EventBusTest, SkipsEventsThatAreDroppedBeforeTheirDelivery) {
    ASSERT_TRUE(listen());
    for (int i = 0; i < 6; ++i)
        publish();
    bus_.deliver();
    EXPECT_THAT(received_, ElementsAre(3, 4, 5, 6));
}

TEST_F(EventBusTest, SkipsWhatIsLostWhileCallbacksRun) {
    ASSERT_TRUE(bus_.subscribe(key(0), [this](const NumberedEvent &event) {
        received_.push_back(event.sequence);
        if (event.sequence == 1) {
            for (int i = 0; i < 4; ++i)
                publish();
        }
    }));
    publish();
    publish();
    bus_.deliver(); // the bus has dropped 2; 3 to 6 belong to the next delivery
    EXPECT_THAT(received_, ElementsAre(1));
    bus_.deliver();
    EXPECT_THAT(received_, ElementsAre(1, 3, 4, 5, 6));
}

TEST_F(EventBusTest, CallbackUnsubscribesItself) {
    ASSERT_TRUE(bus_.subscribe(key(0), [this](const NumberedEvent &event) {
        received_.push_back(event.sequence);
        EXPECT_TRUE(bus_.unsubscribe(key(0)));
    }));
    publish();
    publish();
    bus_.deliver();
    EXPECT_THAT(received_, ElementsAre(1));
}

TEST_F(EventBusTest, CallbackUnsubscribesAnother) {
    ASSERT_TRUE(bus_.subscribe(key(0), [this](const NumberedEvent & /*unused*/) {
        EXPECT_TRUE(bus_.unsubscribe(key(1)));
    }));
    ASSERT_TRUE(listen(1));
    publish();
    bus_.deliver();
    EXPECT_THAT(received_, IsEmpty());
}

TEST_F(EventBusTest, CallbackSubscribesAnother) {
    ASSERT_TRUE(
        bus_.subscribe(key(0), [this](const NumberedEvent & /*unused*/) { (void)listen(1); }));
    publish();
    publish();
    bus_.deliver(); // both were published before it subscribed
    EXPECT_THAT(received_, IsEmpty());
    publish();
    bus_.deliver();
    EXPECT_THAT(received_, ElementsAre(3));
}

TEST_F(EventBusTest, CallbackPublishes) {
    ASSERT_TRUE(bus_.subscribe(key(0), [this](const NumberedEvent &event) {
        received_.push_back(event.sequence);
        publish();
        bus_.deliver(); // does nothing here
    }));
    publish();
    bus_.deliver();
    EXPECT_THAT(received_, ElementsAre(1));
    EXPECT_EQ(woken_, 2);
    bus_.deliver();
    EXPECT_THAT(received_, ElementsAre(1, 2));
}

TEST_F(EventBusTest, UnsubscribingWaitsForACallInAnotherThread) {
    std::promise<void> entered;
    std::promise<void> go_on;
    std::atomic<bool> ended = false;
    ASSERT_TRUE(bus_.subscribe(key(0), [&](const NumberedEvent & /*unused*/) {
        entered.set_value();
        go_on.get_future().wait();
        ended = true;
    }));
    publish();
    std::thread delivery([this] { bus_.deliver(); });
    entered.get_future().wait();
    auto unsubscribed = std::async(std::launch::async, [&] {
        EXPECT_TRUE(bus_.unsubscribe(key(0)));
        return ended.load();
    });
    EXPECT_EQ(unsubscribed.wait_for(50ms), std::future_status::timeout);
    publish(); // not held up
    go_on.set_value();
    EXPECT_TRUE(unsubscribed.get()) << "the callback was running still";
    delivery.join();
}

TEST_F(EventBusTest, UnsubscribingDoesNotWaitForAnothersCall) {
    std::promise<void> entered;
    std::promise<void> go_on;
    ASSERT_TRUE(bus_.subscribe(key(0), [&](const NumberedEvent & /*unused*/) {
        entered.set_value();
        go_on.get_future().wait();
    }));
    ASSERT_TRUE(listen(1));
    publish();
    std::thread delivery([this] { bus_.deliver(); });
    entered.get_future().wait();
    EXPECT_TRUE(bus_.unsubscribe(key(1)));
    go_on.set_value();
    delivery.join();
    EXPECT_THAT(received_, IsEmpty());
}

TEST_F(EventBusTest, ManyThreadsPublishWithoutLossOrDoubles) {
    constexpr int threads = 4;
    constexpr int each = 1000;
    EventBus bus([] {}, threads * each);
    std::vector<std::uint64_t> heard;
    ASSERT_TRUE(bus.subscribe(
        key(0), [&](const NumberedEvent &event) { heard.push_back(event.sequence); }));
    {
        std::vector<std::jthread> publishers;
        for (int i = 0; i < threads; ++i)
            publishers.emplace_back([&] {
                for (int j = 0; j < each; ++j)
                    bus.publish(about(0), epoch);
            });
        while (heard.size() < std::size_t{threads} * each)
            bus.deliver();
    }
    bus.deliver();
    EXPECT_EQ(heard.size(), std::size_t{threads} * each);
    EXPECT_TRUE(std::ranges::is_sorted(heard));
    EXPECT_EQ(std::set(heard.begin(), heard.end()).size(), heard.size());
}

TEST(EventTypeTest, EachHasANameOfItsOwn) {
    std::set<std::string_view> names;
    for (int type = 0; type <= static_cast<int>(EventType::vf_unused_end); ++type)
        names.insert(name_of(static_cast<EventType>(type)));
    EXPECT_EQ(names.size(), 13);
    EXPECT_FALSE(names.contains("unknown"));
    EXPECT_EQ(name_of(EventType::lcore_dead), "lcore_dead");
}

} // namespace
} // namespace netvsc
