# SPDX-License-Identifier: BSD-3-Clause
"""The peer leaves and returns under traffic; our device is client or server."""

from __future__ import annotations

import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from support import Case, Testpmd, wait_for  # noqa: E402

ROUNDS = 3
KINDS = ("", ",in_order=0", ",packed_vq=1", ",packed_vq=1,in_order=0")


class Reconnect(Case):
    def rounds(self, ours: Testpmd, peer_arguments: str, peer: Testpmd | None = None) -> None:
        """Kills the peer while frames circulate, and starts it again."""
        ours.type("start")
        for _ in range(ROUNDS):
            if peer is None:
                peer = self.peer(peer_arguments)
            wait_for("the link up", lambda: ours.link() == "up")
            peer.type("start tx_first")
            self.circulates(ours, peer)
            peer.kill()
            peer = None
            wait_for("the link down", lambda: ours.link() == "down")
        ours.type("stop")
        counters = ours.counters()
        self.assertEqual(counters["RX-errors"], 0)
        # What was sent and not yet taken when the peer was killed is lost, and no more than the ring holds.
        self.assertLessEqual(counters["TX-errors"], ROUNDS * 256)
        self.assertEqual(ours.xstats()["tx_q0_lost"], counters["TX-errors"])
        ours.quit()

    def test_client(self) -> None:
        for arguments in KINDS:
            with self.subTest(arguments):
                peer = self.peer()
                self.rounds(self.ours(arguments), "", peer)

    def test_server(self) -> None:
        for arguments in KINDS:
            with self.subTest(arguments):
                ours = self.ours(",server=1" + arguments)
                self.assertEqual(ours.link(), "down")
                self.rounds(ours, ",client=1")
                self.assertFalse(os.path.exists(self.socket), "the socket file stays behind")

    def test_peer_that_leaves_before_the_start(self) -> None:
        peer = self.peer()
        ours = self.ours(options=("--disable-device-start",))
        peer.kill()
        ours.has("the back end has closed the connection")
        peer = self.peer()
        ours.has("connected to")
        ours.ask("port start 0", "Checking link statuses.*Done")
        peer.start()
        ours.type("start tx_first")
        self.circulates(ours, peer)
        ours.quit()

    def test_socket_file_of_a_killed_server(self) -> None:
        first = self.ours(",server=1")
        first.kill()
        self.assertTrue(os.path.exists(self.socket))
        ours = self.ours(",server=1")
        peer = self.peer(",client=1")
        wait_for("the link up", lambda: ours.link() == "up")
        peer.start()
        ours.type("start tx_first")
        self.circulates(ours, peer)
        ours.quit()


if __name__ == "__main__":
    unittest.main()
