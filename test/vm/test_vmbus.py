# SPDX-License-Identifier: BSD-3-Clause
"""The lab's VMBus host below the kernel's own hv_netvsc. Each of its functions works.

A program in the guest (tools/echo.py) returns the frames, without DPDK.
"""

from __future__ import annotations

import re
import signal
import sys
import time
import unittest
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from lab import vmbus_build  # noqa: E402
from lab.errors import LabError  # noqa: E402
from lab.guest import Guest, GuestProcess  # noqa: E402
from lab.hyperv import DEVICES, KNOWN_WARNINGS, WITHHOLD, HyperV, HyperVNic  # noqa: E402
from lab.machine import Machine  # noqa: E402
from lab.switch import Report, Switch  # noqa: E402
from support import MACS, PATIENCE_S, wait_for  # noqa: E402

TOOLS = Path(__file__).parent / "tools"
NV, VF = "nv0", "vf"
PPS = 500
TRAFFIC_S = 1.0
LOG_TAIL, LOG_LINES = 3000, 20
QUIET_S = 1.0  # how long something must not happen


class VmbusCase(unittest.TestCase):
    """Cases that share a machine with one NetVSC NIC, nv0, over the host."""

    channels: ClassVar[int] = 1
    machine: ClassVar[Machine]
    hyperv: ClassVar[HyperV]
    nic: ClassVar[HyperVNic]
    guest: ClassVar[Guest]

    @classmethod
    def setUpClass(cls) -> None:
        cls.machine = Machine(kernel=vmbus_build.newest_kernel())
        cls.hyperv = HyperV(cls.machine)
        cls.nic = cls.hyperv.nic_add(NV, MACS[0], cls.channels)
        cls.machine.start()
        cls.addClassCleanup(cls.machine.stop)
        cls.guest = cls.machine.guest
        cls.hyperv.start()

    def setUp(self) -> None:
        self.guest.run("dmesg -C")
        self.name = self.nic.ifname()
        self.guest.run(f"ip link set {self.name} up")
        self.addCleanup(self.check_log)

    @property
    def switch(self) -> Switch:
        return self.machine.switch(MACS[0])

    # The kernel's log.

    def log(self) -> str:
        return self.guest.run("dmesg").stdout

    def check_log(self) -> None:
        """No case makes the kernel warn of anything."""
        bad = [line for line in self.guest.run("dmesg --level=emerg,alert,crit,err,warn").stdout.splitlines()
               if not re.search(KNOWN_WARNINGS, line)]
        self.assertEqual(bad[-LOG_LINES:], [])

    def logged(self, pattern: str) -> None:
        wait_for(f"{pattern!r} in the kernel's log", lambda: re.search(pattern, self.log()), PATIENCE_S)

    # Traffic.

    def echo(self) -> GuestProcess:
        """Starts to return what comes by nv0."""
        process = self.guest.spawn("echo", ["python3", "-I", str(TOOLS / "echo.py"), self.nic.ifname()], pty=False)
        process.expect("ready", PATIENCE_S)
        self.addCleanup(end, process)
        return process

    def traffic(self, size: int = 128) -> Report:
        """What became of the frames of a second."""
        began = self.switch.start_traffic(PPS, size)
        time.sleep(TRAFFIC_S)
        return self.switch.report(began, self.switch.stop_traffic())

    def check_traffic(self, by: str, size: int = 128) -> None:
        """Every frame returns exactly once, by this NIC; a moment later if a cable was only just plugged in."""
        reports: list[Report] = []

        def all_returned() -> bool:
            reports.append(self.traffic(size))
            last = reports[-1]
            return (last.sent > 0 and last.lost == last.duplicates == 0 and
                    set(last.sent_by_port) == set(last.returned_by_port) == {by})
        try:
            wait_for(f"every frame, once, by {by}", all_returned, PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; last: {reports[-1]}\n{self.nic.statistics()}\n{self.log()[-LOG_TAIL:]}") from None

    # The VF.

    def add_vf(self, associated: bool = True) -> str:
        name = self.nic.vf_add(VF, associated=associated)
        self.addCleanup(self.drop_vf)
        return name

    def drop_vf(self) -> None:
        self.nic.release()
        if VF in self.machine.nics:
            self.guest.run("echo 1 > /sys/bus/pci/rescan")
            self.nic.vf_del(VF)
        self.nic.associate(False)

    def wait_path(self, path: str) -> None:
        wait_for(f"data path {path}", lambda: self.nic.data_path == path, PATIENCE_S)


def end(process: GuestProcess) -> None:
    try:
        process.kill()
    except LabError:  # it has ended
        pass


class Host(VmbusCase):
    def test_device(self) -> None:
        """The netdevice is hv_netvsc's, and sysfs has what user space looks for."""
        self.assertEqual(self.guest.run(f"ethtool -i {self.name} | head -n 1").stdout, "driver: hv_netvsc\n")
        device = f"/sys/class/net/{self.name}/device"
        self.assertEqual(self.guest.read_file(f"{device}/class_id"), b"{f8615163-df3e-46c5-913f-f2d2f965ed0e}\n")
        self.assertEqual(self.guest.read_file(f"{device}/device_id").decode(), f"{{{self.nic.instance}}}\n")
        self.assertEqual(self.guest.run(f"basename $(readlink {device}/subsystem)").stdout, "vmbus\n")
        self.assertEqual(self.guest.read_file(f"/sys/class/net/{self.name}/address").decode().strip(), MACS[0])

    def test_frames(self) -> None:
        process = self.echo()
        self.check_traffic(NV)
        self.check_traffic(NV, 1400)
        process.signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
        self.assertRegex(process.output(), r"\n\d+ 1400\n")

    def test_link(self) -> None:
        def carrier() -> str:
            return self.guest.read_file(f"/sys/class/net/{self.name}/carrier").decode().strip()
        wait_for("a carrier", lambda: carrier() == "1", PATIENCE_S)
        self.nic.set("link", "down")
        wait_for("no carrier", lambda: carrier() == "0", PATIENCE_S)
        self.nic.set("link", "up")
        wait_for("a carrier again", lambda: carrier() == "1", PATIENCE_S)
        # hv_netvsc takes the carrier away for two seconds.
        self.nic.set("link", "change")
        wait_for("no carrier at a change", lambda: carrier() == "0", PATIENCE_S)
        wait_for("a carrier after a change", lambda: carrier() == "1", PATIENCE_S)

    def test_mac_address(self) -> None:
        other = "00:15:5d:00:00:77"
        self.guest.run(f"ip link set {self.name} down")
        self.addCleanup(self.guest.run, f"ip link set {self.name} down; ip link set {self.name} address {MACS[0]}")
        self.guest.run(f"ip link set {self.name} address {other}")
        self.nic.set("refuse_mac", True)
        self.addCleanup(self.nic.set, "refuse_mac", False)
        self.assertNotEqual(self.guest.run(f"ip link set {self.name} address {MACS[0]}", check=False).returncode, 0)
        self.assertEqual(self.guest.read_file(f"/sys/class/net/{self.name}/address").decode().strip(), other)
        self.nic.set("refuse_mac", False)

    def test_mtu(self) -> None:
        """The guest closes and opens the channel; larger frames take several sections."""
        self.addCleanup(self.guest.run, f"ip link set {self.name} mtu 1500")
        self.guest.run(f"ip link set {self.name} mtu 9000")
        self.echo()
        self.check_traffic(NV, 9000)

    def test_above_the_mtu(self) -> None:
        """Frames above the MTU reach the guest only with RSC."""
        def largest() -> int:
            process = self.echo()
            self.traffic(4000)
            process.signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
            return int(process.output().split()[-1])
        self.assertEqual(largest(), 0)
        self.nic.rescind()
        self.nic.set("rsc", True)
        self.addCleanup(self.nic.set, "rsc", False)
        self.nic.offer()
        name = self.nic.ifname()
        self.guest.run(f"ip link set {name} up")
        self.assertRegex(self.guest.run(f"ethtool -k {name}").stdout, r"large-receive-offload: on")
        self.assertEqual(largest(), 4000)

    def test_rescind(self) -> None:
        self.nic.rescind()
        self.assertEqual(self.guest.glob(f"{DEVICES}/*"), [])
        self.nic.offer()
        self.guest.run(f"ip link set {self.nic.ifname()} up")
        self.echo()
        self.check_traffic(NV)

    def test_rescinded_under_traffic(self) -> None:
        self.echo()
        self.addCleanup(self.switch.stop_traffic)
        self.switch.start_traffic(PPS)
        for _ in range(3):
            self.nic.rescind()
            self.nic.offer()
            self.guest.run(f"ip link set {self.nic.ifname()} up")

    def test_delayed_answers(self) -> None:
        """An answer that is withheld keeps the guest waiting, one that is released lets it go on."""
        self.nic.rescind()
        for kind in ("init", "buffer", "rndis"):
            with self.subTest(kind):
                self.nic.delay(kind, WITHHOLD)
                self.addCleanup(self.nic.delay, kind, 0)
                offering = self.guest.spawn("offer", f"echo 1 > {self.control('present')}", pty=False)
                wait_for("an answer withheld", lambda: self.nic.get("pending") == "1", PATIENCE_S)
                self.nic.delay(kind, 0)
                self.assertTrue(offering.running())
                self.nic.release(kind)
                self.assertEqual(offering.wait(PATIENCE_S), 0)
                self.nic.rescind()
        self.nic.delay("rndis", 100)
        self.nic.offer()
        self.nic.delay("rndis", 0)
        self.assertTrue(self.nic.ifname())

    def control(self, name: str) -> str:
        return f"/sys/kernel/hyperv_host/{self.nic.instance}/{name}"

    def test_several(self) -> None:
        other = self.hyperv.nic_add("nv1", MACS[1])
        self.addCleanup(self.hyperv.nic_del, "nv1")
        self.assertEqual(self.guest.read_file(f"/sys/class/net/{other.ifname()}/address").decode().strip(), MACS[1])
        self.echo()
        self.check_traffic(NV)

    def test_unloaded_and_loaded(self) -> None:
        self.hyperv.stop()
        self.hyperv.start()
        self.guest.run(f"ip link set {self.nic.ifname()} up")
        self.echo()
        self.check_traffic(NV)


class Vf(VmbusCase):
    def test_arrives_and_leaves(self) -> None:
        self.echo()
        self.check_traffic(NV)
        for _ in range(2):
            vf = self.add_vf()
            self.logged(f"{self.name}: VF slot {self.nic.serial} added")
            self.logged(f"Data path switched to VF: {vf}")
            self.wait_path("vf")
            self.check_traffic(VF)
            self.nic.vf_del(VF)
            self.logged(f"Data path switched from VF: {vf}")
            self.logged(f"{self.name}: VF slot {self.nic.serial} removed")
            self.wait_path("synthetic")
            self.check_traffic(NV)
            self.guest.run("dmesg -C")

    def test_slots(self) -> None:
        """A VF on any root port is joined, by the slot's name."""
        for port in (3, 4):
            self.nic.vf_add(VF, port=port)
            self.addCleanup(self.drop_vf)
            self.logged("Data path switched to VF")
            self.nic.vf_del(VF)
            self.guest.run("dmesg -C")

    def test_without_association(self) -> None:
        """The kernel waits for it, with RTNL held."""
        self.add_vf(associated=False)
        self.logged("Waiting for the VF association from host")
        time.sleep(QUIET_S)
        self.assertNotIn("Data path switched", self.log())
        self.nic.associate()
        self.logged("Data path switched to VF")

    def test_data_path_withheld(self) -> None:
        """The switch turns to the VF, but the kernel waits for the host's word, with RTNL held."""
        self.nic.delay("data_path", WITHHOLD)
        self.addCleanup(self.nic.delay, "data_path", 0)
        self.add_vf()
        self.wait_path("vf")
        wait_for("an answer withheld", lambda: self.nic.get("pending") == "1", PATIENCE_S)
        time.sleep(QUIET_S)
        self.assertNotIn("Data path switched", self.log())
        self.nic.delay("data_path", 0)
        self.nic.release("data_path")
        self.logged("Data path switched to VF")

    def test_revoked_on_close(self) -> None:
        """As on Hyper-V, the VF leaves when the guest closes the channel, and returns when it has opened it again."""
        self.nic.set("revoke_on_close", True)
        self.addCleanup(self.nic.set, "revoke_on_close", False)
        self.add_vf()
        self.logged("Data path switched to VF")
        self.guest.run("dmesg -C")
        self.addCleanup(self.guest.run, f"ip link set {self.name} mtu 1500")
        self.guest.run(f"ip link set {self.name} mtu 1400")
        self.logged(r"VF unregistering[\s\S]*VF registering[\s\S]*Data path switched to VF")
        self.echo()
        self.check_traffic(VF)
        self.nic.set("revoke_on_close", False)

    def test_rescinded_with_its_vf(self) -> None:
        vf = self.add_vf()
        self.logged("Data path switched to VF")
        self.nic.rescind()
        self.assertEqual(self.nic.data_path, "synthetic")
        self.nic.offer()
        self.logged(f"VF registering: {vf}[\\s\\S]*Data path switched to VF")
        self.guest.run(f"ip link set {self.nic.ifname()} up")
        self.echo()
        self.check_traffic(VF)


class Channels(VmbusCase):
    """Two NICs whose wires are connected inside the guest, each in a network namespace: TCP runs between them."""

    channels = 2

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        run = cls.guest.run
        cls.guest.modprobe("veth")
        # Without these the frames would not be cut into segments, nor their checksums calculated.
        run("ip link add wire0 type veth peer name wire1; "
            "for wire in wire0 wire1; do ethtool -K $wire tx off sg off tso off gso off gro off; done")
        for number, name in enumerate(("left", "right")):
            nic = cls.hyperv.nic_add(name, MACS[1 + number], channels=2, netdevice=f"wire{number}")
            run(f"ip netns add {name} && ip link set {nic.ifname()} netns {name} name nv && "
                f"ip -n {name} link set nv up && ip -n {name} addr add 192.0.2.{number + 1}/24 dev nv && "
                f"ip -n {name} addr add 2001:db8::{number + 1}/64 dev nv nodad")

    def stream(self, address: str, connections: int = 1) -> None:
        done = self.guest.run(["ip", "netns", "exec", "left", "python3", "-I", str(TOOLS / "stream.py"), "right", address,
                               "4", str(connections)], PATIENCE_S)
        self.assertEqual(done.stdout, f"{4 * connections << 20}\n")

    def counter(self, namespace: str, name: str) -> int:
        match = re.search(rf"^\s*{name}: (\d+)$",
                          self.guest.run(f"ip netns exec {namespace} ethtool -S nv").stdout, re.M)
        assert match, name
        return int(match[1])

    def test_tcp(self) -> None:
        """Checksums and segments are the host's."""
        for address in ("192.0.2.2", "2001:db8::2"):
            with self.subTest(address):
                self.stream(address)

    def test_receive_queues(self) -> None:
        before = [self.counter("right", f"rx_queue_{queue}_packets") for queue in range(2)]
        self.stream("192.0.2.2", 16)
        for queue in range(2):
            self.assertGreater(self.counter("right", f"rx_queue_{queue}_packets"), before[queue])

    def test_number_of_channels(self) -> None:
        """The guest closes the channel and opens it with fewer, and with more, sub-channels."""
        def combined() -> int:
            return int(self.guest.run(f"ethtool -l {self.name}").stdout.split()[-1])
        subchannels = f"{DEVICES}/{self.nic.instance}/channels/*"
        wait_for("two channels", lambda: len(self.guest.glob(subchannels)) == 2, PATIENCE_S)
        for count in (1, 2):
            self.guest.run(f"ethtool -L {self.name} combined {count}")
            self.assertEqual(len(self.guest.glob(subchannels)), count)
        self.echo()
        self.check_traffic(NV)


if __name__ == "__main__":
    unittest.main(verbosity=2)
