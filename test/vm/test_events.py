# SPDX-License-Identifier: BSD-3-Clause
"""Link events, the API's events and telemetry, as applications receive them. Each has a real cause.

Environment: NETVSC_EVENT_CYCLES, how often the VF is added and removed (default 20).
"""

from __future__ import annotations

import os
import sys
import time
import unittest
from pathlib import Path
from typing import Callable, ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from announce import AnnounceWatch  # noqa: E402
from events import EVENTLOG, QUIET_S, EventCase, EventLog, LinkWitness  # noqa: E402
from hyperv_support import OverHyperV  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER, MACS, PATIENCE_S, device_names, end, wait_for  # noqa: E402

CYCLES = int(os.environ.get("NETVSC_EVENT_CYCLES") or "20")
PORT = "net_failsafe_vsc0"


class OverVmxnet3(OverHyperV, EventCase):
    """Cases whose VF is a vmxnet3: QEMU's e1000e does not report a carrier that it loses."""

    vf_model = "vmxnet3"
    machine_arguments: ClassVar[dict[str, object]] = {"modules": ("virtio_net", "vmxnet3")}


class LinkEvents(OverVmxnet3):
    """RTE_ETH_EVENT_INTR_LSC on the fail-safe port, as testpmd prints it, and the API's link events with it."""

    def setUp(self) -> None:
        super().setUp()
        self.log = EventLog(self)
        self.pmd = self.run_with_log(self.log)
        self.pmd.start()
        self.addCleanup(self.set_carrier, "nv0", True)

    def assert_reported(self, what: str, cause: Callable[[], object], *types: str) -> None:
        """The cause brings just these link events, by ethdev and by the API."""
        with self.subTest(what):
            witness = LinkWitness(self.pmd)
            since = self.log.last()
            cause()
            witness.expect(len(types))
            self.assertEqual(self.log.link_types(since), list(types))

    def set_link(self, nic: str, up: bool) -> None:
        """Changes a NIC's carrier; returns when the guest's kernel has seen it."""
        self.set_carrier(nic, up)
        carrier = f"/sys/class/net/{self.names[0] if nic == 'nv0' else self.machine.ifname(nic)}/carrier"
        wait_for("carrier", lambda: self.guest.read_file(carrier).strip() == str(int(up)).encode())

    def link_asked(self) -> str:
        """The port's link as ethdev reads it. By that, fail-safe reads its link too."""
        return self.pmd.port_info()[0]["Link status"]

    def test_carrier_of_the_netvsc(self) -> None:
        self.assert_reported("down", lambda: self.set_link("nv0", False), "link_down")
        self.assertEqual(self.link_asked(), "down")
        self.assert_reported("up", lambda: self.set_link("nv0", True), "link_up")
        self.assertEqual(self.link_asked(), "up")

    def test_application_that_reads_the_link_receives_the_event(self) -> None:
        """After a read, fail-safe compares with the new status. The driver compares with the last reported status."""
        def down_while_asked() -> None:
            self.set_carrier("nv0", False)
            wait_for("link down", lambda: self.link_asked() == "down")

        self.assert_reported("down", down_while_asked, "link_down")
        self.assert_reported("up", lambda: self.set_link("nv0", True), "link_up")

    def test_what_is_no_change_of_the_link(self) -> None:
        name = self.names[0]
        self.assert_reported("nothing but flags", lambda: self.guest.run(
            f"ip link set {name} promisc on; ip link set {name} promisc off; ip link set {name} multicast off; "
            f"ip link set {name} multicast on; ip link set {name} mtu 1400; ip link set {name} mtu 1500"))

    def test_netvsc_set_down(self) -> None:
        self.assert_reported("down", lambda: self.guest.run(f"ip link set {self.names[0]} down"), "link_down")
        self.assert_reported("up", lambda: self.guest.run(f"ip link set {self.names[0]} up"), "link_up")

    def test_carrier_of_the_vf(self) -> None:
        since = self.log.last()
        self.plug("vf", MACS[0])
        self.log.wait("vf_attached", since)
        time.sleep(QUIET_S)
        # The VF has the traffic, and so the link is its. It may get its carrier a moment after it was taken.
        self.assertIn(self.log.link_types(since), ([], ["link_down", "link_up"]))
        self.assert_reported("NetVSC down", lambda: self.set_link("nv0", False))
        self.assert_reported("NetVSC up", lambda: self.set_link("nv0", True))
        self.assert_reported("VF down", lambda: self.set_link("vf", False), "link_down")
        self.assertEqual(self.link_asked(), "down")
        self.assert_reported("VF up", lambda: self.set_link("vf", True), "link_up")
        self.assertEqual(self.link_asked(), "up")

    def test_changes_while_the_port_is_stopped(self) -> None:
        """The application reads the link after it has started the port. From then on it receives events."""
        self.pmd.stop()
        self.pmd.cmd("port stop 0")
        self.assert_reported("stopped", lambda: self.set_link("nv0", False))
        self.pmd.cmd("port start 0")
        self.assertEqual(self.link_asked(), "down")
        witness = LinkWitness(self.pmd)
        since = self.log.last()
        self.set_link("nv0", True)
        witness.expect(1)
        # Callbacks cannot have received the first one earlier.
        self.assertEqual(self.log.link_types(since), ["link_down", "link_up"])
        self.assertEqual(self.link_asked(), "up")
        self.assert_reported("down", lambda: self.set_link("nv0", False), "link_down")

    def test_vf_whose_driver_does_not_report_its_link(self) -> None:
        """MANA's way: without LSC events of its own."""
        self.pmd.quit()
        log = self.log = EventLog(self)
        self.pmd = self.run_with_log(log, env={"NETVSC_TESTVF_ARGS": "set_link=0,lsc=0"})
        self.pmd.start()
        self.plug("vf", MACS[0])
        log.wait("vf_attached")
        time.sleep(QUIET_S)
        self.assert_reported("VF down", lambda: self.set_link("vf", False), "link_down")
        self.assert_reported("VF up", lambda: self.set_link("vf", True), "link_up")

    def test_link_down_below_a_vf_that_leaves(self) -> None:
        """The path that is left decides."""
        since = self.log.last()
        self.plug("vf", MACS[0])
        self.log.wait("vf_attached", since)
        self.set_link("nv0", False)
        since = self.log.last()
        self.unplug("vf")
        self.log.wait("vf_removed", since)
        time.sleep(QUIET_S)
        links = self.log.link_types(since)
        self.assertEqual(links[-1:], ["link_down"])
        self.assertEqual(self.link_asked(), "down")
        self.assert_reported("up", lambda: self.set_link("nv0", True), "link_up")


class LinkOfABoundVf(OverHyperV, EventCase):
    """A VF without a netdevice: only its PMD reports its link."""

    machine_arguments = {"iommu": True, "memory": 2560}

    def test_link_comes_up_after_it_was_taken(self) -> None:
        self.guest.modprobe("vfio-pci")
        log = EventLog(self)
        testpmd = self.run_with_log(log, f"--vdev=net_vdev_netvsc0,iface={self.names[0]},vf_bind=vfio-pci",
                                    drivers=[DRIVER, EVENTLOG])
        testpmd.start()
        witness = LinkWitness(testpmd)
        self.nic.vf_plug("vf")  # an e1000e, whose link takes some seconds
        self.addCleanup(self.unplug, "vf")
        self.addCleanup(end, testpmd.process)
        log.wait("vf_attached")
        testpmd.process.expect(r"Port \d+: link state change event", PATIENCE_S)
        wait_for("link up", lambda: testpmd.port_info()[0]["Link status"] == "up", PATIENCE_S)
        time.sleep(QUIET_S)
        self.assertIn(log.link_types(), ([], ["link_down", "link_up"]))
        witness.expect(len(log.link_types()))
        self.assertEqual(self.telemetry(testpmd, "/vdev_netvsc/info,0")["link"], "up")


class InTree(OverHyperV, EventCase):
    """What of it is ours: DPDK's own driver beside it."""

    def test_carrier_of_the_netvsc(self) -> None:
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}", intree=True)
        testpmd.start()
        time.sleep(3 * QUIET_S)
        witness = LinkWitness(testpmd)
        self.addCleanup(self.set_carrier, "nv0", True)
        for up in False, True:
            self.set_carrier("nv0", up)
            time.sleep(3 * QUIET_S)
        print(f"in-tree driver: {witness.count()} LSC events for NetVSC down and up", flush=True)
        self.assertLess(witness.count(), 2)


class Events(OverVmxnet3):
    netvscs = 2

    def assert_agree(self, log: EventLog, testpmd: Testpmd) -> None:
        """Callback and telemetry have reported the same events, without a gap."""
        events = log.events()
        self.assertEqual([event.sequence for event in events], list(range(1, len(events) + 1)))
        self.assertEqual([event.time_ns for event in events], sorted(event.time_ns for event in events))
        self.assertEqual(self.telemetry_events(testpmd), events)

    def test_a_vf_is_added_and_removed(self) -> None:
        """Each cycle reports the same events in order. None is lost or repeated."""
        log = EventLog(self)
        testpmd = self.run_with_log(log)
        testpmd.start()
        witness = LinkWitness(testpmd)
        for cycle in range(1, CYCLES + 1):
            since = log.last()
            self.plug("vf", MACS[0])
            address = self.machine.pci_address("vf")
            log.wait("vf_attached", since)
            self.unplug("vf")
            log.wait("vf_removed", since)
            about_vf = [event for event in log.events() if event.sequence > since and event.type.startswith("vf")]
            self.assertEqual([event.type for event in about_vf], ["vf_present", "vf_attached", "vf_removed"], cycle)
            self.assertEqual({(event.port_id, event.port, event.netdevice, event.vf, event.lcore)
                              for event in about_vf}, {(0, PORT, self.names[0], address, -1)})
        time.sleep(QUIET_S)
        links = log.link_types()
        # A VF that goes takes its carrier with it a moment before: down, and by the other path up again.
        self.assertEqual(links, ["link_down", "link_up"] * (len(links) // 2))
        self.assertEqual(witness.count(), len(links))
        self.assertEqual(len(log.types()), 1 + 3 * CYCLES + len(links))
        self.assert_agree(log, testpmd)
        stats = self.telemetry(testpmd, "/vdev_netvsc/stats,0")
        self.assertEqual((stats["plug_ins"], stats["removals"]), (CYCLES, CYCLES))
        self.assertEqual((stats["failed_binds"], stats["failed_probes"]), (0, 0))
        histogram = list(stats["announce_histogram"].values())
        self.assertEqual(histogram, sorted(histogram))
        self.assertEqual(stats["announce_histogram"]["le_inf"], CYCLES)
        self.assertGreater(stats["announce_max_us"], 0)
        self.assertLessEqual(stats["announce_last_us"], stats["announce_max_us"])
        print(f"{CYCLES} cycles, {len(log.types())} events, {stats}", flush=True)
        self.assert_quits(testpmd)
        self.assertEqual(log.types()[-1], "port_removed")

    def test_address_is_in_the_pipe_before_any_callback(self) -> None:
        """Neither the application's callbacks nor the log hold it up."""
        watch = AnnounceWatch(self.guest)
        self.addCleanup(watch.close)
        log = EventLog(self)
        self.run_with_log(log, env=AnnounceWatch.env)
        since = self.guest.monotonic_ns()
        self.plug("vf", MACS[0])
        log.wait("vf_present")
        told = next(event.time_ns for event in log.events() if event.type == "vf_present")
        self.assertLess(watch.written_ns(since, self.machine.pci_address("vf")), told)

    def test_every_type(self) -> None:
        """All but those of lcores, one after the other, each with what brings it about."""
        log = EventLog(self)
        self.hide(self.names[1])
        testpmd = self.run_with_log(log, f"--vdev=net_vdev_netvsc0,iface={self.names[0]},iface={self.names[1]}",
                                    env={"NETVSC_TESTVF_ARGS": "probe=fail:2"})
        testpmd.start()
        self.assertEqual(log.types(), ["port_added"])
        self.plug("vf", MACS[0])
        log.wait("vf_attached")
        self.assertEqual(log.types_but_link()[1:], ["vf_present", "vf_failed", "vf_attached"])
        time.sleep(QUIET_S)  # for the VF's carrier
        self.assertEqual(self.telemetry(testpmd, "/vdev_netvsc/stats,0")["failed_probes"], 2)
        since = log.last()
        self.set_carrier("vf", False)
        log.wait("link_down", since)
        self.set_carrier("vf", True)
        log.wait("link_up", since)
        since = log.last()
        self.unplug("vf")
        log.wait("vf_removed", since)
        since = log.last()
        self.show(self.names[1])
        added = log.wait("port_added", since)
        self.assertEqual((added.port, added.netdevice), ("net_failsafe_vsc1", self.names[1]))
        self.hide(self.names[1])
        # testpmd closes the port after its removal event.
        self.assertEqual(log.wait("port_removed", since).port, "net_failsafe_vsc1")
        self.assert_agree(log, testpmd)
        self.assert_quits(testpmd)

    def test_a_vf_that_is_there_first(self) -> None:
        self.plug("vf", MACS[0])
        log = EventLog(self)
        testpmd = self.run_with_log(log)
        log.wait("vf_attached")
        self.assertEqual(log.types_but_link(), ["port_added", "vf_present", "vf_attached"])
        self.assert_agree(log, testpmd)

    def test_telemetry_follows(self) -> None:
        log = EventLog(self, do="vf_attached=info vf_removed=info")
        testpmd = self.run_with_log(log)
        testpmd.start()
        name = self.names[0]
        self.assertEqual(self.telemetry(testpmd, "/vdev_netvsc/list"), [0])
        info = self.telemetry(testpmd, "/vdev_netvsc/info,0")
        known = {"port_id": 0, "name": PORT, "instance": "net_vdev_netvsc0", "netdevice": name, "mac": MACS[0],
                 "fallback": "tap", "vf": "", "vf_state": "absent", "link": "up", "path": "fallback"}
        self.assertEqual({key: info[key] for key in known}, known)
        self.assertEqual((info["last_link_change_ns"], info["last_vf_change_ns"]), (0, 0))
        self.assertLess(abs(info["now_ns"] - self.guest.monotonic_ns()), PATIENCE_S * 1e9)

        self.plug("vf", MACS[0])
        attached = log.wait("vf_attached")
        with_vf = self.telemetry(testpmd, "/vdev_netvsc/info,0")
        self.assertEqual((with_vf["vf"], with_vf["vf_state"], with_vf["path"]),
                         (self.machine.pci_address("vf"), "attached", "vf"))
        self.assertLess(abs(with_vf["last_vf_change_ns"] - attached.time_ns), 1e9)
        self.unplug("vf")
        log.wait("vf_removed")
        wait_for("no VF", lambda: self.telemetry(testpmd, "/vdev_netvsc/info,0")["vf_state"] == "absent")
        without = self.telemetry(testpmd, "/vdev_netvsc/info,0")
        self.assertEqual((without["vf"], without["path"]), ("", "fallback"))

        # The API, asked from within the callback.
        asked = log.lines("info")
        self.assertEqual(len(asked), 2)
        self.assertRegex(asked[0], rf"^0 of 1 {PORT} net_vdev_netvsc0 {name} {info['ifindex']} {MACS[0]} (up|down) tap "
                                   rf"{attached.vf} attached plug_ins=1 removals=0")
        self.assertRegex(asked[1], r"gone plug_ins=1 removals=1|- absent plug_ins=1 removals=1")

    def test_telemetry_takes_no_nonsense(self) -> None:
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}")
        for command in ("info", "stats"):
            for parameter in ("", ",", ",1", ",-1", ",0x0", ", 0", ",0,0", ",65536", ",99999999999999999999", ",%s%n",
                              "," + "9" * 900):
                with self.subTest(command, parameter=parameter[:20]):
                    self.assertIsNone(self.telemetry(testpmd, f"/vdev_netvsc/{command}{parameter}"))
        for parameter in (",x", ",-1", ",18446744073709551616"):
            self.assertIsNone(self.telemetry(testpmd, f"/vdev_netvsc/events{parameter}"))
        beyond = self.telemetry(testpmd, "/vdev_netvsc/events,18446744073709551615")
        self.assertEqual((beyond["first"], beyond["next"], beyond.get("events") or {}), (1, 2, {}))
        self.assert_quits(testpmd)


class Callbacks(OverHyperV, EventCase):
    """What a callback may do."""

    def cycle(self, log: EventLog, until: str = "vf_removed") -> None:
        """Adds and removes a VF."""
        since = log.last()
        self.plug("vf", MACS[0])
        log.wait("vf_attached", since)
        self.unplug("vf")
        if until:
            log.wait(until, since)

    def test_unregisters_itself(self) -> None:
        log = EventLog(self, do="vf_attached=unregister")
        testpmd = self.run_with_log(log)
        testpmd.start()
        self.cycle(log, until="")
        wait_for("the VF's removal", lambda: self.telemetry(testpmd, "/vdev_netvsc/stats,0")["removals"] == 1)
        self.assertEqual(log.lines("unregister"), ["0"])
        self.assertEqual(log.types()[-1], "vf_attached")
        self.assert_quits(testpmd)

    def test_registers_another(self) -> None:
        log = EventLog(self, do="vf_present=another")
        testpmd = self.run_with_log(log)
        testpmd.start()
        self.cycle(log)
        self.assertEqual(log.lines("another"), ["0"])
        present = log.events()[1].sequence
        self.assertEqual([int(line) for line in log.lines("second")],
                         [event.sequence for event in log.events() if event.sequence > present])
        self.assert_quits(testpmd)

    def test_closes_the_port(self) -> None:
        log = EventLog(self, do="vf_attached=close")
        testpmd = self.run_with_log(log)
        self.plug("vf", MACS[0])
        log.wait("port_removed")
        self.assertEqual(log.lines("close"), ["0 0"])
        self.assertEqual(log.types_but_link(), ["port_added", "vf_present", "vf_attached", "port_removed"])
        self.assertEqual(self.telemetry(testpmd, "/vdev_netvsc/list"), [])
        self.assert_quits(testpmd)

    def test_takes_the_driver_away(self) -> None:
        log = EventLog(self, do="vf_removed=remove")
        testpmd = self.run_with_log(log)
        self.cycle(log, until="port_removed")
        wait_for("the removal's end", lambda: log.lines("remove"))
        self.assertEqual(log.lines("remove"), ["0"])
        self.assertEqual(device_names(testpmd), [])
        testpmd.cmd(f"port attach net_vdev_netvsc0,iface={self.names[0]}", PATIENCE_S)
        log.wait("port_added", log.events()[-1].sequence - 1)
        self.assert_quits(testpmd)

    def test_unregistered_by_another_thread(self) -> None:
        log = EventLog(self, do="churn")
        testpmd = self.run_with_log(log)
        testpmd.start()
        for _ in range(5):
            self.cycle(log)
        name = self.names[0]
        self.guest.run(f"for i in 1 2 3 4 5 6 7 8 9 10; do ip link set {name} down; ip link set {name} up; done")
        counts = wait_for("calls", lambda: log.lines("churn"))[-1]
        print(counts, flush=True)
        self.assertRegex(counts, r"^\d+ turns [1-9]\d* calls 0 strays$")
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
