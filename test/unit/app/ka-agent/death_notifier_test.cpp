// SPDX-License-Identifier: BSD-3-Clause
//
// The notifier's own child process, on the semaphore of a keepalive area.
#include "common/shm_name.hpp"
#include "common/wait_for.hpp"
#include "ka-agent/death_notifier.hpp"
#include "keepalive/keepalive_area.hpp"
#include "keepalive/keepalive_reader.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <unistd.h>
#include <vector>

namespace netvsc::test {
namespace {

using Event = DeathNotifier::Event;

std::vector<pid_t> children() {
    std::vector<pid_t> found;
    std::ifstream file("/proc/thread-self/children");
    for (pid_t child = 0; file >> child;)
        found.push_back(child);
    return found;
}

bool sleeps(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string text;
    std::getline(file, text);
    const auto name_end = text.rfind(')');
    return name_end != std::string::npos && text.substr(name_end, 3) == ") S";
}

bool is_readable(const DeathNotifier &notifier) {
    pollfd polled{.fd = notifier.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&polled, 1, 0) == 1;
}

class DeathNotifierTest : public testing::Test {
protected:
    [[nodiscard]] DeathNotifier start() const {
        const auto reader = KeepaliveReader::open({.name = name_.name(), .owner = {}}).value();
        return DeathNotifier::start(reader.open_writable().value()).value();
    }

    ShmName name_;
    KeepaliveArea area_ =
        KeepaliveArea::create({.name = name_.name(), .lcores = 128, .group = {}}).value();
};

TEST_F(DeathNotifierTest, ReportsADeathOnce) {
    const DeathNotifier notifier = start();
    EXPECT_EQ(notifier.read_events(), Event::none);
    area_.post_death();
    ASSERT_TRUE(wait_for([&] { return is_readable(notifier); }));
    EXPECT_EQ(notifier.read_events(), Event::death);
    EXPECT_EQ(notifier.read_events(), Event::none);
}

TEST_F(DeathNotifierTest, ReportsTheEndOfItsChild) {
    const DeathNotifier notifier = start();
    ASSERT_EQ(children().size(), 1U);
    ASSERT_EQ(::kill(children().front(), SIGTERM), 0);
    ASSERT_TRUE(wait_for([&] { return is_readable(notifier); }));
    EXPECT_EQ(notifier.read_events(), Event::ended);
}

// The child inherits the handler, and the descriptor by which the handler reports that it ran.
class DeathNotifierSignalTest : public DeathNotifierTest {
protected:
    DeathNotifierSignalTest() {
        struct sigaction action{};
        action.sa_handler = [](int) { (void)::eventfd_write(handled.get(), 1); };
        EXPECT_EQ(::sigaction(SIGUSR1, &action, &before_), 0); // no SA_RESTART
        handled = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    }
    ~DeathNotifierSignalTest() override { ::sigaction(SIGUSR1, &before_, nullptr); }

    struct sigaction before_{};
    static inline FileDescriptor handled;
};

TEST_F(DeathNotifierSignalTest, ASignalIsNoDeath) {
    const DeathNotifier notifier = start();
    ASSERT_EQ(children().size(), 1U);
    const pid_t child = children().front();
    ASSERT_TRUE(wait_for([&] { return sleeps(child); }));
    ASSERT_EQ(::kill(child, SIGUSR1), 0);
    ASSERT_TRUE(wait_for([] {
        eventfd_t count = 0;
        return ::eventfd_read(handled.get(), &count) == 0;
    }));
    ASSERT_TRUE(wait_for([&] { return sleeps(child); })); // waits for the next death
    EXPECT_EQ(notifier.read_events(), Event::none);
    area_.post_death();
    ASSERT_TRUE(wait_for([&] { return is_readable(notifier); }));
    EXPECT_EQ(notifier.read_events(), Event::death);
}

TEST_F(DeathNotifierTest, AssignmentEndsTheOldChildAndClosesItsPipe) {
    DeathNotifier notifier = start();
    DeathNotifier next = start();
    const int old = notifier.fd();
    ASSERT_EQ(children().size(), 2U);
    notifier = std::move(next);
    EXPECT_EQ(::fcntl(old, F_GETFD), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(children().size(), 1U);
    area_.post_death();
    ASSERT_TRUE(wait_for([&] { return is_readable(notifier); }));
    EXPECT_EQ(notifier.read_events(), Event::death);
}

} // namespace
} // namespace netvsc::test
