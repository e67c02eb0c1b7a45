# SPDX-License-Identifier: BSD-3-Clause
"""What processes of the guest cost: processor time, wake-ups and system calls of all their threads."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Callable

from bench_lab import TRACING, Lab

TRIGGER = f"{TRACING}/events/raw_syscalls/sys_enter/trigger"
HISTOGRAM = f"{TRACING}/events/raw_syscalls/sys_enter/hist"


@dataclass(frozen=True)
class Cost:
    cpu_ms: float
    wake_ups: float  # voluntary context switches
    calls: float
    seconds: float  # over which it was measured

    def per_minute(self) -> Cost:
        scale = 60 / self.seconds
        return Cost(self.cpu_ms * scale, self.wake_ups * scale, self.calls * scale, 60)


def measure(processes: dict[str, int], seconds: float = 0, work: Callable[[], None] | None = None) -> dict[str, Cost]:
    """Of some processes (by name, their ids), for so long, or while `work` is done."""
    threads = {name: _threads(pid) for name, pid in processes.items()}
    every = [thread for found in threads.values() for thread in found]
    histogram = f"hist:keys=common_pid if {'||'.join(f'common_pid=={thread}' for thread in every)}"
    before, began = {name: _used(found) for name, found in threads.items()}, Lab.guest.monotonic_ns()
    Lab.guest.run(f"echo '{histogram}' > {TRIGGER}")
    try:
        if work is not None:
            work()
        time.sleep(seconds)
        counted = Lab.guest.read_file(HISTOGRAM).decode()
        ended = Lab.guest.monotonic_ns()
        after = {name: _used(found) for name, found in threads.items()}
    finally:
        Lab.guest.run(f"echo '!{histogram}' > {TRIGGER}")
    calls = {int(thread): int(hits) for thread, hits in
             re.findall(r"common_pid:\s+(\d+)\s*}\s*hitcount:\s+(\d+)", counted)}
    return {name: Cost(cpu_ms=(after[name][0] - before[name][0]) / 1e6,
                       wake_ups=after[name][1] - before[name][1],
                       calls=sum(calls.get(thread, 0) for thread in found),
                       seconds=(ended - began) / 1e9)
            for name, found in threads.items()}


def _threads(pid: int) -> list[int]:
    return [int(path.rsplit("/", 1)[1]) for path in Lab.guest.glob(f"/proc/{pid}/task/*")]


def _used(threads: list[int]) -> tuple[int, int]:
    """Processor time in ns and wake-ups."""
    files = [f"/proc/{thread}/{name}" for thread in threads for name in ("schedstat", "status")]
    out = Lab.guest.run(["grep", "-hE", "^([0-9]+ ){2}[0-9]+$|^voluntary_ctxt_switches", *files]).stdout
    return (sum(int(spent) for spent in re.findall(r"^(\d+) \d+ \d+$", out, re.M)),
            sum(int(count) for count in re.findall(r"^voluntary\S+\s+(\d+)", out, re.M)))
