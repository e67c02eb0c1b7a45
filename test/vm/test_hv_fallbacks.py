# SPDX-License-Identifier: BSD-3-Clause
"""Each fallback over the kernel's own hv_netvsc, in each state of the VF: none, with its kernel driver only, attached,
removed, back.

Every frame of a steady period returns exactly once, and by the right NIC. The losses at each change are printed: the
guide's table has them (vdev_netvsc_fallback.rst).

Environment: NETVSC_CYCLES, how often the VF is attached and removed (default 3); NETVSC_DRIVER=intree for Tap, DPDK's
own driver for comparison.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from test_hv_netvsc import Case  # noqa: E402
from vf_support import VF  # noqa: E402


class FallbackCase(Case):
    """The two life-cycles of a VF below one fallback."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.modprobe("vhost_net")
        cls.guest.run("mount -t bpf bpf /sys/fs/bpf")

    def check(self, kind: str) -> None:
        self.arguments = f",fallback={kind}"
        self.check_kernel_driver()
        self.check_pmd(self.add_vf, self.unplug, VF)


class Fallbacks(FallbackCase):
    def test_tap(self) -> None:
        self.check("tap")

    def test_af_packet(self) -> None:
        self.check("af_packet")

    def test_virtio_user(self) -> None:
        self.check("virtio_user")

    def test_af_xdp(self) -> None:
        self.check("af_xdp")


if __name__ == "__main__":
    unittest.main(verbosity=2)
