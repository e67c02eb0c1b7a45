// SPDX-License-Identifier: BSD-3-Clause
#include "kernel_log/kernel_log.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace netvsc {
namespace {

TEST(KernelLogRecord, HasItsTextBehindTheNumbers) {
    EXPECT_EQ(text_of_record("6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n"),
              "NET: Registered");
    EXPECT_EQ(text_of_record("6,339,5140900,-,caller=T1;a;b"), "a;b");
    EXPECT_EQ(text_of_record("no numbers"), "");
    EXPECT_EQ(text_of_record(""), "");
}

// An ordinary file stands in for /dev/kmsg. Each read finds one record, because the test appends
// the next one only afterwards.
TEST(KernelLog, ReadsWhatIsLoggedAfterItWasOpened) {
    const std::string path = "/tmp/kernel_log_test." + std::to_string(::getpid());
    std::ofstream file(path);
    file << "6,1,1,-;before\n" << std::flush;
    const auto log = KernelLog::open(path.c_str());
    ::unlink(path.c_str());
    ASSERT_TRUE(log) << log.error().message();
    std::vector<std::string> texts;
    const auto keep = [&](std::string_view text) { texts.emplace_back(text); };
    ASSERT_TRUE(log->read(keep));
    EXPECT_TRUE(texts.empty());
    for (const char *text : {"first", "second"}) {
        file << "6,2,2,-;" << text << "\n SUBSYSTEM=vmbus\n" << std::flush;
        ASSERT_TRUE(log->read(keep));
    }
    EXPECT_EQ(texts, (std::vector<std::string>{"first", "second"}));
}

TEST(KernelLog, WhatIsMissingIsAnError) {
    const auto opened = KernelLog::open("/nonexistent/kmsg");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().number, ENOENT);
}

} // namespace
} // namespace netvsc
