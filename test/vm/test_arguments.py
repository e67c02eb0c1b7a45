# SPDX-License-Identifier: BSD-3-Clause
"""Wrong, early and unusual arguments: the message for testpmd's user, and the ports that exist."""

from __future__ import annotations

import re
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import OverHyperV  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import MACS, device_names, ports, wait_for  # noqa: E402


class Arguments(OverHyperV):
    netvscs = 2

    def rename(self, old: str, new: str) -> None:
        """For the length of the case."""
        self.guest.run(["ip", "link", "set", "dev", old, "name", new])
        self.addCleanup(self.guest.run, f"[ ! -e '/sys/class/net/{new}' ] || ip link set dev '{new}' down name {old}")

    def assert_said(self, testpmd: Testpmd, pattern: str) -> None:
        """A line of the driver's log that has come, or comes."""
        wait_for(pattern, lambda: re.search(rf"\bvdev_netvsc: .*{pattern}", testpmd.process.output(), re.M))

    def wait_ports(self, testpmd: Testpmd, *names: str) -> None:
        """Waits until these, in any order, are the ports."""
        wait_for(f"ports {names}", lambda: sorted(device_names(testpmd)) == sorted(names))

    def test_bad_ones_name_the_argument_and_others_go_on(self) -> None:
        self.guest.run("ip tuntap add dev tun7 mode tun")
        self.addCleanup(self.guest.run, "ip link del tun7")
        testpmd = self.run_testpmd(*(f"--vdev=net_vdev_netvsc{number},{arguments}" for number, arguments in enumerate((
            "nonsense=1", f"iface={self.names[1]},mac=00:15:5d:00:00", "iface=lo", "iface=tun7", "force=2",
            f"iface={self.names[0]}", "iface=sixteen-letters-", "hotplug_poll=0"))))
        for number, message in enumerate((
                "unknown argument 'nonsense': expected iface, mac, ", "argument 'mac=00:15:5d:00:00': expected .*MAC",
                "argument 'iface=lo': expected an Ethernet", "argument 'iface=tun7': expected an Ethernet",
                "argument 'force=2': expected 0 or 1", "", "argument 'iface=sixteen-letters-': expected .*15 char",
                "argument 'hotplug_poll=0': expected ")):
            with self.subTest(message):
                if message:
                    self.assert_said(testpmd, f"net_vdev_netvsc{number}: {message}.*; nothing is attached")
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.assert_quits(testpmd)

    def test_not_netvsc(self) -> None:
        plain = self.plug("plain", MACS[7])
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={plain}", "-b", self.machine.pci_address("plain"))
        self.assert_said(testpmd, f"net_vdev_netvsc0: netdevice {plain} not attached: expected a NetVSC .*force=1")
        self.assertEqual(ports(testpmd), [])
        self.assert_quits(testpmd)

    def test_routed_one_that_is_named(self) -> None:
        name = self.names[0]
        self.guest.run(f"ip addr add 192.0.2.1/24 dev {name}")
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={name}")
        self.assert_said(testpmd, f"net_vdev_netvsc0: {name} has an IP address")
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])

    def test_one_that_is_added_later(self) -> None:
        for number, argument in enumerate((f"iface={self.names[1]}", f"mac={MACS[1]}")):
            with self.subTest(argument):
                self.hide(self.names[1])
                testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,{argument}",
                                           f"--vdev=net_vdev_netvsc1,iface={self.names[0]}")
                self.assert_said(testpmd, f"net_vdev_netvsc0: no netdevice with {argument} yet; waiting")
                self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
                self.show(self.names[1])
                self.wait_ports(testpmd, "net_failsafe_vsc0", "net_failsafe_vsc1")
                self.assert_quits(testpmd)

    def test_one_that_gets_the_name_later(self) -> None:
        testpmd = self.run_testpmd("--vdev=net_vdev_netvsc0,iface=later0")
        self.assertEqual(ports(testpmd), [])
        self.rename(self.names[1], "later0")
        self.wait_ports(testpmd, "net_failsafe_vsc0")
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[1])])

    def test_names_that_would_change_the_arguments(self) -> None:
        for awkward in "a,b", "a(b", "a)b", "a=b", "a[b", "a]b":
            with self.subTest(awkward):
                self.rename(self.names[1], awkward)
                testpmd = self.run_testpmd("--vdev=net_vdev_netvsc0")
                self.assert_said(testpmd, f"net_vdev_netvsc0: netdevice '{re.escape(awkward)}' not attached: its name")
                self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
                self.guest.run(["ip", "link", "set", "dev", awkward, "name", self.names[1]])
                self.wait_ports(testpmd, "net_failsafe_vsc0", "net_failsafe_vsc1")
                self.assert_quits(testpmd)
                self.guest.run(["ip", "link", "set", "dev", self.names[1], "down"])

    def test_name_of_15_characters(self) -> None:
        name = "abcdefghijklmno"
        self.rename(self.names[0], name)
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={name}")
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        testpmd.start()
        switch = self.machine.switch(MACS[0])
        self.addCleanup(switch.stop_traffic)
        switch.wait_return("nv0", switch.start_traffic(200))
        plugged = time.monotonic_ns()
        self.plug("vf", MACS[0])
        switch.wait_return("vf", plugged)
        self.unplug("vf")
        self.assert_quits(testpmd)

    def test_same_netdevice_twice(self) -> None:
        name = self.names[0]
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={name},mac={MACS[0]},iface={name}",
                                   f"--vdev=net_vdev_netvsc1,mac={MACS[0]}")
        self.assert_said(testpmd, f"net_vdev_netvsc0: iface={name} and mac={MACS[0]} name the same netdevice")
        self.assert_said(testpmd, f"net_vdev_netvsc1: mac={MACS[0]}: {name} is already attached by net_failsafe_vsc0")
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.assert_quits(testpmd)

    def test_several_names(self) -> None:
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,mac={MACS[0]},iface={self.names[1]}")
        self.assertEqual(sorted(mac for _, mac in ports(testpmd)), MACS[:2])


if __name__ == "__main__":
    unittest.main(verbosity=2)
