# SPDX-License-Identifier: BSD-3-Clause
"""What must be so after each operation, however it went."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from support import MACS, SANITIZER, ports, wait_for
from vf_support import NETVSC, PATIENCE_S, VF

from .expected import Expected

if TYPE_CHECKING:
    from test_soak import Soak

WARM_UP = 3  # operations of an application after which it may hold no more than it did
# Of anonymous memory, from one like state to the next; AddressSanitizer keeps what is freed for a while.
MAX_GROWTH_KIB = 1 << 20 if SANITIZER else 2048
KERNEL_COMPLAINTS = re.compile(r"BUG:|Oops|WARNING:|Call Trace|blocked for more than|general protection|DMAR: .*fault")
DRIVER_COMPLAINTS = re.compile(r"vdev_netvsc: .*(not created|not restored|not recorded|bad_alloc)")


class Invariants:
    """The invariants of one application. Each new application gets a new object."""

    def __init__(self, soak: Soak) -> None:
        self._soak = soak
        self._seen = 0
        self._next_event = 0
        self._held: dict[tuple[str, bool, bool], tuple[int, int, int]] = {}

    def check(self) -> None:
        """Waits for states that may be late. Raises AssertionError for a violated invariant."""
        expected = self._soak.expected
        self._ports(expected)
        self._path(VF if expected.vf else NETVSC)
        answers = wait_for(f"telemetry with {expected}", lambda: self._telemetry(expected), PATIENCE_S, 0.2)
        self._counters(answers, expected)
        self._events(answers)
        self._growth(expected)
        self._complaints()
        self._seen += 1

    def _ports(self, expected: Expected) -> None:
        addresses = sorted(MACS[:expected.names])
        wait_for(f"ports with {addresses}",
                 lambda: sorted(mac for name, mac in ports(self._soak.testpmd)) == addresses, PATIENCE_S)

    def _path(self, nic: str) -> None:
        """Frames come back by this NIC only, whichever way the host sends them."""
        self._soak.assert_only_by(nic)
        self._soak.steer(nic)
        self._soak.assert_only_by(nic)

    def _telemetry(self, expected: Expected) -> dict[str, Any] | None:
        """The telemetry answers, if they match the expected state."""
        answers = self._soak.ask(f"/vdev_netvsc/info,{self._soak.port}", f"/vdev_netvsc/stats,{self._soak.port}",
                              f"/vdev_netvsc/events,{self._next_event}")
        info = answers["/vdev_netvsc/info"]
        state = ("attached", "vf") if expected.vf else ("absent", "fallback")
        return answers if info and (info["vf_state"], info["path"]) == state and info["link"] == "up" else None

    def _counters(self, answers: dict[str, Any], expected: Expected) -> None:
        stats = answers["/vdev_netvsc/stats"]
        assert stats["plug_ins"] - stats["removals"] == int(expected.vf), stats
        assert stats["dropped_messages"] == 0, stats
        assert stats["failed_binds"] <= expected.flapped, stats

    def _events(self, answers: dict[str, Any]) -> None:
        """No number is missing, none comes twice."""
        page = answers["/vdev_netvsc/events"]
        numbers = sorted(int(number) for number in page.get("events") or {})
        if self._next_event:
            assert page["first"] <= self._next_event, page
        else:
            self._next_event = page["first"]
        assert numbers == list(range(self._next_event, self._next_event + len(numbers))), (self._next_event, numbers)
        assert page["next"] == self._next_event + len(numbers), page
        self._next_event = page["next"]

    def _growth(self, expected: Expected) -> None:
        held = self._soak.held()
        if self._seen < WARM_UP or expected.key not in self._held:
            self._held[expected.key] = held
            return
        descriptors, threads, memory = self._held[expected.key]
        assert held[0] <= descriptors and held[1] <= threads and held[2] <= memory + MAX_GROWTH_KIB, (
            f"{expected.key}: held (descriptors, threads, KiB) {self._held[expected.key]}, now {held}")

    def _complaints(self) -> None:
        assert self._soak.testpmd.process.running()
        for text, complaints in ((self._soak.guest.run("dmesg").stdout, KERNEL_COMPLAINTS),
                                 (self._soak.testpmd.process.output(), DRIVER_COMPLAINTS)):
            found = [line for line in text.splitlines() if complaints.search(line)]
            assert not found, "\n".join(found[:20])
