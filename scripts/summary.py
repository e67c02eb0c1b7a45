#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Adds up meson's JUnit reports: names what was repeated, skipped and why, what failed, and ends with
"N passed, N failed, N skipped". Exit status 1 if anything failed or nothing was run.

The JUnit report of a program that crashed or timed out has only the finished cases. Meson's JSON log beside each report
shows how the program ended. This script also prints the end of each failed program's output, from the same log.

usage: summary.py [--check=NAME:passed|failed|skipped:REASON ...] REPORT.junit.xml ...
"""
import json
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "test/vm"))

from tap import RUNS_ONCE_MORE  # noqa: E402

BAD_ENDS = {"ERROR", "FAIL", "INTERRUPT", "TIMEOUT", "UNEXPECTEDPASS"}
SAID = 60  # lines of a program that failed


@dataclass(frozen=True)
class BadEnd:
    """How a program ended that did not end well, and what it said last."""

    result: str
    said: list[str]


def bad_ends(report: str) -> dict[str, BadEnd]:
    """Of the report's programs."""
    log = Path(report.removesuffix(".junit.xml") + ".json")
    tests = [json.loads(line) for line in log.read_text().splitlines()]
    return {test["name"]: BadEnd(test["result"], said_last(test))
            for test in tests if test["result"] in BAD_ENDS}


def repeated(report: str) -> list[str]:
    """The cases of the report's programs that test/vm/tap.py ran once more, with the reason."""
    log = Path(report.removesuffix(".junit.xml") + ".json")
    return [f"{test['name']}: {line.removeprefix('# ')}"
            for test in map(json.loads, log.read_text().splitlines())
            for line in test.get("stdout", "").splitlines() if line.startswith("# ") and line.endswith(RUNS_ONCE_MORE)]


def said_last(test: dict[str, Any]) -> list[str]:
    """The end of the output, up to the last failed case if it is known: later output does not explain the failure."""
    lines = test.get("stdout", "").splitlines()
    failures = [number for number, line in enumerate(lines) if line.startswith(("not ok", "[  FAILED  ]"))]
    return [*lines[:failures[-1] + 1 if failures else None][-SAID:], *test.get("stderr", "").splitlines()[-SAID // 2:]]


def main(arguments: list[str]) -> int:
    passed, failed, skipped = 0, [], []
    ends: dict[str, BadEnd] = {}
    again: list[str] = []
    for argument in arguments:
        if argument.startswith("--check="):
            name, result, *reason = argument.removeprefix("--check=").split(":", 2)
            if result == "passed":
                passed += 1
            elif result == "skipped":
                skipped.append(f"{name}: {':'.join(reason)}")
            else:
                failed.append(name)
            continue
        unexplained = bad_ends(argument)
        ends |= unexplained
        again += repeated(argument)
        for suite in ET.parse(argument).getroot().iter("testsuite"):
            for case in suite.iter("testcase"):
                name = f"{suite.get('name')}: {case.get('name')}"
                skip = case.find("skipped")
                if case.find("failure") is not None or case.find("error") is not None:
                    failed.append(name)
                    unexplained = {program: end for program, end in unexplained.items() if program not in name}
                elif skip is not None:
                    # GoogleTest's form, and meson's of a TAP line's.
                    reason = skip.get("message") or skip.text or case.findtext("system-out") or "no reason given"
                    skipped.append(f"{name}: {reason}")
                else:
                    passed += 1
        failed += [f"{program}: {end.result}" for program, end in unexplained.items()]
    for line in again:
        print(f"repeated: {line}")
    for line in skipped:
        print(f"skipped: {line}")
    for program, end in ends.items():
        print(f"{program} said last:", *end.said, sep="\n    ")
    for line in failed:
        print(f"FAILED: {line}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
