# SPDX-License-Identifier: BSD-3-Clause
"""Notifications that were lost do no harm: testpmd is stopped while more of them come than its socket can hold."""

from __future__ import annotations

import signal
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import OverHyperV  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import MACS, lost_notifications  # noqa: E402

FLOOD = 4000  # link messages


class Overrun(OverHyperV):
    def flood(self) -> None:
        """Makes a netdevice, changes it again and again, and deletes it."""
        changes = ["link set flood0 mtu 1400", "link set flood0 mtu 1500"] * (FLOOD // 2)
        batch = ["link add flood0 type dummy", *changes, "link del flood0"]
        self.guest.run(["ip", "-batch", "-"], stdin="\n".join(batch) + "\n", timeout=300)

    def test_vf_that_was_added_unseen(self) -> None:
        self.guest.run("modprobe dummy numdummies=0")
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}")
        testpmd.start()
        switch = self.machine.switch(MACS[0])
        switch.wait_return("nv0", switch.start_traffic(300))
        testpmd.process.signal(signal.SIGSTOP)
        self.flood()
        self.plug("vf", MACS[0])
        time.sleep(0.5)
        self.assertGreater(lost_notifications(self.guest, testpmd), 0)
        went_on = time.monotonic_ns()
        testpmd.process.signal(signal.SIGCONT)
        switch.wait_return("vf", went_on)
        began = time.monotonic_ns()
        time.sleep(0.5)
        report = switch.report(began, switch.stop_traffic() - 50_000_000)
        self.assertEqual(set(report.returned_by_port), {"vf"})
        self.assert_quits(testpmd)

    def test_vf_that_left_unseen(self) -> None:
        """The VF's PMD raises no removal event, and another VF is present when testpmd continues."""
        self.guest.run("modprobe dummy numdummies=0")
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}",
                                   env={"NETVSC_TESTVF_ARGS": "rmv=0"})
        testpmd.start()
        switch = self.machine.switch(MACS[0])
        switch.wait_return("nv0", switch.start_traffic(300))
        plugged = time.monotonic_ns()
        self.plug("vf", MACS[0])
        switch.wait_return("vf", plugged)
        testpmd.process.signal(signal.SIGSTOP)
        self.flood()
        self.machine.nic_del("vf")
        self.plug("other", MACS[0], "e1000e")
        went_on = time.monotonic_ns()
        testpmd.process.signal(signal.SIGCONT)
        switch.wait_return("other", went_on)
        switch.stop_traffic()
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
