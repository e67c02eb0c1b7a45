// SPDX-License-Identifier: BSD-3-Clause
#include "collectd/config.hpp"
#include "common/message_matcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc::collectd {
namespace {

using test::is_message;
using testing::ElementsAre;
using testing::IsEmpty;

ConfigItem line(std::string key, ConfigItem::Argument argument) {
    return {.key = std::move(key), .arguments = {std::move(argument)}};
}
ConfigItem line(std::string key, const char *text) {
    return line(std::move(key), std::string(text));
}

ConfigItem block(std::string key, std::vector<ConfigItem> children) {
    return {.key = std::move(key), .children = std::move(children)};
}
ConfigItem event(const char *name, std::vector<ConfigItem> children) {
    return {.key = "Event", .arguments = {std::string(name)}, .children = std::move(children)};
}

// Parses one line in a block of its own.
template <typename... Lines> std::pair<Config, std::vector<Message>> link_of(Lines... lines) {
    Config config;
    auto messages = parse_config({event("link_status", {lines...})}, config);
    return {config, messages};
}
template <typename... Lines> std::pair<Config, std::vector<Message>> keepalive_of(Lines... lines) {
    Config config;
    auto messages = parse_config({event("keep_alive", {lines...})}, config);
    return {config, messages};
}

TEST(BitMaskTest, ReadsHexadecimalDigitsOfAnyNumber) {
    EXPECT_EQ(parse_mask("0xf"), BitMask(0xf));
    EXPECT_EQ(parse_mask("F0"), BitMask(0xf0));
    EXPECT_EQ(parse_mask("0"), BitMask());
    EXPECT_EQ(parse_mask("0X00"), BitMask());
    const auto wide = parse_mask("0x1" + std::string(32, '0'));
    ASSERT_TRUE(wide);
    EXPECT_EQ(width(*wide), 129U);
    EXPECT_EQ(wide->count(), 1U);
    EXPECT_EQ(width(*parse_mask(std::string(1024, 'f'))), 4096U);
    EXPECT_EQ(parse_mask(std::string(5000, '0') + "1"), BitMask(1));
}

TEST(BitMaskTest, RefusesAnythingElse) {
    for (const char *text : {"", "0x", "0xg", " 1", "1 ", "-1", "0x1,2", "1.0", "x1"})
        EXPECT_EQ(parse_mask(text), std::nullopt) << text;
    EXPECT_EQ(parse_mask("1" + std::string(1024, '0')), std::nullopt) << "4097 bits";
}

TEST(CollectdConfigTest, TakesTheStockPluginsExample) {
    Config config;
    const auto messages = parse_config(
        {block("EAL",
               {line("Coremask", "0x1"), line("MemoryChannels", "4"), line("FilePrefix", "vpp")}),
         event("link_status", {line("SendEventsOnUpdate", false), line("EnabledPortMask", 65535.0),
                               line("PortName", "interface1"), line("PortName", "interface2"),
                               line("SendNotification", true)}),
         event("keep_alive", {line("SendEventsOnUpdate", false), line("LCoreMask", "0xf"),
                              line("KeepAliveShmName", "/shm"), line("SendNotification", true)})},
        config);
    EXPECT_THAT(messages,
                ElementsAre(is_message(Level::info, "Coremask, MemoryChannels: ignored")));
    EXPECT_EQ(config.file_prefix, "vpp");
    ASSERT_TRUE(config.link);
    EXPECT_FALSE(config.link->only_changes);
    EXPECT_TRUE(config.link->notify);
    EXPECT_EQ(config.link->ports, BitMask(0xffff));
    EXPECT_THAT(config.link->port_names, ElementsAre("interface1", "interface2"));
    ASSERT_TRUE(config.keepalive);
    EXPECT_FALSE(config.keepalive->only_changes);
    EXPECT_TRUE(config.keepalive->notify);
    EXPECT_EQ(config.keepalive->lcores, BitMask(0xf));
    EXPECT_EQ(config.keepalive->shm_name, "/shm");
}

TEST(CollectdConfigTest, HasTheStockPluginsDefaults) {
    const auto [link, link_messages] = link_of();
    EXPECT_THAT(link_messages, IsEmpty());
    EXPECT_EQ(link.file_prefix, "rte");
    EXPECT_TRUE(link.link->only_changes);
    EXPECT_FALSE(link.link->notify);
    EXPECT_TRUE(link.link->ports.all());
    EXPECT_FALSE(link.keepalive);
    const auto [keepalive, messages] = keepalive_of(line("LCoreMask", "1"));
    EXPECT_THAT(messages,
                ElementsAre(is_message(Level::notice, "default shared memory "
                                                      "/dpdk_keepalive_shm_name is used")));
    EXPECT_TRUE(keepalive.keepalive->only_changes);
    EXPECT_FALSE(keepalive.keepalive->notify);
    EXPECT_EQ(keepalive.keepalive->shm_name, "/dpdk_keepalive_shm_name");
    EXPECT_FALSE(keepalive.link);
}

TEST(CollectdConfigTest, ComparesKeysAsCollectdDoes) {
    const auto [config, messages] =
        link_of(line("sendeventsonupdate", false), line("SENDNOTIFICATION", "yes"),
                line("SendEventOnUpdate", "off"));
    EXPECT_THAT(messages, IsEmpty());
    EXPECT_FALSE(config.link->only_changes);
    EXPECT_TRUE(config.link->notify);
}

TEST(CollectdConfigTest, NamesUnknownKeysAndContinues) {
    Config config;
    const auto messages = parse_config({line("Interval", 3.0),
                                        event("queue_status", {}),
                                        {.key = "Event"},
                                        event("link_status", {line("Colour", "blue\n")})},
                                       config);
    EXPECT_THAT(
        messages,
        ElementsAre(is_message(Level::warning, "Interval '3.000000': unknown"),
                    is_message(Level::error, "Event 'queue_status': expected "),
                    is_message(Level::error, "Event: expected \"link_status\""),
                    is_message(Level::warning, "Event link_status: Colour 'blue?': unknown here")));
    EXPECT_TRUE(config.link);
}

TEST(CollectdConfigTest, KeepsTheDefaultOfASwitchItCannotRead) {
    for (const auto &wrong : {line("SendNotification", "perhaps"), line("SendNotification", 1.0),
                              ConfigItem{.key = "SendNotification"},
                              ConfigItem{.key = "SendNotification", .arguments = {true, false}}}) {
        const auto [config, messages] = link_of(wrong, line("SendEventsOnUpdate", false));
        EXPECT_THAT(messages, ElementsAre(is_message(Level::error, "expected true or false")));
        EXPECT_FALSE(config.link->notify);
        EXPECT_FALSE(config.link->only_changes) << "the next line counts";
    }
}

TEST(CollectdConfigTest, WarnsIfNoPortIsEnabled) {
    const auto [config, messages] = link_of(line("EnabledPortMask", 0.0));
    EXPECT_THAT(messages, ElementsAre(is_message(Level::warning, "no port is watched")));
    EXPECT_TRUE(config.link->ports.none());
}

TEST(CollectdConfigTest, TakesPortMasksBeyond32Ports) {
    EXPECT_EQ(width(link_of(line("EnabledPortMask", "0x100000000000000000")).first.link->ports),
              69U);
    EXPECT_TRUE(link_of(line("EnabledPortMask", 4294967295.0)).first.link->ports.all())
        << "all ones: all ports";
    EXPECT_EQ(link_of(line("EnabledPortMask", 4294967294.0)).first.link->ports.count(), 31U);
}

TEST(CollectdConfigTest, WatchesAllPortsIfTheMaskCannotBeRead) {
    for (const auto &wrong : {line("EnabledPortMask", "0xfg"), line("EnabledPortMask", -1.0),
                              line("EnabledPortMask", 1.5), line("EnabledPortMask", 1e300),
                              line("EnabledPortMask", true)}) {
        const auto [config, messages] = link_of(wrong);
        EXPECT_THAT(messages,
                    ElementsAre(is_message(Level::error, "hexadecimal mask of at most 4096 bits")));
        EXPECT_TRUE(config.link->ports.all());
    }
}

TEST(CollectdConfigTest, GivesNamesToEnabledPortsInOrder) {
    const auto [config, messages] =
        link_of(line("PortName", "first"), line("PortName", ""), line("PortName", "a/b"),
                line("EnabledPortMask", "0x3a"));
    EXPECT_THAT(messages, IsEmpty());
    EXPECT_EQ(config.link->name_of(1), "first");
    EXPECT_EQ(config.link->name_of(3), "port.3") << "a blank name";
    EXPECT_EQ(config.link->name_of(4), "a_b") << "'/' separates collectd's identifiers";
    EXPECT_EQ(config.link->name_of(5), "port.5");
}

TEST(CollectdConfigTest, NamesThePortNamesThatAreTooMany) {
    const auto [config, messages] =
        link_of(line("EnabledPortMask", 5.0), line("PortName", "a"), line("PortName", "b"),
                line("PortName", "c"), line("PortName", "d"));
    EXPECT_THAT(messages,
                ElementsAre(is_message(Level::warning, "4 PortName lines for 2 enabled ports: "
                                                       "those from 'c' on are unused")));
    EXPECT_EQ(config.link->name_of(2), "b");
}

TEST(CollectdConfigTest, LeavesOutKeepaliveIfItIsNotKnownWhatToWatch) {
    for (const auto &wrong :
         {line("LCoreMask", "0xfz"), line("LCoreMask", ""), line("LCoreMask", -3.0),
          line("LCoreMask", "1" + std::string(1024, '0'))}) {
        Config config;
        const auto messages =
            parse_config({event("keep_alive", {wrong}), event("link_status", {})}, config);
        EXPECT_THAT(messages, ElementsAre(is_message(Level::error, "no lcore is watched")));
        EXPECT_FALSE(config.keepalive);
        EXPECT_TRUE(config.link) << "nothing else is disturbed";
    }
    for (const auto &[config, messages] :
         {keepalive_of(), keepalive_of(line("LCoreMask", "0x0"))}) {
        EXPECT_THAT(messages, ElementsAre(is_message(Level::warning, "LCoreMask is missing or 0")));
        EXPECT_FALSE(config.keepalive);
    }
}

TEST(CollectdConfigTest, TakesLcoreMasksWiderThan64Bits) {
    const auto [config, messages] = keepalive_of(
        line("LCoreMask", "0x80000000000000000000000000000001"), line("KeepAliveShmName", "/shm"));
    EXPECT_THAT(messages, IsEmpty());
    EXPECT_EQ(width(config.keepalive->lcores), 128U);
    EXPECT_EQ(config.keepalive->lcores.count(), 2U);
}

TEST(CollectdConfigTest, ChecksTheNameOfTheSharedMemory) {
    const auto mask = line("LCoreMask", "1");
    EXPECT_EQ(keepalive_of(mask, line("KeepAliveShmName", "area")).first.keepalive->shm_name,
              "/area")
        << "as shm_open() takes it";
    for (const char *wrong : {"", "/", "/..", "../etc/passwd", "/a/b"}) {
        const auto [config, messages] = keepalive_of(mask, line("KeepAliveShmName", wrong));
        EXPECT_THAT(messages,
                    ElementsAre(is_message(Level::error, "name of a shared memory object")));
        EXPECT_FALSE(config.keepalive) << wrong;
    }
}

TEST(CollectdConfigTest, ChecksTheFilePrefix) {
    for (const char *wrong : {"", "..", "a/b"}) {
        Config config;
        const auto messages = parse_config({block("EAL", {line("FilePrefix", wrong)})}, config);
        EXPECT_THAT(messages, ElementsAre(is_message(Level::error, "--file-prefix")));
        EXPECT_EQ(config.file_prefix, "rte");
    }
}

} // namespace
} // namespace netvsc::collectd
