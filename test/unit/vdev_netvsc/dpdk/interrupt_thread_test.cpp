// SPDX-License-Identifier: BSD-3-Clause
#include "common/eal.hpp"
#include "dpdk/interrupt_thread.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <optional>
#include <thread>

#include <rte_alarm.h>

namespace netvsc::test {
namespace {

using namespace std::chrono_literals;

// What would wait for ever without the code under test waits so long.
constexpr auto for_ever = 1h;
constexpr auto test_patience = 20s;

/// Something to be done in the interrupt thread, by an alarm.
class Errand {
public:
    explicit Errand(std::function<void()> what) : what_(std::move(what)) {
        EXPECT_EQ(rte_eal_alarm_set(1, run, this), 0);
    }
    ~Errand() { rte_eal_alarm_cancel(run, this); }
    Errand(const Errand &) = delete;
    Errand &operator=(const Errand &) = delete;

    [[nodiscard]] bool done_within(std::chrono::milliseconds time) {
        return done_.wait_for(time) == std::future_status::ready;
    }

private:
    static void run(void *self) {
        auto &errand = *static_cast<Errand *>(self);
        errand.what_();
        errand.promise_.set_value();
    }

    std::function<void()> what_;
    std::promise<void> promise_;
    std::future<void> done_ = promise_.get_future();
};

class InterruptThreadPauseTest : public testing::Test {
protected:
    static void SetUpTestSuite() { ASSERT_GE(start_eal(), 0); }
    static void TearDownTestSuite() { rte_eal_cleanup(); }
};

TEST_F(InterruptThreadPauseTest, NothingElseRunsMeanwhile) {
    std::optional<InterruptThreadPause> pause(for_ever);
    Errand errand([] {});
    EXPECT_FALSE(errand.done_within(50ms));
    pause.reset();
    EXPECT_TRUE(errand.done_within(test_patience));
}

TEST_F(InterruptThreadPauseTest, InTheInterruptThreadItselfNothingWaits) {
    Errand errand([] { const InterruptThreadPause pause(for_ever); });
    EXPECT_TRUE(errand.done_within(test_patience));
}

TEST_F(InterruptThreadPauseTest, WhatTheInterruptThreadIsAtIsFinishedFirst) {
    std::promise<void> began;
    std::atomic<bool> finished = false;
    Errand errand([&] {
        began.set_value();
        std::this_thread::sleep_for(50ms);
        finished = true;
    });
    began.get_future().wait();
    const InterruptThreadPause pause(for_ever);
    EXPECT_TRUE(finished);
}

TEST_F(InterruptThreadPauseTest, AnInterruptThreadThatIsLateIsNotWaitedFor) {
    std::promise<void> began;
    std::promise<void> go_on;
    Errand errand([&] {
        began.set_value();
        go_on.get_future().wait();
    });
    began.get_future().wait();
    {
        const InterruptThreadPause pause(10ms);
    }
    go_on.set_value();
    EXPECT_TRUE(errand.done_within(test_patience));
}

TEST_F(InterruptThreadPauseTest, TheInterruptThreadDoesNotWaitForEver) {
    const InterruptThreadPause pause(10ms);
    Errand errand([] {});
    EXPECT_TRUE(errand.done_within(test_patience));
}

} // namespace
} // namespace netvsc::test
