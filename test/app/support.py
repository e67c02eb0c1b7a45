# SPDX-License-Identifier: BSD-3-Clause
"""A program under test, with its output as it comes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Sequence

sys.path.append(str(Path(__file__).resolve().parents[1] / "common"))

from waiting import wait_for  # noqa: E402, F401

BUILD = Path(os.environ.get("NETVSC_BUILD") or Path(__file__).resolve().parents[2] / "build")


class Program:
    """Runs until ended; standard output and standard error are kept apart."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        self.out = ""
        self.err = ""
        self._threads = [threading.Thread(target=self._pull, args=names, daemon=True)
                         for names in (("stdout", "out"), ("stderr", "err"))]
        for thread in self._threads:
            thread.start()

    def _pull(self, stream: str, target: str) -> None:
        for line in getattr(self.process, stream):
            setattr(self, target, getattr(self, target) + line)

    @property
    def pid(self) -> int:
        return self.process.pid

    def expect(self, pattern: str, timeout: float = 20.0) -> re.Match[str]:
        """Waits until standard output or standard error has a match."""
        def search() -> re.Match[str] | None:
            return re.search(pattern, self.out, re.M) or re.search(pattern, self.err, re.M)
        try:
            return wait_for(repr(pattern), search, timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\nstdout: {self.out[-3000:]}\nstderr: {self.err[-3000:]}") from None

    def wait(self, timeout: float = 30.0) -> int:
        """The exit status; all output has come by then."""
        status = self.process.wait(timeout)
        for thread in self._threads:
            thread.join(timeout)
        return status

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
