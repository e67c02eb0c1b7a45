#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Adds up meson's JUnit reports: names what failed, what was skipped and why, and ends with
"N passed, N failed, N skipped". Exit status 1 if anything failed or nothing was run.

A program that crashed or ran out of time has only the cases in its JUnit report that it finished: meson's JSON log,
which lies beside each report, tells how the program itself ended.

usage: summary.py [--check=NAME:passed|failed ...] REPORT.junit.xml ...
"""
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

BAD_ENDS = {"ERROR", "FAIL", "INTERRUPT", "TIMEOUT", "UNEXPECTEDPASS"}


def bad_ends(report: str) -> dict[str, str]:
    """How those of the report's programs ended that did not end well."""
    log = Path(report.removesuffix(".junit.xml") + ".json")
    tests = [json.loads(line) for line in log.read_text().splitlines()]
    return {test["name"]: test["result"] for test in tests if test["result"] in BAD_ENDS}


def main(arguments: list[str]) -> int:
    passed, failed, skipped = 0, [], []
    for argument in arguments:
        if argument.startswith("--check="):
            name, result = argument.removeprefix("--check=").split(":")
            if result == "passed":
                passed += 1
            else:
                failed.append(name)
            continue
        unexplained = bad_ends(argument)
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
        failed += [f"{program}: {end}" for program, end in unexplained.items()]
    for line in skipped:
        print(f"skipped: {line}")
    for line in failed:
        print(f"FAILED: {line}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
