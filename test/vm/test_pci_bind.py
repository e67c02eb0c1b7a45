# SPDX-License-Identifier: BSD-3-Clause
"""PCI functions that an application binds by rte_pmd_vdev_netvsc_pci_bind() (tools/pcibind) over hv_netvsc."""

from __future__ import annotations

import errno
import sys
import unittest
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from events import EventCase  # noqa: E402
from hyperv_support import OverHyperV  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER, LOG_LEVEL, MACS, PATIENCE_S, QUICK, TESTVF, TOOLS, end  # noqa: E402

VF, OTHER = "vf", "other"


@unittest.skipIf(DRIVER == "intree", "it is about this driver's API")
class PciBind(OverHyperV, EventCase):
    machine_arguments: ClassVar[dict[str, object]] = {"iommu": True}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.modprobe("vfio-pci")

    def setUp(self) -> None:
        super().setUp()
        # A NIC that belongs to no NetVSC.
        self.plug(OTHER, MACS[5], "e1000e")
        self.address = self.machine.pci_address(OTHER)

    def run_application(self, *drivers: str) -> Testpmd:
        eal = [*self.blocked(), LOG_LEVEL, "-b", self.address, f"--vdev=net_vdev_netvsc0,iface={self.names[0]}"]
        testpmd = Testpmd(self.guest, eal, [QUICK], [DRIVER, *drivers, str(TOOLS / "libpcibind.so")],
                          program=self.program({}))
        self.addCleanup(end, testpmd.process)
        return testpmd

    def call(self, testpmd: Testpmd, command: str) -> int:
        return self.telemetry(testpmd, command)["result"]

    def kernel_driver(self, address: str) -> str:
        link = f"/sys/bus/pci/devices/{address}/driver"
        return Path(self.guest.run(["readlink", link], check=False).stdout.strip()).name

    def records(self) -> list[str]:
        return self.guest.glob("/run/vdev_netvsc/*")

    def test_bind_and_restore(self) -> None:
        testpmd = self.run_application()
        self.assertEqual(self.kernel_driver(self.address), "e1000e")
        self.assertEqual(self.call(testpmd, f"/pci/restore,{self.address}"), -errno.ENOENT)
        self.assertEqual(self.call(testpmd, f"/pci/bind,{self.address},vfio-pci"), 0)
        self.assertEqual(self.kernel_driver(self.address), "vfio-pci")
        self.assertEqual(self.records(), [f"/run/vdev_netvsc/{self.address}"])
        self.assertEqual(self.call(testpmd, f"/pci/bind,{self.address},vfio-pci"), 0)
        self.assertEqual(self.call(testpmd, f"/pci/restore,{self.address}"), 0)
        self.assertEqual(self.kernel_driver(self.address), "e1000e")
        self.assertEqual(self.records(), [])
        self.assertEqual(self.call(testpmd, f"/pci/restore,{self.address}"), -errno.ENOENT)

        # Errors, each with its reason in the log.
        for command, error, reason in (
                (f"/pci/bind,{self.address},missing-driver", errno.ENOENT, "kernel driver missing-driver"),
                ("/pci/bind,0000:1f:1f.7,vfio-pci", errno.ENXIO, "PCI function 0000:1f:1f.7: "),
                ("/pci/bind,eth1,vfio-pci", errno.EINVAL, "PCI address 'eth1'")):
            with self.subTest(command):
                mark = testpmd.process.mark()
                self.assertEqual(self.call(testpmd, command), -error)
                testpmd.process.expect(rf"rte_pmd_vdev_netvsc_pci_bind: {reason}", PATIENCE_S, since=mark)
        self.assertEqual(self.kernel_driver(self.address), "e1000e")
        self.assert_quits(testpmd)

    def test_function_with_a_port(self) -> None:
        testpmd = self.run_application(TESTVF)
        self.plug(VF, MACS[0])
        address = self.machine.pci_address(VF)
        testpmd.process.expect(rf"VF {address} attached", PATIENCE_S)
        self.assertEqual(self.call(testpmd, f"/pci/bind,{address},vfio-pci"), -errno.EBUSY)
        self.assertEqual(self.kernel_driver(address), "e1000e")
        self.assert_quits(testpmd)

    def test_killed_application(self) -> None:
        """The next one restores what a killed one has left bound."""
        testpmd = self.run_application()
        self.assertEqual(self.call(testpmd, f"/pci/bind,{self.address},vfio-pci"), 0)
        testpmd.process.kill()
        self.assertEqual(self.kernel_driver(self.address), "vfio-pci")
        testpmd = self.run_application()
        self.assertEqual(self.kernel_driver(self.address), "e1000e")
        self.assertEqual(self.records(), [])
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
