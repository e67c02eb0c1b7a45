// SPDX-License-Identifier: BSD-3-Clause
//
// fail-safe's pipe when fail-safe does not read it, and when it is full: an announcement never
// waits, and what can be read is the last one only.

#include "failsafe/failsafe_port.hpp"

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <unistd.h>

namespace netvsc {
namespace {

std::set<int> open_pipes(int access) {
    std::set<int> found;
    for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code error;
        const auto target = std::filesystem::read_symlink(entry.path(), error).string();
        const int descriptor = std::stoi(entry.path().filename().string());
        if (!error && target.starts_with("pipe:") &&
            (::fcntl(descriptor, F_GETFL) & O_ACCMODE) == access)
            found.insert(descriptor);
    }
    return found;
}

class FailsafePipeTest : public testing::Test {
protected:
    FailsafePipeTest() {
        const auto readers = open_pipes(O_RDONLY);
        const auto writers = open_pipes(O_WRONLY);
        port_.emplace(FailsafePort::open(0, {}).value());
        reader_ = added(readers, open_pipes(O_RDONLY));
        writer_ = added(writers, open_pipes(O_WRONLY));
    }
    static int added(const std::set<int> &before, std::set<int> after) {
        for (const int descriptor : before)
            after.erase(descriptor);
        return after.size() == 1 ? *after.begin() : -1;
    }

    /// What fail-safe would read now.
    [[nodiscard]] std::string unread() const {
        std::string all;
        std::array<char, 4096> part;
        ssize_t size;
        while ((size = ::read(reader_, part.data(), part.size())) > 0)
            all.append(part.data(), static_cast<std::size_t>(size));
        return all;
    }

    std::optional<FailsafePort> port_;
    int reader_ = -1;
    int writer_ = -1;
};

TEST_F(FailsafePipeTest, KeepsTheLastAnnouncementForOneThatNeverReads) {
    for (int i = 0; i < 100'000; ++i)
        ASSERT_TRUE(port_->announce("0000:02:00.0,mac=" + std::to_string(i)));
    EXPECT_EQ(unread(), "0000:02:00.0,mac=99999\n");
    EXPECT_EQ(unread(), "");
}

TEST_F(FailsafePipeTest, AWithdrawalLeavesNothing) {
    ASSERT_TRUE(port_->announce("0000:02:00.0"));
    port_->withdraw();
    port_->withdraw();
    EXPECT_EQ(unread(), "");
}

TEST_F(FailsafePipeTest, AFullPipeHoldsNothingUp) {
    const std::string line(4096, 'x');
    while (::write(writer_, line.data(), line.size()) > 0)
        continue;
    ASSERT_EQ(errno, EAGAIN);
    ASSERT_TRUE(port_->announce("0000:02:00.0"));
    EXPECT_EQ(unread(), "0000:02:00.0\n");
}

TEST_F(FailsafePipeTest, AnAnnouncementThatCouldNotBeWholeIsRefused) {
    const auto announced = port_->announce("0000:02:00.0," + std::string(4096, 'x'));
    ASSERT_FALSE(announced);
    EXPECT_EQ(announced.error().number, EMSGSIZE);
    EXPECT_EQ(unread(), "");
}

} // namespace
} // namespace netvsc
