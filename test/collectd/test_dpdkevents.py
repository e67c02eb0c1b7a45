# SPDX-License-Identifier: BSD-3-Clause
"""Our dpdkevents plugin in a real collectd, beside real DPDK applications on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from support import (BUILD, INTERVAL_S, STOCK, Application, Area, Collectd, Notification, metrics,  # noqa: E402
                     need_collectd, unique, wait_for)

PLUGINS = ("csv", "unixsock", "exec", "write_prometheus", "logfile")
# The states' values, and how the stock plugin words them.
STATES = [(0, "UNUSED", "OKAY"), (1, "ALIVE", "OKAY"), (2, "DEAD", "FAILURE"), (3, "GONE", "FAILURE"),
          (4, "MISSING", "WARNING"), (5, "DOZING", "OKAY"), (6, "SLEEP", "OKAY"), (9, "UNKNOWN", "FAILURE")]


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        need_collectd(*PLUGINS)
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root: netdevices, and a collectd whose exec plugin changes its user")


class Links(Case):
    """Link status of testpmd's ports: port 0 is a tap whose netdevice the test sets up and down, port 1 a null port."""

    def setUp(self) -> None:
        self.prefix = unique("links")
        self.netdevice = f"nv{os.getpid() % 100000}t"

    def application(self) -> Application:
        return Application(self, self.prefix, f"--vdev=net_tap0,iface={self.netdevice}", "--vdev=net_null1")

    def collectd(self, lines: str = "") -> Collectd:
        return Collectd(self, f"""
            <EAL>
              FilePrefix "{self.prefix}"
            </EAL>
            <Event "link_status">
              EnabledPortMask 0xffff
              PortName "wan"
              {lines}
            </Event>""")

    def link(self, state: str) -> None:
        subprocess.run(["ip", "link", "set", self.netdevice, state], check=True)

    def test_down_and_up_as_values(self) -> None:
        self.application()
        collectd = self.collectd()
        wan, other = "dpdkevents-wan/gauge-link_status", "dpdkevents-port.1/gauge-link_status"
        for number, state in enumerate(("up", "down", "up")):
            self.link(state)
            expected = ([1.0, 0.0, 1.0][:number + 1])
            wait_for(f"the csv plugin's values {expected}", lambda: collectd.csv().get(wan) == expected)
            wait_for("the unixsock plugin's value", lambda: collectd.value(wan) == expected[-1])
            wait_for("the sample", lambda: ("collectd_dpdkevents_gauge",
                                            {"dpdkevents": "wan", "type": "link_status", "instance": "vm1"},
                                            expected[-1]) in metrics(collectd.prometheus()))
        self.assertEqual(collectd.csv()[other], [1.0], "only changes are dispatched")
        self.assertEqual(set(collectd.csv()), {wan, other})
        self.assertEqual(collectd.notifications(), [])

    def test_down_and_up_as_notifications(self) -> None:
        self.application()
        collectd = self.collectd("SendNotification true")
        self.assertEqual(collectd.notified("Link Status: UP")["Severity"], "OKAY")
        self.link("down")
        down = collectd.notified("Link Status: DOWN")
        self.assertEqual([down[name] for name in ("Severity", "Host", "Plugin", "PluginInstance", "Type")],
                         ["WARNING", "vm1", "dpdkevents", "wan", ""])
        self.assertLess(abs(time.time() - float(down["Time"])), 30)
        self.link("up")
        collectd.notified("Link Status: UP", times=3)  # with port 1's
        self.assertEqual(collectd.csv(), {})

    def test_each_value_if_asked_to(self) -> None:
        self.application()
        collectd = self.collectd("SendEventsOnUpdate false")
        wait_for("more values", lambda: len(collectd.csv().get("dpdkevents-wan/gauge-link_status", [])) > 4)

    def test_application_later_restarted_and_ended(self) -> None:
        collectd = self.collectd()
        wan = "dpdkevents-wan/gauge-link_status"
        collectd.said(f"application '{self.prefix}' is not running")
        first = self.application()
        # It may be seen before it has started its port.
        wait_for("that the link is up", lambda: collectd.csv().get(wan, [])[-1:] == [1.0])
        first.kill()  # its socket stays behind
        collectd.said(f"application '{self.prefix}' is not running", times=2)
        count = len(collectd.csv()[wan])
        self.application()
        wait_for("the new application's link up", lambda: collectd.csv()[wan][count:][-1:] == [1.0])
        self.assertEqual(collectd.log().count("is not running"), 2, "said once each time")

    def test_application_that_hangs(self) -> None:
        application = self.application()
        collectd = self.collectd("SendEventsOnUpdate false")
        wan = "dpdkevents-wan/gauge-link_status"
        wait_for("the first value", lambda: collectd.csv().get(wan))
        application.signal(signal.SIGSTOP)
        self.addCleanup(application.signal, signal.SIGCONT)
        collectd.said("does not answer within 500 ms")
        before = len(collectd.csv()[wan])
        time.sleep(3)
        self.assertEqual(len(collectd.csv()[wan]), before, "nothing is said of what is not known")
        self.assertEqual(collectd.log().count("does not answer"), 1)
        application.signal(signal.SIGCONT)
        wait_for("values again", lambda: len(collectd.csv()[wan]) > before)
        collectd.said(f"application '{self.prefix}' answers")
        # One connection all the time: an application serves ten, and each has a thread.
        threads = [Path(task, "comm").read_text() for task in
                   Path(f"/proc/{application.process.pid}/task").iterdir()]
        self.assertLessEqual(threads.count("telemetry-v2\n"), 2, threads)

    def test_stop_is_not_held_up_by_an_application_that_hangs(self) -> None:
        application = self.application()
        collectd = self.collectd()
        collectd.said("connected to application")
        application.signal(signal.SIGSTOP)
        self.addCleanup(application.signal, signal.SIGCONT)
        collectd.said("does not answer within 500 ms")
        collectd.stop()
        self.assertEqual(collectd.process.returncode, 0, "it had to be killed")


class Keepalive(Case):
    def setUp(self) -> None:
        self.name = "/" + unique("netvsc_keepalive")

    def events(self, lines: str = "") -> str:
        # The stock plugin forks a DPDK process for link status; keep_alive alone is what both can do here.
        return f"""
            <EAL>
              Coremask "0x1"
              MemoryChannels "4"
              FilePrefix "{unique('none')}"
            </EAL>
            <Event "keep_alive">
              SendEventsOnUpdate true
              LCoreMask "0xff"
              KeepAliveShmName "{self.name}"
              {lines}
            </Event>"""

    def collectd(self, lines: str = "", plugins: Path | None = None) -> Collectd:
        return Collectd(self, self.events(lines), **({} if plugins is None else {"plugins": plugins}))

    def test_dead_and_back(self) -> None:
        area = Area(self, self.name)
        area.set(1, 1)
        collectd = self.collectd()
        lcore = "dpdkevents-keepalive/gauge-lcore1"
        for number, state in enumerate((1, 4, 2, 3, 1)):
            area.set(1, state)
            expected = [1.0, 4.0, 2.0, 3.0, 1.0][:number + 1]
            wait_for(f"the csv plugin's values {expected}", lambda: collectd.csv().get(lcore) == expected)
            wait_for("the sample", lambda: ("collectd_dpdkevents_gauge",
                                            {"dpdkevents": "keepalive", "type": "lcore1", "instance": "vm1"},
                                            float(state)) in metrics(collectd.prometheus()))
        self.assertEqual(collectd.value(lcore), 1.0)
        self.assertEqual(set(collectd.csv()), {f"dpdkevents-keepalive/gauge-lcore{n}" for n in range(8)})

    def test_dead_and_back_as_notifications(self) -> None:
        area = Area(self, self.name)
        area.set(1, 1)
        collectd = self.collectd("SendNotification true")
        collectd.notified("lcore 1 Keep Alive Status: ALIVE")
        area.set(1, 2)
        dead = collectd.notified("lcore 1 Keep Alive Status: DEAD")
        self.assertEqual([dead[name] for name in ("Severity", "Host", "Plugin", "PluginInstance")],
                         ["FAILURE", "vm1", "dpdkevents", "keepalive"])
        area.set(1, 1)
        collectd.notified("lcore 1 Keep Alive Status: ALIVE", times=2)
        self.assertEqual(collectd.csv(), {})

    def test_same_as_the_stock_plugin(self) -> None:
        """The same area, the same configuration, both plugins at once: name by name, value by value."""
        if not (STOCK / "dpdkevents.so").exists():
            self.skipTest(f"this collectd has no dpdkevents.so of its own in {STOCK}")
        area = Area(self, self.name)
        for lcore, (state, _, _) in enumerate(STATES):
            area.set(lcore, state)
        both = [self.collectd(), self.collectd(plugins=STOCK)]
        rounds = 3
        for number in range(rounds):
            for collectd in both:
                wait_for("the values of all lcores", lambda: len(collectd.csv()) == len(STATES))
                # A read may come while the states of a round are being set: each lcore has to have been seen.
                wait_for(f"round {number}", lambda: min(map(len, collectd.csv().values())) > number, 60)
            for lcore in range(len(STATES)):
                area.set(lcore, STATES[(lcore + number + 1) % len(STATES)][0])
        expected = {f"dpdkevents-keepalive/gauge-lcore{lcore}":
                    [float(STATES[(lcore + number) % len(STATES)][0]) for number in range(rounds)]
                    for lcore in range(len(STATES))}
        for collectd in both:
            first = {name: values[:rounds] for name, values in collectd.csv().items()}
            self.assertEqual(first, expected)
        listed = [{name for name in collectd.listed() if "dpdkevents" in name} for collectd in both]
        self.assertEqual(listed[0], listed[1])

    def test_same_notifications_as_the_stock_plugin(self) -> None:
        if not (STOCK / "dpdkevents.so").exists():
            self.skipTest(f"this collectd has no dpdkevents.so of its own in {STOCK}")
        area = Area(self, self.name)
        for lcore, (state, _, _) in enumerate(STATES):
            area.set(lcore, state)
        both = [self.collectd("SendNotification true"), self.collectd("SendNotification true", plugins=STOCK)]
        expected = sorted((f"lcore {lcore} Keep Alive Status: {word}", severity)
                          for lcore, (_, word, severity) in enumerate(STATES))

        def without_time(notification: Notification) -> tuple[tuple[str, str], ...]:
            return tuple((name, value) for name, value in notification.fields if name != "Time")
        found = []
        for collectd in both:
            wait_for("all notifications", lambda: len(collectd.notifications()) >= len(STATES), 60)
            notifications = collectd.notifications()
            self.assertEqual(sorted((one.message, one["Severity"]) for one in notifications), expected)
            found.append(sorted((one.message, without_time(one)) for one in notifications))
        self.assertEqual(found[0], found[1])

    def test_area_later_removed_and_replaced(self) -> None:
        collectd = self.collectd()
        collectd.said(f"there is no shared memory {self.name}")
        lcore = "dpdkevents-keepalive/gauge-lcore1"
        first = Area(self, self.name)
        first.set(1, 1)
        wait_for("a value", lambda: collectd.csv().get(lcore, [])[-1:] == [1.0])
        first.end()
        collectd.said(f"there is no shared memory {self.name}", times=2)
        second = Area(self, self.name, lcores=4)
        second.set(1, 2)
        wait_for("the new area's value", lambda: collectd.csv()[lcore][-1] == 2.0)
        collectd.said("LCoreMask includes lcore 7, but the area has 4 lcores")

    def test_area_of_an_application_that_crashed(self) -> None:
        area = Area(self, self.name)
        area.set(1, 1)
        collectd = self.collectd("SendEventsOnUpdate false")
        lcore = "dpdkevents-keepalive/gauge-lcore1"
        wait_for("a value", lambda: collectd.csv().get(lcore))
        area.crash()
        collectd.said("the lcores' states are unknown")
        count = len(collectd.csv()[lcore])
        time.sleep(5 * INTERVAL_S)
        self.assertEqual(len(collectd.csv()[lcore]), count, "the dead application's lcores are not alive")
        Area(self, self.name).set(1, 5)
        wait_for("the new application's value", lambda: collectd.csv()[lcore][-1] == 5.0)

    def test_area_truncated_and_foreign(self) -> None:
        area = Area(self, self.name)
        collectd = self.collectd()
        wait_for("values", collectd.csv)
        os.truncate(area.path, 16)
        collectd.said("the lcores' states are unknown")
        area.path.unlink()
        area.path.write_bytes(b"x" * 4096 * 1024)
        area.path.chmod(0o666)
        collectd.said("is writable by all users")
        area.path.unlink()
        area.path.symlink_to("/etc/passwd")
        collectd.said("is a symbolic link")
        self.assertTrue(collectd.running())


class Forwarder(Case):
    """l2fwd-keepalive, which watches its own lcores: links by its telemetry, lcores by its shared memory."""

    def test_dead_lcore_and_back(self) -> None:
        prefix, name = unique("forwarder"), "/" + unique("netvsc_keepalive")
        self.addCleanup(shutil.rmtree, Path("/var/run/dpdk") / prefix, True)
        self.addCleanup(Path(f"/dev/shm{name}").unlink, True)
        application = self.popen(BUILD / "app/l2fwd-keepalive/l2fwd-keepalive", "--lcores", "0@0,1@1", "--no-huge", "-m",
                                 "128", "--no-pci", "--file-prefix", prefix, "--vdev", "net_null0", "--vdev",
                                 "net_null1", "--", "-p", "3", "-q", "2", "-K", "500", "--shm", name)
        events = f"""
            <EAL>
              FilePrefix "{prefix}"
            </EAL>
            <Event "keep_alive">
              LCoreMask "0x2"
              KeepAliveShmName "{name}"
            </Event>"""
        collectds = [Collectd(self, events + """
            <Event "link_status">
            </Event>""")]
        if (STOCK / "dpdkevents.so").exists():
            collectds.append(Collectd(self, events, STOCK))
        lcore = "dpdkevents-keepalive/gauge-lcore1"

        def last(*values: float) -> None:
            for collectd in collectds:
                wait_for(f"lcore 1 at {values}", lambda: collectd.csv().get(lcore, [None])[-1] in values)
        last(1.0)
        wait_for("both links", lambda: {"dpdkevents-port.0/gauge-link_status", "dpdkevents-port.1/gauge-link_status"} <=
                 set(collectds[0].csv()))
        stopper = self.popen(BUILD / "test/vm/tools/threadstop", str(application.pid), "1")
        last(2.0, 3.0)
        assert stopper.stdin is not None
        stopper.stdin.close()
        last(1.0)
        self.assertEqual({tuple(sorted(name for name in collectd.csv() if "keepalive" in name))
                          for collectd in collectds}, {(lcore,)})

    def popen(self, program: Path, *arguments: str) -> subprocess.Popen[bytes]:
        if not program.exists():
            self.skipTest(f"{program} was not built")
        process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)

        def end() -> None:
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process


class Configuration(Case):
    def test_each_mistake_is_named_and_disturbs_nothing_else(self) -> None:
        prefix, name = unique("config"), "/" + unique("netvsc_keepalive")
        Application(self, prefix, "--vdev=net_null0", "--vdev=net_null1")
        Area(self, name).set(1, 1)
        collectd = Collectd(self, f"""
            Colour "blue"
            <EAL>
              Coremask "0x1"
              FilePrefix "{prefix}"
              SocketMemory "64"
            </EAL>
            <Event "link_status">
              SendEventsOnUpdate perhaps
              EnabledPortMask 1
              PortName "one"
              PortName "too many"
              Speed 7
            </Event>
            <Event "keep_alive">
              LCoreMask "0xfg"
              KeepAliveShmName "{name}"
            </Event>
            <Event "queue_status">
            </Event>""")
        for line in ("Colour 'blue': unknown here; it is ignored",
                     "EAL: Coremask, SocketMemory: ignored: this plugin is no DPDK process",
                     "Event link_status: SendEventsOnUpdate 'perhaps': expected true or false; the line is ignored",
                     "Event link_status: 2 PortName lines for 1 enabled ports: those from 'too many' on are unused",
                     "Event link_status: Speed '7.000000': unknown here; it is ignored",
                     "Event keep_alive: LCoreMask '0xfg': expected a hexadecimal mask of at most 4096 bits",
                     "Event 'queue_status': expected \"link_status\" or \"keep_alive\"; the block is ignored"):
            collectd.said(f"dpdkevents: {line}")
        wait_for("the value", lambda: collectd.csv() == {"dpdkevents-one/gauge-link_status": [1.0]})

    def test_nothing_to_watch(self) -> None:
        collectd = Collectd(self, """
            <Event "keep_alive">
              LCoreMask 0
            </Event>""")
        collectd.said("dpdkevents: Event keep_alive: LCoreMask is missing or 0: no lcore is watched")
        collectd.said("dpdkevents: no usable Event block: nothing is watched")

    def test_no_port_enabled(self) -> None:
        prefix = unique("config")
        Application(self, prefix, "--vdev=net_null0")
        collectd = Collectd(self, f"""
            <EAL>
              FilePrefix "{prefix}"
            </EAL>
            <Event "link_status">
              EnabledPortMask 0
            </Event>""")
        collectd.said("EnabledPortMask 0: no port is watched")
        collectd.said("connected to application")
        time.sleep(5 * INTERVAL_S)
        self.assertEqual(collectd.csv(), {})

    def test_lcores_beyond_64(self) -> None:
        name = "/" + unique("netvsc_keepalive")
        area = Area(self, name)
        area.set(100, 4)
        collectd = Collectd(self, f"""
            <Event "keep_alive">
              LCoreMask "0x10000000000000000000000000"
              KeepAliveShmName "{name}"
            </Event>""")
        wait_for("lcore 100's value",
                 lambda: collectd.csv() == {"dpdkevents-keepalive/gauge-lcore100": [4.0]})


if __name__ == "__main__":
    unittest.main(verbosity=2)
