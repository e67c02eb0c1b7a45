// SPDX-License-Identifier: BSD-3-Clause
#include "common/eal/dpdk_release.hpp"
#include "dpdk/dpdk_compat.hpp"

#include <gtest/gtest.h>

namespace netvsc::test {
namespace {

constexpr DpdkRelease newer{.year = newest_tested_dpdk.year + 1, .month = 3};

TEST(DpdkCompat, TheReleaseThatItWasBuiltForIsUsable) {
    const auto fit = check_dpdk(newest_tested_dpdk, newest_tested_dpdk);
    EXPECT_TRUE(fit.usable);
    EXPECT_EQ(fit.problem, std::nullopt);
}

TEST(DpdkCompat, AReleaseThatNoTestHasRunWithIsUsableWithAWarning) {
    const auto fit = check_dpdk(newer, newer);
    EXPECT_TRUE(fit.usable);
    ASSERT_TRUE(fit.problem);
    EXPECT_NE(fit.problem->find("newer than 26.07"), std::string::npos) << *fit.problem;
}

TEST(DpdkCompat, AReleaseOtherThanTheOneItWasBuiltForIsNot) {
    for (const auto running : {DpdkRelease{.year = 25, .month = 11}, newer}) {
        const auto fit = check_dpdk(newest_tested_dpdk, running);
        EXPECT_FALSE(fit.usable);
        ASSERT_TRUE(fit.problem);
        EXPECT_TRUE(fit.problem->starts_with("built for DPDK 26.07, loaded by DPDK 2"))
            << *fit.problem;
    }
}

TEST(DpdkCompat, ThisReleaseSuits) { EXPECT_TRUE(suits_this_dpdk()); }

TEST(DpdkCompat, ABusThatDoesNotExistIsLeftAlone) {
    const auto own = [](rte_device *) { return 0; };
    BusUnplug original = nullptr;
    EXPECT_FALSE(replace_unplug("no such bus", own, original));
    EXPECT_EQ(original, nullptr);
    EXPECT_EQ(find_device("no such bus", "device"), nullptr);
    EXPECT_TRUE(device_names("no such bus").empty());
}

} // namespace
} // namespace netvsc::test
