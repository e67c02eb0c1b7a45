#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""ka-agent over areas of the test's own: well-behaved, hostile, and gone."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

from area import ALIVE, DEAD, GONE, MISSING, Area, path_of  # noqa: E402
from support import BUILD, Program, wait_for  # noqa: E402

AGENT = BUILD / "app/ka-agent/ka-agent"


def has_ended(pid: int) -> bool:
    """Also if nobody has waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def different_lines(agent: Program) -> list[str]:
    """Its reports, one of each run of equal ones: if its look once a second falls between a death and its post, it reports
    the death twice."""
    return [line for line, _ in itertools.groupby(agent.out.splitlines())]


class AgentCase(unittest.TestCase):
    def setUp(self) -> None:
        self.name = f"/netvsc_test_agent_{os.getpid()}"
        self.addCleanup(path_of(self.name).unlink, missing_ok=True)

    def area(self, **arguments: object) -> Area:
        area = Area(self.name, **arguments)
        self.addCleanup(area.crash)
        return area

    def start(self, *arguments: str, shm: str | None = None) -> Program:
        agent = Program([AGENT, "--shm", shm or self.name, *arguments])
        self.addCleanup(agent.kill)
        return agent

    def watching(self, *arguments: str) -> Program:
        agent = self.start(*arguments)
        agent.expect("watching")
        return agent


class Deaths(AgentCase):
    def test_are_reported_when_the_semaphore_is_posted(self) -> None:
        area = self.area()
        agent = self.watching()
        area.set(3, DEAD)
        area.post()
        agent.expect("^1 dead cores: 3$")
        area.set(3, GONE)
        area.set(127, DEAD)
        area.post()
        agent.expect("^2 dead cores: 3, 127$")
        self.assertEqual(agent.stop(signal.SIGINT), 0)
        self.assertEqual(different_lines(agent), ["1 dead cores: 3", "2 dead cores: 3, 127"])

    def test_at_once(self) -> None:
        area = self.area()
        agent = self.watching()

        def reported_after_s(lcore: int) -> float:
            time.sleep(0.3)
            area.set(lcore, DEAD)
            began = time.monotonic()
            area.post()
            agent.expect(rf"dead cores: .*\b{lcore}$")
            return time.monotonic() - began

        # By itself it looks a second after it did last; a busy machine may be slow, but not always.
        self.assertTrue(any(reported_after_s(lcore) < 0.5 for lcore in range(3, 13)))

    def test_are_reported_if_another_reader_took_the_post(self) -> None:
        area = self.area()
        agent = self.watching()
        area.set(9, DEAD)
        agent.expect("^1 dead cores: 9$")

    def test_again_after_a_return(self) -> None:
        area = self.area()
        agent = self.watching()
        for _ in range(2):
            lines = len(agent.out.splitlines())
            area.set(1, DEAD)
            area.post()
            wait_for("another report", lambda: len(agent.out.splitlines()) > lines)
            wait_for("the semaphore taken", lambda: area.count() == 0)
            time.sleep(0.2)
            area.set(1, ALIVE)
            time.sleep(0.2)
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(different_lines(agent), ["1 dead cores: 1"])

    def test_flood_of_posts(self) -> None:
        area = self.area()
        area.set(1, DEAD)
        agent = self.watching()
        for _ in range(20000):
            area.post()
        wait_for("the semaphore taken", lambda: area.count() == 0)
        self.assertEqual(agent.stop(), 0)
        self.assertLess(len(agent.out.splitlines()), 500)

    def test_once(self) -> None:
        area = self.area()
        agent = self.start("--once")
        self.assertEqual(agent.wait(), 0)
        self.assertEqual(agent.out, "0 dead cores\n")
        area.set(4, DEAD)
        area.set(5, GONE)
        area.set(6, MISSING)
        area.set(7, 99)
        agent = self.start("--once")
        self.assertEqual(agent.wait(), 1)
        self.assertEqual(agent.out, "2 dead cores: 4, 5\n")

    def test_json(self) -> None:
        area = self.area()
        area.set(0, ALIVE, 2**64 - 1)
        area.set(4, DEAD, 12)
        area.set(7, 99, 0)
        agent = self.start("--once", "--json")
        self.assertEqual(agent.wait(), 1)
        self.assertEqual(json.loads(agent.out), {"dead": [4], "lcores": {
            "0": {"state": "ALIVE", "last_seen_tsc": 2**64 - 1},
            "4": {"state": "DEAD", "last_seen_tsc": 12},
            "7": {"state": "UNKNOWN", "last_seen_tsc": 0}}})

    def test_area_of_another_size(self) -> None:
        area = self.area(lcores=256)
        area.set(255, DEAD)
        agent = self.start("--once")
        self.assertEqual(agent.wait(), 1)
        self.assertEqual(agent.out, "1 dead cores: 255\n")


class Ends(AgentCase):
    def test_application_ends(self) -> None:
        for end in "end", "crash":
            with self.subTest(end):
                area = self.area()
                agent = self.watching("--timeout", "1")
                getattr(area, end)()
                self.assertEqual(agent.wait(), 3)
                self.assertIn("the application has ended, and has not come back for 1 s", agent.err)

    def test_application_is_restarted(self) -> None:
        for end in "end", "crash":
            with self.subTest(end):
                area = self.area()
                area.set(1, DEAD)
                agent = self.watching()
                agent.expect("dead cores: 1$")
                getattr(area, end)()
                agent.expect("the application has ended; waiting 10 s for another")
                area = self.area()
                agent.expect("the application was restarted")
                area.set(2, DEAD)
                area.post()
                agent.expect("^1 dead cores: 2$")
                self.assertEqual(agent.stop(), 0)

    def test_area_is_replaced_at_once(self) -> None:
        self.area(locked=False)
        agent = self.watching()
        area = self.area(locked=False)
        agent.expect("the application was restarted")
        area.set(2, DEAD)
        area.post()
        agent.expect("^1 dead cores: 2$")

    def test_area_is_not_updated(self) -> None:
        for locked in False, True:
            with self.subTest(locked=locked):
                area = self.area(locked=locked)
                area.set(1, ALIVE)
                agent = self.watching("--timeout", "1")
                for seen in range(8):
                    area.set(1, ALIVE, seen)
                    time.sleep(0.25)
                self.assertIsNone(agent.process.poll())
                self.assertEqual(agent.wait(), 3)
                self.assertIn("has not been updated for 1 s", agent.err)

    def test_nothing_to_update(self) -> None:
        area = self.area()
        area.set(1, GONE)
        agent = self.watching("--timeout", "1")
        time.sleep(3)
        self.assertIsNone(agent.process.poll())

    def test_no_child_is_left(self) -> None:
        area = self.area()
        agent = self.watching()
        children = wait_for("its child", Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text).split()
        self.assertEqual(len(children), 1)
        agent.process.kill()
        wait_for("its child's end", lambda: has_ended(int(children[0])))
        area.end()


class Hostile(AgentCase):
    def assert_refused(self, why: str, *arguments: str, shm: str | None = None) -> None:
        agent = self.start(*arguments, shm=shm)
        self.assertEqual(agent.wait(), 2)
        self.assertIn(why, agent.err)

    def test_none_there(self) -> None:
        self.assert_refused("does the application run, with keepalive on?")

    def test_not_an_area(self) -> None:
        path_of(self.name).write_bytes(b"x" * 100)
        self.assert_refused("has 100 bytes, and no keepalive area has this size")

    def test_symbolic_link(self) -> None:
        other = Area(self.name + "_other")
        self.addCleanup(other.end)
        path_of(self.name).symlink_to(other.path)
        self.assert_refused("is a symbolic link")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_of_another_user(self) -> None:
        area = self.area()
        os.chown(area.path, 12345, 12345)
        self.assert_refused("belongs to user 12345, who is not trusted")
        self.assertEqual(self.start("--once", "--owner", "12345").wait(), 0)

    def test_wrong_arguments(self) -> None:
        for arguments, why in ((["--shm"], "wants a value"), (["--timeout", "0"], "from 1 to 86400"),
                               (["--timeout", "x"], "from 1 to 86400"), (["--owner", "no such"], "no such user"),
                               (["--what"], "unknown argument '--what'"), (["more"], "unknown argument 'more'")):
            with self.subTest(arguments):
                self.assert_refused(why, *arguments)
        self.assert_refused("expected a name such as /dpdk_keepalive_shm_name", shm="no/name")

    def test_truncated_while_watched(self) -> None:
        for size in 0, 100:
            with self.subTest(size=size):
                area = self.area()
                agent = self.watching("--timeout", "2")
                time.sleep(0.2)
                os.truncate(area.path, size)
                agent.expect("was truncated.*; waiting 2 s for another")
                self.assertEqual(agent.wait(), 3)

    def test_truncated_under_the_waiting_child(self) -> None:
        """The one process that has the area mapped dies by SIGBUS, and the agent goes on."""
        area = self.area()
        agent = self.watching()
        child = int(wait_for("its child", Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text))
        os.kill(child, signal.SIGSTOP)
        area.post()
        os.truncate(area.path, 0)
        os.kill(child, signal.SIGCONT)
        agent.expect("was truncated")
        wait_for("the child's end", lambda: has_ended(child))
        area.end()
        area = self.area()
        agent.expect("the application was restarted")
        area.set(6, DEAD)
        area.post()
        agent.expect("^1 dead cores: 6$")
        self.assertEqual(agent.stop(), 0)

    def test_truncated_and_then_grown(self) -> None:
        area = self.area()
        agent = self.watching()
        os.truncate(area.path, 0)
        agent.expect("was truncated")
        os.truncate(area.path, area.size)
        area.set(5, DEAD)
        agent.expect("^1 dead cores: 5$")
        self.assertEqual(agent.stop(), 0)

    def test_truncated_before_it_waits(self) -> None:
        area = self.area()
        area.post()
        os.truncate(area.path, 0)
        self.assert_refused("has 0 bytes")

    def test_semaphore_of_rubbish(self) -> None:
        area = self.area()
        area.memory[:32] = b"\xff" * 32
        area.set(1, DEAD)
        agent = self.watching()
        agent.expect("^1 dead cores: 1$")
        self.assertEqual(agent.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
