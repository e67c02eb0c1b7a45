// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-scheduled-events/options.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace netvsc::scheduled {
namespace {

using namespace std::chrono_literals;

std::expected<Options, std::string> parse(const std::vector<const char *> &words) {
    return Options::parse(words);
}

std::string problem_of(const std::vector<const char *> &words) {
    const auto options = parse(words);
    return options ? "" : options.error();
}

TEST(Options, Defaults) {
    const auto options = parse({});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->policy.machine, "");
    EXPECT_EQ(options->policy.before, 30s);
    EXPECT_EQ(options->policy.longest, 30min);
    EXPECT_EQ(options->interval, 1s);
    EXPECT_EQ(options->timeout, 5s);
    EXPECT_EQ(options->url, "http://169.254.169.254");
    EXPECT_FALSE(options->once);
}

TEST(Options, All) {
    const auto options = parse({"--before", "0", "--longest", "86400", "--name", "vm", "--interval",
                                "0.25", "--timeout", "120", "--url", "http://x", "--file-prefix",
                                "a", "--runtime-folder", "/b", "--once"});
    ASSERT_TRUE(options) << options.error();
    EXPECT_EQ(options->policy.before, 0s);
    EXPECT_EQ(options->policy.longest, 24h);
    EXPECT_EQ(options->policy.machine, "vm");
    EXPECT_EQ(options->interval, 250ms);
    EXPECT_EQ(options->timeout, 120s);
    EXPECT_EQ(options->url, "http://x");
    EXPECT_EQ(options->file_prefix, "a");
    EXPECT_EQ(options->runtime_folder, "/b");
    EXPECT_TRUE(options->once);
}

TEST(Options, WrongOnes) {
    EXPECT_EQ(problem_of({"--approve"}), "unknown argument '--approve'");
    EXPECT_EQ(problem_of({"--before"}), "--before wants a value");
    EXPECT_EQ(problem_of({"--before", "901"}),
              "--before 901: expected a number of seconds from 0 to 900");
    EXPECT_EQ(problem_of({"--interval", "0"}),
              "--interval 0: expected a number of seconds from 0.1 to 60");
    EXPECT_EQ(problem_of({"--interval", "nan"}),
              "--interval nan: expected a number of seconds from 0.1 to 60");
    EXPECT_EQ(problem_of({"--timeout", "x"}),
              "--timeout x: expected a number of seconds from 0.1 to 120");
}

} // namespace
} // namespace netvsc::scheduled
