#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measures what our dpdkevents plugin and collectd's stock one cost, side by side in one run.

usage: measure_cost.py [SECONDS]     as root; SECONDS of measuring (default 60)

Twice three collectds run at the same time: one without dpdkevents, one with ours, one with the stock plugin; first with
a keep_alive block on the same area, then with a link_status block for testpmd's two ports as well. (testpmd runs without
hugepages, so the DPDK process of the stock plugin cannot join it, and is started again and again.)
"""

from __future__ import annotations

import os
import sys
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from support import OURS, STOCK, Application, Area, Collectd, need_collectd, unique  # noqa: E402

INTERVAL_S = 0.5
SETTLE_S = 15.0
VALUE = "dpdkevents-keepalive/gauge-lcore1"


@dataclass(frozen=True)
class Usage:
    """Of a process and all below it."""

    cpu_ns: int
    resident_kib: int
    processes: int
    reads: int


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def usage(collectd: Collectd) -> Usage:
    pids = family(collectd.process.pid)
    cpu = sum(cpu_ns(task) for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())
    resident = sum(int(line.split()[1]) for pid in pids
                   for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return Usage(cpu, resident, len(pids), len(collectd.csv().get(VALUE, [])))


def cpu_ns(task: Path) -> int:
    """0 for a task that has just ended."""
    try:
        return int((task / "schedstat").read_text().split()[0])
    except OSError:
        return 0


def first_value_s(collectd: Collectd) -> float:
    """From collectd's start to the first value in the csv plugin's file."""
    while VALUE not in collectd.csv():
        if time.monotonic() - collectd.began > 60:
            return float("nan")
        time.sleep(0.01)
    return time.monotonic() - collectd.began


class Cost(unittest.TestCase):
    seconds = 60.0

    def test_cost(self) -> None:
        need_collectd("csv", "unixsock", "exec", "write_prometheus")
        if os.geteuid() != 0 or not (STOCK / "dpdkevents.so").exists():
            self.skipTest("needs root, and collectd's own dpdkevents.so")
        prefix, name = unique("cost"), "/" + unique("netvsc_keepalive")
        Application(self, prefix, "--vdev=net_null0", "--vdev=net_null1")
        Area(self, name).set(1, 1)
        keepalive = f"""
            <EAL>
              FilePrefix "{prefix}"
            </EAL>
            <Event "keep_alive">
              SendEventsOnUpdate false
              LCoreMask "0xff"
              KeepAliveShmName "{name}"
            </Event>"""
        link = '\n<Event "link_status">\n SendEventsOnUpdate false\n</Event>'
        self.compare("keep_alive", keepalive)
        self.compare("keep_alive and link_status", keepalive + link)

    def compare(self, what: str, events: str) -> None:
        """A round: ours and the stock plugin with the same configuration."""
        everyone = {"no dpdkevents": Collectd(self, None, interval=INTERVAL_S)}
        first = {}
        for title, plugins in (("ours", OURS), ("stock", STOCK)):
            everyone[title] = Collectd(self, events, plugins, interval=INTERVAL_S)
            first[title] = first_value_s(everyone[title])
        time.sleep(SETTLE_S)
        before = {title: usage(collectd) for title, collectd in everyone.items()}
        began = time.monotonic()
        time.sleep(self.seconds)
        after = {title: usage(collectd) for title, collectd in everyone.items()}
        seconds = time.monotonic() - began
        base = after.pop("no dpdkevents")
        base_cpu = base.cpu_ns - before["no dpdkevents"].cpu_ns
        print(f"{what}: {seconds:.0f} s, a read each {INTERVAL_S} s; differences to a collectd without dpdkevents "
              f"({base.resident_kib} KiB, {base.processes} process, {base_cpu / 1e6 / seconds:.2f} ms CPU per s)")
        for title, used in after.items():
            self.assertTrue(everyone[title].running(), title)
            reads = used.reads - before[title].reads
            cpu = used.cpu_ns - before[title].cpu_ns - base_cpu
            print(f"  {title}: {reads} reads, {cpu / 1e3 / max(reads, 1):.0f} us CPU per read (with the write plugins' "
                  f"part), {used.resident_kib - base.resident_kib:+d} KiB resident, {used.processes} processes, "
                  f"first value after {first[title]:.2f} s")
        for collectd in everyone.values():
            collectd.stop()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Cost.seconds = float(sys.argv.pop())
    unittest.main()
