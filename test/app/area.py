# SPDX-License-Identifier: BSD-3-Clause
"""A keepalive area in shared memory as DPDK's l2fwd-keepalive makes it, written by Python alone."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import struct
from pathlib import Path

SEMAPHORE = 32  # sizeof(sem_t)
UNUSED, ALIVE, DEAD, GONE, MISSING, DOZING, SLEEP = range(7)
F_OFD_GETLK, F_OFD_SETLK = 36, 37
LOCK = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)

libc = ctypes.CDLL(None, use_errno=True)


def path_of(name: str) -> Path:
    return Path("/dev/shm") / name.lstrip("/")


class Area:
    """The writing end; with a lock like ours, or without one like DPDK's."""

    def __init__(self, name: str, lcores: int = 128, locked: bool = True) -> None:
        self.path = path_of(name)
        self.lcores = lcores
        self.path.unlink(missing_ok=True)
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self.size = SEMAPHORE + 12 * lcores
        os.ftruncate(self.fd, self.size)
        self.memory = mmap.mmap(self.fd, self.size)
        self.semaphore = (ctypes.c_char * SEMAPHORE).from_buffer(self.memory)
        assert libc.sem_init(self.semaphore, 1, 0) == 0
        if locked:
            fcntl.fcntl(self.fd, F_OFD_SETLK, LOCK)

    def set(self, lcore: int, state: int, seen: int = 1) -> None:
        struct.pack_into("I", self.memory, SEMAPHORE + 4 * lcore, state)
        struct.pack_into("Q", self.memory, SEMAPHORE + 4 * self.lcores + 8 * lcore, seen)

    def post(self) -> None:
        assert libc.sem_post(self.semaphore) == 0

    def count(self) -> int:
        value = ctypes.c_int()
        assert libc.sem_getvalue(self.semaphore, ctypes.byref(value)) == 0
        return value.value

    def crash(self) -> None:
        """The owner goes, the name stays."""
        if self.fd >= 0:
            del self.semaphore
            self.memory.close()
            os.close(self.fd)
            self.fd = -1

    def end(self) -> None:
        """The owner goes and takes the name with it."""
        self.crash()
        self.path.unlink(missing_ok=True)


class View:
    """The reading end."""

    def __init__(self, name: str) -> None:
        self.path = path_of(name)

    def _read(self) -> bytes:
        return self.path.read_bytes()

    def states(self) -> list[int]:
        data = self._read()
        lcores = (len(data) - SEMAPHORE) // 12
        return list(struct.unpack_from(f"{lcores}I", data, SEMAPHORE))

    def last_seen(self) -> list[int]:
        data = self._read()
        lcores = (len(data) - SEMAPHORE) // 12
        return list(struct.unpack_from(f"{lcores}Q", data, SEMAPHORE + 4 * lcores))

    def exists(self) -> bool:
        return self.path.exists()
