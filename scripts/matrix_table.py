#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Prints scripts/matrix's table: what passed, failed and was skipped with each version, by suite. Exit status 0 if
something passed and nothing failed, 77 if everything was skipped, else 1.

usage: matrix_table.py "SUITE ..." "VERSION|DPDK|QEMU|FOLDER" ...
FOLDER has a report of each suite, testlog-matrix-SUITE.junit.xml or .tap. In its place may be "skipped: REASON" or
"failed: REASON".
"""
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

TAP_LINE = re.compile(r"^(?P<bad>not )?ok \d+ - (?P<name>.*?)(?: # SKIP (?P<reason>.*))?$")


@dataclass
class Outcome:
    """Of one suite with one version: how many cases passed; the others by name, those skipped with their reason."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"{self.passed} passed"] if self.passed else []
        parts += [f"{len(self.failed)} FAILED"] if self.failed else []
        parts += [f"{len(self.skipped)} skipped"] if self.skipped else []
        return ", ".join(parts)


def read_junit(report: Path) -> Outcome:
    outcome = Outcome()
    for case in ET.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')} {case.get('name')}"
        skipped = case.find("skipped")
        if skipped is not None:
            outcome.skipped[name] = skipped.get("message") or (skipped.text or "").strip()
        elif case.find("failure") is not None or case.find("error") is not None:
            outcome.failed.append(name)
        else:
            outcome.passed += 1
    return outcome


def read_tap(report: Path) -> Outcome:
    outcome = Outcome()
    for match in filter(None, map(TAP_LINE.match, report.read_text().splitlines())):
        if match["bad"]:
            outcome.failed.append(match["name"])
        elif match["reason"] is not None:
            outcome.skipped[match["name"]] = match["reason"]
        else:
            outcome.passed += 1
    return outcome


def read(folder: Path, suite: str) -> Outcome:
    """A suite without a report, or with an empty one, has failed: its program did not come to it."""
    junit, tap = (folder / f"testlog-matrix-{suite}.{kind}" for kind in ("junit.xml", "tap"))
    outcome = read_tap(tap) if tap.exists() else read_junit(junit) if junit.exists() else Outcome()
    return outcome if str(outcome) else Outcome(failed=["no result"])


def main(suites: list[str], rows: list[str]) -> int:
    table = [["version", "DPDK", "QEMU", *suites]]
    passed, failed, skipped = 0, 0, 0
    details = []
    for row in rows:
        version, dpdk, qemu, where = row.split("|", 3)
        if where.startswith(("skipped: ", "failed: ")):
            table.append([version, where])
            failed += where.startswith("failed")
            skipped += where.startswith("skipped")
            continue
        outcomes = {suite: read(Path(where), suite) for suite in suites}
        table.append([version, dpdk, qemu, *map(str, outcomes.values())])
        for suite, outcome in outcomes.items():
            passed += outcome.passed
            failed += len(outcome.failed)
            skipped += len(outcome.skipped)
            details += [f"{version}: {suite}: failed: {name}" for name in outcome.failed]
            details += [f"{version}: {suite}: skipped: {name}: {why}" for name, why in outcome.skipped.items()]
    widths = [max((len(line[column]) for line in table if len(line) > 2), default=0) for column in range(len(table[0]))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    print(*details, f"{passed} passed, {failed} failed, {skipped} skipped", sep="\n")
    if failed or not passed + skipped:
        return 1
    return 0 if passed else 77


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].split(), sys.argv[2:]))
