// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/uevent_monitor.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <libmnl/libmnl.h>

namespace netvsc {
namespace {

using namespace std::string_literals;

const char *const trigger = "/sys/class/net/lo/uevent";

// Makes the kernel send a uevent of the loopback netdevice (an action written to its sysfs file).
bool provoke(const std::string &action) {
    std::ofstream file(trigger);
    file << action << std::flush;
    return file.good();
}

class UeventMonitorTest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0 || !provoke("change"))
            GTEST_SKIP() << "cannot write " << trigger << ": needs root and a writable sysfs";
        auto opened = UeventMonitor::open(receive_buffer_);
        ASSERT_TRUE(opened) << opened.error().message();
        monitor_.emplace(std::move(*opened));
    }

    // The actions of lo's uevents until half a second without one.
    std::vector<std::string> actions() {
        std::vector<std::string> seen;
        pollfd waited{.fd = monitor_->fd(), .events = POLLIN, .revents = 0};
        while (::poll(&waited, 1, 500) > 0) {
            const auto lost = monitor_->read([&](const Uevent &event) {
                if (event.interface == "lo")
                    seen.emplace_back(event.action);
            });
            EXPECT_TRUE(lost) << lost.error().message();
            lost_ |= lost && *lost;
        }
        return seen;
    }

    int receive_buffer_ = UeventMonitor::default_receive_buffer;
    std::optional<UeventMonitor> monitor_;
    bool lost_ = false;
};

TEST_F(UeventMonitorTest, HearsTheKernel) {
    ASSERT_TRUE(provoke("add"));
    ASSERT_TRUE(provoke("remove"));
    EXPECT_EQ(actions(), (std::vector<std::string>{"add", "remove"}));
    EXPECT_FALSE(lost_);
    EXPECT_EQ(monitor_->counters().dropped, 0U);
}

TEST_F(UeventMonitorTest, DoesNotHearAForgedMessage) {
    // A message like the kernel's, sent by another process to the kernel's group (root can do
    // that).
    const std::string forged = "remove@/devices/virtual/net/lo\0ACTION=remove\0"
                               "DEVPATH=/devices/virtual/net/lo\0SUBSYSTEM=net\0INTERFACE=lo\0"
                               "SEQNUM=1\0"s;
    mnl_socket *socket = mnl_socket_open(NETLINK_KOBJECT_UEVENT);
    ASSERT_NE(socket, nullptr);
    ASSERT_EQ(mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID), 0);
    sockaddr_nl group{};
    group.nl_family = AF_NETLINK;
    group.nl_groups = 1;
    ASSERT_EQ(::sendto(mnl_socket_get_fd(socket), forged.data(), forged.size(), 0,
                       reinterpret_cast<const sockaddr *>(&group), sizeof group),
              static_cast<ssize_t>(forged.size()));
    mnl_socket_close(socket);
    ASSERT_TRUE(provoke("add"));

    EXPECT_EQ(actions(), std::vector<std::string>{"add"});
    EXPECT_GE(monitor_->counters().dropped, 1U) << "it was received and refused";
}

class SmallUeventMonitorTest : public UeventMonitorTest {
protected:
    SmallUeventMonitorTest() { receive_buffer_ = 1; } // the kernel makes it its minimum
};

TEST_F(SmallUeventMonitorTest, ReportsThatMessagesWereLost) {
    for (int i = 0; i < 200; ++i)
        ASSERT_TRUE(provoke("change"));
    const auto seen = actions();
    EXPECT_TRUE(lost_);
    EXPECT_GE(monitor_->counters().overruns, 1U);
    EXPECT_LT(seen.size(), 200U);
    ASSERT_TRUE(provoke("add"));
    EXPECT_EQ(actions(), std::vector<std::string>{"add"}) << "and continues";
}

// A buffer that holds more messages than one read() takes. The kernel does not report the loss of
// further messages while the rest is read.
class MediumUeventMonitorTest : public UeventMonitorTest {
protected:
    MediumUeventMonitorTest() { receive_buffer_ = 256 << 10; }
};

TEST_F(MediumUeventMonitorTest, ReportsFurtherLossesWhileTheRestIsRead) {
    for (int i = 0; i < 2000; ++i)
        ASSERT_TRUE(provoke("change"));
    const auto ignore = [](const Uevent & /*event*/) {};
    auto lost = monitor_->read(ignore);
    ASSERT_TRUE(lost) << lost.error().message();
    EXPECT_TRUE(*lost);
    ASSERT_TRUE(provoke("add"));
    EXPECT_EQ(std::ranges::count(actions(), "add"), 0) << "not lost: no test";
    EXPECT_TRUE(lost_);
}

} // namespace
} // namespace netvsc
