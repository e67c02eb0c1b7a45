// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/netdevice.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>

namespace netvsc {
namespace {

namespace fs = std::filesystem;

constexpr auto netvsc_class = "{f8615163-df3e-46c5-913f-f2d2f965ed0e}";

/// A folder made to look like /sys: devices below devices/, and symbolic links, relative as the
/// kernel's are, from class/net/ and bus/ to them.
class SysfsTest : public testing::Test {
protected:
    SysfsTest() {
        std::string name = (fs::temp_directory_path() / "sysfs-test-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr)
            root_ = name;
        fs::create_directories(class_net());
    }
    ~SysfsTest() override {
        if (!root_.empty())
            fs::remove_all(root_);
    }

    void SetUp() override { ASSERT_FALSE(root_.empty()) << "mkdtemp failed"; }

    [[nodiscard]] fs::path class_net() const { return root_ / "class/net"; }

    static void write(const fs::path &file, const std::string &text) {
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    static void link(const fs::path &from, const fs::path &to) {
        fs::create_directories(from.parent_path());
        fs::remove(from);
        // By way of the folder above the target even where that is above the link, too: a
        // link in /sys ends with its target's name.
        fs::create_symlink(to.parent_path().lexically_relative(from.parent_path()) / to.filename(),
                           from);
    }

    /// A device on a bus. @return its folder
    fs::path device(const std::string &path, const std::string &bus) const {
        const fs::path folder = root_ / "devices" / path;
        fs::create_directories(folder);
        fs::create_directories(root_ / "bus" / bus);
        link(folder / "subsystem", root_ / "bus" / bus);
        return folder;
    }
    /// A netdevice of that device. @return its folder
    fs::path netdevice(const fs::path &device, const std::string &name, int ifindex) const {
        const fs::path folder = device / "net" / name;
        write(folder / "ifindex", std::to_string(ifindex) + "\n");
        link(folder / "device", device);
        link(class_net() / name, folder);
        return folder;
    }
    [[nodiscard]] fs::path vmbus_device(const std::string &class_id) const {
        const fs::path folder =
            device("LNXSYSTM:00/VMBUS:00/000d3a6d-1b2c-000d-3a6d-1b2c000d3a6d", "vmbus");
        write(folder / "class_id", class_id);
        return folder;
    }
    fs::path pci_device(const std::string &address, const std::string &vendor = "0x15b3",
                        const std::string &id = "0x101a") const {
        const fs::path folder = device("pci" + address.substr(0, 7) + "/" + address, "pci");
        write(folder / "vendor", vendor + "\n");
        write(folder / "device", id + "\n");
        link(root_ / "bus/pci/devices" / address, folder);
        return folder;
    }

    [[nodiscard]] Result<DeviceFacts> facts(const std::string &name, int ifindex) const {
        return Sysfs(root_.string()).netdevice(name, ifindex);
    }
    void expect_facts(const std::string &name, int ifindex, const DeviceFacts &expected) const {
        const auto found = facts(name, ifindex);
        ASSERT_TRUE(found) << found.error().message();
        EXPECT_EQ(found->netvsc, expected.netvsc);
        EXPECT_EQ(found->pci, expected.pci);
        EXPECT_EQ(found->mana, expected.mana);
    }
    void expect_error(const std::string &name, int ifindex, int error) const {
        const auto found = facts(name, ifindex);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().number, error) << found.error().message();
    }

    fs::path root_;
};

const DeviceFacts nothing{};
const DeviceFacts is_netvsc{.netvsc = true, .pci = {}, .mana = false};
const DeviceFacts is_vf{.netvsc = false, .pci = PciAddress{1, 0, 2, 0}, .mana = false};

// ---- NetVSC.

TEST_F(SysfsTest, ADeviceOfNetvscsClassIsNetvsc) {
    netdevice(vmbus_device(std::string(netvsc_class) + "\n"), "eth1", 2);
    expect_facts("eth1", 2, is_netvsc);
}

TEST_F(SysfsTest, TheClassMayBeInUpperCaseOrWithoutNewline) {
    netdevice(vmbus_device("{F8615163-DF3E-46C5-913F-F2D2F965ED0E}"), "eth1", 2);
    expect_facts("eth1", 2, is_netvsc);
}

class OtherClass : public SysfsTest, public testing::WithParamInterface<std::string> {};

TEST_P(OtherClass, IsNotNetvsc) {
    netdevice(vmbus_device(GetParam()), "eth1", 2);
    expect_facts("eth1", 2, nothing);
}

INSTANTIATE_TEST_SUITE_P(
    Sysfs, OtherClass,
    testing::Values("", "\n", "{f8615163-df3e-46c5-913f-f2d2f965ed0f}\n", // one digit differs
                    "{f8615163-df3e-46c5-913f-f2d2f965ed0e\n",            // too short
                    "f8615163-df3e-46c5-913f-f2d2f965ed0e\n",             // without braces
                    std::string(netvsc_class) + "x\n", std::string(netvsc_class) + "\n\n",
                    " " + std::string(netvsc_class) + "\n",
                    std::string(netvsc_class) + std::string(90, ' ') + "\n",
                    std::string(netvsc_class) + std::string(8192, '\n')));

TEST_F(SysfsTest, AFolderInPlaceOfTheClassIsNoClass) {
    const fs::path vmbus = device("LNXSYSTM:00/VMBUS:00/1", "vmbus");
    fs::create_directories(vmbus / "class_id");
    netdevice(vmbus, "eth1", 2);
    expect_facts("eth1", 2, nothing);
}

TEST_F(SysfsTest, AFifoInPlaceOfTheClassIsNotWaitedFor) {
    const fs::path vmbus = device("LNXSYSTM:00/VMBUS:00/1", "vmbus");
    ASSERT_EQ(::mkfifo((vmbus / "class_id").c_str(), 0600), 0);
    netdevice(vmbus, "eth1", 2);
    expect_facts("eth1", 2, nothing);
}

// Hyper-V's synthetic PCI devices have a class_id too, of another class, above the PCI function;
// a netdevice's own device does not.
TEST_F(SysfsTest, ANetvscOnPciStaysNetvsc) {
    const fs::path device = pci_device("0001:00:02.0");
    write(device / "class_id", std::string(netvsc_class) + "\n");
    netdevice(device, "eth1", 2);
    expect_facts("eth1", 2, is_netvsc);
}

// ---- PCI.

TEST_F(SysfsTest, ANetdeviceOfAPciFunctionHasItsAddress) {
    netdevice(pci_device("0001:00:02.0"), "eth2", 3);
    expect_facts("eth2", 3, is_vf);
}

TEST_F(SysfsTest, OnePciFunctionMayHaveSeveralNetdevices) {
    const fs::path device = pci_device("0001:00:02.0");
    netdevice(device, "eth2", 3);
    netdevice(device, "eth3", 4);
    expect_facts("eth2", 3, is_vf);
    expect_facts("eth3", 4, is_vf);
}

TEST_F(SysfsTest, AVirtioDevicesPciFunctionIsTheOneThatCarriesIt) {
    pci_device("0001:00:02.0");
    netdevice(device("pci0001:00/0001:00:02.0/virtio2", "virtio"), "eth2", 3);
    expect_facts("eth2", 3, is_vf);
}

TEST_F(SysfsTest, AVirtioDeviceThatPciDoesNotCarryHasNoAddress) {
    device("platform/a0000000.virtio_mmio", "platform");
    netdevice(device("platform/a0000000.virtio_mmio/virtio2", "virtio"), "eth2", 3);
    expect_facts("eth2", 3, nothing);
    // Nor has it if the device is named like a PCI function.
    device("platform/0001:00:02.0", "platform");
    netdevice(device("platform/0001:00:02.0/virtio3", "virtio"), "eth3", 4);
    expect_facts("eth3", 4, nothing);
}

TEST_F(SysfsTest, AUsbDeviceBelowPciIsNotOfPci) {
    pci_device("0001:00:02.0");
    netdevice(device("pci0001:00/0001:00:02.0/usb1/1-1/1-1:1.0", "usb"), "eth2", 3);
    expect_facts("eth2", 3, nothing);
}

TEST_F(SysfsTest, AFolderOfPciWithAnotherFormOfNameHasNoAddress) {
    netdevice(device("pci0001:00/0001:00:02", "pci"), "eth2", 3);
    expect_facts("eth2", 3, nothing);
}

TEST_F(SysfsTest, APciFunctionIsReadByItsAddress) {
    const PciAddress address{.domain = 1, .device = 2};
    pci_device("0001:00:02.0");
    EXPECT_EQ(Sysfs(root_.string()).pci_netdevice(address).value(), is_vf);
    pci_device("0001:00:02.0", "0x1414", "0x00ba");
    EXPECT_TRUE(Sysfs(root_.string()).pci_netdevice(address)->mana);
}

TEST_F(SysfsTest, AMissingPciFunctionIsAnError) {
    EXPECT_EQ(Sysfs(root_.string()).pci_netdevice({.domain = 1}).error().number, ENODEV);
}

struct Id {
    std::string vendor;
    std::string device;
    bool mana;
};
void PrintTo(const Id &id, std::ostream *out) { *out << id.vendor << ":" << id.device; }

class PciIds : public SysfsTest, public testing::WithParamInterface<Id> {};

TEST_P(PciIds, TellMana) {
    netdevice(pci_device("0001:00:02.0", GetParam().vendor, GetParam().device), "eth2", 3);
    DeviceFacts expected = is_vf;
    expected.mana = GetParam().mana;
    expect_facts("eth2", 3, expected);
}

INSTANTIATE_TEST_SUITE_P(Sysfs, PciIds,
                         testing::Values(Id{"0x1414", "0x00ba", true},
                                         Id{"0x1414", "0x00bb", false},
                                         Id{"0x15b3", "0x00ba", false},
                                         Id{"0x1414", "0x00ba0", false}, Id{"1414", "00ba", false},
                                         Id{"", "", false}));

// ---- Neither.

TEST_F(SysfsTest, ANetdeviceWithoutADeviceHasNoFacts) {
    const fs::path folder = root_ / "devices/virtual/net/veth0";
    write(folder / "ifindex", "7\n");
    link(class_net() / "veth0", folder);
    expect_facts("veth0", 7, nothing);
}

TEST_F(SysfsTest, ADeviceLinkThatLeadsNowhereHasNoFacts) {
    const fs::path folder = netdevice(pci_device("0001:00:02.0"), "eth2", 3);
    link(folder / "device", root_ / "devices/gone");
    expect_facts("eth2", 3, nothing);
}

TEST_F(SysfsTest, ADeviceLinkThatLeadsToItselfHasNoFacts) {
    const fs::path folder = netdevice(pci_device("0001:00:02.0"), "eth2", 3);
    fs::remove(folder / "device");
    fs::create_symlink("device", folder / "device");
    expect_facts("eth2", 3, nothing);
}

TEST_F(SysfsTest, ADeviceWithoutASubsystemHasNoAddress) {
    const fs::path device = pci_device("0001:00:02.0");
    fs::remove(device / "subsystem");
    netdevice(device, "eth2", 3);
    expect_facts("eth2", 3, nothing);
    fs::create_directory(device / "subsystem");
    expect_facts("eth2", 3, nothing);
}

TEST_F(SysfsTest, AFolderInPlaceOfTheDeviceLinkHasNoAddress) {
    const fs::path folder = root_ / "devices/virtual/net/eth2";
    write(folder / "ifindex", "3\n");
    fs::create_directories(root_ / "bus/pci");
    link(folder / "device/subsystem", root_ / "bus/pci");
    link(class_net() / "eth2", folder);
    expect_facts("eth2", 3, nothing);
}

// ---- The netdevice meant.

TEST_F(SysfsTest, ANameThatIsAnotherNetdevicesByNowIsStale) {
    netdevice(vmbus_device(netvsc_class), "eth1", 5);
    expect_error("eth1", 2, ESTALE);
    expect_error("eth1", 55, ESTALE);
}

TEST_F(SysfsTest, AMissingNetdeviceIsAnError) {
    expect_error("eth1", 2, ENOENT);
    link(class_net() / "eth1", root_ / "devices/gone");
    expect_error("eth1", 2, ENOENT);
    fs::create_symlink("eth2", class_net() / "eth2");
    expect_error("eth2", 2, ELOOP);
    write(class_net() / "eth3", "a file");
    expect_error("eth3", 2, ENOTDIR);
}

TEST_F(SysfsTest, ANetdeviceWithoutAReadableIndexIsAnError) {
    const fs::path folder = netdevice(vmbus_device(netvsc_class), "eth1", 2);
    for (const std::string text : {"", "\n", "two\n", "99999999999\n"}) {
        write(folder / "ifindex", text);
        expect_error("eth1", 2, ENODEV);
    }
    fs::remove(folder / "ifindex");
    expect_error("eth1", 2, ENODEV);
    fs::create_directory(folder / "ifindex");
    expect_error("eth1", 2, ENODEV);
}

TEST_F(SysfsTest, ANameThatIsNoNameIsRefused) {
    netdevice(vmbus_device(netvsc_class), "eth1", 2);
    for (const std::string name : {"", ".", "..", "a/b", "../net/eth1", "/etc"})
        expect_error(name, 2, EINVAL);
}

TEST_F(SysfsTest, ANameMayHoldAnyOtherByte) {
    const std::string name = "a,b=(\xff)";
    netdevice(vmbus_device(netvsc_class), name, 2);
    expect_facts(name, 2, is_netvsc);
}

// ---- Real netdevices.

// Compares the assumptions of the tests above with the netdevices of this machine.
TEST(RealSysfs, IsMadeAsTheTestsTakeIt) {
    int seen = 0;
    std::error_code error;
    for (const auto &entry : fs::directory_iterator("/sys/class/net", error)) {
        if (!entry.is_symlink())
            continue; // bonding_masters is a file
        EXPECT_TRUE(fs::read_symlink(entry).is_relative()) << entry;
        const std::string name = entry.path().filename();
        int ifindex = 0;
        std::ifstream(entry.path() / "ifindex") >> ifindex;
        const auto facts = Sysfs().netdevice(name, ifindex);
        ASSERT_TRUE(facts) << facts.error().message();
        const fs::path device = entry.path() / "device";
        if (!fs::exists(device)) {
            EXPECT_EQ(*facts, nothing) << name;
            continue;
        }
        ++seen;
        EXPECT_TRUE(fs::is_symlink(device)) << name;
        EXPECT_TRUE(fs::read_symlink(device).is_relative()) << name;
        EXPECT_EQ(fs::read_symlink(device).filename(), fs::canonical(device).filename()) << name;
        EXPECT_TRUE(fs::is_symlink(device / "subsystem")) << name;
        const std::string bus = fs::read_symlink(device / "subsystem").filename();
        if (bus == "pci") {
            ASSERT_TRUE(facts->pci) << name;
            EXPECT_EQ(facts->pci->to_string(), fs::canonical(device).filename()) << name;
        } else if (facts->pci) {
            EXPECT_EQ(bus, "virtio") << name;
            EXPECT_EQ(facts->pci->to_string(), fs::canonical(device).parent_path().filename());
        }
        EXPECT_FALSE(Sysfs().netdevice(name, ifindex + 100'000));
    }
    if (seen == 0)
        GTEST_SKIP() << "no netdevice with a device below it here";
}

} // namespace
} // namespace netvsc
