// SPDX-License-Identifier: BSD-3-Clause
#include "fake_root.hpp"
#include "netvsc-doctor/command_line.hpp"
#include "netvsc-doctor/fallbacks.hpp"
#include "netvsc-doctor/options.hpp"
#include "netvsc-doctor/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>

namespace netvsc::doctor {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

constexpr std::uint64_t bit(unsigned capability) { return 1UL << capability; }

NetvscFacts free_netvsc(const std::string &name, int ifindex, const std::string &pci = "") {
    NetvscFacts netvsc{.name = name, .ifindex = ifindex, .mac = test::mac(1), .up = true};
    if (!pci.empty())
        netvsc.vfs.push_back({.netdevice = name + "vf",
                              .pci = PciAddress::parse(pci).value(),
                              .driver = "mlx5_core"});
    return netvsc;
}

/// Has all that the driver needs, and one NetVSC with a VF.
Machine healthy() {
    Machine machine;
    machine.hyperv = true;
    machine.netvscs = {free_netvsc("eth1", 3, "0001:00:02.0")};
    machine.modules = {"tun",      "sch_ingress", "sch_multiq", "cls_flower", "act_mirred",
                       "act_gact", "act_skbedit", "af_packet",  "ib_uverbs",  "mlx5_ib"};
    machine.loaded_modules = machine.modules;
    machine.device_files = {"/dev/net/tun"};
    machine.hugepages = machine.free_hugepages = {{2048, 512}};
    machine.hugetlbfs = true;
    machine.capabilities = bit(CAP_NET_ADMIN) | bit(CAP_NET_RAW);
    machine.cpus = {0, 1, 2, 3};
    machine.pmds = {"librte_net_tap.so", "librte_net_af_packet.so", "librte_net_mlx5.so"};
    machine.pmd_folder = "/usr/lib/dpdk/pmds-23.0";
    machine.built_for = "23.0";
    machine.eal_versions = {"23.0"};
    machine.plugin = "/usr/lib/driver.so";
    machine.plugin_exists = true;
    return machine;
}

Report examined(Machine machine, const std::vector<std::string> &names = {}) {
    EXPECT_TRUE(choose(machine, names));
    return examine(std::move(machine));
}

/// The findings that are not ok and not for information only, as "warning eth1: ...; fix: ...".
std::vector<std::string> problems(const Report &report) {
    std::vector<std::string> texts;
    for (const auto &[verdict, subject, text, fix] : report.findings) {
        if (verdict == Verdict::warning || verdict == Verdict::error)
            texts.push_back(std::string(name_of(verdict)) + " " + subject + ": " + text +
                            (fix.empty() ? "" : "; fix: " + fix));
    }
    return texts;
}

std::string command(const Report &report) { return quoted(report.command); }

// ---- A healthy machine.

TEST(Doctor, FindsNoProblemOnAHealthyMachine) {
    const Report report = examined(healthy());
    EXPECT_THAT(problems(report), IsEmpty());
    EXPECT_FALSE(report.has_error());
    EXPECT_EQ(command(report), "dpdk-testpmd --lcores=0,1 -d /usr/lib/driver.so "
                               "--vdev=net_vdev_netvsc0,iface=eth1 -- -i");
}

// ---- Netdevices.

TEST(Doctor, WithoutNetvscThereIsNoCommand) {
    Machine machine = healthy();
    machine.netvscs.clear();
    machine.hyperv = false;
    const Report report = examined(std::move(machine));
    EXPECT_THAT(problems(report), ElementsAre(HasSubstr("warning Hyper-V: no VMBus"),
                                              HasSubstr("error NetVSC: there is no NetVSC")));
    EXPECT_TRUE(report.has_error());
    EXPECT_THAT(report.command, IsEmpty());
    EXPECT_THAT(text_of(report), HasSubstr("No command line works"));
}

TEST(Doctor, LeavesWhatTheSystemUses) {
    Machine machine = healthy();
    machine.netvscs.push_back(free_netvsc("eth0", 2, "0002:00:02.0"));
    machine.netvscs.back().default_route = true;
    machine.netvscs.push_back(free_netvsc("eth2", 4));
    machine.netvscs.back().addresses = {test::ipv4(4, 4)};
    machine.netvscs.push_back(free_netvsc("eth3", 5));
    machine.netvscs.back().uppers = {"br0"};
    const Report report = examined(std::move(machine));
    EXPECT_THAT(problems(report), IsEmpty());
    EXPECT_THAT(
        report.findings,
        IsSupersetOf({Finding{Verdict::note, "eth0",
                              "a default route leads out by it: left to the system", ""},
                      Finding{Verdict::note, "eth2",
                              "it has the address 10.0.0.4/24: left to the system", ""},
                      Finding{Verdict::note, "eth3", "it is below br0: left to the system", ""}}));
    EXPECT_THAT(command(report),
                HasSubstr("--vdev=net_vdev_netvsc0,iface=eth1 -b 0002:00:02.0 --"));
}

TEST(Doctor, TakesOneInUseOnlyByName) {
    Machine machine = healthy();
    machine.netvscs[0].addresses = {test::ipv4(3, 4)};
    const Report left = examined(machine);
    EXPECT_THAT(problems(left), ElementsAre(HasSubstr("error NetVSC: the system uses every")));
    const Report named = examined(machine, {"eth1"});
    EXPECT_THAT(problems(named), ElementsAre(HasSubstr("warning eth1: it has the address "
                                                       "10.0.0.4/24: the application takes")));
    EXPECT_THAT(command(named), HasSubstr("iface=eth1"));
    EXPECT_FALSE(choose(machine, std::vector<std::string>{"eth9"}));
}

TEST(Doctor, ALinkLocalAddressHidesANetvsc) {
    Machine machine = healthy();
    machine.netvscs[0].addresses = {test::ipv6(3, 0xfe, 0x80)};
    EXPECT_THAT(problems(examined(std::move(machine))),
                ElementsAre("warning eth1: its IPv6 link-local address fe80::/64 hides it from an "
                            "instance without iface= and mac=; fix: sysctl -w "
                            "net/ipv6/conf/eth1/disable_ipv6=1"));
}

TEST(Doctor, ANetvscThatIsDownWithAVfIsSetUpFirst) {
    Machine machine = healthy();
    machine.netvscs[0].up = false;
    EXPECT_THAT(problems(examined(machine)),
                ElementsAre(testing::AllOf(HasSubstr("error eth1: it is down and has a VF"),
                                           HasSubstr("fix: ip link set dev eth1 up"))));
    machine.netvscs[0].vfs.clear();
    EXPECT_THAT(problems(examined(std::move(machine))), IsEmpty());
}

TEST(Doctor, ANameThatIsNotSafeIsChangedFirst) {
    Machine machine = healthy();
    machine.netvscs[0].name = "a,b";
    const Report report = examined(machine);
    EXPECT_THAT(problems(report), ElementsAre(HasSubstr("fix: ip link set dev a,b down && "
                                                        "ip link set dev a,b name nv3")));
    EXPECT_THAT(command(report), HasSubstr("mac=00:15:5d:00:00:01"));
    machine.netvscs[0].name = "a\x1b;b";
    EXPECT_THAT(text_of(examined(std::move(machine))), Not(HasSubstr("\x1b")));
}

// ---- VFs.

TEST(Doctor, MlxNeedsItsRdmaModulesAndItsPmd) {
    Machine machine = healthy();
    machine.loaded_modules.erase("mlx5_ib");
    machine.pmds.erase("librte_net_mlx5.so");
    EXPECT_THAT(problems(examined(std::move(machine))),
                ElementsAre(HasSubstr("DPDK's librte_net_mlx5.so is not installed"),
                            HasSubstr("fix: modprobe -a ib_uverbs mlx5_ib")));
}

TEST(Doctor, AVfWithoutDriverIsProbed) {
    Machine machine = healthy();
    machine.netvscs[0].vfs[0].driver.clear();
    EXPECT_THAT(problems(examined(std::move(machine))),
                ElementsAre("warning eth1: VF 0001:00:02.0 has no kernel driver; fix: echo "
                            "0001:00:02.0 >/sys/bus/pci/drivers_probe"));
}

TEST(Doctor, AVfOfAnotherDriverIsTheKernels) {
    Machine machine = healthy();
    machine.netvscs[0].vfs[0].driver = "e1000e";
    EXPECT_THAT(problems(examined(std::move(machine))),
                ElementsAre(HasSubstr("no PMD shares a VF with the kernel driver e1000e")));
}

TEST(Doctor, PortsOfOneManaFunctionAreSeparated) {
    Machine machine = healthy();
    machine.netvscs.push_back(free_netvsc("eth0", 2, "0001:00:02.0"));
    machine.netvscs.back().default_route = true;
    for (NetvscFacts &netvsc : machine.netvscs) {
        netvsc.vfs[0].driver = "mana";
        netvsc.vfs[0].mana = true;
    }
    machine.loaded_modules.insert("mana_ib");
    machine.pmds.insert("librte_net_mana.so");
    const Report report = examined(std::move(machine));
    EXPECT_THAT(problems(report), ElementsAre(HasSubstr("is of MANA")));
    EXPECT_THAT(command(report), HasSubstr("-a 0001:00:02.0,mac=00:15:5d:00:00:01"));
}

// ---- The system.

TEST(Doctor, UsesAnotherFallbackWhereTapLacksAModule) {
    Machine machine = healthy();
    machine.modules.erase("sch_multiq");
    const Report report = examined(machine);
    EXPECT_THAT(problems(report),
                ElementsAre(HasSubstr("warning fallback=tap: the default does not work here: "
                                      "kernel modules sch_multiq missing")));
    EXPECT_THAT(command(report), HasSubstr("iface=eth1,fallback=af_packet"));
    EXPECT_THAT(text_of(report), HasSubstr("it works here: use it in place of tap"));
    machine.modules.erase("af_packet");
    const Report none = examined(std::move(machine));
    EXPECT_THAT(problems(none), ElementsAre(HasSubstr("error fallback=tap")));
    EXPECT_THAT(none.command, IsEmpty());
}

TEST(Doctor, NamesWhatIsMissingForEachFallback) {
    const Machine machine = healthy();
    EXPECT_EQ(missing_for(Fallback::tap, machine).text(), "");
    EXPECT_EQ(missing_for(Fallback::virtio_user, machine).text(),
              "kernel modules vhost_net, cls_matchall, access to /dev/vhost-net, DPDK's "
              "librte_net_virtio.so");
    EXPECT_EQ(missing_for(Fallback::af_xdp, machine).text(),
              "AF_XDP sockets of the kernel, CAP_SYS_ADMIN, DPDK's librte_net_af_xdp.so");
}

TEST(Doctor, AnOrdinaryUserNeedsCapabilities) {
    Machine machine = healthy();
    machine.capabilities = 0;
    EXPECT_THAT(problems(examined(std::move(machine))),
                ElementsAre(HasSubstr("error fallback=tap: the default does not work here: "
                                      "CAP_NET_ADMIN missing")));
}

TEST(Doctor, TunIsLoadedWhereItsDeviceFileIsMissing) {
    Machine machine = healthy();
    machine.device_files.clear();
    EXPECT_THAT(problems(examined(std::move(machine))),
                ElementsAre(HasSubstr("access to /dev/net/tun missing; fix: modprobe -a tun")));
}

TEST(Doctor, DoesWithoutHugepages) {
    Machine machine = healthy();
    machine.hugetlbfs = false;
    const Report report = examined(machine);
    EXPECT_THAT(problems(report), ElementsAre(HasSubstr("fix: mkdir -p /dev/hugepages && mount")));
    EXPECT_THAT(command(report), HasSubstr("--no-huge -m 512 -- -i --total-num-mbufs=32768"));
    machine.free_hugepages = {{2048, 0}};
    EXPECT_THAT(problems(examined(machine)),
                ElementsAre(HasSubstr("warning hugepages: none is free")));
    machine.hugepages = machine.free_hugepages;
    EXPECT_THAT(problems(examined(std::move(machine))),
                ElementsAre(HasSubstr("fix: sysctl -w vm.nr_hugepages=512")));
}

TEST(Doctor, TwoLcoresRunOnOneProcessor) {
    Machine machine = healthy();
    machine.cpus = {5};
    EXPECT_THAT(command(examined(std::move(machine))), HasSubstr("'--lcores=(0,1)@5'"));
}

TEST(Doctor, LeftoversAndVfioAreNotes) {
    Machine machine = healthy();
    machine.leftovers = {"0001:00:02.0"};
    machine.iommu = true;
    const Report report = examined(std::move(machine));
    EXPECT_THAT(problems(report), IsEmpty());
    EXPECT_THAT(text_of(report), HasSubstr("has left the change '0001:00:02.0'"));
    EXPECT_THAT(text_of(report), HasSubstr("the kernel module vfio-pci is missing"));
}

TEST(Doctor, NamesWhatKilledProcessesHaveLeft) {
    Machine machine = healthy();
    machine.hugepage_files = {{"/dev/hugepages/rtemap_", {.count = 3, .bytes = 6UL << 20U}}};
    machine.abandoned_areas = {"/dpdk_keepalive_shm_name"};
    const Report report = examined(std::move(machine));
    EXPECT_THAT(problems(report),
                ElementsAre(AllOf(HasSubstr("warning leftovers: 3 files /dev/hugepages/rtemap_*, "
                                            "whose process has ended, use 6 MB of hugepages"),
                                  HasSubstr("fix: find /dev/hugepages -name 'rtemap_*' -exec flock "
                                            "--nonblock {} rm {} \\;"))));
    EXPECT_THAT(text_of(report),
                HasSubstr("no process has locked the keepalive area /dpdk_keepalive_shm_name"));
}

// ---- DPDK and the driver.

TEST(Doctor, TheDriverSuitsOneDpdkOnly) {
    Machine machine = healthy();
    machine.eal_versions = {"24.1", "25.0"};
    EXPECT_THAT(problems(examined(machine)),
                ElementsAre(HasSubstr("error DPDK: the driver was built for librte_eal 23.0, and "
                                      "installed is 24.1, 25.0")));
    machine.eal_versions.clear();
    EXPECT_THAT(problems(examined(std::move(machine))),
                ElementsAre(HasSubstr("error DPDK: no librte_eal is installed")));
}

TEST(Doctor, TheDriverIsWhereEalAcceptsIt) {
    Machine machine = healthy();
    machine.open_folder = "/tmp";
    EXPECT_THAT(problems(examined(machine)),
                ElementsAre(HasSubstr("anybody may write to /tmp; fix: install -D")));
    machine.plugin_exists = false;
    const Report report = examined(std::move(machine));
    EXPECT_THAT(problems(report), ElementsAre(HasSubstr("/usr/lib/driver.so does not exist")));
    EXPECT_THAT(report.command, IsEmpty());
}

// ---- Output.

TEST(Doctor, ShowsATable) {
    Machine machine = healthy();
    machine.hugetlbfs = false;
    const std::string text = text_of(examined(std::move(machine)));
    EXPECT_THAT(text,
                testing::StartsWith(
                    "NetVSC  MAC address        addresses  VF      PCI address   VF's driver\n"
                    "eth1    00:15:5d:00:00:01  none       eth1vf  0001:00:02.0  mlx5_core\n"
                    "\n"
                    "ok       Hyper-V"));
    EXPECT_THAT(text, HasSubstr("\nwarning  hugepages "));
    EXPECT_THAT(text, HasSubstr(" fix: mkdir -p /dev/hugepages"));
}

TEST(Doctor, JsonHasTheSame) {
    const Report report = examined(healthy());
    const auto json = json_of(report);
    EXPECT_EQ(json["hyperv"], true);
    EXPECT_EQ(json["netvscs"][0]["netdevice"], "eth1");
    EXPECT_EQ(json["netvscs"][0]["taken"], true);
    EXPECT_EQ(json["netvscs"][0]["vfs"][0]["pci"], "0001:00:02.0");
    EXPECT_EQ(json["findings"].size(), report.findings.size());
    EXPECT_EQ(json["findings"][0]["verdict"], "ok");
    EXPECT_EQ(json["command"], nlohmann::json(report.command));
}

TEST(Doctor, QuotesForAShell) {
    EXPECT_EQ(quoted(std::vector<std::string>{"a b", "it's", "", "-x=1"}),
              "'a b' 'it'\\''s' '' -x=1");
}

TEST(DoctorOptions, AreRead) {
    const auto options = Options::parse(
        std::vector<const char *>{"--iface", "eth1", "--iface", "eth2", "--json", "--root", "/x"});
    ASSERT_TRUE(options) << options.error();
    EXPECT_THAT(options->interfaces, ElementsAre("eth1", "eth2"));
    EXPECT_TRUE(options->json);
    EXPECT_EQ(options->root, "/x");
    EXPECT_THAT(options->plugin, testing::EndsWith("/librte_net_vdev_netvsc.so"));
}

TEST(DoctorOptions, WrongOnesAreNamed) {
    EXPECT_EQ(Options::parse(std::vector<const char *>{"--iface"}).error(),
              "--iface wants a value");
    EXPECT_EQ(Options::parse(std::vector<const char *>{"--x"}).error(), "unknown argument '--x'");
}

} // namespace
} // namespace netvsc::doctor
