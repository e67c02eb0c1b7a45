# SPDX-License-Identifier: BSD-3-Clause
"""The slow paths to choose from: fallback=."""

from __future__ import annotations

import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lab.testpmd import Testpmd  # noqa: E402
from support import BUILD, MACS, QUICK, end, plugins, ports  # noqa: E402
from vf_support import NETVSC, VF, VfCase  # noqa: E402

FLOWS = Path(__file__).resolve().parent / "tools/flows.py"
PEER_NAMESPACE = "peers"
FRAMES = 320


class FallbackCase(VfCase):
    """nv0, and beside it a netdevice with two queues in each direction, `two`, whose other end we hold."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.modprobe("veth", "vhost_net")
        cls.guest.run(f"ip netns add {PEER_NAMESPACE}; ip link add two numrxqueues 2 numtxqueues 2 type veth "
                      f"peer name peer netns {PEER_NAMESPACE}; ip link set two address {MACS[5]} up; "
                      f"ip -n {PEER_NAMESPACE} link set peer up")

    def kernel_state(self, name: str) -> str:
        """All that a fallback may leave behind in the kernel: modes, queueing disciplines, filters, XDP, taps."""
        link = self.guest.run(f"ip -d link show dev {name}").stdout
        modes = re.findall(r"promiscuity \d+|allmulti \d+|\bxdp\w*", link)
        tc = self.guest.run(f"tc qdisc show dev {name} ingress; tc filter show dev {name} ingress").stdout
        taps = self.guest.run("ip -br link show type tun").stdout
        return "\n".join([*modes, tc.strip(), taps.strip()])

    def details(self, name: str) -> str:
        return self.guest.run(f"ip -d link show dev {name}").stdout

    def check_traffic(self, kind: str) -> None:
        """Frames by the slow path, modes and MTU, a VF that comes and goes; nothing is left at the end."""
        name = self.names[0]
        before = self.kernel_state(name)
        testpmd = self.forward(f",fallback={kind}")
        self.assertNotIn("slow path", testpmd.start_output)
        self.assertRegex(self.details(name), r"promiscuity [1-9]")  # testpmd asks for it
        testpmd.cmd("set promisc 0 off")
        self.assertIn("promiscuity 0", self.details(name))
        testpmd.cmd("set allmulti 0 on")
        self.assertIn("allmulti 1", self.details(name))
        testpmd.cmd("port stop 0")
        testpmd.cmd("port config mtu 0 1400")
        self.assertIn("mtu 1400", self.details(name))
        testpmd.cmd("port config mtu 0 1500")
        testpmd.cmd("port start 0")
        self.assertEqual(testpmd.port_info()[0]["Link status"], "up")
        testpmd.start()
        self.assert_only_by(NETVSC)
        self.come(self.add_vf)
        self.go(lambda: self.unplug(VF))
        self.switch.stop_traffic()
        self.assert_quits(testpmd)
        self.assertEqual(self.kernel_state(name), before)

    def two_queues(self, kind: str, queues: int) -> Testpmd:
        testpmd = Testpmd(self.guest, [*self.blocked(), "--no-pci",
                                       f"--vdev=net_vdev_netvsc0,iface=two,force=1,fallback={kind}"],
                          [QUICK, f"--rxq={queues}", f"--txq={queues}"], plugins())
        self.addCleanup(end, testpmd.process)
        testpmd.start()
        return testpmd

    def assert_nothing_is_lost(self, size: int = 128) -> None:
        """Each frame of many flows comes back."""
        done = self.guest.run(f"ip netns exec {PEER_NAMESPACE} python3 {FLOWS} peer {MACS[5]} {FRAMES} {size}")
        self.assertEqual(done.stdout.split(), [str(FRAMES)] * 2)

    def check_queues(self, kind: str) -> None:
        """With as many queues as the application wants, whatever it had before, none gets frames unpolled."""
        before = self.kernel_state("two")
        testpmd = self.two_queues(kind, 2)
        self.assert_nothing_is_lost()
        for queues in 1, 2:
            testpmd.stop()
            testpmd.cmd("port stop 0")
            testpmd.cmd(f"port config all rxq {queues}")
            testpmd.cmd(f"port config all txq {queues}")
            testpmd.cmd("port start 0")
            self.assertEqual(testpmd.port_info()[0]["Current number of RX queues"], str(queues))
            testpmd.start()
            self.assert_nothing_is_lost(1500)
        self.assert_quits(testpmd)
        self.assertEqual(self.kernel_state("two"), before)


class AfPacket(FallbackCase):
    def test_traffic(self) -> None:
        self.check_traffic("af_packet")

    def test_queues(self) -> None:
        self.check_queues("af_packet")


class VirtioUser(FallbackCase):
    def test_traffic(self) -> None:
        self.check_traffic("virtio_user")

    def test_queues(self) -> None:
        self.check_queues("virtio_user")

    def test_redirections(self) -> None:
        """Those of others at the same netdevice stay, and none is removed that should not be."""
        done = self.guest.run([str(BUILD / "test/unit/test_traffic_control")], timeout=300.0)
        self.assertNotIn("SKIPPED", done.stdout)


class Choice(FallbackCase):
    def test_different_ones_in_one_process(self) -> None:
        testpmd = self.run_testpmd("--no-pci", f"--vdev=net_vdev_netvsc0,iface={self.names[0]},fallback=af_packet",
                                   "--vdev=net_vdev_netvsc1,iface=two,force=1,fallback=tap")
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0]), ("net_failsafe_vsc1", MACS[5])])
        self.assert_quits(testpmd)

    def test_killed(self) -> None:
        """What a process that was killed has left is found at the next start, whatever that uses."""
        name = self.names[0]
        before = self.kernel_state(name)
        for kind, following in ("virtio_user", "tap"), ("tap", "virtio_user"), ("af_packet", "af_packet"):
            killed = self.forward(f",fallback={kind}")
            end(killed.process)
            self.switch.stop_traffic()
            testpmd = self.forward(f",fallback={following}")
            if kind != "af_packet":
                self.assertRegex(testpmd.start_output, rf"removed \d+ filters from {name} that redirected")
            self.switch.stop_traffic()
            self.assert_quits(testpmd)
            if kind == "tap":  # net_tap has set the netdevice itself promiscuous: nobody can know that it was not the user
                self.guest.run(f"ip link set {name} promisc off")
            if following == "tap":  # net_tap (22.11) leaves its queueing discipline, but nothing in it
                self.assertNotIn("mirred", self.kernel_state(name))
                self.guest.run(f"tc qdisc del dev {name} ingress")
            self.assertEqual(self.kernel_state(name), before, f"{following} after {kind}")

    def test_what_is_missing_is_said(self) -> None:
        """vhost-net and a classifier that the kernel cannot have: the message names them, and what would work."""
        self.guest.run("modprobe -r vhost_net; modprobe -r cls_flower; mkdir -p /run/modprobe.d /etc/modprobe.d; "
                       "printf 'install cls_flower /bin/false\ninstall vhost_net /bin/false\n' "
                       "> /etc/modprobe.d/missing.conf", check=False)
        self.addCleanup(self.guest.run, "rm /etc/modprobe.d/missing.conf; modprobe vhost_net")
        name = self.names[0]
        for kind, missing in ("tap", "kernel module cls_flower"), ("virtio_user", "/dev/vhost-net"):
            testpmd = self.run_testpmd(f"--vdev=net_vdev_netvsc0,iface={name},fallback={kind}")
            said = re.findall(r"vdev_netvsc: .*does not work here.*", testpmd.start_output)
            self.assertEqual(len(said), 1, testpmd.start_output)
            self.assertIn(missing, said[0])
            self.assertIn("fallback=af_packet would", said[0])
            self.assertNotIn("sub_device", testpmd.start_output)
            self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
            self.assert_quits(testpmd)
        testpmd = self.forward(",fallback=auto")
        self.assertIn("fallback=auto takes af_packet", testpmd.start_output)
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
