# SPDX-License-Identifier: BSD-3-Clause
"""The short form of scripts/lisa's hot-plug cases: they run, see both changes of the VF, and count frames."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[1])]

from lisa.__main__ import PPS, SHORT_S  # noqa: E402
from lisa.cases import RUN  # noqa: E402
from lisa.lab import Options  # noqa: E402
from lisa.report import table  # noqa: E402
from support import DRIVER, TESTVF  # noqa: E402

OPTIONS = Options(Path(DRIVER), Path(TESTVF), "tap", PPS, SHORT_S, SHORT_S)


class HotPlug(unittest.TestCase):
    def check(self, name: str) -> None:
        """LISA's limit for the packets per second is no test here: a busy host changes them."""
        result = RUN[name](name, OPTIONS)
        self.diagnostics = table([result]).splitlines()
        assert result.sent is not None and result.lost is not None
        self.assertGreater(result.sent, 0)
        self.assertLess(result.lost, result.sent)
        self.assertEqual(set(result.figures), {"pps before", "pps without VF", "pps after", "after/before"})
        self.assertRegex(result.text, r"^(after/before is [\d.]+; expected 1 ± [\d.]+)?$")

    def test_receiver(self) -> None:
        self.check("verify_dpdk_testpmd_hotplug_receiver_failsafe_pmd")

    def test_sender(self) -> None:
        self.check("verify_dpdk_testpmd_hotplug_sender_failsafe_pmd")


if __name__ == "__main__":
    unittest.main(verbosity=2)
