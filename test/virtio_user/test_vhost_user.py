# SPDX-License-Identifier: BSD-3-Clause
"""net_virtio_user as a client of DPDK's net_vhost: each kind of ring, frame sizes, queues, refusals."""

from __future__ import annotations

import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from support import PATIENCE_S, Case, Testpmd, wait_for  # noqa: E402

# The arguments, and how testpmd names the burst mode that they lead to.
KINDS = {
    "": "Split In-order Mergeable",
    ",mrg_rxbuf=0": "Split In-order",
    ",in_order=0": "Split Mergeable",
    ",in_order=0,mrg_rxbuf=0": "Split",
    ",packed_vq=1": "Packed In-order Mergeable",
    ",packed_vq=1,mrg_rxbuf=0": "Packed In-order",
    ",packed_vq=1,in_order=0": "Packed Mergeable",
    ",packed_vq=1,in_order=0,mrg_rxbuf=0": "Packed",
}


class Frames(Case):
    def test_circulate_in_each_kind_of_ring(self) -> None:
        for arguments, mode in KINDS.items():
            with self.subTest(arguments):
                peer = self.peer()
                ours = self.ours(arguments)
                self.assertEqual(ours.ask("show rxq info 0 0", r"Burst mode: ([^\n]*)")[1].strip(), mode)
                peer.start()
                ours.type("start tx_first")
                self.circulates(ours, peer)
                counters = ours.counters()
                self.assertEqual(counters["RX-errors"] + counters["TX-errors"], 0)
                ours.type("stop")
                ours.quit()
                peer.kill()

    def test_larger_than_a_buffer(self) -> None:
        for arguments in ("", ",in_order=0", ",packed_vq=1"):
            with self.subTest(arguments):
                peer = self.peer(options=("--max-pkt-len=9000",))
                ours = self.ours(arguments, options=("--max-pkt-len=9000",))
                ours.type("set txpkts 2000,2000,1000")
                peer.start()
                ours.type("start tx_first")
                self.circulates(ours, peer)
                ours.type("stop")
                counters = ours.counters()
                self.assertEqual(counters["RX-bytes"], 5000 * counters["RX-packets"])
                self.assertEqual(counters["TX-bytes"], 5000 * counters["TX-packets"])
                ours.quit()
                peer.kill()

    def test_stop_and_start(self) -> None:
        peer = self.peer()
        ours = self.ours()
        peer.start()
        for _ in range(3):
            ours.type("start tx_first")
            self.circulates(ours, peer)
            ours.ask("stop", "Accumulated forward statistics")
            ours.ask("port stop 0", "Stopping ports.*Done")
            self.assertEqual(ours.link(), "down")
            ours.ask("port start 0", "Checking link statuses.*Done")
            self.assertEqual(ours.link(), "up")
        ours.quit()

    def test_two_pairs_by_the_control_queue(self) -> None:
        queues = ("--rxq=2", "--txq=2")
        for arguments in (",queues=2,cq=1", ",queues=2,cq=1,packed_vq=1"):
            with self.subTest(arguments):
                peer = self.peer(",queues=2", options=queues)
                ours = self.ours(arguments, options=queues)
                peer.start()
                ours.type("start tx_first")
                self.circulates(ours, peer)
                for name in ("rx_q0_packets", "rx_q1_packets", "tx_q0_packets", "tx_q1_packets"):
                    wait_for(name, lambda: ours.xstats()[name] > 100, PATIENCE_S)
                ours.type("stop")
                ours.quit()
                peer.kill()


class Refusals(Case):
    """Each names the argument, and no port is made."""

    def refused(self, arguments: str, text: str) -> None:
        ours = Testpmd(self, f"net_virtio_user0,{arguments}", plugin=True, wait=False)
        ours.has(text)
        ours.has("no port is made")
        ours.kill()

    def test_arguments(self) -> None:
        for arguments, text in {
            "mac=02:00:00:00:00:01": "argument 'path': is missing",
            f"path={self.socket},colour=red": "argument 'colour=red': is unknown",
            f"path={self.socket},mac=1:2:3": "argument 'mac=1:2:3': expected a unicast address",
            f"path={self.socket},queue_size=100": "argument 'queue_size=100': expected a power of two",
            f"path={self.socket},queues=2": "argument 'queues=2': more than one pair needs the control queue",
            f"path={self.socket},iface=tap9": "iface=tap9 is for path=/dev/vhost-net only",
            "path=/dev/null,server=1": "server=1 is for a socket",
            f"path={self.socket}": f"connect {self.socket}: No such file or directory",
        }.items():
            with self.subTest(arguments):
                self.refused(arguments, text)
        self.assertFalse(os.path.exists(self.socket))

    def test_socket_of_a_running_server(self) -> None:
        self.peer()
        self.refused(f"path={self.socket},server=1", f"bind {self.socket}: Address already in use")


if __name__ == "__main__":
    unittest.main()
