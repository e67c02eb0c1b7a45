# SPDX-License-Identifier: BSD-3-Clause
"""What the tests with a real collectd share: collectd, testpmd and a keepalive area, each a process of the test's own.

Environment: NETVSC_BUILD, the build folder (default: build in the project's folder).
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

sys.path.append(str(Path(__file__).resolve().parents[1] / "common"))

from waiting import PATIENCE_S, wait_for  # noqa: E402, F401

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("NETVSC_BUILD") or TOP / "build")
OURS = BUILD / "app/collectd"  # a folder with dpdkevents.so
COLLECTD = shutil.which("collectd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
STOCK = Path("/usr/lib/collectd")  # Debian's
WRITER = BUILD / "test/collectd/keepalive_writer"
INTERVAL_S = 0.2
HOST = "vm1"
_number = itertools.count(1)


def need_collectd(*plugins: str) -> None:
    """Skips what cannot be tested here, with the reason."""
    if COLLECTD is None or not STOCK.is_dir():
        raise unittest.SkipTest("collectd is not installed (Debian: collectd-core)")
    if not (OURS / "dpdkevents.so").exists():
        raise unittest.SkipTest(f"{OURS}/dpdkevents.so was not built: collectd's headers are missing (collectd-dev)")
    for plugin in plugins:
        try:
            missing = subprocess.run(["ldd", STOCK / f"{plugin}.so"], capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            raise unittest.SkipTest(f"collectd has no plugin {plugin}") from None
        if absent := re.findall(r"(\S+) => not found", missing):
            raise unittest.SkipTest(f"collectd's plugin {plugin} lacks {', '.join(absent)}")


@dataclass(frozen=True)
class Notification:
    """One as collectd's exec plugin hands it on: its header lines, and the message."""

    fields: tuple[tuple[str, str], ...]
    message: str

    def __getitem__(self, name: str) -> str:
        return dict(self.fields).get(name, "")


class Collectd:
    """A collectd in the foreground, with one dpdkevents plugin, our own or the stock one.

    It ends with the case. events: the content of <Plugin dpdkevents>; None: no dpdkevents. more: further lines of the configuration file.
    """

    def __init__(self, case: unittest.TestCase, events: str | None, plugins: Path = OURS, more: str = "",
                 interval: float = INTERVAL_S, whole: str | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="netvsc-collectd-"))
        case.addCleanup(shutil.rmtree, self.folder, True)
        self.folder.chmod(0o755)  # collectd's exec does not run as root
        self._notes = self.folder / "notes"
        self._notes.mkdir()
        self._notes.chmod(0o777)
        note = self.folder / "note"
        note.write_text('#!/bin/sh\nnote=$(mktemp "${0%/*}/notes/XXXXXX") && cat >"$note" && mv "$note" "$note.done"\n')
        note.chmod(0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        base = f"""
            Hostname "{HOST}"
            FQDNLookup false
            Interval {interval}
            BaseDir "{self.folder}"
            PIDFile "{self.folder}/pid"
            TypesDB "/usr/share/collectd/types.db"
            PluginDir "{STOCK}"
            LoadPlugin logfile
            <Plugin logfile>
              LogLevel info
              File "{self.folder}/log"
            </Plugin>
            LoadPlugin unixsock
            <Plugin unixsock>
              SocketFile "{self.folder}/sock"
            </Plugin>
            """
        self.config = base + (whole if whole is not None else f"""
            LoadPlugin csv
            <Plugin csv>
              DataDir "{self.folder}/csv"
            </Plugin>
            LoadPlugin exec
            <Plugin exec>
              NotificationExec "nobody" "{note}"
            </Plugin>
            LoadPlugin write_prometheus
            <Plugin write_prometheus>
              Host "127.0.0.1"
              Port "{self.port}"
            </Plugin>
            {more}
            """ + ("" if events is None else f"""
            PluginDir "{plugins}"
            LoadPlugin dpdkevents
            <Plugin dpdkevents>
              {events}
            </Plugin>
            """))
        file = self.folder / "collectd.conf"
        file.write_text(self.config)
        self.began = time.monotonic()
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen([str(COLLECTD), "-f", "-C", str(file)], stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output)
        case.addCleanup(self.stop)
        self.said("Initialization complete")

    def stop(self) -> None:
        """Ends it, if it has not ended."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def running(self) -> bool:
        return self.process.poll() is None

    # What it did.

    def log(self) -> str:
        """Its log so far."""
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def said(self, text: str, times: int = 1) -> None:
        """Waits until a text stands in its log."""
        try:
            wait_for(f"'{text}' in collectd's log", lambda: self.log().count(text) >= times)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.log()}{(self.folder / 'output').read_text(errors='replace')}"
                                 ) from None

    def csv(self) -> dict[str, list[float]]:
        """By "dpdkevents-<plugin instance>/gauge-<type instance>": the values that the csv plugin has written."""
        found: dict[str, list[float]] = {}
        for file in sorted((self.folder / "csv" / HOST).glob("dpdkevents-*/*")):
            name = f"{file.parent.name}/{file.name[:-len('-2000-01-01')]}"
            values = [float(line.split(",")[1]) for line in file.read_text().splitlines()[1:] if "," in line]
            found.setdefault(name, []).extend(values)
        return found

    def ask(self, command: str) -> list[str]:
        """A command to the unixsock plugin; the lines of the answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE_S)
            connection.connect(str(self.folder / "sock"))
            with connection.makefile("rw") as stream:
                stream.write(command + "\n")
                stream.flush()
                status, _, text = stream.readline().partition(" ")
                if int(status) < 0:
                    raise AssertionError(f"{command}: {text}")
                return [stream.readline().rstrip("\n") for _ in range(int(status))]

    def listed(self) -> set[str]:
        """The names of the values in collectd's cache."""
        return {line.split(" ", 1)[1] for line in self.ask("LISTVAL")}

    def value(self, name: str) -> float:
        """A value in collectd's cache, by its name without the host."""
        return float(self.ask(f'GETVAL "{HOST}/{name}"')[0].partition("=")[2])

    def prometheus(self) -> str:
        """What a Prometheus server would get."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=PATIENCE_S) as answer:
            return answer.read().decode()

    def notifications(self) -> list[Notification]:
        """What the exec plugin was given, in the order of time."""
        found = []
        for file in self._notes.glob("*.done"):
            head, _, message = file.read_text().partition("\n\n")
            fields = tuple((name, value) for name, _, value in (line.partition(": ") for line in head.splitlines()))
            found.append(Notification(fields, message.strip()))
        return sorted(found, key=lambda notification: float(notification["Time"]))

    def notified(self, message: str, times: int = 1) -> Notification:
        """Waits for a notification; the last one of this message."""
        def matching() -> list[Notification]:
            found = [one for one in self.notifications() if one.message == message]
            return found if len(found) >= times else []
        try:
            return wait_for(f"notification '{message}'", matching)[-1]
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.notifications()}\n{self.log()}") from None


def metrics(text: str) -> list[tuple[str, dict[str, str], float]]:
    """The samples in Prometheus' text format: name, labels, value."""
    found = []
    for name, labels, value in re.findall(r"^(\w+)\{([^}]*)\} (\S+)", text, re.M):
        found.append((name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)))
    return found


class Application:
    """testpmd, without hugepages, on virtual ports. It ends with the case."""

    MEMORY = ("--no-huge", "-m", "256")

    def __init__(self, case: unittest.TestCase, prefix: str, *eal: str, memory: Sequence[str] = MEMORY) -> None:
        program = shutil.which("dpdk-testpmd")
        if program is None:
            raise unittest.SkipTest("dpdk-testpmd is not installed (Debian: dpdk-dev)")
        self._output = tempfile.TemporaryFile()
        case.addCleanup(self._output.close)
        self.process = subprocess.Popen(
            [program, "-l", "0-1", *memory, "--no-pci", "--file-prefix", prefix, *eal, "--", "-i",
             "--no-mlockall", "--total-num-mbufs=4096"],
            stdin=subprocess.PIPE, stdout=self._output, stderr=subprocess.STDOUT)
        case.addCleanup(shutil.rmtree, Path("/var/run/dpdk") / prefix, True)
        case.addCleanup(self.kill)
        try:
            wait_for("testpmd's prompt", lambda: "testpmd> " in self.output() or self.process.poll() is not None)
        finally:
            if self.process.poll() is not None:
                raise AssertionError(f"testpmd ended with status {self.process.returncode}:\n{self.output()}")

    def output(self) -> str:
        return os.pread(self._output.fileno(), 1 << 20, 0).decode(errors="replace")

    def command(self, text: str) -> None:
        """Types a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """Ends it as a crash does: what it made stays behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()


class Area:
    """A keepalive area and its writer. It ends with the case."""

    def __init__(self, case: unittest.TestCase, name: str, lcores: int = 128) -> None:
        self.path = Path("/dev/shm" + name)
        self.process = subprocess.Popen([WRITER, name, str(lcores)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        case.addCleanup(self.end)
        self._expect("ready")

    def _expect(self, line: str) -> None:
        assert self.process.stdout is not None
        found = self.process.stdout.readline().strip()
        if found != line:
            raise AssertionError(f"keepalive_writer said '{found}', not '{line}'")

    def set(self, lcore: int, state: int) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{lcore} {state}\n")
        self.process.stdin.flush()
        self._expect("ok")

    def crash(self) -> None:
        """The writer goes; the area stays."""
        self.process.kill()
        self.process.communicate()

    def end(self) -> None:
        """The writer takes its area away and ends."""
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.path.unlink(missing_ok=True)


def unique(name: str) -> str:
    """A name of this run's own."""
    return f"{name}{os.getpid()}x{next(_number)}"
