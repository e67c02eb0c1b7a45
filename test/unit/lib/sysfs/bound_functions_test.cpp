// SPDX-License-Identifier: BSD-3-Clause
//
// What outlasts a process that bound PCI functions, on a folder made to look like sysfs. That a
// VF really comes back after a kill is shown in the lab (test/vm/test_crash.py).

#include "sysfs/bound_functions.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <stdlib.h>
#include <sys/stat.h>

namespace netvsc {
namespace {

namespace fs = std::filesystem;

const PciAddress address{.bus = 2};
const std::string name = "0000:02:00.0";

class BoundFunctionsTest : public testing::Test {
protected:
    void SetUp() override {
        std::string made = fs::temp_directory_path() / "bound_functions_test.XXXXXX";
        ASSERT_NE(::mkdtemp(made.data()), nullptr);
        root_ = made;
        fs::create_directories(device());
        is_bound_to("vfio-pci");
        process_.emplace(notes(), root_ / "sys");
    }
    void TearDown() override { fs::remove_all(root_); }

    fs::path notes() const { return root_ / "notes"; }
    fs::path device() const { return root_ / "sys/bus/pci/devices" / name; }
    void is_bound_to(const std::string &driver) const {
        std::ofstream(device() / "driver_override") << driver << '\n';
        fs::remove(device() / "driver");
        fs::create_symlink("../../../drivers/" + driver, device() / "driver");
    }
    /// What another process would find.
    std::vector<PciAddress> abandoned() const {
        return BoundFunctions(notes(), root_ / "sys").abandoned();
    }

    fs::path root_;
    std::optional<BoundFunctions> process_;
};

TEST_F(BoundFunctionsTest, AProcessThatLivesHasAbandonedNothing) {
    ASSERT_TRUE(process_->note(address, "vfio-pci"));
    EXPECT_TRUE(abandoned().empty());
    EXPECT_TRUE(process_->abandoned().empty());
    EXPECT_TRUE(fs::exists(notes() / name));
}

TEST_F(BoundFunctionsTest, WhatAProcessLeftIsFoundUntilItIsForgotten) {
    ASSERT_TRUE(process_->note(address, "vfio-pci"));
    process_.reset();
    EXPECT_EQ(abandoned(), std::vector{address});
    BoundFunctions next(notes(), root_ / "sys");
    EXPECT_EQ(next.abandoned(), std::vector{address});
    EXPECT_TRUE(abandoned().empty()); // the next has it now
    next.forget(address);
    EXPECT_FALSE(fs::exists(notes() / name));
}

TEST_F(BoundFunctionsTest, OneKilledBetweenUnbindingAndBindingLeftItToo) {
    ASSERT_TRUE(process_->note(address, "vfio-pci"));
    process_.reset();
    fs::remove(device() / "driver");
    EXPECT_EQ(abandoned(), std::vector{address});
}

TEST_F(BoundFunctionsTest, OneThatIsGivenBackByHalfIsLeftStill) {
    ASSERT_TRUE(process_->note(address, "vfio-pci"));
    process_.reset();
    fs::remove(device() / "driver");
    std::ofstream(device() / "driver_override") << "(null)\n";
    EXPECT_EQ(abandoned(), std::vector{address});
}

TEST_F(BoundFunctionsTest, OneThatCannotBeGivenBackIsFoundByTheSameProcess) {
    ASSERT_TRUE(process_->note(address, "vfio-pci"));
    process_->abandon(address);
    EXPECT_EQ(process_->abandoned(), std::vector{address});
}

TEST_F(BoundFunctionsTest, ANoteStaysWhileItCannotBeToldWhetherItCounts) {
    ASSERT_TRUE(process_->note(address, "vfio-pci"));
    process_.reset();
    fs::remove(device() / "driver_override");
    fs::create_directory(device() / "driver_override"); // cannot be read
    EXPECT_TRUE(abandoned().empty());
    fs::remove(device() / "driver_override");
    is_bound_to("vfio-pci");
    EXPECT_EQ(abandoned(), std::vector{address});
}

TEST_F(BoundFunctionsTest, WhatIsAnotherDevicesByNowIsLeftAlone) {
    for (const std::string other : {"e1000e", "(null)", ""}) {
        process_.emplace(notes(), root_ / "sys");
        ASSERT_TRUE(process_->note(address, "vfio-pci"));
        process_.reset();
        is_bound_to("vfio-pci");
        std::ofstream(device() / "driver_override") << other << '\n';
        EXPECT_TRUE(abandoned().empty()) << other;
        EXPECT_FALSE(fs::exists(notes() / name)) << other;
    }
    process_.emplace(notes(), root_ / "sys");
    ASSERT_TRUE(process_->note(address, "vfio-pci"));
    process_.reset();
    is_bound_to("vfio-pci");
    fs::remove(device() / "driver");
    fs::create_symlink("../../../drivers/e1000e", device() / "driver");
    EXPECT_TRUE(abandoned().empty());
}

TEST_F(BoundFunctionsTest, ADeviceThatHasGoneIsForgotten) {
    ASSERT_TRUE(process_->note(address, "vfio-pci"));
    process_.reset();
    fs::remove_all(device());
    EXPECT_TRUE(abandoned().empty());
    EXPECT_FALSE(fs::exists(notes() / name));
}

TEST_F(BoundFunctionsTest, AFunctionAnotherProcessHasIsRefused) {
    ASSERT_TRUE(process_->note(address, "vfio-pci"));
    const auto noted = BoundFunctions(notes(), root_ / "sys").note(address, "vfio-pci");
    ASSERT_FALSE(noted);
    EXPECT_EQ(noted.error().number, EBUSY);
    ASSERT_TRUE(process_->note(address, "uio_pci_generic")); // bound anew by itself
}

TEST_F(BoundFunctionsTest, AFolderOthersMayWriteToIsNotUsed) {
    ASSERT_TRUE(process_->note(address, "vfio-pci"));
    process_.reset();
    ASSERT_EQ(::chmod(notes().c_str(), 0777), 0);
    EXPECT_TRUE(abandoned().empty());
    const auto noted = BoundFunctions(notes(), root_ / "sys").note(address, "vfio-pci");
    ASSERT_FALSE(noted);
    EXPECT_EQ(noted.error().number, EPERM);
}

TEST_F(BoundFunctionsTest, ALinkInTheFoldersPlaceIsNotUsed) {
    fs::create_directory(root_ / "elsewhere");
    fs::create_symlink(root_ / "elsewhere", notes());
    EXPECT_FALSE(process_->note(address, "vfio-pci"));
    EXPECT_TRUE(fs::is_empty(root_ / "elsewhere"));
}

TEST_F(BoundFunctionsTest, WhatIsNoNoteIsLeftAlone) {
    ASSERT_TRUE(process_->note(address, "vfio-pci"));
    process_->forget(address);
    std::ofstream(root_ / "victim") << "vfio-pci";
    fs::create_symlink(root_ / "victim", notes() / name);
    std::ofstream(notes() / "readme") << "vfio-pci";
    ASSERT_EQ(::mkfifo((notes() / "0000:03:00.0").c_str(), 0600), 0);
    EXPECT_TRUE(abandoned().empty());
    EXPECT_TRUE(fs::is_symlink(notes() / name));
    EXPECT_TRUE(fs::exists(notes() / "readme"));
    EXPECT_FALSE(process_->note(address, "vfio-pci"));
    EXPECT_EQ(fs::file_size(root_ / "victim"), 8U);
}

} // namespace
} // namespace netvsc
