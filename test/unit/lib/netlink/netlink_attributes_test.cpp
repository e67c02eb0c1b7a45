// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/netlink_attributes.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <string>
#include <string_view>
#include <vector>

namespace netvsc {
namespace {

using namespace std::string_view_literals;

constexpr AttributePolicy inner_policy[] = {
    {.type = 1, .kind = AttributeKind::u32, .nested = {}},
};
constexpr AttributePolicy policy[] = {
    {.type = 1, .kind = AttributeKind::u8, .nested = {}},
    {.type = 2, .kind = AttributeKind::u32, .nested = {}},
    {.type = 3, .kind = AttributeKind::string, .nested = {}},
    {.type = 4, .kind = AttributeKind::bytes, .nested = {}},
    {.type = 5, .kind = AttributeKind::nested, .nested = inner_policy},
    {.type = 6, .kind = AttributeKind::array, .nested = inner_policy},
};

/// One attribute with its padding.
std::string attribute(std::uint16_t type, std::string_view payload) {
    const nlattr header{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + payload.size()),
                        .nla_type = type};
    std::string bytes(reinterpret_cast<const char *>(&header), sizeof header);
    bytes += payload;
    bytes.resize(NLA_ALIGN(bytes.size()));
    return bytes;
}

std::string u32(std::uint32_t value) {
    return {reinterpret_cast<const char *>(&value), sizeof value};
}

/// Attributes and the bytes they view, on the heap, so that a sanitizer sees a read beyond them.
struct Parsed {
    std::vector<std::byte> bytes;
    std::optional<NetlinkAttributes> attributes;
};

Parsed parse(std::string_view text) {
    Parsed parsed;
    const auto bytes = std::as_bytes(std::span(text));
    parsed.bytes.assign(bytes.begin(), bytes.end());
    parsed.attributes = NetlinkAttributes::parse(parsed.bytes, policy);
    return parsed;
}

TEST(NetlinkAttributes, ReadsEachKind) {
    const auto parsed =
        parse(attribute(1, "\x07"sv) + attribute(2, u32(70000)) + attribute(3, "eth0\0"sv) +
              attribute(4, "ab"sv) + attribute(5 | NLA_F_NESTED, attribute(1, u32(5))));
    ASSERT_TRUE(parsed.attributes);
    EXPECT_EQ(parsed.attributes->u8(1), 7);
    EXPECT_EQ(parsed.attributes->u32(2), 70000U);
    EXPECT_EQ(parsed.attributes->string(3), "eth0");
    const auto bytes = parsed.attributes->bytes(4);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(std::memcmp(bytes->data(), "ab", 2), 0);
    EXPECT_EQ(bytes->size(), 2U);
    const auto nested = parsed.attributes->nested(5);
    ASSERT_TRUE(nested);
    EXPECT_EQ(nested->u32(1), 5U);
}

TEST(NetlinkAttributes, ReadsTheElementsOfAnArrayInOrder) {
    const auto parsed = parse(
        attribute(6, attribute(1, attribute(1, u32(10))) + attribute(9, attribute(1, u32(20)))));
    ASSERT_TRUE(parsed.attributes);
    std::vector<std::uint32_t> values;
    parsed.attributes->for_each_element(
        6, [&](const NetlinkAttributes &element) { values.push_back(element.u32(1).value_or(0)); });
    EXPECT_EQ(values, (std::vector<std::uint32_t>{10, 20}));
}

TEST(NetlinkAttributes, AMissingAttributeIsNullopt) {
    const auto parsed = parse("");
    ASSERT_TRUE(parsed.attributes);
    EXPECT_FALSE(parsed.attributes->has(1));
    EXPECT_EQ(parsed.attributes->u8(1), std::nullopt);
    EXPECT_EQ(parsed.attributes->u32(2), std::nullopt);
    EXPECT_EQ(parsed.attributes->string(3), std::nullopt);
    EXPECT_FALSE(parsed.attributes->bytes(4));
    EXPECT_FALSE(parsed.attributes->nested(5));
    parsed.attributes->for_each_element(
        6, [](const NetlinkAttributes &) { FAIL() << "there is no element"; });
}

TEST(NetlinkAttributes, IgnoresTypesWithoutAPolicy) {
    const auto parsed = parse(attribute(77, "anything"sv) + attribute(1, "\x01"sv));
    ASSERT_TRUE(parsed.attributes);
    EXPECT_FALSE(parsed.attributes->has(77));
    EXPECT_EQ(parsed.attributes->u8(1), 1);
}

TEST(NetlinkAttributes, TheLastOfTheSameTypeCounts) {
    const auto parsed = parse(attribute(2, u32(1)) + attribute(2, u32(2)));
    ASSERT_TRUE(parsed.attributes);
    EXPECT_EQ(parsed.attributes->u32(2), 2U);
}

TEST(NetlinkAttributes, NeedsNoPaddingBehindTheLastAttribute) {
    const std::string padded = attribute(1, "\x07"sv);
    const auto parsed = parse(std::string_view(padded).substr(0, sizeof(nlattr) + 1));
    ASSERT_TRUE(parsed.attributes);
    EXPECT_EQ(parsed.attributes->u8(1), 7);
}

class Malformed : public testing::TestWithParam<std::string> {};

TEST_P(Malformed, IsRefused) { EXPECT_FALSE(parse(GetParam()).attributes); }

std::string with_length(std::uint16_t length) {
    std::string bytes = attribute(4, "abcd"sv);
    std::memcpy(bytes.data(), &length, sizeof length);
    return bytes;
}

INSTANTIATE_TEST_SUITE_P(
    NetlinkAttributes, Malformed,
    testing::Values(attribute(1, ""sv), attribute(1, "ab"sv), attribute(2, "abc"sv),
                    attribute(2, "abcde"sv), attribute(3, ""sv), attribute(3, "eth0"sv),
                    attribute(1, "\x01"sv) + attribute(1, "ab"sv), with_length(0), with_length(3),
                    with_length(9), with_length(0xffff), std::string("abc"),
                    attribute(5, attribute(1, "abc"sv)), attribute(5, "abc"sv),
                    attribute(6, "abc"sv), attribute(6, attribute(1, attribute(1, "abc"sv)))));

} // namespace
} // namespace netvsc
