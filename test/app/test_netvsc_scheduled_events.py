# SPDX-License-Identifier: BSD-3-Clause
"""netvsc-scheduled-events between a metadata service (test/common/metadata_service.py) and an application's telemetry
(test/common/fake_telemetry.cpp): what it holds and releases, and what it does with bad answers.

Environment: NETVSC_BUILD, the build folder (default: build in the project's folder).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from fake_application import Application, info
from support import BUILD, Program, wait_for

from metadata_service import EVENTS_PATH, NAME_PATH, MetadataService, document_of, scheduled_event

PROGRAM = str(BUILD / "app/netvsc-scheduled-events/netvsc-scheduled-events")
NO_SERVICE = "Could(n't| not) connect to server"  # libcurl's older and newer words
HOLD, RELEASE = "/vdev_netvsc/hold,0", "/vdev_netvsc/release,0"


class EventsCase(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.application = Application(self.folder, "rte")
        self.addCleanup(self.application.close)
        self.application.answers.update({"/vdev_netvsc/info,0": info(vf_held=0),
                                         HOLD: {"port_id": 0, "vf_held": 1}, RELEASE: {"port_id": 0, "vf_held": 0}})
        self.application.publish()
        self.service = MetadataService(document_of())
        self.addCleanup(self.service.close)

    def command(self, *options: str) -> list[str]:
        return [PROGRAM, "--url", self.service.url, "--runtime-folder", str(self.folder), "--timeout", "1",
                "--interval", "0.1", *options]

    def start(self, *options: str) -> Program:
        agent = Program(self.command(*options))
        self.addCleanup(agent.kill)
        return agent

    def wait_requests(self, *requests: str) -> None:
        """The application has received these, and no others."""
        try:
            wait_for(f"{requests}", lambda: self.application.requests() == list(requests), 30)
        except AssertionError as error:
            raise AssertionError(f"{error}; received {self.application.requests()}") from None

    def wait_polls(self, count: int = 2) -> None:
        """The program asks for the events so often from now on: it has dealt with the present answer."""
        def asked() -> int:
            return len([one for one in self.service.requests if one[1].startswith(EVENTS_PATH)])
        before = asked()
        wait_for(f"{count} requests", lambda: asked() >= before + count, 30)

    def wait_held(self, agent: Program) -> None:
        self.service.document = document_of(scheduled_event())
        agent.expect("^holds the VF of port 0 of --file-prefix rte$")
        self.wait_requests(HOLD)


class Holds(EventsCase):
    def test_started_event_until_it_disappears(self) -> None:
        agent = self.start()
        agent.expect("^watches the events of vm1$")
        self.wait_polls()
        self.wait_requests()
        self.wait_held(agent)
        agent.expect(r"^Freeze E1, Started, for about 5 s: Virtual machine is being paused\.$")
        self.wait_polls()
        self.wait_requests(HOLD)
        self.service.document = document_of(incarnation=2)
        agent.expect("^E1: is over\nreleases the VF of port 0 of --file-prefix rte$")
        self.wait_polls()
        self.wait_requests(HOLD, RELEASE)
        self.assertEqual((agent.stop(), agent.err), (0, ""))
        self.assertEqual(self.application.requests(), [HOLD, RELEASE])

    def test_before_an_announced_event(self) -> None:
        self.service.document = document_of(scheduled_event(starts_in_s=600))
        agent = self.start("--before", "30")
        self.wait_polls()
        self.wait_requests()
        agent.kill()
        agent = self.start("--before", "900")
        agent.expect("^Freeze E1, Scheduled, not before ")
        self.wait_requests(HOLD)
        # A hold is not left behind.
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.application.requests(), [HOLD, RELEASE])

    def test_when_the_time_comes(self) -> None:
        self.service.document = document_of(scheduled_event(starts_in_s=4))
        agent = self.start("--before", "1")
        self.wait_polls()
        self.wait_requests()
        agent.expect("^holds the VF", 30)

    def test_events_of_others_and_of_other_types(self) -> None:
        self.service.document = document_of(
            scheduled_event("E1", Resources=["vm0", "vm10"]), scheduled_event("E2", EventType="Reboot"),
            scheduled_event("E3", EventType="Preempt"), scheduled_event("E4", EventType="Terminate"))
        agent = self.start()
        self.wait_polls()
        self.wait_requests()
        self.service.document = document_of(scheduled_event("E5", EventType="Redeploy"))
        agent.expect("^Redeploy E5, Started")
        self.wait_requests(HOLD)

    def test_name_as_option(self) -> None:
        self.service.document = document_of(scheduled_event(Resources=["vm2"]))
        self.start("--name", "vm2").expect("^holds the VF")
        self.assertNotIn(NAME_PATH, "".join(path for _, path, _ in self.service.requests))

    def test_limit(self) -> None:
        self.service.document = document_of(scheduled_event())
        self.start("--longest", "1").expect("^E1: has lasted longer than --longest\nreleases the VF")
        self.wait_polls()
        self.assertEqual(self.application.requests(), [HOLD, RELEASE])

    def test_a_vf_that_somebody_holds(self) -> None:
        self.application.answers["/vdev_netvsc/info,0"] = info(vf_held=1)
        self.application.publish()
        self.service.document = document_of(scheduled_event())
        agent = self.start()
        agent.expect("^Freeze E1")
        self.wait_polls()
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.application.requests(), [])


class Requests(EventsCase):
    def test_only_as_documented(self) -> None:
        """It never approves an event: that would be a POST."""
        agent = self.start()
        self.wait_held(agent)
        agent.stop()
        self.assertEqual(set(self.service.requests), {
            ("GET", NAME_PATH + "?api-version=2021-02-01&format=text", "true"),
            ("GET", EVENTS_PATH + "?api-version=2020-07-01", "true")})

    def test_no_proxy(self) -> None:
        environment = {**os.environ, "http_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"}
        done = subprocess.run(self.command("--once"), capture_output=True, text=True, timeout=30, env=environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_no_redirection(self) -> None:
        other = MetadataService(document_of(scheduled_event()))
        self.addCleanup(other.close)
        self.service.status = 302
        self.service.headers["Location"] = other.url + EVENTS_PATH
        self.start("--name", "vm1").expect("GET .*: HTTP status 302$")
        self.assertEqual(other.requests, [])


class BadAnswers(EventsCase):
    def check(self, complaint: str) -> None:
        """The present answer changes nothing that is held, and is reported once."""
        agent = self.start()
        agent.expect(complaint, 30)
        self.wait_polls()
        self.assertEqual(agent.err.count("\n"), 1, agent.err)
        self.assertEqual(self.application.requests(), [])
        bad = self.service.document
        self.wait_held(agent)
        self.service.document = bad
        self.wait_polls()
        self.assertEqual(self.application.requests(), [HOLD])
        self.service.document = document_of()
        self.wait_requests(HOLD, RELEASE)

    def test_malformed(self) -> None:
        self.service.document = '{"DocumentIncarnation": 1, "Events": [{"EventId": "E1"'
        self.check("scheduled events: the answer: expected a JSON object with the number DocumentIncarnation$")

    def test_malformed_time(self) -> None:
        self.service.document = document_of(scheduled_event(NotBefore="\x1b[2Jsoon"))
        self.check(r"scheduled events: Events\[0\]\.NotBefore '\?\[2Jsoon': expected a time such as")

    def test_deep(self) -> None:
        self.service.document = "[" * 200_000
        self.check("expected a JSON object")

    def test_huge(self) -> None:
        self.service.document = document_of(scheduled_event(Description="x" * 300_000))
        self.check("the answer has more than 262144 bytes$")

    def test_timeout(self) -> None:
        self.service.document = self.service.hang
        self.check("GET .*: Timeout was reached$")

    def test_status(self) -> None:
        self.service.status = 500
        agent = self.start("--name", "vm1")
        agent.expect("HTTP status 500$")
        self.service.status = 200
        self.wait_held(agent)
        self.service.status = 410
        agent.expect("HTTP status 410$")
        self.assertEqual(self.application.requests(), [HOLD])

    def test_service_that_ends_and_returns(self) -> None:
        agent = self.start()
        self.wait_held(agent)
        port = int(self.service.url.rpartition(":")[2])
        self.service.close()
        agent.expect(f"GET .*: {NO_SERVICE}$")
        self.assertEqual(self.application.requests(), [HOLD])
        self.service = MetadataService(document_of(), port=port)
        self.addCleanup(self.service.close)
        self.wait_requests(HOLD, RELEASE)

    def test_no_service_ends_with_a_hold_after_the_limit(self) -> None:
        agent = self.start("--longest", "3")
        self.wait_held(agent)
        self.service.close()
        agent.expect("^E1: has lasted longer than --longest$", 30)
        self.wait_requests(HOLD, RELEASE)

    def test_no_name(self) -> None:
        self.service.name = ""
        agent = self.start()
        agent.expect("have no name for this virtual machine: use --name$")
        self.service.name = "vm1"
        agent.expect("^watches the events of vm1$")


class Applications(EventsCase):
    def test_one_that_hangs_delays_no_other(self) -> None:
        self.application.hangs = True
        self.application.publish()
        other = Application(self.folder, "other")
        self.addCleanup(other.close)
        other.answers.update({"/vdev_netvsc/info,0": info(vf_held=0), HOLD: {"port_id": 0, "vf_held": 1}})
        other.publish()
        self.service.document = document_of(scheduled_event())
        agent = self.start()
        agent.expect("^holds the VF of port 0 of --file-prefix other$")
        agent.expect("application with --file-prefix rte does not answer")
        self.assertEqual(other.requests(), [HOLD])
        self.application.hangs = False
        self.application.publish()
        agent.expect("^holds the VF of port 0 of --file-prefix rte$")

    def test_one_that_ends(self) -> None:
        agent = self.start()
        self.wait_held(agent)
        self.application.close()
        self.service.document = document_of()
        agent.expect("^E1: is over$")
        self.wait_polls()
        self.assertEqual((agent.stop(), agent.err), (0, ""))


class Once(EventsCase):
    def test_prints_what_it_would_do(self) -> None:
        self.service.document = document_of(
            scheduled_event("E1"), scheduled_event("E2", Resources=["vm2"], Description=""),
            scheduled_event("E3", NotBefore="Mon, 11 Apr 2022 22:26:58 GMT", EventStatus="Scheduled",
                            DurationInSeconds=-1), incarnation=7)
        done = subprocess.run(self.command("--once"), capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, """\
watches the events of vm1
document 7, 3 events
Freeze E1, Started, for about 5 s: Virtual machine is being paused.
  hold now
Freeze E2, Started, for about 5 s
  no hold: not a Freeze or Redeploy of this virtual machine
Freeze E3, Scheduled, not before 2022-04-11 22:26:58 UTC: Virtual machine is being paused.
  hold from 2022-04-11 22:26:28 UTC
""")
        self.assertEqual(self.application.requests(), [])

    def test_without_the_service(self) -> None:
        self.service.close()
        done = subprocess.run(self.command("--once"), capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, f"^netvsc-scheduled-events: GET .*: {NO_SERVICE}\n$")

    def test_arguments(self) -> None:
        for words, status, pattern in ((["--approve"], 2, "unknown argument '--approve'\nusage: "), (["--help"], 0, "")):
            done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, status)
            self.assertIn(pattern, done.stderr)
        self.assertTrue(done.stdout.startswith("usage: netvsc-scheduled-events"))

    def test_other_protocols(self) -> None:
        done = subprocess.run([PROGRAM, "--url", "file://", "--name", "vm1", "--once"], capture_output=True, text=True,
                              timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Unsupported protocol", done.stderr)


class Unit(unittest.TestCase):
    def test_systemd_accepts_it(self) -> None:
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not here (Debian: systemd)")
        unit = (BUILD / "app/netvsc-scheduled-events/netvsc-scheduled-events.service").read_text()
        started = re.findall(r"^ExecStart=(\S+) \$OPTIONS$", unit, re.M)
        self.assertEqual([Path(program).name for program in started], [Path(PROGRAM).name])
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = Path(folder.name) / "netvsc-scheduled-events.service"
        # Its manual page and its program are not installed yet.
        file.write_text(re.sub(r"^Documentation=.*\n", "", unit.replace(started[0], PROGRAM), flags=re.M))
        done = subprocess.run(["systemd-analyze", "verify", "--recursive-errors=no", str(file)], capture_output=True,
                              text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
