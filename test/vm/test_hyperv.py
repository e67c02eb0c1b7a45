# SPDX-License-Identifier: BSD-3-Clause
"""On Hyper-V the driver needs no --vdev."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import OverHyperV  # noqa: E402
from support import MACS, TOOLS, ports  # noqa: E402

HYPERV = {"LD_PRELOAD": str(TOOLS / "libhyperv.so")}
ATTACHED = [("net_failsafe_vsc0", MACS[0])]


class HyperV(OverHyperV):
    """nv0 is unrouted, nv1 has an address."""

    netvscs = 2

    def setUp(self) -> None:
        super().setUp()
        self.guest.run(f"ip link set {self.names[1]} up; ip addr add 192.0.2.1/24 dev {self.names[1]}")

    def ports(self, *eal: str, intree: bool = False, hyperv: bool = True) -> list[tuple[str, str]]:
        testpmd = self.run_testpmd(*eal, intree=intree, env=HYPERV if hyperv else {})
        found = ports(testpmd)
        self.assert_quits(testpmd)
        return found

    def test_attaches_by_itself(self) -> None:
        self.assertEqual(self.ports(), ATTACHED)

    def test_as_the_in_tree_driver(self) -> None:
        self.assertEqual(self.ports(intree=True), ATTACHED)

    def test_ignore(self) -> None:
        self.assertEqual(self.ports("--vdev=net_vdev_netvsc0,ignore=1"), [])

    def test_named_netdevices_only(self) -> None:
        self.assertEqual(self.ports(f"--vdev=net_vdev_netvsc0,iface={self.names[1]}"), [("net_failsafe_vsc0", MACS[1])])

    def test_not_elsewhere(self) -> None:
        self.assertEqual(self.ports(hyperv=False), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
