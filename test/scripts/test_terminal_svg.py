# SPDX-License-Identifier: BSD-3-Clause
"""scripts/show/terminal_svg.py: the pictures of terminals in the guides."""

from __future__ import annotations

import sys
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from show.terminal_svg import last_frame, svg  # noqa: E402


class Picture(unittest.TestCase):
    def test_text_and_colours(self) -> None:
        picture = ElementTree.fromstring(svg("tool <x>", "a & b\n\n\x1b[32mgood\x1b[0m rest\n"))
        spans = [(span.get("class"), span.text) for span in picture.iter("{http://www.w3.org/2000/svg}tspan")]
        self.assertEqual(spans, [("t", "a & b"), ("g", "good"), ("t", " rest")])
        texts = list(picture.iter("{http://www.w3.org/2000/svg}text"))
        self.assertEqual(texts[0].text, "# tool <x>")
        self.assertEqual([text.get("y") for text in texts], ["52", "70", "106"])

    def test_last_whole_screen(self) -> None:
        output = "\x1b[H\x1b[2J\x1b[Hone\x1b[K\r\n\x1b[J\x1b[Htwo\x1b[K\r\nlines\x1b[K\r\n\x1b[J\x1b[Hcut"
        self.assertEqual(last_frame(output), "two\nlines\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
