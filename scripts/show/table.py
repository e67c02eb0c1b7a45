# SPDX-License-Identifier: BSD-3-Clause
"""Plain text tables."""

from __future__ import annotations

from typing import Sequence


def table(heading: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Columns as wide as their widest cell; those whose heading is in `right` are aligned to the right."""
    lines = [list(heading), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]

    def line_of(cells: Sequence[str]) -> str:
        return "  ".join(cell.rjust(width) if name in right else cell.ljust(width)
                         for name, cell, width in zip(heading, cells, widths)).rstrip()
    return "\n".join(map(line_of, lines))
