# SPDX-License-Identifier: BSD-3-Clause
"""Among many netdevices: idle, churn, resync_ms."""

from __future__ import annotations

import time
from typing import Callable

from bench_lab import Lab
from lab.testpmd import Testpmd
from process_cost import measure
from report import INTREE, OURS, Figure, spread
from support import BUILD, end

RARE = f"{OURS}, hotplug_poll=60000"  # without fail-safe's own wake-ups
LISTED = "ip -br link"
COST = ("CPU ms", "wake-ups", "system calls")
RESYNC = str(BUILD / "test/bench/resync")
SETTLE_S = 3.0  # the kernel's further notifications of new netdevices end within this time
# Measures commands in the guest, one line of ms for each. A shell would need as long to read the clock.
TIMER = """
import subprocess, sys, time
for _ in range(int(sys.argv[1])):
    spent = []
    for command in (["ip", "-br", "link"], ["ip", "-V"]):
        began = time.monotonic_ns()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        spent.append((time.monotonic_ns() - began) / 1e6)
    print(*spent)
"""


def netdevice_figures(counts: list[int], churned: int, seconds: float, rounds: int,
                      progress: Callable[[str], None]) -> list[Figure]:
    """counts: numbers of additional netdevices, rising. churned: netdevices to add and remove. Leaves netdevices."""
    idle = Figure("idle", "An idle testpmd in a minute, by the number of netdevices", COST)
    churn = Figure("churn", f"An idle testpmd while {churned} netdevices are made and deleted", COST)
    resync = Figure("resync_ms", "Listing all netdevices after lost notifications, in ms",
                    ("netdevices", LISTED, "bare", OURS, "most"))
    resync.notes.append("ip -br link: without the time of `ip -V`. bare: the kernel's answer is received, not parsed. "
                        "All medians but the last")
    lab = Lab()
    lab.setUp()
    drivers = {OURS: _start(0), INTREE: _start(1, intree=True), RARE: _start(2, ",hotplug_poll=60000")}
    try:
        pids = {who: testpmd.process.pid for who, testpmd in drivers.items()}
        made = 0
        for count in counts:
            progress(f"{count} netdevices: making them")
            made = _make(made, count)
            time.sleep(SETTLE_S)
            progress(f"{count} netdevices: idle for {seconds:g} s")
            for who, cost in measure(pids, seconds).items():
                cost = cost.per_minute()
                idle.add(f"{who}, {count}", cost.cpu_ms, cost.wake_ups, cost.calls)
            if count == 0:
                progress(f"churn: {churned} netdevices")
                for who, cost in measure(pids, work=lambda: _churn(churned)).items():
                    churn.add(who, cost.cpu_ms, cost.wake_ups, cost.calls)
                churn.notes.append(f"in {cost.seconds:.1f} s")
            else:
                progress(f"{count} netdevices: resync")
                resync.add(f"{count}", *_resync(count, rounds))
                resync.notes.append(f"{count} netdevices: {OURS} / ip -br link: "
                                    f"{resync.value(str(count), OURS) / resync.value(str(count), LISTED):.2f}")
    finally:
        for testpmd in drivers.values():
            end(testpmd.process)
    return [idle, churn, resync]


def _start(number: int, arguments: str = "", intree: bool = False) -> Testpmd:
    return Lab.start_testpmd(f"--vdev=net_vdev_netvsc0,iface={Lab.names[number]}{arguments}", intree=intree)


def _batch(lines: list[str]) -> None:
    Lab.guest.run(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n", timeout=300)


def _make(made: int, wanted: int) -> int:
    _batch([f"link add bench{number} type dummy" for number in range(made, wanted)])
    return wanted


def _churn(count: int) -> None:
    _batch([f"link {verb} churn{number}{kind}" for verb, kind in (("add", " type dummy"), ("del", ""))
            for number in range(count)])


def _resync(count: int, rounds: int) -> tuple[float | int | None, ...]:
    rows = [[float(word) for word in line.split()] for line in
            Lab.guest.run([RESYNC, str(rounds)], timeout=120).stdout.splitlines()]
    commands = [[float(word) for word in line.split()] for line in
                Lab.guest.run(["/usr/bin/python3", "-I", "-S", "-c", TIMER, str(rounds)], timeout=120)
                .stdout.splitlines()]
    ours, bare = zip(*((row[0], row[1]) for row in rows))
    listing = [whole - start for whole, start in commands]
    return count, spread(listing)[0], spread(bare)[0], spread(ours)[0], max(ours)
