# SPDX-License-Identifier: BSD-3-Clause
"""Runs the unittest cases of a file and reports each in the Test Anything Protocol.

usage: tap.py FILE.py [CASE ...]     CASE: Class or Class.test_method; without one, all

The report is on standard output, with the lines of a case's attribute `diagnostics`, if it has one, and with the time of
a processor that all cases took; what the tests themselves print goes to standard error. Sub-tests count as their case.
Exit status 1 if anything failed or nothing was run.

An exception with an attribute `run_again`, which is the reason, voids its case. The report says so, and the case runs once
more at the end.

Environment: TAP_TURNS, a folder that programs share whose cases run side by side (see turns.py). A busy machine may hold a
case up for longer than the case waits, so one that fails beside others is void, too. It runs once more alone, and that
counts. The method `crashed` of a case, which gets the failure's text, returns whether a program crashed: then the failure
counts at once.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import resource
import sys
import time
import traceback
import unittest
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

sys.path.insert(0, str(Path(__file__).resolve().parent))

from turns import Turns  # noqa: E402

BESIDE_OTHERS = "it failed beside other programs' cases"
RUNS_ONCE_MORE = "; this says nothing, and the case runs once more"


class TapResult(unittest.TestResult):
    """Prints a line for each case when it has ended."""

    def __init__(self, out: TextIO, count: int = 0, may_void: bool = True, turns: Turns | None = None) -> None:
        """Counts on from `count` cases. may_void: whether cases may be void. turns: for cases beside others."""
        super().__init__()
        self.count = count
        self.failed = False
        self.void: list[str] = []  # to be run once more: Class.test_method or Class
        self._out = out
        self._may_void = may_void
        self._turns = turns
        self._turn = contextlib.ExitStack()
        self._problems: list[str] = []
        self._why_void: str | None = None
        self._skipped: str | None = None
        self._began = 0.0

    def print_case(self, name: str, passed: bool, directive: str = "") -> None:
        self.count += 1
        self.failed = self.failed or not passed
        verdict = "ok" if passed else "not ok"
        # In a description '#' would begin the directive.
        print(f"{verdict} {self.count} - {name.replace('#', '')}{directive}", file=self._out, flush=True)

    def print_comment(self, text: str) -> None:
        for line in text.splitlines():
            print(f"# {line}", file=self._out, flush=True)

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._problems = []
        self._why_void = None
        self._skipped = None
        if self._turns:
            self._turn.enter_context(self._turns.beside_others())
        self._began = time.monotonic()

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        self._turn.close()
        for problem in self._problems:
            self.print_comment(problem)
        for line in getattr(test, "diagnostics", ()):
            self.print_comment(line)
        self.print_comment(f"{name_of(test)}: {time.monotonic() - self._began:.1f} s")
        if self._why_void is not None:
            self._set_aside(name_of(test), self._why_void)
            return
        directive = "" if self._skipped is None else f" # SKIP {' '.join(self._skipped.split())}"
        self.print_case(name_of(test), not self._problems, directive)

    def _set_aside(self, name: str, why: str) -> None:
        self.print_comment(f"{name}: {why}{RUNS_ONCE_MORE}")
        self.void.append(name)

    def _problem(self, test: unittest.TestCase, error: Any) -> None:
        text = "".join(traceback.format_exception(*error))
        why_void = self._why_to_run_again(test, error[1], text) if self._may_void else None
        if isinstance(test, unittest.TestCase):
            self._problems.append(f"{test.id()}\n{text}")
            self._why_void = self._why_void or why_void
            return
        # setUpClass and the like: there is no case that startTest() has announced
        self.print_comment(text)
        not_set_up = re.fullmatch(r"setUpClass \(.*?(\w+)\)", str(test))
        if why_void is None:
            self.print_case(str(test), False)
        elif not_set_up:
            self._set_aside(not_set_up[1], why_void)

    def _why_to_run_again(self, test: unittest.TestCase, error: BaseException | None, text: str) -> str | None:
        reason = reason_to_run_again(error)
        if reason is not None or self._turns is None:
            return reason
        crashed = getattr(getattr(test, "test_case", test), "crashed", lambda _: False)  # test_case: of a sub-test
        return None if crashed(text) else BESIDE_OTHERS

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self._problem(test, err)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self._problem(test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._problem(subtest, err)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        super().addUnexpectedSuccess(test)
        self._problems.append("passed, though a failure was expected")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        if isinstance(test, unittest.TestCase):
            self._skipped = reason
        else:
            self.print_case(str(test), True, f" # SKIP {' '.join(reason.split())}")


def reason_to_run_again(error: BaseException | None) -> str | None:
    """The attribute `run_again` of the exception or of one that it came from."""
    while error is not None and not hasattr(error, "run_again"):
        error = error.__cause__ or error.__context__
    return None if error is None else str(getattr(error, "run_again"))


def name_of(test: unittest.TestCase) -> str:
    """Class.test_method"""
    return ".".join(test.id().split(".")[-2:])


def load(path: Path) -> ModuleType:
    """The file as a module of its own name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(module)
    return module


def main(arguments: list[str]) -> int:
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    # Nothing but the report may reach the standard output, not even from a child.
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    turns = Turns(Path(os.environ["TAP_TURNS"])) if os.environ.get("TAP_TURNS") else None
    result = TapResult(report, turns=turns)
    try:
        module = load(Path(arguments[0]).resolve())
        loader = unittest.TestLoader()
        suite = (loader.loadTestsFromNames(arguments[1:], module) if arguments[1:]
                 else loader.loadTestsFromModule(module))
        suite.run(result)
        first = result
        if first.void:
            result = TapResult(report, first.count, may_void=False)
            with turns.alone() if turns else contextlib.nullcontext():
                loader.loadTestsFromNames(first.void, module).run(result)
            result.failed = result.failed or first.failed
    except Exception:
        result.print_comment(traceback.format_exc())
        result.print_case(arguments[0], False)
    finally:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        result.print_comment(f"{sum(each.ru_utime + each.ru_stime for each in used):.0f} s of a processor")
        print(f"1..{result.count}", file=report, flush=True)
    return 0 if result.count > 0 and not result.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
