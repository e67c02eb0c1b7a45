#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Adds up meson's JUnit reports: names what failed, what was skipped and why, and ends with
"N passed, N failed, N skipped". Exit status 1 if anything failed or nothing was run.

usage: summary.py [--check=NAME:passed|failed ...] REPORT.xml ...
"""
import sys
import xml.etree.ElementTree as ET


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
        for suite in ET.parse(argument).getroot().iter("testsuite"):
            for case in suite.iter("testcase"):
                name = f"{suite.get('name')}: {case.get('name')}"
                skip = case.find("skipped")
                if case.find("failure") is not None or case.find("error") is not None:
                    failed.append(name)
                elif skip is not None:
                    # GoogleTest's form, and meson's of a TAP line's.
                    reason = skip.get("message") or skip.text or case.findtext("system-out") or "no reason given"
                    skipped.append(f"{name}: {reason}")
                else:
                    passed += 1
    for line in skipped:
        print(f"skipped: {line}")
    for line in failed:
        print(f"FAILED: {line}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
