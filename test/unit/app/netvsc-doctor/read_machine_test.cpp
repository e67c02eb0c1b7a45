// SPDX-License-Identifier: BSD-3-Clause
#include "base/file_lock.hpp"
#include "fake_root.hpp"
#include "netvsc-doctor/read_machine.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/file.h>

#include <rte_build_config.h>

namespace netvsc::doctor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

class ReadMachine : public testing::Test {
protected:
    [[nodiscard]] Machine read(const std::string &plugin = "/opt/driver.so") const {
        return read_machine(root.kernel, root.files(), plugin);
    }
    FakeRoot root;
};

TEST_F(ReadMachine, AnEmptyOneHasNothing) {
    const Machine machine = read();
    EXPECT_FALSE(machine.hyperv);
    EXPECT_THAT(machine.netvscs, IsEmpty());
    EXPECT_THAT(machine.modules, IsEmpty());
    EXPECT_FALSE(machine.hugetlbfs);
    EXPECT_FALSE(machine.iommu);
    EXPECT_EQ(machine.capabilities, 0U);
    EXPECT_FALSE(machine.plugin_exists);
}

TEST_F(ReadMachine, HyperVIsKnownByItsVmbusOrByItsFirmware) {
    root.write("/sys/class/dmi/id/sys_vendor", "Microsoft Corporation");
    root.write("/sys/class/dmi/id/product_name", "Surface");
    EXPECT_FALSE(read().hyperv);
    root.write("/sys/class/dmi/id/product_name", "Virtual Machine");
    EXPECT_TRUE(read().hyperv);
    root.write("/sys/class/dmi/id/sys_vendor", "Others");
    EXPECT_FALSE(read().hyperv);
    root.make_folder("/sys/bus/vmbus/devices/1");
    EXPECT_TRUE(read().hyperv);
}

TEST_F(ReadMachine, NetvscsHaveTheirVfsAddressesAndUppers) {
    root.netvsc("eth0", 2, 1);
    root.netvsc("eth1", 3, 2);
    root.kernel.links[3].flags = IFF_UP;
    root.vf("enP1", 4, 2, "0001:00:02.0", "mlx5_core");
    root.vf("enP2", 5, 9, "0002:00:02.0", "mlx5_core");
    root.add(test::software("eth1.5", 6, test::mac(2)));
    root.make_folder("/sys/class/net/eth1/upper_br0");
    root.kernel.addresses = {test::ipv4(2, 4), test::ipv6(3, 0xfe, 0x80)};
    root.write("/proc/net/route", "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
                                  "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
                                  "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000");
    const Machine machine = read();
    ASSERT_THAT(machine.netvscs, SizeIs(2));
    const auto &[eth0, eth1] = std::tie(machine.netvscs[0], machine.netvscs[1]);
    EXPECT_EQ(eth0.name, "eth0");
    EXPECT_TRUE(eth0.default_route);
    EXPECT_FALSE(eth0.up);
    EXPECT_THAT(eth0.addresses, ElementsAre(test::ipv4(2, 4)));
    EXPECT_THAT(eth0.vfs, IsEmpty());
    EXPECT_FALSE(eth1.default_route);
    EXPECT_TRUE(eth1.up);
    EXPECT_TRUE(eth1.only_link_local());
    EXPECT_THAT(eth1.uppers, ElementsAre("br0"));
    ASSERT_THAT(eth1.vfs, SizeIs(1));
    EXPECT_EQ(eth1.vfs[0].netdevice, "enP1");
    EXPECT_EQ(eth1.vfs[0].pci.to_string(), "0001:00:02.0");
    EXPECT_EQ(eth1.vfs[0].driver, "mlx5_core");
    EXPECT_FALSE(eth1.vfs[0].mana);
}

TEST_F(ReadMachine, AVfMayHaveNoDriverOrBeMana) {
    root.netvsc("eth1", 3, 2);
    root.vf("enP1", 4, 2, "0001:00:02.0", "");
    root.write("/sys/bus/pci/devices/0001:00:02.0/vendor", "0x1414");
    root.write("/sys/bus/pci/devices/0001:00:02.0/device", "0x00ba");
    const Machine machine = read();
    EXPECT_EQ(machine.netvscs.at(0).vfs.at(0).driver, "");
    EXPECT_TRUE(machine.netvscs.at(0).vfs.at(0).mana);
}

TEST_F(ReadMachine, AnIpv6DefaultRouteCountsUnlessItLeadsNowhere) {
    root.netvsc("eth0", 2, 1);
    const std::string any(32, '0');
    const std::string route = any + " 00 " + any + " 00 " + any + " 00000400 0 0 00000003     ";
    root.write("/proc/net/ipv6_route", route + "lo");
    EXPECT_FALSE(read().netvscs.at(0).default_route);
    root.write("/proc/net/ipv6_route", route + "eth0");
    EXPECT_TRUE(read().netvscs.at(0).default_route);
}

TEST_F(ReadMachine, ModulesAreLoadedBuiltInOrInstalled) {
    root.write("/proc/sys/kernel/osrelease", "6.1.0");
    root.make_folder("/sys/module/tun");
    root.write("/lib/modules/6.1.0/modules.builtin", "kernel/net/packet/af_packet.ko");
    root.write("/lib/modules/6.1.0/modules.dep",
               "kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/drivers/vfio/vfio.ko.xz");
    const Machine machine = read();
    EXPECT_THAT(machine.modules, ElementsAre("af_packet", "tun", "vfio_pci"));
    EXPECT_THAT(machine.loaded_modules, ElementsAre("tun"));
}

TEST_F(ReadMachine, SocketFamiliesNeedNoModule) {
    EXPECT_FALSE(read().xdp_sockets);
    root.write("/proc/net/protocols", "protocol  size sockets\nPACKET    1472     0\nXDP  960  0");
    EXPECT_THAT(read().modules, ElementsAre("af_packet"));
    EXPECT_TRUE(read().xdp_sockets);
}

TEST_F(ReadMachine, HugepagesAreCountedBySize) {
    root.write("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512");
    root.write("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "12");
    root.write("/sys/kernel/mm/hugepages/other/nr_hugepages", "7");
    root.write("/proc/mounts", "hugetlbfs /dev/hugepages hugetlbfs rw 0 0");
    const Machine machine = read();
    EXPECT_THAT(machine.hugepages, ElementsAre(Pair(2048, 512)));
    EXPECT_THAT(machine.free_hugepages, ElementsAre(Pair(2048, 12)));
    EXPECT_TRUE(machine.hugetlbfs);
}

TEST_F(ReadMachine, TheProcessHasCapabilitiesProcessorsAndDeviceFiles) {
    root.write("/proc/self/status",
               "Name:\tx\nCapEff:\t0000000000003000\nCpus_allowed_list:\t1,4-6");
    root.write("/dev/net/tun", "");
    const Machine machine = read();
    EXPECT_TRUE(machine.has_capability(CAP_NET_ADMIN));
    EXPECT_TRUE(machine.has_capability(CAP_NET_RAW));
    EXPECT_FALSE(machine.has_capability(CAP_SYS_ADMIN));
    EXPECT_THAT(machine.cpus, ElementsAre(1, 4, 5, 6));
    EXPECT_THAT(machine.device_files, ElementsAre("/dev/net/tun"));
}

TEST_F(ReadMachine, DpdkIsBesideItsDriverFolder) {
    const std::filesystem::path pmds = RTE_EAL_PMD_PATH;
    const std::string libraries = pmds.parent_path().parent_path();
    root.write(pmds / "librte_net_tap.so", "");
    root.write(libraries + "/librte_eal.so.99", "");
    root.write(libraries + "/librte_eal.so.99.1", "");
    const Machine machine = read();
    EXPECT_EQ("pmds-" + machine.built_for, pmds.filename());
    EXPECT_THAT(machine.pmds, ElementsAre("librte_net_tap.so"));
    EXPECT_THAT(machine.eal_versions, ElementsAre("99.1"));
}

TEST_F(ReadMachine, AnOpenFolderAboveThePluginIsFound) {
    root.write("/opt/netvsc/driver.so", "");
    EXPECT_TRUE(read("/opt/netvsc/driver.so").plugin_exists);
    EXPECT_EQ(read("/opt/netvsc/driver.so").open_folder, "");
    std::filesystem::permissions(root.path("/opt"), std::filesystem::perms::all);
    EXPECT_EQ(read("/opt/netvsc/driver.so").open_folder, "/opt");
}

TEST_F(ReadMachine, LeftoversAreEntriesThatNobodyHolds) {
    root.write("/run/vdev_netvsc/0001:00:02.0", "vfio-pci");
    root.write("/run/vdev_netvsc/xdp-1-3", "");
    const auto held = FileDescriptor::open(root.path("/run/vdev_netvsc/xdp-1-3"), O_RDWR);
    ASSERT_TRUE(held && try_lock_file(*held));
    EXPECT_THAT(read().leftovers, ElementsAre("0001:00:02.0"));
}

TEST_F(ReadMachine, HugepageFilesThatNobodyHasLockedAreLeftovers) {
    root.write("/proc/mounts", "none /dev/hugepages hugetlbfs rw 0 0\ntmpfs /tmp tmpfs rw 0 0");
    for (const char *file : {"/dev/hugepages/rtemap_0", "/dev/hugepages/rtemap_1",
                             "/dev/hugepages/rtemap_2", "/dev/hugepages/amap_7",
                             "/dev/hugepages/rtemap_x", "/dev/hugepages/qemu", "/tmp/rtemap_0"})
        root.write(file, "1234567");
    const auto held = FileDescriptor::open(root.path("/dev/hugepages/rtemap_1"), O_RDONLY);
    ASSERT_TRUE(held && flock(held->get(), LOCK_SH) == 0);
    const auto found = read().hugepage_files;
    ASSERT_EQ(found.size(), 2);
    EXPECT_EQ(found.at("/dev/hugepages/rtemap_").count, 2);
    EXPECT_EQ(found.at("/dev/hugepages/rtemap_").bytes, 16);
    EXPECT_EQ(found.at("/dev/hugepages/amap_").count, 1);
}

TEST_F(ReadMachine, KeepaliveAreasThatNobodyHasLockedAreLeftovers) {
    for (const char *file : {"/dev/shm/dpdk_keepalive_shm_name",
                             "/dev/shm/dpdk_keepalive_shm_name2", "/dev/shm/other"})
        root.write(file, "");
    const auto held = FileDescriptor::open(root.path("/dev/shm/dpdk_keepalive_shm_name2"), O_RDWR);
    ASSERT_TRUE(held && try_lock_file(*held));
    EXPECT_THAT(read().abandoned_areas, ElementsAre("/dpdk_keepalive_shm_name"));
}

// The kernel itself answers. Every network namespace has lo.
TEST(ListNetdevices, NamesThoseOfTheKernel) {
    const auto kernel = list_netdevices();
    ASSERT_TRUE(kernel) << kernel.error().message();
    EXPECT_TRUE(std::ranges::any_of(kernel->links,
                                    [](const auto &entry) { return entry.second.name == "lo"; }));
}

} // namespace
} // namespace netvsc::doctor
