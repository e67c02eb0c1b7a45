# SPDX-License-Identifier: BSD-3-Clause
"""The driver over the kernel's own hv_netvsc, with each state of the VF: none, its kernel driver's, a PMD's, gone, back.

Environment: NETVSC_CYCLES, how often the VF comes and goes (default 3).
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import HyperVCase  # noqa: E402
from support import DRIVER, TESTVF  # noqa: E402
from vf_support import NETVSC, VF, losses  # noqa: E402


class Tap(HyperVCase):
    """fallback=tap, which needs sch_multiq and cls_flower."""

    arguments = ",fallback=tap"

    def test_no_vf(self) -> None:
        testpmd = self.forward(self.arguments)
        self.steady(NETVSC)
        self.assert_quits(testpmd)

    def test_vf_with_its_kernel_driver(self) -> None:
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

    def test_vf_with_a_pmd(self) -> None:
        """A PMD that leaves the VF to its kernel driver takes it, as on Azure."""
        testpmd = self.forward(self.arguments, drivers=[DRIVER, TESTVF])
        self.steady(NETVSC)

        def step(number: int) -> None:
            def arrive() -> None:
                self.add_vf()
                self.take_from_kernel()
            arrived = self.come(arrive)
            self.steady(VF)
            left = self.go(self.unplug)
            self.steady(NETVSC)
            self.note(f"cycle {number}: on arrival {losses(arrived)}; on removal {losses(left)}")
        self.check_cycles(testpmd, step)


if __name__ == "__main__":
    unittest.main(verbosity=2)
