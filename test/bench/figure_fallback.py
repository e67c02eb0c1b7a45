# SPDX-License-Identifier: BSD-3-Clause
"""fallback_mpps: the packet rate of each fallback, in each direction.

The netdevice is one end of a veth pair, so the figure does not include the emulation of a NIC. The kernel's pktgen sends
from the other end on one processor, and testpmd polls on the other.
"""

from __future__ import annotations

import re
import time
from typing import Callable

from bench_lab import Lab
from lab.errors import LabError
from lab.testpmd import Testpmd
from report import INTREE, OURS, Figure
from support import QUICK, end, plugins

NEAR, FAR = "bench-near", "bench-far"
FALLBACKS = ("tap", "af_packet", "af_xdp", "virtio_user")
SIZES = (64, 1500)  # with the frame check sequence, which neither pktgen nor testpmd counts
FCS = 4
WARM_UP_S = 0.5
# What testpmd says of a path that there is not, or not with so many queues, before it ends.
NO_SUCH_PATH = re.compile("No probed ethernet devices|can't be greater than max_rx_queues")
PKTGEN = "/proc/net/pktgen"
COLUMNS = tuple(f"{way} {size}" for size in SIZES for way in ("Rx", "Tx"))


def fallback_figure(queues: list[int], seconds: float, progress: Callable[[str], None]) -> Figure:
    """Measures each number of queues for this time."""
    figure = Figure("fallback_mpps", "Packets by the fallback, in millions a second, by frame size in bytes", COLUMNS)
    Lab.guest.modprobe("pktgen", "veth")
    for count in queues:
        # No more than are used: net_af_xdp would not get the frames of the others.
        Lab.guest.run(f"ip link add {NEAR} numrxqueues {count} numtxqueues {count} type veth peer name {FAR} "
                      f"numrxqueues {count} numtxqueues {count} && ip link set {NEAR} up && ip link set {FAR} up")
        try:
            for who, fallback, intree in [*((f"{OURS}, {name}", name, False) for name in FALLBACKS),
                                          (f"{INTREE}, tap", None, True)]:
                progress(f"{who}, {count} queues")
                row = _measure(fallback, intree, count, seconds)
                if row is None:
                    figure.notes.append(f"{who}, {count} queues: not available here")
                else:
                    figure.add(f"{who}, {count} queue{'s' * (count > 1)}", *row)
        finally:
            Lab.guest.run(["ip", "link", "del", NEAR], check=False)
    return figure


def _measure(fallback: str | None, intree: bool, queues: int, seconds: float) -> tuple[float, ...] | None:
    """The row's values, or None if there is no such path here."""
    argument = "" if fallback in (None, "tap") else f",fallback={fallback}"
    try:
        testpmd = Testpmd(Lab.guest, [*Lab.blocked(), f"--vdev=net_vdev_netvsc0,iface={NEAR},force=1{argument}"],
                          [QUICK, f"--rxq={queues}", f"--txq={queues}"], plugins(intree))
    except LabError as error:
        if NO_SUCH_PATH.search(str(error)):
            return None
        raise
    try:
        values = []
        for size in SIZES:
            values += [_receive(testpmd, size, seconds), _send(testpmd, size, seconds)]
        testpmd.quit()
        return tuple(values)
    finally:
        end(testpmd.process)


def _per_second(counted: Callable[[], int], seconds: float) -> float:
    """In millions."""
    time.sleep(WARM_UP_S)
    before, began = counted(), Lab.guest.monotonic_ns()
    time.sleep(seconds)
    after, ended = counted(), Lab.guest.monotonic_ns()
    return (after - before) / (ended - began) * 1e3


def _receive(testpmd: Testpmd, size: int, seconds: float) -> float:
    """pktgen sends from the far end; counted is what testpmd has received."""
    address = Lab.guest.read_file(f"/sys/class/net/{NEAR}/address").decode().strip()
    device = f"{PKTGEN}/{FAR}@0"
    Lab.guest.run(f"echo rem_device_all > {PKTGEN}/kpktgend_0; echo add_device {FAR}@0 > {PKTGEN}/kpktgend_0; "
                  f"for word in 'count 0' 'pkt_size {size - FCS}' 'dst_mac {address}' 'dst 10.0.0.1' "
                  f"'flag UDPSRC_RND' 'udp_src_min 1024' 'udp_src_max 2047'; do echo \"$word\" > {device}; done")
    testpmd.cmd("set fwd rxonly")
    testpmd.start()
    generator = Lab.guest.spawn(f"pktgen{time.monotonic_ns()}", f"echo start > {PKTGEN}/pgctrl", pty=False)
    try:
        return _per_second(lambda: testpmd.port_stats()[0]["RX-packets"], seconds)
    finally:
        Lab.guest.run(f"echo stop > {PKTGEN}/pgctrl")
        generator.wait()
        testpmd.stop()


def _send(testpmd: Testpmd, size: int, seconds: float) -> float:
    """testpmd sends; counted is what the far end has received."""
    testpmd.cmd(f"set txpkts {size - FCS}")
    testpmd.cmd("set fwd txonly")
    testpmd.start()
    try:
        return _per_second(lambda: int(Lab.guest.read_file(f"/sys/class/net/{FAR}/statistics/rx_packets")), seconds)
    finally:
        testpmd.stop()
