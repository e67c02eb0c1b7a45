# SPDX-License-Identifier: BSD-3-Clause
"""The collectd plugin beside testpmd: it reports VFs, links and lcores. collectd runs in the machine."""

from __future__ import annotations

import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import OverHyperV  # noqa: E402
from lab.guest import GuestProcess  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import BUILD, DRIVER, LOG_LEVEL, MACS, PATIENCE_S, QUICK, TOOLS, end, wait_for  # noqa: E402

PLUGIN = BUILD / "app/collectd/dpdkevents.so"
STOCK = Path("/usr/lib/collectd")
FOLDER = "/run/collectd-test"
CONFIGURATION = """
Hostname "vm1"
FQDNLookup false
Interval 1
BaseDir "{folder}"
PIDFile "{folder}/pid"
TypesDB "/usr/share/collectd/types.db"
PluginDir "{stock}"
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File "{folder}/log"
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "{folder}/csv"
</Plugin>
LoadPlugin exec
<Plugin exec>
  NotificationExec "nobody" "{folder}/note"
</Plugin>
LoadPlugin write_prometheus
<Plugin write_prometheus>
  Host "127.0.0.1"
  Port "9103"
</Plugin>
PluginDir "{plugins}"
LoadPlugin dpdkevents
<Plugin dpdkevents>
  <EAL>
    FilePrefix "{prefix}"
  </EAL>
  <Event "link_status">
    PortName "wan"
    SendEventsOnUpdate {notify}
    SendNotification {notify}
  </Event>
  <Event "keep_alive">
    LCoreMask "0x2"
    SendEventsOnUpdate {notify}
    SendNotification {notify}
  </Event>
</Plugin>
"""
# The sanitizer that is loaded into collectd for the plugin's sake has nothing to matching for in the shell's programs.
NOTE = '#!/bin/sh\nunset LD_PRELOAD\nnote=$(mktemp {folder}/notes/XXXXXX) && cat >"$note" && mv "$note" "$note.done"\n'


class CollectdCase(OverHyperV):
    def setUp(self) -> None:
        if not PLUGIN.exists():
            self.skipTest(f"{PLUGIN} was not built: collectd's headers are missing (collectd-dev)")
        if not (STOCK / "csv.so").exists():
            self.skipTest("collectd is not installed (Debian: collectd-core)")
        super().setUp()

    def run_driver(self) -> Testpmd:
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]},keepalive=100")
        testpmd.start()
        return testpmd

    def stop_lcore(self, testpmd: Testpmd) -> GuestProcess:
        """Stops the forwarding lcore's thread, as a debugger would, until the process's input ends."""
        process = self.guest.spawn(f"threadstop{testpmd.name}", [str(TOOLS / "threadstop"), str(testpmd.process.pid),
                                                                 "1"])
        self.addCleanup(end, process)
        process.expect("stopped")
        return process

    def collectd(self, testpmd: Testpmd, notify: bool) -> None:
        """Starts collectd; it is connected to testpmd on return."""
        guest = self.guest
        # write_prometheus opens no socket on a machine that has no address but 127.0.0.1.
        guest.run("ip link set lo up; ip addr replace 192.0.2.1/32 dev lo")
        guest.run(f"rm -rf {FOLDER}; mkdir -p {FOLDER}/notes; chmod 0755 {FOLDER}; chmod 0777 {FOLDER}/notes")
        guest.write_file(f"{FOLDER}/note", NOTE.format(folder=FOLDER), 0o755)
        guest.write_file(f"{FOLDER}/collectd.conf", CONFIGURATION.format(
            folder=FOLDER, stock=STOCK, plugins=PLUGIN.parent, prefix=testpmd.name, notify=str(notify).lower()))
        process = guest.spawn(f"collectd-{testpmd.name}", [self.program({}, "/usr/sbin/collectd"), "-f",
                                                           "-C", f"{FOLDER}/collectd.conf"])
        self.addCleanup(end, process)
        wait_for("collectd's connection", lambda: "connected to application" in self.log(), PATIENCE_S)

    def read(self, pattern: str) -> list[str]:
        """The contents of the files that match. (The agent reads them: a process each time is dear in the machine.)"""
        return [self.guest.read_file(path).decode() for path in sorted(self.guest.glob(pattern))]

    def log(self) -> str:
        return "".join(self.read(f"{FOLDER}/log"))

    def notified(self, message: str, times: int = 1) -> dict[str, str]:
        """Waits for a notification of this message; the fields of the last one."""
        try:
            wait_for(f"notification '{message}'", lambda: self.log().count(f"message = {message}\n") >= times, PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

        def matching() -> list[dict[str, str]]:
            notes = [note.partition("\n\n") for note in self.read(f"{FOLDER}/notes/*.done")]
            found = [dict(line.split(": ", 1) for line in head.splitlines())
                     for head, _, text in notes if text.strip() == message]
            return sorted(found, key=lambda one: float(one["Time"])) if len(found) >= times else []
        return wait_for(f"the exec plugin's '{message}'", matching, PATIENCE_S)[-1]

    def values(self, name: str) -> list[float]:
        """What the csv plugin wrote of a value."""
        text = "".join(self.read(f"{FOLDER}/csv/vm1/dpdkevents-{name}-2*"))
        return [float(value) for value in re.findall(r"^[\d.]+,([\d.]+)", text, re.M)]


class Notifications(CollectdCase):
    def test_vf_link_and_lcore(self) -> None:
        testpmd = self.run_driver()
        self.collectd(testpmd, notify=True)
        self.assertEqual(self.notified("Link Status: UP")["netvsc"], self.names[0])
        self.notified("lcore 1 Keep Alive Status: ALIVE")

        netdevice = self.plug("vf", MACS[0])
        self.assertTrue(netdevice)
        address = self.machine.pci_address("vf")
        attached = self.notified(f"VF attached: {address} of NetVSC {self.names[0]}")
        self.assertEqual({key: attached.get(key) for key in
                          ("Severity", "Host", "Plugin", "PluginInstance", "port", "netvsc", "vf", "event")},
                         {"Severity": "OKAY", "Host": "vm1", "Plugin": "dpdkevents", "PluginInstance": "wan",
                          "port": "net_failsafe_vsc0", "netvsc": self.names[0], "vf": address,
                          "event": "vf_attached"})
        self.unplug("vf")
        removed = self.notified(f"VF removed: {address} of NetVSC {self.names[0]}")
        self.assertEqual((removed["Severity"], removed["netvsc"], removed["vf"]), ("WARNING", self.names[0], address))

        self.set_carrier("nv0", False)
        self.addCleanup(self.set_carrier, "nv0", True)
        self.assertEqual(self.notified("Link Status: DOWN")["Severity"], "WARNING")
        self.set_carrier("nv0", True)
        self.notified("Link Status: UP", times=2)

        stopped = self.stop_lcore(testpmd)
        self.assertEqual(self.notified("lcore 1 Keep Alive Status: DEAD")["Severity"], "FAILURE")
        stopped.send("\x04")
        self.notified("lcore 1 Keep Alive Status: ALIVE", times=2)


class Values(CollectdCase):
    def test_link_and_lcore(self) -> None:
        testpmd = self.run_driver()
        self.collectd(testpmd, notify=False)
        link, lcore = "wan/gauge-link_status", "keepalive/gauge-lcore1"
        wait_for("the first values", lambda: self.values(link)[-1:] == self.values(lcore)[-1:] == [1.0], PATIENCE_S)
        self.set_carrier("nv0", False)
        self.addCleanup(self.set_carrier, "nv0", True)
        wait_for("the link's value", lambda: self.values(link)[-1:] == [0.0], PATIENCE_S)
        self.set_carrier("nv0", True)
        wait_for("the link's value", lambda: self.values(link)[-1:] == [1.0], PATIENCE_S)
        stopped = self.stop_lcore(testpmd)
        wait_for("the lcore's value", lambda: self.values(lcore)[-1:] in ([2.0], [3.0]), PATIENCE_S)
        stopped.send("\x04")
        wait_for("the lcore's value", lambda: self.values(lcore)[-1:] == [1.0], PATIENCE_S)

        def exported(value: str) -> str:
            """What write_prometheus shows, which collectd gives each value to after the csv plugin, or before it."""
            text = self.exporter()
            return text if f'collectd_dpdkevents_gauge{{{value},instance="vm1"}} 1 ' in text else ""
        for value in 'dpdkevents="wan",type="link_status"', 'dpdkevents="keepalive",type="lcore1"':
            wait_for(f"the exporter's {value}", lambda: exported(value), PATIENCE_S)

    def exporter(self) -> str:
        """What Prometheus would read."""
        return self.guest.run(["python3", "-c", "import urllib.request as r;"
                               "print(r.urlopen('http://127.0.0.1:9103/metrics').read().decode())"]).stdout

    def test_vf_that_no_pmd_takes(self) -> None:
        eal = [*self.blocked(), LOG_LEVEL, f"--vdev=net_vdev_netvsc0,iface={self.names[0]}"]
        testpmd = Testpmd(self.guest, eal, [QUICK], [DRIVER], program=self.program({}))  # without the test PMD
        self.addCleanup(end, testpmd.process)
        self.collectd(testpmd, notify=False)
        unused = "wan/gauge-vf_unused"
        wait_for("the first value", lambda: self.values(unused)[-1:] == [0.0], PATIENCE_S)

        def is_growing(last: list[float]) -> bool:
            return len(last) == 2 and 0 < last[0] < last[1]
        self.plug("vf", MACS[0])
        wait_for("a growing value", lambda: is_growing(self.values(unused)[-2:]), PATIENCE_S)
        # As the alert and the dashboard ask for it (app/collectd/examples).
        self.assertRegex(self.exporter(), r'collectd_dpdkevents_gauge\{dpdkevents="wan",type="vf_unused",instance="vm1"\} [1-9.]')
        self.unplug("vf")
        wait_for("no unused VF", lambda: self.values(unused)[-1:] == [0.0], PATIENCE_S)
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
