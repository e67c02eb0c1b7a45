# SPDX-License-Identifier: BSD-3-Clause
"""Brings out of the guest what programs that were built for coverage have counted there.

Environment: NETVSC_COVERAGE, a folder; each machine leaves one of its own in it, with the .gcda files below their
absolute paths. Without it nothing is done.
"""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .guest import Guest

FOLDER = os.environ.get("NETVSC_COVERAGE")
INSIDE = "/run/lab/coverage"


def environment() -> dict[str, str]:
    """What a program in the guest needs in order to write where it can be fetched from."""
    return {"GCOV_PREFIX": INSIDE} if FOLDER else {}


def fetch(guest: Guest) -> None:
    """Takes what there is by now; to be called once for each machine, when its programs have ended."""
    if not FOLDER or not guest.glob(INSIDE):
        return
    guest.run(["tar", "-C", INSIDE, "-cf", f"{INSIDE}.tar", "."])
    to = tempfile.mkdtemp(prefix="machine", dir=FOLDER)
    with tarfile.open(fileobj=io.BytesIO(guest.read_file(f"{INSIDE}.tar"))) as archive:
        archive.extractall(to)
