#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""scripts/run on Hyper-V, over a sysfs of the test's own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))

from show import hyperv, testpmd_arguments  # noqa: E402
from show.table import table  # noqa: E402

MAC0, MAC1, MAC2 = (f"00:15:5d:00:00:0{number}" for number in range(3))


class FakeSysfs:
    """A sysfs tree in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "class/net").mkdir(parents=True)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")

    def link(self, path: str, target: str) -> None:
        (self.root / target).mkdir(parents=True, exist_ok=True)
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).symlink_to(self.root / target)

    def netdevice(self, name: str, mac: str, device: str = "") -> None:
        self.write(f"class/net/{name}/address", mac)
        if device:
            self.link(f"class/net/{name}/device", device)

    def netvsc(self, name: str, mac: str, uppers: tuple[str, ...] = ()) -> None:
        self.netdevice(name, mac, f"devices/vmbus/{name}")
        self.write(f"devices/vmbus/{name}/class_id", hyperv.NETVSC_CLASS)
        for upper in uppers:
            self.link(f"class/net/{name}/upper_{upper}", f"class/net/{upper}")

    def vf(self, name: str, mac: str, pci: str, driver: str = "mlx5_core") -> None:
        self.netdevice(name, mac, f"devices/{pci}")
        if not (self.root / f"devices/{pci}/driver").exists():
            self.link(f"devices/{pci}/subsystem", "bus/pci")
            self.link(f"devices/{pci}/driver", f"bus/pci/drivers/{driver}")


class WithSysfs(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.sysfs = FakeSysfs(self.folder / "sys")

    def interfaces(self, **addresses: list[str]) -> list[hyperv.Interface]:
        return hyperv.interfaces(self.sysfs.root, addresses)


class Interfaces(WithSysfs):
    def test_hyperv_is_recognized_by_a_netvsc_or_by_the_firmware(self) -> None:
        self.sysfs.netdevice("eth9", MAC1)
        self.assertFalse(hyperv.is_hyperv(self.sysfs.root))
        self.sysfs.write("class/dmi/id/sys_vendor", "Microsoft Corporation")
        self.sysfs.write("class/dmi/id/product_name", "Surface Laptop")
        self.assertFalse(hyperv.is_hyperv(self.sysfs.root))
        self.sysfs.write("class/dmi/id/product_name", "Virtual Machine")
        self.assertTrue(hyperv.is_hyperv(self.sysfs.root))

    def test_a_netvsc_alone_shows_hyperv(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        self.assertTrue(hyperv.is_hyperv(self.sysfs.root))

    def test_a_vf_belongs_to_the_netvsc_with_its_address(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        self.sysfs.netvsc("eth1", MAC1)
        self.sysfs.vf("enP1s1", MAC1, "0001:00:02.0")
        self.sysfs.netdevice("vlan1", MAC1)  # virtual: same address, no device
        self.assertEqual(self.interfaces(eth0=["10.0.0.4/24"]), [
            hyperv.Interface("eth0", MAC0, addresses=("10.0.0.4/24",)),
            hyperv.Interface("eth1", MAC1, vfs=(hyperv.Vf("enP1s1", "0001:00:02.0", "mlx5_core"),))])

    def test_a_vf_without_a_driver(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        self.sysfs.vf("enP1s1", MAC0, "0001:00:02.0")
        (self.sysfs.root / "devices/0001:00:02.0/driver").unlink()
        self.assertEqual(self.interfaces()[0].vfs[0].driver, "none")

    def test_free_hugepages(self) -> None:
        self.assertFalse(hyperv.free_hugepages(self.sysfs.root))
        self.sysfs.write("kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "0")
        self.assertFalse(hyperv.free_hugepages(self.sysfs.root))
        self.sysfs.write("kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "4")
        self.assertTrue(hyperv.free_hugepages(self.sysfs.root))


class Choice(WithSysfs):
    def test_those_in_use_are_left_alone(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        self.sysfs.netvsc("eth1", MAC1)
        self.sysfs.netvsc("eth2", MAC2, uppers=("br0",))
        found = self.interfaces(eth0=["fe80::1/64"])
        self.assertEqual([interface.name for interface in hyperv.choose(found, [])], ["eth1"])
        self.assertEqual([interface.in_use() for interface in found], ["has an address", "", "is below br0"])

    def test_a_named_one_is_taken_nevertheless_and_once(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        found = self.interfaces(eth0=["10.0.0.4/24"])
        self.assertEqual(hyperv.choose(found, ["eth0", "eth0"]), found)

    def test_an_unknown_name_is_an_error(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        with self.assertRaisesRegex(hyperv.HyperVError, "lo is not a NetVSC interface.*eth0"):
            hyperv.choose(self.interfaces(), ["lo"])


class Command(WithSysfs):
    def pci_arguments(self, *taken: str) -> list[str]:
        found = self.interfaces()
        return hyperv.pci_arguments(found, hyperv.choose(found, taken))

    def command(self, *extra: str, hugepages: bool = True, interactive: bool = False) -> list[str]:
        found = self.interfaces(eth0=["10.0.0.4/24"])
        return hyperv.testpmd_command(found, hyperv.choose(found, []), "plugin.so", hugepages, extra, interactive)

    def test_vfs_of_others_are_kept_from_eal(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        self.sysfs.netvsc("eth1", MAC1)
        self.sysfs.vf("enP1s1", MAC0, "0001:00:02.0")
        self.sysfs.vf("enP2s1", MAC1, "0002:00:02.0")
        self.assertEqual(self.pci_arguments("eth1"), ["-b", "0001:00:02.0"])
        self.assertEqual(self.pci_arguments("eth0", "eth1"), [])

    def test_ports_of_one_mana_function_are_separated(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        for name, mac in (("eth1", MAC1), ("eth2", MAC2)):
            self.sysfs.netvsc(name, mac)
        for name, mac in (("enP0", MAC0), ("enP1", MAC1), ("enP2", MAC2)):
            self.sysfs.vf(name, mac, "7870:00:00.0", "mana")
        self.assertEqual(self.pci_arguments("eth1", "eth2"), ["-a", f"7870:00:00.0,mac={MAC1},mac={MAC2}"])

    def test_the_whole_line(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        self.sysfs.netvsc("eth1", MAC1)
        self.sysfs.netvsc("a(b", MAC2)
        self.assertEqual(self.command(), [
            "dpdk-testpmd", "-d", "plugin.so", f"--vdev=net_vdev_netvsc0,mac={MAC2}",
            "--vdev=net_vdev_netvsc1,iface=eth1", "--", "--stats-period=1"])
        self.assertEqual(self.command(interactive=True)[-1], "-i")

    def test_arguments_of_the_user(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        self.sysfs.vf("enP1s1", MAC0, "0001:00:02.0")
        self.sysfs.netvsc("eth1", MAC1)
        words = self.command("-l", "0-3", "-a", "0002:00:02.0", "--", "--nb-cores=2", hugepages=False)
        self.assertEqual(words[4:], ["--no-huge", "-m", "512", "-l", "0-3", "-a", "0002:00:02.0", "--",
                                     f"--total-num-mbufs={hyperv.MBUFS}", "--nb-cores=2"])

    def test_split(self) -> None:
        self.assertEqual(testpmd_arguments.split([]), ([], []))
        self.assertEqual(testpmd_arguments.split(["-i", "--rxq=2"]), ([], ["-i", "--rxq=2"]))
        self.assertEqual(testpmd_arguments.split(["-l", "0", "--", "-i"]), (["-l", "0"], ["-i"]))
        self.assertEqual(testpmd_arguments.split(["-l", "0", "--"]), (["-l", "0"], []))

    def test_modules_for_the_vfs_taken(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        self.sysfs.vf("enP1s1", MAC0, "0001:00:02.0")
        self.assertEqual([name for name in hyperv.modules(self.interfaces()) if name != "tun"],
                         ["ib_uverbs", "mlx5_ib"])
        self.assertNotIn("ib_uverbs", hyperv.modules([]))


class Running(WithSysfs):
    def run_shell(self, script: str) -> int:
        plugin, staged = self.folder / "plugin.so", self.folder / "staging" / "plugin.so"
        plugin.write_text("content")
        program = (f"import sys; sys.path.insert(0, {str(TOP / 'scripts')!r}); from pathlib import Path\n"
                   f"from show.hyperv import run_testpmd\n"
                   f"sys.exit(run_testpmd(['/bin/sh', '-c', {script!r}],"
                   f" Path({str(plugin)!r}), Path({str(staged)!r})))")
        done = subprocess.run([sys.executable, "-B", "-c", program], check=False, cwd=self.folder)
        self.assertFalse(staged.parent.exists())
        return done.returncode

    def test_the_plugin_is_there_and_the_status_is_testpmds(self) -> None:
        self.assertEqual(self.run_shell("grep -q content staging/plugin.so && exit 3"), 3)

    def test_testpmd_killed(self) -> None:
        self.assertEqual(self.run_shell("kill -SEGV $$"), 128 + 11)

    def test_terminated_it_ends_testpmd_and_cleans_up(self) -> None:
        # A shell in `wait` could miss a signal that comes just before.
        self.assertEqual(self.run_shell("trap 'echo ended >ended; exit' TERM; kill -TERM $PPID; while :; do sleep 0.1; done"),
                         128 + 15)
        self.assertTrue((self.folder / "ended").exists())

    def test_interrupted_it_waits_for_testpmd(self) -> None:
        self.assertEqual(self.run_shell("kill -INT $PPID; sleep 0.2; exit 4"), 4)

    def test_no_staging_below_a_folder_anybody_may_write_to(self) -> None:
        self.folder.chmod(0o777)
        with self.assertRaisesRegex(hyperv.HyperVError, "none of"):
            hyperv.staging_parent([str(self.folder), "/nowhere"])


class Script(WithSysfs):
    """scripts/run --dry-run."""

    def setUp(self) -> None:
        super().setUp()
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "ip").write_text(
            '#!/bin/sh\necho \'[{"ifname":"eth0","addr_info":[{"local":"10.0.0.4","prefixlen":24}]},{}]\'\n')
        (programs / "ip").chmod(0o755)
        doctor = self.folder / "build/app/netvsc-doctor/netvsc-doctor"
        doctor.parent.mkdir(parents=True)
        doctor.write_text("#!/bin/sh\necho doctor \"$@\"\nexit 1\n")
        doctor.chmod(0o755)
        self.environment = {**os.environ, "NETVSC_SYSFS": str(self.sysfs.root), "BUILD_DIR": str(self.folder / "build"),
                            "PATH": f"{programs}:{os.environ['PATH']}"}

    def dry_run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(TOP / "scripts/run"), "--dry-run", *arguments], env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def test_the_free_interface_is_taken(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        self.sysfs.vf("enP1s1", MAC0, "0001:00:02.0")
        self.sysfs.netvsc("eth1", MAC1)
        done = self.dry_run("--", "--rxq=2")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        doctor, *lines = done.stdout.splitlines()
        self.assertEqual(doctor, f"doctor --plugin {self.folder}/build/drivers/net/vdev_netvsc/{hyperv.PLUGIN}")
        rows = [line.split("  ") for line in lines]
        self.assertEqual(rows[1][0], "eth0")
        self.assertIn("left alone: has an address", rows[1][-1])
        self.assertEqual((rows[2][0], rows[2][-1]), ("eth1", "taken"))
        words = shlex.split(done.stdout.splitlines()[-1])
        self.assertIn("--vdev=net_vdev_netvsc0,iface=eth1", words)
        self.assertEqual(words[words.index("-b") + 1], "0001:00:02.0")
        self.assertEqual(words[-1], "--rxq=2")

    def test_none_is_free(self) -> None:
        self.sysfs.netvsc("eth0", MAC0)
        done = self.dry_run()
        self.assertEqual(done.returncode, 1)
        self.assertIn("--iface NAME takes one nevertheless", done.stderr)
        done = self.dry_run("--iface", "eth0")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("taken, as named (has an address)", done.stdout)

    def test_hyperv_without_netvsc(self) -> None:
        self.sysfs.write("class/dmi/id/sys_vendor", "Microsoft Corporation")
        self.sysfs.write("class/dmi/id/product_name", "Virtual Machine")
        done = self.dry_run()
        self.assertEqual(done.returncode, 1)
        self.assertIn("no NetVSC interface", done.stderr)

    def test_elsewhere_the_lab(self) -> None:
        done = self.dry_run()
        self.assertEqual(done.returncode, 0)
        self.assertIn("the lab", done.stdout)

    def test_wrong_arguments(self) -> None:
        for arguments in (["--ifcae"], ["--iface"], ["--vf-model", "ne2000"], ["--pps=0"], ["--pps", "many"]):
            with self.subTest(arguments=arguments):
                done = self.dry_run(*arguments)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn(arguments[0].partition("=")[0], done.stderr)


class Table(unittest.TestCase):
    def test_columns(self) -> None:
        self.assertEqual(table(["a", "number"], [["long", "1"], ["b", ""]], right=["number"]),
                         "a     number\nlong       1\nb")


if __name__ == "__main__":
    unittest.main()
