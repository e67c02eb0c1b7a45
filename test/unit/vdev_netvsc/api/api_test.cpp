// SPDX-License-Identifier: BSD-3-Clause
//
// The public header in C++, the library's exported symbols, and what works without EAL. The lab
// tests the events that callbacks receive (test/vm/test_events.py), event_bus_test.cpp the rules of
// callbacks.
#include "common/out_of_memory.hpp"
#include "rte_pmd_vdev_netvsc.h"
#include "rte_pmd_vdev_netvsc_kernel.h"

#include <cerrno>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

extern "C" {
int c_unknown_port();
int c_registers_twice();
std::size_t c_sizes();
const char *c_name_of_event(int type);
const char *c_name_of_state(int state);
const char *c_name_of_unused(int reason);
}

namespace {

void nothing(const rte_pmd_vdev_netvsc_event * /*event*/, void * /*user*/) {}

TEST(Api, CAndCxxSeeTheSame) {
    EXPECT_EQ(c_sizes(), sizeof(rte_pmd_vdev_netvsc_event) + sizeof(rte_pmd_vdev_netvsc_port_info) +
                             sizeof(rte_pmd_vdev_netvsc_queue_event));
}

TEST(Api, ThereAreNoPortsWithoutEal) {
    std::uint16_t port = 7;
    EXPECT_EQ(rte_pmd_vdev_netvsc_ports(&port, 1), 0);
    EXPECT_EQ(rte_pmd_vdev_netvsc_ports(nullptr, 0), 0);
    EXPECT_EQ(port, 7);
    EXPECT_EQ(c_unknown_port(), -ENODEV);
    rte_pmd_vdev_netvsc_queue_event event{};
    EXPECT_EQ(rte_pmd_vdev_netvsc_get_queue_event(0, &event), -ENODEV);
    EXPECT_EQ(rte_pmd_vdev_netvsc_vf_hold(0), -ENODEV);
    EXPECT_EQ(rte_pmd_vdev_netvsc_vf_release(0), -ENODEV);
}

TEST(Api, RefusesNullPointers) {
    EXPECT_EQ(rte_pmd_vdev_netvsc_ports(nullptr, 1), -EINVAL);
    EXPECT_EQ(rte_pmd_vdev_netvsc_port_info_get(0, nullptr), -EINVAL);
    EXPECT_EQ(rte_pmd_vdev_netvsc_get_queue_event(0, nullptr), -EINVAL);
    EXPECT_EQ(rte_pmd_vdev_netvsc_callback_register(nullptr, nullptr), -EINVAL);
}

TEST(Api, RefusesWhatIsNoPciFunction) {
    for (const char *address : {static_cast<const char *>(nullptr), "", "eth1", "0000:02:00"}) {
        EXPECT_EQ(rte_pmd_vdev_netvsc_pci_bind(address, "vfio-pci"), -EINVAL);
        EXPECT_EQ(rte_pmd_vdev_netvsc_pci_restore(address), -EINVAL);
    }
    EXPECT_EQ(rte_pmd_vdev_netvsc_pci_bind("ffff:ff:1f.7", nullptr), -EINVAL);
    EXPECT_EQ(rte_pmd_vdev_netvsc_pci_bind("ffff:ff:1f.7", "vfio-pci"), -ENXIO);
    EXPECT_EQ(rte_pmd_vdev_netvsc_pci_restore("ffff:ff:1f.7"), -ENOENT);
}

TEST(Api, RegistersACallbackOnceForEachUser) { EXPECT_EQ(c_registers_twice(), -EEXIST); }

TEST(Api, UnregistersOnlyWhatIsRegistered) {
    int user = 0;
    EXPECT_EQ(rte_pmd_vdev_netvsc_callback_unregister(nothing, &user), -ENOENT);
    EXPECT_EQ(rte_pmd_vdev_netvsc_callback_register(nothing, &user), 0);
    EXPECT_EQ(rte_pmd_vdev_netvsc_callback_unregister(nothing, nullptr), -ENOENT);
    EXPECT_EQ(rte_pmd_vdev_netvsc_callback_unregister(nothing, &user), 0);
    EXPECT_EQ(rte_pmd_vdev_netvsc_callback_unregister(nothing, &user), -ENOENT);
}

TEST(Api, RegistersAUeventCallbackOnceForEachUser) {
    const auto callback = [](const rte_pmd_vdev_netvsc_uevent * /*event*/, void * /*user*/) {};
    int user = 0;
    EXPECT_EQ(rte_pmd_vdev_netvsc_uevent_callback_register(nullptr, nullptr, &user), -EINVAL);
    EXPECT_EQ(rte_pmd_vdev_netvsc_uevent_callback_unregister(callback, &user), -ENOENT);
    const rte_pmd_vdev_netvsc_uevent_filter filter{.action = nullptr, .subsystem = "net"};
    EXPECT_EQ(rte_pmd_vdev_netvsc_uevent_callback_register(&filter, callback, &user), 0);
    EXPECT_EQ(rte_pmd_vdev_netvsc_uevent_callback_register(nullptr, callback, &user), -EEXIST);
    EXPECT_EQ(rte_pmd_vdev_netvsc_uevent_callback_register(nullptr, callback, nullptr), 0);
    EXPECT_EQ(rte_pmd_vdev_netvsc_uevent_callback_unregister(callback, nullptr), 0);
    EXPECT_EQ(rte_pmd_vdev_netvsc_uevent_callback_unregister(callback, &user), 0);
    EXPECT_EQ(rte_pmd_vdev_netvsc_uevent_callback_unregister(callback, &user), -ENOENT);
}

// In a process of its own: the first call of all creates the event bus.
TEST(ApiDeathTest, UnregistersWithoutMemoryWithoutThrowing) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto unregister = [] {
        netvsc::test::out_of_memory = true;
        const int result = rte_pmd_vdev_netvsc_callback_unregister(nothing, nullptr);
        netvsc::test::out_of_memory = false;
        std::_Exit(result == -ENOMEM ? 0 : 1);
    };
    EXPECT_EXIT(unregister(), testing::ExitedWithCode(0), "");
}

TEST(Api, NamesEventsAndStates) {
    EXPECT_STREQ(rte_pmd_vdev_netvsc_event_name(RTE_PMD_VDEV_NETVSC_EVENT_PORT_ADDED),
                 "port_added");
    EXPECT_STREQ(rte_pmd_vdev_netvsc_event_name(RTE_PMD_VDEV_NETVSC_EVENT_VF_FAILED), "vf_failed");
    EXPECT_STREQ(rte_pmd_vdev_netvsc_event_name(RTE_PMD_VDEV_NETVSC_EVENT_LCORE_DEAD),
                 "lcore_dead");
    EXPECT_STREQ(c_name_of_event(256), "unknown");
    EXPECT_STREQ(c_name_of_event(-1), "unknown");
    EXPECT_STREQ(rte_pmd_vdev_netvsc_event_name(RTE_PMD_VDEV_NETVSC_EVENT_VF_UNUSED_END),
                 "vf_unused_end");
    EXPECT_STREQ(c_name_of_event(13), "unknown");
    EXPECT_STREQ(rte_pmd_vdev_netvsc_vf_state_name(RTE_PMD_VDEV_NETVSC_VF_ATTACHED), "attached");
    EXPECT_STREQ(c_name_of_state(99), "unknown");
    EXPECT_STREQ(c_name_of_state(-1), "unknown");
    EXPECT_STREQ(rte_pmd_vdev_netvsc_vf_unused_name(RTE_PMD_VDEV_NETVSC_UNUSED_NO), "");
    EXPECT_STREQ(rte_pmd_vdev_netvsc_vf_unused_name(RTE_PMD_VDEV_NETVSC_UNUSED_HAS_ADDRESS),
                 "has_address");
    EXPECT_STREQ(c_name_of_unused(256), "unknown");
    EXPECT_STREQ(c_name_of_unused(-1), "unknown");
}

} // namespace
