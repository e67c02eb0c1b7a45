# SPDX-License-Identifier: BSD-3-Clause
"""The figures as plots for the guide: SVG that is the same for the same figures."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

from report import Figure  # noqa: E402

PATHS = {"nv0": "NetVSC", "vf": "VF"}
DPI_FREE = {"svg.hashsalt": "netvsc", "svg.fonttype": "none", "figure.constrained_layout.use": True}


def draw(figures: list[Figure], folder: Path) -> None:
    """Draws each plot whose figure exists into its own file."""
    named = {figure.name: figure for figure in figures}
    with matplotlib.rc_context(DPI_FREE):
        for name, plot in PLOTS.items():
            if name in named:
                plot(named[name])
                pyplot.savefig(folder / f"{name}.svg", metadata={"Date": None})
                pyplot.close()


def _cycle(figure: Figure) -> None:
    """Throughput over a cycle, one above the other."""
    _, axes = pyplot.subplots(len(figure.series), 1, sharex=True, sharey=True, squeeze=False,
                              figsize=(8, 2.5 * len(figure.series)))
    for (who, timeline), (axis,) in zip(figure.series.items(), axes):
        for path, label in PATHS.items():
            axis.plot(timeline["s"], timeline[path], label=label, drawstyle="steps-post")
        axis.axvline(0, color="grey", linestyle=":")
        axis.set_title(who)
        axis.set_ylabel("packets/s")
        axis.legend(loc="center right")
    axes[-1][0].set_xlabel("seconds since QMP's device_add")


def _announce(figure: Figure) -> None:
    """Each VF a point, on a logarithmic scale."""
    _, axis = pyplot.subplots(figsize=(8, 2))
    for row, (who, latencies) in enumerate(figure.series.items()):
        axis.plot(latencies, [row] * len(latencies), "o", alpha=0.5)
    axis.set_yticks(range(len(figure.series)), list(figure.series))
    axis.set_ylim(-0.5, len(figure.series) - 0.5)
    axis.set_xscale("log")
    axis.set_xlabel("ms from the kernel's notification to the address in the pipe")


def _poll(figure: Figure) -> None:
    """What a short hotplug_poll gives, and what it costs."""
    _, cost = pyplot.subplots(figsize=(8, 3))
    polls = [int(who.split()[0]) for who in figure.rows]
    gain = cost.twinx()
    cost.plot(polls, [figure.value(who, "CPU ms/min") for who in figure.rows], "o-", color="tab:red")
    gain.plot(polls, [figure.value(who, "after it") for who in figure.rows], "s--", color="tab:blue")
    cost.set_xscale("log")
    cost.set_xticks(polls, [str(poll) for poll in polls])
    cost.set_xlabel("hotplug_poll in ms")
    cost.set_ylabel("CPU ms a minute, idle", color="tab:red")
    gain.set_ylabel("ms to the first packet", color="tab:blue")
    cost.set_ylim(bottom=0)
    gain.set_ylim(bottom=0)


PLOTS = {"plugin_ms": _cycle, "announce_ms": _announce, "hotplug_poll": _poll}
