# SPDX-License-Identifier: BSD-3-Clause
"""Prints "<lcore> <STATE>" whenever a state in a keepalive area changes, the first ones included; "-" while there is no
area.

usage: shmwatch.py NAME
"""

from __future__ import annotations

import struct
import sys
import time
from pathlib import Path

SEMAPHORE = 32  # sizeof(sem_t)
NAMES = ("UNUSED", "ALIVE", "DEAD", "GONE", "MISSING", "DOZING", "SLEEP")

before: tuple[int, ...] | None = None
while True:
    try:
        data = Path("/dev/shm", sys.argv[1].lstrip("/")).read_bytes()
    except FileNotFoundError:
        if before is not None:
            print("-", flush=True)
        before = None
    else:
        count = (len(data) - SEMAPHORE) // 12
        states = struct.unpack_from(f"{count}I", data, SEMAPHORE)
        for lcore, state in enumerate(states):
            if state != (before[lcore] if before else 0):
                print(lcore, NAMES[state], flush=True)
        before = states
    time.sleep(0.005)
