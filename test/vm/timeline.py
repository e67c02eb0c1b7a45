# SPDX-License-Identifier: BSD-3-Clause
"""What happened in the guest, in order, by its CLOCK_MONOTONIC: the host's steps, the kernel, its uevents, the driver."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from events import EventLog
from lab.guest import Guest
from lab.kernel_log import KernelLog
from support import end

# The kernel logs what hv_netvsc does with VFs.
LOGGED = r"hv_netvsc .*(VF|Data path)"
_number = itertools.count(1)


@dataclass(frozen=True)
class Entry:
    """One thing that happened. source: host, kernel, uevent or driver."""

    time_ns: int
    source: str
    text: str


class Timeline:
    """Records from its creation until close()."""

    def __init__(self, guest: Guest, events: EventLog) -> None:
        """events: of a testpmd that runs."""
        self._guest = guest
        self._events = events
        self._since = events.last()
        self._marks: list[Entry] = []
        self._kernel = KernelLog(guest, guest.monotonic_ns)
        self._uevents = guest.spawn(f"uevents{next(_number)}",
                                    "stdbuf -oL udevadm monitor --kernel --subsystem-match=pci --subsystem-match=net",
                                    pty=False)
        self._uevents.expect("KERNEL - ")

    def close(self) -> None:
        end(self._uevents)

    def mark(self, text: str) -> None:
        """The host is about to do this."""
        self._marks.append(Entry(self._guest.monotonic_ns(), "host", text))

    def entries(self) -> list[Entry]:
        """All so far, in order. The kernel's log is accurate to some milliseconds: its clock is another one."""
        found = [*self._marks]
        for at_ns, text in self._kernel.lines(LOGGED):
            found.append(Entry(at_ns, "kernel", re.sub(r"kernel: hv_netvsc \S+ (\S+: )?", "", text)))
        for seconds, action, path, subsystem in re.findall(r"^KERNEL\[([\d.]+)\] (\w+) +(\S+) \((\w+)\)",
                                                           self._uevents.output(), re.M):
            if "/queues/" not in path and "/virtual/" not in path:
                found.append(Entry(round(float(seconds) * 1e9), "uevent", f"{action} {subsystem} {path.split('/')[-1]}"))
        for event in self._events.events():
            if event.sequence > self._since:
                found.append(Entry(event.time_ns, "driver", f"{event.type} {event.vf}".strip()))
        return sorted(found, key=lambda entry: entry.time_ns)

    def lines(self) -> list[str]:
        """For a reader: milliseconds since the first entry."""
        entries = self.entries()
        return [f"{(entry.time_ns - entries[0].time_ns) / 1e6:8.0f} ms  {entry.source:6}  {entry.text}"
                for entry in entries]

    def check_order(self, source: str, *patterns: str) -> None:
        """The source has entries that match these patterns, one after the other; others may be in between."""
        rest = iter([entry.text for entry in self.entries() if entry.source == source])
        for pattern in patterns:
            if not any(re.search(pattern, text) for text in rest):
                raise AssertionError(f"{source}: no {pattern!r} in its place among {patterns}:\n" + "\n".join(self.lines()))
