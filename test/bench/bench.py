#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measures this driver side by side with DPDK's own of the same name, in one virtual machine. Progress goes to standard
error, the table to standard output. Called by scripts/bench, which builds what is needed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).parent))

from bench_lab import Lab  # noqa: E402
from figure_fallback import fallback_figure  # noqa: E402
from figures_host import core_figure, keepalive_figure  # noqa: E402
from figures_netdevices import netdevice_figures  # noqa: E402
from figures_vf import cycle_figures, poll_figure  # noqa: E402
from lab import qemu  # noqa: E402
from report import Figure  # noqa: E402

BEGAN = time.monotonic()


def progress(text: str) -> None:
    print(f"[{time.monotonic() - BEGAN:3.0f}s] {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Extent:
    """How much of everything is measured."""

    cycles_ours: int
    cycles_intree: int
    warm_up: int
    polls_ms: list[int]
    poll_cycles: int
    poll_s: float
    netdevices: list[int]
    churned: int
    idle_s: float
    resyncs: int
    queues: list[int]
    fallback_s: float
    benchmark_s: float


FULL = Extent(cycles_ours=20, cycles_intree=16, warm_up=1, polls_ms=[2, 5, 10, 20, 50, 100, 200], poll_cycles=4, poll_s=10,
              netdevices=[0, 1000, 10_000], churned=1000, idle_s=15, resyncs=9, queues=[1, 2], fallback_s=2,
              benchmark_s=0.3)
QUICK = Extent(cycles_ours=1, cycles_intree=1, warm_up=0, polls_ms=[20], poll_cycles=1, poll_s=1, netdevices=[0, 100],
               churned=20, idle_s=2, resyncs=1, queues=[1], fallback_s=0.3, benchmark_s=0.01)

# What measures what, in the order in which it is done: the last in the machine leaves netdevices behind.
Measure = Callable[[Extent], list[Figure]]
IN_MACHINE: list[tuple[tuple[str, ...], Measure]] = [
    (("announce_ms", "plugin_ms", "removal_loss", "return_loss"),
     lambda extent: cycle_figures(extent.cycles_ours, extent.cycles_intree, extent.warm_up, progress)),
    (("hotplug_poll",),
     lambda extent: [poll_figure(extent.polls_ms, extent.poll_cycles, extent.warm_up, extent.poll_s, progress)]),
    (("fallback_mpps",), lambda extent: [fallback_figure(extent.queues, extent.fallback_s, progress)]),
    (("idle", "churn", "resync_ms"),
     lambda extent: netdevice_figures(extent.netdevices, extent.churned, extent.idle_s, extent.resyncs, progress)),
]
ON_HOST: list[tuple[tuple[str, ...], Measure]] = [
    (("keepalive_ns",), lambda extent: [keepalive_figure(extent.benchmark_s)]),
    (("core",), lambda extent: [core_figure(extent.benchmark_s)]),
]
NAMES = [name for names, _ in (*IN_MACHINE, *ON_HOST) for name in names]


def wanted(table: list[tuple[tuple[str, ...], Measure]], only: list[str]) -> list[tuple[tuple[str, ...], Measure]]:
    return [(names, measure) for names, measure in table if set(names) & set(only)]


def run(extent: Extent, only: list[str]) -> list[Figure]:
    """The figures asked for, in NAMES' order."""
    found: list[Figure] = []
    in_machine = wanted(IN_MACHINE, only)
    if in_machine:
        progress("booting the machine")
        Lab.boot()
        try:
            for _, measure in in_machine:
                found += measure(extent)
        finally:
            Lab.doClassCleanups()
    for names, measure in wanted(ON_HOST, only):
        progress(", ".join(names))
        found += measure(extent)
    return [figure for figure in found if figure.name in only]


def conditions() -> dict[str, Any]:
    """Where it was measured."""
    def first_line(*command: str) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0]
    return {"processors": os.cpu_count(), "load": [round(load, 2) for load in os.getloadavg()],
            "kernel": platform.release(), "guest_processors": Lab.machine_arguments["cpus"],
            "dpdk": first_line("pkg-config", "--modversion", "libdpdk"),
            "qemu": ".".join(map(str, qemu.steadiest().version())), "acceleration": "none (TCG)"}


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="figures: " + ", ".join(NAMES))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="draw them there, as SVG (installs python3-matplotlib)")
    parser.add_argument("--quick", action="store_true", help="a little of everything: says that it works, no more")
    parser.add_argument("--only", action="append", choices=NAMES, metavar="FIGURE",
                        help="this figure only; may be repeated")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    for path in filter(None, [options.json and options.json.parent, options.plots]):
        path.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # by way of the machine's end
    before = conditions()
    try:
        figures = run(QUICK if options.quick else FULL, options.only or NAMES)
    except KeyboardInterrupt:
        progress("interrupted")
        return 128 + signal.SIGINT
    print("\n\n".join(figure.as_text() for figure in figures))
    seconds = time.monotonic() - BEGAN
    if options.json:
        options.json.write_text(json.dumps({"conditions": {**before, "seconds": round(seconds)}, "quick": options.quick,
                                            "figures": {figure.name: figure.as_json() for figure in figures}},
                                           indent=1) + "\n")
    if options.plots:
        import plots
        plots.draw(figures, options.plots)
    progress("done")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
