# SPDX-License-Identifier: BSD-3-Clause
"""What needs no virtual machine: keepalive_ns and core, by Google Benchmark."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from report import Figure
from support import BUILD


def _run(name: str, seconds: float) -> dict[str, dict[str, Any]]:
    """Each benchmark of a program, by name."""
    done = subprocess.run([BUILD / f"test/bench/bench_{name}", "--benchmark_format=json",
                           f"--benchmark_min_time={seconds:g}"], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"bench_{name} ended with status {done.returncode}:\n{done.stderr}")
    text = done.stdout[done.stdout.index("{"):]  # EAL's messages may stand before it
    return {row["name"]: row for row in json.loads(text)["benchmarks"]}


def keepalive_figure(seconds: float) -> Figure:
    figure = Figure("keepalive_ns", "A burst received by fail-safe over net_null, in ns", ("plain", "keepalive", "more"))
    found = _run("keepalive", seconds)
    for row, name in ("empty", "empty_burst"), ("of 32 packets", "burst_of_32"):
        plain, watched = (found[f"{name}/{kind}"]["cpu_time"] for kind in ("plain", "keepalive"))
        figure.add(row, plain, watched, watched - plain)
    return figure


def core_figure(seconds: float) -> Figure:
    """Millions of decisions per second, by how many netdevices are known."""
    found = _run("core", seconds)
    events: dict[str, dict[str, float]] = {}
    for name, row in found.items():
        event, netdevices = name.split("/")
        events.setdefault(event.replace("_", " "), {})[netdevices] = row["decisions_per_second"] / 1e6
    columns = tuple(next(iter(events.values())))
    figure = Figure("core", "The core's decisions in millions a second, by the number of netdevices known", columns)
    for event, rates in events.items():
        figure.add(event, *rates.values())
    return figure
