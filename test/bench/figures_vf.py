# SPDX-License-Identifier: BSD-3-Clause
"""A VF is added and removed: announce_ms, plugin_ms, removal_loss, return_loss, and the effect of hotplug_poll."""

from __future__ import annotations

import statistics
import time
from typing import Callable

from bench_lab import Lab
from process_cost import Cost, measure
from report import INTREE, OURS, Figure, spread
from support import end
from vf_cycle import MODEL, TAKEN_S, Cycle, Session
from vf_support import VF

LISTENER = "passive listener"
SETTLE_S = 3.0  # the kernel's own notifications of a new netdevice end within this time
SPREAD = ("median", "99 %", "most")


def cycle_figures(ours: int, intree: int, warm_up: int, progress: Callable[[str], None]) -> list[Figure]:
    """So many cycles of each driver (see Session.cycles), and what they say."""
    announce = Figure("announce_ms", "From the kernel's notification of a VF's carrier to its address in fail-safe's "
                      "pipe, in ms", (*SPREAD, "VFs"))
    announce.notes.append(f"hv_netvsc sets a VF up 100 ms after it has joined it. {OURS} waits for that, {INTREE} polls")
    plugin = Figure("plugin_ms", "From the end of QMP's device_add to the first packet both ways by the VF, in ms",
                    (*SPREAD, "kernel", "after it", "not taken"))
    plugin.notes.append("kernel: median up to the kernel's notification. after it: median from there on")
    losses = {name: Figure(name, title, (*SPREAD, "mean", "gap ms", "at an end")) for name, title in (
        ("removal_loss", "Packets lost when a VF is removed, of 1000 a second"),
        ("return_loss", "Packets lost when a VF is added, of 1000 a second"))}
    losses["removal_loss"].notes.append("gap: median of the longest time without a packet. at an end: removals after "
                                        "which nothing returns; they are not in the other columns")
    listened: list[float] = []
    for who, is_intree, count in (OURS, False, ours), (INTREE, True, intree):
        progress(f"{count} VFs of {who}")
        with Session(is_intree) as session:
            cycles = session.cycles(count, warm_up)
        announce.add(who, *_spread_of(cycles, "announce_ms"), len(cycles))
        after = [cycle.plugin_ms - cycle.notified_ms for cycle in cycles]
        plugin.add(who, *_spread_of(cycles, "plugin_ms"), spread([cycle.notified_ms for cycle in cycles])[0],
                   spread(after)[0], session.not_taken)
        for name, attribute in ("removal_loss", "removal_lost"), ("return_loss", "return_lost"):
            values = [value for cycle in cycles if (value := getattr(cycle, attribute)) is not None]
            gaps = [cycle.removal_gap_ms for cycle in cycles if cycle.removal_gap_ms is not None]
            ended = len(cycles) - len(values)
            losses[name].add(who, *spread(values), statistics.mean(values) if values else None,
                             *((spread(gaps)[0], ended) if name == "removal_loss" else (None, None)))
        listened += [cycle.listener_ms for cycle in cycles]
        announce.series[who] = [cycle.announce_ms for cycle in cycles]
        plugin.series[who] = session.timeline
    announce.add(LISTENER, *spread(listened), len(listened))
    announce.ratio(f"{INTREE} / {OURS}", INTREE, OURS, "median")
    announce.ratio(f"{OURS} / {LISTENER}", OURS, LISTENER, "median")
    plugin.ratio(f"{INTREE} / {OURS}, all", INTREE, OURS, "median")
    plugin.ratio(f"{INTREE} / {OURS}, from the notification on", INTREE, OURS, "after it")
    return [announce, plugin, *losses.values()]


def _spread_of(cycles: list[Cycle], attribute: str) -> tuple[float | int | None, ...]:
    return spread([getattr(cycle, attribute) for cycle in cycles])


def poll_figure(polls_ms: list[int], cycles: int, warm_up: int, seconds: float, progress: Callable[[str], None]) -> Figure:
    """For each hotplug_poll what it costs an idle process, and what it gives a VF that comes."""
    figure = Figure("hotplug_poll", "What fail-safe's hotplug_poll costs while there is no VF, and gives",
                    ("CPU ms/min", "wake-ups/min", "calls/min", "with a VF", "after it"))
    figure.notes.append("with a VF: CPU ms/min. after it: median from the kernel's notification to the first packet both ways by the VF, in ms")
    for poll in polls_ms:
        progress(f"hotplug_poll={poll}")
        cost, with_vf = _idle_costs(poll, seconds)
        with Session(False, f",hotplug_poll={poll}") as session:
            taken = session.cycles(cycles, warm_up)
        after = spread([cycle.plugin_ms - cycle.notified_ms for cycle in taken])[0]
        figure.add(f"{poll} ms", cost.cpu_ms, cost.wake_ups, cost.calls, with_vf.cpu_ms, after)
    return figure


def _idle_costs(poll: int, seconds: float) -> tuple[Cost, Cost]:
    """Per minute, of a testpmd that does not forward, without traffic: without a VF, and with one."""
    lab = Lab()
    lab.setUp()
    try:
        testpmd = Lab.start_testpmd(f"--vdev=net_vdev_netvsc0,iface={Lab.names[0]},hotplug_poll={poll}")
        lab.addCleanup(end, testpmd.process)

        def cost() -> Cost:
            time.sleep(SETTLE_S)
            return measure({OURS: testpmd.process.pid}, seconds)[OURS].per_minute()
        without = cost()
        lab.addCleanup(lab.unplug_quietly, VF)
        lab.nic.vf_add_for_pmd(VF, MODEL)
        testpmd.process.expect(r"VF \S+ attached", TAKEN_S)
        return without, cost()
    finally:
        lab.doCleanups()
