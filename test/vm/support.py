# SPDX-License-Identifier: BSD-3-Clause
"""What the driver's lab tests share: one machine for a class of cases, testpmd with this driver or DPDK's own.

Environment: NETVSC_BUILD, the build folder (default: build in the project's folder); NETVSC_DRIVER, another build of the
tested driver (`intree`: DPDK's own, with which only some cases pass).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shlex
import sys
import unittest
from pathlib import Path
from typing import ClassVar, Mapping

sys.path.append(str(Path(__file__).resolve().parents[1] / "common"))

from lab import coverage  # noqa: E402
from lab.errors import LabError, LabTimeout  # noqa: E402
from lab.guest import OUTPUT_TAIL, Guest, GuestProcess  # noqa: E402
from lab.machine import Machine  # noqa: E402
from lab.testpmd import MBUFS, MEMORY_MIB, Testpmd, stage_plugins  # noqa: E402
from waiting import PATIENCE_S, wait_for  # noqa: E402, F401

BUILD = Path(os.environ.get("NETVSC_BUILD") or Path(__file__).resolve().parents[2] / "build")
DRIVER = os.environ.get("NETVSC_DRIVER") or str(BUILD / "drivers/net/vdev_netvsc/librte_net_vdev_netvsc.so")
TESTVF = str(BUILD / "test/drivers/librte_net_testvf.so")
TOOLS = BUILD / "test/vm/tools"
# What testpmd needs in order to load a driver that was built with a sanitizer.
SANITIZER = ({"LD_PRELOAD": os.environ["NETVSC_PRELOAD"], "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
              "ASAN_OPTIONS": "color=never:print_legend=0",  # the end of a long report is all that is shown
              "LSAN_OPTIONS": f"suppressions={Path(__file__).with_name('leaks.supp').resolve()}:print_suppressions=0"}
             if os.environ.get("NETVSC_PRELOAD") else {})

MACS = [f"00:15:5d:00:00:{number:02x}" for number in range(1, 9)]
QUICK = "--no-mlockall"  # locking all memory takes more time than the rest of the start
LOG_LEVEL = "--log-level=pmd.net.vdev_netvsc:debug"
INTERRUPT_THREADS = "eal-intr-thread", "dpdk-intr"  # the latter from DPDK 23.11 on (ce703c47de)
FLOOD = 4000  # link messages
DROPS_COLUMN = 8  # of /proc/net/netlink
_number = itertools.count(1)


def plugins(intree: bool = False) -> list[str]:
    """The shared objects testpmd is to load: ours comes before DPDK's own driver of the same name."""
    return [TESTVF] if intree or DRIVER == "intree" else [DRIVER, TESTVF]


class LabCase(unittest.TestCase):
    """Cases that share a machine with NetVSC netdevices nv0, nv1, ... whose addresses are MACS[0], MACS[1], ..."""

    netvscs: ClassVar[int] = 1
    machine_arguments: ClassVar[dict[str, object]] = {}
    machine: ClassVar[Machine]

    @classmethod
    def setUpClass(cls) -> None:
        cls.machine = Machine(**cls.machine_arguments)
        for number in range(cls.netvscs):
            cls.machine.nic_add(f"nv{number}", MACS[number], modern_pio_notify=True)  # as the machine's own devices
        cls.machine.start()
        cls.addClassCleanup(cls.machine.stop)
        cls.addClassCleanup(lambda: coverage.fetch(cls.machine.guest))
        cls.guest = cls.machine.guest
        cls.guest.modprobe("tun")
        cls.names = [cls.machine.ifname(f"nv{number}") for number in range(cls.netvscs)]
        for name in cls.names:
            cls.guest.make_netvsc(name)

    def setUp(self) -> None:
        """Every case begins with netdevices that are down, and without VFs."""
        self.guest.run(["ip", "-batch", "-"],
                       stdin="".join(f"link set {name} down\naddr flush dev {name}\n" for name in self.names))

    def crashed(self, failure: str) -> bool:
        """See tap.py: a crash, or a sanitizer's report, is no failure of a busy host."""
        try:
            return "Sanitizer" in failure or self.guest.has_crashed()
        except LabError:  # the machine has ended
            return True

    # testpmd.

    @classmethod
    def blocked(cls) -> list[str]:
        """EAL's arguments that keep its PCI scan from the look-alikes."""
        return [word for number in range(cls.netvscs) for word in ("-b", cls.machine.pci_address(f"nv{number}"))]

    def raw_telemetry(self, testpmd: Testpmd, command: str) -> str:
        """The answer to one command, as DPDK's client prints it."""
        return json.dumps(self.guest.telemetry(testpmd.name, command))

    @classmethod
    def program(cls, env: Mapping[str, str], program: str = "dpdk-testpmd") -> str:
        """A program in the guest that is `program` with these environment variables, and SANITIZER's."""
        preloaded = [each["LD_PRELOAD"] for each in (SANITIZER, env) if "LD_PRELOAD" in each]
        env = {**SANITIZER, **env, **({"LD_PRELOAD": ":".join(preloaded)} if preloaded else {})}
        if not env:
            return program
        path = f"/run/lab/program{next(_number)}"
        words = shlex.join(["env", *(f"{name}={value}" for name, value in env.items()), program])
        cls.guest.write_file(path, f'#!/bin/sh\nexec {words} "$@"\n', 0o755)
        return path

    @classmethod
    def start_testpmd(cls, *eal: str, intree: bool = False, env: Mapping[str, str] | None = None,
                      memory: int | None = MEMORY_MIB, paced: bool = True) -> Testpmd:
        """testpmd with the driver's log at debug level. memory, paced: as for Testpmd."""
        return Testpmd(cls.guest, [*cls.blocked(), LOG_LEVEL, *eal], [QUICK], plugins(intree), memory,
                       program=cls.program(env or {}), paced=paced)

    def run_testpmd(self, *eal: str, intree: bool = False, env: Mapping[str, str] | None = None,
                    memory: int | None = MEMORY_MIB, paced: bool = True) -> Testpmd:
        """start_testpmd() for one case, with which it is ended."""
        testpmd = self.start_testpmd(*eal, intree=intree, env=env, memory=memory, paced=paced)
        self.addCleanup(end, testpmd.process)
        return testpmd

    def spawn_testpmd(self, *eal: str, lcores: str = "0,1") -> GuestProcess:
        """testpmd without waiting for its prompt: for those that are not to reach it."""
        command = [self.program({}), "-l", lcores, "--no-huge", "-m", str(MEMORY_MIB),
                   "--file-prefix", f"bare{next(_number)}", *self.blocked(), LOG_LEVEL]
        for plugin in stage_plugins(self.guest, plugins()):
            command += ["-d", plugin]
        process = self.guest.spawn(f"bare{next(_number)}", [
            *command, *eal, "--", "-i", QUICK, f"--total-num-mbufs={MBUFS}"])
        self.addCleanup(end, process)
        return process

    def interrupt_thread(self, testpmd: Testpmd) -> str:
        """The folder in proc of the thread in which EAL serves interrupts and alarms."""
        for path in self.guest.glob(f"/proc/{testpmd.process.pid}/task/*"):
            if self.guest.read_file(f"{path}/comm").decode().strip() in INTERRUPT_THREADS:
                return path
        raise AssertionError(f"no thread {' or '.join(INTERRUPT_THREADS)}")

    def assert_quits(self, testpmd: Testpmd, timeout: float = PATIENCE_S) -> None:
        """It ends by its own command, without a complaint of a sanitizer's."""
        self.assertEqual(testpmd.quit(timeout), 0, testpmd.process.output()[-OUTPUT_TAIL:])

    # Netdevices.

    def hide(self, name: str) -> None:
        """Takes a netdevice away (RTM_DELLINK), until show() or the case's end."""
        self.addCleanup(self.show, name)
        self.guest.hide(name)

    def show(self, name: str) -> None:
        """Brings a netdevice back, if it was hidden."""
        if name not in {netdev.name for netdev in self.guest.netdevs()}:
            self.guest.show(name)

    def set_carrier(self, nic: str, up: bool) -> None:
        """Plugs or pulls the cable of a NetVSC or VF."""
        self.machine.set_link(nic, up)

    def plug(self, vf: str, mac: str, model: str = "virtio-net-pci") -> str:
        """Plugs a VF, which goes with the case at the latest; returns its netdevice's name."""
        self.machine.nic_add(vf, mac, model)
        self.addCleanup(self.unplug, vf)
        return self.machine.ifname(vf)

    def unplug(self, vf: str) -> None:
        """Removes a VF, if it is present."""
        if vf in self.machine.nics:
            self.machine.nic_del(vf)


def end(process: GuestProcess) -> None:
    """Ends a process that may run still: when it is counted what it did, in an orderly way."""
    try:
        if coverage.FOLDER and process.running():  # a killed program would not have written its counts
            process.send("quit\n")
            with contextlib.suppress(LabTimeout):
                process.wait()
        process.kill()
    except LabError:
        pass


def ports(testpmd: Testpmd) -> list[tuple[str, str]]:
    """Each port's device name and MAC address, in the order of port ids, without fail-safe's sub-devices."""
    # Not Testpmd.port_info(): none at all is an answer, too. Log messages may stand between any two lines.
    sections = re.split(r"Infos for port \d+", testpmd.cmd("show port info all"))[1:]
    found = [(re.search(r"^Device name: (\S+)", section, re.M), re.search(r"^MAC address: ([\w:]+)", section, re.M))
             for section in sections]
    return [(name[1], mac[1].lower()) for name, mac in found if name and mac]


def flood_with_notifications(guest: Guest) -> None:
    """Changes a netdevice so often that a stopped process loses notifications."""
    guest.run("modprobe dummy numdummies=0")
    changes = ["link set flood0 mtu 1400", "link set flood0 mtu 1500"] * (FLOOD // 2)
    batch = ["link add flood0 type dummy", *changes, "link del flood0"]
    guest.run(["ip", "-batch", "-"], stdin="\n".join(batch) + "\n", timeout=300)


def lost_notifications(guest: Guest, testpmd: Testpmd) -> int:
    """Messages for testpmd's netlink sockets that the kernel had no room for."""
    rows = [line.split() for line in guest.read_file("/proc/net/netlink").decode().splitlines()[1:]]
    # readlink fails for a descriptor that the process closes at the same time.
    inodes = guest.run(f"readlink /proc/{testpmd.process.pid}/fd/*", check=False).stdout
    return sum(int(row[DROPS_COLUMN]) for row in rows if f"socket:[{row[-1]}]" in inodes)


def device_names(testpmd: Testpmd) -> list[str]:
    """The ports' device names, in the order of port ids."""
    return [name for name, _ in ports(testpmd)]
