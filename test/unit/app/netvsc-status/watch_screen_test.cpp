// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-status/watch_screen.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc::status {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t now = 1'000'000'000'000;
const Palette plain(false);
const Palette coloured(true);

json port(const json &changes = json::object()) {
    json port{{"port_id", 0},
              {"name", "net_failsafe_vsc0"},
              {"netdevice", "eth1"},
              {"vf", "0000:02:00.0"},
              {"vf_state", "attached"},
              {"fallback", "tap"},
              {"path", "vf"},
              {"link", "up"},
              {"last_vf_change_ns", now - 12'000'000'000},
              {"now_ns", now},
              {"lost", 0}};
    port.update(changes);
    return port;
}

json status_of(const std::vector<json> &ports) {
    return {{"file_prefix", "rte"}, {"version", "DPDK 22.11"}, {"pid", 4711}, {"ports", ports}};
}

std::string screen(const json &status, const Palette &palette = plain, std::size_t columns = 80) {
    TimeLine time_line;
    time_line.add(status);
    return watch_screen_of(status, time_line, 1s, columns, palette);
}

TEST(WatchScreen, BeginsWithALineForEachPort) {
    const auto shown = screen(status_of({port(), port({{"port_id", 3},
                                                       {"name", "net_failsafe_vsc1"},
                                                       {"netdevice", "eth2"},
                                                       {"vf_state", "faulted"},
                                                       {"path", "fallback"},
                                                       {"link", "down"},
                                                       {"vf_unused_since_ns", now - 75'000'000'000},
                                                       {"vf_unused_reason", "probe_failed"}})}));
    EXPECT_EQ(shown, R"(DPDK application with --file-prefix rte: DPDK 22.11, process 4711

Port  NetVSC     Path         Link  VF
0     eth1       VF           up    0000:02:00.0 attached for 12 s
3     eth2       tap          down  0000:02:00.0 faulted, unused for 1 min 15 s: probe failed

Time line, every 1.0 s: = VF, - fallback, x none; V F: the VF has changed
  eth1       =
  lost       .
  eth2       -
  lost       .

)");
}

TEST(WatchScreen, HasNoSequencesWithoutColours) {
    EXPECT_THAT(screen(status_of({port()})), Not(HasSubstr("\x1b")));
}

TEST(WatchScreen, ColoursThePath) {
    EXPECT_THAT(screen(status_of({port()}), coloured), HasSubstr("\x1b[32mVF           \x1b[0m"));
    EXPECT_THAT(screen(status_of({port({{"path", "fallback"}})}), coloured),
                HasSubstr("\x1b[33mtap          \x1b[0m"));
    EXPECT_THAT(screen(status_of({port({{"path", "none"}})}), coloured),
                HasSubstr("\x1b[31mnone         \x1b[0m"));
}

TEST(WatchScreen, SaysThatThereAreNoPorts) {
    EXPECT_THAT(screen(status_of({})),
                EndsWith("No ports: net_vdev_netvsc is loaded, but has none\n\n"));
}

// ---- The time line.

class TimeLineTest : public testing::Test {
protected:
    void add(const json &changes) { line_.add(status_of({port(changes)})); }
    [[nodiscard]] std::string lines(std::size_t columns = 80) const {
        return line_.lines(columns, plain);
    }

    TimeLine line_;
};

TEST_F(TimeLineTest, ShowsPathsAndChangesOfTheVf) {
    add({{"path", "none"}, {"last_vf_change_ns", 0}});
    add({{"path", "fallback"}, {"last_vf_change_ns", 0}});
    add({{"path", "vf"}, {"last_vf_change_ns", 7}});
    add({{"path", "vf"}, {"last_vf_change_ns", 7}});
    add({{"path", "vf"}, {"last_vf_change_ns", 9}}); // it was away in between
    add({{"path", "fallback"}, {"last_vf_change_ns", 11}});
    EXPECT_THAT(lines(), testing::StartsWith("  eth1       x-V=VF\n"));
}

TEST_F(TimeLineTest, ShowsLostFrames) {
    for (const int lost : {100, 100, 103, 112, 122, 5})
        add({{"lost", lost}});
    line_.add(status_of({port({{"lost", nullptr}})}));
    EXPECT_THAT(lines(), EndsWith("  lost       ..39+.?\n"));
}

TEST_F(TimeLineTest, ShowsTheNewestColumnsThatFit) {
    for (int i = 0; i < 100; ++i)
        add({{"path", "fallback"}});
    add({{"path", "vf"}});
    EXPECT_THAT(lines(50), testing::StartsWith("  eth1       " + std::string(36, '-') + "=\n"));
}

TEST_F(TimeLineTest, KeepsNoMoreThanATerminalCanShow) {
    for (int i = 0; i < 600; ++i)
        add(json::object());
    EXPECT_THAT(lines(10'000), testing::StartsWith("  eth1       " + std::string(500, '=') + "\n"));
}

TEST_F(TimeLineTest, ForgetsPortsThatWereClosed) {
    add(json::object());
    line_.add(status_of({}));
    EXPECT_EQ(lines(), "");
    add(json::object());
    line_.clear();
    EXPECT_EQ(lines(), "");
}

// ---- Colours.

TEST(Palette, ColoursOnlyOnATerminalThatIsAskedFor) {
    EXPECT_TRUE(wants_colours(true, nullptr, "xterm"));
    EXPECT_TRUE(wants_colours(true, "", "xterm"));
    EXPECT_FALSE(wants_colours(true, "1", "xterm"));
    EXPECT_FALSE(wants_colours(false, nullptr, "xterm"));
    EXPECT_FALSE(wants_colours(true, nullptr, "dumb"));
    EXPECT_FALSE(wants_colours(true, nullptr, ""));
    EXPECT_FALSE(wants_colours(true, nullptr, nullptr));
}

} // namespace
} // namespace netvsc::status
