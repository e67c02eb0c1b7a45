# SPDX-License-Identifier: BSD-3-Clause
"""The guest's kernel log from a moment on, by the host's clock."""

from __future__ import annotations

import itertools
import re
import time

from lab.guest import Guest

_number = itertools.count(1)


class KernelLog:
    """The lines that the kernel writes from the object's creation on."""

    def __init__(self, guest: Guest) -> None:
        """Writes a line to the log: its time stamp relates the kernel's clock to the host's."""
        self._guest = guest
        self._mark = f"lab: mark {next(_number)}"
        began_ns = time.monotonic_ns()
        guest.run(f"echo '{self._mark}' > /dev/kmsg")
        self._mark_ns = (began_ns + time.monotonic_ns()) // 2

    def lines(self, pattern: str) -> list[tuple[int, str]]:
        """Those in which `pattern` is found: when each was written (time.monotonic_ns()), and its text."""
        log = re.findall(r"^\[ *(\d+\.\d+)\] (.*)$", self._guest.run("dmesg").stdout, re.M)
        mark = next(index for index, (_, text) in enumerate(log) if text == self._mark)
        mark_s = float(log[mark][0])
        return [(self._mark_ns + round((float(at_s) - mark_s) * 1e9), f"kernel: {text}")
                for at_s, text in log[mark + 1:] if re.search(pattern, text)]
