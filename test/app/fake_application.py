# SPDX-License-Identifier: BSD-3-Clause
"""An application with net_vdev_netvsc for the tests of the tools: answers that test/common/fake_telemetry.cpp gives."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from support import BUILD

FAKE_TELEMETRY = str(BUILD / "test/app/fake_telemetry")
NOW = 1_000_000_000_000_000
MAX = 2 ** 64 - 1


def info(port: int = 0, **changes: Any) -> dict[str, Any]:
    """An answer of /vdev_netvsc/info."""
    return {"port_id": port, "name": f"net_failsafe_vsc{port}", "instance": "net_vdev_netvsc0",
            "netdevice": f"eth{port + 1}", "ifindex": 3 + port, "mac": "00:15:5d:00:00:01", "fallback": "tap",
            "vf": "0000:02:00.0", "vf_state": "attached", "link": "up", "path": "vf",
            "last_link_change_ns": NOW - 3_200_000_000, "last_vf_change_ns": NOW - 75_000_000_000, "now_ns": NOW,
            **changes}


def stats(**changes: Any) -> dict[str, Any]:
    """An answer of /vdev_netvsc/stats."""
    return {"plug_ins": 5, "removals": 4, "failed_binds": 0, "failed_probes": 0, "resyncs": 0, "dropped_messages": 0,
            "announce_last_us": 4321, "announce_max_us": 21000, "announce_histogram": {"le_inf": 5}, **changes}


def event(sequence: int, type: str, ago_s: float, **changes: Any) -> dict[str, Any]:
    """One of /vdev_netvsc/events."""
    return {"seq": sequence, "time_ns": NOW - int(ago_s * 1e9), "type": type, "port_id": 0,
            "port": "net_failsafe_vsc0", "netdevice": "eth1", "vf": "", "lcore": -1, **changes}


class Application:
    """The telemetry of a DPDK application, by the program fake_telemetry. publish() makes changes visible.

    `answers` has the answers by command, with or without the command's parameter. Other answers are null.
    """

    def __init__(self, folder: Path, prefix: str, driver: bool = True) -> None:
        self.path = folder / prefix / "dpdk_telemetry.v2"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.events = [event(number, "link_up" if number % 2 else "link_down", 20 - number) for number in range(1, 13)]
        self.answers: dict[str, Any] = {}
        if driver:
            self.answers = {"/vdev_netvsc/list": [0], "/vdev_netvsc/info,0": info(), "/vdev_netvsc/stats,0": stats(),
                            "/vdev_netvsc/keepalive": {"period_ms": 100, "shm": "/dpdk_keepalive_shm_name", "lcores": {
                                "10": {"state": "ALIVE", "last_seen_ms": 12, "deaths": 0},
                                "2": {"state": "DEAD", "last_seen_ms": 3100, "deaths": 1}}}}
        self.hangs = False
        self._driver = driver
        self._requests = folder / f"{prefix}.requests"
        self._process = subprocess.Popen([FAKE_TELEMETRY, self.path, self._requests], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)
        self._wait_ready()
        self.publish()

    def publish(self) -> None:
        """Makes the present answers and events, or a hang, those of the application."""
        if self._process.poll() is not None:
            return
        answers = {**(self._event_answers() if self._driver else {}), **self.answers}
        self._process.stdin.write(("" if self.hangs else json.dumps(answers)) + "\n")
        self._process.stdin.flush()
        self._wait_ready()

    def requests(self) -> list[str]:
        """The commands to hold and release VFs that it has received."""
        commands = self._requests.read_text().splitlines() if self._requests.exists() else []
        return [command for command in commands if command.startswith(("/vdev_netvsc/hold", "/vdev_netvsc/release"))]

    def close(self) -> None:
        """Kills it: the socket's file stays."""
        self._process.kill()
        self._process.communicate()

    def _event_answers(self) -> dict[str, Any]:
        """The driver's answers to /vdev_netvsc/events with each sequence number, unless `answers` has its own."""
        if "/vdev_netvsc/events" in self.answers:
            return {}
        last = max((one["seq"] for one in self.events), default=0)
        return {f"/vdev_netvsc/events,{since}": {
            "first": 1, "next": last + 1, "now_ns": NOW,
            "events": {str(one["seq"]): one for one in self.events if one["seq"] >= since}}
            for since in (*range(last + 2), MAX)}

    def _wait_ready(self) -> None:
        line = self._process.stdout.readline()
        if line != "ready\n":
            raise AssertionError(f"fake_telemetry: {line!r}")
