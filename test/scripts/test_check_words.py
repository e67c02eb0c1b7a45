# SPDX-License-Identifier: BSD-3-Clause
"""scripts/check_words.py: what it finds, what it leaves alone, and its exceptions."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))

import check_words  # noqa: E402

# A sentence for each rule, and the words that are found in it.
SAMPLES = {
    "The application is told of it.": "told",
    "The driver hears of the removal.": "hears",
    "The driver lets go of the VF.": "lets go",
    "The VF is probed anew.": "anew",
    "A VF that was there before.": "was there",
    "A VF comes and goes.": "comes and goes",
    "Nothing after the VF's going.": "VF's going",
    "The netdevice has gone.": "has gone",
    "With the lock in hand.": "in hand",
    "It changes under its hands.": "under its hands",
    "The filter stands in the way.": "stands in the way",
    "The pipe is looked at.": "looked at",
    "The driver gives the VF back.": "gives the VF back",
    "The driver mends it.": "mends",
    "In such a case.": "Such",
    "Thus it ends.": "Thus",
    "Two VFs, one of which stays.": "of which",
    "It sends by the slow path.": "slow path",
    "It takes the fast path.": "fast path",
}
GOOD = ("The driver releases the VF. If there is a VF, it is attached again. The VF goes down. "
        "No such device. Names such as eth1. The port sends through the fallback.")


def words(name: str, source: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.words) for finding in check_words.findings(name, source)]


class Rules(unittest.TestCase):
    def test_each_rule_finds_its_words(self) -> None:
        for sentence, expected in SAMPLES.items():
            with self.subTest(sentence):
                self.assertEqual([found.lower() for _, found in words("a.rst", sentence)], [expected.lower()])

    def test_every_rule_has_a_sample(self) -> None:
        for pattern, _ in check_words.RULES:
            self.assertTrue(any(pattern.search(sentence) for sentence in SAMPLES), pattern.pattern)

    def test_plain_words_pass(self) -> None:
        self.assertEqual(words("a.rst", GOOD), [])


class Places(unittest.TestCase):
    def test_cpp_comments_and_strings_but_no_code(self) -> None:
        source = ('int told = anew("x");  // is told\n'
                  '/* hears\n   of it */\n'
                  'log("VF %s is gone", \'"\');\n'
                  'auto raw = R"(mended)";\n')
        self.assertEqual(sorted(words("a.cpp", source)), [(1, "told"), (2, "hears"), (4, "is gone"), (5, "mended")])

    def test_a_phrase_continues_in_the_next_line(self) -> None:
        self.assertEqual(words("a.hpp", "/// The driver gives\n/// back the VF.\n"), [(1, "gives back")])
        self.assertEqual(words("a.cpp", 'log("the VF is "\n    "gone");\n'), [(1, "is gone")])
        self.assertEqual(words("a.build", "# lets\n# go of it\n"), [(1, "lets go")])

    def test_a_phrase_does_not_extend_over_code(self) -> None:
        self.assertEqual(words("a.cpp", 'f("is", "gone");\n'), [])

    def test_python_comments_and_strings_but_no_code(self) -> None:
        source = '"""It tells."""\ntold = 1  # anew\nlines = ["ü", f"mend {told}"]\n'
        self.assertEqual(sorted(words("a.py", source)), [(1, "tells"), (2, "anew"), (3, "mend")])

    def test_guides_without_literals(self) -> None:
        self.assertEqual(words("a.rst", "``is gone`` and\n\n   is gone\n"), [(3, "is gone")])
        self.assertEqual(words("README.md", "`told`\nanew\n"), [(2, "anew")])

    def test_scripts_and_no_data(self) -> None:
        self.assertEqual(words("scripts/run", "#!/usr/bin/env bash\n# mends it\n"), [(2, "mends")])
        self.assertEqual(words("seed", "told"), [])


class Exceptions(unittest.TestCase):
    def test_one_that_is_needed_removes_the_finding(self) -> None:
        allowed = check_words.exceptions("# comment\ndoc/*.rst | told | a quotation\n")
        found, unused = check_words.check({"doc/a.rst": "told\nanew\n"}, allowed)
        self.assertEqual([(finding.line, finding.words) for finding in found], [(2, "anew")])
        self.assertEqual(unused, [])

    def test_one_that_is_not_needed_is_reported(self) -> None:
        allowed = check_words.exceptions("doc/a.rst | told | a quotation\n")
        self.assertEqual(check_words.check({"doc/a.rst": "fine\n"}, allowed), ([], allowed))
        self.assertEqual(check_words.check({"doc/b.rst": "fine\n"}, allowed), ([], []))

    def test_a_reason_is_required(self) -> None:
        for line in ("doc/a.rst | told", "doc/a.rst | told | "):
            with self.assertRaisesRegex(ValueError, "line 1: expected 'files | words | reason'"):
                check_words.exceptions(line + "\n")


class Program(unittest.TestCase):
    def run_in_repository(self, text: str, *arguments: str) -> tuple[int, str]:
        """Exit status and output of main() in a repository with one guide and the exceptions of this one."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name).resolve()
            (folder / "guide.rst").write_text(text)
            for command in (["init", "-q"], ["add", "guide.rst"]):
                subprocess.run(["git", *command], cwd=folder, check=True)
            top, check_words.TOP = check_words.TOP, folder
            self.addCleanup(setattr, check_words, "TOP", top)
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                return check_words.main(arguments), output.getvalue()

    def test_a_finding_names_file_line_and_better_words(self) -> None:
        self.assertEqual(self.run_in_repository("fine\nIt is probed anew.\n"),
                         (1, "guide.rst:2: 'anew': write again; re-read, re-probe, re-create\n"))

    def test_count(self) -> None:
        self.assertEqual(self.run_in_repository("anew\ntold\n", "--count"), (1, "    2 .\n"))

    def test_nothing_found(self) -> None:
        self.assertEqual(self.run_in_repository(GOOD), (0, ""))


if __name__ == "__main__":
    unittest.main()
