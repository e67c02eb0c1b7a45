# SPDX-License-Identifier: BSD-3-Clause
"""What is written down when an invariant does not hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError

if TYPE_CHECKING:
    from test_soak import Soak

COMMANDS = {
    "link.txt": "ip -d -s link; ip netns list",
    "tc.txt": "for name in $(ls /sys/class/net); do tc -s qdisc show dev $name; tc -s filter show dev $name; "
              "tc -s filter show dev $name ingress; done",
    "pci.txt": "for device in /sys/bus/pci/devices/*; do echo $device $(readlink $device/driver); done",
    "dmesg.txt": "dmesg",
    "processes.txt": "ps -eLf; cat /proc/net/netlink; ls -l /dev/shm /run/vdev_netvsc",
}


def write(soak: Soak, folder: Path) -> None:
    """Each of it in a file of `folder`, as far as the machine still answers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "operations.txt").write_text("\n".join([*soak.diagnostics, repr(soak.expected)]) + "\n")
    (folder / "console.txt").write_text(soak.machine.console_tail(500) + "\n")
    stacks = {f"{process.name}-stacks.txt": f"eu-stack -m -s -p {process.pid}" for process in soak.testpmds}
    for name, command in {**COMMANDS, **stacks}.items():
        try:
            done = soak.guest.run(command, check=False)
            (folder / name).write_text(done.stdout + done.stderr)
        except LabError as error:
            (folder / name).write_text(f"{error}\n")
    for process in soak.testpmds:
        (folder / f"{process.name}.txt").write_text(process.output())
    try:
        told = soak.raw(f"/vdev_netvsc/info,{soak.port}", f"/vdev_netvsc/stats,{soak.port}", "/vdev_netvsc/events",
                        "/vdev_netvsc/keepalive")
        (folder / "telemetry.txt").write_text(told)
    except LabError as error:
        (folder / "telemetry.txt").write_text(f"{error}\n")
