// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc/prerequisites.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc {
namespace {

using testing::HasSubstr;
using testing::Optional;

PathFacts complete() {
    return {.vmbus = true,
            .hugepages = true,
            .physical_addresses = true,
            .uio_driver = true,
            .kernel_driver = "hv_netvsc",
            .used_by = ""};
}

TEST(Prerequisites, NothingIsMissing) { EXPECT_EQ(missing_for_path(complete()), std::nullopt); }

TEST(Prerequisites, EachOneIsNamedWithWhatIsExpected) {
    PathFacts facts = complete();
    facts.vmbus = false;
    EXPECT_THAT(missing_for_path(facts), Optional(HasSubstr("expected librte_bus_vmbus")));
    facts = complete();
    facts.hugepages = false;
    EXPECT_THAT(missing_for_path(facts), Optional(HasSubstr("no hugepages")));
    facts = complete();
    facts.physical_addresses = false;
    EXPECT_THAT(missing_for_path(facts), Optional(HasSubstr("expected --iova-mode=pa")));
    facts = complete();
    facts.uio_driver = false;
    EXPECT_THAT(missing_for_path(facts), Optional(HasSubstr("`modprobe uio_hv_generic`")));
    facts = complete();
    facts.used_by = "net_failsafe_vsc0";
    EXPECT_THAT(missing_for_path(facts), Optional(HasSubstr("in use by net_failsafe_vsc0")));
}

TEST(Prerequisites, OnlyANicOfHvNetvscIsTaken) {
    PathFacts facts = complete();
    facts.kernel_driver = "";
    EXPECT_THAT(missing_for_path(facts), Optional(HasSubstr("is none of the VMBus")));
    facts.kernel_driver = "uio_hv_generic";
    EXPECT_THAT(missing_for_path(facts), Optional(HasSubstr("is uio_hv_generic: expected")));
}

} // namespace
} // namespace netvsc
