# SPDX-License-Identifier: BSD-3-Clause
"""What the soak has made of the machine, and so what is to be seen of the driver."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Expected:
    """Changed by the operations, held against what is by the invariants."""

    bind: str  # vf_bind= of the application that runs; empty: VFs keep their kernel driver
    vf: bool = False  # the VF is present
    pulled_out: bool = False  # it was removed by surprise, and comes back by a rescan
    second: bool = False  # the second NetVSC is a port
    flapped: int = 0  # VFs that were removed just after they were added, while the application ran: their bind may have failed

    @property
    def names(self) -> int:
        """How many fail-safe ports there are."""
        return 2 if self.second else 1

    @property
    def key(self) -> tuple[str, bool, bool]:
        """What the application holds depends on these only."""
        return self.bind, self.vf, self.second
