# SPDX-License-Identifier: BSD-3-Clause
"""The guest's kernel log from a moment on, by another clock than the kernel's."""

from __future__ import annotations

import itertools
import re
import time
from typing import Callable

from .guest import Guest

_number = itertools.count(1)


class KernelLog:
    """The lines that the kernel writes from the object's creation on."""

    def __init__(self, guest: Guest, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """Writes a line of level info to the log. Its time stamp relates the kernel's clock to `clock` (ns)."""
        self._guest = guest
        self._mark = f"lab: mark {next(_number)}"
        began_ns = clock()
        guest.run(f"echo '<6>{self._mark}' > /dev/kmsg")
        self._mark_ns = (began_ns + clock()) // 2

    def lines(self, pattern: str) -> list[tuple[int, str]]:
        """Those in which `pattern` is found: when each was written (by the clock), and its text."""
        log = re.findall(r"^\[ *(\d+\.\d+)\] (.*)$", self._guest.run("dmesg").stdout, re.M)
        mark = next(index for index, (_, text) in enumerate(log) if text == self._mark)
        mark_s = float(log[mark][0])
        return [(self._mark_ns + round((float(at_s) - mark_s) * 1e9), f"kernel: {text}")
                for at_s, text in log[mark + 1:] if re.search(pattern, text)]
