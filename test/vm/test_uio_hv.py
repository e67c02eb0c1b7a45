# SPDX-License-Identifier: BSD-3-Clause
"""DPDK's net_netvsc over the lab's VMBus host, by the kernel's own uio_hv_generic, without hv_netvsc.

No driver of this project carries a frame. The cases test the host.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import HyperVCase  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import MACS, QUICK, TOOLS, end, ports  # noqa: E402
from vf_support import NETVSC, PPS, VF, losses  # noqa: E402

AGENT = str(TOOLS / "libnetvscagent.so")


class Uio(HyperVCase):
    # The VMBus driver of DPDK uses physical addresses; vfio-pci needs an IOMMU.
    machine_arguments = {"iommu": True, "hugepages": 256, "memory": 3072}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.modprobe("uio_hv_generic", "vfio-pci")

    def setUp(self) -> None:
        super().setUp()
        self.nic.bind("uio_hv_generic")
        self.addCleanup(self.restore)

    def restore(self) -> None:
        if self.nic.driver() != "hv_netvsc":
            self.nic.bind("hv_netvsc")
        self.names[0] = self.nic.ifname()

    def forward_netvsc(self) -> Testpmd:
        """testpmd that forwards by net_netvsc's port, and traffic for it.

        Not paced: net_netvsc loses frames that arrive while nobody polls it.
        """
        testpmd = Testpmd(self.guest, [*self.blocked(), "--iova-mode=pa"], [QUICK], [AGENT], memory=None, paced=False)
        self.addCleanup(end, testpmd.process)
        self.testpmds.append(testpmd.process)
        self.assertEqual(ports(testpmd), [(self.nic.instance, MACS[0])])
        self.assertEqual(testpmd.port_info()[0]["Driver name"], "net_netvsc")
        testpmd.cmd("port stop 0")
        self.ask(testpmd, "queues", self.nic.instance)
        testpmd.cmd("port start 0")
        testpmd.start()
        self.addCleanup(self.switch.stop_traffic)
        self.wait_traffic(NETVSC, self.switch.start_traffic(PPS))
        return testpmd

    def ask(self, testpmd: Testpmd, command: str, device: str) -> None:
        """Has the agent do it."""
        self.assertIn(device, self.raw_telemetry(testpmd, f"/netvsc/{command},{device}"))

    def test_bound_and_restored(self) -> None:
        """hv_netvsc's netdevice leaves and returns; another process may use the device later."""
        self.assertEqual(self.nic.driver(), "uio_hv_generic")
        self.assertEqual(self.guest.glob("/sys/bus/vmbus/devices/*/net/*"), [])
        for _ in range(2):
            testpmd = self.forward_netvsc()
            self.steady(NETVSC)
            self.assert_quits(testpmd)
        self.nic.bind("hv_netvsc")
        name = self.nic.ifname()
        self.assertEqual(self.guest.read_file(f"/sys/class/net/{name}/address").decode().strip(), MACS[0])
        self.assertEqual(self.guest.glob("/dev/uio*"), [])

    def test_killed(self) -> None:
        """The kernel closes the channel; the next process opens it again."""
        self.forward_netvsc().process.kill()
        self.switch.stop_traffic()
        testpmd = self.forward_netvsc()
        self.steady(NETVSC)
        self.assert_quits(testpmd)

    def test_vf(self) -> None:
        """net_netvsc takes an e1000e on vfio-pci as its VF, and switches the host's data path by itself.

        Once in the life of a process: with a second VF, net_netvsc of DPDK 22.11.11 crashes in rte_free() when its port
        is closed.
        """
        testpmd = self.forward_netvsc()
        self.steady(NETVSC)
        arrived = self.come(lambda: self.vf_arrives(testpmd))
        self.assertEqual(self.nic.data_path, "vf")
        self.steady(VF)
        left = self.go(lambda: self.vf_leaves(testpmd))
        self.assertEqual(self.nic.data_path, "synthetic")
        self.steady(NETVSC)
        self.note(f"net_netvsc: on arrival {losses(arrived)}; on removal {losses(left)}")
        self.assert_quits(testpmd)

    def vf_arrives(self, testpmd: Testpmd) -> None:
        self.addCleanup(self.unplug_quietly, VF)
        self.nic.vf_add(VF, associated=False)
        address = self.machine.pci_address(VF)
        self.guest.run(f"cd /sys/bus/pci/devices/{address} && echo vfio-pci > driver_override && "
                       f"echo {address} > driver/unbind && echo {address} > /sys/bus/pci/drivers_probe")
        self.assertEqual(self.kernel_driver(), "vfio-pci")
        testpmd.cmd(f"port attach {address}")
        self.ask(testpmd, "vf", address)
        self.nic.associate()

    def vf_leaves(self, testpmd: Testpmd) -> None:
        """The host takes it back, and waits until the process has released it."""
        address = self.machine.pci_address(VF)
        mark = self.machine.nic_unplug(VF)
        self.ask(testpmd, "removed", address)
        self.machine.nic_unplugged(VF, mark)
        self.nic.associate(False)


if __name__ == "__main__":
    unittest.main(verbosity=2)
