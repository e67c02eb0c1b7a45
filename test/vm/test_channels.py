# SPDX-License-Identifier: BSD-3-Clause
"""The guide's table of facts by channel (doc/guides/prog_guide/vdev_netvsc_events.rst): each fact is brought about, and
each channel has what the table says, and nothing else. testpmd's output is the witness of ethdev's events."""

from __future__ import annotations

import re
import sys
import unittest
from pathlib import Path
from typing import Any, Callable, ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from events import EVENTLOG, EventCase, EventLog  # noqa: E402
from hyperv_support import OverHyperV  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import LOG_LEVEL, MACS, PATIENCE_S, QUICK, TOOLS, end, plugins, wait_for  # noqa: E402

GUIDE = Path(__file__).resolve().parents[2] / "doc/guides/prog_guide/vdev_netvsc_events.rst"
WATCH = Path(__file__).parent / "tools/shmwatch.py"
SHM = "/dpdk_keepalive_shm_name"
ETHDEV = {"link state change": "INTR_LSC", "queue state": "QUEUE_STATE", "device removal": "INTR_RMV",
          "device probed": "NEW", "device released": "DESTROY", "error recovering": "ERR_RECOVERING",
          "error recovery successful": "RECOVERY_SUCCESS", "error recovery failed": "RECOVERY_FAILED"}
# A VF has its carrier later than its netdevice, and loses it earlier.
LINK = {"INTR_LSC", "link_up", "link_down"}
SECOND_PORT = 2  # the first one's fallback has 1


def table() -> dict[str, list[set[str]]]:
    """By fact: the words in ``...`` of the columns ethdev event, API and telemetry events, state, shared memory."""
    text = GUIDE.read_text(encoding="utf-8").partition("Not every interface has every fact")[2]
    rows = re.split(r"^   \* - ", text.partition("\ncollectd's plugin")[0], flags=re.M)[2:]
    facts = {}
    for row in rows:
        fact, *cells = re.split(r"^     - ?", row, flags=re.M)
        # Shared memory has no names: a word says that the column is not empty.
        facts[" ".join(fact.split())] = [set(re.findall(r"``(\w+)``", cell)) for cell in cells[:3]] + [set(cells[3].split())]
    return facts


class Channels(OverHyperV, EventCase):
    netvscs: ClassVar[int] = 2
    machine_arguments: ClassVar[dict[str, object]] = {"cpus": 3}

    def setUp(self) -> None:
        super().setUp()
        self.guest.run(f"ip link set {self.names[0]} up")
        self.log = EventLog(self)
        self.testpmd = Testpmd(
            self.guest, [*self.blocked(), LOG_LEVEL, f"--vdev=net_vdev_netvsc0,iface={self.names[0]},keepalive=1000"],
            [QUICK, "--print-event", "all"], [*plugins(), EVENTLOG, str(TOOLS / "librecovery.so")],
            program=self.program({**self.log.env, "NETVSC_TESTVF_ARGS": "probe=fail:2"}))
        self.addCleanup(end, self.testpmd.process)
        self.watch = self.guest.spawn("shmwatch", ["python3", str(WATCH), SHM])
        self.addCleanup(end, self.watch)
        self.testpmd.start()
        self.watch.expect("^1 ALIVE")

    def state(self, port: int = 0) -> dict[str, Any]:
        """Telemetry's state: the members of info by name, and whole answers by the command's name."""
        return {**(self.telemetry(self.testpmd, f"/vdev_netvsc/info,{port}") or {}),
                "info": None, "list": self.telemetry(self.testpmd, "/vdev_netvsc/list"),
                "keepalive": {lcore: told["state"] for lcore, told in
                              (self.telemetry(self.testpmd, "/vdev_netvsc/keepalive").get("lcores") or {}).items()}}

    def check(self, fact: str, happen: Callable[[Callable[[], None]], None], port: int = 0) -> None:
        """Makes it happen and compares. `happen` receives a function that notes telemetry's state."""
        ethdev, api, state, memory = table()[fact]
        mark, since, memory_mark = self.testpmd.process.mark(), self.log.last(), self.watch.mark()
        states = [self.state(port)]
        happen(lambda: states.append(self.state(port)))
        others = LINK if fact != "the port's link" else set()
        if fact == "the NetVSC netdevice was removed":
            others = others | {"DESTROY"}  # testpmd closes the port, which is a fact of its own

        def arrived() -> tuple[set[str], set[str]]:
            printed = re.findall(rf"^Port {port}: (.+) event\r?$", self.testpmd.process.output_since(mark), re.M)
            return {ETHDEV[words] for words in printed} - others, set(self.log.types(since)) - others

        # The last ones may still be on their way. The comparison below shows what is missing.
        try:
            wait_for(fact, lambda: arrived() == (ethdev, api), PATIENCE_S)
        except AssertionError:
            pass
        print(f"{fact}: {arrived()}", flush=True)
        with self.subTest(fact):
            self.assertEqual(arrived()[0], ethdev)
            self.assertEqual(arrived()[1], api)
            changed = {name for name in states[0].keys() | states[-1].keys()
                       if len({repr(one.get(name)) for one in states}) > 1}
            values = {str(value) for one in states for value in one.values()}
            for word in state - {"info"}:
                self.assertIn(word, changed | values, states)
            self.assertEqual(bool(self.watch.output_since(memory_mark).split()), bool(memory))

    # Each fact.

    def change_link(self, note: Callable[[], None]) -> None:
        since = self.log.last()
        for up in False, True:
            self.set_carrier("nv0", up)
            self.log.wait("link_up" if up else "link_down", since)
            note()

    def bring_and_remove_vf(self, note: Callable[[], None]) -> None:
        since = self.log.last()
        self.plug("vf", MACS[0])
        self.log.wait("vf_attached", since)
        note()
        self.unplug("vf")
        self.log.wait("vf_removed", since)
        note()

    def hold(self, note: Callable[[], None]) -> None:
        since = self.log.last()
        self.plug("vf", MACS[0])
        self.log.wait("vf_attached", since)
        self.telemetry(self.testpmd, "/vdev_netvsc/hold,0")
        self.log.wait("vf_unused", since)
        note()
        self.telemetry(self.testpmd, "/vdev_netvsc/release,0")
        self.log.wait("vf_unused_end", since)
        self.unplug("vf")
        self.log.wait("vf_removed", since, 2)

    def recover(self, vf: str, result: str, note: Callable[[], None]) -> None:
        for step in "begins", result:
            self.assertIn(step, self.raw_telemetry(self.testpmd, f"/recovery,{vf}:{step}"))
            wait_for(step, lambda: (self.state()["vf_state"] == "recovering") == (step == "begins"))
            note()

    def stop_lcore(self, note: Callable[[], None]) -> None:
        since = self.log.last()
        stopper = self.guest.spawn("threadstop", [str(TOOLS / "threadstop"), str(self.testpmd.process.pid), "1"])
        self.addCleanup(end, stopper)
        stopper.expect("^stopped")
        self.log.wait("lcore_dead", since)
        note()
        stopper.send("\x04")
        self.assertEqual(stopper.wait(), 0)
        self.log.wait("lcore_alive", since)
        note()

    def attach_and_detach(self, note: Callable[[], None]) -> None:
        self.testpmd.cmd(f"port attach net_vdev_netvsc1,iface={self.names[1]}", PATIENCE_S)
        note()
        self.testpmd.cmd("device detach net_vdev_netvsc1", PATIENCE_S)

    def remove_netvsc(self, note: Callable[[], None]) -> None:
        since = self.log.last()
        self.nic.rescind()
        self.log.wait("port_removed", since)  # testpmd closes the port
        note()

    def test_table(self) -> None:
        """All facts of the table, one after the other."""
        left = set(table())

        def check(fact: str, happen: Callable[[Callable[[], None]], None], port: int = 0) -> None:
            left.remove(fact)
            self.check(fact, happen, port)

        check("an lcore stops polling, polls again", self.stop_lcore)
        self.testpmd.stop()  # a busy host delays lcores, too
        self.watch.expect("^1 UNUSED")
        check("the port's link", self.change_link)
        check("a VF arrives, is attached, fails, leaves", self.bring_and_remove_vf)
        check("a VF is held for more than 10 s, and released", self.hold)
        check("a port is created, closed", self.attach_and_detach, SECOND_PORT)
        self.plug("vf", MACS[0])
        self.log.wait("vf_attached", count=4)
        vf = self.machine.pci_address("vf")

        def recover(note: Callable[[], None]) -> None:
            self.recover(vf, "succeeds", note)
            self.recover(vf, "fails", note)
        check("a VF's PMD recovers from an error", recover)
        self.log.wait("vf_attached", count=5)
        check("the NetVSC netdevice was removed", self.remove_netvsc)
        self.assertEqual(left, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
