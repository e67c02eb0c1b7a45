# SPDX-License-Identifier: BSD-3-Clause
"""scripts/bench --quick gives all its figures, in JSON as in its table. How fast anything is is not asked."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from report import INTREE, OURS  # noqa: E402

BENCH = [sys.executable, "-B", str(Path(__file__).with_name("bench.py"))]
LIMIT_S = 800
# Each figure with one value that has to be more than none, by row and column.
ALIVE = {
    "announce_ms": [(OURS, "median"), ("passive listener", "median")],
    "plugin_ms": [(OURS, "median"), (OURS, "kernel"), (OURS, "after it")],
    "hotplug_poll": [("20 ms", "wake-ups/min"), ("20 ms", "calls/min")],
    "fallback_mpps": [(f"{OURS}, tap, 1 queue", "Rx 64"), (f"{INTREE}, tap, 1 queue", "Tx 1500")],
    "idle": [(f"{OURS}, 0", "wake-ups"), (f"{INTREE}, 100", "system calls")],
    "churn": [(OURS, "system calls"), (OURS, "CPU ms")],
    "resync_ms": [("100", OURS), ("100", "bare")],
    "keepalive_ns": [("empty", "plain"), ("of 32 packets", "keepalive")],
    "core": [("vf added and removed", "100"), ("other changes", "100000")],
}
LOSSES = ("removal_loss", "return_loss")


class Quick(unittest.TestCase):
    found: ClassVar[dict[str, Any]]
    table: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "new" / "figures.json"
            done = subprocess.run([*BENCH, "--quick", "--json", report], stdout=subprocess.PIPE, text=True,
                                  timeout=LIMIT_S, check=False)
            if done.returncode != 0:
                raise AssertionError(f"it ended with status {done.returncode}")
            cls.found = json.loads(report.read_text())
            cls.table = done.stdout

    def test_every_figure_is_there(self) -> None:
        self.assertEqual(set(self.found["figures"]), {*ALIVE, *LOSSES})
        for name in self.found["figures"]:
            self.assertRegex(self.table, rf"(?m)^{name} ")

    def test_what_was_measured_is_more_than_none(self) -> None:
        for name, places in ALIVE.items():
            rows = self.found["figures"][name]["rows"]
            for row, column in places:
                self.assertGreater(rows[row][column], 0, (name, row, column))

    def test_listing_by_ip_was_measured(self) -> None:
        """The difference of two commands' times: of 100 netdevices it may be less than chance, and less than none."""
        self.assertIsNotNone(self.found["figures"]["resync_ms"]["rows"]["100"]["ip -br link"])

    def test_losses_are_counted(self) -> None:
        for name in LOSSES:
            self.assertGreaterEqual(self.found["figures"][name]["rows"][OURS]["most"], 0)

    def test_in_tree_driver_is_tried(self) -> None:
        """It does not take every VF."""
        figures = self.found["figures"]
        taken, not_taken = (figures[name]["rows"][INTREE][column] for name, column in
                            (("announce_ms", "VFs"), ("plugin_ms", "not taken")))
        self.assertEqual(taken + not_taken, 1)
        survived = taken - (figures["removal_loss"]["rows"][INTREE]["at an end"] or 0)
        for name, count in ("announce_ms", taken), ("plugin_ms", taken), ("return_loss", taken), ("removal_loss", survived):
            self.assertEqual(figures[name]["rows"][INTREE]["median"] is not None, count == 1, name)

    def test_conditions_are_reported(self) -> None:
        self.assertTrue(self.found["quick"])
        self.assertEqual(len(self.found["conditions"]["load"]), 3)


class Refusals(unittest.TestCase):
    def test_unknown_figure(self) -> None:
        done = subprocess.run([*BENCH, "--only", "speed"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("'speed'", done.stderr)
        self.assertIn("announce_ms", done.stderr)

    def test_interrupted(self) -> None:
        """It ends its machine, and at once."""
        process = subprocess.Popen([*BENCH, "--quick", "--only", "churn"], stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        assert process.stderr is not None
        self.addCleanup(process.stderr.close)
        self.assertIn("booting", process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 128 + signal.SIGTERM)


if __name__ == "__main__":
    unittest.main(verbosity=2)
