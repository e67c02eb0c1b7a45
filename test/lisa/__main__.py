# SPDX-License-Identifier: BSD-3-Clause
"""Runs cases of the dpdk suite of Microsoft's LISA in the lab, and counts the frames that are lost.

A case is a name of LISA's, or a part of one; without a case, all that can run here. Exit status 0 only if all passed.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Sequence

from lab.errors import LabError

from .cases import NOT_RUN as REASONS
from .cases import RUN
from .lab import Options
from .report import FAILED, NOT_RUN, PASSED, Result, document, table
from .testpmd_output import OutputError

FALLBACKS = "tap", "af_packet", "virtio_user", "af_xdp", "auto"
PHASE_S, RUN_S = 10.0, 15.0  # LISA's
SHORT_S = 5.0
PPS = 1000


def chosen(words: Sequence[str]) -> list[str]:
    """The names that contain one of the words, those that cannot run last. Raises ValueError for a word in no name."""
    names = [*RUN, *REASONS]
    unknown = [word for word in words if not any(word in name for name in names)]
    if unknown:
        raise ValueError(f"no case of LISA's has {unknown[0]!r} in its name (see --list)")
    return [name for name in names if not words or any(word in name for word in words)]


def run(name: str, options: Options) -> Result:
    """A case's result; whatever goes wrong is one, too."""
    if name in REASONS:
        return Result(name, NOT_RUN, text=REASONS[name])
    try:
        return RUN[name](name, options)
    except (LabError, OutputError) as error:
        return Result(name, FAILED, text=str(error))


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lisa", description=__doc__)
    parser.add_argument("case", nargs="*")
    parser.add_argument("--list", action="store_true", help="show the names, and why some cannot run, and run nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to this file, too")
    parser.add_argument("--short", action="store_true", help=f"{SHORT_S:g} s for what takes LISA {PHASE_S:g} or {RUN_S:g} s")
    parser.add_argument("--fallback", choices=FALLBACKS, default="tap", help="the driver's (default: %(default)s)")
    parser.add_argument("--pps", type=int, default=PPS, help="frames a second for receivers (default: %(default)s)")
    parser.add_argument("--plugin", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--vf-plugin", type=Path, required=True, help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.pps < 1:
        parser().error(f"--pps {options.pps}: expected 1 or more")
    try:
        names = chosen(options.case)
    except ValueError as error:
        parser().error(str(error))
    if options.list:
        print("\n".join(f"{name}: {REASONS.get(name, 'runs here')}" for name in names))
        return 0
    lab_options = Options(options.plugin.resolve(), options.vf_plugin.resolve(), options.fallback, options.pps,
                          SHORT_S if options.short else PHASE_S, SHORT_S if options.short else RUN_S)
    results = []
    for name in names:
        if name in RUN:
            print(f"{name} ...", file=sys.stderr, flush=True)
        results.append(run(name, lab_options))
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps(document(results), indent=2) + "\n")
    ran = [result for result in results if result.status != NOT_RUN]
    return 0 if ran and all(result.status == PASSED for result in ran) else 1


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        print("\nlisa: interrupted", file=sys.stderr)
        status = 130
    sys.exit(status)
