// SPDX-License-Identifier: BSD-3-Clause
//
// The keepalive on real ethdev ports: fail-safe over net_null, without hugepages. The main lcore
// polls; the period is short.
#include "common/eal.hpp"
#include "common/shm_name.hpp"
#include "common/vdev_port.hpp"
#include "common/wait_for.hpp"
#include "keepalive/keepalive.hpp"
#include "keepalive/keepalive_reader.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <vector>

#include <ethdev_driver.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

namespace netvsc::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Long enough for a busy machine. No test waits for many of them.
constexpr auto period = 50ms;

class KeepaliveTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        ASSERT_GE(start_eal(), 0);
        pool = make_mbufs();
        ASSERT_NE(pool, nullptr);
        ASSERT_EQ(
            rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_DESTROY, on_close, nullptr),
            0);
    }
    static void TearDownTestSuite() { rte_eal_cleanup(); }

    void TearDown() override {
        keepalive().leave("one");
        keepalive().leave("two");
        for (const char *device : {"net_failsafe_vsc0", "net_null7"})
            remove(device);
    }

    // As the driver does.
    static int on_close(std::uint16_t port, rte_eth_event_type /*event*/, void * /*user*/,
                        void * /*result*/) {
        keepalive().port_closed(port);
        return 0;
    }

    [[nodiscard]] Keepalive::Settings settings() const {
        return {.period = period, .shm = shm.name(), .group = {}};
    }

    static std::uint16_t add_ours() {
        return add_vdev_port("net_failsafe_vsc0", "dev(net_null0,no-rx=1)");
    }
    static void remove(const char *device) {
        std::uint16_t port = 0;
        if (rte_eth_dev_get_port_by_name(device, &port) != 0)
            return;
        EXPECT_EQ(rte_eth_dev_stop(port), 0);
        EXPECT_EQ(rte_eth_dev_close(port), 0);
        rte_eal_hotplug_remove("vdev", device);
    }
    static void start(std::uint16_t port, std::uint16_t queues) {
        EXPECT_EQ(rte_eth_dev_stop(port), 0);
        const rte_eth_conf configuration{};
        ASSERT_EQ(rte_eth_dev_configure(port, queues, queues, &configuration), 0);
        for (std::uint16_t queue = 0; queue < queues; ++queue) {
            ASSERT_EQ(rte_eth_rx_queue_setup(port, queue, 64, 0, nullptr, pool), 0);
            ASSERT_EQ(rte_eth_tx_queue_setup(port, queue, 64, 0, nullptr), 0);
        }
        ASSERT_EQ(rte_eth_dev_start(port), 0);
    }
    static unsigned callbacks(std::uint16_t port, std::uint16_t queue) {
        unsigned count = 0;
        for (const rte_eth_rxtx_callback *callback = rte_eth_devices[port].post_rx_burst_cbs[queue];
             callback != nullptr; callback = callback->next)
            ++count;
        return count;
    }
    static void poll(std::uint16_t port, std::uint16_t queue) {
        std::array<rte_mbuf *, 4> packets{};
        EXPECT_EQ(rte_eth_rx_burst(port, queue, packets.data(), packets.size()), 0);
    }
    static LcoreState state() {
        const auto status = keepalive().status();
        const auto lcore = status.lcores.find(rte_lcore_id());
        return lcore == status.lcores.end() ? LcoreState::unused : lcore->second.state;
    }
    static bool poll_until(std::uint16_t port, std::uint16_t queue, LcoreState wanted) {
        return wait_for([&] {
            poll(port, queue);
            return state() == wanted;
        });
    }

    ShmName shm;
    static inline rte_mempool *pool = nullptr;
};

TEST_F(KeepaliveTest, follows_the_lcore_that_polls) {
    const auto port = add_ours();
    ASSERT_TRUE(keepalive().join("one", settings()));
    const auto read = [&] {
        return KeepaliveReader::open({.name = shm.name()})->read()->states.at(rte_lcore_id());
    };
    start(port, 1);
    EXPECT_TRUE(poll_until(port, 0, LcoreState::alive));
    EXPECT_EQ(read(), LcoreState::alive);
    EXPECT_TRUE(wait_for([&] { return read() == LcoreState::gone; }));
    EXPECT_TRUE(poll_until(port, 0, LcoreState::alive));
    ASSERT_EQ(rte_eth_dev_stop(port), 0);
    EXPECT_TRUE(wait_for([] { return state() == LcoreState::unused; }));
    EXPECT_EQ(read(), LcoreState::unused);
    EXPECT_GE(keepalive().status().lcores.at(rte_lcore_id()).deaths, 1U);
}

// An application's callback for RTE_ETH_EVENT_QUEUE_STATE.
struct QueueStateCallback {
    explicit QueueStateCallback(std::uint16_t on_port) : port(on_port) {
        EXPECT_EQ(rte_eth_dev_callback_register(port, RTE_ETH_EVENT_QUEUE_STATE, &on_event, this),
                  0);
    }
    QueueStateCallback(const QueueStateCallback &) = delete;
    QueueStateCallback &operator=(const QueueStateCallback &) = delete;
    ~QueueStateCallback() {
        const auto unregistered = [&] {
            return rte_eth_dev_callback_unregister(port, RTE_ETH_EVENT_QUEUE_STATE, &on_event,
                                                   this) != -EAGAIN; // it runs
        };
        EXPECT_TRUE(wait_for(unregistered));
    }
    // Reads here: the keepalive must not hold its mutex.
    static int on_event(std::uint16_t port, rte_eth_event_type /*event*/, void *self,
                        void * /*result*/) {
        auto &callback = *static_cast<QueueStateCallback *>(self);
        const std::lock_guard lock(callback.mutex);
        ++callback.raised;
        while (const auto event = keepalive().next_queue_event(port))
            callback.events.push_back(*event);
        return 0;
    }
    // The states of a queue, in the order in which they came.
    std::vector<LcoreState> states(std::uint16_t queue) {
        const std::lock_guard lock(mutex);
        std::vector<LcoreState> found;
        for (const QueueEvent &event : events) {
            EXPECT_EQ(event.lcore, rte_lcore_id());
            if (event.queue == queue)
                found.push_back(event.state);
        }
        return found;
    }

    const std::uint16_t port;
    std::mutex mutex;
    std::size_t raised = 0;
    std::vector<QueueEvent> events;
};

TEST_F(KeepaliveTest, RaisesQueueStateForEachQueueOfAnLcore) {
    using enum LcoreState;
    const auto port = add_ours();
    ASSERT_TRUE(keepalive().join("one", settings()));
    start(port, 2);
    QueueStateCallback callback(port);
    ASSERT_TRUE(wait_for([&] { return callbacks(port, 1) == 1; }));
    poll(port, 0);
    ASSERT_TRUE(poll_until(port, 1, alive));
    ASSERT_TRUE(wait_for([&] { return state() == gone; }));
    ASSERT_TRUE(poll_until(port, 1, alive));
    for (const std::uint16_t queue : std::array<std::uint16_t, 2>{0, 1}) {
        ASSERT_TRUE(wait_for([&] {
            const auto states = callback.states(queue);
            return !states.empty() && states.back() == alive;
        })) << queue;
        EXPECT_THAT(callback.states(queue), testing::ElementsAre(missing, dead, alive)) << queue;
    }
    EXPECT_EQ(callback.raised, callback.events.size());
}

TEST_F(KeepaliveTest, AClosedPortHasNoQueueEvents) {
    const auto port = add_ours();
    ASSERT_TRUE(keepalive().join("one", settings()));
    start(port, 1);
    ASSERT_TRUE(poll_until(port, 0, LcoreState::alive));
    ASSERT_TRUE(wait_for([&] { return state() == LcoreState::gone; }));
    remove("net_failsafe_vsc0");
    EXPECT_EQ(keepalive().next_queue_event(port), std::nullopt);
}

TEST_F(KeepaliveTest, each_queue_has_one_callback_whatever_is_configured) {
    const auto port = add_ours();
    ASSERT_TRUE(keepalive().join("one", settings()));
    for (const std::uint16_t queues : std::array<std::uint16_t, 5>{2, 1, 3, 3, 2}) {
        start(port, queues);
        const auto last = static_cast<std::uint16_t>(queues - 1);
        EXPECT_TRUE(wait_for([&] { return callbacks(port, last) == 1; })) << queues;
        EXPECT_TRUE(poll_until(port, last, LcoreState::alive)) << queues;
    }
    std::this_thread::sleep_for(3 * period);
    for (const std::uint16_t queue : std::array<std::uint16_t, 3>{0, 1, 2})
        EXPECT_EQ(callbacks(port, queue), 1U) << queue;
}

TEST_F(KeepaliveTest, the_next_port_of_the_number_is_not_ours) {
    const auto port = add_ours();
    ASSERT_TRUE(keepalive().join("one", settings()));
    start(port, 1);
    ASSERT_TRUE(wait_for([&] { return callbacks(port, 0) == 1; }));
    remove("net_failsafe_vsc0");
    const auto other = add_vdev_port("net_null7", "no-rx=1");
    ASSERT_EQ(other, port) << "the case is about one number";
    start(other, 1);
    for (int i = 0; i < 1000; ++i)
        poll(other, 0);
    EXPECT_TRUE(wait_for([&] { return callbacks(other, 0) == 0; }));
    poll(other, 0);
    std::this_thread::sleep_for(3 * period);
    EXPECT_EQ(state(), LcoreState::unused);
}

TEST_F(KeepaliveTest, what_was_polled_before_is_of_the_past) {
    const auto port = add_ours();
    ASSERT_TRUE(keepalive().join("one", settings()));
    start(port, 2);
    ASSERT_TRUE(wait_for([&] { return callbacks(port, 1) == 1; }));
    ASSERT_TRUE(poll_until(port, 1, LcoreState::alive));
    poll(port, 1);
    start(port, 1); // queue 1 has a mark still
    EXPECT_TRUE(wait_for([] { return state() == LcoreState::unused; }));
    std::this_thread::sleep_for(2 * period);
    start(port, 2);
    std::this_thread::sleep_for(4 * period);
    EXPECT_EQ(state(), LcoreState::unused);
}

TEST_F(KeepaliveTest, what_was_polled_before_it_was_off) {
    const auto port = add_ours();
    ASSERT_TRUE(keepalive().join("one", settings()));
    start(port, 1);
    ASSERT_TRUE(poll_until(port, 0, LcoreState::alive));
    poll(port, 0);
    keepalive().leave("one");
    ASSERT_TRUE(keepalive().join("one", settings()));
    std::this_thread::sleep_for(3 * period);
    EXPECT_TRUE(keepalive().status().lcores.empty());
}

TEST_F(KeepaliveTest, port_that_is_added_again_has_one_callback_for_each_queue) {
    ASSERT_TRUE(keepalive().join("one", settings()));
    for (int round = 0; round < 3; ++round) {
        const auto port = add_ours();
        start(port, 2);
        ASSERT_TRUE(wait_for([&] { return callbacks(port, 1) == 1; })) << round;
        start(port, 1); // ethdev keeps the second queue's callback beyond the port's end
        remove("net_failsafe_vsc0");
    }
    const auto port = add_ours();
    start(port, 2);
    EXPECT_TRUE(poll_until(port, 1, LcoreState::alive));
    EXPECT_TRUE(wait_for([&] { return callbacks(port, 0) == 1; }));
    EXPECT_EQ(callbacks(port, 1), 1U);
}

TEST_F(KeepaliveTest, ends_with_the_last_instance) {
    const auto port = add_ours();
    ASSERT_TRUE(keepalive().join("one", settings()));
    ASSERT_TRUE(keepalive().join("two", settings()));
    start(port, 1);
    ASSERT_TRUE(poll_until(port, 0, LcoreState::alive));
    keepalive().leave("one");
    EXPECT_TRUE(poll_until(port, 0, LcoreState::alive));
    EXPECT_TRUE(shm.exists());
    keepalive().leave("two");
    EXPECT_FALSE(shm.exists());
    EXPECT_EQ(callbacks(port, 0), 0U);
    poll(port, 0);
    EXPECT_EQ(keepalive().status().settings.period, 0ms);
    // And again.
    ASSERT_TRUE(keepalive().join("one", settings()));
    EXPECT_TRUE(poll_until(port, 0, LcoreState::alive));
}

TEST_F(KeepaliveTest, thread_that_is_no_lcore_is_nobody) {
    const auto port = add_ours();
    ASSERT_TRUE(keepalive().join("one", settings()));
    start(port, 1);
    ASSERT_TRUE(wait_for([&] { return callbacks(port, 0) == 1; }));
    std::jthread([&] {
        ASSERT_EQ(rte_lcore_id(), LCORE_ID_ANY);
        for (const auto until = std::chrono::steady_clock::now() + 3 * period;
             std::chrono::steady_clock::now() < until;)
            poll(port, 0);
    }).join();
    EXPECT_TRUE(keepalive().status().lcores.empty());
}

TEST_F(KeepaliveTest, truncated_area_is_created_again) {
    const auto port = add_ours();
    ASSERT_TRUE(keepalive().join("one", settings()));
    start(port, 1);
    ASSERT_TRUE(poll_until(port, 0, LcoreState::alive));
    const auto spoil = {std::function([&] { return ::unlink(shm.path().c_str()); }),
                        std::function([&] { return ::truncate(shm.path().c_str(), 0); })};
    for (const auto &spoiled : spoil) {
        ASSERT_EQ(spoiled(), 0);
        EXPECT_TRUE(wait_for([&] {
            poll(port, 0);
            const auto reader = KeepaliveReader::open({.name = shm.name()});
            return reader && reader->read()->states.at(rte_lcore_id()) == LcoreState::alive;
        }));
    }
}

TEST_F(KeepaliveTest, area_that_could_not_be_made_is_made_with_the_next_news) {
    const auto port = add_ours();
    ASSERT_EQ(::mkdir(shm.path().c_str(), 0700), 0);
    ASSERT_TRUE(keepalive().join("one", settings()));
    ASSERT_EQ(::rmdir(shm.path().c_str()), 0);
    start(port, 1);
    EXPECT_TRUE(wait_for([&] {
        poll(port, 0);
        const auto reader = KeepaliveReader::open({.name = shm.name()});
        return reader && reader->read()->states.at(rte_lcore_id()) == LcoreState::alive;
    }));
}

TEST_F(KeepaliveTest, one_for_the_process) {
    ASSERT_TRUE(keepalive().join("one", settings()));
    auto other = settings();
    other.period = 2 * period;
    const auto refused = keepalive().join("two", other);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), HasSubstr("one has other values"));
    keepalive().leave("two"); // never joined
    EXPECT_TRUE(shm.exists());
    keepalive().leave("one");
    EXPECT_TRUE(keepalive().join("two", other));
}

TEST_F(KeepaliveTest, groups) {
    auto with_group = settings();
    with_group.group = "no such group";
    const auto refused = keepalive().join("one", with_group);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), HasSubstr("'keepalive_group=no such group': expected"));
    EXPECT_FALSE(shm.exists());
    with_group.group = std::to_string(::getegid());
    EXPECT_TRUE(keepalive().join("one", with_group));
    struct stat status{};
    ASSERT_EQ(::stat(shm.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0660U);
    EXPECT_EQ(status.st_gid, ::getegid());
}

} // namespace
} // namespace netvsc::test
