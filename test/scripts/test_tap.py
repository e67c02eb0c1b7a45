# SPDX-License-Identifier: BSD-3-Clause
"""test/vm/tap.py: what it reports of cases that pass, fail, and have to be run again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

TAP = Path(__file__).resolve().parents[1] / "vm" / "tap.py"

BEGINNING = """
    import unittest

    class Void(Exception):
        run_again = "the power failed"

    runs = []

    def void_at_first(name, times=1):
        runs.append(name)
        if runs.count(name) <= times:
            try:
                raise Void("no light")
            except Void as error:
                raise RuntimeError("dark") from error
"""


class Tap(unittest.TestCase):
    def tap(self, cases: str, *names: str, beside_others: bool = False) -> tuple[int, list[str], list[str]]:
        """Exit status, results and comments of a file with these cases. beside_others: as scripts/test runs the lab."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "cases.py")
            file.write_text(textwrap.dedent(BEGINNING) + textwrap.dedent(cases))
            env = {**os.environ, "TAP_TURNS": f"{folder}/turns" if beside_others else ""}
            done = subprocess.run([sys.executable, TAP, file, *names], capture_output=True, text=True, check=False, env=env)
        lines = done.stdout.splitlines()
        return (done.returncode, [line for line in lines if not line.startswith("#")],
                [line for line in lines if line.startswith("#")])

    def test_passed_failed_skipped(self) -> None:
        cases = """
            class Cases(unittest.TestCase):
                def test_a(self): pass
                def test_b(self): self.fail("bad")
                @unittest.skip("no such device")
                def test_c(self): pass
        """
        status, results, comments = self.tap(cases)
        self.assertEqual((status, results), (1, ["ok 1 - Cases.test_a", "not ok 2 - Cases.test_b",
                                                 "ok 3 - Cases.test_c # SKIP no such device", "1..3"]))
        self.assertIn("# AssertionError: bad", comments)
        self.assertEqual(self.tap(cases, "Cases.test_a")[:2], (0, ["ok 1 - Cases.test_a", "1..1"]))

    def test_nothing_run(self) -> None:
        self.assertEqual(self.tap("")[:2], (1, ["1..0"]))

    def test_void_case_is_run_again(self) -> None:
        """The case runs again whatever it reported, with a new set-up of its class, although it was the last one."""
        status, results, comments = self.tap("""
            class Cases(unittest.TestCase):
                ups = 0
                @classmethod
                def setUpClass(cls): cls.ups += 1
                def test_a(self): self.assertEqual(self.ups, 1)
                def test_b(self):
                    self.addCleanup(void_at_first, "b")
                    self.assertEqual(self.ups, 2)
                def test_c(self):
                    with self.subTest("part"): void_at_first("c")
        """)
        self.assertEqual((status, results),
                         (0, ["ok 1 - Cases.test_a", "ok 2 - Cases.test_b", "ok 3 - Cases.test_c", "1..3"]))
        self.assertIn("# Cases.test_b: the power failed; this says nothing, and the case runs once more", comments)
        self.assertIn("# RuntimeError: dark", comments)

    def test_void_class_is_run_again(self) -> None:
        self.assertEqual(self.tap("""
            class Cases(unittest.TestCase):
                @classmethod
                def setUpClass(cls): void_at_first("class")
                def test_a(self): pass
                def test_b(self): pass
        """)[:2], (0, ["ok 1 - Cases.test_a", "ok 2 - Cases.test_b", "1..2"]))

    def test_void_twice_has_failed(self) -> None:
        self.assertEqual(self.tap("""
            class Cases(unittest.TestCase):
                def test_a(self): void_at_first("a", 2)
        """)[:2], (1, ["not ok 1 - Cases.test_a", "1..1"]))

    def test_another_failure_stays(self) -> None:
        """A case that is run again takes nothing from one that failed."""
        status, results, _ = self.tap("""
            class Cases(unittest.TestCase):
                def test_a(self): runs.append("bad") or self.assertEqual(runs.count("bad"), 2)
                def test_b(self): void_at_first("b")
        """)
        self.assertEqual((status, results), (1, ["not ok 1 - Cases.test_a", "ok 2 - Cases.test_b", "1..2"]))

    def test_failure_beside_others(self) -> None:
        """It counts only once the case has failed alone. A crash counts at once."""
        cases = """
            class Cases(unittest.TestCase):
                def crashed(self, failure): return "SIGSEGV" in failure
                def fail_at_first(self, name, how):
                    runs.append(name)
                    if runs.count(name) == 1: self.fail(how)
                def test_a(self): self.fail_at_first("a", "late")
                def test_b(self):
                    with self.subTest("part"): self.fail_at_first("b", "SIGSEGV")
                def test_c(self): self.fail("wrong")
        """
        status, results, comments = self.tap(cases, beside_others=True)
        self.assertEqual((status, results), (1, ["not ok 1 - Cases.test_b", "ok 2 - Cases.test_a",
                                                 "not ok 3 - Cases.test_c", "1..3"]))
        self.assertIn("# Cases.test_a: it failed beside other programs' cases; this says nothing, and the case runs once "
                      "more", comments)
        self.assertEqual(self.tap(cases, "Cases.test_a")[:2], (1, ["not ok 1 - Cases.test_a", "1..1"]))

    def test_alone(self) -> None:
        """A repeated case waits for the cases of another program, and no other begins meanwhile."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "cases.py")
            file.write_text(textwrap.dedent("""
                import os, time, unittest
                WHO = os.environ["WHO"]
                def note(what):
                    with open(os.environ["NOTES"], "a") as notes: notes.write(f"{WHO} {what}\\n")
                class Cases(unittest.TestCase):
                    runs = 0
                    def case(self):
                        Cases.runs += 1
                        note("begins")
                        time.sleep(0.3)
                        note("ends")
                        if WHO == "A" and Cases.runs == 1: self.fail("late")
                    test_1 = test_2 = test_3 = test_4 = case
            """))
            notes = Path(folder, "notes")
            programs = [subprocess.Popen([sys.executable, TAP, file, *names], stdout=subprocess.DEVNULL, env={
                **os.environ, "TAP_TURNS": f"{folder}/turns", "NOTES": str(notes), "WHO": who})
                for who, names in (("B", []), ("A", ["Cases.test_1"]))]
            self.assertEqual([program.wait() for program in programs], [0, 0])
            lines = notes.read_text().splitlines()
        last = len(lines) - 1 - lines[::-1].index("A begins")
        self.assertEqual(lines[last + 1], "A ends")
        self.assertEqual(lines[:last].count("B begins"), lines[:last].count("B ends"))
        self.assertEqual(lines.count("A begins"), 2)
        self.assertIn("B begins", lines[last:])


if __name__ == "__main__":
    unittest.main()
