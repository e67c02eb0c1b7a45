# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the driver over the kernel's own hv_netvsc share: see lab/hyperv.py."""

from __future__ import annotations

import re
import time
import unittest
from typing import Callable, ClassVar

from lab import coverage, vmbus_build
from lab.errors import LabError
from lab.hyperv import KILLED, KNOWN_WARNINGS, HyperV, HyperVNic
from lab.machine import Machine
from lab.switch import Report
from lab.testpmd import Testpmd
from support import MACS, PATIENCE_S, LabCase
from vf_support import NETVSC, PPS, VF, VfCase, wait_for

LOG_LINES, LOG_TAIL = 20, 3000  # of the kernel's log, in an error
STEADY_TRIES = 4


class OverHyperV(LabCase):
    """LabCase's, whose NetVSC netdevices are hv_netvsc's. The switch follows the guest's data path."""

    channels: ClassVar[int] = 1
    vf_model: ClassVar[str] = "e1000e"
    known_warnings: ClassVar[str] = KNOWN_WARNINGS + KILLED
    hyperv: ClassVar[HyperV]

    @classmethod
    def setUpClass(cls) -> None:
        try:
            kernel = vmbus_build.newest_kernel()
        except LabError as error:
            raise unittest.SkipTest(f"the VMBus host has no kernel that it matches: {error}") from None
        cls.machine = Machine(kernel=kernel, **cls.machine_arguments)
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

    @classmethod
    def prepare_fallbacks(cls) -> None:
        """What the fallbacks need of the guest, beside what every class has."""
        cls.guest.modprobe("vhost_net")
        cls.guest.run("mount -t bpf bpf /sys/fs/bpf")  # as systemd does

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
               if not re.search(self.known_warnings, line)]
        if bad:  # named last: a long output loses its beginning
            self.fail("\n".join([self.kernel_log()[-LOG_TAIL:], "unexpected warnings in the kernel's log:", *bad[-LOG_LINES:]]))

    def kernel_said(self, pattern: str) -> None:
        wait_for(f"{pattern!r} in the kernel's log", lambda: re.search(pattern, self.kernel_log()), PATIENCE_S)

    # NICs.

    def set_carrier(self, nic: str, up: bool) -> None:
        if nic in self.hyperv.nics:
            self.hyperv.nic(nic).set("link", "up" if up else "down")
        else:
            super().set_carrier(nic, up)

    def plug(self, vf: str, mac: str, model: str | None = None) -> str:
        """As LabCase's. The NIC with this address gets it as its VF, if one has it."""
        self.addCleanup(self.unplug, vf)
        nic = next((nic for nic in self.hyperv.nics.values() if nic.mac == mac), None)
        if nic is None:
            self.machine.nic_add(vf, mac, model or self.vf_model)
            return self.machine.ifname(vf)
        return self.plug_associated(nic, vf, model or self.vf_model)

    def plug_associated(self, nic: HyperVNic, vf: str, model: str) -> str:
        """Plugs the NIC's VF. Returns its netdevice's name.

        The NetVSC is up, as on Azure. The host associates the VF only then, and the kernel waits for that when a PMD sets
        the VF up: DPDK's scan of the PCI bus, with a VF that exists at the start, would never end.
        """
        self.guest.run(f"ip link set {nic.ifname()} up", check=False)
        return nic.vf_add(vf, model)

    def unplug(self, vf: str = VF) -> None:
        if vf in self.machine.nics:
            mac = self.machine.nics[vf].mac
            self.machine.nic_del(vf)
            for nic in self.hyperv.nics.values():
                if nic.mac == mac:
                    nic.associate(False)


class EachFallback:
    """A case of each fallback for a class that defines check()."""

    check: Callable[[str], None]

    def test_tap(self) -> None:
        self.check("tap")

    def test_af_packet(self) -> None:
        self.check("af_packet")

    def test_virtio_user(self) -> None:
        self.check("virtio_user")

    def test_af_xdp(self) -> None:
        self.check("af_xdp")


class HyperVCase(OverHyperV, VfCase):
    """Cases as VfCase's over hv_netvsc."""

    known_warnings = KNOWN_WARNINGS
    pps = min(PPS, 300)  # a frame may pass hv_netvsc twice, and steady() counts all of them

    # Traffic.

    def steer(self, nic: str) -> None:
        """Nothing to do: hv_netvsc requests the path."""

    def steady(self, by: str, seconds: float = 1.0) -> Report:
        """Once it is so, every frame of these seconds comes back exactly once, and by this NIC.

        A busy host may lose frames now and then. It gets STEADY_TRIES, and a note says each time that one failed.
        """
        self.assert_only_by(by)
        for left in reversed(range(STEADY_TRIES)):
            began = time.monotonic_ns()
            time.sleep(seconds)
            until = time.monotonic_ns()
            for _ in range(10):  # the last ones are on their way
                time.sleep(0.1)
                report = self.switch.report(began, until)
                if report.lost == 0:
                    break
            found = report.lost, report.duplicates, set(report.returned_by_port)
            if found == (0, 0, {by}):
                break
            if left:
                self.note(f"not steady by {by}: {report}; checked again")
                continue
            with self.with_output_in_errors():
                self.assertEqual(found, (0, 0, {by}), report)
        return report

    def finish_with_vf(self, testpmd: Testpmd) -> None:
        """The VF carries the traffic, and the NetVSC after its removal. testpmd quits."""
        self.steady(VF)
        self.go(self.unplug)
        self.steady(NETVSC)
        self.assert_quits(testpmd)

    def assert_quits(self, testpmd: Testpmd, timeout: float = PATIENCE_S) -> None:
        """Stops the traffic first: net_tap's redirection outlasts its netdevice for a moment, and the kernel warns then."""
        self.switch.stop_traffic()
        super().assert_quits(testpmd, timeout)

    # The VF.

    def add_vf(self, model: str | None = None, vf: str = VF) -> str:
        """Plugs the VF, which goes with the case at the latest. Returns its netdevice's name."""
        self.addCleanup(self.unplug_quietly, vf)
        return self.plug_associated(self.nic, vf, model or self.vf_model)


class SteeredVfCase(HyperVCase):
    """The kernel does not see a VF's frames, as with mlx5 on Azure once a PMD has taken the VF."""

    def add_vf(self, model: str | None = None, vf: str = VF) -> str:
        return self.nic.take_from_kernel(super().add_vf(model, vf))
