# SPDX-License-Identifier: BSD-3-Clause
"""Shows the NetVSC interfaces of a Hyper-V or Azure machine and runs testpmd on those that are free.

What the machine looks like is read from sysfs (NETVSC_SYSFS in its place, for a trial) and from `ip address`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Sequence

from . import testpmd_arguments
from .table import table

NETVSC_CLASS = "{f8615163-df3e-46c5-913f-f2d2f965ed0e}"
PLUGIN = "librte_net_vdev_netvsc.so"
ACCEPTED_IN_IFACE = set("_-.@+~")  # besides letters and digits; others would break up the device arguments
STAGING_PARENTS = ("/run", "/var/lib", "/usr/local/lib", "/root")
WITHOUT_HUGEPAGES = ["--no-huge", "-m", "512"]
MBUFS = 32768  # testpmd's default, sized for all possible cores, can take more than those 512 MiB
MANA = "mana"  # the kernel driver whose one PCI function carries several ports
RDMA_MODULES = {"mlx4_core": "mlx4_ib", "mlx5_core": "mlx5_ib", MANA: "mana_ib"}  # what DPDK's drivers go through


class HyperVError(Exception):
    """A reason not to start, for the user."""


@dataclass(frozen=True)
class Vf:
    """A netdevice on PCI with a NetVSC interface's MAC address, and the kernel driver of its device."""

    name: str
    pci: str
    driver: str


@dataclass(frozen=True)
class Interface:
    """A NetVSC netdevice; `uppers` are the bridges, bonds, VLANs and so on that stand on it."""

    name: str
    mac: str
    addresses: tuple[str, ...] = ()
    uppers: tuple[str, ...] = ()
    vfs: tuple[Vf, ...] = ()

    def in_use(self) -> str:
        """Why it is left alone unless named; empty if it is free."""
        if self.addresses:
            return "has an address"
        return f"is below {', '.join(self.uppers)}" if self.uppers else ""


# The interfaces of this machine.

def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _is_netvsc(netdevice: Path) -> bool:
    return _text(netdevice / "device/class_id").lower() == NETVSC_CLASS


def _netdevices(sysfs: Path) -> list[Path]:
    return sorted(path for path in (sysfs / "class/net").glob("*") if path.is_dir())


def is_hyperv(sysfs: Path) -> bool:
    """Whether this machine runs on Hyper-V: it has a NetVSC interface, or its firmware says so."""
    if any(map(_is_netvsc, _netdevices(sysfs))):
        return True
    dmi = sysfs / "class/dmi/id"
    return (_text(dmi / "sys_vendor"), _text(dmi / "product_name")) == ("Microsoft Corporation", "Virtual Machine")


def _vf(netdevice: Path) -> Vf | None:
    device = netdevice / "device"
    if _is_netvsc(netdevice) or (device / "subsystem").resolve().name != "pci":
        return None
    driver = device / "driver"
    return Vf(netdevice.name, device.resolve().name, driver.resolve().name if driver.exists() else "none")


def interfaces(sysfs: Path, addresses: Mapping[str, Sequence[str]]) -> list[Interface]:
    """The NetVSC netdevices. `addresses`: by netdevice, as ip_addresses() gives them."""
    devices = _netdevices(sysfs)
    vfs: dict[str, list[Vf]] = {}
    for path in devices:
        if vf := _vf(path):
            vfs.setdefault(_text(path / "address"), []).append(vf)
    return [Interface(path.name, mac, tuple(addresses.get(path.name, ())),
                      tuple(sorted(upper.name.removeprefix("upper_") for upper in path.glob("upper_*"))),
                      tuple(vfs.get(mac, ())))
            for path in devices if _is_netvsc(path) for mac in [_text(path / "address")]]


def ip_addresses() -> dict[str, list[str]]:
    """The IPv4 and IPv6 addresses of each netdevice."""
    try:
        done = subprocess.run(["ip", "-json", "address", "show"], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise HyperVError("ip is missing (package iproute2)") from None
    except subprocess.CalledProcessError as error:
        raise HyperVError(f"ip address show failed: {error.stderr.strip()}") from None
    return {link["ifname"]: [f"{entry['local']}/{entry['prefixlen']}" for entry in link.get("addr_info", ())
                             if "local" in entry]
            for link in json.loads(done.stdout) if "ifname" in link}


def free_hugepages(sysfs: Path) -> bool:
    """Whether there is a free hugepage of any size."""
    return any(_text(path) not in ("", "0") for path in (sysfs / "kernel/mm/hugepages").glob("*/free_hugepages"))


# What is done with it.

def choose(found: Sequence[Interface], named: Sequence[str]) -> list[Interface]:
    """The named ones, or those nobody uses."""
    if not named:
        return [interface for interface in found if not interface.in_use()]
    by_name = {interface.name: interface for interface in found}
    for name in named:
        if name not in by_name:
            raise HyperVError(f"{name} is not a NetVSC interface of this machine; there are: "
                              f"{', '.join(by_name) or 'none'}")
    return [by_name[name] for name in dict.fromkeys(named)]


def _selector(interface: Interface) -> str:
    """The device argument that selects the interface."""
    if all(letter.isascii() and letter.isalnum() or letter in ACCEPTED_IN_IFACE for letter in interface.name):
        return f"iface={interface.name}"
    return f"mac={interface.mac}"


def pci_arguments(found: Sequence[Interface], taken: Sequence[Interface]) -> list[str]:
    """Keeps EAL off the VFs of the interfaces that are left alone: DPDK's mlx5 would take their traffic away."""
    wanted: dict[str, list[str]] = {}
    for interface in taken:
        for vf in interface.vfs:
            wanted.setdefault(vf.pci, []).extend([f"mac={interface.mac}"] if vf.driver == MANA else [])
    unwanted = dict.fromkeys(vf.pci for interface in found if interface not in taken for vf in interface.vfs)
    if wanted.keys() & unwanted.keys():  # ports of one function: only an allow list separates them
        return [word for pci, macs in wanted.items() for word in ("-a", ",".join([pci, *macs]))]
    return [word for pci in unwanted for word in ("-b", pci)]


def testpmd_command(found: Sequence[Interface], taken: Sequence[Interface], plugin: str, hugepages: bool,
                    extra: Sequence[str], interactive: bool) -> list[str]:
    """The whole command line."""
    eal, application = testpmd_arguments.split(extra)
    command = ["dpdk-testpmd", "-d", plugin]
    command += [f"--vdev=net_vdev_netvsc{number},{_selector(interface)}" for number, interface in enumerate(taken)]
    if not any(word.startswith(("-a", "--allow", "-b", "--block")) for word in eal):
        command += pci_arguments(found, taken)
    if not hugepages:
        command += WITHOUT_HUGEPAGES
        application = [f"--total-num-mbufs={MBUFS}", *application]
    if not testpmd_arguments.split(extra)[1]:
        application.append("-i" if interactive else "--stats-period=1")
    return [*command, *eal, "--", *application]


def modules(taken: Sequence[Interface]) -> list[str]:
    """Kernel modules that DPDK's drivers for these VFs, and tap, need and nothing else loads."""
    rdma = dict.fromkeys(RDMA_MODULES[vf.driver] for interface in taken for vf in interface.vfs
                         if vf.driver in RDMA_MODULES)
    return [*([] if Path("/dev/net/tun").exists() else ["tun"]), *(["ib_uverbs", *rdma] if rdma else [])]


def _safe_for_plugins(folder: Path) -> bool:
    """Whether EAL loads from below it: nobody but root may write there, and programs may be run from it."""
    try:
        for path in (folder, *folder.parents):
            status = path.stat()
            if status.st_uid != 0 or status.st_mode & (stat.S_IWOTH | stat.S_IWGRP):
                return False
        return not os.statvfs(folder).f_flag & os.ST_NOEXEC
    except OSError:
        return False


def staging_parent(candidates: Sequence[str] = STAGING_PARENTS) -> Path:
    """Where a folder for the plugin may be made. Debian mounts /run noexec on some machines."""
    for candidate in map(Path, candidates):
        if _safe_for_plugins(candidate):
            return candidate
    raise HyperVError(f"none of {', '.join(candidates)} can hold the plugin: expected a folder, and those above "
                      "it, of root's, that only root may write to, on a file system mounted without noexec")


def run_testpmd(command: Sequence[str], plugin: Path, staged: Path) -> int:
    """Runs testpmd with the plugin at `staged`, whose folder is made and removed; returns its exit status."""
    ended_by: list[int] = []
    testpmd: subprocess.Popen[bytes] | None = None

    def terminated(number: int, _frame: object) -> None:
        # No exception: within Popen() it would leave a testpmd behind that nobody knows.
        ended_by.append(number)
        if testpmd:
            testpmd.terminate()

    signal.signal(signal.SIGTERM, terminated)
    signal.signal(signal.SIGHUP, terminated)
    shutil.rmtree(staged.parent, ignore_errors=True)  # of a process that had this one's number and was killed
    staged.parent.mkdir(mode=0o700)
    try:
        shutil.copyfile(plugin, staged)
        # Ctrl-C reaches testpmd, too, which ends by it; a handler, unlike SIG_IGN, is not inherited.
        signal.signal(signal.SIGINT, lambda *_: None)
        if not ended_by:
            testpmd = subprocess.Popen(command)
            if ended_by:
                testpmd.terminate()
            status = testpmd.wait()
        if ended_by:
            return 128 + ended_by[0]
        return status if status >= 0 else 128 - status
    finally:
        shutil.rmtree(staged.parent, ignore_errors=True)


def show(found: Sequence[Interface], taken: Sequence[Interface]) -> None:
    """The table of interfaces."""
    rows = []
    for interface in found:
        reason = interface.in_use()
        verdict = (f"taken, as named ({reason})" if reason else "taken") if interface in taken else \
            f"left alone: {reason or 'not named'}"
        vf = interface.vfs[0] if interface.vfs else Vf("-", "-", "-")
        rows.append([interface.name, interface.mac, ", ".join(interface.addresses) or "none",
                     vf.name, vf.pci, vf.driver, verdict])
        rows += [["", "", "", other.name, other.pci, other.driver, ""] for other in interface.vfs[1:]]
    print(table(["NetVSC", "MAC address", "addresses", "VF", "PCI address", "VF's driver", ""], rows))


def nothing_to_take(found: Sequence[Interface]) -> HyperVError:
    """What to do about it."""
    if not found:
        return HyperVError("this machine runs on Hyper-V but has no NetVSC interface. scripts/run --lab shows the "
                           "driver in a virtual machine")
    text = ("every NetVSC interface is in use, and this machine may be reached by it, so none is taken. "
            "scripts/run --iface NAME takes one nevertheless; scripts/run --lab shows the driver in a virtual machine")
    for interface in found:
        if interface.addresses and all(address.startswith("fe80:") for address in interface.addresses):
            text += (f"\n{interface.name} has only a link-local address: `ip link set {interface.name} down` "
                     "frees it")
    return HyperVError(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="show.hyperv", description=__doc__)
    parser.add_argument("--detect", action="store_true", help="exit status 0 on Hyper-V, 1 elsewhere; do nothing else")
    parser.add_argument("--iface", action="append", default=[], metavar="NAME", help="take this one, used or not")
    parser.add_argument("--dry-run", action="store_true", help="print the commands instead of running them")
    parser.add_argument("--plugin", type=Path, metavar="FILE", help="the driver")
    return parser


def start(options: argparse.Namespace, sysfs: Path) -> int:
    found = interfaces(sysfs, ip_addresses())
    taken = choose(found, options.iface)
    if found:
        show(found, taken)
    if not taken:
        raise nothing_to_take(found)
    if not options.dry_run and os.geteuid() != 0:
        raise HyperVError("only root can run testpmd on them")
    staged = staging_parent() / f"netvsc-run-{os.getpid()}" / PLUGIN
    hugepages = free_hugepages(sysfs)
    if not hugepages:
        print(f"no free hugepages: testpmd runs with {' '.join(WITHOUT_HUGEPAGES)}")
    command = testpmd_command(found, taken, str(staged), hugepages, options.testpmd, sys.stdin.isatty())
    needed = ["modprobe", "-a", *modules(taken)]
    if len(needed) > 2:
        print(shlex.join(needed), flush=True)
        if not options.dry_run and subprocess.run(needed, check=False).returncode != 0:
            print("continuing without it: testpmd's messages show what is missing", file=sys.stderr)
    print(shlex.join(command), flush=True)
    return 0 if options.dry_run else run_testpmd(command, options.plugin, staged)


def main() -> int:
    arguments = sys.argv[1:]
    at = arguments.index("--") if "--" in arguments else len(arguments)
    options = _parser().parse_args(arguments[:at])
    options.testpmd = arguments[at + 1:]
    sysfs = Path(os.environ.get("NETVSC_SYSFS") or "/sys")
    if options.detect:
        return 0 if is_hyperv(sysfs) else 1
    try:
        return start(options, sysfs)
    except HyperVError as problem:
        print(f"run: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
