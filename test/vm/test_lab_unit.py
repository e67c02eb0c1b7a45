# SPDX-License-Identifier: BSD-3-Clause
"""Unit tests that need kernel features which the host may lack (veth, tc, AF_XDP). None is skipped here."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lab import coverage  # noqa: E402
from lab.machine import Machine  # noqa: E402
from support import BUILD  # noqa: E402

LONGEST_S = 300.0


class LabUnit(unittest.TestCase):
    machine: Machine

    @classmethod
    def setUpClass(cls) -> None:
        cls.machine = Machine()
        cls.machine.start()
        cls.addClassCleanup(cls.machine.stop)
        cls.addClassCleanup(lambda: coverage.fetch(cls.machine.guest))
        cls.machine.guest.modprobe("veth", "bridge")

    def check(self, name: str) -> None:
        done = self.machine.guest.run([str(BUILD / f"test/unit/test_{name}")], LONGEST_S, check=False,
                                      env=coverage.environment())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("[  PASSED  ]", done.stdout)
        self.assertNotIn("SKIPPED", done.stdout)

    def test_link_monitor(self) -> None:
        self.check("link_monitor")

    def test_netdev(self) -> None:
        self.check("netdev")

    def test_traffic_control(self) -> None:
        self.check("traffic_control")

    def test_uevent_monitor(self) -> None:
        self.check("uevent_monitor")


if __name__ == "__main__":
    unittest.main(verbosity=2)
