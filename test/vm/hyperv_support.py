# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the driver over the kernel's own hv_netvsc share: see lab/hyperv.py."""

from __future__ import annotations

import re
import time
from typing import Callable, ClassVar, Sequence

from lab import coverage
from lab.errors import LabError
from lab.hyperv import HyperV, HyperVNic
from lab.machine import Machine
from lab.switch import Report
from lab.testpmd import Testpmd
from support import LOG_LEVEL, MACS, PATIENCE_S, QUICK, end, plugins
from vf_support import NETVSC, PPS, VF, VfCase, wait_for

# What every machine's log has: a module that is neither the kernel's nor signed.
LOG_LINES, LOG_TAIL = 20, 3000  # of the kernel's log, in an error
KNOWN_WARNINGS = re.compile(r"hv_vmbus: (loading out-of-tree module|module verification failed)|tainting kernel")


class HyperVCase(VfCase):
    """Cases as VfCase's, whose NetVSC netdevices are hv_netvsc's. The switch follows the guest's data path."""

    channels: ClassVar[int] = 1
    hyperv: ClassVar[HyperV]

    @classmethod
    def setUpClass(cls) -> None:
        cls.machine = Machine(**cls.machine_arguments)
        cls.hyperv = HyperV(cls.machine)
        for number in range(cls.netvscs):
            cls.hyperv.nic_add(f"nv{number}", MACS[number], cls.channels)
        cls.machine.start()
        cls.addClassCleanup(cls.machine.stop)
        cls.addClassCleanup(lambda: coverage.fetch(cls.machine.guest))
        cls.guest = cls.machine.guest
        cls.guest.modprobe("tun")
        cls.hyperv.start()
        cls.names = [cls.hyperv.nic(f"nv{number}").ifname() for number in range(cls.netvscs)]

    def setUp(self) -> None:
        self.guest.run("dmesg -C")
        super().setUp()
        self.addCleanup(self.check_kernel_log)

    @property
    def nic(self) -> HyperVNic:
        return self.hyperv.nic(NETVSC)

    @classmethod
    def blocked(cls) -> list[str]:
        """EAL's arguments that keep it from the wires."""
        return [word for number in range(cls.netvscs) for word in ("-b", cls.hyperv.nic(f"nv{number}").wire_address())]

    # The kernel's log.

    def kernel_log(self) -> str:
        return self.guest.run("dmesg").stdout

    def check_kernel_log(self) -> None:
        """No case makes the kernel warn of anything."""
        bad = [line for line in self.guest.run("dmesg --level=emerg,alert,crit,err,warn").stdout.splitlines()
               if not KNOWN_WARNINGS.search(line)]
        self.assertEqual(bad[-LOG_LINES:], [], self.kernel_log()[-LOG_TAIL:])

    def kernel_said(self, pattern: str) -> None:
        wait_for(f"{pattern!r} in the kernel's log", lambda: re.search(pattern, self.kernel_log()), PATIENCE_S)

    # Traffic.

    def forward(self, arguments: str = "", *, hot_plug: bool = False, memory: int | None = 512,
                drivers: Sequence[str] | None = None, env: dict[str, str] | None = None, by: str = NETVSC) -> Testpmd:
        """testpmd that forwards by the port of nv0, and traffic for it; as VfCase's, but nothing is steered."""
        testpmd = Testpmd(self.guest, [*self.blocked(), LOG_LEVEL, "--log-level=pmd.net.testvf:info",
                                       f"--vdev=net_vdev_netvsc0,iface={self.names[0]}{arguments}"],
                          [QUICK, *(["--hot-plug"] if hot_plug else [])],
                          plugins() if drivers is None else list(drivers), memory, program=self.program(env or {}))
        self.addCleanup(end, testpmd.process)
        self.testpmds.append(testpmd.process)
        testpmd.start()
        self.addCleanup(self.switch.stop_traffic)
        self.wait_traffic(by, self.switch.start_traffic(PPS))
        return testpmd

    def steady(self, by: str, seconds: float = 2.0) -> Report:
        """Once it is so, every frame of these seconds comes back exactly once, and by this NIC."""
        self.assert_only_by(by)
        began = time.monotonic_ns()
        time.sleep(seconds)
        until = time.monotonic_ns()
        time.sleep(1.0)  # the last ones are on their way
        report = self.switch.report(began, until)
        with self.telling_what_was_said():
            self.assertEqual((report.lost, report.duplicates, set(report.returned_by_port)), (0, 0, {by}), report)
        return report

    def come(self, coming: Callable[[], object], vf: str = VF) -> Report:
        """The VF comes; the guest turns the host's data path to it."""
        began = time.monotonic_ns()
        coming()
        self.wait_traffic(vf, began)
        self.assert_only_by(vf)
        return self.switch.report(began, time.monotonic_ns() - 100_000_000)

    def go(self, going: Callable[[], object]) -> Report:
        """The VF goes; the guest has turned the host's data path to the NetVSC before."""
        began = time.monotonic_ns()
        going()
        self.wait_traffic(NETVSC, began)
        self.assert_only_by(NETVSC)
        return self.switch.report(began, time.monotonic_ns() - 100_000_000)

    def assert_quits(self, testpmd: Testpmd, timeout: float = PATIENCE_S) -> None:
        """Without traffic: net_tap's redirection stays a moment longer than its netdevice, of which the kernel warns."""
        self.switch.stop_traffic()
        super().assert_quits(testpmd, timeout)

    # The VF.

    def add_vf(self, model: str = "e1000e", vf: str = VF) -> None:
        """Plugs the VF, which goes with the case at the latest."""
        self.addCleanup(self.unplug_quietly, vf)
        self.nic.vf_add(vf, model)

    def unplug(self, vf: str = VF) -> None:
        if vf in self.machine.nics:
            self.nic.vf_del(vf)

    def take_from_kernel(self, vf: str = VF) -> None:
        """Keeps what the VF receives from the kernel, as mlx5's steering does once a PMD has the VF.

        The test PMD's packet socket still sees the frames. Without this, hv_netvsc gives the kernel's copy out as
        NetVSC's own, and the fallback returns each frame again.
        """
        name = self.machine.ifname(vf)
        self.guest.run(f"tc qdisc add dev {name} clsact && tc filter add dev {name} ingress matchall action drop")
