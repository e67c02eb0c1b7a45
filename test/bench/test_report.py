# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmark makes of its values."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from report import Figure, spread  # noqa: E402

try:
    import plots
except ImportError:
    plots = None


class Spread(unittest.TestCase):
    def test_none(self) -> None:
        self.assertEqual(spread([]), (None, None, None))

    def test_one(self) -> None:
        self.assertEqual(spread([7.0]), (7.0, 7.0, 7.0))

    def test_percentile_is_a_value_that_was_measured(self) -> None:
        self.assertEqual(spread([float(value) for value in range(1000, 0, -1)]), (500.5, 990.0, 1000.0))
        self.assertEqual(spread([1.0] * 19 + [5.0]), (1.0, 5.0, 5.0))


class Table(unittest.TestCase):
    def figure(self) -> Figure:
        figure = Figure("wait_ms", "Waiting", ("median", "most"))
        figure.add("one", 2.0, 12345.6)
        figure.add("another", 5, None)
        return figure

    def test_text(self) -> None:
        lines = self.figure().as_text().splitlines()
        self.assertEqual([line.split() for line in lines],
                         [["Waiting"], ["wait_ms", "median", "most"], ["one", "2", "12346"], ["another", "5", "-"]])
        self.assertEqual(len({len(line) for line in lines[1:]}), 1)

    def test_json(self) -> None:
        self.assertEqual(self.figure().as_json()["rows"],
                         {"one": {"median": 2.0, "most": 12345.6}, "another": {"median": 5, "most": None}})

    def test_ratio(self) -> None:
        figure = self.figure()
        figure.ratio("another / one", "another", "one", "median")
        self.assertEqual(figure.notes, ["another / one: 2.5"])

    def test_ratio_of_what_is_not_there(self) -> None:
        figure = self.figure()
        figure.ratio("none", "one", "nobody", "median")
        figure.ratio("nothing", "one", "another", "most")
        self.assertEqual(figure.notes, [])


@unittest.skipIf(plots is None, "python3-matplotlib is not installed (scripts/setup --plots)")
class Plots(unittest.TestCase):
    def test_same_figures_make_the_same_file(self) -> None:
        figure = Figure("announce_ms", "Announcing", ())
        figure.series = {"one": [1.0, 2.0], "other": [500.0]}
        drawn = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as folder:
                plots.draw([figure, Figure("idle", "Not drawn", ())], Path(folder))
                self.assertEqual([path.name for path in Path(folder).iterdir()], ["announce_ms.svg"])
                drawn.append((Path(folder) / "announce_ms.svg").read_bytes())
        self.assertEqual(*drawn)
        self.assertIn(b"kernel's notification", drawn[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
