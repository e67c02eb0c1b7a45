# SPDX-License-Identifier: BSD-3-Clause
"""Hyper-V in the lab: NetVSC netdevices of the kernel's own hv_netvsc, above the VMBus host of test/vm/hyperv.

    machine = Machine(modules=("virtio_net", "e1000e"))
    hyperv = HyperV(machine)                      # before boot: builds the host
    hyperv.nic_add("nv0", MAC)                    # before boot, or afterwards
    with machine:
        hyperv.start()                            # loads the host and hv_netvsc, and offers the NICs
        name = hyperv.nic("nv0").ifname()
        hyperv.nic("nv0").vf_add("vf")            # an e1000e that hv_netvsc joins
        ...

Each NIC has a wire: a virtio-net NIC with another MAC address in a network namespace of its own, which only the host uses.
The lab's switch sends by the path that the guest has asked the host for.
"""

from __future__ import annotations

import itertools
import shlex
import time
from pathlib import Path

from . import vmbus_build
from .errors import LabError
from .guest import Guest
from .machine import FIRST_ROOT_PORT_SLOT, Machine, Unplug

CONTROL = "/sys/kernel/hyperv_host"
NAMESPACE = "hyperv-host"  # where the wires are
IN_GUEST = "/run/lab/hv_vmbus.ko"
DEVICES = "/sys/bus/vmbus/devices"
DRIVERS = "/sys/bus/vmbus/drivers"
WITHHOLD = "withhold"
# What every machine's log may have: a module that is neither the kernel's nor signed, a host that is busy; what hv_netvsc
# announces to its neighbours when it switches the data path, which the lab's switch returns to it; a frame for a VF whose
# queues the kernel has removed already (remove_queue_kobjects() in Linux's net/core/net-sysfs.c).
KNOWN_WARNINGS = (r"hv_vmbus: (loading out-of-tree module|module verification failed)|tainting kernel|"
                  r"hrtimer: interrupt took|sched: RT throttling activated|cfs_period_timer.*period too short|"
                  r"ICMPv6: NA: .* advertised our address|selects TX queue 0, but real number of TX queues is 0")
# What it may have, too, when a testpmd with net_tap is killed: the redirection of its traffic outlives its netdevice.
KILLED = r"|tc mirred to Houston|net_ratelimit: \d+ callbacks suppressed"


# Waits for the netdevice, and does what take_from_kernel() does.
TAKER = ("until set -- {netdevice} && [ -e \"$1\" ]; do sleep 0.01; done; name=${{1##*/}}; "
         "tc qdisc add dev $name clsact && tc filter add dev $name ingress matchall action drop")


def instance(mac: str) -> str:
    """The NIC's instance GUID: Azure's consist of the MAC address, too."""
    digits = (mac.replace(":", "") * 3)[:32]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])).lower()


def wire_mac(mac: str) -> str:
    """The wire NIC's MAC address: locally administered, else that of its NIC."""
    return f"02{mac[2:]}"


class HyperVNic:
    """A NetVSC NIC, as its host sees it. Made by HyperV.nic_add()."""

    def __init__(self, machine: Machine, id: str, mac: str, channels: int, serial: int, netdevice: str | None) -> None:
        self.id = id
        self.mac = mac.lower()
        self.instance = instance(mac)
        self.serial = serial
        self.channels = channels
        self._machine = machine
        self._plugged = netdevice is None
        self._wire = netdevice  # its name; None: that of the NIC that is plugged
        self._moved = False  # to NAMESPACE
        if self._plugged:
            machine.nic_add(id, wire_mac(self.mac), switch=self.mac, modern_pio_notify=True)
            machine.switch(self.mac).set_wire(id)

    @property
    def _guest(self) -> Guest:
        return self._machine.guest

    # Life.

    def attach(self) -> None:
        """Hands the wire to the host, which does not offer the NIC yet."""
        if not self._moved:
            wire = f"wire-{self.id}"
            self._guest.run(["ip", "link", "set", self._wire or self._machine.ifname(self.id), "netns", NAMESPACE,
                             "name", wire])
            self._wire, self._moved = wire, True
        add = shlex.quote(f"{self.instance} {self.mac} {self._wire}")
        self._guest.run(f"ip netns exec {NAMESPACE} sh -c 'echo \"$1\" > {CONTROL}/add' sh {add}")
        self.set("channels", self.channels)
        self.set("serial", self.serial)

    def offer(self) -> None:
        """The guest gets the NIC. Returns when its driver has probed it."""
        self.set("present", 1)

    def rescind(self) -> None:
        """The host rescinds the NIC. Returns when the guest's driver has released it."""
        self.set("present", 0)

    def remove(self) -> None:
        """Takes it back for good, and unplugs the wire."""
        self._guest.run(f"echo {self.instance} > {CONTROL}/remove")
        if self._plugged:
            self._machine.nic_del(self.id)

    # Control.

    def get(self, name: str) -> str:
        """A control file's text; see test/vm/hyperv/control.c."""
        return self._guest.read_file(f"{CONTROL}/{self.instance}/{name}").decode().strip()

    def set(self, name: str, value: object, timeout: float = 60.0) -> None:
        """Writes a control file."""
        text = str(int(value)) if isinstance(value, bool) else str(value)
        self._guest.run(f"echo {shlex.quote(text)} > {CONTROL}/{self.instance}/{name}", timeout)

    def delay(self, kind: str, milliseconds: int | str) -> None:
        """Delays the host's answers of a kind from now on; WITHHOLD: until release()."""
        self.set("delay", f"{kind} {milliseconds}")

    def release(self, kind: str = "all") -> None:
        """Sends what is withheld or delayed."""
        self.set("release", kind)

    def statistics(self) -> dict[str, int]:
        """The host's counts: to_guest, from_guest, dropped (frames), switches, associations, held (receive sections)."""
        return {name: int(value) for name, value in map(str.split, self.get("statistics").splitlines())}

    @property
    def data_path(self) -> str:
        """What the guest has asked for last: `synthetic` or `vf`."""
        return self.get("data_path")

    # What the guest has.

    def bind(self, driver: str) -> None:
        """Gives the NIC, and no other, to this driver of the VMBus; hv_netvsc is its own."""
        override = shlex.quote("" if driver == "hv_netvsc" else driver)
        self._guest.run(f"cd {DEVICES}/{self.instance} && echo {override} > driver_override && "
                        f"echo {self.instance} > driver/unbind && echo {self.instance} > {DRIVERS}/{driver}/bind")

    def driver(self) -> str:
        """The name of its driver; empty if it has none."""
        link = self._guest.run(["readlink", f"{DEVICES}/{self.instance}/driver"], check=False).stdout.strip()
        return Path(link).name

    def ifname(self, timeout: float = 30.0) -> str:
        """Its netdevice; waits for it."""
        found = self._guest.glob(f"{DEVICES}/{self.instance}/net/*", timeout=timeout)
        if not found:
            raise LabError(f"NIC {self.id}: hv_netvsc has no netdevice for it after {timeout:g} s\n"
                           f"{self._guest.run('dmesg | tail -n 20').stdout}")
        return Path(found[0]).name

    def wire_address(self) -> str:
        """The wire's PCI address, for EAL's -b."""
        return self._machine.pci_address(self.id)

    # The VF.

    def slot(self, port: int, device: int = 0) -> None:
        """Names the slot of what is, or will be, `device` below a root port by the VF's serial number.

        Without it, hv_netvsc finds a VF by its MAC address, but only on root port 0.
        """
        self.set("slot", f"0000:00:{FIRST_ROOT_PORT_SLOT + port:02x}.0 {device}")

    def associate(self, associated: bool = True) -> None:
        """Notifies the guest whether it has a VF."""
        self.set("association", associated)

    def vf_add(self, id: str, model: str = "e1000e", associated: bool = True, port: int | None = None) -> str:
        """As vf_plug(); returns its netdevice's name in the guest, for which it waits."""
        self.vf_plug(id, model, associated, port)
        return self._machine.ifname(id)

    def vf_plug(self, id: str, model: str = "e1000e", associated: bool = True, port: int | None = None) -> None:
        """Plugs a NIC with the NetVSC's MAC address. Does not wait for the guest."""
        used = {nic.port for nic in self._machine.nics.values()}
        if port is None:
            port = next((number for number in range(self._machine.root_ports) if number not in used), None)
        if port is None:
            raise LabError(f"NIC {id}: no free root port")
        self.slot(port)
        if associated:
            self.associate()
        self._machine.nic_add(id, self.mac, model, port)

    def take_from_kernel(self, netdevice: str) -> str:
        """Keeps what a VF receives from the kernel, as mlx5's steering does once a PMD has the VF.

        The test PMD's packet socket still sees the frames. Without this, hv_netvsc gives the kernel's copy out as
        NetVSC's own, and the fallback returns each frame again. Returns its argument.
        """
        self._guest.run(f"tc qdisc add dev {netdevice} clsact && "
                        f"tc filter add dev {netdevice} ingress matchall action drop")
        return netdevice

    def vf_add_for_pmd(self, id: str, model: str = "e1000e") -> int:
        """As vf_add(), and take_from_kernel() as soon as its netdevice exists, so that no frame comes twice.

        Returns when QEMU had added it (host's monotonic clock, ns).
        """
        port = min(set(range(self._machine.root_ports)) - {nic.port for nic in self._machine.nics.values()})
        netdevice = f"/sys/bus/pci/devices/0000:00:{FIRST_ROOT_PORT_SLOT + port:02x}.0/0000:*/net/*"
        taker = self._guest.spawn(f"taker-{id}-{time.monotonic_ns()}", TAKER.format(netdevice=netdevice), pty=False)
        self.vf_plug(id, model, port=port)
        added = time.monotonic_ns()
        if taker.wait() != 0:
            raise LabError(f"NIC {id}: its frames are not kept from the kernel: {taker.output()}")
        return added

    def vf_del(self, id: str, associated: bool = False, timeout: float = 30.0) -> Unplug:
        """Unplugs it, and then takes the association back."""
        unplug = self._machine.nic_del(id, timeout)
        if not associated:
            self.associate(False)
        return unplug


class HyperV:
    """The VMBus host of a machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._module = vmbus_build.module(machine.kernel, machine.cache_dir)
        self._serials = itertools.count(101)  # unlike any slot's name that the firmware gives
        self._started = False
        self.nics: dict[str, HyperVNic] = {}

    def nic_add(self, id: str, mac: str, channels: int = 1, offered: bool = True,
                netdevice: str | None = None) -> HyperVNic:
        """Adds a NIC, with up to `channels` channels. After start(), the guest gets it at once if it is `offered`.

        Its wire is a new NIC of the machine's with the same id, which is also the switch's port for the synthetic path;
        or, after start(), a netdevice that the guest has already.
        """
        nic = self.nics[id] = HyperVNic(self._machine, id, mac, channels, next(self._serials), netdevice)
        if self._started:
            nic.attach()
            if offered:
                nic.offer()
        return nic

    def nic(self, id: str) -> HyperVNic:
        """A NIC by its id."""
        return self.nics[id]

    def nic_del(self, id: str) -> None:
        """Takes a NIC away for good."""
        self.nics.pop(id).remove()

    def start(self, driver: str = "hv_netvsc", offered: bool = True) -> None:
        """Loads the host and the guest's driver, and offers the NICs."""
        guest = self._machine.guest
        guest.write_file(IN_GUEST, self._module.read_bytes())
        guest.run(f"{{ [ -e /run/netns/{NAMESPACE} ] || ip netns add {NAMESPACE}; }} && "
                  f"insmod {IN_GUEST} && modprobe {driver}")
        self._started = True
        for nic in self.nics.values():
            nic.attach()
            if offered:
                nic.offer()

    def stop(self) -> None:
        """Unloads the driver and the host, which fails if anything still uses them. The wires stay."""
        self._machine.guest.run("rmmod hv_netvsc && rmmod hv_vmbus")
        self._started = False
