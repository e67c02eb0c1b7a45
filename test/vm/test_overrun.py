# SPDX-License-Identifier: BSD-3-Clause
"""Notifications that were lost do no harm: testpmd is stopped while more of them come than its socket can hold."""

from __future__ import annotations

import signal
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lab.testpmd import Testpmd  # noqa: E402
from support import MACS, LabCase  # noqa: E402

NETDEVICES = 2000
DROPS_COLUMN = 8  # of /proc/net/netlink


class Overrun(LabCase):
    def lost(self, testpmd: Testpmd) -> int:
        """Messages for testpmd's netlink sockets that the kernel had no room for."""
        rows = [line.split() for line in self.guest.read_file("/proc/net/netlink").decode().splitlines()[1:]]
        inodes = self.guest.run(f"readlink /proc/{testpmd.process.pid}/fd/*").stdout
        return sum(int(row[DROPS_COLUMN]) for row in rows if f"socket:[{row[-1]}]" in inodes)

    def flood(self) -> None:
        """Makes and deletes netdevices made by software."""
        names = [f"flood{number}" for number in range(NETDEVICES)]
        batch = [f"link add {name} type dummy" for name in names] + [f"link del {name}" for name in names]
        self.guest.run(["ip", "-batch", "-"], stdin="\n".join(batch) + "\n", timeout=300)

    def test_vf_that_came_unseen(self) -> None:
        self.guest.run("modprobe dummy numdummies=0")
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}")
        testpmd.start()
        switch = self.machine.switch(MACS[0])
        switch.wait_return("nv0", switch.start_traffic(300))
        testpmd.process.signal(signal.SIGSTOP)
        self.flood()
        self.plug("vf", MACS[0])
        time.sleep(0.5)
        self.assertGreater(self.lost(testpmd), 0)
        went_on = time.monotonic_ns()
        testpmd.process.signal(signal.SIGCONT)
        switch.wait_return("vf", went_on)
        began = time.monotonic_ns()
        time.sleep(0.5)
        report = switch.report(began, switch.stop_traffic() - 50_000_000)
        self.assertEqual(set(report.returned_by_port), {"vf"})
        self.assertEqual(testpmd.quit(), 0)

    def test_vf_that_left_unseen(self) -> None:
        """The VF's driver tells fail-safe nothing, and another VF is there when testpmd goes on."""
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
        self.assertEqual(testpmd.quit(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
