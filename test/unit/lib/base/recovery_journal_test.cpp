// SPDX-License-Identifier: BSD-3-Clause
#include "base/recovery_journal.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace netvsc {
namespace {

namespace fs = std::filesystem;

class RecoveryJournalTest : public testing::Test {
protected:
    void SetUp() override {
        std::string made = fs::temp_directory_path() / "recovery_journal_test.XXXXXX";
        ASSERT_NE(::mkdtemp(made.data()), nullptr);
        root_ = made;
        process_.emplace(folder());
    }
    void TearDown() override { fs::remove_all(root_); }

    [[nodiscard]] fs::path folder() const { return root_ / "journal"; }

    fs::path root_;
    std::optional<RecoveryJournal> process_;
};

TEST_F(RecoveryJournalTest, KeepsTheLastTextOfAProcessThatEnded) {
    ASSERT_TRUE(process_->record("a", "something long"));
    ASSERT_TRUE(process_->record("a", "short"));
    process_.reset();
    RecoveryJournal next(folder());
    EXPECT_EQ(next.names(), std::vector<std::string>{"a"});
    EXPECT_EQ(next.claim("a"), "short");
    EXPECT_EQ(next.claim("a"), std::nullopt) << "this process owns it";
    next.erase("a");
    EXPECT_TRUE(next.names().empty());
}

TEST_F(RecoveryJournalTest, RefusesTheEntryOfARunningProcess) {
    ASSERT_TRUE(process_->record("a", "x"));
    RecoveryJournal other(folder());
    EXPECT_EQ(other.claim("a"), std::nullopt);
    const auto recorded = other.record("a", "y");
    ASSERT_FALSE(recorded);
    EXPECT_EQ(recorded.error().number, EBUSY);
    other.erase("a");
    EXPECT_TRUE(fs::exists(folder() / "a"));
}

TEST_F(RecoveryJournalTest, AReleasedEntryCanBeClaimed) {
    ASSERT_TRUE(process_->record("a", "x"));
    process_->release("a");
    EXPECT_EQ(process_->claim("a"), "x");
}

TEST_F(RecoveryJournalTest, RefusesATextThatIsTooLong) {
    ASSERT_TRUE(process_->record("a", std::string(RecoveryJournal::max_text_size, 'x')));
    const auto recorded =
        process_->record("b", std::string(RecoveryJournal::max_text_size + 1, 'x'));
    ASSERT_FALSE(recorded);
    EXPECT_EQ(recorded.error().number, ENAMETOOLONG);
    EXPECT_FALSE(fs::exists(folder() / "b"));
    process_->release("a");
    EXPECT_EQ(process_->claim("a")->size(), RecoveryJournal::max_text_size);
}

TEST_F(RecoveryJournalTest, FollowsNoFifoAndNoLink) {
    fs::create_directory(folder());
    fs::permissions(folder(), fs::perms::owner_all);
    ASSERT_EQ(::mkfifo((folder() / "fifo").c_str(), 0600), 0);
    std::ofstream(root_ / "elsewhere") << "x";
    fs::create_symlink(root_ / "elsewhere", folder() / "link");
    EXPECT_EQ(process_->claim("fifo"), "");
    EXPECT_EQ(process_->claim("link"), std::nullopt);
    EXPECT_FALSE(process_->record("link", "y"));
    EXPECT_EQ(fs::file_size(root_ / "elsewhere"), 1U);
}

TEST_F(RecoveryJournalTest, RefusesAFolderThatOthersMayWriteTo) {
    ASSERT_TRUE(process_->record("a", "x"));
    process_->release("a");
    fs::permissions(folder(), fs::perms::group_write, fs::perm_options::add);
    EXPECT_EQ(process_->claim("a"), std::nullopt);
    EXPECT_TRUE(process_->names().empty());
    EXPECT_FALSE(process_->record("b", "x"));
}

} // namespace
} // namespace netvsc
