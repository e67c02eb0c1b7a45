# SPDX-License-Identifier: BSD-3-Clause
"""Each fallback over the kernel's own hv_netvsc, in each state of the VF: none, with its kernel driver only, attached,
removed, back.

Every frame of a steady period returns exactly once, and by the right NIC. The losses at each change are printed: the
guide's table has them (vdev_netvsc_fallback.rst).

Environment: NETVSC_CYCLES, how often the VF is attached and removed (default 3).
"""

from __future__ import annotations

import sys
import time
import unittest
from pathlib import Path
from typing import Any, Sequence

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import EachFallback, HyperVCase  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import BUILD, PATIENCE_S, QUICK, TESTVF, end, wait_for  # noqa: E402
from test_hv_netvsc import Case  # noqa: E402
from vf_support import NETVSC, VF, losses  # noqa: E402

VIRTIO_USER = str(BUILD / "drivers/net/virtio_user/librte_net_virtio_user.so")
WATCH_S = 10  # after the removal of a VF


class Fallbacks(EachFallback, Case):
    """The two life-cycles of a VF below one fallback."""

    # AF_XDP's frames have no protocol (xsk_build_skb() in Linux's net/xdp/xsk.c). Those that hv_netvsc sends by the VF
    # meet the packet sockets of the test PMD there.
    known_warnings = HyperVCase.known_warnings + r"|protocol 0000 is buggy"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.prepare_fallbacks()

    def check(self, kind: str) -> None:
        self.arguments = f",fallback={kind}"
        self.check_kernel_driver()
        self.check_pmd(self.add_vf, self.unplug, VF)

    def test_auto(self) -> None:
        testpmd = self.forward(",fallback=auto")
        self.assertIn("fallback=auto uses af_packet: first in auto's order, and it works here", testpmd.start_output)
        self.steady(NETVSC)
        self.assert_quits(testpmd)


class OverNetVirtioUser(Case):
    """fallback=virtio_user with this project's net_virtio_user, which EAL then takes in place of DPDK's."""

    arguments = ",fallback=virtio_user"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.prepare_fallbacks()

    def forward(self, *arguments: str, drivers: Sequence[str] = (), **options: Any) -> Testpmd:
        testpmd = super().forward(*arguments, drivers=[drivers[0], VIRTIO_USER, *drivers[1:]], **options)
        # DPDK's has no such counter. fail-safe has the statistics of its sub-devices, too.
        self.assertRegex(testpmd.cmd("show port xstats 0"), r"(?m)^tx_sub1_q0_kicks: \d+\s*$")
        return testpmd

    def test_kernel_driver(self) -> None:
        self.check_kernel_driver()

    def test_pmd(self) -> None:
        self.check_pmd(self.add_vf, self.unplug, VF)


class InTree(HyperVCase):
    """DPDK's own driver in the same machine, for comparison. It has fallback tap only."""

    def forward_in_tree(self, plugins: Sequence[str]) -> Testpmd:
        testpmd = Testpmd(self.guest, [*self.blocked(), f"--vdev=net_vdev_netvsc0,iface={self.names[0]}"], [QUICK],
                          plugins)
        self.addCleanup(end, testpmd.process)
        self.testpmds.append(testpmd.process)
        testpmd.start()
        self.addCleanup(self.switch.stop_traffic)
        self.wait_traffic(NETVSC, self.switch.start_traffic(self.pps))
        self.steady(NETVSC)
        return testpmd

    def test_kernel_driver(self) -> None:
        testpmd = self.forward_in_tree([])
        for number in 1, 2:
            arrived = self.come(self.add_vf)
            self.steady(VF)
            left = self.go(self.unplug)
            self.steady(NETVSC)
            self.note(f"in-tree, VF with its kernel driver, {number}: on arrival {losses(arrived)}; "
                      f"on removal {losses(left)}")
        self.assert_quits(testpmd)

    def test_pmd(self) -> None:
        """After the first removal nothing returns: fail-safe's double release resets the bursts of port 0."""
        testpmd = self.forward_in_tree([TESTVF])

        def arrive() -> None:
            name = self.add_vf()
            wait_for("testpmd to use the VF", lambda: "net_testvf" in testpmd.cmd("show device info all"), PATIENCE_S)
            self.nic.take_from_kernel(name)
        arrived = self.come(arrive)
        self.steady(VF)
        began = time.monotonic_ns()
        self.unplug()
        time.sleep(WATCH_S)
        left = self.switch.report(began, time.monotonic_ns() - 1_000_000_000)
        end_began = time.monotonic_ns() - 2_000_000_000
        later = self.switch.report(end_began, end_began + 1_000_000_000)
        self.note(f"in-tree, VF with a PMD: on arrival {losses(arrived)}; on removal {losses(left)} in {WATCH_S} s")
        self.assertEqual(later.returned, 0, "DPDK's driver recovers: the guide says that it does not")


if __name__ == "__main__":
    unittest.main(verbosity=2)
