# SPDX-License-Identifier: BSD-3-Clause
"""The kinds of fallback (fallback=): traffic, queues, and what each leaves in the kernel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import ClassVar, Sequence

sys.path.insert(0, str(Path(__file__).parent))

from lab import qemu  # noqa: E402
from lab.errors import LabError  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import MACS, QUICK, end, plugins, ports, wait_for  # noqa: E402
from vf_support import NETVSC, VF, VfCase  # noqa: E402

FLOWS = Path(__file__).resolve().parent / "tools/flows.py"
PEER_NAMESPACE = "peers"
FRAMES = 320


class FallbackCase(VfCase):
    """nv0, and beside it a netdevice with two queues in each direction, `two`. The test holds its other end.

    Over the look-alike, which accepts each change of a setting while it is up. test_hv_fallbacks and test_hv_settings run
    over hv_netvsc.
    """

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.guest.modprobe("veth", "vhost_net")
        cls.guest.run(f"ip netns add {PEER_NAMESPACE}; ip link add two numrxqueues 2 numtxqueues 2 type veth "
                      f"peer name peer netns {PEER_NAMESPACE}; ip link set two address {MACS[5]} up; "
                      f"ip -n {PEER_NAMESPACE} link set peer up; mount -t bpf bpf /sys/fs/bpf")  # as systemd does

    def kernel_state(self, name: str) -> str:
        """All that a fallback may leave behind in the kernel: modes, queueing disciplines, filters, XDP, taps."""
        link = self.guest.run(f"ip -d link show dev {name}").stdout
        modes = re.findall(r"promiscuity \d+|allmulti \d+|\bxdp\w*", link)
        tc = self.guest.run(f"tc qdisc show dev {name} ingress; tc filter show dev {name} ingress").stdout
        taps = self.guest.run("ip -br link show type tun").stdout
        queues = self.guest.run(f"ls /sys/class/net/{name}/queues; find /sys/fs/bpf/xdp -name 'dispatch*'", check=False)
        return "\n".join([*modes, tc.strip(), taps.strip(), queues.stdout])

    def details(self, name: str) -> str:
        return self.guest.run(f"ip -d link show dev {name}").stdout

    def check_traffic(self, kind: str) -> None:
        """Frames by the fallback, modes and MTU, a VF that is added and removed. Nothing is left at the end."""
        name = self.names[0]
        before = self.kernel_state(name)
        testpmd = self.forward(f",fallback={kind}")
        self.assertNotIn("creation of fallback", testpmd.start_output)
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

    def with_queues(self, kind: str, queues: int, name: str = "two") -> Testpmd:
        testpmd = Testpmd(self.guest, [*self.blocked(), "--no-pci",
                                       f"--vdev=net_vdev_netvsc0,iface={name},force=1,fallback={kind}"],
                          [QUICK, f"--rxq={queues}", f"--txq={queues}"], plugins(), program=self.program({}))
        self.addCleanup(end, testpmd.process)
        testpmd.start()
        return testpmd

    def assert_nothing_is_lost(self, name: str, peer: str, size: int = 128) -> None:
        """Each frame of many flows comes back, once the link is up: a NIC loses it when its channels are changed."""
        wait_for(f"{peer}'s other end has a carrier", lambda: self.guest.read_file(
            f"/sys/class/net/{name}/carrier") == b"1\n")
        done = self.guest.run(f"ip netns exec {PEER_NAMESPACE} python3 {FLOWS} {peer} {MACS[5]} {FRAMES} {size}")
        self.assertEqual(done.stdout.split(), [str(FRAMES)] * 2)

    def check_queues(self, kind: str, wanted: Sequence[int] = (2, 1, 2), name: str = "two", peer: str = "peer") -> None:
        """With as many queues as the application wants, whatever it had before, none gets frames unpolled."""
        before = self.kernel_state(name)
        testpmd = self.with_queues(kind, wanted[0], name)
        self.assert_nothing_is_lost(name, peer)
        for queues in wanted[1:]:
            testpmd.stop()
            testpmd.cmd("port stop 0")
            testpmd.cmd(f"port config all rxq {queues}")
            testpmd.cmd(f"port config all txq {queues}")
            testpmd.cmd("port start 0")
            self.assertEqual(testpmd.port_info()[0]["Current number of RX queues"], str(queues))
            testpmd.start()
            self.assert_nothing_is_lost(name, peer, 1500)
        self.assert_quits(testpmd)
        self.assertEqual(self.kernel_state(name), before)


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


class AfXdp(FallbackCase):
    def test_traffic(self) -> None:
        self.check_traffic("af_xdp")

    def test_configured_again(self) -> None:
        """Each time with new sockets, whose mbufs have come back: there are not enough for eight."""
        self.guest.run("ip link add one numrxqueues 1 numtxqueues 1 type veth peer name one-peer numrxqueues 1 "
                       f"numtxqueues 1 netns {PEER_NAMESPACE}; ip link set one address {MACS[5]} up; "
                       f"ip -n {PEER_NAMESPACE} link set one-peer up")
        self.addCleanup(self.guest.run, "ip link del one")
        self.check_queues("af_xdp", [1] * 9, "one", "one-peer")

    @unittest.skipUnless(shutil.which("clang-19"), "clang-19, which compiles the program, is missing")
    def test_program_of_another(self) -> None:
        """The driver neither shares nor removes it, but reports it."""
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "pass.o"
            subprocess.run(["clang-19", "-target", "bpf", "-O2", "-g", "-c", "-x", "c", "-", "-o", program], check=True,
                           input=b'__attribute__((section("xdp"))) int pass(void *frame) { return 2; }')
            self.guest.run(f"ip link set dev two xdp obj {program} sec xdp")
        self.addCleanup(self.guest.run, "ip link set dev two xdp off")
        number = re.search(r"prog/xdp id (\d+)", self.details("two"))[1]
        testpmd = self.run_testpmd("--no-pci", "--vdev=net_vdev_netvsc0,iface=two,force=1,fallback=af_xdp")
        self.assertIn(f"fallback=af_xdp does not work here: a netdevice without XDP programs (id {number} is attached",
                      testpmd.start_output)
        self.assert_quits(testpmd)
        self.assertIn(f"prog/xdp id {number}", self.details("two"))


class AfXdpQueues(FallbackCase):
    """A NIC with channels to be set: an emulated 82576, with a wire to another NIC that we hold."""

    multi: ClassVar[str]
    peer: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        try:
            cls.machine_arguments = {"modules": ("virtio_net", "igb"), "qemu": qemu.at_least(qemu.WITH_IGB)}
        except LabError as error:
            raise unittest.SkipTest(f"no NIC with channels to be had: {error}") from None
        super().setUpClass()
        cls.guest.run("ip link del two")
        ends = [{"type": "unix", "path": str(cls.machine.shell_path.with_name(f"wire{number}"))} for number in (0, 1)]
        for number, (model, mac) in enumerate((("igb", MACS[5]), ("virtio-net-pci", MACS[6]))):
            cls.machine.qmp.netdev_add({"type": "dgram", "id": f"wire{number}", "local": ends[number],
                                        "remote": ends[1 - number]})
            cls.machine.qmp.device_add({"driver": model, "id": f"end{number}", "mac": mac, "netdev": f"wire{number}",
                                        "bus": f"rp{6 + number}", "romfile": ""})
        cls.multi, cls.peer = (wait_for(mac, lambda mac=mac: next(
            (netdev.name for netdev in cls.guest.netdevs() if netdev.mac == mac), None)) for mac in MACS[5:7])
        cls.guest.run(f"ip link set {cls.peer} netns {PEER_NAMESPACE}; ip -n {PEER_NAMESPACE} link set {cls.peer} up; "
                      f"ip link set {cls.multi} up; ethtool -N {cls.multi} rx-flow-hash udp4 sdfn")

    def test_queues(self) -> None:
        self.check_queues("af_xdp", name=self.multi, peer=self.peer)

    def test_killed(self) -> None:
        """The next start restores the channels, whichever netdevice that start is for."""
        self.assertEqual(self.channels(), 2)
        killed = self.with_queues("af_xdp", 1, self.multi)
        self.assertEqual(self.channels(), 1)
        killed.process.kill()
        self.assertEqual(self.channels(), 1)
        testpmd = self.run_testpmd("--no-pci", f"--vdev=net_vdev_netvsc0,iface={self.names[0]}")
        self.assertIn(f"{self.multi}: a process that used it by AF_XDP was killed", testpmd.start_output)
        self.assertEqual(self.channels(), 2)
        self.assertNotIn("xdp", self.details(self.multi))
        self.assertEqual(self.guest.glob("/sys/fs/bpf/xdp/dispatch-*", "/run/vdev_netvsc/*"), [])
        self.assert_quits(testpmd)

    def channels(self) -> int:
        return int(re.findall(r"^Combined:\s+(\d+)", self.guest.run(f"ethtool -l {self.multi}").stdout, re.M)[-1])


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
        for kind, following in ("virtio_user", "tap"), ("tap", "virtio_user"), ("af_packet", "af_packet"), \
                ("af_xdp", "af_xdp"), ("af_xdp", "tap"), ("af_xdp", "af_packet"):
            killed = self.forward(f",fallback={kind}")
            killed.process.kill()
            self.switch.stop_traffic()
            testpmd = self.forward(f",fallback={following}")
            if kind in ("virtio_user", "tap"):
                self.assertRegex(testpmd.start_output, rf"removed \d+ filters from {name} that redirected")
            self.switch.stop_traffic()
            self.assert_quits(testpmd)
            if kind == "tap":  # net_tap has set the netdevice itself promiscuous: nobody can know that it was not the user
                self.guest.run(f"ip link set {name} promisc off")
            if kind == "af_xdp":
                self.assertIn(f"{name}: a process that used it by AF_XDP was killed", testpmd.start_output)
            if following == "tap":  # net_tap (22.11) leaves its queueing discipline, but nothing in it
                self.assertNotIn("mirred", self.kernel_state(name))
                self.guest.run(f"tc qdisc del dev {name} ingress")
            self.assertEqual(self.kernel_state(name), before, f"{following} after {kind}")

    def test_what_is_missing_is_reported(self) -> None:
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
        self.assertIn("fallback=auto uses af_packet", testpmd.start_output)
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
