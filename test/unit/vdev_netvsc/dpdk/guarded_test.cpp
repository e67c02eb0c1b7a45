// SPDX-License-Identifier: BSD-3-Clause
#include "common/out_of_memory.hpp"
#include "dpdk/guarded.hpp"

#include <cstdlib>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>

#include <rte_log.h>

namespace netvsc::test {
namespace {

/// DPDK's log.
class GuardedTest : public testing::Test {
protected:
    GuardedTest() { rte_openlog_stream(stream_); }
    ~GuardedTest() override {
        rte_openlog_stream(nullptr);
        std::fclose(stream_);
        std::free(text_);
    }
    GuardedTest(const GuardedTest &) = delete;
    GuardedTest &operator=(const GuardedTest &) = delete;

    [[nodiscard]] std::string logged() const {
        std::fflush(stream_);
        return {text_, size_};
    }

private:
    char *text_ = nullptr;
    std::size_t size_ = 0;
    std::FILE *stream_ = open_memstream(&text_, &size_);
};

TEST_F(GuardedTest, ReturnsWhatTheCallDoes) {
    EXPECT_EQ(guarded("call", [] { return -7; }), -7);
    EXPECT_EQ(guarded("call", [] {}), 0);
    EXPECT_EQ(logged(), "");
}

TEST_F(GuardedTest, LogsWhatWasThrown) {
    EXPECT_EQ(guarded("netlink", [] { throw std::runtime_error("no such thing"); }), -EIO);
    EXPECT_EQ(logged(), "vdev_netvsc: netlink: no such thing\n");
}

TEST_F(GuardedTest, LogsOutOfMemoryWithoutMemory) {
    EXPECT_EQ(guarded("something whose name is no short one",
                      [] {
                          out_of_memory = true;
                          (void)std::string(100, 'x');
                          return 0;
                      }),
              -ENOMEM);
    out_of_memory = false;
    EXPECT_EQ(logged(), "vdev_netvsc: something whose name is no short one: std::bad_alloc\n");
}

TEST_F(GuardedTest, CutsALongLine) {
    EXPECT_EQ(guarded("x", [] { throw std::runtime_error(std::string(1000, 'y')); }), -EIO);
    EXPECT_EQ(logged(), "vdev_netvsc: x: " + std::string(252, 'y') + "\n");
}

} // namespace
} // namespace netvsc::test
