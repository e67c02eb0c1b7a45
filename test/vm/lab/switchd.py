"""The process behind switch.Switch: moves frames and keeps the generator's time.

    python3 -I -S switchd.py CONTROL_FD TABLE_FD GUEST_MAC

CONTROL_FD is a stream socket with one JSON request and one JSON answer a line; its end ends the process.
TABLE_FD is shared memory of signed 64-bit numbers (layout below), written here and read by Switch.
Times are CLOCK_MONOTONIC in ns.
"""

import json
import mmap
import os
import select
import socket
import struct
import sys
import time

# The table: HEADER numbers, then RECORD numbers for each sequence number.
HEADER = 16
NEXT_SEQUENCE, HOST_DROPS, OTHER_FRAMES, SLIPPED_NS, FULL = range(5)
RECORD = 3
SENT_NS, RETURNED_NS, PATH = range(RECORD)
CAPACITY = 1 << 24  # sequence numbers; the memory is only touched as they are used
TABLE_BYTES = 8 * (HEADER + RECORD * CAPACITY)
# PATH: port sent to in bits 0-19, port returned by in bits 20-39, host drop in bit 40, duplicates from bit 41.
PORTS = 1 << 20  # no index is used twice: each added VF takes one
RETURN_SHIFT, DROPPED, DUPLICATE_SHIFT = 20, 1 << 40, 41

ETHERTYPE = b"\x88\xb5"  # IEEE 802's "local experimental ethertype 1"
# Between a Hyper-V host (test/vm/hyperv/wire.c) and us: which path its guest wants frames by, and our confirmation.
PATH_ETHERTYPE = b"\x88\xb6"
PATH_MAGIC = b"NVSCPATH"
PATH_HEAD = struct.Struct("!6s6s2s8sII")  # destination, source, ethertype, magic, sequence number, path
SYNTHETIC, VF = range(2)
MAGIC = b"NVSCLAB1"
GENERATOR_MAC = bytes.fromhex("026c61620001")
ETHER = struct.Struct("!6s6s2s")  # destination, source, ethertype
BODY = struct.Struct("!8sQQ")  # magic, sequence number, time: after ETHER, or after ETHER and IPV4
# For applications that forward IPv4 only. IPV4 is an IPv4 header and a UDP header: version and length of the header,
# length, time to live, protocol, checksum, source, destination; ports, length.
IPV4_ETHERTYPE = b"\x08\x00"
IPV4 = struct.Struct("!BxHxxxxBBH4s4s HHHxx")
IPV4_SOURCE = bytes([192, 0, 2, 1])
BUFFER_BYTES = 65536
BURST = 64  # frames moved before the other sockets are polled
LATE_NS = 50_000_000  # behind by more than this, the generator lets the time go instead of sending a long burst


def ipv4_header(frame, offset, to):
    """Writes the IPv4 and UDP headers of a frame at an offset. The UDP checksum is left out, as IPv4 allows."""
    size = len(frame) - offset
    fields = [0x45, size, 64, socket.IPPROTO_UDP, 0, IPV4_SOURCE, to, 9, 9, size - 20]
    IPV4.pack_into(frame, offset, *fields)
    total = sum(struct.unpack_from("!10H", frame, offset))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    fields[4] = ~total & 0xffff
    IPV4.pack_into(frame, offset, *fields)


class Port:
    def __init__(self, index, local, remote):
        self.index = index
        self.remote = remote
        self.local = local
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.socket.bind(local)

    def close(self):
        self.socket.close()
        os.unlink(self.local)


class Daemon:
    def __init__(self, control, table_fd, guest_mac):
        self.control = control
        self.pending = b""
        self.table = memoryview(mmap.mmap(table_fd, TABLE_BYTES)).cast("q")
        self.guest_mac = guest_mac
        self.ports = {}  # by index
        self.ports_made = 0
        self.active = []  # ports frames are sent to, in the order they came
        self.learned = None
        self.steered = None
        self.wire = None  # the port of a Hyper-V host: with one, nothing is learned
        self.path = SYNTHETIC
        self.frame = bytearray()
        self.body = ETHER.size  # where BODY is in it
        self.interval_ns = 0  # 0: stopped
        self.due_ns = 0
        self.buffer = bytearray(BUFFER_BYTES)

    # Control requests.

    def op_add(self, local, remote):
        """A new port; answers its index."""
        if self.ports_made == PORTS:
            raise OSError(f"{PORTS} ports have been made: no more")
        port = Port(self.ports_made, local, remote)
        self.ports_made += 1
        self.ports[port.index] = port
        self.active.append(port)
        return port.index

    def op_unplug(self, index):
        """Nothing is sent to the port any more; what still comes from it is counted."""
        port = self.ports[index]
        if port in self.active:
            self.active.remove(port)
        if self.learned is port:
            self.learned = None
        if self.steered is port:
            self.steered = None
        if self.wire is port:
            self.wire = None

    def op_steer(self, index):
        self.steered = None if index is None else self.ports[index]

    def op_wire(self, index):
        self.wire = self.ports[index]
        self.path = SYNTHETIC

    def op_remove(self, index):
        self.op_unplug(index)
        self.ports.pop(index).close()

    def op_start(self, interval_ns, size, to):
        """to: the IPv4 address of the frames; None: they are not IPv4."""
        self.frame = bytearray(size)
        self.body = ETHER.size
        ETHER.pack_into(self.frame, 0, self.guest_mac, GENERATOR_MAC, IPV4_ETHERTYPE if to else ETHERTYPE)
        if to:
            self.body += IPV4.size
            ipv4_header(self.frame, ETHER.size, socket.inet_aton(to))
        self.interval_ns = interval_ns
        self.due_ns = time.monotonic_ns()
        return self.due_ns

    def op_stop(self):
        self.interval_ns = 0
        return time.monotonic_ns()

    def read_control(self):
        """False at the end."""
        data = self.control.recv(65536)
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            try:
                answer = {"result": getattr(self, "op_" + request.pop("op"))(**request)}
            except OSError as error:
                answer = {"error": str(error)}
            self.control.sendall(json.dumps(answer).encode() + b"\n")
        return bool(data)

    # Frames.

    def chosen(self):
        """The port to send by; None: there is none."""
        if self.steered:
            return self.steered
        if self.wire:
            others = [port for port in self.active if port is not self.wire]
            return others[-1] if self.path == VF and others else self.wire
        return self.learned or (self.active[0] if self.active else None)

    def take_path(self, port, size):
        """Turns to the path that a host asks for, and confirms it."""
        _, host, ethertype, magic, sequence, path = PATH_HEAD.unpack_from(self.buffer)
        self.path = path
        answer = PATH_HEAD.pack(host, GENERATOR_MAC, ethertype, magic, sequence, path)
        try:
            port.socket.sendto(answer.ljust(size, b"\0"), port.remote)
        except OSError:  # the host asks again
            pass

    def send(self):
        sequence = self.table[NEXT_SEQUENCE]
        if sequence == CAPACITY:
            self.table[FULL] = 1
            self.interval_ns = 0
            return
        port = self.chosen()
        record = HEADER + RECORD * sequence
        now = time.monotonic_ns()
        BODY.pack_into(self.frame, self.body, MAGIC, sequence, now)
        self.table[record + SENT_NS] = now
        self.table[record + PATH] = DROPPED
        if port is not None:
            try:
                port.socket.sendto(self.frame, port.remote)
                self.table[record + PATH] = port.index
            except OSError:  # the queue is full, or QEMU has closed its end
                pass
        if self.table[record + PATH] == DROPPED:
            self.table[HOST_DROPS] += 1
        self.table[NEXT_SEQUENCE] = sequence + 1

    def receive(self, port):
        for _ in range(BURST):
            try:
                size = port.socket.recv_into(self.buffer)
            except OSError:
                return
            if port is self.wire and size >= PATH_HEAD.size and self.buffer[12:22] == PATH_ETHERTYPE + PATH_MAGIC:
                self.take_path(port, size)
                continue
            if size >= 14 and self.buffer[6:12] == self.guest_mac and port in self.active:
                self.learned = port
            body = ETHER.size + (IPV4.size if self.buffer[12:14] == IPV4_ETHERTYPE else 0)
            if (size < body + BODY.size or self.buffer[12:14] not in (ETHERTYPE, IPV4_ETHERTYPE)
                    or self.buffer[body:body + len(MAGIC)] != MAGIC):
                self.table[OTHER_FRAMES] += 1
                continue
            record = HEADER + RECORD * BODY.unpack_from(self.buffer, body)[1]
            if self.table[record + RETURNED_NS]:
                self.table[record + PATH] += 1 << DUPLICATE_SHIFT
            else:
                self.table[record + PATH] |= port.index << RETURN_SHIFT
                self.table[record + RETURNED_NS] = time.monotonic_ns()

    def run(self):
        while True:
            timeout = None
            if self.interval_ns:
                now = time.monotonic_ns()
                if now - self.due_ns > LATE_NS:
                    self.table[SLIPPED_NS] += now - self.due_ns
                    self.due_ns = now
                for _ in range(BURST):
                    if self.due_ns > now or not self.interval_ns:
                        break
                    self.due_ns += self.interval_ns
                    self.send()
                timeout = max(0.0, (self.due_ns - time.monotonic_ns()) / 1e9)
            ports = {port.socket: port for port in self.ports.values()}
            readable, _, _ = select.select([self.control, *ports], [], [], timeout)
            for ready in readable:
                if ready is not self.control:
                    self.receive(ports[ready])
            if self.control in readable and not self.read_control():
                return


if __name__ == "__main__":
    Daemon(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), bytes.fromhex(sys.argv[3].replace(":", ""))).run()
