// SPDX-License-Identifier: BSD-3-Clause
#include "core/event_bus.hpp"
#include "core/kernel_event.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

namespace netvsc {
namespace {

using testing::ElementsAre;

TEST(KernelEvents, AreCopiesOfUevents) {
    Uevent uevent{.action = "change",
                  .device_path = "/devices/x/net/eth1",
                  .subsystem = "net",
                  .pci_slot_name = "",
                  .pci_id = "",
                  .interface = "eth1",
                  .sequence = 17,
                  .synthetic = ""};
    const KernelEvent expected{.number = 17,
                               .action = "change",
                               .subsystem = "net",
                               .device_path = "/devices/x/net/eth1",
                               .pci_address = "",
                               .netdevice = "eth1"};
    EXPECT_EQ(kernel_event_of(uevent), expected);
    uevent.synthetic = "0";
    EXPECT_TRUE(kernel_event_of(uevent).synthetic);
    uevent.pci_slot_name = "0000:03:00.0";
    EXPECT_EQ(kernel_event_of(uevent).pci_address, "0000:03:00.0");
}

TEST(KernelEvents, PassTheirFilter) {
    const KernelEvent event{.action = "online", .subsystem = "cpu"};
    EXPECT_TRUE(KernelEventFilter{}.passes(event));
    EXPECT_TRUE((KernelEventFilter{.action = "online", .subsystem = {}}.passes(event)));
    EXPECT_TRUE((KernelEventFilter{.action = {}, .subsystem = "cpu"}.passes(event)));
    EXPECT_TRUE((KernelEventFilter{.action = "online", .subsystem = "cpu"}.passes(event)));
    EXPECT_FALSE((KernelEventFilter{.action = "offline", .subsystem = "cpu"}.passes(event)));
    EXPECT_FALSE((KernelEventFilter{.action = "online", .subsystem = "memory"}.passes(event)));
    EXPECT_FALSE((KernelEventFilter{.action = "", .subsystem = {}}.passes(event)));
    EXPECT_TRUE(
        (KernelEventFilter{.action = "offline", .subsystem = "cpu"}.passes({.lost = true})));
}

TEST(KernelEvents, ReachSubscribersInOrder) {
    BasicEventBus<KernelEvent> bus([] {});
    EXPECT_FALSE(bus.has_subscribers());
    std::vector<std::uint64_t> received;
    const BasicEventBus<KernelEvent>::Key key{.function = 1, .user = nullptr};
    ASSERT_TRUE(
        bus.subscribe(key, [&](const auto &event) { received.push_back(event.event.number); }));
    EXPECT_TRUE(bus.has_subscribers());
    bus.publish({.number = 7}, {});
    bus.publish({.number = 9}, {});
    bus.deliver();
    EXPECT_THAT(received, ElementsAre(7U, 9U));
    EXPECT_TRUE(bus.unsubscribe(key));
    EXPECT_FALSE(bus.has_subscribers());
}

} // namespace
} // namespace netvsc
