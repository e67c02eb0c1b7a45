# SPDX-License-Identifier: BSD-3-Clause
"""Lost notifications do no harm. While testpmd is stopped, more arrive than its socket can hold."""

from __future__ import annotations

import signal
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import OverHyperV  # noqa: E402
from support import MACS, flood_with_notifications, lost_notifications  # noqa: E402


class Overrun(OverHyperV):
    def test_vf_that_was_added_unseen(self) -> None:
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}")
        testpmd.start()
        switch = self.machine.switch(MACS[0])
        switch.wait_return("nv0", switch.start_traffic(300))
        testpmd.process.signal(signal.SIGSTOP)
        flood_with_notifications(self.guest)
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
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}",
                                   env={"NETVSC_TESTVF_ARGS": "rmv=0"})
        testpmd.start()
        switch = self.machine.switch(MACS[0])
        switch.wait_return("nv0", switch.start_traffic(300))
        plugged = time.monotonic_ns()
        self.plug("vf", MACS[0])
        switch.wait_return("vf", plugged)
        testpmd.process.signal(signal.SIGSTOP)
        flood_with_notifications(self.guest)
        self.machine.nic_del("vf")
        self.plug("other", MACS[0], "e1000e")
        went_on = time.monotonic_ns()
        testpmd.process.signal(signal.SIGCONT)
        switch.wait_return("other", went_on)
        switch.stop_traffic()
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
