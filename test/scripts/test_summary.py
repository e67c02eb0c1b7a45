# SPDX-License-Identifier: BSD-3-Clause
"""scripts/summary.py on what meson really writes of programs that pass, fail, skip, repeat, crash and hang."""

from __future__ import annotations

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

PROGRAMS = {
    "good": 'print("1..2\\nok 1 - one\\nok 2 - two # SKIP no such device")',
    "repeated": 'print("# Case.test: held up; this says nothing, and the case runs once more\\nok 1 - Case.test\\n1..1")',
    "bad": 'print("1..3\\nok 1 - one\\n# no frame\\nnot ok 2 - two\\nok 3 - three")',
    "crashing": 'import os, sys\nprint("1..2\\nok 1 - one", flush=True)\n'
                'print("assertion failed", file=sys.stderr, flush=True)\nos.abort()',
    "hanging": 'import time\nprint("1..2\\nok 1 - one", flush=True)\ntime.sleep(60)',
}


class Summary(unittest.TestCase):
    def summary(self, *names: str) -> tuple[int, list[str]]:
        """Exit status and lines, after meson has run these programs."""
        with tempfile.TemporaryDirectory() as folder:
            project = ["project('p')"]
            for name in names:
                Path(folder, f"{name}.py").write_text(f"#!/usr/bin/env python3\n{PROGRAMS[name]}\n")
                Path(folder, f"{name}.py").chmod(0o755)
                # Long enough for a busy machine to start Python.
                project.append(f"test('{name}', find_program('{name}.py'), protocol: 'tap', timeout: 10)")
            Path(folder, "meson.build").write_text("\n".join(project) + "\n")
            subprocess.run(["meson", "setup", "build"], cwd=folder, check=True, capture_output=True)
            subprocess.run(["meson", "test", "-C", "build"], cwd=folder, check=False, capture_output=True)
            done = subprocess.run([TOP / "scripts" / "summary.py", f"{folder}/build/meson-logs/testlog.junit.xml"],
                                  check=False, capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        # Meson 1.12 has the project before a program's name; older ones (1.7) do not.
        return done.returncode, re.sub(r"\bp:", "", done.stdout).splitlines()

    def test_what_passes_and_what_is_skipped(self) -> None:
        status, lines = self.summary("good")
        self.assertEqual(status, 0)
        self.assertIn("no such device", lines[0])
        self.assertEqual(lines[-1], "1 passed, 0 failed, 1 skipped")

    def test_what_is_repeated(self) -> None:
        self.assertEqual(self.summary("repeated"), (0, [
            "repeated: repeated: Case.test: held up; this says nothing, and the case runs once more",
            "1 passed, 0 failed, 0 skipped"]))

    def test_what_fails(self) -> None:
        status, lines = self.summary("good", "bad")
        self.assertEqual(status, 1)
        self.assertEqual([line for line in lines if line.startswith("FAILED")], ["FAILED: p.bad: 2 - two"])
        self.assertEqual(lines[-1], "3 passed, 1 failed, 1 skipped")
        said = lines.index("bad said last:")
        self.assertEqual(lines[said + 1:said + 5],
                         ["    1..3", "    ok 1 - one", "    # no frame", "    not ok 2 - two"])
        self.assertTrue(lines[said + 5].startswith("FAILED"), lines)

    def test_what_does_not_end_well(self) -> None:
        """Its finished cases passed: it has failed all the same."""
        status, lines = self.summary("crashing", "hanging")
        self.assertEqual(status, 1)
        self.assertEqual(sorted(line for line in lines if line.startswith("FAILED")),
                         ["FAILED: crashing: ERROR", "FAILED: hanging: TIMEOUT"])
        self.assertIn("    assertion failed", lines)
        self.assertEqual(lines[-1], "2 passed, 2 failed, 0 skipped")


if __name__ == "__main__":
    unittest.main(verbosity=2)
