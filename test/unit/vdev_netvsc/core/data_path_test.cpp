// SPDX-License-Identifier: BSD-3-Clause
#include "core/data_path.hpp"

#include <gtest/gtest.h>

namespace netvsc {
namespace {

TEST(DataPath, TheLogLineOfASwitchNamesTheVf) {
    EXPECT_EQ(vf_left_by_data_path("hv_netvsc 0000-1 eth0: Data path switched from VF: enP1s2"),
              "enP1s2");
    EXPECT_EQ(vf_left_by_data_path("hv_netvsc 0000-1 eth0: Data path switched to VF: enP1s2"), "");
    EXPECT_EQ(vf_left_by_data_path("hv_netvsc 0000-1 eth0: VF unregistering: enP1s2"), "");
    EXPECT_EQ(vf_left_by_data_path(""), "");
}

} // namespace
} // namespace netvsc
