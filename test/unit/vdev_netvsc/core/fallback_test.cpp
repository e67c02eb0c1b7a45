// SPDX-License-Identifier: BSD-3-Clause
#include "core/fallback.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace netvsc {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Fallback, DevicesCarryTheirKindAndNumber) {
    const FallbackNetdevice eth1{
        .name = "eth1", .ifindex = 3, .mac = MacAddress{{0x00, 0x15, 0x5d, 0x01, 0x02, 0x03}}};
    EXPECT_EQ(fallback_device(Fallback::tap, 0, eth1),
              (FallbackDevice{.name = "net_tap_vsc0", .arguments = "remote=eth1"}));
    EXPECT_EQ(fallback_device(Fallback::af_packet, 12, eth1),
              (FallbackDevice{.name = "net_af_packet_vsc12", .arguments = "iface=eth1"}));
    EXPECT_EQ(fallback_device(Fallback::af_xdp, 3, eth1),
              (FallbackDevice{.name = "net_af_xdp_vsc3", .arguments = "iface=eth1"}));
    EXPECT_EQ(fallback_device(Fallback::virtio_user, 1, eth1),
              (FallbackDevice{.name = "net_virtio_user_vsc1",
                              .arguments = "path=/dev/vhost-net,queues=8,cq=1,queue_size=1024,"
                                           "iface=vsc3,mac=00:15:5d:01:02:03"}));
}

TEST(Fallback, ADevicesNumberIsReadBack) {
    for (const Fallback kind : fallbacks_by_preference)
        EXPECT_EQ(fallback_device_number(fallback_device_name(kind, 4294967295)), 4294967295);
    for (const char *other :
         {"net_tap_vsc", "net_tap_vsc1x", "net_tap_vsc4294967296", "net_tap_vsc-1", "net_tap0",
          "net_failsafe_vsc1", "net_af_packet_scratch_1", "0000:00:02.0", ""})
        EXPECT_EQ(fallback_device_number(other), std::nullopt) << other;
}

/// The missing part for each kind of fallback. Kinds that are not in the map work.
class Choice : public testing::Test {
protected:
    FallbackChoice choose(WantedFallback wanted) {
        return choose_fallback(wanted, [this](Fallback kind) {
            asked_[kind]++;
            return missing_[kind];
        });
    }
    void nothing_works() {
        for (const Fallback kind : fallbacks_by_preference)
            missing_[kind] = {"a part of " + std::string(name_of(kind))};
    }

    std::map<Fallback, MissingParts> missing_;
    std::map<Fallback, int> asked_;
};

TEST_F(Choice, TheWantedFallbackIsTakenWithoutTryingOthers) {
    for (const Fallback kind : fallbacks_by_preference) {
        asked_.clear();
        const auto choice = choose(kind);
        EXPECT_EQ(choice.kind, kind);
        EXPECT_THAT(choice.problem, IsEmpty());
        EXPECT_EQ(asked_, (std::map<Fallback, int>{{kind, 1}}));
    }
}

TEST_F(Choice, AutoTakesTheBestThatWorks) {
    for (const Fallback kind : fallbacks_by_preference) {
        EXPECT_EQ(choose({}).kind, kind);
        EXPECT_THAT(choose({}).problem, IsEmpty());
        missing_[kind] = {"this"};
    }
    EXPECT_EQ(choose({}).kind, std::nullopt);
}

TEST_F(Choice, AutoSaysWhy) {
    EXPECT_EQ(choose({}).reason, "first in auto's order, and it works here");
    missing_[fallbacks_by_preference[0]] = {"this"};
    EXPECT_EQ(choose({}).reason, "af_packet lacks this");
    EXPECT_THAT(choose(Fallback::tap).reason, IsEmpty());
}

TEST_F(Choice, AnotherIsNamedButNotTakenInPlaceOfOneThatDoesNotWork) {
    nothing_works();
    missing_[Fallback::tap] = {"kernel module cls_flower", "kernel module act_mirred"};
    missing_[Fallback::af_packet] = {};
    const auto choice = choose(Fallback::tap);
    EXPECT_EQ(choice.kind, std::nullopt);
    EXPECT_EQ(choice.problem,
              "fallback=tap does not work here: kernel module cls_flower, kernel module act_mirred "
              "missing; fallback=af_packet would");
}

TEST_F(Choice, IfNoFallbackWorksTheReasonIsLogged) {
    nothing_works();
    EXPECT_THAT(choose(Fallback::af_xdp).problem,
                AllOf(HasSubstr("a part of af_xdp"), HasSubstr("no other would"),
                      Not(HasSubstr("a part of tap"))));
    const auto choice = choose({});
    for (const Fallback kind : fallbacks_by_preference)
        EXPECT_THAT(choice.problem, HasSubstr("a part of " + std::string(name_of(kind))));
    EXPECT_EQ(asked_[Fallback::tap], 2) << "once in each choice";
}

} // namespace
} // namespace netvsc
