# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of VFs share: traffic, each step of a VF, and its losses."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, ClassVar, Iterator, Sequence

from lab.errors import LabTimeout
from lab.guest import OUTPUT_TAIL, Guest, GuestProcess
from lab.switch import Report, Switch
from lab.testpmd import MEMORY_MIB, TRAFFIC_PPS, Testpmd
from support import LOG_LEVEL, MACS, PATIENCE_S, QUICK, LabCase, end, plugins, ports, wait_for

CYCLES = int(os.environ.get("NETVSC_CYCLES") or "3")
PPS = TRAFFIC_PPS
ALIVE_S = 5.0  # after this time without frames: is testpmd still there?
SETTLE_S = 0.5  # observed traffic after its return
VF = "vf"
NETVSC = "nv0"


@dataclass(frozen=True)
class Held:
    """What testpmd holds at a moment."""

    descriptors: int  # without those of hugepages, which DPDK takes for its heap as it needs them
    threads: int
    hugepages: int

    @staticmethod
    def by(guest: Guest, testpmd: Testpmd) -> Held:
        process = f"/proc/{testpmd.process.pid}"
        links = guest.run(f"readlink {process}/fd/*", check=False).stdout.split("\n")
        hugepages = sum(link.startswith("/dev/hugepages/") for link in links)
        return Held(len(links) - hugepages, len(guest.glob(f"{process}/task/*")), hugepages)


class VfCase(LabCase):
    """Cases with one NetVSC, nv0, under traffic, whose VF is `vf`."""

    pps: ClassVar[int] = PPS

    def setUp(self) -> None:
        super().setUp()
        # A testpmd that was killed leaves net_tap's redirection behind.
        self.guest.run(["tc", "-force", "-batch", "-"], check=False,
                       stdin=f"qdisc del dev {self.names[0]} ingress\nqdisc del dev {self.names[0]} root\n")
        self.diagnostics: list[str] = []  # see tap.py
        self.testpmds: list[GuestProcess] = []

    @property
    def switch(self) -> Switch:
        return self.machine.switch(MACS[0])

    def steer(self, nic: str) -> None:
        """The host sends by this NIC from now on. Where hv_netvsc requests the path, this does nothing."""
        self.switch.steer(nic)

    def note(self, line: str) -> None:
        """A line for the report, and for whoever looks on."""
        self.diagnostics.append(line)
        print(line, flush=True)

    # testpmd.

    def forward(self, arguments: str = "", *, hot_plug: bool = False, memory: int | None = MEMORY_MIB,
                drivers: Sequence[str] | None = None, env: dict[str, str] | None = None, by: str = NETVSC) -> Testpmd:
        """testpmd that forwards by the port of nv0, given these further arguments of the driver, and traffic for it.

        drivers: plugins in place of plugins(). by: the NIC by which frames are to come back.
        """
        testpmd = Testpmd(self.guest, [*self.blocked(), LOG_LEVEL, "--log-level=pmd.net.testvf:info",
                                       f"--vdev=net_vdev_netvsc0,iface={self.names[0]}{arguments}"],
                          [QUICK, *(["--hot-plug"] if hot_plug else [])],
                          plugins() if drivers is None else list(drivers), memory, program=self.program(env or {}))
        self.addCleanup(end, testpmd.process)
        self.testpmds.append(testpmd.process)
        testpmd.start()
        self.steer(NETVSC)
        self.addCleanup(self.switch.stop_traffic)
        self.wait_traffic(by, self.switch.start_traffic(self.pps))
        return testpmd

    def said(self, testpmd: Testpmd, pattern: str, since: int = 0, timeout: float = PATIENCE_S) -> None:
        """Waits for a line of the driver's log."""
        testpmd.process.expect(rf"\bvdev_netvsc: .*{pattern}", timeout, since)

    def count(self, testpmd: Testpmd, pattern: str, since: int = 0) -> int:
        """How often a line of the driver's log has come."""
        return len(re.findall(rf"\bvdev_netvsc: .*{pattern}", testpmd.process.output_since(since), re.M))

    # Traffic.

    @contextlib.contextmanager
    def with_output_in_errors(self) -> Iterator[None]:
        """An error in here also has what each testpmd said last, where its threads are, and the devices there are."""
        try:
            yield
        except (AssertionError, LabTimeout) as error:
            said = "".join(f"\n{process.name}:\n{process.output()[-OUTPUT_TAIL:]}\n{self.threads(process)}"
                           for process in self.testpmds)
            there = self.guest.run("ls -l --time-style=+ -d /sys/bus/pci/devices/*/driver; ip -br link",
                                   check=False).stdout
            raise type(error)(f"{error}{said}\n{there}") from error

    def threads(self, process: GuestProcess) -> str:
        """What each thread of a process does: its stack in the kernel, and in the process; or how it ended."""
        if not process.running():
            return f"{process.name} has ended with status {process.wait()}\n{self.guest.stacks()}"
        return self.guest.run(f"cd /proc/{process.pid}/task && for t in *; do echo \"$t $(cat $t/comm) $(cat $t/wchan)\"; "
                              f"cat $t/stack; done; eu-stack -p {process.pid}", 120, check=False).stdout

    def wait_traffic(self, nic: str, since_ns: int) -> int:
        """When the first frame came back by this NIC."""
        until = time.monotonic() + PATIENCE_S
        with self.with_output_in_errors():
            while True:
                try:
                    return self.switch.wait_return(nic, since_ns, ALIVE_S)
                except LabTimeout:
                    if time.monotonic() > until or not all(process.running() for process in self.testpmds[-1:]):
                        raise

    def assert_only_by(self, nic: str) -> None:
        """Frames come back by this NIC and by no other, for a while (a busy host may take its time to that)."""
        def settled() -> bool:
            began = time.monotonic_ns()
            time.sleep(SETTLE_S)
            return set(self.switch.report(began, time.monotonic_ns() - 100_000_000).returned_by_port) == {nic}
        with self.with_output_in_errors():
            wait_for(f"frames by {nic} and no other", settled, PATIENCE_S)

    def steps(self, what: str, coming: Callable[[], object], going: Callable[[], object]) -> None:
        """One cycle: the VF is added and carries the traffic. After its removal the NetVSC carries it. Notes the losses."""
        returned = self.come(coming)
        removed = self.go(going)
        self.note(f"{what}: on return {losses(returned)}; on removal {losses(removed)}")

    def check_cycles(self, testpmd: Testpmd, step: Callable[[int], None]) -> None:
        """Has step(number) done CYCLES times; testpmd comes to hold nothing more by that, and can be quit."""
        held = None
        for number in range(1, CYCLES + 1):
            step(number)
            held = held or Held.by(self.guest, testpmd)
        assert held is not None
        now = Held.by(self.guest, testpmd)
        self.assertLessEqual(now.descriptors, held.descriptors)
        self.assertLessEqual(now.threads, held.threads)
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.assert_quits(testpmd)

    def come(self, coming: Callable[[], object], vf: str = VF) -> Report:
        """Adds the VF. Like Hyper-V, the host switches to it after the guest."""
        self.steer(NETVSC)
        began = time.monotonic_ns()
        coming()
        self.wait_traffic(vf, began)
        self.steer(vf)
        self.assert_only_by(vf)
        return self.switch.report(began, time.monotonic_ns() - 100_000_000)

    def go(self, going: Callable[[], object]) -> Report:
        """Removes the VF. Like Hyper-V, the host switches to the NetVSC just before."""
        began = time.monotonic_ns()
        self.steer(NETVSC)
        going()
        self.wait_traffic(NETVSC, began)
        self.assert_only_by(NETVSC)
        return self.switch.report(began, time.monotonic_ns() - 100_000_000)

    # The VF.

    def add_vf(self, model: str = "virtio-net-pci", vf: str = VF) -> None:
        """Plugs the VF, which goes with the case at the latest."""
        self.machine.nic_add(vf, MACS[0], model)
        self.addCleanup(self.unplug_quietly, vf)

    def unplug_quietly(self, vf: str) -> None:
        """Takes the VF away, if it is still there, at the case's end."""
        if vf in self.machine.nics:
            for process in self.testpmds:  # they may hold it
                end(process)
            self.guest.run("echo 1 > /sys/bus/pci/rescan")
            self.unplug(vf)

    def remove_by_surprise(self) -> None:
        """Like a surprise removal: the kernel removes the device by sysfs. The driver must not delay that."""
        self.guest.run(f"echo 1 > /sys/bus/pci/devices/{self.machine.pci_address(VF)}/remove", timeout=PATIENCE_S)

    def rescan(self) -> None:
        """Brings a device that was removed by surprise back."""
        self.guest.run("echo 1 > /sys/bus/pci/rescan", timeout=PATIENCE_S)

    def kernel_driver(self, vf: str = VF) -> str:
        """The name of the VF's kernel driver; empty if it has none."""
        link = f"/sys/bus/pci/devices/{self.machine.pci_address(vf)}/driver"
        return Path(self.guest.run(["readlink", link], check=False).stdout.strip()).name

    def wait_restored(self, driver: str, vf: str = VF) -> None:
        """Waits until the kernel driver has the VF again, and its netdevice exists."""
        wait_for(f"{vf} with {driver}", lambda: self.kernel_driver(vf) == driver, PATIENCE_S)
        self.assertTrue(self.machine.ifname(vf, PATIENCE_S))


def losses(report: Report) -> str:
    """What a step cost."""
    return f"{report.lost} of {report.sent} lost, gap {report.longest_gap_ms:.0f} ms"
