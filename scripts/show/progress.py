# SPDX-License-Identifier: BSD-3-Clause
"""Lines with the time since the start; on a terminal, also one that changes while something is waited for."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from contextlib import contextmanager
from typing import Callable, Iterator

REFRESH_S = 0.25
INDENT = " " * 10  # as wide as the time before a line


class Progress:
    """Prints; its methods are called from one thread only."""

    def __init__(self) -> None:
        self._began_ns = time.monotonic_ns()
        self._live = sys.stdout.isatty()

    def since_start(self, moment_ns: int) -> float:
        """Seconds from the start to a time.monotonic_ns()."""
        return (moment_ns - self._began_ns) / 1e9

    def _stamp(self, moment_ns: int) -> str:
        return f"[{self.since_start(moment_ns):6.1f}s] "

    def step(self, text: str, moment_ns: int | None = None) -> None:
        """A step that was seen, now or at a time.monotonic_ns()."""
        print(self._stamp(time.monotonic_ns() if moment_ns is None else moment_ns) + text, flush=True)

    def detail(self, text: str) -> None:
        """A line that belongs to the step above it."""
        print(INDENT + text, flush=True)

    @contextmanager
    def waiting(self, text: str, counter: Callable[[], str] = lambda: "") -> Iterator[None]:
        """Shows the present wait: on a terminal in a line that is erased at the end, elsewhere in a line that stays."""
        if not self._live:
            self.step(f"{text} ...")
            yield
            return
        done = threading.Event()
        thread = threading.Thread(target=self._refresh, args=(text, counter, done), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            print("\r\033[K", end="", flush=True)

    def _refresh(self, text: str, counter: Callable[[], str], done: threading.Event) -> None:
        while True:
            line = self._stamp(time.monotonic_ns()) + text + " ... " + counter()
            print("\r\033[K" + line[:shutil.get_terminal_size().columns - 1], end="", flush=True)
            if done.wait(REFRESH_S):
                return
