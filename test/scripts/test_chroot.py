#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""scripts/chroot.sh: who may use a release's chroots."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


class Holding(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.chroots = Path(folder.name) / "chroots"

    def start(self, script: str) -> subprocess.Popen[str]:
        """A script that has sourced chroot.sh. It goes on with each line that it reads."""
        process = subprocess.Popen(
            ["bash", "-c", f". {SCRIPTS}/common.sh; . {SCRIPTS}/chroot.sh; {script}"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "MATRIX_DIR": str(self.chroots)})
        assert process.stdin and process.stdout
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        return process

    def test_the_second_waits_for_the_first(self) -> None:
        first = self.start("hold_chroots 12; echo held; read -r")
        self.assertEqual(first.stdout.readline(), "held\n")
        second = self.start("hold_chroots 12; echo held by the second")
        self.assertRegex(second.stdout.readline(),
                         f"12: waiting for process {first.pid}, which holds {self.chroots}/12.lock$")
        first.stdin.write("\n")
        first.stdin.flush()
        self.assertEqual(second.stdout.readline(), "held by the second\n")

    def test_another_release_need_not_wait(self) -> None:
        first = self.start("hold_chroots 12; echo held; read -r")
        self.assertEqual(first.stdout.readline(), "held\n")
        second = self.start("hold_chroots 13; echo held by the second")
        self.assertEqual(second.stdout.readline(), "held by the second\n")

    def test_the_next_release_ends_the_hold(self) -> None:
        first = self.start("hold_chroots 12; hold_chroots 13; echo held; read -r")
        self.assertEqual(first.stdout.readline(), "held\n")
        second = self.start("hold_chroots 12; echo held by the second")
        self.assertEqual(second.stdout.readline(), "held by the second\n")


if __name__ == "__main__":
    unittest.main()
