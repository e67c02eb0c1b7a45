# SPDX-License-Identifier: BSD-3-Clause
"""Netdevices, instances, ports and processes that are added and removed while others stay."""

from __future__ import annotations

import signal
import sys
import time
import unittest
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from events import LinkWitness  # noqa: E402
from hyperv_support import OverHyperV  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import LOG_LEVEL, MACS, device_names, end, plugins, ports, wait_for  # noqa: E402

NEW_MAC = "00:15:5d:00:00:77"


class LifeCase(OverHyperV):
    def assert_forwards(self, nic: str, mac: str = MACS[0]) -> None:
        """Frames sent from now on come back by this NIC."""
        switch = self.machine.switch(mac)
        switch.wait_return(nic, switch.start_traffic(200))
        switch.stop_traffic()

    def wait_ports(self, testpmd: Testpmd, *names: str) -> None:
        wait_for(f"ports {names}", lambda: sorted(device_names(testpmd)) == sorted(names))

    def port_id(self, testpmd: Testpmd, name: str) -> int:
        return next(port for port, info in testpmd.port_info().items() if info["Device name"] == name)


class Netdevices(LifeCase):
    netvscs = 2

    def set_mac(self, mac: str) -> None:
        """hv_netvsc refuses another address while it is up."""
        name = self.names[0]
        self.guest.run(f"ip link set {name} down && ip link set {name} address {mac} && ip link set {name} up")

    def with_both(self) -> Testpmd:
        """testpmd that forwards by nv0, and to whose driver nv1 is named."""
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]},iface={self.names[1]}")
        testpmd.start()
        return testpmd

    def test_appears(self) -> None:
        self.hide(self.names[1])
        testpmd = self.with_both()
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.show(self.names[1])
        self.wait_ports(testpmd, "net_failsafe_vsc0", "net_failsafe_vsc1")
        new = self.port_id(testpmd, "net_failsafe_vsc1")
        testpmd.stop()
        # testpmd sets ports up that came by RTE_ETH_EVENT_NEW when it attaches one itself.
        testpmd.cmd("port attach net_null0")
        self.assertIn(f"Port {new}: {MACS[1].upper()}", testpmd.cmd("port start all"))
        testpmd.cmd(f"set portlist 0,{new}")
        testpmd.start()
        self.assert_forwards("nv1", MACS[1])
        self.assert_forwards("nv0")
        self.assert_quits(testpmd)

    def test_removed_and_added_again(self) -> None:
        testpmd = self.with_both()
        self.hide(self.names[1])
        # testpmd closes and detaches the port after its removal event.
        testpmd.process.expect(r"Port \d+: device removal event")
        testpmd.process.expect("Now total ports is")  # until then testpmd's other thread must not access ports
        self.wait_ports(testpmd, "net_failsafe_vsc0")
        self.assert_forwards("nv0")
        self.show(self.names[1])
        self.wait_ports(testpmd, "net_failsafe_vsc0", "net_failsafe_vsc1")
        self.assert_quits(testpmd)

    def test_is_renamed(self) -> None:
        testpmd = self.with_both()
        self.addCleanup(self.guest.run, f"ip link set renamed0 down && ip link set renamed0 name {self.names[0]}",
                        check=False)
        self.guest.run(f"ip link set dev {self.names[0]} down; ip link set dev {self.names[0]} name renamed0; "
                       "ip link set renamed0 up")
        self.assert_forwards("nv0")
        self.plug("vf", MACS[0])
        self.assert_forwards("vf")
        self.unplug("vf")
        self.assert_forwards("nv0")
        self.assertEqual(device_names(testpmd), ["net_failsafe_vsc0", "net_failsafe_vsc1"])
        self.assert_quits(testpmd)

    def test_mac_changes(self) -> None:
        """The VF is the one with the NetVSC's new address, and no longer when its own changes."""
        testpmd = self.with_both()
        vf = self.plug("vf", NEW_MAC)
        pci = self.machine.pci_address("vf")
        testpmd.process.mark()
        self.addCleanup(self.set_mac, MACS[0])
        self.set_mac(NEW_MAC)
        testpmd.process.expect(f"net_failsafe_vsc0: VF {pci} present")
        self.set_mac(MACS[0])
        testpmd.process.expect(f"net_failsafe_vsc0: VF {pci} removed")
        self.guest.run(f"ip link set dev {vf} address {MACS[0]}")
        testpmd.process.expect(f"net_failsafe_vsc0: VF {pci} present")
        self.wait_ports(testpmd, "net_failsafe_vsc0", "net_failsafe_vsc1")  # its own until fail-safe has taken it
        self.assert_quits(testpmd)


class Instances(LifeCase):
    netvscs = 2
    machine_arguments: ClassVar[dict[str, object]] = {"modules": ("virtio_net", "e1000e", "vmxnet3")}

    def test_attach_and_detach(self) -> None:
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}")
        testpmd.start()
        for _ in range(2):
            testpmd.cmd(f"port attach net_vdev_netvsc1,iface={self.names[1]}")
            self.wait_ports(testpmd, "net_failsafe_vsc0", "net_failsafe_vsc1")
            testpmd.cmd("device detach net_vdev_netvsc1")
            self.wait_ports(testpmd, "net_failsafe_vsc0")
            self.assert_forwards("nv0")
        self.assert_quits(testpmd)

    def test_detach_with_a_vf(self) -> None:
        self.plug("vf", MACS[1])
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}",
                                   f"--vdev=net_vdev_netvsc1,iface={self.names[1]}")
        testpmd.cmd("device detach net_vdev_netvsc1")
        self.wait_ports(testpmd, "net_failsafe_vsc0")
        testpmd.start()
        self.assert_forwards("nv0")
        self.assert_quits(testpmd)

    def test_attached_again_while_there_is_a_vf(self) -> None:
        """The fail-safe port and its sub-devices have each other's numbers now. None receives the events of another."""
        instance = f"net_vdev_netvsc0,iface={self.names[0]}"
        testpmd = self.run_testpmd(f"--vdev={instance}")
        self.plug("vf", MACS[0], "vmxnet3")  # which reports its carrier
        testpmd.process.expect("attached")
        testpmd.cmd("device detach net_vdev_netvsc0")
        self.wait_ports(testpmd)
        testpmd.cmd(f"port attach {instance}")
        testpmd.cmd("port start all")
        self.wait_ports(testpmd, "net_failsafe_vsc0")
        witness = LinkWitness(testpmd, self.port_id(testpmd, "net_failsafe_vsc0"))
        for number, up in enumerate([False, True], 1):
            self.set_carrier("vf", up)
            witness.expect(number)
        self.unplug("vf")
        self.assert_quits(testpmd)

    def test_is_not_detached_while_an_lcore_polls(self) -> None:
        """Which would crash. The driver watches for 100 ms, so the lcore is not paced."""
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}", paced=False)
        testpmd.start()
        self.assert_forwards("nv0")  # a busy host starts the lcore late
        said = testpmd.cmd("device detach net_vdev_netvsc0")
        self.assertIn("net_vdev_netvsc0 is not detached: lcore 1 polls net_failsafe_vsc0;", said)
        self.assertIn("Failed to detach device net_vdev_netvsc0", said)
        self.assert_forwards("nv0")
        testpmd.stop()
        self.assertIn("Device net_vdev_netvsc0 is detached", testpmd.cmd("device detach net_vdev_netvsc0"))
        self.wait_ports(testpmd)
        self.assert_quits(testpmd)

    def test_application_closes_a_port(self) -> None:
        testpmd = self.run_testpmd("--vdev=net_vdev_netvsc0")
        testpmd.cmd("port stop 0")
        self.assertIn("Done", testpmd.cmd("port close 0"))
        self.wait_ports(testpmd, "net_failsafe_vsc1")
        time.sleep(1)  # it would come back by now, were it to
        self.wait_ports(testpmd, "net_failsafe_vsc1")
        self.assert_quits(testpmd)


class Processes(LifeCase):
    machine_arguments: ClassVar[dict[str, object]] = {"hugepages": 320}

    def test_that_ends_at_start_up(self) -> None:
        for vf in False, True:
            with self.subTest(vf=vf):
                if vf:
                    self.plug("vf", MACS[0])
                process = self.spawn_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}", lcores="0")
                self.assertEqual(process.wait(60), 1)
                self.assertIn("No cores defined", process.output())

    def test_quit_with_a_vf(self) -> None:
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}")
        testpmd.start()
        self.plug("vf", MACS[0])
        self.assert_forwards("vf")
        self.assert_quits(testpmd)

    def test_terminated_with_a_vf(self) -> None:
        self.plug("vf", MACS[0])
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}")
        testpmd.start()
        self.assert_forwards("vf")
        testpmd.process.signal(signal.SIGTERM)
        # testpmd cleans up and then ends by the signal.
        self.assertIn(testpmd.process.wait(60), (0, -signal.SIGTERM))
        self.assertIn("Bye...", testpmd.process.output())

    def test_secondary(self) -> None:
        """A second testpmd beside the first: it sees the port, and the first does not mind."""
        testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={self.names[0]}", memory=None)
        load = [word for plugin in plugins() for word in ("-d", f"/run/lab/plugins/{Path(plugin).name}")]
        secondary = self.guest.spawn("secondary", [
            self.program({}), "-l", "0,1", "--proc-type=secondary", "--file-prefix", testpmd.name, *load, *self.blocked(),
            LOG_LEVEL, "--", "-i", "--rxq=2", "--txq=2", "--num-procs=2", "--proc-id=1"])
        self.addCleanup(end, secondary)
        secondary.expect("^testpmd> ", 60)
        secondary.send("show port summary all\n")
        secondary.expect(f"^0 +{MACS[0].upper()} net_failsafe_vsc0")
        self.assertNotIn("vdev_netvsc:", secondary.output())
        testpmd.start()
        self.assert_forwards("nv0")
        # Not "quit": with DPDK 22.11 rte_eal_cleanup() in a secondary closes fail-safe's and net_tap's ports in the
        # memory shared with the primary, whichever net_vdev_netvsc made them.
        secondary.kill()
        self.assert_forwards("nv0")
        self.plug("vf", MACS[0])
        self.assert_forwards("vf")
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
