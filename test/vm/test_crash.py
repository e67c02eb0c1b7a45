# SPDX-License-Identifier: BSD-3-Clause
"""The application is killed at random moments and started again. It works as after a first start.

Environment: NETVSC_CRASH_CYCLES, the number of kills (default 6); NETVSC_SEED, the seed of the moments (default: the time;
in the short form 1, so that a failure is due to a change).
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
import unittest
from pathlib import Path
from typing import Callable, ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import HyperVCase  # noqa: E402
from lab.guest import GuestProcess  # noqa: E402
from lab.hyperv import KILLED, KNOWN_WARNINGS  # noqa: E402
from lab.machine import Nic  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER, LOG_LEVEL, MACS, QUICK, end, plugins, ports, wait_for  # noqa: E402
from vf_support import NETVSC, PATIENCE_S, PPS, VF  # noqa: E402

CYCLES = int(os.environ.get("NETVSC_CRASH_CYCLES") or "6")
SEED = int(os.environ.get("NETVSC_SEED") or (time.time_ns() % 1_000_000 if "NETVSC_CRASH_CYCLES" in os.environ else 1))
KINDS = 3  # of VFs, which share the cycles
LONGEST_S = 1.5  # from the beginning of what is killed to its end
START_UP_S = 4.0  # the same for one that has just been started
SHM = "/dpdk_keepalive_crash"


class CrashCase(HyperVCase):
    """The cases proper; the classes below say with which VFs."""

    bind: ClassVar[str] = ""
    model: ClassVar[str] = "e1000e"
    kernel: ClassVar[str] = "e1000e"
    memory: ClassVar[int | None] = 512
    drivers: ClassVar[list[str]] = plugins()
    known_warnings = KNOWN_WARNINGS + KILLED

    def setUp(self) -> None:
        super().setUp()
        if self.bind:
            self.guest.modprobe(self.bind)
        self.random = random.Random(f"{SEED} {self.bind}")
        self.note(f"NETVSC_SEED={SEED}")
        self.addCleanup(self.unplug_quietly, VF)

    # What is started, and what it finds and leaves.

    def arguments(self) -> list[str]:
        bind = f",vf_bind={self.bind}" if self.bind else ""
        return [*self.blocked(), LOG_LEVEL, "--file-prefix=crash",
                f"--vdev=net_vdev_netvsc0,iface={self.names[0]},keepalive=100,keepalive_shm={SHM}{bind}"]

    def spawn(self) -> GuestProcess:
        """testpmd that may not have come up yet."""
        starting = Testpmd(self.guest, self.arguments(), [QUICK], self.drivers, self.memory, program=self.program({}),
                           wait=False).process
        self.addCleanup(end, starting)
        self.testpmds.append(starting)
        return starting

    def left(self) -> dict[str, object]:
        """What net_tap and the driver have in the kernel."""
        netvsc = self.names[0]
        qdiscs = self.guest.run(f"tc qdisc show dev {netvsc}").stdout
        filters = self.guest.run(f"tc filter show dev {netvsc} ingress", check=False).stdout
        names = sorted(netdev.name for netdev in self.guest.netdevs())
        return {
            "qdiscs": sorted(re.findall(r"^qdisc (\w+)", qdiscs, re.M)),
            "redirections": len(re.findall("mirred", filters)),
            "taps": [name for name in names if name.startswith("dtap")],
            "shared memory": self.guest.glob(f"/dev/shm{SHM}"),
        }

    # What is going on when it is killed.

    def toggle_vf(self, testpmd: Testpmd) -> None:
        if VF in self.machine.nics:
            self.machine.nic_unplug(VF)
        else:
            self.nic.vf_plug(VF, self.model)

    def restarts(self, testpmd: Testpmd) -> None:
        testpmd.process.send("stop\nport stop all\nport start all\nstart\n")

    def quits(self, testpmd: Testpmd) -> None:
        testpmd.process.send("quit\n")

    def is_detached(self, testpmd: Testpmd) -> None:
        testpmd.process.send("stop\ndevice detach net_vdev_netvsc0\n")  # no lcore may poll what is detached

    def nothing(self, testpmd: Testpmd) -> None:
        pass

    def finish_unplugging(self, nic: Nic | None, leaving: bool) -> None:
        """Completes the removal of a VF that was under way."""
        if leaving and nic is not None:
            self.machine.nic_unplugged(VF, nic.mark, PATIENCE_S)

    # Cycles.

    def come_up(self) -> Testpmd:
        """Starts testpmd, and looks whether all is as it should be."""
        testpmd = Testpmd(self.guest, self.arguments(), [QUICK], self.drivers, self.memory, program=self.program({}),
                          timeout=PATIENCE_S)
        self.addCleanup(end, testpmd.process)
        self.testpmds = [testpmd.process]
        expected = [("net_failsafe_vsc0", MACS[0])]
        wait_for(f"{expected}", lambda: ports(testpmd) == expected, PATIENCE_S)
        testpmd.start()
        nic = VF if VF in self.machine.nics else NETVSC
        self.wait_traffic(nic, self.switch.start_traffic(PPS))
        self.assert_only_by(nic)
        self.assertEqual(self.kernel_driver() if nic == VF else "", (self.bind or self.kernel) if nic == VF else "")
        self.assertNotIn("not created", testpmd.process.output())
        return testpmd

    def check_killed(self) -> None:
        first = self.come_up()
        running = self.left()
        self.switch.stop_traffic()
        first.process.kill(PATIENCE_S)
        doings: list[Callable[[Testpmd], None]] = [self.toggle_vf, self.toggle_vf, self.restarts, self.quits, self.is_detached,
                                                   self.nothing]
        for number in range(max(2, CYCLES // KINDS)):
            self.cycle(number, self.random.choice(doings) if number else self.toggle_vf, running)
        last = self.come_up()
        self.assertEqual(self.left(), running)
        self.switch.stop_traffic()
        self.assert_quits(last)
        self.assertEqual(self.left()["taps"], [])
        self.assertEqual(self.left()["shared memory"], [])
        if VF in self.machine.nics:
            self.wait_restored(self.kernel)

    def cycle(self, number: int, doing: Callable[[Testpmd], None], running: dict[str, object]) -> None:
        """One that is killed while it starts, now and then; one that comes up, and is killed at what it does."""
        early = self.random.random() < 0.3
        if early:
            process = self.spawn()
            time.sleep(self.random.uniform(0, START_UP_S))
            process.kill(PATIENCE_S)
        testpmd = self.come_up()
        self.assertEqual(self.left(), running)
        delay = self.random.uniform(0, LONGEST_S)
        leaving = doing == self.toggle_vf and VF in self.machine.nics
        doing(testpmd)
        time.sleep(delay)
        testpmd.process.kill(PATIENCE_S, may_have_quit=doing == self.quits)
        self.finish_unplugging(self.machine.nics.get(VF), leaving)
        self.switch.stop_traffic()
        self.note(f"{number}: {'killed in its start, then ' if early else ''}{doing.__name__}, "
                  f"killed after {delay:.3f} s; VF {'there' if VF in self.machine.nics else 'not there'}")


class WithKernelDriver(CrashCase):
    def test_killed(self) -> None:
        self.check_killed()


class Vfio(CrashCase):
    machine_arguments: ClassVar[dict[str, object]] = {"iommu": True, "memory": 3072}
    bind = "vfio-pci"
    memory = 256
    drivers = [DRIVER]

    def test_killed(self) -> None:
        self.check_killed()


class Uio(CrashCase):
    machine_arguments: ClassVar[dict[str, object]] = {"hugepages": 512, "memory": 3072}
    bind = "uio_pci_generic"
    model = "virtio-net-pci"  # hv_netvsc does not join it, and a bound VF has no netdevice that it could join
    kernel = "virtio-pci"
    memory = None
    drivers = [DRIVER]

    def test_killed(self) -> None:
        self.check_killed()


if __name__ == "__main__":
    unittest.main(verbosity=2)
