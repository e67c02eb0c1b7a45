# SPDX-License-Identifier: BSD-3-Clause
"""Returns the switch's test frames that come by a netdevice, as testpmd's macswap does, but by the kernel's own path.

echo.py <netdevice>
Frames that are too large to be sent are counted only. Ends with SIGTERM; prints "<received> <largest, in bytes>".
"""

from __future__ import annotations

import signal
import socket
import sys

ETHERTYPE = 0x88B5  # lab/switchd.py's


class Ended(Exception):
    """SIGTERM."""


def end(*_: object) -> None:
    raise Ended


def main() -> None:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
    link.bind((sys.argv[1], ETHERTYPE))
    signal.signal(signal.SIGTERM, end)
    received = largest = 0
    print("ready", flush=True)
    try:
        while True:
            frame = bytearray(link.recv(1 << 16))
            received += 1
            largest = max(largest, len(frame))
            frame[0:6], frame[6:12] = frame[6:12], frame[0:6]
            try:
                link.send(frame)
            except OSError:  # larger than the MTU, or the netdevice is down
                pass
    except Ended:
        print(received, largest)


main()
