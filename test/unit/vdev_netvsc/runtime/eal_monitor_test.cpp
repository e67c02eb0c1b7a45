// SPDX-License-Identifier: BSD-3-Clause
#include "base/file_descriptor.hpp"
#include "recording_devices.hpp"
#include "runtime/eal_monitor.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <sys/socket.h>

namespace netvsc::test {
namespace {

namespace fs = std::filesystem;

/// A procfs folder with a list of netlink sockets and some descriptors.
class EalMonitorTest : public testing::Test {
protected:
    EalMonitorTest() {
        fs::create_directories(folder_.path() / "net");
        fs::create_directories(folder_.path() / "fd");
    }
    void list(const std::string &sockets) const {
        std::ofstream(folder_.path() / "net/netlink")
            << "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    "
               "Inode\n"
            << sockets;
    }
    static std::string socket(int protocol, const char *groups, int inode) {
        return "00000000a94ce3d6 " + std::to_string(protocol) + "  123        " + groups +
               " 0        0        0     2        0        " + std::to_string(inode) + "\n";
    }
    void has_descriptor(int inode) const {
        fs::create_symlink("socket:[" + std::to_string(inode) + "]", descriptor(inode));
    }
    [[nodiscard]] fs::path descriptor(int inode) const {
        return folder_.path() / "fd" / std::to_string(inode);
    }

    TemporaryFolder folder_;
    EalMonitor monitor_{folder_.path()};
};

TEST_F(EalMonitorTest, IsAnOwnUeventSocketInAllGroups) {
    has_descriptor(10);
    has_descriptor(11);
    has_descriptor(12);
    EXPECT_FALSE(monitor_.runs()) << "no list";
    list(socket(NETLINK_KOBJECT_UEVENT, "00000001", 10) + socket(NETLINK_ROUTE, "ffffffff", 11));
    EXPECT_FALSE(monitor_.runs());
    list(socket(NETLINK_KOBJECT_UEVENT, "00000001", 10) +
         socket(NETLINK_KOBJECT_UEVENT, "ffffffff", 12));
    EXPECT_TRUE(monitor_.runs());
    list("");
    EXPECT_FALSE(monitor_.runs());
}

// Without this, each uevent would search all descriptors. An application may have many.
TEST_F(EalMonitorTest, SearchesTheDescriptorsOnceForEachSocket) {
    list(socket(NETLINK_KOBJECT_UEVENT, "ffffffff", 10));
    EXPECT_FALSE(monitor_.runs()) << "another process's";
    has_descriptor(10);
    EXPECT_FALSE(monitor_.runs()) << "it is known to be another's";
    has_descriptor(11);
    list(socket(NETLINK_KOBJECT_UEVENT, "ffffffff", 10) +
         socket(NETLINK_KOBJECT_UEVENT, "ffffffff", 11));
    EXPECT_TRUE(monitor_.runs());
    fs::remove(descriptor(11));
    EXPECT_TRUE(monitor_.runs()) << "it is known to be this process's";
}

TEST(EalMonitor, FindsARealSocket) {
    EalMonitor monitor;
    EXPECT_FALSE(monitor.runs());
    {
        const FileDescriptor descriptor(
            ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT));
        ASSERT_TRUE(descriptor.valid());
        EXPECT_FALSE(monitor.runs());
        sockaddr_nl address{};
        address.nl_family = AF_NETLINK;
        address.nl_groups = ~0U;
        ASSERT_EQ(::bind(descriptor.get(), reinterpret_cast<sockaddr *>(&address), sizeof address),
                  0);
        EXPECT_TRUE(monitor.runs());
    }
    EXPECT_FALSE(monitor.runs());
}

} // namespace
} // namespace netvsc::test
