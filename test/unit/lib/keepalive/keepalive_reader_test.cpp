// SPDX-License-Identifier: BSD-3-Clause
#include "common/shm_name.hpp"
#include "keepalive/keepalive_area.hpp"
#include "keepalive/keepalive_reader.hpp"

#include <cerrno>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <sys/stat.h>
#include <sys/wait.h>

namespace netvsc::test {
namespace {

using Condition = KeepaliveReader::Condition;
using testing::HasSubstr;

class KeepaliveReaderTest : public testing::Test {
protected:
    [[nodiscard]] KeepaliveArea create(unsigned lcores = 128) const {
        return KeepaliveArea::create({.name = shm.name(), .lcores = lcores}).value();
    }
    [[nodiscard]] Result<KeepaliveReader> open(std::optional<uid_t> owner = {}) const {
        return KeepaliveReader::open({.name = shm.name(), .owner = owner});
    }
    // Creates a file of this size and mode under the name, without a lock.
    void make(off_t size, mode_t mode = 0600) const {
        const FileDescriptor file(::open(shm.path().c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
        ASSERT_EQ(::ftruncate(file.get(), size), 0);
        ASSERT_EQ(::fchmod(file.get(), mode), 0);
    }
    void expect_refused(int number, const char *why) const {
        const auto reader = open();
        ASSERT_FALSE(reader);
        EXPECT_EQ(reader.error().number, number);
        EXPECT_THAT(reader.error().message(), HasSubstr(shm.name()));
        EXPECT_THAT(reader.error().message(), HasSubstr(why));
    }

    ShmName shm;
};

TEST_F(KeepaliveReaderTest, reads_what_was_written) {
    // Builds of DPDK differ in RTE_MAX_LCORE; an odd one has padding before the times.
    for (const unsigned lcores : {1U, 2U, 3U, 127U, 128U, 256U, 4096U}) {
        auto area = create(lcores);
        area.set(0, LcoreState::missing, 5);
        area.set(lcores - 1, LcoreState::sleep, ~0ULL);
        const auto reader = open();
        ASSERT_TRUE(reader) << lcores;
        EXPECT_EQ(reader->lcores(), lcores);
        const auto snapshot = reader->read().value();
        ASSERT_EQ(snapshot.states.size(), lcores);
        EXPECT_EQ(snapshot.states.back(), LcoreState::sleep);
        EXPECT_EQ(snapshot.last_seen.back(), ~0ULL);
        if (lcores > 1) {
            EXPECT_EQ(snapshot.states.front(), LcoreState::missing);
            EXPECT_EQ(snapshot.last_seen.front(), 5U);
        }
    }
}

TEST_F(KeepaliveReaderTest, sizes_that_fit_no_number_of_lcores) {
    EXPECT_FALSE(KeepaliveLayout::of_size(0));
    EXPECT_FALSE(KeepaliveLayout::of_size(43));
    EXPECT_FALSE(KeepaliveLayout::of_size(1567));
    EXPECT_EQ(KeepaliveLayout::of_size(1568)->lcores(), 128U);
    EXPECT_FALSE(KeepaliveLayout::of_size(1569));
    EXPECT_FALSE(KeepaliveLayout::of_size(KeepaliveLayout(4098).size()));
    EXPECT_FALSE(KeepaliveLayout::of_size(~std::size_t{0}));
    // Every number of lcores has a size of its own.
    for (unsigned lcores = 1; lcores <= KeepaliveLayout::max_lcores; ++lcores)
        ASSERT_EQ(KeepaliveLayout::of_size(KeepaliveLayout(lcores).size())->lcores(), lcores);
}

TEST_F(KeepaliveReaderTest, names_states) {
    EXPECT_EQ(name_of(LcoreState::unused), "UNUSED");
    EXPECT_EQ(name_of(LcoreState::alive), "ALIVE");
    EXPECT_EQ(name_of(LcoreState::dead), "DEAD");
    EXPECT_EQ(name_of(LcoreState::gone), "GONE");
    EXPECT_EQ(name_of(LcoreState::missing), "MISSING");
    EXPECT_EQ(name_of(LcoreState::dozing), "DOZING");
    EXPECT_EQ(name_of(LcoreState::sleep), "SLEEP");
    EXPECT_EQ(name_of(LcoreState{7}), "UNKNOWN");
    EXPECT_EQ(name_of(LcoreState{~0U}), "UNKNOWN");
}

TEST_F(KeepaliveReaderTest, none_there) { expect_refused(ENOENT, "No such file"); }

TEST_F(KeepaliveReaderTest, wrong_size) {
    make(0);
    expect_refused(EBADMSG, "has 0 bytes");
    ASSERT_EQ(::truncate(shm.path().c_str(), 1569), 0);
    expect_refused(EBADMSG, "has 1569 bytes");
    ASSERT_EQ(::truncate(shm.path().c_str(), off_t{1} << 40), 0);
    expect_refused(EBADMSG, "no keepalive area has this size");
}

TEST_F(KeepaliveReaderTest, symbolic_link) {
    ShmName target;
    const auto area = KeepaliveArea::create({.name = target.name(), .lcores = 128});
    ASSERT_TRUE(area);
    ASSERT_EQ(::symlink(target.path().c_str(), shm.path().c_str()), 0);
    expect_refused(EPERM, "is a symbolic link");
}

TEST_F(KeepaliveReaderTest, fifo_and_folder) {
    ASSERT_EQ(::mkfifo(shm.path().c_str(), 0600), 0);
    expect_refused(EPERM, "is not a file");
    ASSERT_EQ(::unlink(shm.path().c_str()), 0);
    ASSERT_EQ(::mkdir(shm.path().c_str(), 0700), 0);
    expect_refused(EPERM, "is not a file");
}

TEST_F(KeepaliveReaderTest, written_by_anybody) {
    make(1568, 0666);
    expect_refused(EPERM, "is writable by all users");
}

TEST_F(KeepaliveReaderTest, other_owner) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can give files away";
    make(1568);
    ASSERT_EQ(::chown(shm.path().c_str(), 12345, 12345), 0);
    expect_refused(EPERM, "belongs to user 12345, who is not trusted");
    EXPECT_FALSE(open(12346));
    EXPECT_TRUE(open(12345));
}

TEST_F(KeepaliveReaderTest, area_of_root) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root makes areas of root's";
    make(1568, 0644);
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(::setuid(12345) == 0 && open() ? 0 : 1);
    int how = 0;
    ASSERT_EQ(::waitpid(child, &how, 0), child);
    EXPECT_EQ(how, 0);
}

TEST_F(KeepaliveReaderTest, truncated_while_open) {
    const auto area = create();
    auto reader = open();
    ASSERT_TRUE(reader);
    ASSERT_TRUE(reader->read());
    for (const off_t size : {1567, 33, 0}) {
        ASSERT_EQ(::truncate(shm.path().c_str(), size), 0);
        const auto snapshot = reader->read();
        ASSERT_FALSE(snapshot) << size;
        EXPECT_EQ(snapshot.error().number, EBADMSG);
        EXPECT_THAT(snapshot.error().message(), HasSubstr("was truncated"));
    }
}

TEST_F(KeepaliveReaderTest, any_value_is_handed_on) {
    auto area = create();
    area.set(9, LcoreState{0xdeadbeef}, 0);
    EXPECT_EQ(open()->read()->states.at(9), LcoreState{0xdeadbeef});
}

TEST_F(KeepaliveReaderTest, owner_ends) {
    // The hard link keeps the area after its owner has removed the name, like a crash.
    ShmName kept;
    auto reader = [&] {
        const auto area = create();
        auto opened = open();
        EXPECT_EQ(opened->condition(), Condition::owned);
        EXPECT_EQ(::link(shm.path().c_str(), kept.path().c_str()), 0);
        return opened;
    }();
    EXPECT_EQ(reader->condition(), Condition::removed);
    ASSERT_EQ(::rename(kept.path().c_str(), shm.path().c_str()), 0);
    EXPECT_EQ(reader->condition(), Condition::abandoned);
    const auto next = create();
    EXPECT_EQ(reader->condition(), Condition::replaced);
    EXPECT_TRUE(reader->read()) << "what is open can still be read";
    EXPECT_EQ(open()->condition(), Condition::owned);
}

TEST_F(KeepaliveReaderTest, writer_that_takes_no_lock) {
    make(1568, 0644);
    auto reader = open();
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->condition(), Condition::unlocked);
    EXPECT_EQ(reader->condition(), Condition::unlocked);
}

TEST_F(KeepaliveReaderTest, does_not_disturb_a_writer) {
    make(1568);
    auto reader = open();
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->condition(), Condition::unlocked);
    EXPECT_TRUE(KeepaliveArea::create({.name = shm.name(), .lcores = 128}));
}

} // namespace
} // namespace netvsc::test
