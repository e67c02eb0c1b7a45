# SPDX-License-Identifier: BSD-3-Clause
"""The driver at work in the lab: a NetVSC port on tap, its VF plugged in, pulled out and back, under traffic.

The NetVSC netdevice is that of the kernel's own hv_netvsc, over the lab's VMBus host. The host switches its data path as
hv_netvsc requests. Exit status 0 only if every step was seen.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lab import qemu, vmbus_build
from lab.errors import LabError, LabTimeout
from lab.hyperv import HyperV
from lab.kernel_log import KernelLog
from lab.machine import Machine
from lab.switch import Report, Switch
from lab.testpmd import Testpmd

from . import testpmd_arguments
from .progress import Progress
from .table import table

MAC = "00:15:5d:00:00:01"  # 00:15:5d: Hyper-V's
NETVSC, VF = "netvsc", "vf"  # names of the NICs, and so of the paths in the switch's reports
MODULES = {"rtl8139": "8139cp", "e1000e": "e1000e", "igb": "igb"}  # the VF models' kernel drivers
PATHS = {NETVSC: "tap", VF: "VF"}
SAYS = "vdev_netvsc: net_failsafe_vsc0"  # how the driver's messages about the port begin
STEADY_S = 2.0  # how long traffic is watched while nothing changes
AFTERWARDS_S = 0.5  # how long a change is watched once the other path carries frames
DRAIN_S = 0.5  # a frame that has not come back by then is lost
START_TIMEOUT_S = 120.0  # testpmd; its libraries come over a slow file system
STEP_TIMEOUT_S = 30.0
OUTPUT_TAIL_LINES = 15


class NotSeen(Exception):
    """A step did not happen."""


@dataclass(frozen=True)
class Row:
    """One stretch of time for the final table; the stretches follow each other without a gap."""

    step: str
    path: str
    at_ns: int  # its beginning, or the change in it
    report: Report
    changed_ms: float | None = None  # from the change to the first frame on the other path


class Demo:
    """The steps, in order. Each raises NotSeen or LabError if it does not happen."""

    def __init__(self, machine: Machine, options: argparse.Namespace, progress: Progress) -> None:
        self.machine = machine
        self.hyperv = HyperV(machine)
        self.nic = self.hyperv.nic_add(NETVSC, MAC)
        self.options = options
        self.progress = progress
        self.rows: list[Row] = []
        self.testpmd: Testpmd | None = None
        self.step = ""  # the one under way
        self.slipped_ms = 0.0
        self._stretch_ns = 0  # where the stretch under way began

    @property
    def switch(self) -> Switch:
        return self.machine.switch(MAC)

    @property
    def prompt(self) -> Testpmd:
        assert self.testpmd is not None
        return self.testpmd

    # Before the traffic.

    def boot(self) -> None:
        with self.progress.waiting("booting a virtual machine"):
            self.machine.start()
            guest = self.machine.guest
            if not guest.glob("/dev/net/tun"):
                guest.modprobe("tun")
            self.hyperv.start()
            name = self.nic.ifname()
            driver = guest.run(f"basename $(readlink /sys/class/net/{name}/device/driver)").stdout.strip()
            if driver != "hv_netvsc":
                raise NotSeen(f"expected {name} to be a netdevice of hv_netvsc; its driver is {driver or 'none'}")
        self.progress.step(f"VM up: Linux {self.machine.kernel}, NetVSC {name} ({MAC}, {driver})")

    def start_testpmd(self) -> None:
        eal, application = testpmd_arguments.split(self.options.testpmd)
        with self.progress.waiting("starting testpmd in it"):
            # -b: EAL is not to take the NIC by which the VMBus host sends and receives.
            eal += [f"--vdev=net_vdev_netvsc0,iface={self.nic.ifname()}", "-b", self.nic.wire_address()]
            plugins = [str(path.resolve()) for path in (self.options.plugin, self.options.vf_plugin)]
            self.testpmd = Testpmd(self.machine.guest, eal, application, plugins, timeout=START_TIMEOUT_S)
            said = self._said_at_start()
            info = self.testpmd.port_info().get(0, {})
            taps = [netdev.name for netdev in self.machine.guest.netdevs() if not netdev.driver
                    and netdev.name.startswith("dtap")]
            if info.get("Driver name") != "net_failsafe" or info.get("Link status") != "up" or not taps:
                raise NotSeen(f"expected port 0 to be a fail-safe port that is up over a tap netdevice; it is "
                              f"{info.get('Driver name')}, {info.get('Link status')}, tap netdevices: {taps or 'none'}")
            self.testpmd.start()
        self.progress.step(f"testpmd: port 0 {info['Device name']} over net_tap_vsc0 ({taps[0]}) is up")
        self.progress.detail(said)

    def _said_at_start(self) -> str:
        """The driver's message, which the in-tree driver does not print."""
        found = re.search(rf"^{SAYS} attached to .*$", self.prompt.start_output, re.M)
        if found is None:
            raise NotSeen("the driver did not say that it attached a port; was another one loaded in its place?")
        return found[0].strip()

    # Under traffic.

    def _drained(self, until_ns: int) -> Report:
        """The report of the stretch under way up to `until_ns`, once its frames are back or lost."""
        while True:
            report = self.switch.report(self._stretch_ns, until_ns)
            if report.lost == 0 or time.monotonic_ns() > until_ns + DRAIN_S * 1e9:
                return report
            time.sleep(0.02)

    def _finish_stretch(self, path: str, until_ns: int, at_ns: int = 0, changed_ms: float | None = None) -> Report:
        report = self._drained(until_ns)
        self.rows.append(Row(self.step, path, at_ns or self._stretch_ns, report, changed_ms))
        self._stretch_ns = until_ns
        return report

    def _counter(self) -> str:
        report = self.switch.report(self._stretch_ns)
        return f"{report.sent} sent, {report.returned} back"

    def start_traffic(self) -> None:
        self._stretch_ns = self.switch.start_traffic(pps=self.options.pps)

    def steady(self, nic: str) -> None:
        """Nothing changes: frames come back by this NIC and no other."""
        path = PATHS[nic]
        with self.progress.waiting(f"watching traffic on {path}", self._counter):
            until_ns = self._stretch_ns + round(STEADY_S * 1e9)
            time.sleep(max(0.0, (until_ns - time.monotonic_ns()) / 1e9))
            report = self._finish_stretch(path, until_ns)
        others = {name for name in report.returned_by_port if name != nic}
        if others or report.returned * 2 < report.sent or not report.sent:
            raise NotSeen(f"{report.sent} packets sent, {report.returned} came back, by path: {_by_path(report)}; "
                          f"expected most of them back, all on {path}")
        self.progress.step(f"{self.step}: {report.sent} sent, {report.returned} back, {report.lost} lost")

    def plug(self) -> None:
        mark = self.prompt.process.mark()
        with self.progress.waiting("plugging the VF in", self._counter):
            kernel_log = KernelLog(self.machine.guest)
            began_ns = time.monotonic_ns()
            name = self.nic.vf_add(VF, self.options.vf_model)
            self.nic.take_from_kernel(name)
            said = self._expect(mark, began_ns, rf"{SAYS}: VF \S+ present", rf"{SAYS}: VF \S+ attached")
            first_ns = self.switch.wait_return(VF, began_ns, STEP_TIMEOUT_S)
            report = self._settled("tap to VF", began_ns, first_ns)
            said += self._switched(kernel_log, "to", name)
        self.progress.step(f"{self.step}: {self.options.vf_model}, kernel netdevice {name}, "
                           f"PCI {self.machine.pci_address(VF)}", began_ns)
        self._details(said, VF, began_ns, first_ns, report)

    def pull(self) -> None:
        mark = self.prompt.process.mark()
        with self.progress.waiting("pulling the VF out", self._counter):
            kernel_log = KernelLog(self.machine.guest)
            name = self.machine.ifname(VF)
            began_ns = time.monotonic_ns()
            unplug_mark = self.machine.nic_unplug(VF)
            said = self._expect(mark, began_ns, rf"{SAYS}: VF \S+ removed")
            deleted_ns = self.machine.nic_unplugged(VF, unplug_mark, STEP_TIMEOUT_S)
            self.nic.associate(False)
            first_ns = self.switch.wait_return(NETVSC, began_ns, STEP_TIMEOUT_S)
            report = self._settled("VF to tap", began_ns, first_ns)
            said += [(deleted_ns, "the guest has released it"), *self._switched(kernel_log, "from", name)]
        self.progress.step(self.step, began_ns)
        self._details(said, NETVSC, began_ns, first_ns, report)

    def _expect(self, mark: int, began_ns: int, *patterns: str) -> list[tuple[int, str]]:
        """What the driver says about a change, and when it was read."""
        said = []
        for pattern in patterns:
            left = STEP_TIMEOUT_S - (time.monotonic_ns() - began_ns) / 1e9
            try:
                found = self.prompt.process.expect(pattern, max(left, 0.0), since=mark)
            except LabTimeout:
                message = pattern.replace(r"\S+", "<PCI address>")
                raise NotSeen(f"the driver did not say '{message}' in {STEP_TIMEOUT_S:g} s") from None
            said.append((time.monotonic_ns(), found[0].strip()))
        return said

    def _switched(self, kernel_log: KernelLog, direction: str, vf: str) -> list[tuple[int, str]]:
        """What hv_netvsc has logged about the VF since, which includes the switch of the data path."""
        lines = [(moment_ns, re.sub(r"hv_netvsc \S+ ", "hv_netvsc ", text))  # without the NIC's GUID
                 for moment_ns, text in kernel_log.lines(r"hv_netvsc .* (VF|Data path)")]
        if not any(re.search(rf"Data path switched {direction} VF: {vf}$", text) for _, text in lines):
            raise NotSeen(f"the kernel did not log 'Data path switched {direction} VF: {vf}'; hv_netvsc logged: "
                          f"{'; '.join(text for _, text in lines) or 'nothing'}")
        return lines

    def _settled(self, path: str, began_ns: int, first_ns: int) -> Report:
        until_ns = first_ns + round(AFTERWARDS_S * 1e9)
        time.sleep(max(0.0, (until_ns - time.monotonic_ns()) / 1e9))
        return self._finish_stretch(path, max(until_ns, time.monotonic_ns()), began_ns, (first_ns - began_ns) / 1e6)

    def _details(self, said: list[tuple[int, str]], nic: str, began_ns: int, first_ns: int, report: Report) -> None:
        outcome = f"first packet back on {PATHS[nic]}; lost {report.lost}, longest gap {report.longest_gap_ms:.0f} ms"
        for moment_ns, text in sorted([*said, (first_ns, outcome)]):
            self.progress.detail(f"+{(moment_ns - began_ns) / 1e6:5.0f} ms  {text}")

    # After it.

    def finish(self) -> None:
        self.switch.stop_traffic()
        self.slipped_ms = self.switch.slipped_ms
        with self.progress.waiting("ending testpmd"):
            status = self.prompt.quit(STEP_TIMEOUT_S)
        if status != 0:
            raise NotSeen(f"testpmd ended with status {status}")
        self.progress.step("testpmd ended")

    def summary(self) -> str:
        """The final table, and what one has to know to read it."""
        rows = [[row.step, f"{self.progress.since_start(row.at_ns):.1f} s", row.path, *_figures(row.report),
                 "" if row.changed_ms is None else f"{row.changed_ms:.0f} ms"] for row in self.rows]
        total = [row.report for row in self.rows]
        rows.append(["total", "", "", str(sum(report.sent for report in total)),
                     str(sum(report.lost for report in total)),
                     f"{max(report.longest_gap_ms for report in total):.0f} ms", ""])
        heading = ["step", "time", "path", "sent", "lost", "longest gap", "other path after"]
        return "\n".join([table(heading, rows, right=[heading[1], *heading[3:]]), *self._notes(total)])

    def _notes(self, reports: list[Report]) -> list[str]:
        drops = sum(report.host_drops for report in reports)
        notes = ["Times after a change are from the host's request on; the driver's messages have the times at which "
                 "they were read,", "the kernel's those at which it wrote them."]
        if drops:
            notes.append(f"{drops} more packets were never sent: the host's queue was full.")
        if self.slipped_ms >= 1:
            notes.append(f"The generator was held up for {self.slipped_ms:.0f} ms in all: this machine is busy.")
        return notes

    def run(self) -> None:
        for self.step, action in (
                ("virtual machine", self.boot),
                ("testpmd with the driver", self.start_testpmd),
                ("traffic", self.start_traffic),
                ("traffic on tap", lambda: self.steady(NETVSC)),
                ("VF plugged in", self.plug),
                ("traffic on the VF", lambda: self.steady(VF)),
                ("VF pulled out", self.pull),
                ("traffic back on tap", lambda: self.steady(NETVSC)),
                ("VF back", self.plug),
                ("traffic on the VF again", lambda: self.steady(VF)),
                ("end of testpmd", self.finish)):
            action()

    def save_output(self) -> Path | None:
        """Writes what testpmd printed to a file next to the machine's logs; None if it did not start."""
        if self.testpmd is None:
            return None
        path = Path(str(self.machine.console_log).replace("-console.log", "-testpmd.log"))
        path.write_text(self.testpmd.process.output().replace("\r", ""))
        return path


def _by_path(report: Report) -> str:
    return ", ".join(f"{PATHS[name]} {count}" for name, count in report.returned_by_port.items()) or "none"


def _figures(report: Report) -> list[str]:
    return [str(report.sent), str(report.lost), f"{report.longest_gap_ms:.0f} ms"]


def _explain(demo: Demo, problem: Exception) -> None:
    """The reason, where to read more, and what testpmd said last."""
    print(f"run: not seen: {demo.step}: {problem}", file=sys.stderr)
    try:
        log = demo.save_output()
    except (LabError, OSError) as error:
        print(f"run: testpmd's output could not be saved: {error}", file=sys.stderr)
        log = None
    if log is not None:
        tail = log.read_text().splitlines()[-OUTPUT_TAIL_LINES:]
        print("testpmd's last lines:", *tail, sep="\n  ", file=sys.stderr)
        print(f"run: all of testpmd's output: {log}", file=sys.stderr)
    print(f"run: the machine's console: {demo.machine.console_log}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="show.lab_demo", description=__doc__)
    parser.add_argument("--vf-model", choices=tuple(MODULES), default="rtl8139",
                        help="QEMU's model for the VF (default: %(default)s)")
    parser.add_argument("--pps", type=int, default=1000, help="packets a second (default: %(default)s)")
    parser.add_argument("--plugin", type=Path, metavar="FILE", required=True, help="the driver")
    parser.add_argument("--vf-plugin", type=Path, metavar="FILE", required=True, help="the test-only driver for the VF")
    return parser


def _terminated(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def main() -> int:
    arguments = sys.argv[1:]
    at = arguments.index("--") if "--" in arguments else len(arguments)
    options = _parser().parse_args(arguments[:at])
    options.testpmd = arguments[at + 1:]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    try:
        emulator = qemu.at_least(qemu.WITH_IGB) if options.vf_model == "igb" else None
        machine = Machine(kernel=vmbus_build.newest_kernel(), modules=("virtio_net", MODULES[options.vf_model]),
                          qemu=emulator)
        demo = Demo(machine, options, Progress())
    except LabError as problem:
        print(f"run: {problem}", file=sys.stderr)
        return 1
    try:
        demo.run()
    except (LabError, NotSeen) as problem:
        if demo.rows:
            print("\n" + demo.summary(), flush=True)
        _explain(demo, problem)
        return 1
    finally:
        demo.machine.stop()
    print("\n" + demo.summary())
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:
        print("\nrun: interrupted", file=sys.stderr)
        status = 130
    sys.exit(status)
