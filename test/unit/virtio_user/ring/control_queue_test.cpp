// SPDX-License-Identifier: BSD-3-Clause
#include "ring/control_queue.hpp"
#include "ring/virtio_net.hpp"
#include "virtio_user/ring/ring_fixture.hpp"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

namespace netvsc::virtio::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint16_t max_pairs = 4;
constexpr EtherAddress address = {2, 0, 0, 0, 0, 1};

ControlCommand bytes(std::initializer_list<int> values) {
    ControlCommand command;
    for (const int value : values)
        command.push_back(static_cast<std::byte>(value));
    return command;
}

TEST(ControlCommand, HasTheBytesOfTheSpecification) {
    EXPECT_EQ(set_promiscuous_command(true), bytes({0, 0, 1}));
    EXPECT_EQ(set_all_multicast_command(false), bytes({0, 1, 0}));
    EXPECT_EQ(set_mac_command(address), bytes({1, 1, 2, 0, 0, 0, 0, 1}));
    EXPECT_EQ(set_mac_table_command({}, {&address, 1}),
              bytes({1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 1}));
    EXPECT_EQ(add_vlan_command(0x123), bytes({2, 0, 0x23, 1}));
    EXPECT_EQ(remove_vlan_command(1), bytes({2, 1, 1, 0}));
    EXPECT_EQ(set_queue_pairs_command(3), bytes({4, 0, 3, 0}));
}

/// What the device did with a command.
struct Executed {
    ControlAnswer answer;
    std::vector<std::uint16_t> pairs;
};

Executed execute(const ControlCommand &command, bool back_end_works = true) {
    Executed executed = {};
    executed.answer = execute_control_command(command, max_pairs, [&](std::uint16_t pairs) {
        executed.pairs.push_back(pairs);
        return back_end_works;
    });
    return executed;
}

TEST(ControlDevice, ExecutesTheNumberOfPairsWithinTheMaximum) {
    for (std::uint16_t pairs = 1; pairs <= max_pairs; ++pairs) {
        const Executed executed = execute(set_queue_pairs_command(pairs));
        EXPECT_EQ(executed.answer, ControlAnswer::done);
        EXPECT_THAT(executed.pairs, ElementsAre(pairs));
    }
    for (const std::uint16_t pairs :
         std::initializer_list<std::uint16_t>{0, max_pairs + 1, 0x8000, 0xffff}) {
        const Executed executed = execute(set_queue_pairs_command(pairs));
        EXPECT_EQ(executed.answer, ControlAnswer::refused) << pairs;
        EXPECT_THAT(executed.pairs, IsEmpty());
    }
}

TEST(ControlDevice, RefusesPairsThatTheBackEndCannotEnable) {
    const Executed executed = execute(set_queue_pairs_command(2), false);
    EXPECT_EQ(executed.answer, ControlAnswer::refused);
    EXPECT_THAT(executed.pairs, ElementsAre(2));
}

TEST(ControlDevice, AcceptsReceiveModeAddressesAndVlans) {
    for (const ControlCommand &command :
         {set_promiscuous_command(true), set_all_multicast_command(true), set_mac_command(address),
          set_mac_table_command({}, {}), set_mac_table_command({&address, 1}, {&address, 1}),
          add_vlan_command(0), remove_vlan_command(4095)}) {
        const Executed executed = execute(command);
        EXPECT_EQ(executed.answer, ControlAnswer::done);
        EXPECT_THAT(executed.pairs, IsEmpty());
    }
}

TEST(ControlDevice, RefusesEverythingElse) {
    const ControlCommand refused[] = {
        {},
        bytes({4}),
        bytes({4, 0}),          // no number of pairs
        bytes({4, 0, 1}),       // half of it
        bytes({4, 0, 1, 0, 0}), // too long
        bytes({4, 1, 1, 0}),    // RSS
        bytes({0, 0}),
        bytes({0, 0, 2}),
        bytes({0, 2, 1}), // a command of VIRTIO_NET_F_CTRL_RX_EXTRA
        bytes({1, 1, 2, 0, 0, 0, 0}),
        bytes({1, 0, 0, 0, 0, 0}),                         // one table only
        bytes({1, 0, 1, 0, 0, 0, 0, 0, 0, 0}),             // a table cut short
        bytes({1, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}), // a table of 4 billion
        bytes({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
        bytes({1, 2, 0, 0, 0, 0, 0, 0, 0, 0}),
        add_vlan_command(4096),
        bytes({2, 2, 1, 0}),
        bytes({3, 0}), // an announcement, which was never asked for
        bytes({5, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
        bytes({0xff, 0, 0}),
    };
    for (const ControlCommand &command : refused) {
        const Executed executed = execute(command);
        EXPECT_EQ(executed.answer, ControlAnswer::refused) << testing::PrintToString(command);
        EXPECT_THAT(executed.pairs, IsEmpty());
    }
}

/// Both sides of a control queue over one ring.
template <typename Ring> struct ControlQueue : testing::Test {
    static constexpr std::uint16_t entries = 8;
    using Traits = RingTraits<Ring>;

    RingPair<Ring> pair{entries};
    std::array<std::byte, control_memory_size> memory{};
    ControlDriver<Ring> driver{pair.ring, {memory.data(), pair.address_of(memory.data())}};
    std::unique_ptr<DeviceRing> device =
        Traits::packed ? make_packed_device_ring(pair.areas(), entries, translate)
                       : make_split_device_ring(pair.areas(), entries, translate);
    std::vector<std::uint16_t> pairs;

    static std::byte *translate(std::uint64_t at, std::uint64_t) {
        return reinterpret_cast<std::byte *>(at);
    }
    [[nodiscard]] unsigned serve() {
        const auto served = serve_control_queue(*device, max_pairs, [&](std::uint16_t number) {
            pairs.push_back(number);
            return true;
        });
        EXPECT_TRUE(served) << describe(served.error());
        return served.value_or(0);
    }
};

TYPED_TEST_SUITE(ControlQueue, AllRings);

TYPED_TEST(ControlQueue, CommandsAreAnswered) {
    for (unsigned round = 0; round < 20; ++round) {
        EXPECT_TRUE(this->driver.submit(set_queue_pairs_command(3)));
        EXPECT_FALSE(this->driver.poll());
        EXPECT_EQ(this->serve(), 1U);
        EXPECT_EQ(this->driver.poll(), ControlAnswer::done);
        EXPECT_FALSE(this->driver.poll());
        EXPECT_TRUE(this->driver.submit(set_queue_pairs_command(max_pairs + 1)));
        EXPECT_EQ(this->serve(), 1U);
        EXPECT_EQ(this->driver.poll(), ControlAnswer::refused);
    }
    EXPECT_EQ(this->pairs, std::vector<std::uint16_t>(20, 3));
}

TYPED_TEST(ControlQueue, OneCommandIsInFlight) {
    EXPECT_TRUE(this->driver.submit(set_promiscuous_command(true)));
    EXPECT_FALSE(this->driver.submit(set_promiscuous_command(false)));
    EXPECT_EQ(this->serve(), 1U);
    EXPECT_FALSE(this->driver.submit(set_promiscuous_command(false))); // not polled yet
    EXPECT_EQ(this->driver.poll(), ControlAnswer::done);
    EXPECT_TRUE(this->driver.submit(set_promiscuous_command(false)));
}

TYPED_TEST(ControlQueue, LargestCommandFits) {
    const std::vector<EtherAddress> addresses((max_control_command - 2 - 8) / 6, address);
    EXPECT_TRUE(this->driver.submit(set_mac_table_command(addresses, {})));
    EXPECT_EQ(this->serve(), 1U);
    EXPECT_EQ(this->driver.poll(), ControlAnswer::done);
}

TYPED_TEST(ControlQueue, RefusesToSubmitWhatDoesNotFit) {
    EXPECT_FALSE(this->driver.submit(ControlCommand(max_control_command + 1)));
    EXPECT_FALSE(this->driver.submit(bytes({4, 0})));
    EXPECT_FALSE(this->driver.submit({}));
}

TYPED_TEST(ControlQueue, AnswerThatTheDeviceDidNotWriteIsARefusal) {
    EXPECT_TRUE(this->driver.submit(set_promiscuous_command(true)));
    const auto chain = this->pair.device.fetch();
    ASSERT_TRUE(chain);
    this->pair.device.use(*chain, 0);
    EXPECT_EQ(this->driver.poll(), ControlAnswer::refused);
}

TYPED_TEST(ControlQueue, UnknownAnswerIsARefusal) {
    EXPECT_TRUE(this->driver.submit(set_promiscuous_command(true)));
    const auto chain = this->pair.device.fetch();
    ASSERT_TRUE(chain);
    this->memory.back() = std::byte{7};
    this->pair.device.use(*chain, 1);
    EXPECT_EQ(this->driver.poll(), ControlAnswer::refused);
}

TYPED_TEST(ControlQueue, CommandMayBeCutAnywhere) {
    const ControlCommand command = set_queue_pairs_command(2);
    std::byte answer{0xff};
    std::vector<Segment> segments;
    for (const std::byte &byte : command)
        segments.push_back({this->pair.address_of(&byte), 1});
    this->pair.ring.offer_chain(segments, std::array{Segment{this->pair.address_of(&answer), 1}},
                                nullptr);
    EXPECT_TRUE(this->pair.ring.publish());
    EXPECT_EQ(this->serve(), 1U);
    EXPECT_EQ(answer, std::byte{0});
    EXPECT_THAT(this->pairs, ElementsAre(2));
}

TYPED_TEST(ControlQueue, ChainWithoutRoomForAnAnswerIsNotExecuted) {
    const ControlCommand command = set_queue_pairs_command(2);
    this->pair.ring.template offer<Access::read>(
        {this->pair.address_of(command.data()), static_cast<std::uint32_t>(command.size())},
        cookie(1));
    EXPECT_TRUE(this->pair.ring.publish());
    EXPECT_EQ(this->serve(), 1U);
    EXPECT_THAT(this->pairs, IsEmpty());
    EXPECT_THAT(take(this->pair.ring), ElementsAre(Taken{cookie(1), 0}));
}

TYPED_TEST(ControlQueue, TooLongACommandIsRefused) {
    // A valid start does not make it one.
    ControlCommand command = set_mac_table_command({}, {});
    command.resize(max_control_command + 1);
    std::byte answer{0xff};
    this->pair.ring.offer_chain(std::array{Segment{this->pair.address_of(command.data()),
                                                   static_cast<std::uint32_t>(command.size())}},
                                std::array{Segment{this->pair.address_of(&answer), 1}}, nullptr);
    EXPECT_TRUE(this->pair.ring.publish());
    EXPECT_EQ(this->serve(), 1U);
    EXPECT_EQ(answer, std::byte{1});
}

TEST(ControlQueueLimit, FurtherCommandsAreServedByTheNextCall) {
    constexpr std::uint16_t many = 128;
    RingPair<SplitRing<Order::any>> pair(many);
    const auto device = make_split_device_ring(pair.areas(), many, [](std::uint64_t at, auto) {
        return reinterpret_cast<std::byte *>(at);
    });
    const ControlCommand command = set_promiscuous_command(true);
    std::byte answer{};
    for (unsigned i = 0; i < max_control_commands / 2 + 1; ++i) {
        const Segment readable = {pair.address_of(command.data()), 3};
        const Segment writable = {pair.address_of(&answer), 1};
        pair.ring.offer_chain({&readable, 1}, {&writable, 1}, nullptr);
        pair.ring.offer<Access::write>(writable, nullptr);
    }
    EXPECT_TRUE(pair.ring.publish());
    const auto serve = [&] {
        return serve_control_queue(*device, max_pairs, [](std::uint16_t) { return true; });
    };
    EXPECT_EQ(serve(), max_control_commands);
    EXPECT_EQ(serve(), 2U);
    EXPECT_EQ(serve(), 0U);
}

TEST(ControlQueueError, IsReported) {
    RingPair<SplitRing<Order::any>> pair(8);
    const auto device = make_split_device_ring(
        pair.areas(), 8, [](std::uint64_t, std::uint64_t) -> std::byte * { return nullptr; });
    pair.ring.offer<Access::read>({.address = 1, .length = 1}, nullptr);
    EXPECT_TRUE(pair.ring.publish());
    const auto served = serve_control_queue(*device, max_pairs, [](std::uint16_t) { return true; });
    ASSERT_FALSE(served);
    EXPECT_EQ(served.error(), DeviceRing::Error::address);
}

} // namespace
} // namespace netvsc::virtio::test
