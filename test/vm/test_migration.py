# SPDX-License-Identifier: BSD-3-Clause
"""Azure moves a VM to another host, or services its network, as hv_netvsc and the driver see it.

Environment: NETVSC_SERVICING_S, for how many seconds the VF is away while its network is serviced (default 5; Azure: 30).
"""

from __future__ import annotations

import os
import re
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from events import EVENTLOG, EventLog  # noqa: E402
from hyperv_support import HyperVCase  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER, MACS, TESTVF, ports  # noqa: E402
from timeline import Timeline  # noqa: E402
from vf_support import NETVSC, VF, losses  # noqa: E402

PAUSE_S = 3.0
SERVICING_S = float(os.environ.get("NETVSC_SERVICING_S") or "5")
TAP = ",fallback=tap"
ELSEWHERE = 5  # the root port of the VF on the other host
OTHER_VF = "vf2"


class Migration(HyperVCase):
    def begin(self) -> tuple[Testpmd, Timeline]:
        """testpmd whose VF carries the traffic, and the record of what comes next."""
        log = EventLog(self)
        testpmd = self.forward(TAP, drivers=[DRIVER, TESTVF, EVENTLOG], env=log.env)
        self.come(lambda: self.nic.take_from_kernel(self.add_vf()))
        self.said(testpmd, r"VF \S+ attached")
        self.steady(VF)
        timeline = Timeline(self.guest, log)
        self.addCleanup(timeline.close)
        return testpmd, timeline

    def finish(self, testpmd: Testpmd, timeline: Timeline, vf: str) -> None:
        """Checks the end of either migration: the same port, the VF's traffic, the order of all reports."""
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.diagnostics += timeline.lines()
        timeline.check_order("kernel", "Data path switched from VF", "VF unregistering", "VF registering",
                             "Data path switched to VF")
        address = re.escape(self.machine.pci_address(vf))
        timeline.check_order("uevent", "remove net", "remove pci", f"add pci {address}", "add net")
        timeline.check_order("driver", "vf_removed", f"vf_present {address}", f"vf_attached {address}")
        self.assert_quits(testpmd)

    def test_live_migration(self) -> None:
        """The VF is revoked, the VM stands still while it is moved, and the other host has another VF for it."""
        testpmd, timeline = self.begin()
        began = time.monotonic_ns()
        timeline.mark("takes the association back")
        self.nic.associate(False)
        timeline.mark("sends by the synthetic path")
        self.switch.steer(NETVSC)
        timeline.mark(f"ejects VF {self.machine.pci_address(VF)}")
        self.machine.nic_del(VF)
        self.wait_traffic(NETVSC, began)
        self.assert_only_by(NETVSC)
        left = self.switch.report(began, time.monotonic_ns() - 100_000_000)
        self.steady(NETVSC)

        timeline.mark(f"pauses the VM for {PAUSE_S:g} s")
        paused = time.monotonic_ns()
        self.machine.pause()
        time.sleep(PAUSE_S)
        self.assertIsNone(self.switch.first_return(NETVSC, time.monotonic_ns() - 1_000_000_000))  # it stands still
        self.machine.resume()
        resumed = time.monotonic_ns()
        timeline.mark("has resumed it")
        self.wait_traffic(NETVSC, resumed)
        self.assert_only_by(NETVSC)
        blackout = self.switch.report(paused, time.monotonic_ns() - 100_000_000)
        self.steady(NETVSC)

        began = time.monotonic_ns()
        timeline.mark("plugs another VF, and associates it")
        self.addCleanup(self.unplug_quietly, OTHER_VF)
        name = self.nic.vf_add(OTHER_VF, port=ELSEWHERE)
        self.nic.take_from_kernel(name)
        self.switch.steer(None)  # from now on by the path that the guest requests
        self.wait_traffic(OTHER_VF, began)
        self.assert_only_by(OTHER_VF)
        arrived = self.switch.report(began, time.monotonic_ns() - 100_000_000)
        self.steady(OTHER_VF)
        self.note(f"VF revoked: {losses(left)}; paused for {PAUSE_S:g} s: {losses(blackout)}, {blackout.host_drops} not "
                  f"sent (the host's queue was full); other VF: {losses(arrived)}")
        self.finish(testpmd, timeline, OTHER_VF)

    def test_servicing(self) -> None:
        """The VF is away for a while; the VM goes on, and the same VF comes back."""
        testpmd, timeline = self.begin()
        timeline.mark(f"ejects VF {self.machine.pci_address(VF)}, and takes the association back")
        left = self.go(self.unplug)
        began = time.monotonic_ns()
        time.sleep(SERVICING_S)
        away = self.switch.report(began, time.monotonic_ns() - 1_000_000_000)
        self.steady(NETVSC)
        timeline.mark("associates the VF, and plugs it")
        arrived = self.come(lambda: self.nic.take_from_kernel(self.add_vf()))
        self.steady(VF)
        self.note(f"VF away: {losses(left)}; for {SERVICING_S:g} s: {losses(away)}; VF back: {losses(arrived)}")
        self.finish(testpmd, timeline, VF)


if __name__ == "__main__":
    unittest.main(verbosity=2)
