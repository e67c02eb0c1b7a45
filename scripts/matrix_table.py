#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Prints scripts/matrix's table: what passed, failed and was skipped with each version, by suite. Exit status 0 if
something passed and nothing failed, 77 if everything was skipped, else 1.

usage: matrix_table.py [--guide] "SUITE ..." "VERSION|DPDK|GCC|QEMU|FOLDER" ...
FOLDER has a report of each suite, testlog-matrix-SUITE.junit.xml or .tap. In its place may be "skipped: REASON" or
"failed: REASON". A file testlog-matrix-SUITE.note says how the suite differed from its usual form.
--guide prints a list-table of reStructuredText, in which a suite may be without a report, and the failed cases.
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
    note: str = ""

    def __str__(self) -> str:
        parts = [f"{self.passed} passed"] if self.passed else []
        parts += [f"{len(self.failed)} FAILED"] if self.failed else []
        parts += [f"{len(self.skipped)} skipped"] if self.skipped else []
        return ", ".join(parts) + (f" ({self.note})" if parts and self.note else "")


@dataclass
class Row:
    """Of one version. Without a folder of reports there is a reason."""

    version: str
    dpdk: str
    gcc: str
    qemu: str
    where: str

    @classmethod
    def parse(cls, text: str) -> "Row":
        return cls(*text.split("|", 4))

    @property
    def reason(self) -> str:
        return self.where if self.where.startswith(("skipped: ", "failed: ")) else ""

    def outcome(self, suite: str) -> Outcome:
        """Empty without a report."""
        base = Path(self.where, f"testlog-matrix-{suite}")
        junit, tap, note = (base.with_name(f"{base.name}.{kind}") for kind in ("junit.xml", "tap", "note"))
        outcome = read_tap(tap) if tap.exists() else read_junit(junit) if junit.exists() else Outcome()
        outcome.note = note.read_text().strip() if note.exists() else ""
        return outcome


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


def table(suites: list[str], rows: list[Row]) -> int:
    """A suite without a report, or with an empty one, has failed: its program did not come to it."""
    lines = [["version", "DPDK", "GCC", "QEMU", *suites]]
    passed, failed, skipped = 0, 0, 0
    details = []
    for row in rows:
        if row.reason:
            lines.append([row.version, row.reason])
            failed += row.reason.startswith("failed")
            skipped += row.reason.startswith("skipped")
            continue
        outcomes = {suite: row.outcome(suite) for suite in suites}
        for suite, outcome in outcomes.items():
            if not str(outcome):
                outcome.failed.append("no result")
            passed += outcome.passed
            failed += len(outcome.failed)
            skipped += len(outcome.skipped)
            details += [f"{row.version}: {suite}: failed: {name}" for name in outcome.failed]
            details += [f"{row.version}: {suite}: skipped: {name}: {why}" for name, why in outcome.skipped.items()]
        lines.append([row.version, row.dpdk, row.gcc, row.qemu, *map(str, outcomes.values())])
    widths = [max((len(line[at]) for line in lines if len(line) > 2), default=0) for at in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    print(*details, f"{passed} passed, {failed} failed, {skipped} skipped", sep="\n")
    if failed or not passed + skipped:
        return 1
    return 0 if passed else 77


def guide(suites: list[str], rows: list[Row]) -> int:
    """A row of the table is a version, a column of it a suite, where at least one version has a report of it."""
    rows = sorted((row for row in rows if not row.reason), key=lambda row: row.dpdk)
    suites = [suite for suite in suites if any(str(row.outcome(suite)) for row in rows)]
    print(".. list-table::", "   :header-rows: 1", "", sep="\n")
    lines = [["DPDK", "From", "GCC, QEMU", *(f"``{suite}``" for suite in suites)]]
    failed = []
    for row in rows:
        origin = "source" if "." in row.version else f"Debian {row.version}"
        outcomes = {suite: row.outcome(suite) for suite in suites}
        lines.append([row.dpdk, origin, f"{row.gcc}, {row.qemu}", *(str(it) or "–" for it in outcomes.values())])
        failed += [f"* {row.dpdk}, {suite}: {name}" for suite, it in outcomes.items() for name in it.failed]
    for line in lines:
        print(f"   * - {line[0]}", *(f"     - {cell}" for cell in line[1:]), sep="\n")
    if failed:
        print("", "Failed:", "", *failed, sep="\n")
    return 0


def main(arguments: list[str]) -> int:
    show = guide if arguments[0] == "--guide" else table
    suites, *rows = arguments[1:] if show is guide else arguments
    return show(suites.split(), [Row.parse(row) for row in rows])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
