# SPDX-License-Identifier: BSD-3-Clause
"""The results, for readers (a table) and for programs (JSON)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Sequence

PASSED, FAILED, NOT_RUN = "passed", "failed", "not run"


@dataclass(frozen=True)
class Result:
    """One case. `text` says why it failed or is not run, or what else there is to know."""

    case: str
    status: str
    sent: int | None = None  # frames
    lost: int | None = None
    text: str = ""
    figures: dict[str, float] = field(default_factory=dict)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def table(results: Sequence[Result]) -> str:
    """A line for each result, and what there is to say of it below."""
    rows = [("case", "result", "sent", "lost"),
            *((result.case, result.status, _number(result.sent), _number(result.lost)) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    for row, result in zip(rows, [None, *results]):
        lines.append(f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}".rstrip())
        if result is not None:
            figures = ", ".join(f"{name} {value:.4g}" for name, value in result.figures.items())
            lines += [f"    {text}" for text in (figures, result.text) if text]
    counts = {status: sum(result.status == status for result in results) for status in (PASSED, FAILED, NOT_RUN)}
    lines.append(", ".join(f"{count} {status}" for status, count in counts.items()))
    return "\n".join(lines)


def document(results: Sequence[Result]) -> dict[str, Any]:
    """The same for json.dump()."""
    return {"suite": "dpdk", "results": [asdict(result) for result in results]}
