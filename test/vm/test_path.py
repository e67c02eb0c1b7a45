# SPDX-License-Identifier: BSD-3-Clause
"""path=netvsc: DPDK's net_netvsc gets a NIC from hv_netvsc, and the netdevice returns as it was."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import HyperVCase  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER, LOG_LEVEL, MACS, PATIENCE_S, QUICK, TESTVF, end, ports, wait_for  # noqa: E402
from vf_support import NETVSC, PPS, VF, losses  # noqa: E402

NAME, MTU, ADDRESS = "data0", "1400", "192.0.2.7/24"
RECORDS = "/run/vdev_netvsc/*"


@unittest.skipIf(DRIVER == "intree", "DPDK's own driver has no path=")
class NetvscPath(HyperVCase):
    # DPDK's VMBus bus uses physical addresses.
    machine_arguments = {"hugepages": 256, "memory": 3072}
    netvscs = 2

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.modprobe("uio_hv_generic")

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.restore)
        self.guest.run(f"ip link set {self.names[0]} name {NAME} && ip link set {NAME} mtu {MTU} up && "
                       f"ip addr add {ADDRESS} dev {NAME}")
        self.names[0] = NAME

    def restore(self) -> None:
        """After a failure: the next case finds a netdevice."""
        if self.nic.driver() != "hv_netvsc":
            self.nic.bind("hv_netvsc")
        self.guest.run(f"rm -f {RECORDS}")
        self.names[0] = self.nic.ifname()
        self.guest.run(f"ip link set {self.names[0]} down mtu 1500")

    def run_path(self, *vdevs: str, eal: tuple[str, ...] = ("--iova-mode=pa",), memory: int | None = None,
                 drivers: tuple[str, ...] = ()) -> Testpmd:
        words = [f"--vdev=net_vdev_netvsc{number},{arguments}" for number, arguments in enumerate(vdevs)]
        testpmd = Testpmd(self.guest, [*self.blocked(), LOG_LEVEL, *eal, *words], [QUICK], [DRIVER, *drivers],
                          memory=memory, program=self.program({}), paced=False)
        self.addCleanup(end, testpmd.process)
        self.testpmds.append(testpmd.process)
        return testpmd

    def forward_path(self, arguments: str = f"iface={NAME},path=netvsc", drivers: tuple[str, ...] = ()) -> Testpmd:
        """testpmd that forwards by net_netvsc, and traffic in both directions."""
        testpmd = self.run_path(arguments, drivers=drivers)
        self.assertEqual(ports(testpmd), [(self.nic.instance, MACS[0])])
        self.assertEqual(testpmd.port_info()[0]["Driver name"], "net_netvsc")
        self.assertEqual(self.nic.driver(), "uio_hv_generic")
        testpmd.start()
        self.addCleanup(self.switch.stop_traffic)
        self.wait_traffic(NETVSC, self.switch.start_traffic(PPS))
        return testpmd

    def assert_restored(self) -> None:
        """The netdevice has its driver, name and settings, and nothing is left of the change."""
        self.assertEqual(self.nic.driver(), "hv_netvsc")
        shown = self.guest.run(f"ip -o addr show dev {NAME} && ip -o link show dev {NAME}").stdout
        for part in (ADDRESS, f"mtu {MTU} ", ",UP", MACS[0]):
            self.assertIn(part, shown)
        override = f"/sys/bus/vmbus/devices/{self.nic.instance}/driver_override"
        self.assertIn(self.guest.read_file(override).decode().strip(), ("", "(null)"))
        self.assertEqual(self.guest.glob(RECORDS), [])
        self.assertEqual(self.guest.glob("/dev/uio*"), [])

    def test_forwards_and_restores(self) -> None:
        """Frames in both directions. Another process takes the NIC afterwards, by its MAC address."""
        for arguments in (f"iface={NAME},path=netvsc", f"mac={MACS[0]},path=netvsc"):
            testpmd = self.forward_path(arguments)
            self.said(testpmd, f"{NAME} has the IP address {ADDRESS}")
            self.steady(NETVSC)
            self.assert_quits(testpmd)
            self.assert_restored()

    def test_detached(self) -> None:
        """The instance is removed at run time, but not while its port is started, and added again."""
        testpmd = self.forward_path()
        testpmd.cmd("device detach net_vdev_netvsc0")
        self.said(testpmd, "net_vdev_netvsc0 is not detached: its port is started")
        self.steady(NETVSC)
        self.switch.stop_traffic()
        testpmd.stop()
        testpmd.cmd("port stop 0")
        testpmd.cmd("port close 0")
        testpmd.cmd("device detach net_vdev_netvsc0")
        self.assert_restored()
        testpmd.cmd(f"port attach net_vdev_netvsc0,iface={NAME},path=netvsc")
        self.assertEqual(ports(testpmd), [(self.nic.instance, MACS[0])])
        self.assert_quits(testpmd)
        self.assert_restored()

    def test_killed(self) -> None:
        """The next process restores the netdevice, and takes it again if it is to."""
        self.forward_path().process.kill()
        self.switch.stop_traffic()
        self.assertEqual(self.nic.driver(), "uio_hv_generic")
        testpmd = self.forward_path()
        self.said(testpmd, f"a process that ended: {NAME} restored to hv_netvsc")
        self.steady(NETVSC)
        testpmd.process.kill()
        self.switch.stop_traffic()
        testpmd = self.run_path(f"iface={self.names[1]}")
        self.assert_restored()
        self.assert_quits(testpmd)

    def test_vf(self) -> None:
        """net_netvsc takes a VF with its kernel driver, as mlx5's, and switches the host's data path by itself."""
        testpmd = self.forward_path(drivers=(TESTVF,))
        self.steady(NETVSC)
        self.addCleanup(self.unplug_quietly, VF)
        arrived = self.come(lambda: self.nic.vf_add(VF))
        self.assertEqual(self.nic.data_path, "vf")
        self.steady(VF)
        left = self.go(lambda: self.nic.vf_del(VF))
        self.assertEqual(self.nic.data_path, "synthetic")
        self.steady(NETVSC)
        self.note(f"path=netvsc: on arrival {losses(arrived)}; on removal {losses(left)}")
        self.assert_quits(testpmd)
        self.assert_restored()

    def test_beside_failsafe(self) -> None:
        """One process runs a NIC of each kind."""
        testpmd = self.run_path(f"iface={NAME},path=netvsc", f"iface={self.names[1]}")
        self.assertEqual(sorted(ports(testpmd)), sorted([(self.nic.instance, MACS[0]), ("net_failsafe_vsc0", MACS[1])]))
        self.assert_quits(testpmd)
        self.assert_restored()

    def refuse(self, message: str, *vdevs: str, instance: int = 0, **how: object) -> Testpmd:
        testpmd = self.run_path(*vdevs or (f"iface={NAME},path=netvsc",), **how)  # type: ignore[arg-type]
        self.said(testpmd, f"net_vdev_netvsc{instance}: path=netvsc,.*{message}.*; nothing is attached")
        return testpmd

    def test_refused(self) -> None:
        """Nothing changes then."""
        for message, vdevs, how in (
                ("IOVA mode is not PA: expected --iova-mode=pa", (), {"eal": ("--iova-mode=va",)}),
                ("EAL has no hugepages", (), {"eal": (), "memory": 192}),
                ("no such netdevice", ("iface=none0,path=netvsc",), {}),
                ("kernel driver is none of the VMBus: expected hv_netvsc", ("iface=lo,path=netvsc",), {})):
            with self.subTest(message):
                testpmd = self.refuse(message, *vdevs, **how)
                self.assertEqual(ports(testpmd), [])
                self.assert_restored()
                self.assert_quits(testpmd)

    def test_without_the_kernel_driver(self) -> None:
        self.guest.run("rmmod uio_hv_generic")
        self.addCleanup(self.guest.modprobe, "uio_hv_generic")
        testpmd = self.refuse("uio_hv_generic is not loaded: expected `modprobe uio_hv_generic`")
        self.assert_restored()
        self.assert_quits(testpmd)

    def test_two_instances_for_one_nic(self) -> None:
        """The first has it, whatever its path is."""
        both = f"iface={NAME},path=netvsc", f"mac={MACS[0]},path=netvsc"
        testpmd = self.refuse("in use by net_vdev_netvsc0: expected one instance", *both, instance=1)
        self.assertEqual(ports(testpmd), [(self.nic.instance, MACS[0])])
        self.assert_quits(testpmd)
        self.assert_restored()
        testpmd = self.refuse("in use by net_failsafe_vsc0: expected one instance", f"iface={NAME}", both[0], instance=1)
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.assert_quits(testpmd)
        self.assert_restored()

    def test_held_by_another_process(self) -> None:
        """The netdevice of a killed process is not restored while another one has the NIC open."""
        self.forward_path().process.kill()
        self.switch.stop_traffic()
        device = self.guest.glob("/dev/uio*")[0]
        holder = self.guest.spawn("holder", f"sleep 1000 <{device}", pty=False)
        self.addCleanup(holder.kill)
        wait_for("the holder", lambda: device in self.guest.run(
            f"readlink /proc/{holder.pid}/fd/0", check=False).stdout, PATIENCE_S)
        testpmd = self.run_path(f"iface={self.names[1]}", eal=("--iova-mode=pa",))
        self.said(testpmd, f"{NAME} not restored: {device} is open in process .*the next instance retries")
        self.assertEqual(self.nic.driver(), "uio_hv_generic")
        holder.kill()
        self.assert_quits(testpmd)
        testpmd = self.run_path(f"iface={self.names[1]}")
        self.assert_restored()
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
