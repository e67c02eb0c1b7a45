# SPDX-License-Identifier: BSD-3-Clause
"""VFs that the driver binds to another kernel driver (vf_bind=): they are added, removed, pulled out and restored.

Environment: NETVSC_CYCLES, how often each (default 3).
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Callable, ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import HyperVCase  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER, TOOLS, wait_for  # noqa: E402
from vf_support import NETVSC, PATIENCE_S, VF, VfCase  # noqa: E402

LATE_REMOVAL = str(TOOLS / "liblateremoval.so")


class BindCase(VfCase):
    """The cases proper; the classes below say with which kernel driver.

    Over the look-alike: a bound VF also receives there, as by a host that follows the driver. See DataPath.
    """

    bind: ClassVar[str]
    model: ClassVar[str]
    kernel: ClassVar[str]  # the VF's own kernel driver
    memory: ClassVar[int | None]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.modprobe(cls.bind)

    def forward_bound(self, hot_plug: bool = False, by: str = NETVSC) -> Testpmd:
        # Without the test PMD, which would take the VF from EAL's scan before it is bound.
        return self.forward(f",vf_bind={self.bind}", hot_plug=hot_plug, memory=self.memory, drivers=[DRIVER],
                            by=by)

    def plug_vf(self) -> None:
        self.add_vf(self.model)

    def check_bound_cycles(self, testpmd: Testpmd, coming: Callable[[], None], going: Callable[[], None]) -> None:
        """Cycles under traffic."""
        name = self.id().rsplit(".", 1)[-1].removeprefix("test_")

        def cycle(number: int) -> None:
            self.steps(f"{self.bind} {name} {number}", coming, going)
            # Otherwise one entry for each address would stay open.
            wait_for("the end of a removed VF's journal entry",
                     lambda: not self.guest.glob("/run/vdev_netvsc/*"), PATIENCE_S)

        self.check_cycles(testpmd, cycle)

    def check_unplug(self, hot_plug: bool = False) -> None:
        testpmd = self.forward_bound(hot_plug)
        self.check_bound_cycles(testpmd, self.plug_vf, lambda: self.unplug(VF))

    def check_surprise(self, hot_plug: bool = False) -> None:
        testpmd = self.forward_bound(hot_plug)
        self.come(self.plug_vf)
        self.go(self.remove_by_surprise)
        self.check_bound_cycles(testpmd, self.rescan, self.remove_by_surprise)

    def check_late_removal(self) -> None:
        """EAL's monitor reports the removal when the VF is present again: the driver ignores the late report."""
        testpmd = self.forward(f",vf_bind={self.bind}", memory=self.memory, drivers=[DRIVER, LATE_REMOVAL])
        self.come(self.plug_vf)
        self.said(testpmd, r"VF \S+ attached")
        mark = testpmd.process.mark()
        self.raw_telemetry(testpmd, f"/late_removal,{self.machine.pci_address(VF)}")
        self.said(testpmd, r"VF \S+ removed", mark)
        self.said(testpmd, r"VF \S+ attached", mark)
        self.assert_only_by(VF)
        self.go(lambda: self.unplug(VF))
        self.assertEqual(self.count(testpmd, r"VF \S+ removed", mark), 2)
        self.assertNotIn("lateremoval", testpmd.process.output())
        self.assert_quits(testpmd)

    def with_bound_vf(self) -> Testpmd:
        """testpmd with the VF, plugged before it was started."""
        self.plug_vf()
        self.assertEqual(self.kernel_driver(), self.kernel)
        testpmd = self.forward_bound(by=VF)
        self.assertEqual(self.kernel_driver(), self.bind)
        return testpmd

    def check_probed_by_eal_before(self) -> None:
        """A PMD that works by the VF's own kernel driver has taken it in EAL's scan."""
        self.plug_vf()
        self.machine.ifname(VF)
        testpmd = self.forward(f",vf_bind={self.bind}", memory=self.memory, by=VF)
        self.assertIn("Probe PCI driver: net_testvf", testpmd.start_output)
        self.assertEqual(self.kernel_driver(), self.bind)
        self.go(lambda: self.unplug(VF))
        self.assert_quits(testpmd)

    def check_restored_at_the_end(self) -> None:
        self.assert_quits(self.with_bound_vf())
        self.wait_restored(self.kernel)

    def check_restored_with_the_driver(self) -> None:
        testpmd = self.with_bound_vf()
        testpmd.cmd("stop")  # a port that an lcore polls must not be stopped
        self.assertIn("detached", testpmd.cmd("device detach net_vdev_netvsc0", PATIENCE_S))
        self.wait_restored(self.kernel)
        self.assert_quits(testpmd)


class Vfio(BindCase):
    """An e1000e behind an emulated IOMMU."""

    machine_arguments: ClassVar[dict[str, object]] = {"iommu": True, "memory": 3072}
    bind = "vfio-pci"
    model = "e1000e"
    kernel = "e1000e"
    memory = 256  # each page is pinned and mapped through the emulated IOMMU

    def test_unplugged(self) -> None:
        self.check_unplug()

    def test_pulled_out(self) -> None:
        self.check_surprise()

    def test_removal_reported_late(self) -> None:
        self.check_late_removal()

    def test_probed_by_eal_before(self) -> None:
        self.check_probed_by_eal_before()

    def test_restored_at_the_end(self) -> None:
        self.check_restored_at_the_end()

    def test_restored_with_the_driver(self) -> None:
        self.check_restored_with_the_driver()

    def test_kernel_driver_that_is_not_loaded(self) -> None:
        self.plug_vf()
        testpmd = self.forward(",vf_bind=uio_pci_generic", drivers=[DRIVER])
        self.said(testpmd, "bind to uio_pci_generic failed: .*is its module loaded")
        self.assertEqual(self.kernel_driver(), self.kernel)
        self.assertTrue(self.machine.ifname(VF))
        self.assert_only_by(NETVSC)
        self.assert_quits(testpmd)
        self.wait_restored(self.kernel)

    def test_one_with_an_ip_address(self) -> None:
        self.plug_vf()
        name = self.machine.ifname(VF)
        self.guest.run(f"ip addr add 192.0.2.2/24 dev {name}")
        testpmd = self.forward_bound()
        self.said(testpmd, f"VF {name} has an IP address.*stays on its kernel driver")
        self.assertEqual(self.kernel_driver(), self.kernel)
        self.assert_only_by(NETVSC)
        self.guest.run(f"ip addr flush dev {name}")
        self.said(testpmd, r"VF \S+ attached")
        self.assertEqual(self.kernel_driver(), self.bind)
        self.assertEqual(self.count(testpmd, "has an IP address"), 1)
        self.assert_quits(testpmd)
        self.wait_restored(self.kernel)


class DataPath(HyperVCase):
    """Over hv_netvsc, whose host decides by which path the guest receives."""

    machine_arguments: ClassVar[dict[str, object]] = {"iommu": True, "memory": 3072}

    def test_stays_synthetic(self) -> None:
        """As the warning at start says: the fallback receives the frames, and the VF only sends."""
        self.guest.modprobe("vfio-pci")
        testpmd = self.forward(",vf_bind=vfio-pci", memory=256, drivers=[DRIVER])
        self.assertIn("vf_bind=vfio-pci: the host's data path stays synthetic while the VF is bound; the fallback receives "
                      "the frames, and the VF only sends", testpmd.start_output)
        self.come(self.plug_vf)
        self.said(testpmd, r"VF \S+ attached")
        bound = self.steady(VF)
        self.assertEqual(self.nic.data_path, "synthetic")
        self.assertEqual(set(bound.sent_by_port), {NETVSC})
        self.go(self.unplug)
        self.steady(NETVSC)
        self.assert_quits(testpmd)

    def plug_vf(self) -> None:
        """Does not wait for a netdevice, which the driver takes from the VF."""
        self.addCleanup(self.unplug_quietly, VF)
        self.nic.vf_plug(VF)


class WithoutIommu(BindCase):
    """An e1000e bound to vfio-pci where there is no IOMMU."""

    machine_arguments: ClassVar[dict[str, object]] = {"hugepages": 512, "memory": 3072}
    bind = "vfio-pci"
    model = "e1000e"
    kernel = "e1000e"
    memory = None
    PARAMETER = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"

    def allow(self, allowed: bool) -> bool:
        """Whether the kernel knows of it."""
        return self.guest.run(f"test ! -e {self.PARAMETER} && exit 3; echo {'Y' if allowed else 'N'} > {self.PARAMETER}",
                              check=False).returncode == 0

    def test_unplugged(self) -> None:
        if not self.allow(True):
            self.skipTest("the guest's kernel was built without CONFIG_VFIO_NOIOMMU")
        testpmd = self.forward_bound()
        self.check_bound_cycles(testpmd, self.plug_vf, lambda: self.unplug(VF))
        self.assertIn("no IOMMU; vfio-pci runs without its protection", testpmd.process.output())

    def test_not_allowed(self) -> None:
        self.allow(False)
        self.plug_vf()
        self.machine.ifname(VF)
        testpmd = self.forward_bound()
        self.said(testpmd, "bind to vfio-pci failed: vfio-pci needs an IOMMU for .* or vfio's enable_unsafe_noiommu_mode")
        self.assertEqual(self.kernel_driver(), self.kernel)
        self.assert_only_by(NETVSC)
        self.assert_quits(testpmd)


class Uio(BindCase):
    """A virtio-net NIC, whose registers vanish under DPDK's hands."""

    machine_arguments: ClassVar[dict[str, object]] = {"hugepages": 512, "memory": 3072}
    bind = "uio_pci_generic"
    model = "virtio-net-pci"
    kernel = "virtio-pci"
    memory = None

    def test_unplugged(self) -> None:
        self.check_unplug()

    def test_configured_again(self) -> None:
        """The application sets up its queues again. net_virtio cannot release them."""
        testpmd = self.forward_bound()
        self.come(lambda: self.add_vf(self.model))
        port = testpmd.port_of("net_failsafe_vsc0")
        for descriptors in 512, 256:
            for command in ("stop", f"port stop {port}", f"port config all rxd {descriptors}",
                            f"port config all txd {descriptors}", f"port start {port}", "start"):
                testpmd.cmd(command, PATIENCE_S)
            self.assert_only_by(VF)
        self.go(lambda: self.unplug(VF))
        self.assert_quits(testpmd)

    def test_unplugged_from_an_application_with_hot_plug(self) -> None:
        self.check_unplug(hot_plug=True)

    def test_pulled_out(self) -> None:
        self.check_surprise()

    def test_pulled_out_of_an_application_with_hot_plug(self) -> None:
        self.check_surprise(hot_plug=True)

    def test_removal_reported_late(self) -> None:
        self.check_late_removal()

    def test_probed_by_eal_before(self) -> None:
        self.check_probed_by_eal_before()

    def test_restored_at_the_end(self) -> None:
        self.check_restored_at_the_end()

    def test_restored_with_the_driver(self) -> None:
        self.check_restored_with_the_driver()


if __name__ == "__main__":
    unittest.main(verbosity=2)
