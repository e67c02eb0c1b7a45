// SPDX-License-Identifier: BSD-3-Clause
#include "common/shm_name.hpp"
#include "keepalive/keepalive_area.hpp"
#include "keepalive/keepalive_reader.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <vector>

namespace netvsc::test {
namespace {

using namespace std::chrono_literals;
using Condition = KeepaliveReader::Condition;
using testing::HasSubstr;

constexpr unsigned lcore_limit = 128;

class KeepaliveAreaTest : public testing::Test {
protected:
    [[nodiscard]] Result<KeepaliveArea> create() const {
        return KeepaliveArea::create({.name = shm.name(), .lcores = lcore_limit});
    }
    [[nodiscard]] Result<KeepaliveReader> open() const {
        return KeepaliveReader::open({.name = shm.name()});
    }
    [[nodiscard]] struct stat status() const {
        struct stat result{};
        EXPECT_EQ(::lstat(shm.path().c_str(), &result), 0);
        return result;
    }

    // An area whose owner was killed.
    void crash() const {
        const pid_t child = ::fork();
        if (child == 0) {
            auto area = create();
            if (area) {
                area->set(3, LcoreState::alive, 7);
                ::raise(SIGKILL);
            }
            ::_exit(1);
        }
        int how = 0;
        ASSERT_EQ(::waitpid(child, &how, 0), child);
        ASSERT_TRUE(WIFSIGNALED(how));
        ASSERT_TRUE(shm.exists());
    }

    ShmName shm;
};

// How programs written for DPDK's l2fwd-keepalive see an area.
class StockView {
public:
    explicit StockView(const std::string &name) {
        const FileDescriptor file(::shm_open(name.c_str(), O_RDWR, 0));
        void *memory =
            ::mmap(nullptr, sizeof(Area), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        area_ = memory == MAP_FAILED ? nullptr : static_cast<Area *>(memory);
    }
    StockView(const StockView &) = delete;
    StockView &operator=(const StockView &) = delete;
    ~StockView() { ::munmap(area_, sizeof(Area)); }

    struct Area {
        sem_t core_died;
        std::uint32_t core_state[lcore_limit];
        std::uint64_t core_last_seen_times[lcore_limit];
    };
    Area *operator->() { return area_; }

private:
    Area *area_ = nullptr;
};

TEST_F(KeepaliveAreaTest, is_what_stock_readers_expect) {
    auto area = create();
    ASSERT_TRUE(area);
    StockView view(shm.name());
    area->set(0, LcoreState::alive, 11);
    area->set(127, LcoreState::dead, 0x1122334455667788);
    area->set(128, LcoreState::dead, 1); // beyond: ignored
    EXPECT_EQ(view->core_state[0], 1U);
    EXPECT_EQ(view->core_state[1], 0U);
    EXPECT_EQ(view->core_state[127], 2U);
    EXPECT_EQ(view->core_last_seen_times[0], 11U);
    EXPECT_EQ(view->core_last_seen_times[127], 0x1122334455667788U);
    EXPECT_EQ(static_cast<std::size_t>(status().st_size), sizeof(StockView::Area));
}

TEST_F(KeepaliveAreaTest, semaphore_keeps_two_deaths_at_most) {
    auto area = create();
    ASSERT_TRUE(area);
    StockView view(shm.name());
    EXPECT_EQ(::sem_trywait(&view->core_died), -1);
    for (int death = 0; death < 5; ++death)
        area->post_death();
    int count = 0;
    ASSERT_EQ(::sem_getvalue(&view->core_died, &count), 0);
    EXPECT_EQ(count, 2);
}

TEST_F(KeepaliveAreaTest, semaphore_wakes_another_process) {
    auto area = create();
    ASSERT_TRUE(area);
    const pid_t child = ::fork();
    if (child == 0) {
        StockView view(shm.name());
        timespec until{};
        ::clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 20;
        ::_exit(::sem_timedwait(&view->core_died, &until) == 0 ? 0 : 1);
    }
    std::this_thread::sleep_for(50ms);
    area->post_death();
    int how = 0;
    ASSERT_EQ(::waitpid(child, &how, 0), child);
    EXPECT_TRUE(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

TEST_F(KeepaliveAreaTest, belongs_to_its_owner_alone) {
    const mode_t before = ::umask(0777);
    auto area = create();
    ::umask(before);
    ASSERT_TRUE(area);
    EXPECT_EQ(status().st_mode & 07777, 0600U);
    EXPECT_EQ(status().st_uid, ::geteuid());
}

TEST_F(KeepaliveAreaTest, may_be_shared_with_a_group) {
    auto area =
        KeepaliveArea::create({.name = shm.name(), .lcores = lcore_limit, .group = ::getegid()});
    ASSERT_TRUE(area);
    EXPECT_EQ(status().st_mode & 07777, 0660U);
    EXPECT_EQ(status().st_gid, ::getegid());
}

TEST_F(KeepaliveAreaTest, goes_with_its_owner) {
    {
        auto area = create();
        ASSERT_TRUE(area);
        KeepaliveArea moved = std::move(*area);
        EXPECT_TRUE(shm.exists());
    }
    EXPECT_FALSE(shm.exists());
}

TEST_F(KeepaliveAreaTest, goes_when_another_area_is_assigned) {
    const ShmName other_name;
    auto area = create();
    auto other = KeepaliveArea::create({.name = other_name.name(), .lcores = lcore_limit});
    ASSERT_TRUE(area && other);
    *area = std::move(*other);
    EXPECT_FALSE(shm.exists());
    EXPECT_TRUE(other_name.exists());
}

TEST_F(KeepaliveAreaTest, does_not_go_with_a_child_of_its_owner) {
    std::optional<KeepaliveArea> area(create().value());
    const pid_t child = ::fork();
    if (child == 0) {
        area.reset();
        ::_exit(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_TRUE(shm.exists());
    EXPECT_EQ(open()->condition(), Condition::owned);
}

TEST_F(KeepaliveAreaTest, knows_whether_it_is_intact) {
    auto area = create();
    ASSERT_TRUE(area);
    EXPECT_TRUE(area->intact());
    const auto size = status().st_size;
    ASSERT_EQ(::truncate(shm.path().c_str(), size - 1), 0);
    EXPECT_FALSE(area->intact());
    ASSERT_EQ(::truncate(shm.path().c_str(), size), 0);
    EXPECT_TRUE(area->intact());
    ASSERT_EQ(::unlink(shm.path().c_str()), 0);
    EXPECT_FALSE(area->intact());
}

TEST_F(KeepaliveAreaTest, leaves_anothers_area_alone_at_its_end) {
    auto area = create();
    ASSERT_TRUE(area);
    ASSERT_EQ(::unlink(shm.path().c_str()), 0); // by hand
    auto other = create();
    ASSERT_TRUE(other);
    area = failure(0, "");
    EXPECT_TRUE(shm.exists());
}

TEST_F(KeepaliveAreaTest, of_a_live_owner_is_not_touched) {
    auto area = create();
    ASSERT_TRUE(area);
    area->set(5, LcoreState::alive, 42);
    const auto before = status();
    const auto second = create();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().number, EBUSY);
    EXPECT_THAT(second.error().message(), HasSubstr("belongs to a running process"));
    EXPECT_EQ(status().st_ino, before.st_ino);
    EXPECT_EQ(open()->read()->states.at(5), LcoreState::alive);
    EXPECT_EQ(open()->condition(), Condition::owned);
}

TEST_F(KeepaliveAreaTest, left_by_a_crash_is_replaced) {
    crash();
    auto reader = open();
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->condition(), Condition::unlocked);
    StockView old(shm.name());
    auto area = create();
    ASSERT_TRUE(area) << area.error().message();
    EXPECT_EQ(reader->condition(), Condition::replaced);
    EXPECT_EQ(open()->read()->states.at(3), LcoreState::unused);
    EXPECT_EQ(old->core_state[3], 1U) << "an existing mapping must not change";
}

TEST_F(KeepaliveAreaTest, half_made_one_left_by_others_is_replaced) {
    const FileDescriptor empty(::open(shm.path().c_str(), O_RDWR | O_CREAT | O_EXCL, 0666));
    ASSERT_TRUE(empty.valid());
    EXPECT_TRUE(create());
    struct stat old{};
    ASSERT_EQ(::fstat(empty.get(), &old), 0);
    EXPECT_EQ(old.st_size, 0);
    EXPECT_EQ(old.st_nlink, 0U);
}

TEST_F(KeepaliveAreaTest, symbolic_link_is_refused) {
    ShmName target;
    const FileDescriptor victim(::open(target.path().c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
    ASSERT_EQ(::symlink(target.path().c_str(), shm.path().c_str()), 0);
    const auto area = create();
    ASSERT_FALSE(area);
    EXPECT_EQ(area.error().number, EPERM);
    EXPECT_THAT(area.error().message(), HasSubstr("symbolic link"));
    EXPECT_TRUE(target.exists());
}

TEST_F(KeepaliveAreaTest, folder_and_fifo_are_refused) {
    ASSERT_EQ(::mkdir(shm.path().c_str(), 0700), 0);
    EXPECT_FALSE(create());
    ASSERT_EQ(::rmdir(shm.path().c_str()), 0);
    ASSERT_EQ(::mkfifo(shm.path().c_str(), 0600), 0);
    const auto area = create();
    ASSERT_FALSE(area);
    EXPECT_EQ(area.error().number, EPERM);
}

TEST_F(KeepaliveAreaTest, of_another_user_is_refused) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can give files away";
    crash();
    ASSERT_EQ(::chown(shm.path().c_str(), 12345, 12345), 0);
    const auto area = create();
    ASSERT_FALSE(area);
    EXPECT_EQ(area.error().number, EPERM);
    EXPECT_THAT(area.error().message(), HasSubstr("belongs to another user (12345)"));
    EXPECT_TRUE(shm.exists());
}

TEST_F(KeepaliveAreaTest, names_that_are_none_are_refused) {
    for (const std::string name : {"", "/", "name", "/a/b", "/..", "/."}) {
        const auto area = KeepaliveArea::create({.name = name, .lcores = lcore_limit});
        ASSERT_FALSE(area) << name;
        EXPECT_EQ(area.error().number, EINVAL);
    }
    EXPECT_FALSE(
        KeepaliveArea::create({.name = '/' + std::string(255, 'x'), .lcores = lcore_limit}));
    EXPECT_FALSE(KeepaliveArea::create({.name = shm.name(), .lcores = 0}));
    EXPECT_FALSE(KeepaliveArea::create({.name = shm.name(), .lcores = 4097}));
}

// Many processes start at once after a crash. One gets the area, and none sees it incomplete.
TEST_F(KeepaliveAreaTest, one_of_many_wins) {
    for (int round = 0; round < 20; ++round) {
        crash();
        std::atomic<bool> done = false;
        std::atomic<int> half_made = 0;
        std::jthread watcher([&] {
            while (!done) {
                const auto reader = open();
                if (!reader && reader.error().number != ENOENT)
                    ++half_made;
            }
        });
        std::vector<std::optional<KeepaliveArea>> areas(4);
        {
            std::vector<std::jthread> starters;
            for (auto &area : areas)
                starters.emplace_back([&] {
                    if (auto made = create())
                        area.emplace(std::move(*made));
                });
        }
        done = true;
        watcher.join();
        EXPECT_EQ(std::ranges::count_if(areas, [](const auto &area) { return area.has_value(); }),
                  1);
        EXPECT_EQ(half_made, 0);
        EXPECT_EQ(open()->condition(), Condition::owned);
    }
}

} // namespace
} // namespace netvsc::test
