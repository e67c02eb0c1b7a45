// SPDX-License-Identifier: BSD-3-Clause
#include "core/link_table.hpp"
#include "netdevices.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc {
namespace {

using test::ethernet;
using test::ipv4;
using test::mac;
using test::software;
using test::vf;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Not `using`: within namespace netvsc the name would mean the namespace.
Link netvsc_link(std::string name, int ifindex, MacAddress address) {
    return test::netvsc(std::move(name), ifindex, address);
}

std::vector<int> indices(const std::vector<const Link *> &links) {
    std::vector<int> result;
    std::ranges::transform(links, std::back_inserter(result), &Link::ifindex);
    return result;
}

int index_of(const LinkTable &table, const std::string &name) {
    const Link *link = table.find(name);
    return link != nullptr ? link->ifindex() : 0;
}

TEST(LinkTable, FindsWhatWasPutByIndexNameAndMac) {
    LinkTable table;
    const auto change = table.put(vf("eth2", 3, mac(1), "0000:03:00.0"));
    EXPECT_TRUE(change.identity);
    EXPECT_EQ(change.before, nullptr);
    ASSERT_NE(change.after, nullptr);
    EXPECT_EQ(*change.after, vf("eth2", 3, mac(1), "0000:03:00.0"));
    EXPECT_EQ(table.find(3), change.after);
    EXPECT_EQ(table.find("eth2"), change.after);
    EXPECT_THAT(table.with_mac(mac(1)), ElementsAre(change.after));
    EXPECT_EQ(table.size(), 1U);

    EXPECT_EQ(table.find(4), nullptr);
    EXPECT_EQ(table.find("eth3"), nullptr);
    EXPECT_THAT(table.with_mac(mac(2)), IsEmpty());
}

TEST(LinkTable, WhatIsRemovedIsInNoIndex) {
    LinkTable table;
    table.put(netvsc_link("eth1", 2, mac(1)));
    table.put_address(ipv4(2));
    const auto removed = table.remove(2);
    ASSERT_TRUE(removed);
    EXPECT_EQ(removed->name(), "eth1");
    EXPECT_EQ(table.find(2), nullptr);
    EXPECT_EQ(table.find("eth1"), nullptr);
    EXPECT_THAT(table.with_mac(mac(1)), IsEmpty());
    EXPECT_THAT(table.netvscs(), IsEmpty());
    EXPECT_FALSE(table.is_routed(2));
    EXPECT_FALSE(table.remove(2));
}

TEST(LinkTable, OnlyNameTypeAddressesAndDeviceAreIdentity) {
    const Link link = vf("eth2", 3, mac(1), "0000:03:00.0");
    const auto changes = [&](auto &&edit) {
        LinkTable table;
        table.put(link);
        Link edited = link;
        edit(edited);
        const auto change = table.put(edited);
        EXPECT_EQ(*change.before, link);
        EXPECT_EQ(*change.after, edited);
        return change.identity;
    };
    EXPECT_FALSE(changes([](Link &) {}));
    EXPECT_FALSE(changes([](Link &l) { l.message.flags = 1; }));
    EXPECT_FALSE(changes([](Link &l) { l.message.carrier = true; }));
    EXPECT_TRUE(changes([](Link &l) { l.message.name = "eth9"; }));
    EXPECT_TRUE(changes([](Link &l) { l.message.type = ARPHRD_INFINIBAND; }));
    EXPECT_TRUE(changes([](Link &l) { l.message.mac = mac(2); }));
    EXPECT_TRUE(changes([](Link &l) { l.message.permanent_mac = mac(2); }));
    EXPECT_TRUE(changes([](Link &l) { l.message.software = true; }));
    EXPECT_TRUE(changes([](Link &l) { l.facts.pci->bus = 4; }));
    EXPECT_TRUE(changes([](Link &l) { l.facts.mana = true; }));
}

TEST(LinkTable, FollowsARename) {
    LinkTable table;
    table.put(netvsc_link("eth1", 2, mac(1)));
    table.put(netvsc_link("wan", 2, mac(1)));
    EXPECT_EQ(table.find("eth1"), nullptr);
    EXPECT_EQ(index_of(table, "wan"), 2);
}

// Swapping two names takes three steps. If one notification is lost, two netdevices seem to have
// the same name for a while.
TEST(LinkTable, FollowsTwoNetdevicesThatSwapNames) {
    LinkTable table;
    table.put(ethernet("eth1", 2, mac(1)));
    table.put(ethernet("eth2", 3, mac(2)));
    table.put(ethernet("eth2", 2, mac(1)));
    EXPECT_EQ(index_of(table, "eth2"), 2);
    table.put(ethernet("eth1", 3, mac(2)));
    EXPECT_EQ(index_of(table, "eth1"), 3);
    EXPECT_EQ(index_of(table, "eth2"), 2);
    table.remove(3);
    EXPECT_EQ(index_of(table, "eth2"), 2);
    EXPECT_EQ(table.find("eth1"), nullptr);
}

// Netdevice 2 takes the name of 3 (that notification is lost) and then another. 3 takes it again.
TEST(LinkTable, FindsANameAgainThatWasLentWhileNotificationsWereLost) {
    LinkTable table;
    table.put(ethernet("eth1", 2, mac(1)));
    table.put(ethernet("eth2", 3, mac(2)));
    table.put(ethernet("eth2", 2, mac(1)));
    table.put(ethernet("eth1", 2, mac(1)));
    table.put(ethernet("eth2", 3, mac(2)));
    EXPECT_EQ(index_of(table, "eth1"), 2);
    EXPECT_EQ(index_of(table, "eth2"), 3);
}

TEST(LinkTable, FollowsCurrentAndPermanentMac) {
    LinkTable table;
    Link link = vf("eth2", 3, mac(1), "0000:03:00.0");
    table.put(link);
    link.message.mac = mac(2);
    table.put(link);
    EXPECT_THAT(indices(table.with_mac(mac(1))), ElementsAre(3));
    EXPECT_THAT(indices(table.with_mac(mac(2))), ElementsAre(3));
    link.message.permanent_mac.reset();
    table.put(link);
    EXPECT_THAT(table.with_mac(mac(1)), IsEmpty());
    link.message.mac.reset();
    table.put(link);
    EXPECT_THAT(table.with_mac(mac(2)), IsEmpty());
}

TEST(LinkTable, GivesAllOfOneMacInTheOrderOfTheirIndex) {
    LinkTable table;
    for (const int ifindex : {9, 3, 7, 5})
        table.put(ethernet("eth" + std::to_string(ifindex), ifindex, mac(1)));
    EXPECT_THAT(indices(table.with_mac(mac(1))), ElementsAre(3, 5, 7, 9));
    table.remove(5);
    EXPECT_THAT(indices(table.with_mac(mac(1))), ElementsAre(3, 7, 9));
}

TEST(LinkTable, SoftwareAndOtherThanEthernetAreFoundByNameOnly) {
    LinkTable table;
    table.put(software("veth0", 4, mac(1)));
    Link infiniband = ethernet("ib0", 5, mac(1));
    infiniband.message.type = ARPHRD_INFINIBAND;
    table.put(infiniband);
    EXPECT_EQ(index_of(table, "veth0"), 4);
    EXPECT_EQ(index_of(table, "ib0"), 5);
    EXPECT_THAT(table.with_mac(mac(1)), IsEmpty());
    // What it is may turn out later.
    table.put(ethernet("veth0", 4, mac(1)));
    EXPECT_THAT(indices(table.with_mac(mac(1))), ElementsAre(4));
    table.put(software("veth0", 4, mac(1)));
    EXPECT_THAT(table.with_mac(mac(1)), IsEmpty());
}

TEST(LinkTable, KnowsTheNetvscs) {
    LinkTable table;
    table.put(netvsc_link("eth5", 5, mac(5)));
    table.put(netvsc_link("eth2", 2, mac(2)));
    table.put(vf("eth3", 3, mac(2), "0000:03:00.0"));
    EXPECT_THAT(indices(table.netvscs()), ElementsAre(2, 5));
    table.put(ethernet("eth2", 2, mac(2)));
    EXPECT_THAT(indices(table.netvscs()), ElementsAre(5));
}

// ---- Addresses.

TEST(LinkTable, IsRoutedWhileAnAddressExists) {
    LinkTable table;
    table.put(netvsc_link("eth1", 2, mac(1)));
    EXPECT_FALSE(table.is_routed(2));
    table.put_address(ipv4(2, 1));
    table.put_address(ipv4(2, 2));
    table.put_address(ipv4(2, 2));
    table.remove_address(ipv4(2, 1));
    EXPECT_TRUE(table.is_routed(2));
    table.remove_address(ipv4(2, 2));
    EXPECT_FALSE(table.is_routed(2));
    table.remove_address(ipv4(2, 2));
    EXPECT_FALSE(table.is_routed(2));
    EXPECT_FALSE(table.is_routed(3));
}

TEST(LinkTable, TheFirstAddressIsAnIpv4OneIfThereIsOne) {
    LinkTable table;
    EXPECT_EQ(table.first_address(2), std::nullopt);
    table.put_address(test::ipv6(2, 0xfe, 0x80));
    EXPECT_EQ(table.first_address(2), test::ipv6(2, 0xfe, 0x80));
    table.put_address(ipv4(2));
    EXPECT_EQ(table.first_address(2), ipv4(2));
}

TEST(LinkTable, IsReachedByAddressesItHasNotByItself) {
    LinkTable table;
    const auto reached_by = [&](const InterfaceAddress &address) {
        table.put_address(address);
        const bool reached = table.may_be_reached(2);
        EXPECT_TRUE(table.is_routed(2));
        table.remove_address(address);
        return reached;
    };
    EXPECT_FALSE(table.may_be_reached(2));
    EXPECT_TRUE(reached_by(test::ipv4(2)));
    EXPECT_TRUE(reached_by(test::ipv6(2, 0x20, 0x01)));
    EXPECT_TRUE(reached_by(test::ipv6(2, 0xfd, 0x80)));
    EXPECT_FALSE(reached_by(test::ipv6(2, 0xfe, 0x80)));
    EXPECT_FALSE(reached_by(test::ipv6(2, 0xfe, 0xbf)));
    EXPECT_TRUE(reached_by(test::ipv6(2, 0xfe, 0xc0)));
    table.put_address(test::ipv6(2, 0xfe, 0x80));
    table.put_address(test::ipv4(2));
    EXPECT_TRUE(table.may_be_reached(2));
}

TEST(LinkTable, ThePrefixAndTheFamilyArePartOfAnAddress) {
    LinkTable table;
    InterfaceAddress wide = ipv4(2);
    wide.prefix_length = 8;
    table.put_address(ipv4(2));
    table.put_address(wide);
    table.remove_address(ipv4(2));
    EXPECT_TRUE(table.is_routed(2));
    table.remove_address(wide);
    EXPECT_FALSE(table.is_routed(2));
}

// ---- Listings.

TEST(LinkTable, ADumpReportsWhatItDidNotName) {
    LinkTable table;
    for (const int ifindex : {2, 3, 4})
        table.put(ethernet("eth" + std::to_string(ifindex), ifindex, mac(1)));
    table.begin_listing();
    table.put(ethernet("eth3", 3, mac(1)));
    table.put(ethernet("eth5", 5, mac(1)));
    EXPECT_THAT(table.end_listing(), UnorderedElementsAre(2, 4));
    EXPECT_NE(table.find(2), nullptr) << "it is for remove() to take it out";

    table.remove(2);
    table.remove(4);
    table.begin_listing();
    table.put(ethernet("eth3", 3, mac(1)));
    table.put(ethernet("eth5", 5, mac(1)));
    EXPECT_THAT(table.end_listing(), IsEmpty());
}

TEST(LinkTable, AListingDropsTheAddressesItDidNotName) {
    LinkTable table;
    table.put_address(ipv4(2, 1));
    table.put_address(ipv4(3, 1));
    table.put_address(ipv4(3, 2));
    table.begin_listing();
    EXPECT_TRUE(table.is_routed(2));
    table.put_address(ipv4(3, 2));
    table.put_address(ipv4(4, 1));
    (void)table.end_listing();
    EXPECT_FALSE(table.is_routed(2));
    EXPECT_TRUE(table.is_routed(3));
    EXPECT_TRUE(table.is_routed(4));
    table.remove_address(ipv4(3, 2));
    EXPECT_FALSE(table.is_routed(3)) << "10.0.0.1 still existed";
}

// An interrupted dump starts again without an end.
TEST(LinkTable, ADumpThatStartsAgainCountsFromThere) {
    LinkTable table;
    table.put(ethernet("eth2", 2, mac(1)));
    table.begin_listing();
    table.put(ethernet("eth2", 2, mac(1)));
    table.begin_listing();
    EXPECT_THAT(table.end_listing(), ElementsAre(2));
}

// ---- When the driver reads sysfs.

TEST(LinkTable, WantsFactsOfWhatIsNewOrHasANewName) {
    LinkTable table;
    const LinkMessage message = ethernet("eth1", 2, mac(1)).message;
    EXPECT_TRUE(table.wants_facts(message));
    table.put(ethernet("eth1", 2, mac(1)));
    EXPECT_FALSE(table.wants_facts(message));
    EXPECT_FALSE(table.wants_facts(ethernet("eth1", 2, mac(2)).message));
    EXPECT_TRUE(table.wants_facts(ethernet("wan", 2, mac(1)).message));
    EXPECT_TRUE(table.wants_facts(ethernet("eth1", 3, mac(1)).message));
}

TEST(LinkTable, WantsFactsOnceInEachListing) {
    LinkTable table;
    table.put(ethernet("eth1", 2, mac(1)));
    table.begin_listing();
    EXPECT_TRUE(table.wants_facts(ethernet("eth1", 2, mac(1)).message));
    table.put(ethernet("eth1", 2, mac(1)));
    EXPECT_FALSE(table.wants_facts(ethernet("eth1", 2, mac(1)).message));
}

TEST(LinkTable, NeverWantsFactsOfSoftwareOrOtherThanEthernet) {
    const LinkTable table;
    EXPECT_FALSE(table.wants_facts(software("veth0", 4, mac(1)).message));
    LinkMessage infiniband = ethernet("ib0", 5, mac(1)).message;
    infiniband.type = ARPHRD_INFINIBAND;
    EXPECT_FALSE(table.wants_facts(infiniband));
}

} // namespace
} // namespace netvsc
