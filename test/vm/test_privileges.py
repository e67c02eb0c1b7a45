# SPDX-License-Identifier: BSD-3-Clause
"""testpmd as an ordinary user, with the privileges that the guide's section "Privileges" names, and with fewer.

Each capability and file is needed: without it the driver reports what failed, and goes on.
"""

from __future__ import annotations

import shlex
import sys
import unittest
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import HyperVCase, SteeredVfCase  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER, LOG_LEVEL, MACS, QUICK, end, plugins, ports  # noqa: E402
from vf_support import NETVSC, PATIENCE_S, VF, VfCase  # noqa: E402

USER = 65534
UNPRIVILEGED = "/run/lab/unprivileged"


class Unprivileged(VfCase):
    """Cases with one NetVSC; /dev/net/tun may be opened by anybody, as udev leaves it."""

    drivers: ClassVar[list[str]] = plugins()
    memory: ClassVar[int | None] = 512

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.run("chmod 0666 /dev/net/tun")

    def launch(self, *capabilities: str, arguments: str = "") -> Testpmd:
        """testpmd with these capabilities and no others, forwarding."""
        wanted = ",".join(["-all", *(f"+{capability}" for capability in capabilities)])
        words = shlex.join(["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", f"--inh-caps={wanted}",
                            f"--ambient-caps={wanted}", f"--bounding-set={wanted}", "--no-new-privs",
                            self.program({"XDG_RUNTIME_DIR": "/run/lab/user"})])
        self.guest.run(f"install -d -o {USER} -g {USER} -m 0700 /run/lab/user")
        self.guest.write_file(UNPRIVILEGED, f'#!/bin/sh\nexec {words} "$@"\n', 0o755)
        testpmd = Testpmd(self.guest, [*self.blocked(), LOG_LEVEL,
                                       f"--vdev=net_vdev_netvsc0,iface={self.names[0]}{arguments}"],
                          [QUICK], self.drivers, self.memory, program=UNPRIVILEGED)
        self.addCleanup(end, testpmd.process)
        self.testpmds.append(testpmd.process)
        status = self.guest.run(f"grep -E '^(Uid|CapEff)' /proc/{testpmd.process.pid}/status").stdout
        self.assertIn(f"\t{USER}\t", status)
        self.note(f"{', '.join(capabilities) or 'nothing'}: {' '.join(status.split())}")
        testpmd.start()
        return testpmd

    def expect_traffic(self, by: str) -> None:
        self.steer(NETVSC)
        self.addCleanup(self.switch.stop_traffic)
        self.wait_traffic(by, self.switch.start_traffic(self.pps))


class Tap(Unprivileged, SteeredVfCase):
    def test_net_admin_is_enough(self) -> None:
        testpmd = self.launch("net_admin")
        self.expect_traffic(NETVSC)
        self.assert_quits(testpmd)

    def test_without_net_admin(self) -> None:
        testpmd = self.launch()
        self.said(testpmd, "fallback=tap does not work here: .*Operation not permitted", since=0)
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.assert_quits(testpmd)

    def test_without_the_tap_device(self) -> None:
        self.guest.run("chmod 0600 /dev/net/tun")
        self.addCleanup(self.guest.run, "chmod 0666 /dev/net/tun")
        testpmd = self.launch("net_admin")
        self.said(testpmd, "fallback=tap does not work here: .*/dev/net/tun: Permission denied", since=0)
        self.assert_quits(testpmd)

    def test_vf_that_keeps_its_kernel_driver(self) -> None:
        """The test PMD needs packet sockets, as bifurcated PMDs do."""
        testpmd = self.launch("net_admin", "net_raw")
        self.expect_traffic(NETVSC)
        self.come(self.add_vf)
        self.go(lambda: self.unplug(VF))
        self.assert_quits(testpmd)

    def test_vf_without_net_raw(self) -> None:
        testpmd = self.launch("net_admin")
        self.expect_traffic(NETVSC)
        HyperVCase.add_vf(self)  # without take_from_kernel()
        self.said(testpmd, "probe failed: ", since=0)
        self.assert_only_by(VF)  # hv_netvsc moves the fallback's frames by the VF
        self.assert_quits(testpmd)


class OtherFallbacks(Unprivileged, HyperVCase):
    """Each with what it needs, and without any one of that."""

    # af_xdp's CAP_SYS_ADMIN lets the driver read the kernel's log, too.
    known_warnings = HyperVCase.known_warnings + "|Attempt to access syslog with CAP_SYS_ADMIN but no CAP_SYSLOG"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.modprobe("vhost_net")
        # As udev and systemd leave them.
        cls.guest.run("chmod 0666 /dev/vhost-net; chmod 0755 /run; mount -t bpf -o mode=0700 bpf /sys/fs/bpf")

    def launch(self, *capabilities: str, arguments: str = "") -> Testpmd:
        # What AF_XDP made there before would be this user's, and open to it therefore.
        self.guest.run("rm -rf /run/vdev_netvsc /sys/fs/bpf/xdp")
        return super().launch(*capabilities, arguments=arguments)

    def check(self, kind: str, *needed: str, said: dict[str, str]) -> None:
        """It works with the capabilities `needed`; without one of them the driver says what it misses."""
        testpmd = self.launch(*needed, arguments=f",fallback={kind}")
        self.expect_traffic(NETVSC)
        self.switch.stop_traffic()
        self.assert_quits(testpmd)
        self.assertEqual(set(said), set(needed))
        for missing, message in said.items():
            testpmd = self.launch(*(each for each in needed if each != missing), arguments=f",fallback={kind}")
            self.said(testpmd, message, since=0)
            self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
            self.assert_quits(testpmd)

    def test_af_packet(self) -> None:
        self.check("af_packet", "net_admin", "net_raw", said={
            "net_admin": "does not work here: permission to configure the netdevice .*Operation not permitted. missing; no other",
            "net_raw": "does not work here: .*AF_PACKET: Operation not permitted. missing; fallback=tap would"})

    def test_virtio_user(self) -> None:
        self.check("virtio_user", "net_admin", "net_raw", said={
            "net_admin": "does not work here: permission to configure the netdevice ",
            "net_raw": "does not work here: .*AF_PACKET: Operation not permitted. missing; fallback=tap would"})

    def test_virtio_user_without_vhost(self) -> None:
        self.guest.run("chmod 0600 /dev/vhost-net")
        self.addCleanup(self.guest.run, "chmod 0666 /dev/vhost-net")
        testpmd = self.launch("net_admin", "net_raw", arguments=",fallback=virtio_user")
        self.said(testpmd, "does not work here: /dev/vhost-net .*Permission denied. missing; fallback=af_packet would", since=0)
        self.assert_quits(testpmd)

    def test_af_xdp(self) -> None:
        self.check("af_xdp", "net_admin", "net_raw", "sys_admin", "ipc_lock", "dac_override", said={
            "net_admin": "does not work here: permission to configure the netdevice ",
            "net_raw": "does not work here: .*AF_XDP sockets .Operation not permitted. missing; fallback=tap would",
            "sys_admin": "does not work here: .*CAP_SYS_ADMIN, for libxdp missing; fallback=af_packet would",
            "ipc_lock": r"Rx queue 0: no AF_XDP socket; the kernel locks the \d+ KiB of the mbuf pool for it",
            "dac_override": "/run/vdev_netvsc: Permission denied; if the process is killed, its XDP program stays"})


class Bound(Unprivileged):
    """The cases of both drivers for vf_bind=; the classes below say which, and with what.

    Over the look-alike: hv_netvsc's host does not send by a bound VF.
    """

    drivers = [DRIVER]
    bind: ClassVar[str]
    model: ClassVar[str]
    kernel: ClassVar[str]  # the VF's own driver
    needed: ClassVar[tuple[str, ...]]  # besides net_admin and dac_override

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.modprobe(cls.bind)

    def bound(self, *capabilities: str) -> Testpmd:
        testpmd = self.launch(*capabilities, arguments=f",vf_bind={self.bind}")
        self.expect_traffic(NETVSC)
        return testpmd

    def check_these_are_enough(self) -> None:
        testpmd = self.bound("net_admin", "dac_override", *self.needed)
        self.come(lambda: self.add_vf(self.model))
        self.go(lambda: self.unplug(VF))
        self.assert_quits(testpmd)

    def check_without_dac_override(self) -> None:
        testpmd = self.bound("net_admin", *self.needed)
        self.add_vf(self.model)
        self.said(testpmd, f"bind to {self.bind} failed: .*driver_override: Permission denied", since=0)
        self.assertEqual(self.kernel_driver(), self.kernel)
        self.assert_only_by(NETVSC)
        self.assert_quits(testpmd)


class Vfio(Bound):
    """vf_bind=vfio-pci, behind an emulated IOMMU."""

    machine_arguments: ClassVar[dict[str, object]] = {"iommu": True, "memory": 3072}
    memory = 240  # vfio maps 65,535 pages at most, and EAL (24.11) each one by itself
    bind, model, kernel, needed = "vfio-pci", "e1000e", "e1000e", ("ipc_lock",)

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.run("chmod 0666 /dev/vfio/vfio")  # as udev leaves it

    def test_these_are_enough(self) -> None:
        self.check_these_are_enough()

    def test_without_dac_override(self) -> None:
        self.check_without_dac_override()

    def test_without_ipc_lock(self) -> None:
        testpmd = self.bound("net_admin", "dac_override")
        self.add_vf(self.model)
        testpmd.process.expect("RLIMIT_MEMLOCK|cannot map|Cannot allocate memory", PATIENCE_S, 0)
        self.assert_only_by(NETVSC)
        self.assert_quits(testpmd)


class Uio(Bound):
    """vf_bind=uio_pci_generic, with hugepages that the user may write to."""

    machine_arguments: ClassVar[dict[str, object]] = {"hugepages": 512, "memory": 3072}
    memory = None
    bind, model, kernel, needed = "uio_pci_generic", "virtio-net-pci", "virtio-pci", ("sys_admin",)

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.run("chmod 1777 /dev/hugepages")

    def test_these_are_enough(self) -> None:
        self.check_these_are_enough()

    def test_without_dac_override(self) -> None:
        self.check_without_dac_override()

    def test_without_sys_admin(self) -> None:
        testpmd = self.bound("net_admin", "dac_override")
        self.add_vf(self.model)
        testpmd.process.expect("Expecting 'PA' IOVA mode", PATIENCE_S, 0)
        self.said(testpmd, "probe failed", since=0)
        self.assert_only_by(NETVSC)
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
