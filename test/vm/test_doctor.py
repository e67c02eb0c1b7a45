# SPDX-License-Identifier: BSD-3-Clause
"""netvsc-doctor over hv_netvsc: what it finds is so, its fix works, and testpmd runs by its command line."""

from __future__ import annotations

import json
import re
import shlex
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import OverHyperV  # noqa: E402
from lab.guest import Completed  # noqa: E402
from lab.testpmd import stage_plugins  # noqa: E402
from support import BUILD, DRIVER, MACS, PATIENCE_S, end, wait_for  # noqa: E402

DOCTOR = str(BUILD / "app/netvsc-doctor/netvsc-doctor")
VF = "vf"


@unittest.skipIf(DRIVER == "intree", "it is about this driver")
class Doctor(OverHyperV):
    """nv0 is free, nv1 has an address and the default route."""

    netvscs = 2

    def setUp(self) -> None:
        super().setUp()
        used = self.names[1]
        self.guest.run(f"ip link set {used} up; ip addr add 192.0.2.1/24 dev {used}; "
                       f"ip route replace default via 192.0.2.2 dev {used}")
        [self.plugin] = stage_plugins(self.guest, [DRIVER])

    def doctor(self, *arguments: str) -> Completed:
        return self.guest.run([DOCTOR, "--plugin", self.plugin, *arguments], check=False)

    def report(self, status: int) -> dict[str, Any]:
        done = self.doctor("--json")
        self.assertEqual((done.returncode, done.stderr), (status, ""), done.stdout)
        return json.loads(done.stdout)

    @staticmethod
    def findings(report: dict[str, Any], subject: str) -> list[tuple[str, str, str]]:
        return [(finding["verdict"], finding["text"], finding["fix"]) for finding in report["findings"]
                if finding["subject"] == subject]

    def test_free_netvsc(self) -> None:
        free, used = self.names
        report = self.report(0)
        self.assertTrue(report["hyperv"])
        self.assertEqual({one["netdevice"]: (one["mac"], one["default_route"], one["taken"]) for one in report["netvscs"]},
                         {free: (MACS[0], False, True), used: (MACS[1], True, False)})
        self.assertEqual(self.findings(report, used), [("note", "a default route leads out by it: left to the system", "")])
        self.assertEqual([verdict for verdict, _, _ in self.findings(report, "fallback=tap")], ["ok"], report)
        shown = self.doctor()
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        print(shown.stdout, flush=True)
        command = shown.stdout.splitlines()[-1].strip()
        self.assertEqual(shlex.split(command), report["command"])

        # What it ends with works. The lab has NICs of its own, which EAL must not take.
        words = shlex.split(command)
        words[1:1] = self.blocked()
        testpmd = self.guest.spawn("doctor", words)
        self.addCleanup(end, testpmd)
        testpmd.expect("testpmd> ", PATIENCE_S)
        self.assertEqual(re.findall(r"(net_failsafe_vsc\d+) attached to netdevice (\S+)", testpmd.output()),
                         [("net_failsafe_vsc0", free)])
        testpmd.send("quit\n")
        self.assertEqual(testpmd.wait(PATIENCE_S), 0)

    def test_vf_of_a_netvsc_that_is_down(self) -> None:
        free = self.names[0]
        name = self.plug(VF, MACS[0])
        self.guest.run(f"ip link set {free} down")
        report = self.report(1)
        address = self.machine.pci_address(VF)
        self.assertEqual(report["netvscs"][0]["vfs"],
                         [{"netdevice": name, "pci": address, "driver": "e1000e", "mana": False}])
        [(_, _, fix)] = [finding for finding in self.findings(report, free) if finding[0] == "error"]
        self.guest.run(fix)
        wait_for("a link-local address", lambda: "fe80:" in self.guest.run(f"ip -o addr show dev {free}").stdout, PATIENCE_S)
        [(_, text, fix), (_, vf, _)] = self.findings(self.report(0), free)
        self.assertIn("IPv6 link-local address fe80:", text)
        self.assertIn("no PMD shares a VF with the kernel driver e1000e", vf)
        self.guest.run(fix)
        self.assertEqual(len(self.findings(self.report(0), free)), 1)
        self.guest.run(fix.replace("=1", "=0"))

    def test_leftovers(self) -> None:
        """A killed testpmd leaves hugepages and its keepalive area; the fix removes the files of no process that lives."""
        self.guest.run("echo 64 > /proc/sys/vm/nr_hugepages && mkdir -p /dev/hugepages && "
                       "mount -t hugetlbfs none /dev/hugepages")
        self.assertEqual(self.findings(self.report(0), "leftovers"), [])
        spawned = []
        for prefix in "dead", "alive":
            testpmd = self.guest.spawn(prefix, [
                "dpdk-testpmd", "--lcores=0,1@0", "-m", "32", *self.blocked(), "--file-prefix", prefix, "-d", self.plugin,
                f"--vdev=net_vdev_netvsc0,iface={self.names[0]},keepalive=1000,keepalive_shm=/dpdk_keepalive_shm_name_{prefix}"
                if prefix == "dead" else "--vdev=net_null0", "--", "-i", "--total-num-mbufs=2048"])
            self.addCleanup(end, testpmd)
            testpmd.expect("testpmd> ", PATIENCE_S)
            spawned.append(testpmd)
        self.assertEqual(self.findings(self.report(0), "leftovers"), [])
        self.guest.run(f"kill -9 {spawned[0].pid}")
        spawned[0].wait(PATIENCE_S)
        found = self.findings(self.report(0), "leftovers")
        print(self.doctor().stdout, flush=True)
        [(text, fix)] = [(text, fix) for verdict, text, fix in found if verdict == "warning"]
        self.assertRegex(text, r"^\d+ files /dev/hugepages/deadmap_\*, whose process has ended, use \d+ MB")
        self.assertTrue(any("keepalive area /dpdk_keepalive_shm_name_dead:" in text for _, text, _ in found), found)
        self.guest.run(fix.replace("deadmap_", "*map_"))  # as a user who is in a hurry
        left = self.guest.run("ls /dev/hugepages").stdout.split()
        self.assertTrue(left)
        self.assertEqual({name.partition("map_")[0] for name in left}, {"alive"})

    def test_names(self) -> None:
        done = self.doctor("--iface", "none")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, "netvsc-doctor: --iface none: expected a NetVSC netdevice\n")
        named = self.doctor("--iface", self.names[1])
        self.assertRegex(named.stdout, rf"warning +{self.names[1]} +a default route leads out by it: the application takes")
        self.assertIn(f"iface={self.names[1]}", named.stdout.splitlines()[-1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
