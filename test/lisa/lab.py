# SPDX-License-Identifier: BSD-3-Clause
"""The machine that LISA's cases run in: NetVSC netdevices of hv_netvsc, each with an e1000e as VF, and testpmd."""

from __future__ import annotations

import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from lab import vmbus_build
from lab.guest import GuestProcess
from lab.hyperv import HyperV, HyperVNic
from lab.machine import Machine
from lab.switch import Switch
from lab.testpmd import MBUFS, stage_plugins

from . import testpmd_output

MACS = "00:15:5d:00:00:01", "00:15:5d:00:00:02"
CORES, MEMORY_MIB, HUGEPAGES = 5, 3072, 500  # LISA asks for more than four cores
CHANNELS = 2
START_S, END_S = 120.0, 120.0
# What LISA takes for a kernel's error.
KERNEL_ERRORS = re.compile(r"Call Trace|self-detected stall|detected stalls on|soft lockup|NULL pointer dereference|"
                           r"execute NX-protected|unable to (execute|handle)|PF: (supervisor|user) |check_flush_dependency")


@dataclass(frozen=True)
class Options:
    """What the command line chose. pps: frames a second for receivers. Times are in seconds."""

    plugin: Path
    vf_plugin: Path
    fallback: str
    pps: int
    phase_s: float  # with the VF, without it, and with it again
    run_s: float  # of a case without hot-plug


class Lab:
    """A machine for one case; a context manager."""

    def __init__(self, options: Options, nics: int = 1) -> None:
        self.options = options
        self.machine = Machine(kernel=vmbus_build.newest_kernel(), cpus=CORES, memory=MEMORY_MIB, hugepages=HUGEPAGES)
        self._hyperv = HyperV(self.machine)
        self.nics = [self._hyperv.nic_add(f"nv{number}", MACS[number], CHANNELS) for number in range(nics)]

    def __enter__(self) -> Lab:
        self.machine.start()
        try:
            guest = self.machine.guest
            guest.modprobe("tun")
            guest.run("sysctl -q net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")
            self._hyperv.start()
            for nic in self.nics:
                self.sriov(nic, True)
                guest.run(["ip", "link", "set", nic.ifname(), "up"])
            self.plugins = stage_plugins(guest, [str(self.options.plugin), str(self.options.vf_plugin)])
            guest.run("dmesg -C")
        except BaseException:
            self.machine.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.machine.stop()

    def switch(self, nic: HyperVNic) -> Switch:
        return self.machine.switch(nic.mac)

    @staticmethod
    def vf(nic: HyperVNic) -> str:
        """The id of the NIC's VF."""
        return f"{nic.id}-vf"

    def sriov(self, nic: HyperVNic, enabled: bool) -> None:
        """Azure's switch for accelerated networking; returns when the guest has the VF, or no longer has it."""
        if enabled:
            nic.vf_add_for_pmd(self.vf(nic))
        else:
            nic.vf_del(self.vf(nic))

    def includes(self) -> list[str]:
        """EAL's words for the NICs, as LISA's for the fail-safe PMD."""
        words = []
        for number, nic in enumerate(self.nics):
            words += [f"--vdev=net_vdev_netvsc{number},iface={nic.ifname()},force=1,fallback={self.options.fallback}",
                      "-a", self.machine.pci_address(self.vf(nic))]
        return words

    @property
    def ports(self) -> list[int]:
        """The numbers of the fail-safe ports: those of the VFs come first, and each has a fallback after it."""
        return [len(self.nics) + 2 * number for number in range(len(self.nics))]

    def eal(self) -> list[str]:
        """EAL's words that LISA does not need: the driver is a plugin here, and so is the VF's."""
        return [word for plugin in self.plugins for word in ("-d", plugin)]

    def testpmd(self, mode: str, queues: int = 1, *extra: str) -> GuestProcess:
        """Starts it; returns when it forwards."""
        command = ["dpdk-testpmd", *self.eal(), *testpmd_output.command(
            self.includes(), mode, queues, CORES, [f"--total-num-mbufs={MBUFS}", *extra])]
        process = self.machine.guest.spawn("testpmd", command)
        process.expect("NIC statistics for port", START_S)
        return process

    @staticmethod
    def end(process: GuestProcess) -> str:
        """Ends testpmd as a user does, by SIGINT; returns all that it printed."""
        process.signal(signal.SIGINT)
        status = process.wait(END_S)
        output = process.output().replace("\r", "")
        if status != 0:
            raise testpmd_output.OutputError(f"testpmd ended with status {status}: {output[-1000:]}")
        return output

    def kernel_errors(self) -> list[str]:
        return [line for line in self.machine.guest.run("dmesg").stdout.splitlines() if KERNEL_ERRORS.search(line)]

    def phase(self) -> None:
        time.sleep(self.options.phase_s)
