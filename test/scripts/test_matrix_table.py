# SPDX-License-Identifier: BSD-3-Clause
"""scripts/matrix_table.py on reports of each outcome, in both of their forms."""

from __future__ import annotations

import subprocess
import tempfile
import unittest
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "scripts" / "matrix_table.py"

JUNIT = """<testsuites><testsuite name="unit">
<testcase classname="core" name="one"/>
<testcase classname="core" name="two"><skipped message="no such device"/></testcase>
{more}</testsuite></testsuites>
"""
FAILED = '<testcase classname="core" name="three"><failure/></testcase>\n'
TAP = "1..2\nok 1 - arrives\nok 2 - leaves\n"


class MatrixTable(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def report(self, version: str, name: str, text: str) -> None:
        folder = self.folder / version
        folder.mkdir(exist_ok=True)
        (folder / f"testlog-matrix-{name}").write_text(text)

    def row(self, version: str, dpdk: str) -> str:
        return f"{version}|{dpdk}|14.2.0|10.0.2|{self.folder / version}"

    def run_table(self, *arguments: str) -> tuple[int, list[str]]:
        """Exit status and lines."""
        done = subprocess.run([TABLE, *arguments], check=False, capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout.splitlines()

    def test_passed(self) -> None:
        self.report("13", "unit.junit.xml", JUNIT.format(more=""))
        self.report("13", "cycles.tap", TAP)
        self.report("13", "cycles.note", "200 cycles\n")
        status, lines = self.run_table("unit cycles", self.row("13", "24.11.8"))
        self.assertEqual(status, 0)
        self.assertEqual([" ".join(line.split()) for line in lines], [
            "version DPDK GCC QEMU unit cycles",
            "13 24.11.8 14.2.0 10.0.2 1 passed, 1 skipped 2 passed (200 cycles)",
            "13: unit: skipped: core two: no such device",
            "3 passed, 0 failed, 1 skipped",
        ])

    def test_failed(self) -> None:
        self.report("13", "unit.junit.xml", JUNIT.format(more=FAILED))
        self.report("13", "cycles.tap", TAP.replace("ok 2", "not ok 2"))
        status, lines = self.run_table("unit cycles", self.row("13", "24.11.8"))
        self.assertEqual(status, 1)
        self.assertIn("13: unit: failed: core three", lines)
        self.assertIn("13: cycles: failed: leaves", lines)
        self.assertEqual(lines[-1], "2 passed, 2 failed, 1 skipped")

    def test_without_a_report(self) -> None:
        """A program that did not come to its first case has failed; so has one that wrote nothing."""
        self.report("13", "cycles.tap", "")
        status, lines = self.run_table("unit cycles", self.row("13", "24.11.8"))
        self.assertEqual(status, 1)
        self.assertEqual(lines[2:], ["13: unit: failed: no result", "13: cycles: failed: no result",
                                     "0 passed, 2 failed, 0 skipped"])

    def test_versions_that_did_not_run(self) -> None:
        status, lines = self.run_table("unit", "13||||skipped: only root can make chroots")
        self.assertEqual(status, 77)
        self.assertEqual(lines[1].split(None, 1), ["13", "skipped: only root can make chroots"])
        status, lines = self.run_table("unit", "13||||failed: the driver does not build")
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "0 passed, 1 failed, 0 skipped")

    def test_guide(self) -> None:
        """In the order of the DPDK releases; suites that nobody ran are left out."""
        self.report("26.07.0", "cycles.tap", TAP.replace("ok 2", "not ok 2"))
        self.report("13", "unit.junit.xml", JUNIT.format(more=""))
        status, lines = self.run_table("--guide", "unit life cycles", self.row("26.07.0", "26.07.0"),
                                       self.row("13", "24.11.8"))
        self.assertEqual(status, 0)
        self.assertEqual(lines, [
            ".. list-table::", "   :header-rows: 1", "",
            "   * - DPDK", "     - From", "     - GCC, QEMU", "     - ``unit``", "     - ``cycles``",
            "   * - 24.11.8", "     - Debian 13", "     - 14.2.0, 10.0.2", "     - 1 passed, 1 skipped", "     - –",
            "   * - 26.07.0", "     - source", "     - 14.2.0, 10.0.2", "     - –", "     - 1 passed, 1 FAILED",
            "", "Failed:", "", "* 26.07.0, cycles: leaves",
        ])


if __name__ == "__main__":
    unittest.main()
