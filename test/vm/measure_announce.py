#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measures how long after the kernel's notification of a VF its PCI address reaches fail-safe, by our driver and by
DPDK's own, in turn in one virtual machine. A table on standard error, JSON on standard output."""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from announce import AnnounceWatch  # noqa: E402
from support import MACS, LabCase, end  # noqa: E402

SETTLE_S = 1.5  # for DPDK's driver: it looks once a second
MODEL = "e1000e"  # DPDK's own driver does not take the look-alike's virtio NICs for VFs


class Lab(LabCase):
    """The tests' machine, without tests."""


def plug(watch: AnnounceWatch, number: int) -> int:
    """One VF's coming and going; returns its latency in ns."""
    # At any moment of a period, should the driver have one.
    time.sleep(random.random())
    since = Lab.guest.monotonic_ns()
    vf = f"vf{number}"
    Lab.machine.nic_add(vf, MACS[0], MODEL)
    latency = watch.latency_ns(since, Lab.machine.ifname(vf), Lab.machine.pci_address(vf))
    time.sleep(SETTLE_S)
    Lab.machine.nic_del(vf)
    time.sleep(SETTLE_S)
    return latency


def measure(intree: bool, plugs: int, forward: bool) -> list[int]:
    """The latencies of one driver, in ns."""
    watch = AnnounceWatch(Lab.guest, f"linklog-{intree}")
    testpmd = Lab.start_testpmd(f"--vdev=net_vdev_netvsc0,iface={Lab.names[0]}", intree=intree, env=AnnounceWatch.env)
    try:
        if forward:
            testpmd.start()
        return [plug(watch, number) for number in range(plugs)]
    finally:
        end(testpmd.process)
        watch.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plugs", type=int, default=20, metavar="N", help="of each driver (default: 20)")
    parser.add_argument("--forward", action="store_true", help="let testpmd poll meanwhile, on the second of two CPUs")
    options = parser.parse_args()
    Lab.setUpClass()
    try:
        latencies = {name: measure(intree, options.plugs, options.forward)
                     for name, intree in (("ours", False), ("in-tree", True))}
    finally:
        Lab.doClassCleanups()
    print(f"{'driver':8} {'plugs':>6} {'median ms':>10} {'min ms':>9} {'max ms':>9}", file=sys.stderr)
    for name, values in latencies.items():
        median, least, most = (value / 1e6 for value in (statistics.median(values), min(values), max(values)))
        print(f"{name:8} {len(values):6} {median:10.3f} {least:9.3f} {most:9.3f}", file=sys.stderr)
    json.dump({name: {"median_ns": statistics.median(values), "max_ns": max(values), "latencies_ns": values}
               for name, values in latencies.items()}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
