// SPDX-License-Identifier: BSD-3-Clause
#include "base/file_descriptor.hpp"
#include "base/system_call.hpp"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string_view>
#include <sys/time.h>
#include <unistd.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

Pipe make_pipe() { return std::move(Pipe::open().value()); }

TEST(FileDescriptor, AssignmentClosesTheDescriptorHeldBefore) {
    auto pipe = make_pipe();
    const int old = pipe.reader.get();
    FileDescriptor other = std::move(pipe.writer);
    const int kept = other.get();
    pipe.reader = std::move(other);
    EXPECT_FALSE(is_open(old)) << "while the source of the move still exists";
    EXPECT_FALSE(other.valid());
    EXPECT_EQ(pipe.reader.get(), kept);
    EXPECT_TRUE(is_open(kept));
}

TEST(FileDescriptor, AssignmentToItselfKeepsIt) {
    auto pipe = make_pipe();
    FileDescriptor &same = pipe.reader;
    const int kept = pipe.reader.get();
    pipe.reader = std::move(same);
    EXPECT_EQ(pipe.reader.get(), kept);
    EXPECT_TRUE(is_open(kept));
}

TEST(FileDescriptor, OpensCloseOnExec) {
    const auto file = FileDescriptor::open("/dev/null", O_RDWR);
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(FileDescriptor, ErrorsNameTheCallAndTheFile) {
    const auto missing = FileDescriptor::open("/nonexistent", O_RDONLY);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message(), "open /nonexistent: No such file or directory");
    auto pipe = make_pipe();
    std::array<char, 8> buffer{};
    const auto read = pipe.writer.read(buffer, "the pipe");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().message(), "read the pipe: Bad file descriptor");
    const auto written = pipe.reader.write("x", "the pipe");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().message(), "write the pipe: Bad file descriptor");
}

TEST(FileDescriptor, ReadsWhatWasWrittenAndTheEndOfFile) {
    auto pipe = make_pipe();
    EXPECT_EQ(pipe.writer.write("some text", "pipe"), 9U);
    pipe.writer.reset();
    std::array<char, 32> buffer{};
    ASSERT_EQ(pipe.reader.read(buffer, "pipe"), 9U);
    EXPECT_EQ(std::string_view(buffer.data(), 9), "some text");
    EXPECT_EQ(pipe.reader.read(buffer, "pipe"), 0U);
}

TEST(RetryInterrupted, RunsTheCallUntilNoSignalInterruptsIt) {
    int runs = 0;
    EXPECT_EQ(retry_interrupted([&] {
                  errno = ++runs < 3 ? EINTR : EBADF;
                  return -1;
              }),
              -1);
    EXPECT_EQ(runs, 3);
    EXPECT_EQ(errno, EBADF);
}

TEST(WaitReadable, KnowsReadableFromDeadline) {
    auto pipe = make_pipe();
    const auto past = std::chrono::steady_clock::now() - 1s;
    EXPECT_EQ(wait_readable(pipe.reader.get(), past), false);
    ASSERT_TRUE(pipe.writer.write("x", "pipe"));
    EXPECT_EQ(wait_readable(pipe.reader.get(), past), true);
}

TEST(WaitReadable, ContinuesToWaitAfterASignal) {
    auto pipe = make_pipe();
    static int writer;
    writer = pipe.writer.get();
    struct sigaction write_on_signal{}, before{};
    write_on_signal.sa_handler = [](int) { (void)!::write(writer, "x", 1); };
    ASSERT_EQ(::sigaction(SIGALRM, &write_on_signal, &before), 0); // without SA_RESTART
    itimerval soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 1000}};
    ASSERT_EQ(::setitimer(ITIMER_REAL, &soon, nullptr), 0);
    EXPECT_EQ(wait_readable(pipe.reader.get(), std::chrono::steady_clock::now() + 1h), true);
    ASSERT_EQ(::sigaction(SIGALRM, &before, nullptr), 0);
}

} // namespace
} // namespace netvsc
