# SPDX-License-Identifier: BSD-3-Clause
"""A VF that is held by netvsc-status or netvsc-scheduled-events over hv_netvsc: the fallback carries the traffic until
the VF is released.

Compares two orders of a hold by the frames that are lost: fail-safe detaches the VF first, or the VF's netdevice is set
down first. Environment: NETVSC_CYCLES, how often each order is done (default 3).
"""

from __future__ import annotations

import json
import shlex
import sys
import time
import unittest
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).resolve().parents[1] / "common"))

from hyperv_support import HyperVCase  # noqa: E402
from lab.switch import Report  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from metadata_service import document_of, scheduled_event  # noqa: E402
from support import BUILD, DRIVER, PATIENCE_S, TESTVF, end, wait_for  # noqa: E402
from vf_support import CYCLES, NETVSC, VF, losses  # noqa: E402

STATUS = str(BUILD / "app/netvsc-status/netvsc-status")
SCHEDULED_EVENTS = str(BUILD / "app/netvsc-scheduled-events/netvsc-scheduled-events")
SERVICE = str(Path(__file__).resolve().parents[1] / "common/metadata_service.py")


class HoldCase(HyperVCase):
    pps = 100  # a busy host forwards no more without loss

    def request(self, *words: str) -> None:
        self.guest.run([STATUS, *words])

    def port(self) -> dict[str, Any]:
        return json.loads(self.guest.run([STATUS, "--json"]).stdout)["ports"][0]

    def wait_path(self, path: str) -> None:
        wait_for(f"path {path}", lambda: self.port()["path"] == path, PATIENCE_S)

    def attach(self) -> tuple[Testpmd, str]:
        """testpmd under traffic, whose port has the VF. Returns the VF's netdevice, too."""
        testpmd = self.forward(drivers=[DRIVER, TESTVF])
        name = ""

        def arrive() -> None:
            nonlocal name
            mark = testpmd.process.mark()
            name = self.add_vf()
            self.said(testpmd, r"VF \S+ attached", mark)
            self.nic.take_from_kernel(name)
        self.come(arrive)
        self.steady(VF)
        return testpmd, name

    def leave_to_kernel(self, name: str) -> None:
        """As mlx5 does when its port is closed: the kernel receives the VF's frames again."""
        self.guest.run(f"tc qdisc del dev {name} clsact")


@unittest.skipIf(DRIVER == "intree", "DPDK's own driver cannot hold a VF")
class Hold(HoldCase):
    def measured(self, do: Callable[[], None], path: str, by: str) -> Report:
        """The frames of a change of the port's path, until they return by this NIC alone."""
        began = time.monotonic_ns()
        do()
        self.wait_path(path)
        self.assert_only_by(by)
        return self.switch.report(began, time.monotonic_ns() - 100_000_000)

    def test_orders(self) -> None:
        testpmd, name = self.attach()

        def failsafe_first() -> None:
            self.request("--hold", "0")
            self.leave_to_kernel(name)

        def netdevice_first() -> None:
            self.guest.run(f"ip link set {name} down")
            failsafe_first()

        def release() -> None:
            self.guest.run(f"ip link set {name} up")
            self.nic.take_from_kernel(name)
            self.request("--release", "0")

        # While the VF is up, hv_netvsc sends what the fallback gives it by the VF.
        for what, hold, by in (("fail-safe first", failsafe_first, VF), ("the VF's netdevice first", netdevice_first, NETVSC)):
            for number in range(1, CYCLES + 1):
                held = self.measured(hold, "fallback", by)
                self.steady(by)
                port = self.port()
                self.assertEqual((port["vf"], port["vf_state"], port["vf_held"]), ("", "absent", 1))
                released = self.measured(release, "vf", VF)
                self.steady(VF)
                self.assertEqual(self.port()["vf_held"], 0)
                self.note(f"{what}, {number}: on hold {losses(held)}; on release {losses(released)}")
        self.assert_quits(testpmd)

    def test_host_removes_it_meanwhile(self) -> None:
        testpmd, name = self.attach()
        self.request("--hold", "0")
        self.leave_to_kernel(name)
        self.wait_path("fallback")
        self.steady(VF)
        self.go(self.unplug)
        self.steady(NETVSC)
        self.request("--release", "0")
        self.steady(NETVSC)
        self.assertEqual(self.port()["vf_held"], 0)
        # Held again, the next VF is not attached before its release.
        self.request("--hold", "0")
        mark = testpmd.process.mark()
        name = self.add_vf()
        self.kernel_said("Data path switched to VF")
        self.steady(VF)
        self.assertEqual(self.port()["path"], "fallback")
        self.assertEqual(self.count(testpmd, "attached", mark), 0)
        self.nic.take_from_kernel(name)
        self.request("--release", "0")
        self.wait_path("vf")
        self.steady(VF)
        self.assert_quits(testpmd)


@unittest.skipIf(DRIVER == "intree", "DPDK's own driver cannot hold a VF")
@unittest.skipUnless(Path(SCHEDULED_EVENTS).exists(), "built without libcurl")
class ScheduledEvents(HoldCase):
    FILE = "/run/events.json"  # what the metadata service in the guest returns

    def azure_lists(self, *events: dict[str, Any]) -> None:
        self.guest.run(f"printf %s {shlex.quote(document_of(*events))} > {self.FILE}.new; mv {self.FILE}.new {self.FILE}")

    def test_servicing(self) -> None:
        """The VF is held before the host removes it for a Freeze, and attached when the event is over."""
        testpmd, name = self.attach()
        self.guest.run("ip link set lo up")
        self.azure_lists(scheduled_event(Resources=["vm2"]))
        service = self.guest.spawn("metadata", ["python3", SERVICE, "8080", "vm1", self.FILE])
        self.addCleanup(end, service)
        service.expect("ready", PATIENCE_S)
        agent = self.guest.spawn("scheduled-events", [
            SCHEDULED_EVENTS, "--url", "http://127.0.0.1:8080", "--before", "10", "--interval", "0.2"])
        self.addCleanup(end, agent)
        agent.expect("watches the events of vm1", PATIENCE_S)
        self.steady(VF)
        self.assertEqual(self.port()["vf_held"], 0)

        self.azure_lists(scheduled_event(starts_in_s=12))
        agent.expect("holds the VF of port 0 of --file-prefix ", PATIENCE_S)
        self.leave_to_kernel(name)
        self.wait_path("fallback")
        self.steady(VF)  # while the VF is up, hv_netvsc sends by it
        self.azure_lists(scheduled_event())
        self.go(self.unplug)
        self.steady(NETVSC)
        mark = testpmd.process.mark()
        name = self.add_vf()
        self.kernel_said("Data path switched to VF")
        self.steady(VF)
        port = self.port()
        self.assertEqual((port["path"], port["vf_held"]), ("fallback", 1))
        self.assertEqual(self.count(testpmd, "attached", mark), 0)

        self.nic.take_from_kernel(name)
        self.azure_lists()
        agent.expect("E1: is over\\s+releases the VF of port 0 of --file-prefix ", PATIENCE_S)
        self.wait_path("vf")
        self.steady(VF)
        print(agent.output(), flush=True)
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
