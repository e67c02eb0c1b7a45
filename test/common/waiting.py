# SPDX-License-Identifier: BSD-3-Clause
"""Waiting for what comes when it comes: no test sleeps for as long as something may take."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

Value = TypeVar("Value")
PATIENCE_S = 120.0  # the longest wait for one event: an emulated machine on a busy host


def wait_for(what: str, look: Callable[[], Value], timeout: float = PATIENCE_S, interval: float = 0.05) -> Value:
    """Calls `look` until it gives something true, and returns that. Times are in seconds."""
    until = time.monotonic() + timeout
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() >= until:
            raise AssertionError(f"{what}: not in {timeout:g} s")
        time.sleep(interval)
