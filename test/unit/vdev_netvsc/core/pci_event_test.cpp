// SPDX-License-Identifier: BSD-3-Clause
#include "core/pci_event.hpp"

#include <gtest/gtest.h>
#include <string_view>

namespace netvsc {
namespace {

constexpr PciAddress pci_function{.domain = 1, .device = 2};
constexpr PciId mlx5{.vendor = 0x15b3, .device = 0x101a};

Uevent uevent(std::string_view action, std::string_view id = "15B3:101A") {
    Uevent event;
    event.action = action;
    event.subsystem = "pci";
    event.pci_slot_name = "0001:00:02.0";
    event.pci_id = id;
    return event;
}

TEST(PciId, IsReadAsTheKernelWritesIt) {
    EXPECT_EQ(PciId::parse("15B3:101A"), mlx5);
    EXPECT_EQ(PciId::parse("1414:00ba"), mana_id);
    for (const std::string_view wrong :
         {"", "15B3", "15B3:", "15B3:101", "15B3:101A0", "15B3 101A", "-5B3:101A", "15B3:+01A",
          "15B3:10 A", " 15B3:101A", "G5B3:101A"})
        EXPECT_EQ(PciId::parse(wrong), std::nullopt) << wrong;
}

TEST(PciEvent, ReportsAdditionAndRemoval) {
    using Kind = PciEvent::Kind;
    const auto added = pci_event_of(uevent("add"));
    ASSERT_TRUE(added);
    EXPECT_EQ(added->address, pci_function);
    EXPECT_EQ(added->kind, Kind::added);
    EXPECT_EQ(added->id, mlx5);
    EXPECT_EQ(pci_event_of(uevent("unbind"))->kind, Kind::unbound);
    EXPECT_EQ(pci_event_of(uevent("remove"))->kind, Kind::removed);
}

TEST(PciEvent, OthersAreNone) {
    EXPECT_FALSE(pci_event_of(uevent("bind")));
    auto other = uevent("add");
    other.subsystem = "net";
    EXPECT_FALSE(pci_event_of(other));
    other = uevent("add");
    other.synthetic = "0";
    EXPECT_FALSE(pci_event_of(other));
    other = uevent("add");
    other.pci_slot_name = "../0001:00:02.0";
    EXPECT_FALSE(pci_event_of(other));
}

TEST(KnownFunctions, AreThoseThatTheKernelReported) {
    KnownFunctions known;
    EXPECT_EQ(known.find(pci_function), std::nullopt);
    known.take(*pci_event_of(uevent("add")));
    EXPECT_EQ(known.find(pci_function), mlx5);
    EXPECT_EQ(known.find({.domain = 1, .device = 3}), std::nullopt);
    known.take(*pci_event_of(uevent("unbind", "")));
    EXPECT_EQ(known.find(pci_function), mlx5);
    known.take(*pci_event_of(uevent("remove")));
    EXPECT_EQ(known.find(pci_function), std::nullopt);
}

TEST(KnownFunctions, OneAtTheSameAddressIsAnother) {
    KnownFunctions known;
    known.take(*pci_event_of(uevent("add")));
    known.take(*pci_event_of(uevent("add", "1414:00BA")));
    EXPECT_EQ(known.find(pci_function), mana_id);
    known.take(*pci_event_of(uevent("add", "garbled")));
    EXPECT_EQ(known.find(pci_function), std::nullopt);
}

TEST(KnownFunctions, AreForgottenWhenUeventsWereLost) {
    KnownFunctions known;
    known.take(*pci_event_of(uevent("add")));
    known.forget();
    EXPECT_EQ(known.find(pci_function), std::nullopt);
}

} // namespace
} // namespace netvsc
