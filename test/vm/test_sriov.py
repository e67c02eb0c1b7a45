# SPDX-License-Identifier: BSD-3-Clause
"""A real SR-IOV virtual function: sriov_numvfs creates it, the driver binds it to vfio-pci, DPDK's igb VF PMD drives it.

The machine has an emulated Intel 82576 (igb), which QEMU has since version 8. The guest's kernel keeps the physical
function. The VF's frames use the physical function's port of the switch, `pf`.
Environment: NETVSC_CYCLES, how often the VF is added and removed (default 3).
"""

from __future__ import annotations

import sys
import time
import unittest
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from lab import qemu  # noqa: E402
from lab.errors import LabError  # noqa: E402
from lab.sriov import PhysicalFunction  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER, MACS, end, wait_for  # noqa: E402
from vf_support import NETVSC, PATIENCE_S, VfCase, losses  # noqa: E402

PF = "pf"
PF_MAC, OTHER_MAC = "00:15:5d:00:01:01", "00:15:5d:00:01:02"
IGB_VF = "0x8086:0x10ca"  # vendor and device of the 82576's virtual function
PMD = "net_e1000_igb_vf"


class Sriov(VfCase):
    """One NetVSC, and an SR-IOV NIC whose VF is its.

    Over the look-alike: hv_netvsc's host does not send by a bound VF. test_hv_netvsc has an SR-IOV VF over hv_netvsc.
    """

    pf: ClassVar[PhysicalFunction]

    @classmethod
    def setUpClass(cls) -> None:
        try:
            program = qemu.at_least(qemu.WITH_IGB)
        except LabError as error:
            raise unittest.SkipTest(f"no SR-IOV NIC to be had: {error}") from None
        # No more memory: with 3 GiB the firmware puts the VF's registers above 4 GiB, and QEMU 10's VF does not get
        # through to its physical function ("PF still in reset state").
        cls.machine_arguments = {"iommu": True, "memory": 2048, "modules": ("virtio_net", "igb", "igbvf", "vfio-pci"),
                                 "qemu": program}
        super().setUpClass()
        cls.pf = PhysicalFunction(cls.machine, PF, PF_MAC, switch=MACS[0])

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.remove_vf_quietly)

    # The VF.

    def create_vf(self, mac: str = MACS[0]) -> None:
        """The physical function makes a VF that has this address, and igbvf takes it."""
        self.pf.vf_add(mac)

    def remove_vf(self) -> None:
        """The physical function takes its VF away. The kernel waits for whoever has it: it must not wait for us."""
        began = time.monotonic()
        self.pf.vf_del()
        self.note(f"sriov_numvfs=0 returned after {time.monotonic() - began:.2f} s")
        self.assertEqual(self.guest.glob(f"{self.pf.folder}/virtfn*"), [])

    def remove_vf_quietly(self) -> None:
        """At the case's end, whatever became of it."""
        for process in self.testpmds:  # they may hold it
            end(process)
        self.pf.vf_del()

    def assert_in_dpdk(self, testpmd: Testpmd) -> None:
        """It is a VF of our physical function, bound to vfio-pci, and a port of DPDK's igb VF driver."""
        self.assertEqual(self.pf.vf_link("physfn"), self.pf.address)
        ids = [self.guest.read_file(f"{self.pf.folder}/virtfn0/{name}").decode().strip()
               for name in ("vendor", "device")]
        self.assertEqual(":".join(ids), IGB_VF)
        self.assertEqual(self.pf.vf_link("driver"), "vfio-pci")
        self.assertEqual(self.pf.vf_netdevices(), {})
        self.assertRegex(testpmd.cmd(f"show device info {self.pf.vf_address()}"), rf"Driver name: {PMD}\s")

    # testpmd.

    def forward_bound(self, by: str = NETVSC) -> Testpmd:
        return self.forward(",vf_bind=vfio-pci", memory=256, drivers=[DRIVER], by=by)

    # The cases.

    def test_added_and_removed(self) -> None:
        testpmd = self.forward_bound()

        def step(number: int) -> None:
            returned = self.come(self.create_vf, PF)
            self.assert_in_dpdk(testpmd)
            removed = self.go(self.remove_vf)
            self.note(f"cycle {number}: on return {losses(returned)}; on removal {losses(removed)}")

        self.check_cycles(testpmd, step)

    def test_restored_at_the_end(self) -> None:
        self.create_vf()
        testpmd = self.forward_bound(by=PF)
        self.assert_in_dpdk(testpmd)
        self.assert_quits(testpmd)
        wait_for("the VF with igbvf", lambda: self.pf.vf_link("driver") == "igbvf", PATIENCE_S)
        self.assertEqual(list(self.pf.vf_netdevices().values()), [MACS[0]])

    def test_another_ones(self) -> None:
        """A VF with another address is nothing to us; given ours, it is."""
        testpmd = self.forward_bound()
        self.create_vf(OTHER_MAC)
        self.assertEqual(list(self.pf.vf_netdevices().values()), [OTHER_MAC])
        self.assert_only_by(NETVSC)
        self.assertEqual(self.pf.vf_link("driver"), "igbvf")
        self.remove_vf()
        self.come(self.create_vf, PF)
        self.assert_in_dpdk(testpmd)
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
