# SPDX-License-Identifier: BSD-3-Clause
"""A picture (SVG) of what a program has written on a terminal, for the guides."""

from __future__ import annotations

import re
from typing import Iterator
from xml.sax.saxutils import escape

LINE, LETTER, MARGIN, TOP = 18, 7.83, 20, 52  # pixels, of a font of 13 pixels
CLASSES = {"1": "b", "31": "r", "32": "g", "33": "y"}
STYLE = (".p{fill:#8ae234;font-weight:bold}.t{fill:#eeeeec}.b{fill:#eeeeec;font-weight:bold}"
         ".r{fill:#ef5b5b}.g{fill:#8ae234}.y{fill:#fce94f}")


def last_frame(output: str) -> str:
    """The last whole screen of a program that overwrites it in place."""
    frames = re.findall(r"\x1b\[H((?:(?!\x1b\[H).)*?)\x1b\[J", output.replace("\r", ""), re.S)
    return frames[-1].replace("\x1b[K", "")


def _pieces(line: str) -> Iterator[tuple[str, str]]:
    """The class and the text of each run of one colour."""
    css = "t"
    for text in re.split(r"(\x1b\[\d*m)", line):
        if colour := re.fullmatch(r"\x1b\[(\d*)m", text):
            css = CLASSES.get(colour[1], "t")
        elif text:
            yield css, text


def svg(command: str, screen: str) -> str:
    """The picture of a terminal in which the command was typed."""
    lines = screen.rstrip("\n").split("\n")
    plain = [re.sub(r"\x1b\[\d*m", "", line) for line in lines]
    width = round(max(map(len, [*plain, "# " + command])) * LETTER + 2 * MARGIN)
    height = TOP + LINE * len(lines) + MARGIN
    rows = [f'<text class="p" x="{MARGIN}" y="{TOP}" xml:space="preserve"># {escape(command)}</text>']
    for number, line in enumerate(lines, 1):
        spans = "".join(f'<tspan class="{css}">{escape(text)}</tspan>' for css, text in _pieces(line))
        if spans:
            rows.append(f'<text x="{MARGIN}" y="{TOP + LINE * number}" xml:space="preserve">{spans}</text>')
    body = "\n".join(rows)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: BSD-3-Clause -->
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" \
font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13">
<title>Output of {escape(command)}</title>
<style>{STYLE}</style>
<rect width="{width}" height="{height}" rx="8" fill="#1e2227"/>
<circle cx="20" cy="18" r="6" fill="#ff5f56"/><circle cx="40" cy="18" r="6" fill="#ffbd2e"/>\
<circle cx="60" cy="18" r="6" fill="#27c93f"/>
{body}
</svg>
"""
