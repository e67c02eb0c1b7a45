# SPDX-License-Identifier: BSD-3-Clause
"""A VF is added and removed under traffic. Measures the times of each step."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from bench_lab import KernelNotifications, Lab
from announce import AnnounceWatch
from lab.switch import Report
from lab.testpmd import Testpmd
from support import plugins, wait_for
from vf_support import NETVSC, VF

# hv_netvsc joins no virtio NIC, QEMU's e1000e has no link for its first second, and the kernel takes 50 ms to set an
# emulated vmxnet3 up. Azure's VFs have their link at once.
MODEL = "rtl8139"
TAKEN_S = 10.0  # DPDK's driver looks for VFs once a second, and fail-safe for devices once in two
SETTLE_S = 0.5
INTREE_SETTLE_S = 3.0  # it does not take a VF that comes back before fail-safe has seen it gone
STEP_MS = 50.0


@dataclass(frozen=True)
class Cycle:
    """Times are from the kernel's notification of the VF's carrier unless said otherwise."""

    listener_ms: float  # a passive listener has it
    announce_ms: float  # the VF's address is in the pipe
    plugin_ms: float  # from the end of QMP's device_add to the first packet both ways by the VF
    notified_ms: float  # from the end of QMP's device_add to the kernel's first notification of the VF's netdevice
    return_lost: int
    removal_lost: int | None  # None: nothing returns afterwards
    removal_gap_ms: float | None


class Session:
    """One driver's testpmd, which forwards, and a VF that is added and removed. A context manager."""

    def __init__(self, intree: bool, arguments: str = "") -> None:
        self._intree = intree
        self._lab = Lab()
        self._lab.setUp()
        self._arguments = arguments
        self._kernel = KernelNotifications(Lab.guest)
        self._watch = AnnounceWatch(Lab.guest, f"linklog{time.monotonic_ns()}")
        self._clock_ahead_ns = Lab.guest_clock_ahead_ns()
        self.not_taken = 0
        self.timeline: dict[str, list[float]] = {}
        self.testpmd = self._start()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self._lab.doCleanups()
        self._watch.close()
        self._kernel.close()

    def _start(self) -> Testpmd:
        return self._lab.forward(self._arguments, drivers=plugins(self._intree), env=AnnounceWatch.env)

    def cycles(self, count: int, warm_up: int) -> list[Cycle]:
        """Runs this number of cycles, or fewer if fail-safe does not take a VF. Then it restarts testpmd, as it does if
        nothing returns after a removal.

        warm_up: cycles before the counted ones, in which the guest reads the programs from the host's disk."""
        found: list[Cycle] = []
        for number in range(warm_up + count):
            cycle = self._cycle()
            if cycle is None:
                self.not_taken += 1
            elif number >= warm_up:
                found.append(cycle)
            if cycle is None or cycle.removal_lost is None:
                self._lab.doCleanups()
                self._lab.setUp()
                self.testpmd = self._start()
        return found

    def _cycle(self) -> Cycle | None:
        lab, switch = self._lab, self._lab.switch
        time.sleep(random.random())  # at any moment of a driver's period, should it have one
        since, began = Lab.guest.monotonic_ns(), time.monotonic_ns()
        lab.addCleanup(lab.unplug_quietly, VF)
        added = lab.nic.vf_add_for_pmd(VF, MODEL)
        try:
            first = wait_for("a frame both ways by the VF", lambda: self._first_by_vf(began), TAKEN_S)
        except AssertionError:
            return None
        name, pci = Lab.machine.ifname(VF), Lab.machine.pci_address(VF)
        told = self._kernel.first_ns(name, since)
        lab.assert_only_by(VF)
        returned = switch.report(began, time.monotonic_ns() - 100_000_000)
        listener = self._watch.notified_ns(since, name, carrier=True)
        carrier = self._kernel.last_ns(name, listener)
        written = self._watch.written_ns(since, pci)
        removed = self._remove()
        time.sleep(INTREE_SETTLE_S if self._intree else SETTLE_S)
        self.timeline = self._by_path(began)
        return Cycle(listener_ms=(listener - carrier) / 1e6, announce_ms=(written - carrier) / 1e6,
                     plugin_ms=(first - added) / 1e6, notified_ms=(told - self._clock_ahead_ns - added) / 1e6,
                     return_lost=returned.lost, removal_lost=removed.lost if removed else None,
                     removal_gap_ms=removed.longest_gap_ms if removed else None)

    def _remove(self) -> Report | None:
        """Removes the VF. None if nothing returns afterwards."""
        began = time.monotonic_ns()
        self._lab.unplug(VF)
        switch = self._lab.switch

        def all_by_netvsc() -> bool:
            now = time.monotonic_ns()
            return set(switch.report(now - 500_000_000, now - 100_000_000).returned_by_port) == {NETVSC}
        time.sleep(SETTLE_S)
        try:
            wait_for("frames by the NetVSC and no other", all_by_netvsc, TAKEN_S)
        except AssertionError:
            return None
        return switch.report(began, time.monotonic_ns() - 100_000_000)

    def _first_by_vf(self, began: int) -> int | None:
        """When the first frame returned that the host has sent by the VF: its PMD received it, the kernel drops it."""
        return next((frame.returned_ns for frame in self._lab.switch.frames(began)
                     if frame.sent_to == frame.returned_by == VF), None)

    def _by_path(self, plugged_ns: int) -> dict[str, list[float]]:
        """Packets per second that came back by each path from 1 s before the VF was plugged on."""
        began = plugged_ns - 1_000_000_000
        steps = int((time.monotonic_ns() - began) / 1e6 / STEP_MS)
        counts = {NETVSC: [0.0] * steps, VF: [0.0] * steps}
        for frame in self._lab.switch.frames(began):
            step = int(((frame.returned_ns or began) - began) / 1e6 / STEP_MS)
            if frame.returned_by is not None and step < steps:
                counts[frame.returned_by][step] += 1000 / STEP_MS
        return {"s": [step * STEP_MS / 1000 - 1 for step in range(steps)], **counts}

