# SPDX-License-Identifier: BSD-3-Clause
"""NetVSC netdevices that an instance without names passes over, because they have an address."""

from __future__ import annotations

import json
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from events import EventCase  # noqa: E402
from hyperv_support import OverHyperV  # noqa: E402
from support import BUILD, MACS, PATIENCE_S, device_names, wait_for  # noqa: E402

STATUS = str(BUILD / "app/netvsc-status/netvsc-status")
SETTLING_S = 2  # of the driver


class PassedOver(OverHyperV, EventCase):
    """nv0 is free, nv1 has an IPv4 address, nv2 is up and has a link-local address only."""

    netvscs = 3

    def setUp(self) -> None:
        super().setUp()
        _, routed, link_local = self.names
        self.guest.run(f"ip link set {routed} up; ip addr add 192.0.2.1/24 dev {routed}; ip link set {link_local} up")
        wait_for("a link-local address", lambda: "fe80:" in self.addresses(link_local), PATIENCE_S)

    def addresses(self, name: str) -> str:
        return self.guest.run(f"ip -o addr show dev {name}").stdout

    def test_taken_without_address(self) -> None:
        free, routed, link_local = self.names
        testpmd = self.run_testpmd("--vdev=net_vdev_netvsc0")
        self.assertEqual(device_names(testpmd), ["net_failsafe_vsc0"])
        # The level debug shows the invocation and the arguments that the driver generates.
        self.assertIn("vdev_netvsc: net_vdev_netvsc0: arguments ''", testpmd.start_output)
        self.assertRegex(testpmd.start_output, r"vdev_netvsc: net_failsafe_vsc0: arguments 'hotplug_poll=20,mac="
                                               rf"{MACS[0]},fd\(\d+\),dev\(net_tap_vsc0,remote={free}\)'")
        for name, address in (routed, r"192\.0\.2\.1/24"), (link_local, r"fe80::[0-9a-f:]+/64"):
            logged = re.findall(rf"net_vdev_netvsc0: NetVSC netdevice {name} not attached: it has the address {address}",
                              testpmd.start_output)
            self.assertEqual(len(logged), 1, testpmd.start_output)

        def passed_over() -> dict[str, tuple[str, str]]:
            answer = self.telemetry(testpmd, "/vdev_netvsc/passed_over") or {}
            return {entry["netdevice"]: (entry["mac"], entry["address"]) for entry in answer.values()}

        found = passed_over()
        self.assertEqual({name: mac for name, (mac, _) in found.items()}, {routed: MACS[1], link_local: MACS[2]})
        self.assertEqual(found[routed][1], "192.0.2.1/24")
        self.assertIn(found[link_local][1], self.addresses(link_local))
        shown = json.loads(self.guest.run([STATUS, "--json"]).stdout)["passed_over"]
        self.assertEqual({entry["netdevice"] for entry in shown}, {routed, link_local})

        # A netdevice that is set down loses its IPv6 addresses.
        mark = testpmd.process.mark()
        self.guest.run(f"ip link set {link_local} down")
        testpmd.process.expect(rf"net_failsafe_vsc1 attached to netdevice {link_local}\b", PATIENCE_S, since=mark)
        self.assertEqual(set(passed_over()), {routed})
        # An address that another one replaces in time keeps the netdevice.
        self.guest.run(f"ip addr del 192.0.2.1/24 dev {routed}; ip -6 addr flush dev {routed}; "
                       f"ip addr add 192.0.2.2/24 dev {routed}")
        wait_for("the other address", lambda: passed_over().get(routed, ("", ""))[1] == "192.0.2.2/24", PATIENCE_S)
        self.guest.run(f"sleep {SETTLING_S + 1}")
        self.assertEqual(device_names(testpmd), ["net_failsafe_vsc0", "net_failsafe_vsc1"])
        self.guest.run(f"ip addr flush dev {routed}")
        testpmd.process.expect(rf"net_failsafe_vsc2 attached to netdevice {routed}\b", PATIENCE_S, since=mark)
        self.assertEqual(passed_over(), {})
        self.assertEqual(len(re.findall("not attached", testpmd.process.output())), 2)
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
