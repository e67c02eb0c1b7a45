# SPDX-License-Identifier: BSD-3-Clause
"""keepalive= with an unmodified testpmd: all reports agree on which lcores poll the ports.

tools/threadstop stops an lcore's thread as a tracer does.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from events import EventCase, EventLog  # noqa: E402
from hyperv_support import OverHyperV  # noqa: E402
from lab.guest import GuestProcess  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import BUILD, LOG_LEVEL, QUICK, TOOLS, end, plugins, wait_for  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
AGENT = BUILD / "app/ka-agent/ka-agent"
WATCH = Path(__file__).parent / "tools/shmwatch.py"
SHM = "/dpdk_keepalive_shm_name"
DPDK_EXAMPLES = (*TOP.glob(".deps/dpdk-*/examples"), Path("/usr/share/dpdk/examples"),
                 Path("/usr/share/doc/dpdk/examples"))
COLLECTD_PLUGIN = Path("/usr/lib/collectd/dpdkevents.so")


class KeepaliveCase(OverHyperV, EventCase):
    # The kernel says so of each netdevice once, when tc hands net_tap a frame of a queue that it no longer has. It takes
    # the first queue then.
    known_warnings = OverHyperV.known_warnings + r"|dtap\d+ selects TX queue \d+, but real number of TX queues is"
    machine_arguments: ClassVar[dict[str, object]] = {"cpus": 3}

    def run_keepalive(self, arguments: str = ",keepalive=100", lcores: str = "0,1", testpmd: tuple[str, ...] = (),
                      env: dict[str, str] | None = None) -> Testpmd:
        """testpmd over all NetVSCs of the case's machine, watched."""
        interfaces = ",".join(f"iface={name}" for name in self.names)
        pmd = Testpmd(self.guest, [*self.blocked(), LOG_LEVEL, f"--vdev=net_vdev_netvsc0,{interfaces}{arguments}"],
                      [QUICK, *testpmd], [*plugins(), str(TOOLS / "libeventlog.so")], lcores=lcores,
                      program=self.program(env or {}))
        self.addCleanup(end, pmd.process)
        return pmd

    def run_beside(self, name: str, *command: str | Path) -> GuestProcess:
        process = self.guest.spawn(f"{name}{time.monotonic_ns()}", list(map(str, command)))
        self.addCleanup(end, process)
        return process

    def watch(self) -> GuestProcess:
        return self.run_beside("shmwatch", "python3", WATCH, SHM)

    def stop_thread(self, pmd: Testpmd, lcore: int) -> GuestProcess:
        stopper = self.run_beside("threadstop", TOOLS / "threadstop", str(pmd.process.pid), str(lcore))
        stopper.expect("^stopped")
        return stopper

    def go_on(self, stopper: GuestProcess) -> None:
        stopper.send("\x04")  # the end of a terminal's input
        self.assertEqual(stopper.wait(), 0)

    def lcores(self, pmd: Testpmd) -> dict[str, Any]:
        return self.telemetry(pmd, "/vdev_netvsc/keepalive")["lcores"]

    def state(self, pmd: Testpmd, lcore: int) -> str:
        return self.lcores(pmd).get(str(lcore), {}).get("state", "UNUSED")

    def wait_state(self, pmd: Testpmd, lcore: int, state: str) -> None:
        wait_for(f"lcore {lcore} {state}", lambda: self.state(pmd, lcore) == state)

    def assert_nobody_died(self, pmd: Testpmd) -> None:
        self.assertEqual({lcore: told["deaths"] for lcore, told in self.lcores(pmd).items() if told["deaths"]}, {})
        self.assertNotIn("is dead", pmd.process.output())


class Deaths(KeepaliveCase):
    def test_stopped_lcore(self) -> None:
        """Shared memory, ka-agent, events, telemetry and log agree."""
        log = EventLog(self)
        pmd = self.run_keepalive(env=log.env)
        watch = self.watch()
        pmd.start()
        watch.expect("^1 ALIVE")
        agent = self.run_beside("agent", AGENT)
        agent.expect("watching")
        # An emulated machine may be held up long enough for deaths of its own, before and afterwards.
        deaths = self.lcores(pmd)["1"]["deaths"]
        since = log.last()
        mark = watch.mark()
        stopper = self.stop_thread(pmd, 1)
        self.wait_state(pmd, 1, "GONE")
        watch.expect("^1 GONE", since=mark)
        agent.expect("^1 dead cores: 1\r?$")
        self.go_on(stopper)
        watch.expect("^1 ALIVE")
        states = re.findall(r"^1 (\w+)", watch.output_since(mark), re.M)
        self.assertIn("MISSING DEAD GONE ALIVE", " ".join(states))
        self.wait_state(pmd, 1, "ALIVE")
        self.assertGreater(self.lcores(pmd)["1"]["deaths"], deaths)
        told = [event for event in log.events() if event.sequence > since]
        types = [event.type.removeprefix("lcore_") for event in told]
        self.assertIn("missing dead alive", " ".join(types))
        told = told[types.index("dead") - 1:][:3]
        self.assertEqual({(event.lcore, event.port_id, event.port) for event in told}, {(1, 0, "net_failsafe_vsc0")})
        self.assertTrue(0.1e9 * 0.8 <= told[1].time_ns - told[0].time_ns <= 1e9, told)
        self.assertEqual([event for event in self.telemetry_events(pmd) if event in told], told)
        self.assertIn("lcore 1 is dead: it has not polled its Rx queues for 200 ms", pmd.process.output())
        self.assertIn("lcore 1 polls again", pmd.process.output())
        self.assert_quits(pmd)
        watch.expect("^-")
        agent.expect("the application has ended")

    def test_ethdev_event_for_each_queue(self) -> None:
        """testpmd prints it; a C program learns the queue, the lcore and the state from the driver."""
        log = EventLog(self)
        pmd = self.run_keepalive(env=log.env, testpmd=("--rxq=2", "--txq=2"))
        pmd.start()
        self.wait_state(pmd, 1, "ALIVE")
        known = len(log.lines("queue"))
        mark = pmd.process.mark()
        stopper = self.stop_thread(pmd, 1)
        self.wait_state(pmd, 1, "GONE")
        self.go_on(stopper)
        self.wait_state(pmd, 1, "ALIVE")

        def states(queue: int) -> str:
            lines = [line.split() for line in log.lines("queue")[known:]]
            return " ".join(state for port, number, lcore, state in lines if (port, number, lcore) == ("0", str(queue), "1"))

        for queue in (0, 1):
            wait_for(f"queue {queue}'s events", lambda: "missing dead alive" in states(queue))
        self.assertGreaterEqual(len(re.findall(r"^Port 0: queue state event", pmd.process.output_since(mark), re.M)), 6)
        self.assert_quits(pmd)

    def test_dpdks_own_ka_agent(self) -> None:
        example = next((folder / "l2fwd-keepalive" for folder in DPDK_EXAMPLES
                        if (folder / "l2fwd-keepalive/ka-agent/main.c").exists()), None)
        if example is None or shutil.which("cc") is None:
            self.skipTest("DPDK's examples, or a C compiler, are not here")
        program = BUILD / "test/vm/dpdk-ka-agent"
        flags = subprocess.run(["pkg-config", "--cflags", "libdpdk"], check=True, capture_output=True, text=True).stdout
        subprocess.run(["cc", "-O1", "-o", program, example / "ka-agent/main.c", f"-I{example}", *flags.split()],
                       check=True)
        self.guest.write_file("/run/lab/dpdk-ka-agent", program.read_bytes(), 0o755)
        # It reports only DEAD lcores, not GONE ones, and ends when no lcore has died for a few seconds. So it must start
        # just before, and check within a period.
        pmd = self.run_keepalive(",keepalive=1000")
        watch = self.watch()
        pmd.start()
        watch.expect("^1 ALIVE")
        self.stop_thread(pmd, 1)
        watch.expect("^1 MISSING")
        agent = self.run_beside("dpdk-ka-agent", "stdbuf", "-oL", "/run/lab/dpdk-ka-agent")
        agent.expect("^1 dead cores: 1")

    @unittest.skipUnless(COLLECTD_PLUGIN.exists() and shutil.which("collectd"),
                         "collectd with its plugin dpdkevents is not here")
    def test_collectds_own_dpdkevents(self) -> None:
        pmd = self.run_keepalive()
        pmd.start()
        self.wait_state(pmd, 1, "ALIVE")
        self.guest.write_file("/run/lab/collectd.conf", f"""
            Hostname "lab"
            Interval 0.5
            BaseDir "/run/lab"
            PluginDir "{COLLECTD_PLUGIN.parent}"
            TypesDB "/usr/share/collectd/types.db"
            LoadPlugin logfile
            <Plugin logfile>
                LogLevel info
                File stdout
            </Plugin>
            LoadPlugin dpdkevents
            <Plugin dpdkevents>
                <Event "keep_alive">
                    SendEventsOnUpdate true
                    LCoreMask "0x2"
                    KeepAliveShmName "{SHM}"
                    SendNotification true
                </Event>
            </Plugin>
            """)
        collectd = self.run_beside("collectd", "collectd", "-f", "-C", "/run/lab/collectd.conf", "-P",
                                   "/run/lab/collectd.pid")
        collectd.expect("OKAY.*lcore 1 Keep Alive Status: ALIVE")
        stopper = self.stop_thread(pmd, 1)
        collectd.expect("FAILURE.*lcore 1 Keep Alive Status: (DEAD|GONE)")
        self.go_on(stopper)
        collectd.expect("OKAY.*lcore 1 Keep Alive Status: ALIVE")

    def test_killed_and_started_again(self) -> None:
        """What it leaves is replaced, and the agent follows."""
        first = self.run_keepalive()
        first.start()
        self.wait_state(first, 1, "ALIVE")
        agent = self.run_beside("agent", AGENT, "--timeout", "60")
        agent.expect("watching")
        first.process.kill()
        agent.expect("the application has ended; waiting 60 s for another")
        self.assertIn("1568", self.guest.run(f"stat -c %s /dev/shm{SHM}").stdout)
        second = self.run_keepalive()
        agent.expect("the application was restarted")
        second.start()
        self.wait_state(second, 1, "ALIVE")
        self.stop_thread(second, 1)
        agent.expect("^1 dead cores: 1\r?$")

    def test_area_that_is_not_to_be_had(self) -> None:
        """The lcores are watched all the same."""
        self.guest.run(f"ln -s /run/lab/victim /dev/shm{SHM}")
        self.addCleanup(self.guest.run, f"rm -f /dev/shm{SHM} /run/lab/victim")
        pmd = self.run_keepalive()
        self.assertIn("lcores are watched, but other programs cannot read their states: ", pmd.start_output)
        self.assertIn(f"/dev/shm{SHM} is a symbolic link", pmd.start_output)
        pmd.start()
        self.wait_state(pmd, 1, "ALIVE")
        self.assert_quits(pmd)
        self.assertEqual(self.guest.run("ls -A /run/lab/victim", check=False).stdout, "")


class NoDeaths(KeepaliveCase):
    netvscs = 2
    KEEPALIVE = ",keepalive=1000"  # an emulated machine may be held up for several 100 ms
    LONG_S = 3  # enough to die in

    def test_stop_and_start(self) -> None:
        pmd = self.run_keepalive(self.KEEPALIVE)
        pmd.start()
        self.wait_state(pmd, 1, "ALIVE")
        pmd.stop()  # the lcore's function returns, the port stays
        self.wait_state(pmd, 1, "UNUSED")
        pmd.start()
        self.wait_state(pmd, 1, "ALIVE")
        pmd.stop()
        pmd.cmd("port stop all")
        time.sleep(self.LONG_S)
        self.assertEqual(self.state(pmd, 1), "UNUSED")
        pmd.cmd("port start all")
        time.sleep(self.LONG_S)
        self.assertEqual(self.state(pmd, 1), "UNUSED")
        pmd.start()
        self.wait_state(pmd, 1, "ALIVE")
        self.assert_nobody_died(pmd)
        self.assert_quits(pmd)

    def test_more_and_fewer_queues(self) -> None:
        pmd = self.run_keepalive(self.KEEPALIVE, lcores="0,1,2", testpmd=("--nb-cores=2",))
        for queues, states in ((2, ("ALIVE", "ALIVE")), (1, ("ALIVE", "ALIVE")), (4, ("ALIVE", "ALIVE"))):
            with self.subTest(queues=queues):
                pmd.cmd("port stop all")
                pmd.cmd(f"port config all rxq {queues}")
                pmd.cmd(f"port config all txq {queues}")
                self.assertIn("Done", pmd.cmd("port start all"))
                pmd.start()
                for lcore, state in zip((1, 2), states):
                    self.wait_state(pmd, lcore, state)
                time.sleep(self.LONG_S)
                pmd.stop()
        self.assert_nobody_died(pmd)
        # Each of the queues that came last counts: lcore 2 is dead if only it stops.
        pmd.start()
        self.wait_state(pmd, 2, "ALIVE")
        self.stop_thread(pmd, 2)
        self.wait_state(pmd, 2, "GONE")
        self.assertEqual(self.state(pmd, 1), "ALIVE")

    def test_lcore_with_two_ports_and_lcore_with_other_work(self) -> None:
        pmd = self.run_keepalive(self.KEEPALIVE, lcores="0,1,2", testpmd=("--nb-cores=1",))
        pmd.start()
        self.wait_state(pmd, 1, "ALIVE")
        pmd.stop()
        pmd.cmd("port stop 1")
        pmd.cmd("set portlist 0")
        pmd.start()
        self.wait_state(pmd, 1, "ALIVE")
        pmd.stop()
        pmd.cmd("set corelist 2")
        pmd.start()
        self.wait_state(pmd, 2, "ALIVE")
        self.wait_state(pmd, 1, "UNUSED")
        self.assert_nobody_died(pmd)
        self.assert_quits(pmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
