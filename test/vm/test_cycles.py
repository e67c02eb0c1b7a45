# SPDX-License-Identifier: BSD-3-Clause
"""A VF is added and removed under traffic, over hv_netvsc: the port stays, the traffic moves, nothing grows.

Environment: NETVSC_CYCLES, how often (default 10).
"""

from __future__ import annotations

import os
import re
import sys
import time
import unittest
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from announce import AnnounceWatch  # noqa: E402
from hyperv_support import HyperVCase  # noqa: E402
from lab.guest import Guest  # noqa: E402
from lab.switch import Report  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import MACS, PATIENCE_S, SANITIZER, ports, wait_for  # noqa: E402
from vf_support import PPS  # noqa: E402

CYCLES = int(os.environ.get("NETVSC_CYCLES") or "10")
WINDOW_S = 0.3  # length of the observation of each state
MAX_GROWTH_KIB = 256  # of testpmd's anonymous memory, in all cycles together


@dataclass(frozen=True)
class Usage:
    """What testpmd holds at a moment."""

    descriptors: int
    threads: int
    anonymous_kib: int
    heap_blocks: int  # of DPDK's own heap
    device_arguments: int

    @staticmethod
    def of(guest: Guest, testpmd: Testpmd) -> Usage:
        process = f"/proc/{testpmd.process.pid}"
        status = dict(re.findall(r"^(\w+):\s+(\d+)", guest.read_file(f"{process}/status").decode(), re.M))
        memory = testpmd.dump("socket_mem")
        heap = re.search(r"^Total .*count alloc: (\d+)", memory, re.M)
        assert heap is not None, memory
        return Usage(len(guest.glob(f"{process}/fd/*")), int(status["Threads"]), int(status["RssAnon"]), int(heap[1]),
                     testpmd.dump("devargs").count("["))


@dataclass(frozen=True)
class Cycle:
    """One addition and removal."""

    announced_ns: int
    with_vf: Report
    without_vf: Report


class Cycles(HyperVCase):
    cycles: ClassVar[list[Cycle]] = []

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.run("dmesg -C")
        # Or RssAnon grows by 2 MiB when khugepaged makes a huge page of the heap's pages.
        cls.guest.run("echo never >/sys/kernel/mm/transparent_hugepage/enabled")
        cls.watch = AnnounceWatch(cls.guest)
        cls.pmd = cls.start_testpmd(f"--vdev=net_vdev_netvsc0,iface={cls.names[0]}", env=AnnounceWatch.env)
        cls.pmd.start()
        switch = cls.machine.switch(MACS[0])
        switch.wait_return("nv0", switch.start_traffic(PPS))
        for _ in range(2):  # to warm up
            cls.cycle()
        cls.before = Usage.of(cls.guest, cls.pmd)
        cls.cycles = [cls.cycle() for _ in range(CYCLES)]
        cls.after = Usage.of(cls.guest, cls.pmd)
        switch.stop_traffic()
        print("\n".join(f"{cycle.announced_ns / 1e6:.3f} ms, {cycle.with_vf}" for cycle in cls.cycles))
        print(cls.before, cls.after, sep="\n")

    @classmethod
    def traffic_by(cls, nic: str, since_ns: int) -> Report:
        """The traffic of a moment, from when it comes back by `nic`."""
        switch = cls.machine.switch(MACS[0])
        began = switch.wait_return(nic, since_ns)
        time.sleep(WINDOW_S)
        until = time.monotonic_ns() - 50_000_000

        def returned() -> Report | None:
            """None while all frames are on their way: a busy host may take its time."""
            report = switch.report(began, until)
            return report if report.returned else None
        report = wait_for(f"frames by {nic}", returned, PATIENCE_S)
        assert report is not None
        return report

    @classmethod
    def cycle(cls) -> Cycle:
        nic = cls.hyperv.nic("nv0")
        plugged, guest_plugged = time.monotonic_ns(), cls.guest.monotonic_ns()
        name = nic.vf_add("vf")
        nic.take_from_kernel(name)
        with_vf = cls.traffic_by("vf", plugged)
        announced = cls.watch.latency_ns(guest_plugged, name, cls.machine.pci_address("vf"))
        without_vf = cls.traffic_by("nv0", nic.vf_del("vf").deleted_ns)
        return Cycle(announced, with_vf, without_vf)

    def setUp(self) -> None:
        """Does nothing: setUpClass() did everything that the cases check."""

    def test_port_is_up_at_the_end(self) -> None:
        self.assertTrue(self.pmd.process.running())
        self.assertEqual(ports(self.pmd), [("net_failsafe_vsc0", MACS[0])])
        self.assertEqual(self.pmd.port_info()[0]["Link status"], "up")

    def test_vf_carries_the_traffic_while_it_is_there(self) -> None:
        self.assertEqual(len(self.cycles), CYCLES)
        for number, cycle in enumerate(self.cycles):
            with self.subTest(number):
                self.assertGreater(cycle.with_vf.returned, 0)
                self.assertEqual(set(cycle.with_vf.returned_by_port), {"vf"})

    def test_tap_carries_the_traffic_otherwise(self) -> None:
        for number, cycle in enumerate(self.cycles):
            with self.subTest(number):
                self.assertGreater(cycle.without_vf.returned, 0)
                self.assertEqual(set(cycle.without_vf.returned_by_port), {"nv0"})

    def test_kernel_does_not_warn(self) -> None:
        self.check_kernel_log()

    def test_descriptors_do_not_grow(self) -> None:
        self.assertLessEqual(self.after.descriptors, self.before.descriptors)

    def test_threads_do_not_grow(self) -> None:
        self.assertLessEqual(self.after.threads, self.before.threads)

    def test_memory_does_not_grow(self) -> None:
        if SANITIZER:
            self.skipTest("AddressSanitizer keeps what is freed for a while; it looks for leaks itself")
        self.assertLess(self.after.anonymous_kib - self.before.anonymous_kib, MAX_GROWTH_KIB)

    def test_dpdk_heap_does_not_grow(self) -> None:
        self.assertLessEqual(self.after.heap_blocks, self.before.heap_blocks)

    def test_device_arguments_do_not_grow(self) -> None:
        self.assertLessEqual(self.after.device_arguments, self.before.device_arguments)


if __name__ == "__main__":
    unittest.main(verbosity=2)
