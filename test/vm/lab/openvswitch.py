# SPDX-License-Identifier: BSD-3-Clause
"""Debian's Open vSwitch with DPDK: installed, or unpacked by scripts/setup for the DPDK release that is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROGRAM = "usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"


def _root() -> Path | None:
    version = subprocess.run(["pkg-config", "--modversion", "libdpdk"], check=True, capture_output=True, text=True)
    unpacked = Path(__file__).resolve().parents[3] / f".deps/ovs-{version.stdout.strip()}"
    return next((root for root in (Path("/"), unpacked) if (root / PROGRAM).exists()), None)


ROOT = _root()  # the folder that has PROGRAM; None without Open vSwitch


def environment(folder: str) -> list[str]:
    """The command that runs its programs so that they find each other, their libraries, and `folder` for sockets."""
    return ["env", f"OVS_RUNDIR={folder}", f"LD_LIBRARY_PATH={ROOT}/usr/lib/x86_64-linux-gnu",
            f"PATH={ROOT}/usr/bin:{ROOT}/usr/sbin:/usr/bin:/usr/sbin:/bin:/sbin"]
