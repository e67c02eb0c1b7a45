# SPDX-License-Identifier: BSD-3-Clause
"""scripts/check_paths.py: which names it finds missing."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import check_paths  # noqa: E402


class Paths(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        for name in ("lib/base/a.cpp", "drivers/net/vdev_netvsc/core/b.cpp", "README.md"):
            (self.top / name).parent.mkdir(parents=True, exist_ok=True)
            (self.top / name).write_text("void Port::open() {}\n")

    def guide(self, text: str) -> list[str]:
        return list(check_paths.in_guide(self.top, text))

    def test_paths_below_the_three_folders(self) -> None:
        self.assertEqual(self.guide("``lib/base``, ``base``\n``core/b.cpp``, ``.../core``, ``fallback=auto``\n"), [])

    def test_a_missing_path(self) -> None:
        self.assertEqual(self.guide("fine\n``core/c.cpp``\n"), ["2: core/c.cpp does not exist"])

    def test_functions(self) -> None:
        self.assertEqual(self.guide("``core/b.cpp``, ``Port::open()``\n"), [])
        self.assertEqual(self.guide("``core/b.cpp``, ``Port::close()``\n"),
                         ["1: Port::close() is not in drivers/net/vdev_netvsc/core/b.cpp"])
        self.assertEqual(self.guide("``core``, ``open()``\n"), ["1: open() is not in drivers/net/vdev_netvsc/core"])

    def test_maintainers(self) -> None:
        text = "M: Somebody <a@b>\nF: lib/\nF: README.*\nF: app/\n"
        self.assertEqual(list(check_paths.in_maintainers(self.top, text)), ["4: app/ does not exist"])


if __name__ == "__main__":
    unittest.main()
