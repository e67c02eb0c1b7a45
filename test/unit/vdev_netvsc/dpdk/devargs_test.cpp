// SPDX-License-Identifier: BSD-3-Clause
#include "dpdk/devargs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Devargs, NoneAtAllAreNone) {
    for (const char *text : {static_cast<const char *>(nullptr), ""}) {
        const auto arguments = parse_devargs(text);
        ASSERT_TRUE(arguments);
        EXPECT_TRUE(arguments->automatic());
    }
}

TEST(Devargs, AreSplitAtCommasInTheirOrder) {
    const auto arguments =
        parse_devargs("iface=eth2,mac=00:15:5d:00:00:01,iface=eth1,force=1,hotplug_poll=5");
    ASSERT_TRUE(arguments) << arguments.error();
    EXPECT_THAT(arguments->interfaces, ElementsAre("eth2", "eth1"));
    EXPECT_EQ(arguments->macs.size(), 1U);
    EXPECT_TRUE(arguments->force);
    EXPECT_EQ(arguments->hotplug_poll.count(), 5);
}

TEST(Devargs, ABadOneIsNamed) {
    const auto unknown = parse_devargs("iface=eth1,speed=10");
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error(), HasSubstr("unknown argument 'speed'"));
    const auto bad = parse_devargs("force=2");
    ASSERT_FALSE(bad);
    EXPECT_THAT(bad.error(), AllOf(HasSubstr("'force=2'"), HasSubstr("expected 0 or 1")));
}

TEST(Devargs, AKeyWithoutAValueIsBad) {
    for (const char *text : {"force", "iface", "mac=", "iface=eth1,hotplug_poll"})
        EXPECT_FALSE(parse_devargs(text)) << text;
}

TEST(Devargs, VfArgumentsKeepTheirKeysAndValues) {
    const auto one = parse_devargs("vf_args=rmv=0,iface=eth1");
    ASSERT_TRUE(one) << one.error();
    EXPECT_EQ(one->vf_args, "rmv=0");
    const auto list = parse_devargs("vf_args=[set_link=0,lsc=0],iface=eth1");
    ASSERT_TRUE(list) << list.error();
    EXPECT_EQ(list->vf_args, "set_link=0,lsc=0");
    EXPECT_THAT(list->interfaces, ElementsAre("eth1"));
}

TEST(Devargs, VfArgumentsMayBeAnywhereAndTheLastOnesCount) {
    const auto arguments = parse_devargs("force=1,vf_args=[a=1,b=2],iface=eth1,,vf_args=c=3");
    ASSERT_TRUE(arguments) << arguments.error();
    EXPECT_EQ(arguments->vf_args, "c=3");
    EXPECT_TRUE(arguments->force);
    EXPECT_THAT(arguments->interfaces, ElementsAre("eth1"));
}

// rte_kvargs_parse() takes the last two parts for key and value.
TEST(Devargs, AValueWithAnEqualsSignIsBad) {
    for (const char *text : {"force=iface=eth1", "iface=eth1,mac=force=1", "iface=[a=1,b]"}) {
        const auto arguments = parse_devargs(text);
        ASSERT_FALSE(arguments) << text;
        EXPECT_THAT(arguments.error(), AllOf(HasSubstr(text), HasSubstr("'=' in no value")));
    }
    EXPECT_FALSE(parse_devargs("=eth1"));
}

TEST(Devargs, TooManyAreAnError) {
    std::string many = "iface=eth0";
    for (int i = 1; i < 32; ++i)
        many += ",iface=eth" + std::to_string(i);
    EXPECT_TRUE(parse_devargs(many.c_str()));
    const auto arguments = parse_devargs((many + ",iface=eth32").c_str());
    ASSERT_FALSE(arguments);
    EXPECT_THAT(arguments.error(), HasSubstr("at most 32 key=value pairs"));
}

// [a,b] is a list: one value, which is no netdevice's name.
TEST(Devargs, AListIsNoName) {
    const auto arguments = parse_devargs("iface=[eth1,eth2]");
    ASSERT_FALSE(arguments);
    EXPECT_THAT(arguments.error(), HasSubstr("'iface=[eth1,eth2]'"));
}

TEST(Devargs, AnOpenListIsShownPrintably) {
    const auto arguments = parse_devargs("iface=[eth1\x01");
    ASSERT_FALSE(arguments);
    EXPECT_THAT(arguments.error(), AllOf(HasSubstr("iface=[eth1\\x01"), HasSubstr("expected")));
}

} // namespace
} // namespace netvsc
