# SPDX-License-Identifier: BSD-3-Clause
"""The driver's events: by its API in a plugin of testpmd (tools/eventlog), and by telemetry in DPDK's own client."""

from __future__ import annotations

import itertools
import json
import re
import time
from dataclasses import dataclass
from typing import Any

from lab.errors import LabError
from lab.testpmd import Testpmd
from support import LOG_LEVEL, PATIENCE_S, QUICK, TOOLS, LabCase, end, plugins, wait_for

EVENTLOG = str(TOOLS / "libeventlog.so")
ANSWER_LIMIT = 16 * 1024  # of DPDK's telemetry
QUIET_S = 1.0  # in which nothing more may come
_number = itertools.count(1)


@dataclass(frozen=True)
class Event:
    """One event; by the API and by telemetry the same."""

    sequence: int
    time_ns: int
    type: str
    port_id: int
    port: str
    netdevice: str
    vf: str
    lcore: int
    reason: str

    def __str__(self) -> str:
        return f"{self.sequence} {self.type}" + (f" {self.vf}" if self.vf else "")


class EventLog:
    """What the plugin has written."""

    def __init__(self, case: LabCase, do: str = "") -> None:
        self._guest = case.guest
        self._path = f"/run/lab/events{next(_number)}"
        self.env = {"EVENTLOG_FILE": self._path, "EVENTLOG_DO": do}  # for testpmd

    def lines(self, word: str) -> list[str]:
        """What follows the word in each line that begins with it."""
        try:
            text = self._guest.read_file(self._path).decode()
        except LabError:  # nothing has been written yet
            return []
        return [line.removeprefix(word + " ") for line in text.splitlines() if line.startswith(word + " ")]

    def events(self) -> list[Event]:
        """All events so far."""
        def text(word: str) -> str:
            return "" if word == "-" else word

        return [Event(int(sequence), int(time_ns), type, int(port_id), text(port), text(netdevice), text(vf), int(lcore),
                      text(reason))
                for sequence, time_ns, type, port_id, port, netdevice, vf, lcore, reason
                in (line.split() for line in self.lines("event"))]

    def types(self, since: int = 0) -> list[str]:
        """The events' types, those with a sequence number above `since`."""
        return [event.type for event in self.events() if event.sequence > since]

    def types_but_link(self, since: int = 0) -> list[str]:
        """Those that are not about the link: a VF that comes may have its carrier a moment later."""
        return [type for type in self.types(since) if not type.startswith("link")]

    def link_types(self, since: int = 0) -> list[str]:
        """Those about the link."""
        return [type for type in self.types(since) if type.startswith("link")]

    def last(self) -> int:
        """The last event's sequence number."""
        events = self.events()
        return events[-1].sequence if events else 0

    def wait(self, type: str, since: int = 0, count: int = 1) -> Event:
        """Waits for the `count`-th event of this type after number `since`."""
        def find() -> Event | None:
            found = [event for event in self.events() if event.sequence > since and event.type == type]
            return found[count - 1] if len(found) >= count else None

        try:
            return wait_for(f"{type} ({count})", find, PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; there were: {', '.join(map(str, self.events()))}") from error


class EventCase(LabCase):
    """Cases in which testpmd has the plugin loaded, too."""

    def run_with_log(self, log: EventLog, *eal: str, env: dict[str, str] | None = None,
                     drivers: list[str] | None = None) -> Testpmd:
        """testpmd with the driver over the first NetVSC; `log` has what the plugin sees."""
        instance = [] if any("net_vdev_netvsc" in word for word in eal) else [
            f"--vdev=net_vdev_netvsc0,iface={self.names[0]}"]
        testpmd = Testpmd(self.guest, [*self.blocked(), LOG_LEVEL, *instance, *eal], [QUICK],
                          [*plugins(), EVENTLOG] if drivers is None else drivers,
                          program=self.program({**log.env, **(env or {})}))
        self.addCleanup(end, testpmd.process)
        return testpmd

    def telemetry(self, testpmd: Testpmd, command: str) -> Any:
        """What the answer to a command holds."""
        text = self.raw_telemetry(testpmd, command)
        self.assertLess(len(text), ANSWER_LIMIT)
        return json.loads(text)[command.split(",")[0]]

    def telemetry_events(self, testpmd: Testpmd) -> list[Event]:
        """All events telemetry has, page by page."""
        events: list[Event] = []
        since = 0
        while True:
            page = self.telemetry(testpmd, f"/vdev_netvsc/events,{since}")
            found = sorted(page.get("events") or {}, key=int)
            for number in found:
                entry = page["events"][number]
                events.append(Event(entry["seq"], entry["time_ns"], entry["type"], entry["port_id"], entry["port"],
                                    entry["netdevice"], entry["vf"], entry["lcore"], entry["reason"]))
            if since == page["next"] or not found:
                return events
            since = page["next"]


class LinkWitness:
    """testpmd's own print-out of a port's LSC events."""

    def __init__(self, testpmd: Testpmd, port: int = 0) -> None:
        self._process = testpmd.process
        self._pattern = rf"^Port {port}: link state change event"
        self._mark = self._process.mark()

    def count(self) -> int:
        """How many since this was made."""
        return len(re.findall(self._pattern, self._process.output_since(self._mark), re.M))

    def expect(self, count: int) -> None:
        """There are so many, and a while later still."""
        wait_for(f"{count} LSC events", lambda: self.count() >= count, PATIENCE_S)
        time.sleep(QUIET_S)
        if self.count() != count:
            raise AssertionError(f"{self.count()} LSC events where {count} were expected")
