// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/uevent.hpp"

#include <gtest/gtest.h>
#include <span>
#include <string>

namespace netvsc {
namespace {

using namespace std::string_literals;

std::optional<Uevent> parse(const std::string &text) {
    return parse_uevent(std::as_bytes(std::span(text)));
}

const std::string pci_remove = "remove@/devices/pci0000:00/0000:00:01.0/0000:01:00.0\0"
                               "ACTION=remove\0"
                               "DEVPATH=/devices/pci0000:00/0000:00:01.0/0000:01:00.0\0"
                               "SUBSYSTEM=pci\0"
                               "PCI_CLASS=20000\0"
                               "PCI_ID=15B3:101A\0"
                               "PCI_SLOT_NAME=0000:01:00.0\0"
                               "SEQNUM=4711\0"s;

TEST(Uevent, ParsesAPciDevice) {
    const auto event = parse(pci_remove);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->action, "remove");
    EXPECT_EQ(event->device_path, "/devices/pci0000:00/0000:00:01.0/0000:01:00.0");
    EXPECT_EQ(event->subsystem, "pci");
    EXPECT_EQ(event->pci_slot_name, "0000:01:00.0");
    EXPECT_EQ(event->pci_id, "15B3:101A");
    EXPECT_EQ(event->interface, "");
    EXPECT_EQ(event->sequence, 4711U);
}

TEST(Uevent, GivesTheNetdevicesName) {
    const std::string text = "add@/devices/virtual/net/v0\0ACTION=add\0"
                             "DEVPATH=/devices/virtual/net/v0\0SUBSYSTEM=net\0INTERFACE=v0\0"
                             "IFINDEX=9\0SEQNUM=1\0"s;
    const auto event = parse(text); // which points into the text
    ASSERT_TRUE(event);
    EXPECT_EQ(event->interface, "v0");
    EXPECT_EQ(event->pci_slot_name, "");
}

TEST(Uevent, RecognizesASyntheticUevent) {
    const std::string text = pci_remove + "SYNTH_UUID=0\0"s;
    const auto event = parse(text);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->synthetic, "0");
    EXPECT_EQ(parse(pci_remove)->synthetic, "");
}

TEST(Uevent, RefusesEveryTruncation) {
    for (std::size_t size = 0; size < pci_remove.size(); ++size)
        EXPECT_FALSE(parse(pci_remove.substr(0, size))) << size;
}

TEST(Uevent, RefusesWhatIsNotTheKernelsForm) {
    const std::string path = "DEVPATH=/d\0SUBSYSTEM=pci\0"s;
    EXPECT_TRUE(parse("add@/d\0ACTION=add\0"s + path + "SEQNUM=1\0"s));
    EXPECT_FALSE(parse("libudev\0\xfe\xed\xca\xfe"s)) << "udev's own messages";
    EXPECT_FALSE(parse("add@/d\0"s)) << "no variables";
    EXPECT_FALSE(parse("add@/d\0"s + path + "SEQNUM=1\0"s)) << "no action";
    EXPECT_FALSE(parse("add@/d\0ACTION=remove\0"s + path + "SEQNUM=1\0"s)) << "two actions";
    EXPECT_FALSE(parse("add@/e\0ACTION=add\0"s + path + "SEQNUM=1\0"s)) << "two paths";
    EXPECT_FALSE(parse("add@/d\0ACTION=add\0"s + path)) << "no sequence number";
    EXPECT_FALSE(parse("add@/d\0ACTION=add\0"s + path + "SEQNUM=1x\0"s)) << "no number";
    EXPECT_FALSE(parse("add@/d\0ACTION=add\0"s + path + "SEQNUM=-1\0"s)) << "negative";
    EXPECT_FALSE(parse("add@/d\0ACTION=add\0"s + path + "SEQNUM=1\0SEQNUM=2\0"s)) << "twice";
    EXPECT_FALSE(parse("add@/d\0ACTION=add\0"s + path + "SEQNUM=1\0junk\0"s)) << "no key";
    EXPECT_FALSE(parse("add/d\0ACTION=add\0"s + path + "SEQNUM=1\0"s)) << "no header";
}

} // namespace
} // namespace netvsc
