// SPDX-License-Identifier: BSD-3-Clause
#include "core/xdp_changes.hpp"

#include <gtest/gtest.h>

namespace netvsc {
namespace {

TEST(XdpChanges, WritesWhatItReads) {
    const XdpChanges changes{.channels_before = 8, .programs = {27, 4294967295}};
    EXPECT_EQ(changes.to_string(), "channels 8\nprogram 27\nprogram 4294967295\n");
    EXPECT_EQ(XdpChanges::parse(changes.to_string()), changes);
    EXPECT_EQ(XdpChanges{}.to_string(), "");
}

TEST(XdpChanges, LeavesOutWhatItDoesNotUnderstand) {
    EXPECT_EQ(XdpChanges::parse(""), XdpChanges{});
    EXPECT_EQ(
        XdpChanges::parse("channels\nchannels 0\nchannels -1\nchannels 1x\nprogram 4294967296\n"
                          "program\n \nmtu 9000\nprogram 3"),
        XdpChanges{.programs = {3}});
}

} // namespace
} // namespace netvsc
