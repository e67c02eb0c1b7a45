# SPDX-License-Identifier: BSD-3-Clause
"""What LISA reads from testpmd's output: packets per second by phase, and totals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Sequence

REMOVED = "Port 0: device removal event"
# EAL's line for the VF that returns. LISA expects socket 0; a machine without NUMA has socket -1.
RETURNED = re.compile(r"EAL: Probe PCI driver: [\w-]+ \([0-9a-fA-F]{4}:[0-9a-fA-F]{4}\) device: "
                      r"[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-9a-fA-F] \(socket -?\d+\)")
FEWEST_TO_TRIM = 3


class OutputError(Exception):
    """The output lacks what a criterion needs."""


@dataclass(frozen=True)
class Phases:
    """Mean packets per second before the VF left, without it, and after it returned."""

    before: float
    without: float
    after: float


@dataclass(frozen=True)
class Totals:
    """testpmd's forward statistics of some ports."""

    received: int
    receive_drops: int
    sent: int
    send_drops: int


def mean_pps(output: str, direction: str) -> float:
    """Of the samples of `direction` (Rx or Tx): without leading zeroes, the first and the last."""
    samples = [int(value) for value in re.findall(rf"\b{direction}-pps:\s+(\d+)", output)]
    while samples and samples[0] == 0:
        samples.pop(0)
    if len(samples) >= FEWEST_TO_TRIM:
        samples = samples[1:-1]
    if not samples:
        raise OutputError(f"testpmd printed no {direction}-pps above 0")
    return sum(samples) / len(samples)


def phases(output: str, direction: str) -> Phases:
    """Splits the output at the VF's removal and at its last return."""
    before, removed, rest = output.partition(REMOVED)
    if not removed:
        raise OutputError(f"testpmd did not print {REMOVED!r}")
    returns = list(RETURNED.finditer(rest))
    if not returns:
        raise OutputError("EAL did not probe the VF again")
    last = returns[-1]
    return Phases(mean_pps(before, direction), mean_pps(rest[:last.start()], direction),
                  mean_pps(rest[last.end():], direction))


def totals(output: str, ports: Sequence[int]) -> Totals:
    """From what testpmd prints of these ports at its end.

    Not its sum of all ports: a VF that exists before testpmd starts is one of them, beside its fail-safe port.
    """
    sums = dict.fromkeys(("RX-packets", "RX-dropped", "TX-packets", "TX-dropped"), 0)
    for port in ports:
        _, heading, rest = output.rpartition(f"Forward statistics for port {port} ")
        numbers = dict(re.findall(r"\b([RT]X-(?:packets|dropped)):\s+(\d+)", rest.partition("\n  --")[0]))
        if not heading or numbers.keys() != sums.keys():
            raise OutputError(f"testpmd did not print the forward statistics of port {port}")
        sums = {name: sums[name] + int(numbers[name]) for name in sums}
    return Totals(sums["RX-packets"], sums["RX-dropped"], sums["TX-packets"], sums["TX-dropped"])


def command(includes: Sequence[str], mode: str, queues: int, cores: int, extra: Sequence[str] = ()) -> list[str]:
    """LISA's command line without the program, from `-l` on. includes: EAL's words for the NICs.

    cores: those of the machine. Queues are halved until they leave two cores free, as LISA does.
    """
    nics = sum(word.startswith("--vdev") for word in includes)
    highest = queues * nics + 1
    while highest > cores - 2:
        queues //= 2
        highest = queues + 1
    several = [f"--txq={queues}", f"--rxq={queues}"] if queues > 1 else []
    return ["-l", f"1-{highest}", *includes, "--log-level", "netvsc,debug", "--", f"--forward-mode={mode}", "-a",
            "--stats-period", "2", f"--nb-cores={highest - 1}", *extra, *several]
