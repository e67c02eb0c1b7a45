// SPDX-License-Identifier: BSD-3-Clause
#include "device/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc::virtio::test {
namespace {

std::string error_of(std::string_view text) {
    const auto arguments = Arguments::parse(text);
    return arguments ? "none" : arguments.error();
}

TEST(Arguments, HaveTheDefaultsOfDpdk) {
    const auto arguments = Arguments::parse("path=/tmp/socket");
    ASSERT_TRUE(arguments) << arguments.error();
    EXPECT_EQ(arguments->path, "/tmp/socket");
    EXPECT_FALSE(arguments->mac);
    EXPECT_EQ(arguments->queues, 1);
    EXPECT_EQ(arguments->queue_size, 256);
    EXPECT_FALSE(arguments->cq || arguments->server || arguments->packed_vq);
    EXPECT_TRUE(arguments->mrg_rxbuf && arguments->in_order);
    EXPECT_EQ(arguments->speed, UINT32_MAX);
}

TEST(Arguments, AreRead) {
    const auto arguments =
        Arguments::parse("path=s,mac=02:00:00:00:00:01,queues=4,cq=1,queue_size=100,iface=tap7,"
                         "server=1,mrg_rxbuf=0,in_order=0,packed_vq=1,speed=0x10");
    ASSERT_TRUE(arguments) << arguments.error();
    EXPECT_EQ(arguments->mac->to_string(), "02:00:00:00:00:01");
    EXPECT_EQ(arguments->queues, 4);
    EXPECT_EQ(arguments->queue_size, 100);
    EXPECT_EQ(arguments->iface, "tap7");
    EXPECT_TRUE(arguments->cq && arguments->server && arguments->packed_vq);
    EXPECT_FALSE(arguments->mrg_rxbuf || arguments->in_order);
    EXPECT_EQ(arguments->speed, 16U);
}

TEST(Arguments, NameWhatIsWrong) {
    for (const std::string wrong : {"colour=red", "cq=2", "queues=0", "queues=129", "queues=two",
                                    "queue_size=0", "queue_size=32769", "mac=01:00:00:00:00:01",
                                    "mac=2:3", "iface=a/b", "speed=fast", "server", "path="})
        EXPECT_THAT(error_of("path=s," + wrong), testing::HasSubstr("'" + wrong + "'")) << wrong;
    EXPECT_THAT(error_of("mac=02:00:00:00:00:01"), testing::HasSubstr("'path'"));
    EXPECT_THAT(error_of("path=s,cq=1,cq=1"), testing::HasSubstr("twice"));
    EXPECT_THAT(error_of("path=s,queues=2"), testing::HasSubstr("cq=1"));
    EXPECT_THAT(error_of("path=s,queue_size=100"), testing::HasSubstr("power of two"));
}

} // namespace
} // namespace netvsc::virtio::test
