// SPDX-License-Identifier: BSD-3-Clause
#include "base/file_descriptor.hpp"
#include "common/namespace_test.hpp"
#include "netdev/xdp_channel.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <gtest/gtest.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <sys/socket.h>

namespace netvsc {
namespace {

using std::chrono::milliseconds;

class XdpChannelTest : public NamespaceTest {
protected:
    XdpChannelTest()
        : NamespaceTest("ip link add nv0 type veth peer name peer && ip link set nv0 up") {}
    void SetUp() override {
        NamespaceTest::SetUp();
        if (IsSkipped())
            return;
        if (!FileDescriptor(::socket(AF_XDP, SOCK_RAW, 0)).valid())
            GTEST_SKIP() << "AF_XDP: " << std::strerror(errno);
        ifindex_ = static_cast<int>(::if_nametoindex("nv0"));
    }

    /// A socket bound to the first channel.
    [[nodiscard]] FileDescriptor bound() const {
        alignas(4096) static std::array<std::byte, 4096> memory;
        FileDescriptor socket(::socket(AF_XDP, SOCK_RAW, 0));
        const xdp_umem_reg frames{.addr = reinterpret_cast<std::uintptr_t>(memory.data()),
                                  .len = memory.size(),
                                  .chunk_size = 4096};
        ::setsockopt(socket.get(), SOL_XDP, XDP_UMEM_REG, &frames, sizeof frames);
        const int one = 1;
        for (const int ring : {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING})
            ::setsockopt(socket.get(), SOL_XDP, ring, &one, sizeof one);
        sockaddr_xdp address{};
        address.sxdp_family = AF_XDP;
        address.sxdp_ifindex = static_cast<std::uint32_t>(ifindex_);
        EXPECT_EQ(
            ::bind(socket.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address), 0)
            << std::strerror(errno);
        return socket;
    }

    int ifindex_ = 0;
};

TEST_F(XdpChannelTest, OneThatNobodyHasIsFree) {
    EXPECT_TRUE(wait_for_xdp_channel(ifindex_, 0, milliseconds(0)));
    EXPECT_TRUE(wait_for_xdp_channel(ifindex_, 0, milliseconds(0))) << "asking does not take it";
}

TEST_F(XdpChannelTest, OneThatIsHeldIsNot) {
    const FileDescriptor holder = bound();
    const auto free = wait_for_xdp_channel(ifindex_, 0, milliseconds(20));
    ASSERT_FALSE(free);
    EXPECT_EQ(free.error().number, EBUSY);
}

TEST_F(XdpChannelTest, OneThatWasClosedCanBeHadAgain) {
    for (int times = 0; times < 20; ++times) {
        bound().reset();
        ASSERT_TRUE(wait_for_xdp_channel(ifindex_, 0, std::chrono::seconds(30)));
    }
}

} // namespace
} // namespace netvsc
