// SPDX-License-Identifier: BSD-3-Clause
//
// The journal on a folder that looks like sysfs. The lab shows that a VF is restored after a kill
// (test/vm/test_crash.py).

#include "sysfs/binding_journal.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <stdlib.h>
#include <sys/stat.h>

namespace netvsc {
namespace {

namespace fs = std::filesystem;

class BindingJournalTest : public testing::Test {
protected:
    void SetUp() override {
        std::string made = fs::temp_directory_path() / "binding_journal_test.XXXXXX";
        ASSERT_NE(::mkdtemp(made.data()), nullptr);
        root_ = made;
        fs::create_directories(device());
        is_bound_to("vfio-pci");
        process_.emplace(journal(), root_ / "sys");
    }
    void TearDown() override { fs::remove_all(root_); }

    fs::path journal() const { return root_ / "journal"; }
    fs::path device() const { return root_ / "sys/bus/pci/devices" / name; }
    void is_bound_to(const std::string &driver) const {
        std::ofstream(device() / "driver_override") << driver << '\n';
        fs::remove(device() / "driver");
        fs::create_symlink("../../../drivers/" + driver, device() / "driver");
    }
    /// The entries that another process would claim.
    std::vector<PciAddress> abandoned() const {
        return BindingJournal(journal(), root_ / "sys").claim_abandoned();
    }

    static constexpr PciAddress address{.bus = 2};
    static constexpr const char *name = "0000:02:00.0";

    fs::path root_;
    std::optional<BindingJournal> process_;
};

TEST_F(BindingJournalTest, ARunningProcessHasAbandonedNothing) {
    ASSERT_TRUE(process_->record(address, "vfio-pci"));
    EXPECT_TRUE(abandoned().empty());
    EXPECT_TRUE(process_->claim_abandoned().empty());
    EXPECT_TRUE(fs::exists(journal() / name));
}

TEST_F(BindingJournalTest, ReturnsAFunctionUntilItIsErased) {
    ASSERT_TRUE(process_->record(address, "vfio-pci"));
    process_.reset();
    EXPECT_EQ(abandoned(), std::vector{address});
    BindingJournal next(journal(), root_ / "sys");
    EXPECT_EQ(next.claim_abandoned(), std::vector{address});
    EXPECT_TRUE(abandoned().empty()); // the next process owns it now
    next.erase(address);
    EXPECT_FALSE(fs::exists(journal() / name));
}

TEST_F(BindingJournalTest, ReturnsAFunctionWithoutDriver) {
    ASSERT_TRUE(process_->record(address, "vfio-pci"));
    process_.reset();
    fs::remove(device() / "driver");
    EXPECT_EQ(abandoned(), std::vector{address});
}

TEST_F(BindingJournalTest, ReturnsAFunctionThatIsHalfRestored) {
    ASSERT_TRUE(process_->record(address, "vfio-pci"));
    process_.reset();
    fs::remove(device() / "driver");
    std::ofstream(device() / "driver_override") << "(null)\n";
    EXPECT_EQ(abandoned(), std::vector{address});
}

TEST_F(BindingJournalTest, ReturnsAReleasedFunctionToTheSameProcess) {
    ASSERT_TRUE(process_->record(address, "vfio-pci"));
    process_->release(address);
    EXPECT_EQ(process_->claim_abandoned(), std::vector{address});
}

TEST_F(BindingJournalTest, KeepsAnEntryWhileSysfsCannotBeRead) {
    ASSERT_TRUE(process_->record(address, "vfio-pci"));
    process_.reset();
    fs::remove(device() / "driver_override");
    fs::create_directory(device() / "driver_override"); // cannot be read
    EXPECT_TRUE(abandoned().empty());
    fs::remove(device() / "driver_override");
    is_bound_to("vfio-pci");
    EXPECT_EQ(abandoned(), std::vector{address});
}

TEST_F(BindingJournalTest, ErasesTheEntryOfAnotherDevice) {
    for (const std::string other : {"e1000e", "(null)", ""}) {
        process_.emplace(journal(), root_ / "sys");
        ASSERT_TRUE(process_->record(address, "vfio-pci"));
        process_.reset();
        is_bound_to("vfio-pci");
        std::ofstream(device() / "driver_override") << other << '\n';
        EXPECT_TRUE(abandoned().empty()) << other;
        EXPECT_FALSE(fs::exists(journal() / name)) << other;
    }
    process_.emplace(journal(), root_ / "sys");
    ASSERT_TRUE(process_->record(address, "vfio-pci"));
    process_.reset();
    is_bound_to("vfio-pci");
    fs::remove(device() / "driver");
    fs::create_symlink("../../../drivers/e1000e", device() / "driver");
    EXPECT_TRUE(abandoned().empty());
}

TEST_F(BindingJournalTest, ErasesTheEntryOfARemovedDevice) {
    ASSERT_TRUE(process_->record(address, "vfio-pci"));
    process_.reset();
    fs::remove_all(device());
    EXPECT_TRUE(abandoned().empty());
    EXPECT_FALSE(fs::exists(journal() / name));
}

TEST_F(BindingJournalTest, RefusesAFunctionOfAnotherRunningProcess) {
    ASSERT_TRUE(process_->record(address, "vfio-pci"));
    const auto recorded = BindingJournal(journal(), root_ / "sys").record(address, "vfio-pci");
    ASSERT_FALSE(recorded);
    EXPECT_EQ(recorded.error().number, EBUSY);
    ASSERT_TRUE(process_->record(address, "uio_pci_generic")); // bound again by the same process
}

TEST_F(BindingJournalTest, RefusesAFolderThatOthersMayWriteTo) {
    ASSERT_TRUE(process_->record(address, "vfio-pci"));
    process_.reset();
    ASSERT_EQ(::chmod(journal().c_str(), 0777), 0);
    EXPECT_TRUE(abandoned().empty());
    const auto recorded = BindingJournal(journal(), root_ / "sys").record(address, "vfio-pci");
    ASSERT_FALSE(recorded);
    EXPECT_EQ(recorded.error().number, EPERM);
}

TEST_F(BindingJournalTest, RefusesALinkInPlaceOfTheFolder) {
    fs::create_directory(root_ / "elsewhere");
    fs::create_symlink(root_ / "elsewhere", journal());
    EXPECT_FALSE(process_->record(address, "vfio-pci"));
    EXPECT_TRUE(fs::is_empty(root_ / "elsewhere"));
}

TEST_F(BindingJournalTest, IgnoresWhatIsNoEntry) {
    ASSERT_TRUE(process_->record(address, "vfio-pci"));
    process_->erase(address);
    std::ofstream(root_ / "victim") << "vfio-pci";
    fs::create_symlink(root_ / "victim", journal() / name);
    std::ofstream(journal() / "readme") << "vfio-pci";
    ASSERT_EQ(::mkfifo((journal() / "0000:03:00.0").c_str(), 0600), 0);
    EXPECT_TRUE(abandoned().empty());
    EXPECT_TRUE(fs::is_symlink(journal() / name));
    EXPECT_TRUE(fs::exists(journal() / "readme"));
    EXPECT_FALSE(process_->record(address, "vfio-pci"));
    EXPECT_EQ(fs::file_size(root_ / "victim"), 8U);
}

} // namespace
} // namespace netvsc
