# SPDX-License-Identifier: BSD-3-Clause
"""Sends frames of many flows by a netdevice, a few at a time, and says how many of them came back.

flows.py <netdevice> <destination MAC address> <frames> [<bytes in each>]
Prints "<sent> <returned>". UDP over IPv4, each frame from another port, so that queues are chosen by it.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

AT_ONCE = 16
RETURN_TIMEOUT_S = 10.0
PACKET_OUTGOING = 4
HEADERS = 14 + 20 + 8


def frame(destination: bytes, source: bytes, number: int, size: int) -> bytes:
    ethernet = destination + source + b"\x08\x00"
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size - 14, number, 0, 64, 17, 0, bytes([192, 0, 2, 1]),
                     bytes([192, 0, 2, 2]))
    total = sum(struct.unpack("!10H", ip))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", total ^ 0xFFFF) + ip[12:]
    return (ethernet + ip + struct.pack("!HHHH", 1024 + number, 9, size - 34, 0)).ljust(size, b"\0")


def main() -> None:
    name, mac, count = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", "")), int(sys.argv[3])
    size = int(sys.argv[4]) if len(sys.argv) > 4 else 128
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    link.bind((name, 0x0800))
    link.settimeout(0.1)
    source = link.getsockname()[4]
    returned: set[int] = set()
    for first in range(0, count, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, count))
        for number in numbers:
            link.send(frame(mac, source, number, size))
        until = time.monotonic() + RETURN_TIMEOUT_S
        while not returned.issuperset(numbers) and time.monotonic() < until:
            try:
                data, address = link.recvfrom(65536)
            except TimeoutError:
                continue
            if address[2] != PACKET_OUTGOING and len(data) == size and data[6:12] == mac:
                returned.add(struct.unpack_from("!H", data, 18)[0])
        if not returned.issuperset(numbers):
            break
    print(min(first + AT_ONCE, count), len(returned))


main()
