# SPDX-License-Identifier: BSD-3-Clause
"""How VFs return on Azure: late, in parts, at another address, in another order, and repeatedly.

Environment: NETVSC_LATE_S, the delay from a VF's PCI function to its netdevice (default 5; Azure: over 100);
NETVSC_VERBS_S, the further delay to its Verbs device (default 3); NETVSC_SWITCHES, the number of additions and removals
of the VF in test_flapping, one in 4 s (default 8; Azure: 900 in an hour).
"""

from __future__ import annotations

import os
import re
import sys
import time
import unittest
from pathlib import Path
from typing import Callable, ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import HyperVCase  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER, MACS, TESTVF, ports  # noqa: E402
from vf_support import NETVSC, VF, losses  # noqa: E402

LATE_S = float(os.environ.get("NETVSC_LATE_S") or "5")
VERBS_S = float(os.environ.get("NETVSC_VERBS_S") or "3")
SWITCHES = int(os.environ.get("NETVSC_SWITCHES") or "8")
SWITCH_S = 4.0  # 900 in an hour
TAP = ",fallback=tap"
VERBS = "/run/lab/verbs"
RENAMED = "enP1s1"
ELSEWHERE = 6  # another root port, and so another PCI address


class Replug(HyperVCase):
    machine_arguments: ClassVar[dict[str, object]] = {"modules": ("virtio_net", "e1000e", "vmxnet3")}

    def begin(self, arguments: str = "") -> Testpmd:
        """testpmd that forwards by the NetVSC."""
        testpmd = self.forward(TAP + arguments, drivers=[DRIVER, TESTVF])
        self.steady(NETVSC)
        return testpmd

    def finish(self, testpmd: Testpmd) -> None:
        """The VF is attached: its traffic, its removal, and the end."""
        self.said(testpmd, r"VF \S+ attached")
        self.steady(VF)
        self.note(f"{self.id().rsplit('.', 1)[-1]}: on removal {losses(self.go(self.unplug))}")
        self.steady(NETVSC)
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.assert_quits(testpmd)

    # In parts.

    def test_netdevice_long_after_the_function(self) -> None:
        testpmd = self.begin()
        self.guest.run(["rmmod", self.vf_model])
        self.addCleanup(self.guest.modprobe, self.vf_model)
        self.addCleanup(self.unplug_quietly, VF)
        self.nic.slot(ELSEWHERE)
        self.nic.associate()
        self.machine.nic_add(VF, MACS[0], self.vf_model, ELSEWHERE)
        address = self.machine.pci_address(VF)
        time.sleep(LATE_S)  # the function alone means nothing
        self.steady(NETVSC)
        self.assertEqual(self.count(testpmd, address), 0, testpmd.process.output())

        def probe() -> None:
            self.guest.modprobe(self.vf_model)
            self.nic.take_from_kernel(self.machine.ifname(VF))
        self.note(f"netdevice {LATE_S:g} s after the function: on arrival {losses(self.come(probe))}")
        self.finish(testpmd)

    def test_verbs_device_after_the_netdevice(self) -> None:
        """The PMD's probe fails until then, and hv_netvsc carries the VF's frames."""
        testpmd = self.begin(f",vf_args=[probe=needs:{VERBS}]")
        self.guest.run(["rm", "-f", VERBS])
        self.come(self.add_vf)
        self.said(testpmd, "probe failed: No such device; retrying in 10 ms")
        time.sleep(VERBS_S)
        self.steady(VF)  # by the kernel, through the fallback
        self.assertEqual(self.count(testpmd, r"VF \S+ attached"), 0)

        def appear() -> None:
            self.guest.write_file(VERBS, "")
            began = time.monotonic()
            self.said(testpmd, r"VF \S+ attached")
            self.nic.take_from_kernel(self.machine.ifname(VF))
            self.note(f"attached {time.monotonic() - began:.1f} s after the Verbs device, which came {VERBS_S:g} s or more "
                      "after the netdevice")
        appear()
        self.finish(testpmd)

    def test_renamed_in_between(self) -> None:
        """Before the PMD's probe succeeds. Linux 6.1 renames only a netdevice that is down."""
        testpmd = self.begin(f",vf_args=[probe=needs:{VERBS}]")
        self.guest.run(["rm", "-f", VERBS])
        names: list[str] = []
        self.come(lambda: names.append(self.add_vf()))
        self.said(testpmd, "probe failed")
        renamed = time.monotonic_ns()
        self.guest.run(f"ip link set {names[0]} down && ip link set {names[0]} name {RENAMED} && ip link set {RENAMED} up")
        self.wait_traffic(VF, renamed)
        self.assertEqual(self.machine.ifname(VF), RENAMED)
        self.guest.write_file(VERBS, "")
        self.said(testpmd, r"VF \S+ attached")
        self.nic.take_from_kernel(RENAMED)
        self.finish(testpmd)

    # Elsewhere.

    def test_another_address(self) -> None:
        testpmd = self.begin()
        addresses = []
        for port in 1, ELSEWHERE:
            def arrive() -> None:
                self.addCleanup(self.unplug_quietly, VF)
                self.nic.take_from_kernel(self.nic.vf_add(VF, self.vf_model, port=port))
            mark = testpmd.process.mark()
            arrived = self.come(arrive)
            addresses.append(self.machine.pci_address(VF))
            self.said(testpmd, f"VF {re.escape(addresses[-1])} attached", mark)
            self.steady(VF)
            self.note(f"{addresses[-1]}: on arrival {losses(arrived)}; on removal {losses(self.go(self.unplug))}")
            self.steady(NETVSC)
        self.assertNotEqual(*addresses)
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.assert_quits(testpmd)

    def test_another_model(self) -> None:
        """At the same address: mlx4 before, mlx5 or MANA afterwards."""
        testpmd = self.begin()
        addresses = set()
        for model in "e1000e", "vmxnet3", "e1000e":
            mark = testpmd.process.mark()
            arrived = self.come(lambda: self.nic.take_from_kernel(self.add_vf(model)))
            self.said(testpmd, r"VF \S+ attached", mark)
            addresses.add(self.machine.pci_address(VF))
            self.assertEqual(self.kernel_driver(), model)
            self.steady(VF)
            self.note(f"{model}: on arrival {losses(arrived)}; on removal {losses(self.go(self.unplug))}")
            self.steady(NETVSC)
        self.assertEqual(len(addresses), 1)
        self.assert_quits(testpmd)

    # In another order.

    def test_associated_after_the_uevent(self) -> None:
        """The VF's netdevice exists before the host's message about it. hv_netvsc opens it when the message arrives."""
        testpmd = self.begin()
        began = time.monotonic_ns()
        self.addCleanup(self.unplug_quietly, VF)
        self.nic.slot(ELSEWHERE)
        self.machine.nic_add(VF, MACS[0], self.vf_model, ELSEWHERE)
        self.kernel_said("VF registering")
        time.sleep(2.0)
        self.assertEqual(self.nic.data_path, "synthetic")
        waiting = self.switch.report(began, time.monotonic_ns() - 500_000_000)
        arrived = self.come(lambda: (self.nic.associate(), self.nic.take_from_kernel(self.machine.ifname(VF))))
        self.note(f"before its association: {losses(waiting)}; with it: {losses(arrived)}")
        self.finish(testpmd)

    def test_association_ends_before_the_removal(self) -> None:
        self.check_end(lambda: (self.nic.associate(False), time.sleep(1.0), self.machine.nic_del(VF)))

    def test_association_ends_after_the_removal(self) -> None:
        self.check_end(lambda: (self.machine.nic_del(VF), time.sleep(1.0), self.nic.associate(False)))

    def check_end(self, leave: Callable[[], object]) -> None:
        testpmd = self.begin()
        for _ in range(2):
            mark = testpmd.process.mark()
            self.come(lambda: self.nic.take_from_kernel(self.add_vf()))
            self.said(testpmd, r"VF \S+ attached", mark)
            self.steady(VF)
            self.note(f"on removal {losses(self.go(leave))}")
            self.steady(NETVSC)
        self.assert_quits(testpmd)

    # Again and again.

    def test_flapping(self) -> None:
        """Each time the VF is taken at once: the driver does not dampen, for the host sends by the VF in any case."""
        testpmd = self.begin()
        self.addCleanup(self.unplug_quietly, VF)
        before = self.counters(testpmd)
        lost = {True: 0, False: 0}
        arrived = 0
        started = time.monotonic()
        for number in range(SWITCHES):
            arriving = number % 2 == 0
            lost[arriving] += (self.come(lambda: self.nic.take_from_kernel(self.add_vf())) if arriving else self.go(self.unplug)).lost
            arrived += arriving
            time.sleep(max(0.0, started + (number + 1) * SWITCH_S - time.monotonic()))
        if VF in self.machine.nics:
            self.go(self.unplug)
        self.steady(NETVSC)
        took = time.monotonic() - started
        counters = self.counters(testpmd)
        self.note(f"{SWITCHES} switches in {took:.0f} s: {lost[True]} frames lost on {arrived} arrivals, "
                  f"{lost[False]} on removals")
        self.assertEqual((counters["plug_ins"] - before["plug_ins"], counters["removals"] - before["removals"]),
                         (arrived, arrived))
        self.assertEqual(counters["failed_probes"], 0)
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.assert_quits(testpmd)

    def counters(self, testpmd: Testpmd) -> dict[str, int]:
        return self.guest.telemetry(testpmd.name, "/vdev_netvsc/stats,0")["/vdev_netvsc/stats"]


if __name__ == "__main__":
    unittest.main(verbosity=2)
