# SPDX-License-Identifier: BSD-3-Clause
"""The driver over the kernel's hv_netvsc, in each state of the VF: absent, with its kernel driver, with a PMD, removed,
added again.

Environment: NETVSC_CYCLES, how often the VF is added and removed (default 3).
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Callable, ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import HyperVCase  # noqa: E402
from lab import qemu  # noqa: E402
from lab.errors import LabError  # noqa: E402
from lab.hyperv import KNOWN_WARNINGS  # noqa: E402
from lab.sriov import VF_DEVICE, PhysicalFunction  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER, MACS, TESTVF  # noqa: E402
from vf_support import NETVSC, VF, losses  # noqa: E402

PF = "pf"
PF_MAC = "00:15:5d:00:01:01"
TAP = ",fallback=tap"  # needs sch_multiq and cls_flower


class Case(HyperVCase):
    arguments: ClassVar[str] = TAP

    def check_kernel_driver(self) -> None:
        """No PMD takes the VF: hv_netvsc receives and sends by it, and the fallback does by hv_netvsc."""
        testpmd = self.forward(self.arguments, drivers=[DRIVER])
        self.steady(NETVSC)
        arrived = self.come(self.add_vf)
        self.kernel_said("Data path switched to VF")
        self.steady(VF)
        left = self.go(self.unplug)
        self.kernel_said("Data path switched from VF")
        self.steady(NETVSC)
        self.note(f"VF with its kernel driver: on arrival {losses(arrived)}; on removal {losses(left)}")
        self.assert_quits(testpmd)

    def take(self, testpmd: Testpmd, arrive: Callable[[], str]) -> None:
        """A VF arrives, and the PMD takes it. Only then its frames are no longer the kernel's, as with mlx5."""
        mark = testpmd.process.mark()
        name = arrive()
        self.said(testpmd, r"VF \S+ attached", mark)
        self.nic.take_from_kernel(name)

    def check_pmd(self, arrive: Callable[[], str], leave: Callable[[], None], vf: str) -> None:
        """A PMD that leaves the VF to its kernel driver takes it, as on Azure.

        arrive: returns the VF's netdevice. vf: the port of the switch by which the VF's frames go.
        """
        testpmd = self.forward(self.arguments, drivers=[DRIVER, TESTVF])
        self.steady(NETVSC)

        def step(number: int) -> None:
            arrived = self.come(lambda: self.take(testpmd, arrive), vf)
            self.steady(vf)
            left = self.go(leave)
            self.steady(NETVSC)
            self.note(f"cycle {number}: on arrival {losses(arrived)}; on removal {losses(left)}")
        self.check_cycles(testpmd, step)


class Tap(Case):
    """fallback=tap, an e1000e as VF."""

    def test_no_vf(self) -> None:
        testpmd = self.forward(self.arguments)
        self.steady(NETVSC)
        self.assert_quits(testpmd)

    def test_vf_with_its_kernel_driver(self) -> None:
        self.check_kernel_driver()

    def test_vf_with_a_pmd(self) -> None:
        self.check_pmd(self.add_vf, self.unplug, VF)


class Igb(Case):
    """An igb as VF: a whole NIC, and the VF of an SR-IOV NIC."""

    vf_model = "igb"
    # The address is the host's to set, and igbvf requests it nevertheless.
    known_warnings = KNOWN_WARNINGS + (r"|igb .*: VF 0 (attempted to override administratively set MAC address|"
                                       r"requested MAC filter but is administratively denied)|Reload the VF driver")
    pf: ClassVar[PhysicalFunction]

    @classmethod
    def setUpClass(cls) -> None:
        try:
            program = qemu.at_least(qemu.WITH_IGB)
        except LabError as error:
            raise unittest.SkipTest(f"no igb to be had: {error}") from None
        cls.machine_arguments = {"modules": ("virtio_net", "igb", "igbvf"), "qemu": program}
        super().setUpClass()
        cls.pf = PhysicalFunction(cls.machine, PF, PF_MAC, switch=MACS[0])

    @classmethod
    def blocked(cls) -> list[str]:
        return [*super().blocked(), "-b", cls.pf.address]

    def test_whole(self) -> None:
        self.check_pmd(self.add_vf, self.unplug, VF)

    def test_sriov(self) -> None:
        """hv_netvsc finds the VF by its slot, which the root port has only for the VF."""
        def arrive() -> str:
            self.nic.slot(self.pf.nic.port, VF_DEVICE)
            self.nic.associate()
            self.pf.vf_add(MACS[0])
            self.kernel_said(f"VF slot {self.nic.serial} added")
            return next(iter(self.pf.vf_netdevices()))

        def leave() -> None:
            self.pf.vf_del()
            self.nic.associate(False)
        self.addCleanup(leave)
        self.check_pmd(arrive, leave, PF)
        self.assertEqual(self.guest.glob(f"{self.pf.folder}/virtfn*"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
