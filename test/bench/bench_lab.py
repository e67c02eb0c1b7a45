# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark's virtual machine: the tests' own over hv_netvsc, with the kernel's tracing switched on."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "vm"))

from hyperv_support import HyperVCase  # noqa: E402
from lab.guest import Guest  # noqa: E402

TRACING = "/sys/kernel/tracing"
CLOCK_TRIES = 20


class Lab(HyperVCase):
    """The machine, its NetVSC netdevices and its switch, as the tests of VFs have them, without tests."""

    pps = 1000
    netvscs = 3  # so many testpmds may run side by side
    # One processor for EAL's control threads, as appliances leave them, beside the main and the forwarding lcore's.
    # Each PCI device makes the bus scans of DPDK's own driver slower, and Hyper-V gives a VM hardly any but its VFs.
    machine_arguments = {"cpus": 3, "memory": 3072, "root_ports": netvscs + 1,
                         "modules": ("virtio_net", "e1000e", "8139cp")}

    @classmethod
    def boot(cls) -> None:
        """Must be followed by doClassCleanups()."""
        cls.setUpClass()
        cls.guest.run(f"mount -t tracefs none {TRACING} && echo mono > {TRACING}/trace_clock")

    @classmethod
    def guest_clock_ahead_ns(cls) -> int:
        """What has to be added to the host's time to get the guest's; as exact as half a round trip."""
        tries = []
        for _ in range(CLOCK_TRIES):
            began = time.monotonic_ns()
            guest = cls.guest.monotonic_ns()
            ended = time.monotonic_ns()
            tries.append((ended - began, guest - (began + ended) // 2))
        return min(tries)[1]


class KernelNotifications:
    """The time of the kernel's notification of a netdevice: a probe at the entry of rtmsg_ifinfo()."""

    EVENT = "netvsc/notification"

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        guest.run(f"cd {TRACING}; grep -q {self.EVENT} kprobe_events || "
                  f"echo 'p:{self.EVENT} rtmsg_ifinfo name=+0($arg2):string' >> kprobe_events; "
                  f"echo 1 > events/{self.EVENT}/enable; echo > trace; echo 1 > tracing_on")

    def _times(self, netdevice: str) -> list[int]:
        """All of this netdevice. All times are the guest's CLOCK_MONOTONIC; the trace has microseconds."""
        lines = self._guest.run(["grep", f'name="{netdevice}"', f"{TRACING}/trace"]).stdout
        return [round(float(time) * 1e9) for time in re.findall(r" (\d+\.\d+): notification:", lines)]

    def first_ns(self, netdevice: str, since_ns: int) -> int:
        """The first one of this netdevice at or after a moment."""
        return min(time for time in self._times(netdevice) if time >= since_ns - 1000)

    def last_ns(self, netdevice: str, until_ns: int) -> int:
        """The last one of this netdevice before a moment."""
        return max(time for time in self._times(netdevice) if time <= until_ns)

    def close(self) -> None:
        self._guest.run(f"echo 0 > {TRACING}/events/{self.EVENT}/enable; echo > {TRACING}/trace")
