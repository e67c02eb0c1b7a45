# SPDX-License-Identifier: BSD-3-Clause
"""Builds the VMBus host (test/vm/hyperv) for the guest's kernel.

The module exports what Debian's hv_netvsc.ko and uio_hv_generic.ko import from hv_vmbus.ko. The kernel checks a CRC of
each of these symbols when it loads a driver, and its error names only one symbol. So the build compares all CRCs with those
of the kernel's own hv_vmbus.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import images
from .errors import LabError

SOURCES = Path(__file__).resolve().parents[1] / "hyperv"
MODULE = "hv_vmbus"
ORIGINAL = "drivers/hv/hv_vmbus"  # as Module.symvers names the kernel's own
KERNEL = "6.1."  # the release whose types and symbols the host's sources match
OUTPUT_TAIL = 3000  # characters of the compiler's output in an error


def newest_kernel() -> str:
    """Version of the newest kernel that the host matches. Raises LabError if there is none."""
    return images.newest_kernel(KERNEL)


def _exports(symvers: Path, module: str) -> dict[str, str]:
    """CRC by symbol: what the module exports, according to a Module.symvers file."""
    rows = [line.split("\t") for line in symvers.read_text().splitlines()]
    return {row[1]: row[0] for row in rows if row[2] == module}


def check_symbols(built: Path, kernel: Path, version: str) -> None:
    """Raises LabError unless each symbol of Module.symvers `built` has the CRC that it has in the kernel's."""
    ours, theirs = _exports(built, str(built.with_name(MODULE))), _exports(kernel, ORIGINAL)
    if not ours:
        raise LabError(f"{built}: expected exports of {MODULE}, found none")
    wrong = [f"{name}: the kernel has {theirs.get(name, 'no such symbol')}, the host {crc}"
             for name, crc in ours.items() if theirs.get(name) != crc]
    if wrong:
        raise LabError(f"the VMBus host does not match kernel {version}, which it is to serve in place of hv_vmbus "
                       f"(it matches Linux {KERNEL}x; see test/vm/hyperv/guest.h). CRCs that differ:\n" + "\n".join(wrong))


def _make(folder: Path, headers: Path) -> None:
    # The caller may be a make itself.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    try:
        done = subprocess.run(["make", "-C", str(headers), f"M={folder}", "modules"], env=environment,
                              capture_output=True, text=True)
    except OSError as error:
        raise LabError(f"the VMBus host cannot be built: make: {error}") from error
    if done.returncode != 0:
        raise LabError(f"the VMBus host does not build against {headers}:\n{(done.stdout + done.stderr)[-OUTPUT_TAIL:]}")


def module(version: str, cache_dir: Path) -> Path:
    """The module for kernel `version`: from `cache_dir`, or built there. Raises LabError with the reason if it cannot."""
    headers = (images.kernel_root(version) or images.SYSTEM) / f"usr/src/linux-headers-{version}"
    if not (headers / "Module.symvers").exists():
        raise LabError(f"{headers}/Module.symvers is missing: the VMBus host needs the headers of kernel {version} "
                       "(package linux-headers-amd64, which scripts/setup installs)")
    key = hashlib.sha256((headers / "Module.symvers").read_bytes())
    sources = sorted(path for path in SOURCES.iterdir() if path.suffix in (".c", ".h") or path.name == "Kbuild")
    for path in sources:
        key.update(path.name.encode() + b"\0" + path.read_bytes())
    target = cache_dir / f"{MODULE}-{version}-{key.hexdigest()[:16]}.ko"
    if target.exists():
        return target
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir, prefix=".hyperv-") as name:
        folder = Path(name)
        for path in sources:
            shutil.copy(path, folder)
        _make(folder, headers)
        check_symbols(folder / "Module.symvers", headers / "Module.symvers", version)
        built = folder / f"{MODULE}.ko"
        subprocess.run(["strip", "--strip-debug", str(built)], check=True)
        os.rename(built, target)
    return target
