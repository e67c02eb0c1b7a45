# SPDX-License-Identifier: BSD-3-Clause
"""What a benchmark found, as a table and as JSON."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any, Sequence

OURS = "this driver"
INTREE = "DPDK's own"

Value = float | int | None


@dataclass
class Figure:
    """One figure: a value for each row (who) and column (what). `series` holds what only plots want."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    series: dict[str, Any] = field(default_factory=dict)

    def add(self, who: str, *values: Value) -> None:
        assert len(values) == len(self.columns), (self.name, who, values)
        self.rows[who] = values

    def value(self, who: str, column: str) -> Value:
        """None if there is no such row."""
        row = self.rows.get(who)
        return None if row is None else row[self.columns.index(column)]

    def ratio(self, what: str, one: str, other: str, column: str) -> None:
        """Adds a note with the ratio of the two values, if both exist."""
        above, below = self.value(one, column), self.value(other, column)
        if above is not None and below:
            self.notes.append(f"{what}: {above / below:.3g}")

    def as_json(self) -> dict[str, Any]:
        return {"title": self.title, "rows": {who: dict(zip(self.columns, values)) for who, values in self.rows.items()},
                "notes": self.notes, "series": self.series}

    def as_text(self) -> str:
        first = max([len(self.name), *map(len, self.rows)])
        widths = [max(len(column), 9) for column in self.columns]
        lines = [self.title,
                 "  ".join([self.name.ljust(first), *(name.rjust(width) for name, width in zip(self.columns, widths))])]
        lines += ["  ".join([who.ljust(first), *(_text(value).rjust(width) for value, width in zip(values, widths))])
                  for who, values in self.rows.items()]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def _text(value: Value) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return str(value)
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def spread(values: Sequence[float]) -> tuple[Value, Value, Value]:
    """Median, 99th percentile (nearest rank) and most of some values; nothing of none."""
    if not values:
        return None, None, None
    ordered = sorted(values)
    return statistics.median(ordered), ordered[-(-99 * len(ordered) // 100) - 1], ordered[-1]
