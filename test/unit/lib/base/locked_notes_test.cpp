// SPDX-License-Identifier: BSD-3-Clause
#include "base/locked_notes.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace netvsc {
namespace {

namespace fs = std::filesystem;

class LockedNotesTest : public testing::Test {
protected:
    void SetUp() override {
        std::string made = fs::temp_directory_path() / "locked_notes_test.XXXXXX";
        ASSERT_NE(::mkdtemp(made.data()), nullptr);
        root_ = made;
        process_.emplace(folder());
    }
    void TearDown() override { fs::remove_all(root_); }

    [[nodiscard]] fs::path folder() const { return root_ / "notes"; }

    fs::path root_;
    std::optional<LockedNotes> process_;
};

TEST_F(LockedNotesTest, OneOfAProcessThatEndedSaysWhatItWroteLast) {
    ASSERT_TRUE(process_->note("a", "something long"));
    ASSERT_TRUE(process_->note("a", "short"));
    process_.reset();
    LockedNotes next(folder());
    EXPECT_EQ(next.names(), std::vector<std::string>{"a"});
    EXPECT_EQ(next.claim("a"), "short");
    EXPECT_EQ(next.claim("a"), std::nullopt) << "it is its own by now";
    next.forget("a");
    EXPECT_TRUE(next.names().empty());
}

TEST_F(LockedNotesTest, OneOfAProcessThatLivesIsNobodyElses) {
    ASSERT_TRUE(process_->note("a", "x"));
    LockedNotes other(folder());
    EXPECT_EQ(other.claim("a"), std::nullopt);
    const auto noted = other.note("a", "y");
    ASSERT_FALSE(noted);
    EXPECT_EQ(noted.error().number, EBUSY);
    other.forget("a");
    EXPECT_TRUE(fs::exists(folder() / "a"));
}

TEST_F(LockedNotesTest, AnAbandonedOneCanBeClaimed) {
    ASSERT_TRUE(process_->note("a", "x"));
    process_->abandon("a");
    EXPECT_EQ(process_->claim("a"), "x");
}

TEST_F(LockedNotesTest, TooLongATextIsRefused) {
    ASSERT_TRUE(process_->note("a", std::string(LockedNotes::longest_text, 'x')));
    const auto noted = process_->note("b", std::string(LockedNotes::longest_text + 1, 'x'));
    ASSERT_FALSE(noted);
    EXPECT_EQ(noted.error().number, ENAMETOOLONG);
    EXPECT_FALSE(fs::exists(folder() / "b"));
    process_->abandon("a");
    EXPECT_EQ(process_->claim("a")->size(), LockedNotes::longest_text);
}

TEST_F(LockedNotesTest, AFifoAndALinkInItsPlaceAreNotFollowed) {
    fs::create_directory(folder());
    fs::permissions(folder(), fs::perms::owner_all);
    ASSERT_EQ(::mkfifo((folder() / "fifo").c_str(), 0600), 0);
    std::ofstream(root_ / "elsewhere") << "x";
    fs::create_symlink(root_ / "elsewhere", folder() / "link");
    EXPECT_EQ(process_->claim("fifo"), "");
    EXPECT_EQ(process_->claim("link"), std::nullopt);
    EXPECT_FALSE(process_->note("link", "y"));
    EXPECT_EQ(fs::file_size(root_ / "elsewhere"), 1U);
}

TEST_F(LockedNotesTest, AFolderOthersMayWriteToIsNotUsed) {
    ASSERT_TRUE(process_->note("a", "x"));
    process_->abandon("a");
    fs::permissions(folder(), fs::perms::group_write, fs::perm_options::add);
    EXPECT_EQ(process_->claim("a"), std::nullopt);
    EXPECT_TRUE(process_->names().empty());
    EXPECT_FALSE(process_->note("b", "x"));
}

} // namespace
} // namespace netvsc
