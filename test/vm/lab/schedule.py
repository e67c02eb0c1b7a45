"""A list of things to do at given moments: plugs and unplugs while traffic flows."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Sequence

from .errors import LabError, LabTimeout


@dataclass
class Step:
    """One action, `offset` seconds after the start. Once done it has its times (monotonic_ns) and its outcome."""

    offset: float
    name: str
    action: Callable[[], Any]
    began_ns: int | None = None
    ended_ns: int | None = None
    result: Any = None
    error: Exception | None = None


class Schedule:
    """Runs its steps one after the other in a thread of its own; a step that is late does not move the later ones.

    The first step that raises ends the schedule. `log` is called with a line for each step as it ends.
    """

    def __init__(self, steps: Sequence[Step], log: Callable[[str], None] = lambda line: None) -> None:
        self.steps = sorted(steps, key=lambda step: step.offset)
        self._log = log
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)
        self.started_ns = 0

    def start(self) -> None:
        """Starts the clock."""
        self.started_ns = time.monotonic_ns()
        self._thread.start()

    def _run(self) -> None:
        for step in self.steps:
            if self._cancelled.wait(max(0.0, step.offset - (time.monotonic_ns() - self.started_ns) / 1e9)):
                return
            step.began_ns = time.monotonic_ns()
            try:
                step.result = step.action()
            except Exception as error:  # join() raises it in the caller's thread
                step.error = error
            step.ended_ns = time.monotonic_ns()
            self._log(f"{(step.began_ns - self.started_ns) / 1e9:8.3f} s  {step.name}: "
                      f"{'failed: ' + str(step.error) if step.error else 'done'} "
                      f"in {(step.ended_ns - step.began_ns) / 1e9:.3f} s")
            if step.error is not None:
                return

    def cancel(self) -> None:
        """Leaves out what has not begun."""
        self._cancelled.set()

    def join(self, timeout: float = 120.0) -> list[Step]:
        """Waits for the end and returns the steps; raises LabError if one failed, LabTimeout after `timeout` s."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise LabTimeout(f"the schedule has not ended in {timeout:g} s")
        for step in self.steps:
            if step.error is not None:
                raise LabError(f"step {step.name} at {step.offset:g} s failed: {step.error}") from step.error
        return self.steps
