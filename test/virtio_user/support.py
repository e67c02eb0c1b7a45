# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of net_virtio_user share: two testpmd processes on this machine, ours and the peer.

Environment: NETVSC_BUILD, the build folder (default: build in the project's folder).
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "common"))

from waiting import wait_for  # noqa: E402, F401

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("NETVSC_BUILD") or TOP / "build")
PLUGIN = BUILD / "drivers/net/virtio_user/librte_net_virtio_user.so"
PATIENCE_S = 60.0
_number = itertools.count(1)


class Testpmd:
    """A running testpmd without hugepages. It ends with the case.

    vdevs: of --vdev. options: of testpmd itself. plugin: our driver in place of DPDK's. wait: for its prompt.
    """

    __test__ = False  # not a test case, whatever its name looks like

    def __init__(self, case: "Case", *vdevs: str, options: tuple[str, ...] = (), plugin: bool = False,
                 wait: bool = True) -> None:
        self._case = case
        self._output = tempfile.TemporaryFile()
        case.addCleanup(self._output.close)
        prefix = f"vu{os.getpid()}x{next(_number)}"
        case.addCleanup(shutil.rmtree, Path("/var/run/dpdk") / prefix, True)
        # Ours and the peer's forwarding lcores differ, so that each has a processor.
        command = ["stdbuf", "-oL", shutil.which("dpdk-testpmd"), "-l", "0-1", "--main-lcore", "0" if plugin else "1", "--no-huge",
                   "-m", "256", "--no-pci", "--file-prefix", prefix, *(["-d", case.plugin] if plugin else []),
                   *(f"--vdev={vdev}" for vdev in vdevs), "--", "-i", "--no-mlockall", "--total-num-mbufs=8192",
                   "--forward-mode=io", *options]
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=self._output,
                                        stderr=subprocess.STDOUT)
        case.addCleanup(self.kill)
        if wait:
            wait_for("testpmd's prompt", lambda: "testpmd> " in self.output() or self.process.poll() is not None,
                     PATIENCE_S)
            case.assertIsNone(self.process.poll(), f"testpmd ended:\n{self.output()}")

    def output(self) -> str:
        return os.pread(self._output.fileno(), 1 << 22, 0).decode(errors="replace")

    def type(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, text: str, answer: str) -> re.Match[str]:
        """Types a command and waits for a match in what is printed after it."""
        begin = len(self.output())
        self.type(text)
        try:
            found = wait_for(f"the answer to '{text}'", lambda: re.search(answer, self.output()[begin:], re.S), PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.output()}") from None
        return found

    def start(self) -> None:
        """Starts forwarding. Frames that wait already are dropped before (testpmd flushes its Rx queues)."""
        self.ask("start", "RX queue number")

    def counters(self, port: int = 0) -> dict[str, int]:
        """The port's counters by the names of `show port stats`: RX-packets, TX-errors, ..."""
        text = self.ask(f"show port stats {port}", r"NIC statistics for port \d+(.*?Tx-pps:.*?)###")[1]
        return {name: int(value) for name, value in re.findall(r"([RT]X-[\w-]+):\s+(\d+)", text)}

    def xstats(self, port: int = 0) -> dict[str, int]:
        """The port's extended counters."""
        text = self.ask(f"show port xstats {port}", r"NIC extended statistics(.*?)testpmd> ")[1]
        return {name: int(value) for name, value in re.findall(r"^(\w+): (\d+)$", text, re.M)}

    def link(self, port: int = 0) -> str:
        """ "up" or "down"."""
        return self.ask(f"show port info {port}", r"Link status: (up|down)")[1]

    def has(self, text: str, times: int = 1) -> None:
        """Waits for a text in what it prints."""
        try:
            wait_for(f"'{text}'", lambda: self.output().count(text) >= times, PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.output()}") from None

    def quit(self) -> None:
        """Ends it in order, and checks that it could."""
        self.type("quit")
        self._case.assertEqual(self.process.wait(PATIENCE_S), 0, self.output())

    def kill(self) -> None:
        """Ends it as a crash does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()


class Case(unittest.TestCase):
    """A test with a socket's path and a plugin that EAL accepts."""

    @classmethod
    def setUpClass(cls) -> None:
        if shutil.which("dpdk-testpmd") is None:
            raise unittest.SkipTest("dpdk-testpmd is not installed (Debian: dpdk-dev)")
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root: EAL accepts plugins only from folders of root's")
        # EAL refuses plugins below a folder that anybody may write to.
        folder = Path(tempfile.mkdtemp(prefix="virtio-user-", dir="/run"))
        cls.addClassCleanup(shutil.rmtree, folder, True)
        cls.plugin = shutil.copy(PLUGIN, folder)

    def setUp(self) -> None:
        folder = tempfile.mkdtemp(prefix="virtio-user-")
        self.addCleanup(shutil.rmtree, folder, True)
        self.socket = f"{folder}/socket"

    def ours(self, arguments: str = "", options: tuple[str, ...] = ()) -> Testpmd:
        return Testpmd(self, f"net_virtio_user0,path={self.socket}{arguments}", options=options, plugin=True)

    def peer(self, arguments: str = "", options: tuple[str, ...] = ()) -> Testpmd:
        """DPDK's vhost library behind a port."""
        if "client=1" not in arguments:
            Path(self.socket).unlink(missing_ok=True)  # a killed peer leaves it, and the library does not replace it
        peer = Testpmd(self, f"net_vhost0,iface={self.socket}{arguments}", options=options)
        if "client=1" not in arguments:
            wait_for("the peer's socket", lambda: Path(self.socket).exists())
        return peer

    def circulates(self, ours: Testpmd, peer: Testpmd, frames: int = 2000) -> None:
        """Frames arrive in both directions while both forward."""
        before = ours.counters()
        for name in ("RX-packets", "TX-packets"):
            wait_for(f"{frames} more {name}", lambda: ours.counters()[name] > before[name] + frames, PATIENCE_S)
        self.assertGreater(peer.counters()["RX-packets"], 0)
