// SPDX-License-Identifier: BSD-3-Clause
#include "core/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::expected<Arguments, std::string> parse(const std::vector<KeyValue> &pairs) {
    return Arguments::parse(pairs);
}

TEST(Arguments, NoneMeansEveryUnroutedNetvsc) {
    const auto arguments = parse({});
    ASSERT_TRUE(arguments);
    EXPECT_TRUE(arguments->automatic());
    EXPECT_FALSE(arguments->force);
    EXPECT_FALSE(arguments->ignore);
    EXPECT_EQ(arguments->hotplug_poll, Arguments::default_hotplug_poll);
}

TEST(Arguments, NetdevicesMayBeNamedSeveralTimesInBothWays) {
    const auto arguments = parse({{"iface", "eth2"},
                                  {"mac", "00:15:5d:00:00:02"},
                                  {"iface", "eth1"},
                                  {"mac", "00:15:5D:00:00:01"}});
    ASSERT_TRUE(arguments) << arguments.error();
    EXPECT_THAT(arguments->interfaces, ElementsAre("eth2", "eth1"));
    EXPECT_THAT(arguments->macs, ElementsAre(*MacAddress::parse("00:15:5d:00:00:02"),
                                             *MacAddress::parse("00:15:5d:00:00:01")));
    EXPECT_FALSE(arguments->automatic());
}

TEST(Arguments, ANetdeviceNamedTwiceIsNamedOnce) {
    const auto arguments = parse({{"iface", "eth1"},
                                  {"iface", "eth1"},
                                  {"mac", "00:15:5d:00:00:0a"},
                                  {"mac", "0:15:5D:0:0:A"}});
    ASSERT_TRUE(arguments) << arguments.error();
    EXPECT_EQ(arguments->interfaces.size(), 1U);
    EXPECT_EQ(arguments->macs.size(), 1U);
}

TEST(Arguments, OneNameIsEnoughNotToBeAutomatic) {
    EXPECT_FALSE(parse({{"iface", "eth1"}})->automatic());
    EXPECT_FALSE(parse({{"mac", "00:15:5d:00:00:01"}})->automatic());
}

TEST(Arguments, SwitchesAndNumbersAreTaken) {
    const auto arguments = parse({{"force", "1"}, {"ignore", "1"}, {"hotplug_poll", "60000"}});
    ASSERT_TRUE(arguments) << arguments.error();
    EXPECT_TRUE(arguments->force);
    EXPECT_TRUE(arguments->ignore);
    EXPECT_EQ(arguments->hotplug_poll, 60'000ms);
    EXPECT_EQ(parse({{"hotplug_poll", "1"}})->hotplug_poll, 1ms);
}

TEST(Arguments, KeepaliveIsOffByDefault) {
    const auto none = parse({});
    ASSERT_TRUE(none);
    EXPECT_EQ(none->keepalive, 0ms);
    EXPECT_EQ(none->keepalive_shm, "/dpdk_keepalive_shm_name");
    EXPECT_EQ(none->keepalive_group, "");
    const auto arguments = parse(
        {{"keepalive", "60000"}, {"keepalive_shm", "/a.b-c"}, {"keepalive_group", "collectd"}});
    ASSERT_TRUE(arguments) << arguments.error();
    EXPECT_EQ(arguments->keepalive, 60'000ms);
    EXPECT_EQ(arguments->keepalive_shm, "/a.b-c");
    EXPECT_EQ(arguments->keepalive_group, "collectd");
    EXPECT_EQ(parse({{"keepalive", "0"}})->keepalive, 0ms);
}

TEST(Arguments, TheLastOfAKindCounts) {
    EXPECT_FALSE(parse({{"force", "1"}, {"force", "0"}})->force);
    EXPECT_TRUE(parse({{"force", "0"}, {"force", "1"}})->force);
}

TEST(Arguments, FallbackIsTapUnlessAnotherIsNamed) {
    EXPECT_EQ(parse({})->fallback, Fallback::tap);
    EXPECT_EQ(parse({{"fallback", "tap"}})->fallback, Fallback::tap);
    EXPECT_EQ(parse({{"fallback", "af_packet"}})->fallback, Fallback::af_packet);
    EXPECT_EQ(parse({{"fallback", "af_xdp"}})->fallback, Fallback::af_xdp);
    EXPECT_EQ(parse({{"fallback", "virtio_user"}})->fallback, Fallback::virtio_user);
    EXPECT_EQ(parse({{"fallback", "auto"}})->fallback, std::nullopt);
}

TEST(Arguments, ANameMayBeOf15CharactersAndHaveTheSafeOnesOfAll) {
    const auto arguments = parse({{"iface", "aZ09_-.@+~12345"}});
    ASSERT_TRUE(arguments) << arguments.error();
    EXPECT_THAT(arguments->interfaces, ElementsAre("aZ09_-.@+~12345"));
}

// The message for the user: the given argument, and what was expected.
struct BadArgument {
    KeyValue argument;
    std::string named;
    std::string expected;
};

void PrintTo(const BadArgument &bad, std::ostream *out) {
    *out << bad.argument.key << "=" << bad.argument.value;
}

class BadArguments : public testing::TestWithParam<BadArgument> {};

TEST_P(BadArguments, AreRefusedWithTheirNameAndWhatWasExpected) {
    const auto &[argument, named, expected] = GetParam();
    const auto arguments = parse({{"iface", "eth1"}, argument, {"force", "1"}});
    ASSERT_FALSE(arguments);
    EXPECT_THAT(arguments.error(), AllOf(HasSubstr("'" + named + "'"), HasSubstr(expected)));
}

const std::string mac_expected = "expected a unicast MAC address such as 00:15:5d:01:02:03";
const std::string length_expected = "expected a netdevice's name, of 1 to 15 characters";
const std::string letters_expected =
    "expected a netdevice's name of letters, digits and _ - . @ + ~ only";
const std::string poll_expected = "expected a number of milliseconds from 1 to 60000";
const std::string fallback_expected = "expected tap, af_packet, af_xdp, virtio_user or auto";
const std::string key_expected =
    "expected iface, mac, force, ignore, path, fallback, vf_bind, vf_args, "
    "hotplug_poll, keepalive, keepalive_shm or keepalive_group";
const std::string driver_expected = "expected a kernel driver's name";
const std::string vf_args_expected = "expected device arguments such as a=1 or [a=1,b=2]";
const std::string period_expected = "expected a number of milliseconds from 0 to 60000";
const std::string shm_expected = "expected a shared-memory area's name";
const std::string group_expected = "expected a group's name or number";

INSTANTIATE_TEST_SUITE_P(
    Keys, BadArguments,
    testing::Values(BadArgument{{"iface1", "eth1"}, "iface1", key_expected},
                    BadArgument{{"IFACE", "eth1"}, "IFACE", key_expected},
                    BadArgument{{"", "eth1"}, "", key_expected},
                    BadArgument{{"", ""}, "", key_expected},
                    BadArgument{{"a\nb", "1"}, "a\\x0ab", key_expected},
                    BadArgument{{"vf_bind", ""}, "vf_bind", driver_expected},
                    BadArgument{{"vf_bind", "../x"}, "vf_bind=../x", driver_expected},
                    BadArgument{{"vf_args", ""}, "vf_args", vf_args_expected},
                    BadArgument{{"vf_args", "[]"}, "vf_args=[]", vf_args_expected},
                    BadArgument{{"vf_args", "[a=1"}, "vf_args=[a=1", vf_args_expected},
                    BadArgument{{"vf_args", "a=1\nb"}, "vf_args=a=1\\x0ab", vf_args_expected},
                    BadArgument{{"vf_args", "a=(1)"}, "vf_args=a=(1)", vf_args_expected},
                    BadArgument{{"vf_args", std::string(1025, 'a')},
                                "vf_args=" + std::string(1025, 'a'),
                                vf_args_expected},
                    BadArgument{{"keepalive", ""}, "keepalive", period_expected},
                    BadArgument{{"keepalive", "-1"}, "keepalive=-1", period_expected},
                    BadArgument{{"keepalive", "60001"}, "keepalive=60001", period_expected},
                    BadArgument{{"keepalive", "100ms"}, "keepalive=100ms", period_expected},
                    BadArgument{{"keepalive_shm", ""}, "keepalive_shm", shm_expected},
                    BadArgument{{"keepalive_shm", "/"}, "keepalive_shm=/", shm_expected},
                    BadArgument{{"keepalive_shm", "x"}, "keepalive_shm=x", shm_expected},
                    BadArgument{{"keepalive_shm", "/../x"}, "keepalive_shm=/../x", shm_expected},
                    BadArgument{{"keepalive_shm", "/a\n"}, "keepalive_shm=/a\\x0a", shm_expected},
                    BadArgument{{"keepalive_shm", "/" + std::string(127, 'a')},
                                "keepalive_shm=/" + std::string(127, 'a'),
                                shm_expected},
                    BadArgument{{"keepalive_group", ""}, "keepalive_group", group_expected},
                    BadArgument{
                        {"keepalive_group", "a b"}, "keepalive_group=a b", group_expected}));

INSTANTIATE_TEST_SUITE_P(
    Names, BadArguments,
    testing::Values(
        BadArgument{{"iface", ""}, "iface", length_expected},
        BadArgument{{"iface", "abcdefghijklmnop"}, "iface=abcdefghijklmnop", length_expected},
        BadArgument{{"iface", "a,b"}, "iface=a,b", letters_expected},
        BadArgument{{"iface", "a(b"}, "iface=a(b", letters_expected},
        BadArgument{{"iface", "a)b"}, "iface=a)b", letters_expected},
        BadArgument{{"iface", "a=b"}, "iface=a=b", letters_expected},
        BadArgument{{"iface", "a[b"}, "iface=a[b", letters_expected},
        BadArgument{{"iface", "a]b"}, "iface=a]b", letters_expected},
        BadArgument{{"iface", "a/b"}, "iface=a/b", letters_expected},
        BadArgument{{"iface", "a b"}, "iface=a b", letters_expected},
        BadArgument{{"iface", "a\"b"}, "iface=a\"b", letters_expected},
        BadArgument{{"iface", "a\tb"}, "iface=a\\x09b", letters_expected},
        BadArgument{{"iface", "\xc3\xa9th1"}, "iface=\\xc3\\xa9th1", letters_expected},
        BadArgument{{"iface", std::string("a\0b", 3)}, "iface=a\\x00b", letters_expected}));

INSTANTIATE_TEST_SUITE_P(
    Macs, BadArguments,
    testing::Values(
        BadArgument{{"mac", ""}, "mac", mac_expected},
        BadArgument{{"mac", "00:15:5d:00:00"}, "mac=00:15:5d:00:00", mac_expected},
        BadArgument{{"mac", "00:15:5d:00:00:zz"}, "mac=00:15:5d:00:00:zz", mac_expected},
        BadArgument{{"mac", "00:00:00:00:00:00"}, "mac=00:00:00:00:00:00", mac_expected},
        BadArgument{{"mac", "01:00:5e:00:00:01"}, "mac=01:00:5e:00:00:01", mac_expected},
        BadArgument{{"mac", "ff:ff:ff:ff:ff:ff"}, "mac=ff:ff:ff:ff:ff:ff", mac_expected}));

INSTANTIATE_TEST_SUITE_P(
    Values, BadArguments,
    testing::Values(BadArgument{{"force", "2"}, "force=2", "expected 0 or 1"},
                    BadArgument{{"force", ""}, "force", "expected 0 or 1"},
                    BadArgument{{"force", "01"}, "force=01", "expected 0 or 1"},
                    BadArgument{{"ignore", "yes"}, "ignore=yes", "expected 0 or 1"},
                    BadArgument{{"ignore", "-1"}, "ignore=-1", "expected 0 or 1"},
                    BadArgument{{"hotplug_poll", ""}, "hotplug_poll", poll_expected},
                    BadArgument{{"hotplug_poll", "0"}, "hotplug_poll=0", poll_expected},
                    BadArgument{{"hotplug_poll", "60001"}, "hotplug_poll=60001", poll_expected},
                    BadArgument{{"hotplug_poll", "abc"}, "hotplug_poll=abc", poll_expected},
                    BadArgument{{"hotplug_poll", "20ms"}, "hotplug_poll=20ms", poll_expected},
                    BadArgument{{"hotplug_poll", "-5"}, "hotplug_poll=-5", poll_expected},
                    BadArgument{
                        {"hotplug_poll", "4294967316"}, "hotplug_poll=4294967316", poll_expected},
                    BadArgument{{"fallback", ""}, "fallback", fallback_expected},
                    BadArgument{{"fallback", "tun"}, "fallback=tun", fallback_expected},
                    BadArgument{{"fallback", "Tap"}, "fallback=Tap", fallback_expected}));

TEST(Arguments, PathNetvscNamesOneNetdevice) {
    EXPECT_EQ(parse({})->path, NicPath::failsafe);
    EXPECT_EQ(parse({{"path", "failsafe"}, {"iface", "eth1"}})->path, NicPath::failsafe);
    EXPECT_EQ(parse({{"path", "netvsc"}, {"iface", "eth1"}})->path, NicPath::netvsc);
    EXPECT_EQ(parse({{"mac", "00:15:5d:00:00:01"}, {"path", "netvsc"}})->path, NicPath::netvsc);
    for (const auto &pairs : std::vector<std::vector<KeyValue>>{
             {{"path", "netvsc"}},
             {{"path", "netvsc"}, {"iface", "eth1"}, {"iface", "eth2"}},
             {{"path", "netvsc"}, {"iface", "eth1"}, {"mac", "00:15:5d:00:00:01"}}})
        EXPECT_THAT(parse(pairs).error(), HasSubstr("expected exactly one iface= or mac="));
}

TEST(Arguments, PathRefusesWhatItDoesNotKnow) {
    EXPECT_THAT(parse({{"path", "auto"}, {"iface", "eth1"}}).error(),
                HasSubstr("'path=auto': expected failsafe or netvsc"));
    for (const char *key :
         {"fallback", "vf_bind", "vf_args", "keepalive", "force", "hotplug_poll"}) {
        const std::string value = std::string(key) == "fallback" ? "tap" : "1";
        EXPECT_THAT(parse({{"path", "netvsc"}, {"iface", "eth1"}, {key, value}}).error(),
                    AllOf(HasSubstr(key), HasSubstr("no such argument with path=netvsc")));
    }
}

} // namespace
} // namespace netvsc
