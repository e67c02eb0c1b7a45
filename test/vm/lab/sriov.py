# SPDX-License-Identifier: BSD-3-Clause
"""An SR-IOV NIC in the lab: its physical function stays with the guest's kernel, which makes and removes its one VF.

Needs Machine(qemu=qemu.at_least(qemu.WITH_IGB), modules=(..., "igb", "igbvf")). The VF's frames go by the physical
function's port of the switch.
"""

from __future__ import annotations

from pathlib import Path

from .machine import FIRST_ROOT_PORT_SLOT, Machine

TIMEOUT_S = 120.0  # sriov_numvfs and the VF's driver take seconds
VF_DEVICE = 16  # the VF's device number on the physical function's bus: its VF offset is 128 functions


class PhysicalFunction:
    """The physical function of an emulated Intel 82576, hot-plugged into a running machine."""

    def __init__(self, machine: Machine, id: str, mac: str, switch: str) -> None:
        """switch: the MAC address whose Switch the NIC belongs to: that of the VF."""
        self._guest = machine.guest
        self.nic = machine.nic_add(id, mac, "igb", switch=switch)
        self.ifname = machine.ifname(id, TIMEOUT_S)
        self.address = machine.pci_address(id)
        self.folder = f"/sys/bus/pci/devices/{self.address}"
        self._guest.run(["ip", "link", "set", self.ifname, "up"])

    @property
    def bridge(self) -> str:
        """The PCI address of its root port."""
        return f"0000:00:{FIRST_ROOT_PORT_SLOT + self.nic.port:02x}.0"

    def vf_add(self, mac: str) -> None:
        """Makes the VF with this address; its kernel driver takes it."""
        # It gets its address before a kernel driver sees it, as on Hyper-V.
        autoprobe = f"{self.folder}/sriov_drivers_autoprobe"
        self._guest.run(f"echo 0 > {autoprobe} && echo 1 > {self.folder}/sriov_numvfs && "
                        f"ip link set {self.ifname} vf 0 mac {mac} && echo 1 > {autoprobe}", timeout=TIMEOUT_S)
        self._guest.run(f"echo {self.vf_address()} > /sys/bus/pci/drivers_probe", timeout=TIMEOUT_S)

    def vf_del(self) -> None:
        """Removes the VF, if it is present. The kernel waits for whoever has it."""
        self._guest.run(f"echo 0 > {self.folder}/sriov_numvfs", timeout=TIMEOUT_S)

    def vf_link(self, name: str) -> str:
        """Where a link in the VF's folder in sysfs leads to, its last part; empty if there is none."""
        target = self._guest.run(["readlink", f"{self.folder}/virtfn0/{name}"], check=False).stdout.strip()
        return Path(target).name

    def vf_address(self) -> str:
        """The VF's PCI address."""
        return Path(self._guest.run(["readlink", f"{self.folder}/virtfn0"]).stdout.strip()).name

    def vf_netdevices(self) -> dict[str, str]:
        """The VF's netdevices in the guest, and their addresses."""
        return {Path(path).name: self._guest.read_file(f"{path}/address").decode().strip()
                for path in self._guest.glob(f"{self.folder}/virtfn0/net/*")}
