# SPDX-License-Identifier: BSD-3-Clause
"""VFs that keep their kernel driver, with PMDs of every kind: each is added, removed and added again.

Environment: NETVSC_CYCLES, how often (default 3); NETVSC_FLAPS, how often without waiting for anything (default 30).
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
import unittest
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import HyperVCase, SteeredVfCase  # noqa: E402
from lab.errors import LabTimeout  # noqa: E402
from support import MACS, TOOLS, end, plugins, ports, wait_for  # noqa: E402
from vf_support import CYCLES, NETVSC, PATIENCE_S, VF, VfCase  # noqa: E402

FLAPS = int(os.environ.get("NETVSC_FLAPS") or "30")
MANA = "set_link=0,set_mac=0,lsc=0"
DEVEVENTS = str(TOOLS / "libdevevents.so")
RECOVERY = str(TOOLS / "librecovery.so")
TRACE = "/run/lab/strace"
INTREE_S = 8  # the in-tree driver looks for VFs, and fail-safe for devices, once a second or more often

# A uevent as the kernel words it, but not the kernel's.
FORGE = r"""
import socket, sys
address = sys.argv[1]
path = "/devices/pci0000:00/" + address
fields = ["remove@" + path, "ACTION=remove", "DEVPATH=" + path, "SUBSYSTEM=pci", "PCI_SLOT_NAME=" + address,
          "SEQNUM=999999"]
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15) as sender, \
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15) as listener:
    sender.bind((0, 0))
    listener.bind((0, 1))
    listener.settimeout(5)
    message = "".join(field + "\0" for field in fields).encode()
    for _ in range(10):
        try:
            sender.sendto(message, (0, 1))
        except ConnectionRefusedError:
            pass
    while listener.recv(8192) != message:
        pass
"""


class Removal(SteeredVfCase):
    """Over hv_netvsc."""

    def cycles(self, what: str, cycles: int) -> None:
        for number in range(cycles):
            self.steps(f"{what} {number + 1}", self.add_vf, lambda: self.unplug(VF))

    def test_pmd_that_reports_the_removal(self) -> None:
        testpmd = self.forward()
        self.cycles("mlx5's manner", CYCLES)
        self.assert_quits(testpmd)

    def test_pmd_that_does_not_report_the_removal(self) -> None:
        testpmd = self.forward(",vf_args=[rmv=0]")
        self.cycles("rmv=0", CYCLES)
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.assert_quits(testpmd)

    def test_pmd_that_cannot_set_its_link(self) -> None:
        testpmd = self.forward(f",vf_args=[{MANA}]")
        self.cycles("MANA's manner", CYCLES)
        self.assert_quits(testpmd)

    def test_pmd_that_can_do_nothing(self) -> None:
        testpmd = self.forward(f",vf_args=[{MANA},rmv=0]")
        self.cycles("MANA's manner, rmv=0", CYCLES)
        self.assert_quits(testpmd)

    def test_long_arguments(self) -> None:
        """EAL itself adds no device with so many (dpdk/hotplug.hpp); the last ones reach the PMD all the same."""
        testpmd = self.forward(f",vf_args=[{'rmv=1,' * 30}rmv=0,set_link=0]")
        self.come(self.add_vf)
        testpmd.process.expect(r"net_testvf: \S+ drives \S+ \(rmv=0,set_link=0", PATIENCE_S)
        self.go(lambda: self.unplug(VF))
        self.assert_quits(testpmd)

    def test_device_events_reach_applications_once(self) -> None:
        """Whether EAL's own monitor runs (testpmd's --hot-plug starts it) or not."""
        for hot_plug in False, True:
            testpmd = self.forward(hot_plug=hot_plug, drivers=[*plugins(), DEVEVENTS])
            self.steps(f"hot_plug={hot_plug}", self.add_vf, lambda: self.unplug(VF))
            address = re.escape(self.machine.pci_address(NETVSC)[:5])  # the domain
            told = re.findall(rf"devevents: ({address}\S+) (\w+)", testpmd.process.output())
            self.assertEqual([event for _, event in told], ["add", "remove"], told)
            self.assertEqual(len({device for device, _ in told}), 1, told)
            self.switch.stop_traffic()
            self.assert_quits(testpmd)

    def test_forged_uevent(self) -> None:
        testpmd = self.forward()
        self.come(self.add_vf)
        self.said(testpmd, r"VF \S+ attached")
        mark = testpmd.process.mark()
        self.guest.write_file("/run/lab/forge.py", FORGE)
        self.guest.run(["/usr/bin/python3", "-I", "-S", "/run/lab/forge.py", self.machine.pci_address(VF)])
        time.sleep(1)
        self.assertEqual(self.count(testpmd, "VF", mark), 0, testpmd.process.output_since(mark))
        self.assert_only_by(VF)
        self.assert_quits(testpmd)

    def test_error_recovery(self) -> None:
        """A VF whose PMD recovers from an error stays. If the PMD cannot recover, the VF is released and taken again."""
        testpmd = self.forward(drivers=[*plugins(), RECOVERY])
        self.come(self.add_vf)
        vf = self.machine.pci_address(VF)
        self.said(testpmd, f"VF {vf} attached")
        for end, verdict, states in (("succeeds", "recovered", "attached"),
                                     ("fails", "recovery failed", "absent|present|announced|attached")):
            mark = testpmd.process.mark()
            self.assertIn("begins", self.raw_telemetry(testpmd, f"/recovery,{vf}:begins"))
            self.said(testpmd, f"VF {vf} error: its PMD recovers", mark)
            wait_for("a VF that recovers", lambda: '"vf_state": "recovering"' in self.raw_telemetry(
                testpmd, "/vdev_netvsc/info,0"), PATIENCE_S)
            self.assertIn(end, self.raw_telemetry(testpmd, f"/recovery,{vf}:{end}"))
            self.said(testpmd, f"VF {vf} {verdict}", mark)
            wait_for(f"a VF that is {states}", lambda: re.search(
                rf'"vf_state": "({states})"', self.raw_telemetry(testpmd, "/vdev_netvsc/info,0")), PATIENCE_S)
            result = "error recovery successful" if end == "succeeds" else "error recovery failed"
            testpmd.process.expect(f"^Port 0: {result} event", PATIENCE_S, mark)
            events = re.findall(r"^Port 0: (error .*) event\r?$", testpmd.process.output_since(mark), re.M)
            self.assertEqual(events, ["error recovering", result])
        self.said(testpmd, f"VF {vf} attached", mark)
        self.assert_only_by(VF)
        self.go(lambda: self.unplug(VF))
        self.assertNotIn("recovery: ", testpmd.process.output())
        self.assert_quits(testpmd)

    def test_fail_safe_receives_a_removal_first_of_all(self) -> None:
        """A log message may take long, and frames that the port sends by the removed VF in the meantime are lost."""
        testpmd = self.forward(",vf_args=[rmv=0]")
        self.come(self.add_vf)
        mark = testpmd.process.mark()
        self.go(lambda: self.unplug(VF))
        self.said(testpmd, r"VF \S+ removed", mark)
        self.assertRegex(testpmd.process.output_since(mark), r"device removal event(.*\n)+.*VF \S+ removed")
        self.assert_quits(testpmd)

    def traced(self, task: int, options: str, happening: Callable[[], object]) -> str:
        """The output of strace for a task (a process or a thread) during an action."""
        tracer = self.guest.spawn("strace", f"strace -q -s 64 {options} -o {TRACE} -p {task}", pty=False)
        self.addCleanup(end, tracer)
        wait_for("strace", lambda: b"TracerPid:\t0\n" not in self.guest.read_file(f"/proc/{task}/status"), PATIENCE_S)
        happening()
        tracer.signal(signal.SIGINT)
        tracer.wait(PATIENCE_S)
        return self.guest.read_file(TRACE).decode()

    def test_known_to_leave_before_the_kernel_reports_it(self) -> None:
        """RTM_DELLINK comes when the kernel has waited for all who use the netdevice. hv_netvsc's line in the kernel's log,
        and the message that the netdevice goes down, precede it."""
        testpmd = self.forward()
        self.come(self.add_vf)
        address = self.machine.pci_address(VF)
        # That thread alone: the forwarding one receives packets.
        thread = self.interrupt_thread(testpmd).rsplit("/", 1)[-1]
        trace = self.traced(int(thread), "-e trace=file,recvmsg", lambda: self.go(lambda: self.unplug(VF)))
        before, asked, _ = trace.partition(f'"/sys/bus/pci/devices/{address}/driver"')
        self.assertTrue(asked)
        self.assertNotIn("nlmsg_type=RTM_DELLINK", before)
        self.assertEqual(self.count(testpmd, r"VF \S+ removed"), 1)
        self.assert_quits(testpmd)

    def test_only_down_it_stays(self) -> None:
        testpmd = self.forward()
        self.come(self.add_vf)
        netdevice = self.machine.ifname(VF)
        trace = self.traced(testpmd.process.pid, "-f -e trace=file", lambda: self.guest.run(
            f"ip link set {netdevice} down; sleep 1; ip link set {netdevice} up"))
        self.assertIn(f'"/sys/bus/pci/devices/{self.machine.pci_address(VF)}/driver"', trace)
        self.assertEqual(self.count(testpmd, r"VF \S+ removed"), 0)
        self.assert_only_by(VF)
        self.assert_quits(testpmd)

    def test_other_functions_are_not_read(self) -> None:
        """DPDK's hot-plug reads all PCI functions again, which takes longer than all else. The driver reads the VF only."""
        testpmd = self.forward()
        trace = self.traced(testpmd.process.pid, "-f -e trace=openat", lambda: self.come(self.add_vf))
        opened = re.findall(r'"/sys/bus/pci/devices/([^/"]+)/', trace)
        self.assertEqual(set(opened), {self.machine.pci_address(VF)})
        self.assert_quits(testpmd)

    def test_probe_that_fails_at_first(self) -> None:
        testpmd = self.forward(",vf_args=[probe=fail:3]")
        self.come(self.add_vf)
        self.said(testpmd, r"VF \S+ attached")
        for milliseconds in 10, 20, 40:
            self.assertEqual(self.count(testpmd, f"probe failed: .*; retrying in {milliseconds} ms"), 1)
        self.assertEqual(self.count(testpmd, "probe failed"), 3)
        self.assert_quits(testpmd)

    def test_probe_that_fails_for_ever(self) -> None:
        testpmd = self.forward(",vf_args=[probe=fail]")
        began = time.monotonic_ns()
        HyperVCase.add_vf(self)
        self.said(testpmd, "probe failed: .*; retrying in 640 ms")
        for doubled in range(7):
            self.assertEqual(self.count(testpmd, f"probe failed: .*; retrying in {10 << doubled} ms"), 1)
        self.assert_only_by(VF)  # hv_netvsc has it, and gives its frames to the fallback
        lost = self.go(lambda: self.unplug(VF)).lost
        self.note(f"probe=fail: {lost} lost in {(time.monotonic_ns() - began) / 1e9:.1f} s")
        self.assert_quits(testpmd)

    def test_detached_while_the_vf_is_probed(self) -> None:
        """The VF does not stay in DPDK without anybody to whom it belongs."""
        testpmd = self.forward(",vf_args=[probe_ms=2000]")
        testpmd.stop()  # a port that an lcore polls must not be stopped
        self.add_vf()
        self.said(testpmd, r"VF \S+ present")
        testpmd.cmd("device detach net_vdev_netvsc0", PATIENCE_S)
        testpmd.process.expect("net_testvf: .* drives ", PATIENCE_S, 0)
        wait_for("no port", lambda: "available ports: 0" in testpmd.cmd("show port summary all"), PATIENCE_S)
        self.assert_quits(testpmd)

    def test_detached_while_the_vf_leaves(self) -> None:
        """fail-safe's callback for the removal waits until the port is stopped, and comes to go on when it is closed."""
        testpmd = self.forward(",vf_args=[stop_ms=2000,lsc=0]")
        self.come(self.add_vf)
        testpmd.stop()
        mark = testpmd.process.mark()
        testpmd.process.send("device detach net_vdev_netvsc0\n")
        testpmd.process.expect("net_testvf: .* takes its time to stop", PATIENCE_S, mark)
        # The interrupt thread's turn comes only when the thread that detaches has nothing to do.
        self.guest.run(f"taskset -a -c -p 0 {testpmd.process.pid} && chrt --fifo -p 1 {testpmd.process.pid}")
        self.remove_by_surprise()
        testpmd.process.expect("is detached", PATIENCE_S, mark)
        wait_for("no port", lambda: "available ports: 0" in testpmd.cmd("show port summary all"), PATIENCE_S)
        self.assert_quits(testpmd)

    def test_queried_while_the_vf_leaves(self) -> None:
        """fail-safe asks its sub-devices without its lock: none may be closed meanwhile."""
        testpmd = self.forward(",vf_args=[info_ms=2000]")
        self.come(self.add_vf)
        mark = testpmd.process.mark()
        testpmd.process.send("show port info 0\n")
        testpmd.process.expect("net_testvf: .* takes its time to answer dev_infos_get", PATIENCE_S, mark)
        self.go(self.remove_by_surprise)
        self.said(testpmd, r"VF \S+ removed", mark)
        self.assertNotIn("closed while it is asked", testpmd.process.output_since(mark))
        self.assert_quits(testpmd)

    def test_late_lcore(self) -> None:
        """It is in the fallback's burst function, which fail-safe's has called, until fail-safe has released the VF: then
        fail-safe's would continue in the VF's closed port."""
        # The VF delivers the last frame: then fail-safe polls the fallback first, and the VF after it.
        self.set_ipv6(False)
        self.addCleanup(self.set_ipv6, True)
        testpmd = self.forward()
        self.come(self.add_vf)
        port = testpmd.port_of("net_failsafe_vsc0")
        for command in "stop", f"port stop {port}", f"port start {port}", "start":  # with fail-safe's fast burst functions
            testpmd.cmd(command, PATIENCE_S)
        self.wait_traffic(VF, time.monotonic_ns())
        self.switch.stop_traffic()
        late = self.guest.spawn("late", [str(TOOLS / "threadstop"), str(testpmd.process.pid), "1",
                                         "librte_net_failsafe", "librte_net_tap"])
        self.addCleanup(end, late)
        late.expect("stopped", PATIENCE_S)
        self.unplug(VF)
        self.said(testpmd, "threads that may use it have not run since it left; waiting")
        late.send("\x04")
        self.wait_traffic(NETVSC, self.switch.start_traffic(self.pps))
        self.assert_quits(testpmd)

    def set_ipv6(self, on: bool) -> None:
        """Whether the kernel sends frames of IPv6's by itself."""
        self.guest.run(f"for each in all default; do echo {0 if on else 1} >/proc/sys/net/ipv6/conf/$each/disable_ipv6; done")

    def test_closed_while_the_vf_returns(self) -> None:
        """fail-safe closes the removed VF in the application's thread. The driver does not probe the next VF before that."""
        self.add_vf()
        testpmd = self.forward(",hotplug_poll=60000", by=VF)
        self.unplug(VF)  # fail-safe would release it at its next poll
        self.add_vf()
        self.machine.ifname(VF)
        self.said(testpmd, r"VF \S+ removed")
        self.assert_quits(testpmd)
        self.assertEqual(self.count(testpmd, "probe failed"), 0, testpmd.process.output())

    def test_flapping(self) -> None:
        testpmd = self.forward()
        began = time.monotonic()
        self.addCleanup(self.unplug_quietly, VF)
        for number in range(FLAPS):
            self.nic.vf_plug(VF)
            if number % 2:
                # Otherwise it may go before the guest's kernel has brought it up, or be taken for its predecessor.
                with contextlib.suppress(LabTimeout):
                    self.machine.ifname(VF)
            self.unplug(VF)
        self.note(f"{FLAPS} times plugged and unplugged in {time.monotonic() - began:.1f} s: "
                  f"{self.count(testpmd, 'present')} seen, {self.count(testpmd, 'attached')} attached")
        self.assert_only_by(NETVSC)
        self.steps("after flapping", self.add_vf, lambda: self.unplug(VF))
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])
        self.assert_quits(testpmd)


class LookAlike(VfCase):
    """For kernels that the VMBus host does not match; to compare with DPDK's own driver, which forwards nothing over
    hv_netvsc once a VF was removed; for two VFs of one NetVSC: Hyper-V's switch and hv_netvsc know only one."""

    def test_comes_and_goes(self) -> None:
        testpmd = self.forward()
        for number in range(CYCLES):
            self.steps(f"look-alike {number + 1}", self.add_vf, lambda: self.unplug(VF))
        self.assert_quits(testpmd)

    def test_two_with_one_address(self) -> None:
        testpmd = self.forward()
        self.come(self.add_vf)
        self.said(testpmd, f"{self.machine.pci_address(VF)} attached")
        self.add_vf(vf="second")
        second = self.machine.pci_address("second")
        self.machine.ifname("second")
        self.assert_only_by(VF)
        self.assertEqual(self.count(testpmd, second), 0)
        self.come(lambda: self.unplug(VF), vf="second")
        self.said(testpmd, f"{second} attached")
        self.go(lambda: self.unplug("second"))
        self.assert_quits(testpmd)

    def add_e1000e(self) -> None:
        """DPDK's own driver takes no virtio NIC for a VF."""
        self.add_vf("e1000e")

    def test_both_drivers_side_by_side(self) -> None:
        """The losses for one VF in mlx5's manner with each driver. (DPDK's own driver often does not take a second VF.)

        With this driver, fail-safe does not set the MAC address that the VF already has."""
        for name, drivers, is_set in ("ours", plugins(), False), ("DPDK's own", plugins(intree=True), True):
            testpmd = self.forward(drivers=drivers)
            self.steps(f"mlx5's manner, e1000e, {name}", self.add_e1000e, lambda: self.unplug(VF))
            self.assertEqual("mac_addr_set" in testpmd.process.output(), is_set)
            self.switch.stop_traffic()
            testpmd.quit(PATIENCE_S)

    def test_in_tree_driver_does_not_take_one_that_cannot_set_its_link(self) -> None:
        """Proves that test_pmd_that_cannot_set_its_link would see a VF that is not taken."""
        testpmd = self.forward(drivers=plugins(intree=True), env={"NETVSC_TESTVF_ARGS": "set_link=0,lsc=0"})
        plugged = time.monotonic_ns()
        self.add_e1000e()
        with self.assertRaises(LabTimeout):
            self.switch.wait_return(VF, plugged, INTREE_S)
        testpmd.process.expect("Could not apply configuration to sub_device 0", PATIENCE_S)
        self.unplug(VF)
        testpmd.quit(PATIENCE_S)


if __name__ == "__main__":
    unittest.main(verbosity=2)
