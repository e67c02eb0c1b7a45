// SPDX-License-Identifier: BSD-3-Clause
//
// PciDriver on a folder that looks like sysfs: what it reads, and what it refuses before it changes
// anything. The lab shows that it really binds (test/vm).

#include "sysfs/pci_driver.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <stdlib.h>

namespace netvsc {
namespace {

namespace fs = std::filesystem;

class PciDriverTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = fs::temp_directory_path() / "pci_driver_test.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        root_ = name;
        const fs::path pci = root_ / "bus/pci";
        fs::create_directories(pci / "devices/0000:02:00.0");
        fs::create_directories(pci / "drivers/e1000e");
        fs::create_directories(pci / "drivers/vfio-pci");
        write("drivers/e1000e/unbind", "");
        write("drivers_probe", "");
        write("devices/0000:02:00.0/driver_override", "(null)\n");
        fs::create_symlink("../../drivers/e1000e", pci / "devices/0000:02:00.0/driver");
    }
    void TearDown() override { fs::remove_all(root_); }

    void write(const std::string &path, const std::string &text) const {
        std::ofstream(root_ / "bus/pci" / path) << text;
    }
    std::string read(const std::string &path) const {
        std::ostringstream text;
        text << std::ifstream(root_ / "bus/pci" / path).rdbuf();
        return text.str();
    }
    PciDriver device(const std::string &address = "0000:02:00.0") const {
        return PciDriver(PciAddress::parse(address).value(), root_);
    }

    fs::path root_;
};

TEST_F(PciDriverTest, ReadsTheDriver) {
    EXPECT_TRUE(device().exists());
    EXPECT_EQ(device().current(), "e1000e");
    fs::remove(root_ / "bus/pci/devices/0000:02:00.0/driver");
    EXPECT_EQ(device().current(), std::nullopt);
    EXPECT_FALSE(device("0000:03:00.0").exists());
    EXPECT_EQ(device("0000:03:00.0").current(), std::nullopt);
}

TEST_F(PciDriverTest, KeepsADeviceThatIsBoundAsWanted) {
    ASSERT_TRUE(device().bind("e1000e"));
    EXPECT_EQ(read("drivers/e1000e/unbind"), "");
    EXPECT_EQ(read("drivers_probe"), "");
}

TEST_F(PciDriverTest, ChecksTheDriverBeforeItUnbindsTheDevice) {
    const auto bound = device().bind("uio_pci_generic");
    ASSERT_FALSE(bound);
    EXPECT_EQ(bound.error().number, ENOENT);
    EXPECT_NE(bound.error().message().find("uio_pci_generic"), std::string::npos);
    EXPECT_EQ(read("drivers/e1000e/unbind"), "");
    EXPECT_EQ(read("devices/0000:02:00.0/driver_override"), "(null)\n");
}

TEST_F(PciDriverTest, RefusesNamesThatLeadElsewhere) {
    for (const char *name : {"", "..", "../devices", "a/b"}) {
        const auto bound = device().bind(name);
        ASSERT_FALSE(bound) << name;
        EXPECT_EQ(bound.error().number, EINVAL) << name;
    }
}

// Here no kernel answers: the driver link stays, as if the driver had refused the device.
TEST_F(PciDriverTest, RestoresTheDeviceIfTheDriverRefusesIt) {
    const auto bound = device().bind("vfio-pci");
    ASSERT_FALSE(bound);
    EXPECT_EQ(bound.error().number, ENODEV);
    EXPECT_EQ(read("drivers/e1000e/unbind"), "0000:02:00.0");
    EXPECT_EQ(read("devices/0000:02:00.0/driver_override").front(), '\n') << "no override left";
    EXPECT_EQ(read("drivers_probe"), "0000:02:00.0");
}

TEST_F(PciDriverTest, RestoresOnlyWhatWasBound) {
    ASSERT_TRUE(device().restore());
    EXPECT_EQ(read("drivers/e1000e/unbind"), "") << "it works with its own driver";
    write("devices/0000:02:00.0/driver_override", "vfio-pci\n");
    ASSERT_TRUE(device().restore());
    EXPECT_EQ(read("drivers/e1000e/unbind"), "0000:02:00.0");
    EXPECT_EQ(read("drivers_probe"), "0000:02:00.0");
}

TEST_F(PciDriverTest, RefusesToRestoreIfTheOverrideCannotBeRead) {
    const auto attribute = root_ / "bus/pci/devices/0000:02:00.0/driver_override";
    fs::remove(attribute);
    fs::create_directory(attribute);
    EXPECT_FALSE(device().driver_override());
    EXPECT_FALSE(device().restore());
    EXPECT_EQ(read("drivers_probe"), "");
}

TEST_F(PciDriverTest, NamesTheFileThatCouldNotBeWritten) {
    const auto bound = device("0000:03:00.0").bind("vfio-pci");
    ASSERT_FALSE(bound);
    EXPECT_NE(bound.error().message().find("0000:03:00.0/driver_override"), std::string::npos);
}

} // namespace
} // namespace netvsc
