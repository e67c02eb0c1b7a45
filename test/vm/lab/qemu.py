"""Which QEMU boots the machine: the system's, or one unpacked from Debian's packages into a folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .errors import LabError

PROGRAM = "qemu-system-x86_64"
UNPACKED = Path(__file__).resolve().parents[3] / ".deps/qemu"  # by scripts/setup
WITH_IGB = (8,)  # the first version that emulates an SR-IOV NIC, Intel's 82576
# Where another thread puts a new map of memory in place, as when a NIC is unplugged, a virtual CPU may still use the old
# one for devices that are mapped into memory. QEMU before 8.2 ends with SIGSEGV then, later ones (10.0.2) at an assertion
# (iotlb_to_section), or what was written goes to another device; the more, the busier the host is. Nearly all of these
# accesses are to the CPUs' interrupt controllers: x2APIC, which is reached by registers, is emulated from this one on.
# (Most others notify virtio devices of new buffers: machine.PORT_NOTIFY.)
STEADY = (9,)
VERSION_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Qemu:
    """How to call a QEMU: its program with the options that come first, and what its environment needs."""

    command: tuple[str, ...] = (PROGRAM,)
    environment: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def unpacked(root: Path = UNPACKED) -> Qemu:
        """The one whose packages were unpacked below `root`: with its own firmware, modules and libraries."""
        libraries = next((root / "usr/lib").glob("*-linux-gnu"), root / "usr/lib")
        firmware = [word for name in ("qemu", "seabios") for word in ("-L", str(root / "usr/share" / name))]
        return Qemu((str(root / "usr/bin" / PROGRAM), *firmware),
                    {"LD_LIBRARY_PATH": str(libraries), "QEMU_MODULE_DIR": str(libraries / "qemu")})

    @property
    def words(self) -> list[str]:
        """The beginning of the command line."""
        return [*(["env", *(f"{name}={value}" for name, value in self.environment.items())]
                  if self.environment else []), *self.command]

    def version(self) -> tuple[int, ...]:
        """Its version; raises LabError, with the reason, if it is missing or does not start."""
        if shutil.which(self.command[0]) is None:
            raise LabError(f"{self.command[0]} is missing (scripts/setup gets it)")
        try:
            done = subprocess.run([self.command[0], "--version"], env={**os.environ, **self.environment},
                                  capture_output=True, text=True, timeout=VERSION_TIMEOUT_S)
        except (OSError, subprocess.SubprocessError) as error:
            raise LabError(f"{self.command[0]} --version: {error}") from error
        match = re.search(r"version (\d+(?:\.\d+)+)", done.stdout)
        if done.returncode != 0 or match is None:
            raise LabError(f"{self.command[0]} --version: expected a version, "
                           f"got {(done.stdout + done.stderr).strip()!r} (status {done.returncode})")
        return tuple(int(number) for number in match[1].split("."))


def at_least(version: tuple[int, ...]) -> Qemu:
    """The system's QEMU if it is of that version or newer, else the unpacked one; LabError says why neither will do."""
    reasons = []
    for name, qemu in (("the system's", Qemu()), ("scripts/setup's", Qemu.unpacked())):
        try:
            found = qemu.version()
        except LabError as error:
            reasons.append(str(error))
            continue
        if found >= version:
            return qemu
        reasons.append(f"{name} is {'.'.join(map(str, found))}")
    raise LabError(f"no QEMU {'.'.join(map(str, version))} or newer: {'; '.join(reasons)}")


def steadiest() -> Qemu:
    """One that bears hot-plug, if there is any here; else the system's."""
    try:
        return at_least(STEADY)
    except LabError:
        return Qemu()
