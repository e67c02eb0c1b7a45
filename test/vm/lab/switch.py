"""The host's side of the NICs: Hyper-V's virtual switch for one MAC address, and a traffic generator.

On Hyper-V the synthetic NIC and the VF share one MAC address, and the host sends to the guest by either. A Switch
does the same with Unix datagram sockets that QEMU's `dgram` back ends are tied to: it sends to the port on which
the guest's address was last seen as a source, or to the oldest port while there is none, and a port that was
unplugged gets nothing more from that moment on. The work is done in a process of its own (switchd.py), so that a
busy test does not disturb the generator.

The guest sends every test frame back (testpmd's macswap, mac or io). Each has a sequence number, which is never
used twice, and the times of its sending and of its return. Times are time.monotonic_ns() of the host.
"""

from __future__ import annotations

import bisect
import json
import mmap
import os
import socket
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from . import switchd
from .errors import LabError, LabTimeout
from .process import GuardedProcess

CONTROL_TIMEOUT_S = 10.0
LATE_RETURN_NS = 60_000_000_000  # how long a frame may be on its way through a busy host's queues


@dataclass(frozen=True)
class Frame:
    """One test frame. `returned_ns` is None while it has not come back; ports are NIC ids."""

    sequence: int
    sent_ns: int
    sent_to: str | None
    returned_ns: int | None
    returned_by: str | None
    duplicates: int
    host_drop: bool


@dataclass(frozen=True)
class Report:
    """What became of the frames sent in a stretch of time. sent == returned + lost; host drops were never sent."""

    sent: int
    returned: int
    lost: int
    duplicates: int
    host_drops: int
    sent_by_port: dict[str, int]
    returned_by_port: dict[str, int]
    longest_gap_ms: float  # longest time in which no frame came back
    worst_round_trip_ms: float


@dataclass(frozen=True)
class Slice:
    """One step of a timeline, by the time of sending."""

    start_ns: int
    sent: int
    returned: int
    lost: int


class Switch:
    """A virtual switch for one guest MAC address. Its methods may be called from any thread."""

    def __init__(self, mac: str) -> None:
        self.mac = mac
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._indices: dict[str, int] = {}
        self._process = GuardedProcess("switch")
        table_fd = os.memfd_create("lab-switch", os.MFD_CLOEXEC)
        self._control, daemon_end = socket.socketpair()
        try:
            os.ftruncate(table_fd, switchd.TABLE_BYTES)
            self._map = mmap.mmap(table_fd, switchd.TABLE_BYTES, prot=mmap.PROT_READ)
            self._process.start(
                [sys.executable, "-I", "-S", switchd.__file__, str(daemon_end.fileno()), str(table_fd), mac],
                [daemon_end.fileno(), table_fd], None)
        except BaseException:
            self._process.stop()
            raise
        finally:
            daemon_end.close()
            os.close(table_fd)
        self._table = memoryview(self._map).cast("q")
        self._control.settimeout(CONTROL_TIMEOUT_S)
        self._stream = self._control.makefile("rb")

    def close(self) -> None:
        """Ends the process. The figures stay readable."""
        with self._lock:
            self._stream.close()
            self._control.close()
            self._process.stop()

    def _request(self, op: str, **arguments: object) -> int | None:
        with self._lock:
            try:
                self._control.sendall(json.dumps({"op": op, **arguments}).encode() + b"\n")
                line = self._stream.readline()
            except (OSError, ValueError) as error:
                raise LabError(f"switch {self.mac}: {op} failed: {error}") from error
        if not line:
            raise LabError(f"switch {self.mac}: its process has ended (status {self._process.poll()})")
        answer = json.loads(line)
        if "error" in answer:
            raise LabError(f"switch {self.mac}: {op} {arguments} failed: {answer['error']}")
        return answer["result"]

    def add(self, port: str) -> tuple[Path, Path]:
        """A new port; returns the socket paths (QEMU's end, ours)."""
        number = len(self._names)
        qemu, ours = self._process.folder / f"q{number}", self._process.folder / f"s{number}"
        index = self._request("add", local=str(ours), remote=str(qemu))
        assert index == number
        self._names.append(port)
        self._indices[port] = number
        return qemu, ours

    def steer(self, port: str | None) -> None:
        """Sends to this port, whatever was learned, until it is unplugged or steer(None): the host's own decision.

        Learning follows every frame of the guest's, those of its kernel (IPv6 neighbour discovery) included.
        """
        self._request("steer", index=None if port is None else self._indices[port])

    def set_wire(self, port: str) -> None:
        """Makes the port that of a Hyper-V host (hyperv.py), which says by which path frames are sent: by this port, or
        by the one that was added last. steer() still comes first."""
        self._request("wire", index=self._indices[port])

    def unplug(self, port: str) -> None:
        """Sends nothing more to the port, as the host does before it takes a VF away."""
        self._request("unplug", index=self._indices[port])

    def remove(self, port: str) -> None:
        """Closes the port's socket. QEMU's back end must have ended before."""
        self._request("remove", index=self._indices.pop(port))

    def start_traffic(self, pps: float = 1000, size: int = 128, to: str | None = None) -> int:
        """Sends `pps` frames of `size` bytes a second until stop_traffic(); returns the time of the first.

        to: an IPv4 address: the frames are UDP datagrams to it.
        """
        smallest = switchd.ETHER.size + (switchd.IPV4.size if to else 0) + switchd.BODY.size
        if pps <= 0 or not smallest <= size <= 9000:
            raise LabError(f"switch {self.mac}: cannot send {pps} frames of {size} bytes a second")
        started = self._request("start", interval_ns=round(1e9 / pps), size=size, to=to)
        assert started is not None
        return started

    def stop_traffic(self, drain_s: float = 0.5) -> int:
        """Stops the generator and gives the last frames `drain_s` seconds to return; returns the time it stopped."""
        stopped = self._request("stop")
        assert stopped is not None
        time.sleep(drain_s)
        return stopped

    @property
    def other_frames(self) -> int:
        """Frames from the guest that are not ours."""
        return self._table[switchd.OTHER_FRAMES]

    @property
    def slipped_ms(self) -> float:
        """Time the generator could not keep up with and sent nothing for (a busy host)."""
        return self._table[switchd.SLIPPED_NS] / 1e6

    def _first(self, since_ns: int | None) -> int:
        count = self._table[switchd.NEXT_SEQUENCE]
        if since_ns is None:
            return 0
        return bisect.bisect_left(range(count), since_ns, key=lambda sequence: self._table[
            switchd.HEADER + switchd.RECORD * sequence + switchd.SENT_NS])

    def frames(self, since_ns: int | None = None, until_ns: int | None = None) -> Iterator[Frame]:
        """The frames sent in [since_ns, until_ns), host drops among them, in order."""
        if self._table[switchd.FULL]:
            raise LabError(f"switch {self.mac}: all {switchd.CAPACITY} sequence numbers are used")
        end = self._table[switchd.NEXT_SEQUENCE] if until_ns is None else self._first(until_ns)
        for sequence in range(self._first(since_ns), end):
            start = switchd.HEADER + switchd.RECORD * sequence
            sent, returned, path = self._table[start:start + switchd.RECORD]
            dropped = bool(path & switchd.DROPPED)
            yield Frame(
                sequence=sequence, sent_ns=sent, returned_ns=returned or None, host_drop=dropped,
                sent_to=None if dropped else self._names[path & switchd.PORTS - 1],
                returned_by=self._names[path >> switchd.RETURN_SHIFT & switchd.PORTS - 1] if returned else None,
                duplicates=path >> switchd.DUPLICATE_SHIFT)

    def report(self, since_ns: int | None = None, until_ns: int | None = None) -> Report:
        """Counts for the frames sent in [since_ns, until_ns).

        A frame still on its way counts as lost: take `until_ns` far enough back, or stop the traffic first.
        """
        frames = list(self.frames(since_ns, until_ns))
        sent = [frame for frame in frames if not frame.host_drop]
        returned = [frame for frame in sent if frame.returned_ns is not None]
        moments = sorted(frame.returned_ns for frame in returned if frame.returned_ns is not None)
        if sent:
            moments = [sent[0].sent_ns, *moments]
            moments.append(max(moments[-1], sent[-1].sent_ns))
        return Report(
            sent=len(sent), returned=len(returned), lost=len(sent) - len(returned),
            duplicates=sum(frame.duplicates for frame in frames), host_drops=len(frames) - len(sent),
            sent_by_port=dict(Counter(frame.sent_to for frame in sent if frame.sent_to is not None)),
            returned_by_port=dict(Counter(frame.returned_by for frame in returned if frame.returned_by is not None)),
            longest_gap_ms=max((b - a for a, b in zip(moments, moments[1:])), default=0) / 1e6,
            worst_round_trip_ms=max((frame.returned_ns - frame.sent_ns for frame in returned
                                     if frame.returned_ns is not None), default=0) / 1e6)

    def timeline(self, step_ms: float = 100, since_ns: int | None = None, until_ns: int | None = None) -> list[Slice]:
        """The counts in steps of `step_ms`, from the first frame sent at or after `since_ns`; host drops left out."""
        step = round(step_ms * 1e6)
        counts: dict[int, list[int]] = {}
        start = None
        for frame in self.frames(since_ns, until_ns):
            start = frame.sent_ns if start is None else start
            if not frame.host_drop:
                count = counts.setdefault((frame.sent_ns - start) // step, [0, 0])
                count[0] += 1
                count[1] += frame.returned_ns is not None
        return [Slice(start + index * step, sent, returned, sent - returned)
                for index, (sent, returned) in sorted(counts.items())]

    def first_return(self, port: str, after_ns: int) -> int | None:
        """When the first frame came back by `port` at or after `after_ns`; None if none did."""
        # A frame may return late.
        return min((frame.returned_ns for frame in self.frames(after_ns - LATE_RETURN_NS)
                    if frame.returned_by == port and frame.returned_ns is not None and frame.returned_ns >= after_ns),
                   default=None)

    def wait_return(self, port: str, after_ns: int, timeout: float = 30.0) -> int:
        """Waits until a frame has come back by `port` at or after `after_ns`; returns when the first did."""
        until = time.monotonic() + timeout
        while True:
            found = self.first_return(port, max(after_ns, time.monotonic_ns() - 1_000_000_000))
            if found is not None:
                first = self.first_return(port, after_ns)
                assert first is not None
                return first
            if time.monotonic() >= until:
                raise LabTimeout(f"switch {self.mac}: no frame came back by port {port} in {timeout:g} s")
            time.sleep(0.05)
