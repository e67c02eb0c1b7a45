"""Programs the lab runs on the host, under guard.py, which outlives the lab and cleans up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Iterable

GUARD = Path(__file__).with_name("guard.py")
STOP_TIMEOUT_S = 10.0


class GuardedProcess:
    """A host program with a temporary folder of its own, `folder`; both end with the lab's process, however it ends."""

    def __init__(self, name: str) -> None:
        # Not below TMPDIR: the path of a Unix socket has at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix=f"lab-{name}-{os.getpid()}-", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        self._stop: int | None = None

    def start(self, command: list[str], pass_fds: Iterable[int], output: int | IO[bytes] | None) -> None:
        """Starts the program, its descriptors `pass_fds` open, its standard output and error going to `output`."""
        guard_end, self._stop = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), str(guard_end), str(self.folder), *command],
                pass_fds=[guard_end, *pass_fds], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True)
        finally:
            os.close(guard_end)

    def poll(self) -> int | None:
        """The exit status, 128 + n after signal n, or None while it runs."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> None:
        """Ends the program at once and removes the folder. May be called again."""
        if self._stop is not None:
            os.close(self._stop)
            self._stop = None
        if self._process is not None:
            self._process.wait(STOP_TIMEOUT_S)
        elif self.folder.exists():
            self.folder.rmdir()
