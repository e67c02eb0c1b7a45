// SPDX-License-Identifier: BSD-3-Clause
#include "core/lcore_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace netvsc {

// What gtest shows of it.
void PrintTo(const LcoreChange &change, std::ostream *out) {
    *out << "lcore " << change.lcore << " port " << change.port << ": " << name_of(change.from)
         << " -> " << name_of(change.to);
}

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

using enum LcoreState;
constexpr std::nullopt_t nobody = std::nullopt;

class LcoreWatchTest : public testing::Test {
protected:
    // Ends a period in which these queues existed.
    std::vector<LcoreChange> period(const std::vector<QueuePolls> &queues) {
        now.time += 100ms;
        now.cycles += 1000;
        return watch.period_over(queues, [&](unsigned lcore) { return idle.contains(lcore); }, now);
    }
    [[nodiscard]] LcoreState state(unsigned lcore) const {
        const auto found = watch.lcores().find(lcore);
        return found == watch.lcores().end() ? unused : found->second.state;
    }

    LcoreWatch watch;
    Moment now;
    std::set<unsigned> idle;
};

TEST_F(LcoreWatchTest, goes_through_its_states) {
    EXPECT_THAT(period({{0, 0, nobody}}), IsEmpty())
        << "an lcore that has not polled yet is not watched";
    EXPECT_THAT(period({{0, 0, 1}}), ElementsAre(LcoreChange{1, 0, unused, alive}));
    EXPECT_THAT(period({{0, 0, 1}}), IsEmpty());
    const auto seen = now;
    EXPECT_THAT(period({{0, 0, nobody}}), ElementsAre(LcoreChange{1, 0, alive, missing}));
    EXPECT_THAT(period({{0, 0, nobody}}), ElementsAre(LcoreChange{1, 0, missing, dead}));
    EXPECT_THAT(period({{0, 0, nobody}}), ElementsAre(LcoreChange{1, 0, dead, gone}));
    EXPECT_THAT(period({{0, 0, nobody}}), IsEmpty());
    EXPECT_EQ(watch.lcores().at(1).last_seen.time, seen.time);
    EXPECT_EQ(watch.lcores().at(1).last_seen.cycles, seen.cycles);
    EXPECT_EQ(watch.lcores().at(1).deaths, 1U);
    EXPECT_THAT(period({{0, 0, 1}}), ElementsAre(LcoreChange{1, 0, gone, alive}));
    EXPECT_EQ(watch.lcores().at(1).last_seen.cycles, now.cycles);
}

TEST_F(LcoreWatchTest, names_the_queues_that_an_lcore_polled_last) {
    using Queue = LcoreWatch::QueueId;
    period({{0, 0, 1}, {0, 1, 2}, {1, 0, 1}});
    EXPECT_THAT(watch.queues_of(1), ElementsAre(Queue{0, 0}, Queue{1, 0}));
    period({{0, 0, nobody}, {0, 1, 1}, {1, 0, 2}});
    EXPECT_THAT(watch.queues_of(1), ElementsAre(Queue{0, 0}, Queue{0, 1}));
    EXPECT_THAT(watch.queues_of(2), ElementsAre(Queue{1, 0}));
    period({{0, 1, nobody}}); // the other queues no longer exist
    EXPECT_THAT(watch.queues_of(1), ElementsAre(Queue{0, 1}));
    EXPECT_THAT(watch.queues_of(2), IsEmpty());
}

TEST_F(LcoreWatchTest, comes_back_from_every_state) {
    for (int missed = 1; missed <= 4; ++missed) {
        (void)period({{0, 0, 1}});
        for (int i = 0; i < missed; ++i)
            (void)period({{0, 0, nobody}});
        EXPECT_NE(state(1), alive);
        (void)period({{0, 0, 1}});
        EXPECT_EQ(state(1), alive) << missed;
    }
    EXPECT_EQ(watch.lcores().at(1).deaths, 3U) << "missed twice and more";
}

TEST_F(LcoreWatchTest, lives_by_any_of_its_queues) {
    (void)period({{0, 0, 1}, {0, 1, 1}, {3, 0, 1}});
    for (int i = 0; i < 4; ++i)
        EXPECT_THAT(period({{0, 0, nobody}, {0, 1, nobody}, {3, 0, 1}}), IsEmpty());
    EXPECT_EQ(state(1), alive);
}

TEST_F(LcoreWatchTest, each_for_itself) {
    (void)period({{0, 0, 1}, {0, 1, 2}});
    EXPECT_THAT(period({{0, 0, 1}, {0, 1, nobody}}),
                ElementsAre(LcoreChange{2, 0, alive, missing}));
    EXPECT_EQ(state(1), alive);
}

TEST_F(LcoreWatchTest, stopped_port_is_no_death) {
    (void)period({{0, 0, 1}});
    EXPECT_THAT(period({}), ElementsAre(LcoreChange{1, 0, alive, unused}));
    EXPECT_THAT(period({}), IsEmpty());
    EXPECT_THAT(period({{0, 0, nobody}}), IsEmpty()) << "started, and not polled yet";
    EXPECT_THAT(period({{0, 0, 1}}), ElementsAre(LcoreChange{1, 0, unused, alive}));
}

TEST_F(LcoreWatchTest, stopped_port_ends_a_death) {
    (void)period({{0, 0, 1}});
    (void)period({{0, 0, nobody}});
    (void)period({{0, 0, nobody}});
    ASSERT_EQ(state(1), dead);
    EXPECT_THAT(period({}), ElementsAre(LcoreChange{1, 0, dead, unused}));
}

TEST_F(LcoreWatchTest, one_of_two_ports_stops) {
    (void)period({{0, 0, 1}, {1, 0, 1}, {1, 1, 2}});
    EXPECT_THAT(period({{0, 0, 1}}), ElementsAre(LcoreChange{2, 1, alive, unused}));
    EXPECT_THAT(period({{0, 0, nobody}}), ElementsAre(LcoreChange{1, 0, alive, missing}));
}

TEST_F(LcoreWatchTest, fewer_queues_and_more) {
    (void)period({{0, 0, 1}, {0, 1, 2}});
    EXPECT_THAT(period({{0, 0, 1}}), ElementsAre(LcoreChange{2, 0, alive, unused}));
    EXPECT_THAT(period({{0, 0, 1}, {0, 1, 2}, {0, 2, 3}}),
                ElementsAre(LcoreChange{2, 0, unused, alive}, LcoreChange{3, 0, unused, alive}));
}

TEST_F(LcoreWatchTest, queue_taken_over_by_another) {
    (void)period({{0, 0, 1}, {0, 1, 2}});
    EXPECT_THAT(period({{0, 0, 2}, {0, 1, 2}}), ElementsAre(LcoreChange{1, 0, alive, unused}));
    // Also that of a dead one.
    (void)period({{0, 0, nobody}, {0, 1, nobody}});
    (void)period({{0, 0, nobody}, {0, 1, nobody}});
    ASSERT_EQ(state(2), dead);
    (void)period({{0, 0, 1}, {0, 1, nobody}});
    EXPECT_EQ(state(2), gone) << "it still has queue 1";
    (void)period({{0, 0, 1}, {0, 1, 1}});
    EXPECT_EQ(state(2), unused);
}

TEST_F(LcoreWatchTest, keeps_no_queue_it_once_had) {
    (void)period({{0, 0, 1}, {0, 1, nobody}});
    (void)period({{0, 0, 2}, {0, 1, 1}});
    EXPECT_THAT(period({{0, 0, nobody}}),
                ElementsAre(LcoreChange{1, 0, alive, unused}, LcoreChange{2, 0, alive, missing}));
}

TEST_F(LcoreWatchTest, one_that_has_ended_its_function_is_not_dead) {
    (void)period({{0, 0, 1}});
    idle = {1};
    EXPECT_THAT(period({{0, 0, nobody}}), ElementsAre(LcoreChange{1, 0, alive, unused}));
    idle = {};
    EXPECT_THAT(period({{0, 0, nobody}}), IsEmpty()) << "it runs something else now";
    EXPECT_THAT(period({{0, 0, 1}}), ElementsAre(LcoreChange{1, 0, unused, alive}));
}

TEST_F(LcoreWatchTest, one_that_ended_within_the_period) {
    idle = {1};
    EXPECT_THAT(period({{0, 0, 1}}), IsEmpty());
    EXPECT_EQ(state(1), unused);
}

} // namespace
} // namespace netvsc
