# SPDX-License-Identifier: BSD-3-Clause
"""While nothing happens, the driver sleeps. It runs in EAL's interrupt thread."""

from __future__ import annotations

import re
import sys
import time
import unittest
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import OverHyperV  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import MACS, SANITIZER, wait_for  # noqa: E402

SECONDS = 8
SETTLE_S = 3  # the kernel's own news (IPv6 duplicate address detection) after netdevices came up
VF_SETTLE_S = 12  # the driver does not cancel its alarm for a VF that is unused for 10 s: it expires once
TRACE = "/run/lab/strace"
FAILSAFE_ALARM = {"epoll_wait", "read", "timerfd_settime", "clock_gettime", "dup", "fcntl", "close", "lseek", "fstat",
                  "newfstatat", *(["mmap", "munmap"] if SANITIZER else [])}


@dataclass(frozen=True)
class Activity:
    """What EAL's interrupt thread did in SECONDS."""

    wake_ups: int
    calls: dict[str, int]


class Idle(OverHyperV):
    def run_driver(self, arguments: str = "", intree: bool = False) -> Testpmd:
        return self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}{arguments}", intree=intree)

    def wake_ups(self, thread: str) -> int:
        match = re.search(rb"^voluntary_ctxt_switches:\s+(\d+)", self.guest.read_file(f"{thread}/status"), re.M)
        assert match is not None
        return int(match[1])

    def activity(self, testpmd: Testpmd, settle_s: float = SETTLE_S) -> Activity:
        thread = self.interrupt_thread(testpmd)
        time.sleep(settle_s)
        before = self.wake_ups(thread)
        time.sleep(SECONDS)
        wake_ups = self.wake_ups(thread) - before
        self.guest.run(f"timeout {SECONDS} strace -q -o {TRACE} -p {Path(thread).name}", check=False)
        # The call in which the thread sleeps at the end is the one it slept in at the beginning, if nothing happened.
        calls = Counter(re.findall(r"^(\w+)\(.*\) += ", self.guest.read_file(TRACE).decode(), re.M))
        found = Activity(wake_ups, dict(calls))
        print(f"{self.id()}: in {SECONDS} s {found}")
        return found

    def test_nothing_happens(self) -> None:
        testpmd = self.run_driver(",hotplug_poll=60000")
        self.assertEqual(self.activity(testpmd), Activity(0, {}))

    def test_nothing_happens_with_a_vf(self) -> None:
        self.plug("vf", MACS[0])
        testpmd = self.run_driver(",hotplug_poll=60000")
        wait_for("fail-safe's VF", lambda: "vf" in self.ports_with_traffic(testpmd))
        self.assertEqual(self.activity(testpmd, VF_SETTLE_S), Activity(0, {}))

    def test_keepalive_wakes_at_its_period(self) -> None:
        """And with keepalive=0, as all other cases have it, not at all."""
        testpmd = self.run_driver(",hotplug_poll=60000,keepalive=500")
        found = self.activity(testpmd)
        self.assertTrue(SECONDS <= found.wake_ups <= 2 * SECONDS + 2, found)

    def ports_with_traffic(self, testpmd: Testpmd) -> set[str]:
        """Where frames come back; testpmd does not forward afterwards."""
        testpmd.start()
        switch = self.machine.switch(MACS[0])
        began = switch.start_traffic(100)
        time.sleep(1)
        report = switch.report(began, switch.stop_traffic())
        testpmd.stop()
        return set(report.returned_by_port)

    def test_only_failsafe_polls_its_pipe(self) -> None:
        found = self.activity(self.run_driver())
        self.assertGreater(found.wake_ups, 0)
        self.assertEqual(set(found.calls) - FAILSAFE_ALARM, set())

    def test_in_tree_driver_is_seen_to_poll(self) -> None:
        """Proves that the other cases would see a driver that polls."""
        found = self.activity(self.run_driver(intree=True))
        self.assertGreaterEqual(found.wake_ups, SECONDS - 2)
        self.assertIn("ioctl", found.calls)


if __name__ == "__main__":
    unittest.main(verbosity=2)
