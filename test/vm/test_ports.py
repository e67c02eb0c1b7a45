# SPDX-License-Identifier: BSD-3-Clause
"""The in-tree driver's command lines give the same ports. Each runs with DPDK's driver, then with this one."""

from __future__ import annotations

import re
import sys
import unittest
from pathlib import Path
from typing import Sequence

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import OverHyperV  # noqa: E402
from support import MACS, ports, wait_for  # noqa: E402


class SamePorts(OverHyperV):
    netvscs = 2

    def both(self, *vdevs: str, eal: Sequence[str] = ()) -> list[tuple[str, str]]:
        """The ports that DPDK's own driver makes of these --vdev arguments; ours has to make the same ones."""
        found = []
        for intree in True, False:
            testpmd = self.run_testpmd(*(f"--vdev={vdev}" for vdev in vdevs), *eal, intree=intree)
            found.append(ports(testpmd))
            self.assert_quits(testpmd)
        self.assertEqual(found[1], found[0], f"{vdevs}: ours, in-tree")
        return found[1]

    def test_iface(self) -> None:
        self.assertEqual(self.both(f"net_vdev_netvsc0,iface={self.names[1]}"), [("net_failsafe_vsc0", MACS[1])])

    def test_mac(self) -> None:
        self.assertEqual(self.both(f"net_vdev_netvsc0,mac={MACS[1].upper()}"), [("net_failsafe_vsc0", MACS[1])])

    def test_no_arguments(self) -> None:
        self.assertEqual(self.both("net_vdev_netvsc0"),
                         [("net_failsafe_vsc0", MACS[0]), ("net_failsafe_vsc1", MACS[1])])

    def test_alias(self) -> None:
        self.assertEqual(self.both(f"eth_vdev_netvsc0,iface={self.names[0]}"), [("net_failsafe_vsc0", MACS[0])])

    def test_two_instances(self) -> None:
        self.assertEqual(self.both(f"net_vdev_netvsc0,iface={self.names[1]}",
                                   f"net_vdev_netvsc1,iface={self.names[0]}"),
                         [("net_failsafe_vsc0", MACS[1]), ("net_failsafe_vsc1", MACS[0])])

    def test_second_instance_takes_what_is_left(self) -> None:
        self.assertEqual(self.both(f"net_vdev_netvsc0,iface={self.names[1]}", "net_vdev_netvsc1"),
                         [("net_failsafe_vsc0", MACS[1]), ("net_failsafe_vsc1", MACS[0])])

    def test_ignore(self) -> None:
        self.assertEqual(self.both("net_vdev_netvsc0,ignore=1", f"net_vdev_netvsc1,iface={self.names[0]}"),
                         [("net_failsafe_vsc0", MACS[0])])

    def test_force(self) -> None:
        self.machine.nic_add("plain", MACS[7])
        self.addCleanup(self.unplug, "plain")
        name = self.machine.ifname("plain")
        self.assertEqual(self.both(f"net_vdev_netvsc0,iface={name},force=1",
                                   eal=["-b", self.machine.pci_address("plain")]), [("net_failsafe_vsc0", MACS[7])])


class Unrouted(OverHyperV):
    """Which netdevices the driver takes when none is named."""

    netvscs = 4

    def setUp(self) -> None:
        super().setUp()
        _, ipv4, ipv6, link_local = self.names
        self.guest.run(f"ip link set {ipv4} up; ip addr add 192.0.2.1/24 dev {ipv4}; ip link set {ipv6} up; "
                       f"ip addr add 2001:db8::1/64 nodad dev {ipv6}; ip link set {link_local} up")

    def addresses(self, name: str) -> str:
        return self.guest.run(f"ip -o addr show dev {name}").stdout

    def taken(self, intree: bool) -> list[tuple[str, str]]:
        testpmd = self.run_testpmd("--vdev=net_vdev_netvsc0", intree=intree)
        found = ports(testpmd)
        self.assert_quits(testpmd)
        return found

    def test_addresses(self) -> None:
        wait_for("a link-local address", lambda: re.search(r"inet6 fe80:\S+ scope link", self.addresses(self.names[3])))
        self.assertEqual(self.addresses(self.names[0]), "")
        intree = self.taken(intree=True)
        self.assertEqual(intree, [("net_failsafe_vsc0", MACS[0])])
        self.assertEqual(self.taken(intree=False), intree)


if __name__ == "__main__":
    unittest.main(verbosity=2)
