# SPDX-License-Identifier: BSD-3-Clause
"""Sends bytes by TCP to itself in another network namespace, and checks what arrives.

stream.py <namespace of the receiver> <its address> <megabytes> <connections>
Prints the number of bytes that arrived; they are as they were sent, or an error says otherwise.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import threading

PORT = 5001
PIECE = 1 << 16


def receive(address: str, connections: int) -> None:
    """Prints each connection's count and digest."""
    server = socket.create_server((address, PORT), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    print("ready", flush=True)

    def take(connection: socket.socket) -> None:
        digest, count = hashlib.sha256(), 0
        while piece := connection.recv(PIECE):
            digest.update(piece)
            count += len(piece)
        print(count, digest.hexdigest(), flush=True)

    threads = [threading.Thread(target=take, args=server.accept()[:1]) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    if sys.argv[1] == "receive":
        receive(sys.argv[2], int(sys.argv[3]))
        return
    namespace, address, megabytes, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    receiver = subprocess.Popen(["ip", "netns", "exec", namespace, sys.executable, __file__, "receive", address, str(count)],
                                stdout=subprocess.PIPE, text=True)
    assert receiver.stdout is not None and receiver.stdout.readline() == "ready\n"
    data = os.urandom(1 << 20) * megabytes
    expected = hashlib.sha256(data).hexdigest()
    links = [socket.create_connection((address, PORT), timeout=60) for _ in range(count)]
    for link in links:
        link.sendall(data)
        link.close()
    total = 0
    for line in receiver.stdout:
        arrived, digest = line.split()
        if digest != expected:
            raise SystemExit(f"of {len(data)} bytes {arrived} arrived, and other ones")
        total += int(arrived)
    print(total)


main()
