# SPDX-License-Identifier: BSD-3-Clause
"""netvsc-status with applications that test/common/fake_telemetry.cpp plays: its output and its errors.

Environment: NETVSC_BUILD, the build folder (default: build in the project's folder).
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

from fake_application import MAX, NOW, Application, event, info, stats
from support import BUILD

PROGRAM = str(BUILD / "app/netvsc-status/netvsc-status")


class StatusCase(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.applications: list[Application] = []

    def application(self, prefix: str = "rte", driver: bool = True) -> Application:
        application = Application(self.folder, prefix, driver)
        self.addCleanup(application.close)
        self.applications.append(application)
        return application

    def run_status(self, *arguments: str, status: int = 0, program: str = PROGRAM, **more: Any) -> str:
        """Returns its output, or its standard error if a failure is expected."""
        for application in self.applications:
            application.publish()
        done = subprocess.run([program, "--runtime-folder", str(self.folder), *arguments], capture_output=True,
                              text=True, timeout=20, **more)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout if status else done.stderr, "")
        return done.stderr if status else done.stdout


class Screen(StatusCase):
    def test_shows_all_there_is(self) -> None:
        self.application()
        self.assertEqual(self.run_status("--events", "3"), """\
DPDK application with --file-prefix rte: DPDK 22.11.11, process 4711

Port 0  net_failsafe_vsc0 of net_vdev_netvsc0
  NetVSC     eth1 (ifindex 3)  00:15:5d:00:00:01
  VF         0000:02:00.0 attached for 1 min 15 s
  Link       up for 3.2 s
  Path       VF (tap on standby)
  VF history added 5 times, removed 4 times; announced in 4.3 ms, longest 21.0 ms

Lcores, watched every 100 ms, in /dpdk_keepalive_shm_name
    2  DEAD      last polled 3.1 s ago, died once
   10  ALIVE     last polled 12 ms ago

Last events
   10         10 s ago  link_down      net_failsafe_vsc0 (eth1)
   11        9.0 s ago  link_up        net_failsafe_vsc0 (eth1)
   12        8.0 s ago  link_down      net_failsafe_vsc0 (eth1)
""")

    def test_without_a_vf(self) -> None:
        application = self.application()
        application.answers["/vdev_netvsc/info,0"] = info(vf="", vf_state="absent", path="fallback",
                                                          last_link_change_ns=0, last_vf_change_ns=0)
        application.answers["/vdev_netvsc/stats,0"] = stats(plug_ins=0, removals=0, announce_last_us=0,
                                                            announce_max_us=0, failed_binds=1, failed_probes=2)
        shown = self.run_status()
        for line in ("  VF         none", "  Link       up", "  Path       tap (fallback)",
                     "  VF history none added", "  Failed     1 binds, 2 probes"):
            self.assertIn(line + "\n", shown)

    def test_a_stopped_port_whose_netvsc_was_removed(self) -> None:
        application = self.application()
        application.answers["/vdev_netvsc/info,0"] = info(ifindex=0, mac="", path="none", link="down")
        shown = self.run_status()
        self.assertIn("  NetVSC     eth1 (removed)", shown)
        self.assertIn("  Path       none: the port is stopped, or has neither VF nor tap\n", shown)

    def test_several_ports(self) -> None:
        application = self.application()
        application.answers.update({"/vdev_netvsc/list": [0, 3], "/vdev_netvsc/info,3": info(3),
                                    "/vdev_netvsc/stats,3": stats()})
        shown = self.run_status()
        self.assertLess(shown.index("Port 0  net_failsafe_vsc0"), shown.index("Port 3  net_failsafe_vsc3"))

    def test_no_ports_no_keepalive_no_events(self) -> None:
        application = self.application()
        application.events.clear()
        application.answers.update({"/vdev_netvsc/list": [], "/vdev_netvsc/keepalive": None})
        self.assertEqual(self.run_status().splitlines()[2:], [
            "No ports: net_vdev_netvsc is loaded, but has none", ""])

    def test_a_held_vf(self) -> None:
        application = self.application()
        application.answers["/vdev_netvsc/info,0"] = info(vf="", vf_state="absent", vf_held=1)
        self.assertIn("  VF         none, held for 1 min 15 s\n", self.run_status())
        application.answers["/vdev_netvsc/hold,0"] = {"port_id": 0, "vf_held": 1}
        application.answers["/vdev_netvsc/release,3"] = {"port_id": 3, "vf_held": 0}
        self.assertEqual(self.run_status("--hold", "0") + self.run_status("--release", "3"), "")
        self.assertIn("/vdev_netvsc/hold,3: the driver has no port", self.run_status("--hold", "3", status=1))
        self.assertEqual(application.requests(),
                         ["/vdev_netvsc/hold,0", "/vdev_netvsc/release,3", "/vdev_netvsc/hold,3"])
        self.assertIn("--hold x: expected the number of a port", self.run_status("--hold", "x", status=2))

    def test_durations_of_switches(self) -> None:
        application = self.application()
        for more, line in (({"attach_last_us": 54_100, "attach_max_us": 60_250}, "to the VF in 54.1 ms, longest 60.2 ms"),
                           ({"detach_last_us": 300, "detach_max_us": 500}, "to tap in 0.3 ms, longest 0.5 ms"),
                           ({"attach_last_us": 1000, "attach_max_us": 1000, "detach_last_us": 0, "detach_max_us": 200},
                            "to the VF in 1.0 ms, longest 1.0 ms; to tap in 0.0 ms, longest 0.2 ms")):
            application.answers["/vdev_netvsc/stats,0"] = stats(**more)
            self.assertIn(f"\n  Switches   {line}\n", self.run_status())

    def test_a_vf_that_is_not_used(self) -> None:
        application = self.application()
        application.answers["/vdev_netvsc/info,0"] = info(vf_state="faulted", path="fallback",
                                                          vf_unused_since_ns=NOW - 75_000_000_000,
                                                          vf_unused_reason="probe_failed")
        self.assertIn("  Path       tap (fallback); the VF is unused for 1 min 15 s: probe failed\n", self.run_status())

    def test_netvscs_that_have_an_address(self) -> None:
        application = self.application()
        application.answers["/vdev_netvsc/passed_over"] = {
            "2": {"netdevice": "eth0", "ifindex": 2, "mac": "00:15:5d:00:00:09", "address": "10.0.0.4/24"}}
        self.assertIn("""
NetVSC netdevices without a port: they have an address
  eth0       00:15:5d:00:00:09  10.0.0.4/24

""", self.run_status())
        self.assertEqual(json.loads(self.run_status("--json"))["passed_over"],
                         list(application.answers["/vdev_netvsc/passed_over"].values()))

    def test_keepalive_off(self) -> None:
        application = self.application()
        application.answers["/vdev_netvsc/keepalive"] = {"period_ms": 0, "shm": "", "lcores": {}}
        self.assertIn("Lcores not watched (argument keepalive=)\n", self.run_status())

    def test_events_of_vfs_and_lcores_in_order(self) -> None:
        application = self.application()
        application.events = [event(9, "vf_present", 7300, vf="0000:02:00.0"),
                              event(10, "lcore_dead", 200_000, port="", netdevice="", port_id=65535, lcore=2)]
        self.assertEqual(self.run_status().partition("Last events\n")[2], """\
    9    2 h 1 min ago  vf_present     net_failsafe_vsc0 (eth1)  VF 0000:02:00.0
   10      2 d 7 h ago  lcore_dead     lcore 2
""")

    def test_what_a_terminal_would_obey_is_not_shown(self) -> None:
        application = self.application()
        application.answers["/vdev_netvsc/info,0"] = info(netdevice="\x1b[2Jeth\n1\u0080")
        shown = self.run_status()
        self.assertIn("  NetVSC     ?[2Jeth?1?? (ifindex 3)", shown)

    def test_answers_of_other_kinds(self) -> None:
        application = self.application()
        for command in (*application.answers, "/vdev_netvsc/passed_over", "/vdev_netvsc/events"):
            if command == "/vdev_netvsc/list":
                continue
            for nonsense in (None, [], {}, "text", 7, [[]], {"lcores": 7, "period_ms": 1}, {"events": {"x": []}},
                             {"events": 7, "next": -1}):
                with self.subTest(command, answer=nonsense):
                    before = dict(application.answers)
                    application.answers[command] = nonsense
                    self.run_status()
                    self.run_status("--json")
                    application.answers = before


class Json(StatusCase):
    def test_is_one_object(self) -> None:
        application = self.application()
        shown = json.loads(self.run_status("--json", "--events", "2"))
        self.assertEqual(shown, {"file_prefix": "rte", "version": "DPDK 22.11.11", "pid": 4711, "now_ns": NOW,
                                 "ports": [{**info(), "stats": stats()}], "passed_over": [], "events": application.events[-2:],
                                 "keepalive": application.answers["/vdev_netvsc/keepalive"]})

    def test_without_events(self) -> None:
        self.application()
        self.assertEqual(json.loads(self.run_status("--json", "--events", "0"))["events"], [])


class Finding(StatusCase):
    def test_none_runs(self) -> None:
        self.assertIn(f"netvsc-status: no DPDK application runs below {self.folder}", self.run_status(status=1))

    def test_one_was_killed(self) -> None:
        self.application().close()
        self.assertIn("no DPDK application runs", self.run_status(status=1))
        self.assertIn("no application with --file-prefix rte runs", self.run_status("-f", "rte", status=1))

    def test_none_has_the_driver(self) -> None:
        self.application("a", driver=False)
        self.application("b", driver=False)
        self.assertIn("none of the running DPDK applications has loaded net_vdev_netvsc: a, b",
                      self.run_status(status=1))
        self.assertIn("the application with --file-prefix a has not loaded net_vdev_netvsc",
                      self.run_status("-f", "a", status=1))

    def test_the_one_that_has_it(self) -> None:
        self.application("a", driver=False)
        self.application("b")
        self.assertIn("--file-prefix b:", self.run_status())

    def test_several_have_it(self) -> None:
        for prefix in ("one", "two"):
            self.application(prefix)
        self.application("other", driver=False)
        self.assertIn("choose one by --file-prefix: one, two\n", self.run_status(status=1))
        self.assertIn("--file-prefix two:", self.run_status("--file-prefix", "two"))

    def test_wrong_prefix(self) -> None:
        self.application()
        self.assertIn("no application with --file-prefix other runs", self.run_status("-f", "other", status=1))
        self.run_status("-f", "../x", status=1)

    def test_one_hangs(self) -> None:
        self.application().hangs = True
        self.assertIn("the application with --file-prefix rte does not answer", self.run_status(status=1))

    @unittest.skipIf(os.geteuid() != 0, "needs root to be another user")
    def test_no_permission(self) -> None:
        application = self.application()
        application.path.parent.chmod(0o755)
        self.folder.chmod(0o755)
        application.path.chmod(0o700)
        # Another user cannot reach a build folder below a closed home directory.
        program = shutil.copy(PROGRAM, self.folder)
        said = self.run_status(status=1, program=program, user=65534, group=65534, extra_groups=[])
        self.assertIn("Permission denied: run this tool as the application's user or as root", said)


class Arguments(StatusCase):
    def test_wrong_ones(self) -> None:
        for words, reason in ((["--bogus"], "unknown argument '--bogus'"), (["-f"], "-f wants a value"),
                              (["--events", "51"], "--events 51: expected a number from 0 to 50"),
                              (["--events", "x"], "--events x: expected a number"),
                              (["--interval", "0"], "--interval 0: expected a number of seconds"),
                              (["--interval", "nan"], "--interval nan: expected a number of seconds")):
            with self.subTest(words):
                said = self.run_status(*words, status=2)
                self.assertIn("netvsc-status: " + reason, said)
                self.assertIn("usage: ", said)

    def test_help(self) -> None:
        self.assertTrue(self.run_status("--help").startswith("usage: netvsc-status"))


class Watch(StatusCase):
    def spawn(self, *arguments: str, terminal: bool = False, environment: dict[str, str] | None = None) -> tuple[subprocess.Popen[bytes], int]:
        """The program and a descriptor to read its output from."""
        reader, writer = pty.openpty() if terminal else os.pipe()
        process = subprocess.Popen([PROGRAM, "--runtime-folder", str(self.folder), "--interval", "0.1", *arguments],
                                   stdout=writer, stderr=subprocess.STDOUT, env=environment)
        os.close(writer)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(os.close, reader)
        return process, reader

    def read_until(self, reader: int, pattern: str, text: str = "") -> str:
        """All output up to when it has the pattern."""
        until = time.monotonic() + 20
        while not re.search(pattern, text, re.S):
            ready, _, _ = select.select([reader], [], [], max(0, until - time.monotonic()))
            if not ready:
                self.fail(f"no {pattern!r} in {text!r}")
            text += os.read(reader, 65536).decode()
        return text

    def test_refreshes_in_place(self) -> None:
        application = self.application()
        process, reader = self.spawn(terminal=True, environment={"TERM": "xterm"})
        self.read_until(reader, r"\x1b\[H.*eth1 +\x1b\[32mVF +\x1b\[0m\x1b\[32mup .*\x1b\[J.*\x1b\[H\x1b\[1mDPDK.*\x1b\[J")
        application.answers["/vdev_netvsc/info,0"] = info(link="down", path="fallback", last_vf_change_ns=NOW)
        application.answers["/ethdev/stats,0"] = {"imissed": 1, "ierrors": 1, "oerrors": 1, "rx_nombuf": 1}
        application.publish()
        text = self.read_until(reader, r"\x1b\[33mtap +\x1b\[0m\x1b\[31mdown .*\x1b\[J")
        self.read_until(reader, r"eth1 +(\x1b\[32m=\x1b\[0m)+\x1b\[33mF\x1b\[0m\x1b\[33m-", text)
        application.answers["/ethdev/stats,0"]["imissed"] = 4
        application.publish()
        self.read_until(reader, r"lost +\?+\.+\x1b\[31m3\x1b\[0m", text)
        self.assertEqual(text.count("\x1b[2J"), 0, "cleared only at the start")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(5), 0)

    def test_in_place_without_colours(self) -> None:
        self.application()
        _, reader = self.spawn(terminal=True, environment={"TERM": "xterm", "NO_COLOR": "1"})
        text = self.read_until(reader, r"eth1 +=+.*\x1b\[J")
        self.assertNotRegex(text, r"\x1b\[\d+m")

    def test_not_on_a_terminal(self) -> None:
        self.application()
        _, reader = self.spawn(environment={"TERM": "xterm"})
        self.assertNotIn("\x1b", self.read_until(reader, r"Link       up.*Link       up"))

    def test_follows_a_restart(self) -> None:
        first = self.application()
        process, reader = self.spawn("--json")
        text = self.read_until(reader, "}\n")
        self.assertEqual(json.loads(text.splitlines()[0])["ports"][0]["link"], "up")
        first.close()
        first.path.unlink()
        self.read_until(reader, "waiting for it\n")
        second = self.application()
        second.answers["/vdev_netvsc/info,0"] = info(link="down")
        second.publish()
        self.read_until(reader, '"link":"down"')
        process.terminate()
        self.assertEqual(process.wait(5), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
