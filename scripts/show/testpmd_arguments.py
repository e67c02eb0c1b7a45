# SPDX-License-Identifier: BSD-3-Clause
"""The testpmd arguments given to scripts/run."""

from __future__ import annotations

from typing import Sequence


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """(for EAL, for testpmd): divided by `--` as on testpmd's own command line; without one, all are for testpmd."""
    rest = list(arguments)
    if "--" not in rest:
        return [], rest
    at = rest.index("--")
    return rest[:at], rest[at + 1:]
