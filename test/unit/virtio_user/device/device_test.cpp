// SPDX-License-Identifier: BSD-3-Clause
#include "backend/features.hpp"
#include "device/device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace netvsc::virtio::test {
namespace {

using testing::ElementsAre;

/// What the device did, in its order, and what the back end answers.
struct Record {
    std::vector<std::string> calls;
    std::uint64_t offered = feature::version_1 | feature::mrg_rxbuf;
    std::uint16_t pairs = 2;
    std::uint8_t status = 0;
    std::uint8_t refused_status = 0; ///< bits that the back end does not take
    std::string fails;               ///< the call that fails
};

/// A back end that records its calls.
class RecordingBackend : public Backend {
public:
    explicit RecordingBackend(Record &record) : record_(record) {}

    Result<void> set_owner() override { return note("owner"); }
    Result<std::uint64_t> features() override { return record_.offered; }
    Result<void> set_features(std::uint64_t features) override {
        return note("features " + std::to_string(features));
    }
    std::uint16_t max_pairs() const override { return record_.pairs; }
    Result<void> set_memory(std::span<const MemoryRegion> regions) override {
        return note("memory " + std::to_string(regions.size()));
    }
    Result<void> set_ring_call(unsigned ring, int) override { return note("call", ring); }
    Result<void> set_ring_size(unsigned ring, std::uint32_t) override { return note("num", ring); }
    Result<void> set_ring_base(unsigned ring, std::uint32_t) override { return note("base", ring); }
    Result<void> set_ring_addresses(unsigned ring, const RingAddresses &) override {
        return note("addr", ring);
    }
    Result<void> set_ring_kick(unsigned ring, int) override { return note("kick", ring); }
    Result<std::uint32_t> ring_base(unsigned ring) override {
        if (auto noted = note("get base", ring); !noted)
            return std::unexpected(noted.error());
        return 0;
    }
    Result<void> enable_pair(unsigned pair, bool on) override {
        return note(on ? "enable" : "disable", pair);
    }
    Result<std::optional<std::uint8_t>> status() override { return record_.status; }
    Result<void> set_status(std::uint8_t status) override {
        record_.status = static_cast<std::uint8_t>(status & ~record_.refused_status);
        return note("status " + std::to_string(status));
    }
    bool link_up() override { return true; }
    int interrupt_fd() const override { return -1; }
    bool connected() const override { return connected_; }
    Result<bool> connect() override { return connected_ = true; }
    void disconnect() override { connected_ = false; }

private:
    Result<void> note(const std::string &call) {
        record_.calls.push_back(call);
        if (call == record_.fails)
            return failure(EIO, call);
        return {};
    }
    Result<void> note(const std::string &call, unsigned number) {
        return note(call + " " + std::to_string(number));
    }

    Record &record_;
    bool connected_ = false;
};

class DeviceTest : public testing::Test {
protected:
    Device make(std::uint16_t pairs = 2) {
        auto device = Device::make(std::make_unique<RecordingBackend>(record_),
                                   {.pairs = pairs, .emulated = feature::mac | feature::ctrl_vq});
        EXPECT_TRUE(device);
        return std::move(*device);
    }
    Device connected() {
        Device device = make();
        EXPECT_TRUE(device.connect());
        device.negotiate(device.offered());
        record_.calls.clear();
        return device;
    }

    Record record_;
    const std::vector<MemoryRegion> memory_{{.address = 4096, .size = 4096}};
    const std::vector<Ring> rings_{4, Ring{.addresses = {}, .size = 256, .base = 0}};
};

TEST_F(DeviceTest, StartsInTheOrderOfTheContract) {
    Device device = connected();
    ASSERT_TRUE(device.start(memory_, rings_, 1));
    EXPECT_THAT(record_.calls,
                ElementsAre("status 0", "status 1", "status 3", "call 0", "call 2", "call 1",
                            "call 3",
                            "features " + std::to_string(feature::version_1 | feature::mrg_rxbuf),
                            "status 11", "memory 1", "num 0", "base 0", "addr 0", "kick 0", "num 2",
                            "base 2", "addr 2", "kick 2", "num 1", "base 1", "addr 1", "kick 1",
                            "num 3", "base 3", "addr 3", "kick 3", "enable 0", "status 15"));
}

TEST_F(DeviceTest, StopsEachRingOnce) {
    Device device = connected();
    ASSERT_TRUE(device.start(memory_, rings_, 2));
    record_.calls.clear();
    EXPECT_TRUE(device.stop());
    EXPECT_THAT(record_.calls, ElementsAre("disable 0", "disable 1", "get base 0", "get base 2",
                                           "get base 1", "get base 3"));
    record_.calls.clear();
    EXPECT_TRUE(device.stop());
    EXPECT_THAT(record_.calls, ElementsAre());
}

TEST_F(DeviceTest, PausesThePairsWhileItReplacesTheMemory) {
    Device device = connected();
    ASSERT_TRUE(device.start(memory_, rings_, 2));
    record_.calls.clear();
    EXPECT_TRUE(device.replace_memory(memory_));
    EXPECT_THAT(record_.calls,
                ElementsAre("disable 0", "disable 1", "memory 1", "enable 0", "enable 1"));
}

TEST_F(DeviceTest, GivesUpTheConnectionIfAnyCallFails) {
    {
        Device device = connected();
        ASSERT_TRUE(device.start(memory_, rings_, 1));
    }
    const std::vector<std::string> calls = record_.calls;
    for (const std::string &call : calls) {
        record_.fails.clear();
        Device device = connected();
        record_.fails = call;
        EXPECT_FALSE(device.start(memory_, rings_, 1)) << call;
        EXPECT_FALSE(device.connected()) << call;
        EXPECT_FALSE(device.started()) << call;
    }
}

TEST_F(DeviceTest, RefusesABackEndThatIsNotEnough) {
    record_.pairs = 1;
    EXPECT_FALSE(make(2).connect());
    record_.pairs = 2;
    record_.offered = feature::mrg_rxbuf;
    EXPECT_FALSE(make().connect()) << "without virtio 1.0";
    record_.offered |= feature::version_1;
    Device device = connected();
    device.disconnect();
    record_.offered = feature::version_1;
    EXPECT_FALSE(device.connect()) << "without a feature that the port uses";
    EXPECT_FALSE(device.connected());
}

TEST_F(DeviceTest, ReportsFeaturesThatTheBackEndDoesNotTake) {
    record_.refused_status = status::features_ok;
    EXPECT_FALSE(connected().start(memory_, rings_, 1));
}

} // namespace
} // namespace netvsc::virtio::test
