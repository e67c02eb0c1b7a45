# SPDX-License-Identifier: BSD-3-Clause
"""The settings of hv_netvsc's netdevice that a port changes: they are restored, and a refusal is reported.

The port keeps forwarding in every case.
"""

from __future__ import annotations

import re
import sys
import time
import unittest
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import EachFallback, HyperVCase  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER  # noqa: E402
from vf_support import NETVSC, VF  # noqa: E402

CHANNELS = 2
OTHER_MAC = "00:15:5d:00:00:77"
ABOVE_MTU = 4000
REFUSED_MTU = 9500  # net_virtio_user accepts it, the VF (e1000e) does not


class SettingsCase(HyperVCase):
    channels: ClassVar[int] = CHANNELS

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.prepare_fallbacks()

    def details(self) -> str:
        return self.guest.run(f"ip -d link show dev {self.names[0]}").stdout

    def fallback(self, kind: str) -> Testpmd:
        testpmd = self.forward(f",fallback={kind}", drivers=[DRIVER])
        self.steady(NETVSC)
        return testpmd


class Channels(SettingsCase):
    """net_af_xdp needs as many channels as the application has queues."""

    def combined(self) -> int:
        return int(re.findall(r"^Combined:\s+(\d+)", self.guest.run(f"ethtool -l {self.names[0]}").stdout, re.M)[-1])

    def test_restored(self) -> None:
        self.assertEqual(self.combined(), CHANNELS)
        testpmd = self.fallback("af_xdp")
        self.assertEqual(self.combined(), 1)
        self.assert_quits(testpmd)
        self.assertEqual(self.combined(), CHANNELS)
        self.assertNotIn("xdp", self.details())

    def test_restored_after_a_kill(self) -> None:
        """The next start does it, whatever fallback that one has."""
        killed = self.fallback("af_xdp")
        killed.process.kill()
        self.switch.stop_traffic()
        self.assertEqual(self.combined(), 1)
        testpmd = self.fallback("af_packet")
        self.assertIn(f"{self.names[0]}: a process that used it by AF_XDP was killed", testpmd.start_output)
        self.assertEqual(self.combined(), CHANNELS)
        self.assertNotIn("xdp", self.details())
        self.assert_quits(testpmd)

    def test_vf_revoked_meanwhile(self) -> None:
        """On Azure the host takes the VF away while the channel is closed, and adds it again afterwards."""
        self.guest.run(f"ip link set {self.names[0]} up")
        self.add_vf()
        self.kernel_said("Data path switched to VF")
        self.nic.set("revoke_on_close", 1)
        self.addCleanup(self.nic.set, "revoke_on_close", 0)
        testpmd = self.forward(",fallback=af_xdp", drivers=[DRIVER], by=VF)
        self.steady(VF)
        self.assert_quits(testpmd)
        self.assertEqual(self.combined(), CHANNELS)


class LargeFrames(EachFallback, SettingsCase):
    """A host that offers RSC: hv_netvsc has LRO on, and the host sends frames above the MTU."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        nic = cls.hyperv.nic(NETVSC)
        nic.rescind()
        nic.set("rsc", True)
        nic.offer()
        cls.names = [nic.ifname()]

    def setUp(self) -> None:
        super().setUp()
        self.guest.run(f"ethtool -K {self.names[0]} lro on")

    def lro(self) -> str:
        return re.search(r"large-receive-offload: (\w+)", self.guest.run(f"ethtool -k {self.names[0]}").stdout)[1]

    def check(self, kind: str) -> None:
        """LRO is off while the port exists: no frame above the MTU reaches the application."""
        self.assertEqual(self.lro(), "on")
        testpmd = self.fallback(kind)
        self.assertIn(f"LRO of {self.names[0]} is off until the port is closed", testpmd.start_output)
        self.assertEqual(self.lro(), "off")
        self.switch.stop_traffic()
        time.sleep(1)  # the last small frames are on their way
        before = testpmd.port_stats()[0]["RX-bytes"]
        self.switch.start_traffic(100, ABOVE_MTU)
        time.sleep(1)
        self.switch.stop_traffic()
        self.assertLess(testpmd.port_stats()[0]["RX-bytes"] - before, ABOVE_MTU)
        self.assert_quits(testpmd)
        self.assertEqual(self.lro(), "on")


class Refused(SettingsCase):
    """What hv_netvsc refuses is refused with its reason."""

    known_warnings = HyperVCase.known_warnings + "|mtu greater than device maximum"

    def check_mac(self, kind: str) -> None:
        """hv_netvsc accepts no address while its netdevice is up."""
        testpmd = self.fallback(kind)
        mark = testpmd.process.mark()
        answer = testpmd.cmd(f"mac_addr set 0 {OTHER_MAC}")
        self.assertIn("Device or resource busy", testpmd.process.output_since(mark))
        self.assertRegex(answer, r"Bad arguments|ret(?:urn)?=? ?-16|error: -16|busy")
        self.assertIn(self.nic.mac, self.details())
        self.steady(NETVSC)
        self.assert_quits(testpmd)

    def test_mac_af_packet(self) -> None:
        self.check_mac("af_packet")

    def test_mac_virtio_user(self) -> None:
        self.check_mac("virtio_user")

    def test_mac_af_xdp(self) -> None:
        self.check_mac("af_xdp")

    def test_mtu(self) -> None:
        """hv_netvsc refuses an MTU that the VF's netdevice refuses."""
        testpmd = self.fallback("virtio_user")
        self.come(self.add_vf)
        self.steady(VF)
        testpmd.cmd("stop")
        testpmd.cmd("port stop 0")
        self.assertIn(f"set MTU {REFUSED_MTU}", testpmd.cmd(f"port config mtu 0 {REFUSED_MTU}"))
        self.assertIn("mtu 1500", self.details())
        testpmd.cmd("port start 0")
        testpmd.start()
        self.finish_with_vf(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
