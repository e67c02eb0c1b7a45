# SPDX-License-Identifier: BSD-3-Clause
"""hv_netvsc's netdevice goes down and up, is renamed, moved, removed. hv_netvsc changes its VF with it.

While the kernel holds its rtnl lock for the host, the driver goes on.
"""

from __future__ import annotations

import signal
import sys
import time
import unittest
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import HyperVCase  # noqa: E402
from lab.hyperv import WITHHOLD  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import PATIENCE_S, flood_with_notifications, lost_notifications, wait_for  # noqa: E402
from vf_support import NETVSC, VF  # noqa: E402

ELSEWHERE = "elsewhere"
SAMPLES = 30
SAMPLE_S = 0.1


class LifeCase(HyperVCase):
    arguments: ClassVar[str] = ",fallback=af_packet"

    def with_vf(self) -> tuple[Testpmd, str]:
        """testpmd whose port has a VF, attached. Returns the VF's netdevice, too."""
        testpmd = self.forward(self.arguments)
        mark = testpmd.process.mark()
        names: list[str] = []

        def arrive() -> None:
            names.append(self.add_vf())
            self.nic.take_from_kernel(names[0])
        self.come(arrive)
        self.said(testpmd, r"VF \S+ attached", mark)
        self.steady(VF)
        return testpmd, names[0]


class Netdevice(LifeCase):
    def test_down_and_up(self) -> None:
        testpmd, _ = self.with_vf()
        name = self.names[0]
        for _ in range(2):
            self.guest.run(f"ip link set {name} down")
            wait_for("a link that is down", lambda: testpmd.port_info()[0]["Link status"] == "down", PATIENCE_S)
            self.guest.run(f"ip link set {name} up")
            self.steady(VF)
        self.go(self.unplug)
        self.steady(NETVSC)
        self.assert_quits(testpmd)

    def test_renamed(self) -> None:
        testpmd, _ = self.with_vf()
        name = self.names[0]
        self.addCleanup(self.guest.run, f"ip link set renamed0 down && ip link set renamed0 name {name}", check=False)
        self.guest.run(f"ip link set {name} down; ip link set {name} name renamed0; ip link set renamed0 up")
        self.steady(VF)
        self.go(self.unplug)
        self.steady(NETVSC)
        self.come(lambda: self.nic.take_from_kernel(self.add_vf()))
        self.steady(VF)
        self.assert_quits(testpmd)

    def test_moves_away_and_back(self) -> None:
        """To another network namespace. hv_netvsc moves the VF there, too."""
        testpmd, vf = self.with_vf()
        name = self.names[0]
        self.guest.run(f"ip netns add {ELSEWHERE}")
        self.addCleanup(self.guest.run, f"ip netns del {ELSEWHERE}", check=False)
        self.switch.stop_traffic()
        self.guest.run(f"ip link set {name} netns {ELSEWHERE}")
        testpmd.process.expect(r"Port \d+: device removal event", PATIENCE_S)
        testpmd.process.expect("Now total ports is 0", PATIENCE_S)
        there = self.guest.run(f"ip -n {ELSEWHERE} -br link").stdout
        self.assertRegex(there, rf"{name}\b")
        self.assertRegex(there, rf"{vf}\b")
        mark = testpmd.process.mark()
        self.guest.run(f"ip -n {ELSEWHERE} link set {name} netns 1")
        self.said(testpmd, rf"net_failsafe_vsc\d+ attached to netdevice {name}", mark)
        self.assert_quits(testpmd)

    def test_removed(self) -> None:
        """The host rescinds the channel, and removes the VF."""
        testpmd, _ = self.with_vf()
        self.switch.stop_traffic()
        self.nic.rescind()
        self.addCleanup(self.offer_again)
        testpmd.process.expect(r"Port \d+: device removal event", PATIENCE_S)
        testpmd.process.expect("Now total ports is 0", PATIENCE_S)
        self.unplug()
        mark = testpmd.process.mark()
        self.offer_again()
        self.guest.run(f"ip link set {self.nic.ifname()} name {self.names[0]}", check=False)
        self.said(testpmd, r"net_failsafe_vsc\d+ attached to netdevice", mark)
        self.assert_quits(testpmd)

    def offer_again(self) -> None:
        if not self.guest.glob(f"/sys/bus/vmbus/devices/{self.nic.instance}"):
            self.nic.offer()


class Rtnl(LifeCase):
    """The kernel holds its rtnl lock while it waits for the host. EAL's interrupt thread does not wait with it."""

    def blocked_samples(self, testpmd: Testpmd) -> list[str]:
        """The kernel's stack of the interrupt thread at each of some moments at which it waits for a lock (state D).

        The stack itself names no function that locks: the kernel leaves those out (stack_trace_save_tsk()).
        """
        thread = self.interrupt_thread(testpmd)
        blocked = []
        for _ in range(SAMPLES):
            if b"State:\tD" in self.guest.read_file(f"{thread}/status"):
                blocked.append(self.guest.read_file(f"{thread}/stack").decode())
            time.sleep(SAMPLE_S)
        return blocked

    def add_waiting_vf(self) -> str:
        """A VF that comes up before the host associates it: hv_netvsc waits for that. Returns its netdevice."""
        self.nic.delay("association", WITHHOLD)
        vf = self.add_vf()
        self.addCleanup(self.associate)  # first of all: a thread that waits in the kernel cannot be killed
        self.kernel_said("Waiting for the VF association from host")
        return vf

    def associate(self) -> None:
        self.nic.delay("association", 0)
        self.nic.release("association")

    def check_wait(self, testpmd: Testpmd, vf: str, mark: int) -> None:
        """The driver does not wait, and attaches the VF once the host has associated it."""
        self.assertEqual(self.blocked_samples(testpmd), [])
        self.steady(NETVSC)
        self.assertEqual(self.count(testpmd, r"VF \S+ attached", mark), 0)
        began = time.monotonic_ns()
        self.associate()
        self.nic.take_from_kernel(vf)
        self.wait_traffic(VF, began)
        self.said(testpmd, r"VF \S+ attached", mark)
        self.finish_with_vf(testpmd)

    def test_vf_without_association(self) -> None:
        """The driver does not probe the VF before hv_netvsc has set it up, so it needs no lock meanwhile."""
        testpmd = self.forward(self.arguments)
        self.steady(NETVSC)
        mark = testpmd.process.mark()
        self.check_wait(testpmd, self.add_waiting_vf(), mark)

    def test_notifications_lost_meanwhile(self) -> None:
        """The driver has to request all netdevices again, which takes the lock. It delays the request."""
        testpmd = self.forward(self.arguments)
        self.steady(NETVSC)
        mark = testpmd.process.mark()
        testpmd.process.signal(signal.SIGSTOP)
        flood_with_notifications(self.guest)
        vf = self.add_waiting_vf()
        self.assertGreater(lost_notifications(self.guest, testpmd), 0)
        testpmd.process.signal(signal.SIGCONT)
        self.check_wait(testpmd, vf, mark)


if __name__ == "__main__":
    unittest.main(verbosity=2)
