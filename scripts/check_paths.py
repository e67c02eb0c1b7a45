#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks that the paths in MAINTAINERS and in the guide Where Is What exist, and the functions that the guide names.

A path in the guide is relative to the top, lib, or drivers/net/vdev_netvsc; "..." stands for the last one. A function
must occur in the file before it. Prints file:line and the missing name. Exit status 1 if there is a finding.
"""
from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

TOP = Path(__file__).resolve().parents[1]
MAINTAINERS = "MAINTAINERS"
GUIDE = "doc/guides/contributing/where_is_what.rst"
DRIVER = "drivers/net/vdev_netvsc"


def find(top: Path, name: str) -> Path | None:
    relative = name.replace("...", DRIVER)
    candidates = (top / folder / relative for folder in ("", DRIVER, "lib"))
    return next((path for path in candidates if path.exists()), None)


def in_guide(top: Path, text: str) -> Iterator[str]:
    """Findings, as line and name."""
    last: Path | None = None
    for number, line in enumerate(text.splitlines(), 1):
        for name in re.findall(r"``([^`]+)``", line):
            if function := re.fullmatch(r"(?:\w+::)*(\w+)\(\)", name):
                if last is None or not last.is_file() or not re.search(rf"\b{function[1]}\(", last.read_text()):
                    yield f"{number}: {name} is not in {last.relative_to(top) if last else 'a file'}"
            elif re.fullmatch(r"[a-z0-9_./-]+", name):
                last = find(top, name)
                if last is None:
                    yield f"{number}: {name} does not exist"


def in_maintainers(top: Path, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if (entry := re.fullmatch(r"F: (\S+)", line)) and next(top.glob(entry[1].rstrip("/")), None) is None:
            yield f"{number}: {entry[1]} does not exist"


def main() -> int:
    findings = [f"{name}:{finding}" for name, check in ((MAINTAINERS, in_maintainers), (GUIDE, in_guide))
                for finding in check(TOP, (TOP / name).read_text(encoding="utf-8"))]
    print(*findings, sep="\n", end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
