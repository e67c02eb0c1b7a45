# SPDX-License-Identifier: BSD-3-Clause
"""netvsc-status beside real applications: its output agrees with theirs."""

from __future__ import annotations

import json
import os
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts"))

from events import EVENTLOG, EventCase, EventLog  # noqa: E402
from hyperv_support import OverHyperV  # noqa: E402
from lab.guest import Completed  # noqa: E402
from show.terminal_svg import last_frame, svg  # noqa: E402
from support import BUILD, DRIVER, MACS, PATIENCE_S, end, wait_for  # noqa: E402

ALARM_NS = 10_000_000_000  # UnusedVf::patience
STATUS = str(BUILD / "app/netvsc-status/netvsc-status")


class Status(OverHyperV, EventCase):
    def status(self, *arguments: str) -> Completed:
        """Runs it."""
        done = self.guest.run([STATUS, *arguments], check=False)
        print(done.stdout, done.stderr, sep="", flush=True)
        return done

    def test_shows_a_running_testpmd(self) -> None:
        log = EventLog(self)
        name = self.names[0]
        testpmd = self.run_with_log(log, f"--vdev=net_vdev_netvsc0,iface={name},keepalive=1000")
        testpmd.start()
        self.plug("vf", MACS[0])
        log.wait("vf_attached")
        address = self.machine.pci_address("vf")
        wait_for("a watched lcore", lambda: "lcores" in json.dumps(
            self.telemetry(testpmd, "/vdev_netvsc/keepalive")) and self.telemetry(
                testpmd, "/vdev_netvsc/keepalive")["lcores"])

        shown = self.status()
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        for pattern in (rf"^DPDK application with --file-prefix {testpmd.name}: DPDK [\d.]+\S*, process "
                        rf"{testpmd.process.pid}$", r"^Port 0  net_failsafe_vsc0 of net_vdev_netvsc0$",
                        rf"^  NetVSC     {name} \(ifindex \d+\)  {MACS[0]}$",
                        rf"^  VF         {address} attached for [\d.]+ m?s$", r"^  Path       VF \(tap on standby\)$",
                        r"^  VF history added once, removed 0 times; announced in [\d.]+ ms, longest [\d.]+ ms$",
                        r"^    1  \w+ +last polled .* ago",
                        rf"^    1 .* ago  port_added     net_failsafe_vsc0 \({name}\)$",
                        rf" ago  vf_attached    net_failsafe_vsc0 \({name}\)  VF {address}$"):
            self.assertRegex(shown.stdout, r"(?m)" + pattern)

        self.assertRegex(shown.stdout, r"(?m)^  Switches   to the VF in [\d.]+ ms, longest [\d.]+ ms$")
        told = json.loads(self.status("--json", "--events", "50").stdout)
        self.assertEqual([(event["seq"], event["time_ns"], event["type"]) for event in told["events"]],
                         [(event.sequence, event.time_ns, event.type) for event in log.events()])
        self.assertEqual({key: value for key, value in told["ports"][0].items() if key not in ("now_ns", "stats")},
                         {key: value for key, value in self.telemetry(testpmd, "/vdev_netvsc/info,0").items()
                          if key != "now_ns"})

        self.unplug("vf")
        log.wait("vf_removed")
        counted = self.telemetry(testpmd, "/vdev_netvsc/stats,0")
        for what in "announce", "attach", "detach":
            classes = list(counted[f"{what}_histogram"].values())
            self.assertEqual((classes, classes[-1]), (sorted(classes), 1), what)
        self.assertRegex(self.status().stdout, r"(?m)^  Switches   to the VF in .*; to tap in [\d.]+ ms, longest [\d.]+ ms$")

        # A second application, and then another that has not the driver.
        other = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={name}x")
        several = self.status()
        self.assertEqual(several.returncode, 1)
        self.assertIn("choose one by --file-prefix: " + ", ".join(sorted([testpmd.name, other.name])), several.stderr)
        chosen = self.status("--file-prefix", other.name)
        self.assertIn("No ports: net_vdev_netvsc is loaded, but has none", chosen.stdout)
        self.assert_quits(other)
        self.assert_quits(testpmd)
        none = self.status()
        self.assertEqual(none.returncode, 1)
        self.assertIn("netvsc-status: no DPDK application runs", none.stderr)

    def test_watch_on_a_terminal(self) -> None:
        """The time line shows a VF that leaves and returns. NETVSC_PICTURE: a file for the picture of the guide."""
        log = EventLog(self)
        testpmd = self.run_with_log(log, f"--vdev=net_vdev_netvsc0,iface={self.names[0]},keepalive=1000")
        testpmd.start()
        command = f"stty cols 100; TERM=xterm exec {STATUS} --watch --events 8"
        watch = self.guest.spawn("watch", ["script", "-qfc", command, "/dev/null"])
        self.addCleanup(end, watch)

        def shown(pattern: str) -> None:
            wait_for(pattern, lambda: re.search(pattern, watch.output_since(0)), PATIENCE_S)
        green, yellow = r"(\x1b\[32m{}\x1b\[0m)", r"(\x1b\[33m{}\x1b\[0m)"
        shown(yellow.format("-") + "{4}")
        for arrivals in 1, 2:
            self.plug("vf", MACS[0])
            log.wait("vf_attached", count=arrivals)
            shown((yellow.format("[-F]") + "+" + green.format("V") + green.format("=") + "{4,}") * arrivals)
            if arrivals == 1:
                self.unplug("vf")
                log.wait("vf_removed")
                shown(green.format("=") + "+" + yellow.format("F") + yellow.format("-") + "{4,}")
        if picture := os.environ.get("NETVSC_PICTURE"):
            Path(picture).write_text(svg("netvsc-status --watch --events 8", last_frame(watch.output_since(0))))

    def test_vf_that_no_pmd_takes(self) -> None:
        """It is shown as unused, until it is removed."""
        log = EventLog(self)
        testpmd = self.run_with_log(log, drivers=[DRIVER, EVENTLOG])  # without the test PMD
        testpmd.start()
        self.assertEqual(self.telemetry(testpmd, "/vdev_netvsc/info,0")["vf_unused_since_ns"], 0)
        self.plug("vf", MACS[0])
        log.wait("vf_failed")
        wait_for("state faulted", lambda: self.telemetry(testpmd, "/vdev_netvsc/info,0")["vf_state"] == "faulted")
        told = self.telemetry(testpmd, "/vdev_netvsc/info,0")  # it may be tried again now, in state present
        self.assertEqual(told["path"], "fallback")
        self.assertGreater(told["vf_unused_since_ns"], log.wait("port_added").time_ns)
        self.assertLess(told["vf_unused_since_ns"], log.wait("vf_failed").time_ns)
        self.assertEqual(told["vf_unused_reason"], "probe_failed")
        self.assertRegex(self.status().stdout,
                         r"(?m)^  Path       tap \(fallback\); the VF is unused for [\d.]+ m?s: probe failed$")
        unused = log.wait("vf_unused")
        self.assertEqual((unused.reason, unused.vf), ("probe_failed", self.machine.pci_address("vf")))
        self.assertGreaterEqual(unused.time_ns - told["vf_unused_since_ns"], ALARM_NS)
        self.status()
        self.unplug("vf")
        log.wait("vf_removed")
        log.wait("vf_unused_end")
        self.assertEqual(log.types().count("vf_unused"), 1)
        self.assertEqual(self.telemetry_events(testpmd), log.events())
        self.assertEqual(self.telemetry(testpmd, "/vdev_netvsc/info,0")["vf_unused_since_ns"], 0)
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
