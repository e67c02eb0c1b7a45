# SPDX-License-Identifier: BSD-3-Clause
"""Random operations. Checks the invariants after each. Used by scripts/soak.

Environment: NETVSC_SOAK_HOURS, the duration (default: NETVSC_SOAK_OPERATIONS operations, default 8); NETVSC_SEED, the seed
of the operations (default: the time; in the short form 1, so that a failure is due to a change);
NETVSC_SOAK_BIND, the kernel driver for vf_bind= (default: vfio-pci);
NETVSC_SOAK_DUMP, the folder for the records of a failure.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import time
import unittest
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import HyperVCase  # noqa: E402
from lab.hyperv import KILLED, KNOWN_WARNINGS  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from soak import dump  # noqa: E402
from soak.expected import Expected  # noqa: E402
from soak.invariants import Invariants  # noqa: E402
from soak.operations import OPERATIONS  # noqa: E402
from support import BUILD, LOG_LEVEL, QUICK, end, plugins, wait_for  # noqa: E402
from vf_support import PATIENCE_S, PPS, VF, Held  # noqa: E402

HOURS = float(os.environ.get("NETVSC_SOAK_HOURS") or "0")
COUNT = int(os.environ.get("NETVSC_SOAK_OPERATIONS") or "8")
SEED = int(os.environ.get("NETVSC_SEED") or (time.time_ns() % 1_000_000 if HOURS else 1))
DUMP = Path(os.environ.get("NETVSC_SOAK_DUMP") or BUILD / f"soak-{SEED}")


@dataclass(frozen=True)
class Bind:
    """A PCI driver for vf_bind=, with what it needs."""

    model: str  # of the VF: the one that DPDK's own drivers take through it here
    machine: dict[str, object]
    memory: int | None  # of testpmd, MiB without hugepages


BINDS = {
    "vfio-pci": Bind("e1000e", {"iommu": True, "memory": 3072}, 256),
    "uio_pci_generic": Bind("virtio-net-pci", {"hugepages": 512, "memory": 3072}, None),
}
BIND = os.environ.get("NETVSC_SOAK_BIND") or "vfio-pci"
if BIND not in BINDS:
    sys.exit(f"NETVSC_SOAK_BIND={BIND}: expected one of {', '.join(BINDS)}")


class Soak(HyperVCase):
    netvscs = 2
    machine_arguments: ClassVar[dict[str, object]] = BINDS[BIND].machine
    bound_model = BINDS[BIND].model
    known_warnings = KNOWN_WARNINGS + KILLED

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.modprobe(BIND)
        cls.guest.run("modprobe dummy numdummies=0")

    def setUp(self) -> None:
        super().setUp()
        self.chance = random.Random(SEED)
        self.expected = Expected(self.chance.choice(["", BIND]))
        self.began = time.monotonic()

    # The application.

    def begin(self) -> None:
        """Starts testpmd and the traffic."""
        bind = f",vf_bind={self.expected.bind}" if self.expected.bind else ""
        self.testpmd = Testpmd(
            self.guest, [*self.blocked(), LOG_LEVEL, "--file-prefix=soak",
                         f"--vdev=net_vdev_netvsc0,iface={self.names[0]},keepalive=100{bind}"],
            [QUICK], plugins(), BINDS[BIND].memory, program=self.program({}), timeout=PATIENCE_S)
        self.addCleanup(end, self.testpmd.process)
        self.testpmds = [self.testpmd.process]
        # Not 0 if a VF existed at start-up: its port was created first.
        self.port = self.testpmd.port_of("net_failsafe_vsc0")
        self.testpmd.start()
        self.switch.start_traffic(PPS / 4)
        self.invariants = Invariants(self)

    def restart(self, kill: bool) -> None:
        """Ends testpmd and starts it again, with VFs of either kind."""
        if kill:
            self.testpmd.process.kill(PATIENCE_S)
        else:
            self.assert_quits(self.testpmd)
            if self.expected.vf:
                wait_for("a restored VF", lambda: self.kernel_driver() not in ("", BIND), PATIENCE_S)
        self.expected.second, self.expected.flapped = False, 0
        only = self.expected.vf or self.expected.pulled_out
        self.expected.bind = "" if only and self.machine.nics[VF].model != self.bound_model else self.chance.choice(["", BIND])
        self.begin()

    def held(self) -> tuple[int, int, int]:
        """Descriptors, threads, and anonymous memory in KiB of testpmd."""
        held = Held.by(self.guest, self.testpmd)
        status = self.guest.read_file(f"/proc/{self.testpmd.process.pid}/status").decode()
        memory = re.search(r"^RssAnon:\s+(\d+)", status, re.M)
        assert memory is not None
        return held.descriptors, held.threads, int(memory[1])

    # What it is asked.

    def raw(self, *commands: str) -> str:
        """DPDK's client's answers, one a line."""
        return self.guest.run(["sh", "-c", "printf '%s\\n' \"$@\" | dpdk-telemetry.py -f soak", "sh", *commands],
                              timeout=PATIENCE_S).stdout

    def ask(self, *commands: str) -> dict[str, Any]:
        """What the answers hold, by command."""
        told: dict[str, Any] = {}
        for line in self.raw(*commands).splitlines():
            if line.strip():
                told.update(json.loads(line))
        return told

    def lcore_state(self) -> str:
        """Of the lcore that polls."""
        lcores = self.ask("/vdev_netvsc/keepalive")["/vdev_netvsc/keepalive"]["lcores"]
        return lcores.get("1", {}).get("state", "UNUSED")

    def batch(self, lines: list[str]) -> None:
        """ip's commands, by one process."""
        self.guest.run(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n", timeout=300)

    # The soak.

    def has_more_to_do(self, done: int) -> bool:
        return time.monotonic() - self.began < HOURS * 3600 if HOURS else done < COUNT

    def test_random_operations(self) -> None:
        self.note(f"NETVSC_SEED={SEED} NETVSC_SOAK_BIND={BIND}")
        self.addCleanup(self.unplug_quietly, VF)
        self.addCleanup(self.switch.stop_traffic)
        self.begin()
        done = 0
        name = "start"
        try:
            self.invariants.check()
            while self.has_more_to_do(done):
                possible = [operation for operation in OPERATIONS if operation.possible(self.expected)]
                operation = self.chance.choices(possible, [each.weight for each in possible])[0]
                done, name = done + 1, operation.name
                self.note(f"[{time.monotonic() - self.began:5.0f} s] {done} {name} {self.expected}")
                operation.do(self, self.chance)
                self.invariants.check()
            self.assert_quits(self.testpmd)
        except Exception as error:
            dump.write(self, DUMP)
            raise AssertionError(f"operation {done}, {name}, NETVSC_SEED={SEED} NETVSC_SOAK_BIND={BIND}: {error}\n"
                                 f"what was seen is in {DUMP}") from error
        self.note(f"{done} operations in {time.monotonic() - self.began:.0f} s")


if __name__ == "__main__":
    unittest.main(verbosity=2)
