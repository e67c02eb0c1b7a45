"""Which of DPDK's drivers the guest has: those that the lab uses, and those with which its programs are linked.

EAL loads every driver that is installed. With all of them, each start of testpmd loads 130 shared objects by 9p, which
takes more than all else that it does.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

USED = ("bus_pci", "bus_vdev", "bus_vmbus", "mempool_ring", "net_af_packet", "net_af_xdp", "net_e1000", "net_failsafe",
        "net_netvsc", "net_null", "net_ring", "net_tap", "net_vdev_netvsc", "net_vhost", "net_virtio")
FOLDERS = ("usr/lib/*/dpdk/pmds-*", "usr/local/lib/*/dpdk/pmds-*")
PROGRAMS = ("usr/bin/dpdk-testpmd", "usr/local/bin/dpdk-testpmd", "usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk")
# For the guest's shell, for each folder of drivers.
SCRIPT = """all=/run/lab/drivers{folder} kept=/run/lab/kept{folder}
mkdir -p $all $kept
mount -o bind {folder} $all
cd $all && ln -s {files} $kept/ && cd /
mount -o bind $kept {folder}
"""


def script() -> bytes:
    """What the guest's shell executes. The guest has this root, too."""
    root = Path("/")
    names = set(USED)
    for program in filter(Path.exists, (root / name for name in PROGRAMS)):
        linked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        names.update(re.findall(r"\blibrte_(\w+)\.so", linked))
    text = ""
    for folder in sorted(filter(Path.is_dir, (path for pattern in FOLDERS for path in root.glob(pattern)))):
        files = [f"$PWD/{path.name}" for path in sorted(folder.iterdir())
                 if path.name.split(".so")[0].removeprefix("librte_") in names]
        text += SCRIPT.format(folder=folder, files=" ".join(files))
    return text.encode()
