// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <sched.h>
#include <string>
#include <utility>

namespace netvsc {

/// Each test in a network namespace of its own, which the test's thread enters for good: the next
/// test enters another. Skipped, with the reason, where that cannot be had.
///
/// A derived SetUp() goes on only if IsSkipped() is false.
class NamespaceTest : public testing::Test {
protected:
    /// @param netdevices  the commands of ip(8) that make what the tests need, of veth pairs
    explicit NamespaceTest(std::string netdevices) : netdevices_(std::move(netdevices)) {}

    void SetUp() override {
        if (::unshare(CLONE_NEWNET) != 0)
            GTEST_SKIP() << "unshare(CLONE_NEWNET): " << std::strerror(errno);
        if (!works(netdevices_))
            GTEST_SKIP() << "no ip(8), or no veth in this kernel";
    }

    /// Whether the shell's commands succeed; what they say is not shown.
    [[nodiscard]] static bool works(const std::string &commands) {
        return std::system(("{ " + commands + "; } >/dev/null 2>&1").c_str()) == 0;
    }

private:
    std::string netdevices_;
};

} // namespace netvsc
