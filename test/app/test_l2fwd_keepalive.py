#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""l2fwd-keepalive on this machine: DPDK's software ports, no hugepages. A hanging lcore is one that ptrace stops."""

from __future__ import annotations

import os
import re
import signal
import struct
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

from area import ALIVE, DEAD, GONE, MISSING, UNUSED, Area, View, path_of  # noqa: E402
from support import BUILD, Program, wait_for  # noqa: E402

PROGRAM = BUILD / "app/l2fwd-keepalive/l2fwd-keepalive"
AGENT = BUILD / "app/ka-agent/ka-agent"
THREADSTOP = BUILD / "test/vm/tools/threadstop"
BUSY_MS = "500"  # for a period in which an lcore gets its processor even on a busy machine
NULLS = ("net_null0", "net_null1")


def pcap(frames: list[bytes]) -> bytes:
    data = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    for frame in frames:
        data += struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame
    return data


def frames_of(data: bytes) -> list[bytes]:
    frames = []
    at = 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return frames


class Statistics:
    """The last ones printed."""

    def __init__(self, out: str) -> None:
        text = out.rsplit("Port statistics", 1)[1]
        self.ports = {int(port): {name: int(value) for name, value in re.findall(r"Packets (\w+): +(\d+)", part)}
                      for port, part in re.findall(r"Statistics for port (\d+)\n((?:  .*\n)+)", text)}
        total = text.split("Aggregate statistics", 1)[1]
        self.total = {name: int(value) for name, value in re.findall(r"Packets (\w+): +(\d+)", total)}
        self.restarts = {int(lcore): int(value) for lcore, value in re.findall(r"Restarts of lcore (\d+): +(\d+)", text)}


class L2fwdCase(unittest.TestCase):
    def setUp(self) -> None:
        self.name = f"/netvsc_test_l2fwd_{os.getpid()}"
        self.view = View(self.name)
        self.addCleanup(path_of(self.name).unlink, missing_ok=True)

    def start(self, *arguments: str, vdevs: tuple[str, ...] = NULLS, lcores: str = "0@0,1@1") -> Program:
        """Interrupted at the end of the case, if it runs still."""
        eal = ["--lcores", lcores, "--no-huge", "-m", "128", "--no-pci", "--no-telemetry",
               "--file-prefix", f"l2fwd{os.getpid()}"]
        for vdev in vdevs:
            eal += ["--vdev", vdev]
        program = Program([PROGRAM, *eal, "--", "--shm", self.name, *arguments])
        self.addCleanup(program.kill)
        return program

    def forwarding(self, *arguments: str, **others: object) -> Program:
        program = self.start(*arguments, **others)
        program.expect("^l2fwd-keepalive: forwarding$")
        return program

    def stop_thread(self, program: Program, lcore: int) -> Program:
        """Stops an lcore's thread, until the returned program's standard input is closed."""
        stopper = Program([THREADSTOP, program.pid, str(lcore)])
        self.addCleanup(stopper.kill)
        stopper.expect("^stopped$")
        return stopper

    def go_on(self, stopper: Program) -> None:
        stopper.process.stdin.close()
        self.assertEqual(stopper.wait(), 0)

    def final(self, program: Program, number: signal.Signals = signal.SIGINT) -> Statistics:
        self.assertEqual(program.stop(number), 0, program.err)
        self.assertFalse(self.view.exists())
        return Statistics(program.out)

    def assert_adds_up(self, found: Statistics, peers: dict[int, int]) -> None:
        """What one port received its peer has sent or dropped, and the sum is that of all ports."""
        for port, peer in peers.items():
            there = found.ports[peer]
            self.assertEqual(found.ports[port]["received"], there["sent"] + there["dropped"])
        for name in "received", "sent", "dropped":
            self.assertEqual(found.total[name], sum(port[name] for port in found.ports.values()))


class Forwards(L2fwdCase):
    def test_every_frame_to_the_other_port(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        sent = {port: [bytes([0xff] * 6 + [0, 0, 0, 0, 0, port]) + b"\x08\x00" + bytes(range(46 + number % 50))
                       for number in range(count)] for port, count in ((0, 777), (1, 33))}
        for port, frames in sent.items():
            (folder / f"in{port}").write_bytes(pcap(frames))
        program = self.forwarding("-p", "3", "-q", "2", "-T", "1", vdevs=tuple(
            f"net_pcap{port},rx_pcap={folder}/in{port},tx_pcap={folder}/out{port}" for port in sent))
        program.expect("Packets received: +810$")
        program.expect("^entering main loop on lcore 1\n -- lcoreid=1 portid=0\n -- lcoreid=1 portid=1$")
        found = self.final(program)
        self.assertEqual(found.ports, {0: {"sent": 33, "dropped": 0, "received": 777},
                                       1: {"sent": 777, "dropped": 0, "received": 33}})
        self.assert_adds_up(found, {0: 1, 1: 0})
        for port, peer in ((0, 1), (1, 0)):
            came = frames_of((folder / f"out{peer}").read_bytes())
            self.assertEqual([frame[12:] for frame in came], [frame[12:] for frame in sent[port]])
            self.assertEqual({frame[:6] for frame in came}, {bytes([2, 0, 0, 0, 0, peer])})
            sources = {frame[6:12] for frame in came}
            self.assertEqual(len(sources), 1)
            self.assertNotIn(bytes([0, 0, 0, 0, 0, port]), sources)

    def test_odd_port_to_itself(self) -> None:
        program = self.forwarding("-p", "7", "-q", "3", vdevs=(*NULLS, "net_ring0"))
        time.sleep(0.5)
        found = self.final(program)
        self.assert_adds_up(found, {0: 1, 1: 0, 2: 2})
        self.assertEqual(found.ports[2]["received"], 0)
        self.assertGreater(found.ports[0]["received"], 0)

    def test_mask_leaves_ports_out(self) -> None:
        program = self.forwarding("-p", "0x5", "-q", "2", vdevs=(*NULLS, "net_null2"))
        time.sleep(0.3)
        found = self.final(program)
        self.assertEqual(set(found.ports), {0, 2})
        self.assert_adds_up(found, {0: 2, 2: 0})

    def test_statistics_come_periodically_and_at_the_end(self) -> None:
        program = self.forwarding("-p", "3", "-q", "2", "-T", "1")
        time.sleep(2.5)
        self.final(program, signal.SIGTERM)
        self.assertEqual(program.out.count("Port statistics"), 3)

    def test_several_lcores(self) -> None:
        program = self.forwarding("-p", "3", lcores="0@0,1@1,2@1")
        time.sleep(1)
        found = self.final(program)
        self.assertEqual(set(found.restarts), {1, 2})
        self.assert_adds_up(found, {0: 1, 1: 0})
        self.assertTrue(all(port["sent"] for port in found.ports.values()))


class Dies(L2fwdCase):
    def wait_state(self, lcore: int, state: int) -> None:
        wait_for(f"state {state}", lambda: self.view.states()[lcore] == state)

    def test_hanging_lcore(self) -> None:
        program = self.forwarding("-p", "3", "-q", "2", "-K", BUSY_MS, "-T", "1")
        self.wait_state(1, ALIVE)
        self.assertEqual(self.view.states()[0], UNUSED)
        agent = Program([AGENT, "--shm", self.name])
        self.addCleanup(agent.kill)
        agent.expect("watching")
        stopper = self.stop_thread(program, 1)
        for state in MISSING, DEAD, GONE:
            self.wait_state(1, state)
        agent.expect("^1 dead cores: 1$")
        # rte_keepalive logs both by itself.
        program.expect(r"Core MIA\. Last seen \d+ ?ms ago")
        program.expect(r"Core died\. Last seen \d+ ?ms ago")
        program.expect(r"^Dead core 1 - restarting\.\.$")
        program.expect("Port statistics")
        deaths = program.out.count("Dead core")
        time.sleep(2)
        self.assertEqual(program.out.count("Dead core"), deaths)
        before = Statistics(program.out).total["received"]
        self.go_on(stopper)
        self.wait_state(1, ALIVE)
        time.sleep(1.2)
        found = self.final(program)
        self.assertEqual(found.restarts, {1: deaths})
        self.assertEqual(program.out.count("entering main loop on lcore 1\n"), 1 + deaths)
        self.assertGreater(found.total["received"], before)
        self.assert_adds_up(found, {0: 1, 1: 0})

    def test_lcore_that_ends(self) -> None:
        program = self.forwarding("-p", "3", "-q", "2", "-K", "50", "--lifetime", "1")
        wait_for("three deaths", lambda: program.out.count("Dead core 1 - restarting..") >= 3, 30)
        self.wait_state(1, ALIVE)
        found = self.final(program)
        self.assertGreaterEqual(found.restarts[1], 2)
        self.assert_adds_up(found, {0: 1, 1: 0})

    def test_one_of_two_and_what_cannot_be_sent_meanwhile(self) -> None:
        """Lcore 2 empties the ring that lcore 1 fills: while it hangs frames are dropped, and counted."""
        program = self.forwarding("-p", "3", "-K", BUSY_MS, vdevs=("net_null0", "net_ring0"), lcores="0@0,1@1,2@1")
        self.wait_state(2, ALIVE)
        time.sleep(0.5)
        stopper = self.stop_thread(program, 2)
        program.expect(r"^Dead core 2 - restarting\.\.$")
        self.wait_state(1, ALIVE)
        self.go_on(stopper)
        self.wait_state(2, ALIVE)
        time.sleep(0.5)
        found = self.final(program)
        self.assertGreaterEqual(found.restarts[2], 1)
        self.assertGreater(found.ports[1]["dropped"], 0)
        self.assert_adds_up(found, {0: 1, 1: 0})
        in_ring = found.ports[1]["sent"] - found.ports[1]["received"]
        self.assertTrue(0 <= in_ring <= 1024, in_ring)

    def test_hangs_at_the_end(self) -> None:
        program = self.forwarding("-p", "3", "-q", "2")
        self.wait_state(1, ALIVE)
        stopper = self.stop_thread(program, 1)
        program.process.send_signal(signal.SIGTERM)
        program.expect("an lcore hangs; ports are not closed")
        stopper.kill()  # a process ends only when its threads' tracers have seen it
        self.assertEqual(program.wait(), 1)
        self.assertIn("Aggregate statistics", program.out)
        self.assertFalse(self.view.exists())

    def test_keepalive_off(self) -> None:
        program = self.forwarding("-p", "3", "-q", "2", "-K", "0", "--lifetime", "1")
        time.sleep(1.5)
        self.assertFalse(self.view.exists())
        self.assertEqual(self.final(program).restarts, {1: 0})

    def test_area_of_another_application(self) -> None:
        area = Area(self.name)
        self.addCleanup(area.end)
        program = self.forwarding("-p", "3", "-q", "2", "--lifetime", "1")
        self.assertIn("belongs to a running process; choose another name", program.err)
        program.expect("Dead core 1")
        self.assertEqual(program.stop(), 0)
        self.assertEqual(self.view.states()[1], UNUSED)


class Refuses(L2fwdCase):
    def assert_refused(self, why: str, *arguments: str, status: int = 2) -> None:
        program = self.start(*arguments)
        self.assertEqual(program.wait(), status)
        self.assertIn(why, program.err)

    def test_wrong_arguments(self) -> None:
        for arguments, why in (([], "-p is missing"), (["-p", "0"], "expected a hexadecimal mask"),
                               (["-p", "x"], "expected a hexadecimal mask"), (["-q", "0"], "from 1 to 64"),
                               (["-T", "-1"], "from 0 to 86400"), (["-K", "60001"], "from 0 to 60000"),
                               (["-p"], "-p wants a value"), (["--what"], "unknown argument '--what'")):
            with self.subTest(arguments):
                self.assert_refused(why, *arguments)

    def test_too_few_lcores(self) -> None:
        self.assert_refused("too few lcores", "-p", "3", status=1)

    def test_no_such_port(self) -> None:
        self.assert_refused("port 2 does not exist; there are 2", "-p", "7", status=1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
