# SPDX-License-Identifier: BSD-3-Clause
"""Cases of several programs that run side by side, or one of them alone."""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import Iterator


class Turns:
    """Lock files in a folder that the programs share. The kernel releases a killed program's locks."""

    def __init__(self, folder: Path) -> None:
        """Creates the folder and the files if they do not exist."""
        folder.mkdir(parents=True, exist_ok=True)
        self._door, self._room = folder / "door.lock", folder / "room.lock"

    @contextlib.contextmanager
    def beside_others(self) -> Iterator[None]:
        """Waits while a case runs alone, or waits for that."""
        with self._held(self._room, fcntl.LOCK_SH):
            yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Waits for the cases that run, and lets no other begin."""
        with self._held(self._room, fcntl.LOCK_EX):
            yield

    @contextlib.contextmanager
    def _held(self, path: Path, how: int) -> Iterator[None]:
        # Who waits at the door keeps later ones out, so that one that is to run alone has its turn.
        with path.open("w") as room:
            with self._door.open("w") as door:
                fcntl.flock(door, fcntl.LOCK_EX)
                fcntl.flock(room, how)
            yield
