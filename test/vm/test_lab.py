"""The lab's own test: boots virtual machines and checks what the other tests rely on.

Run: PYTHONPATH=test/vm python3 -m unittest -v test_lab (from the project's folder: `python3 test/vm/test_lab.py`).
"""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lab import images  # noqa: E402
from lab.errors import CommandError, EmulatorCrashed, LabError, LabTimeout, MachineError  # noqa: E402
from lab.machine import DEAF_PROCESSOR, Machine  # noqa: E402
from lab.schedule import Schedule, Step  # noqa: E402
from lab.switch import Switch  # noqa: E402
from lab.testpmd import PROMPT, TRAFFIC_PPS, Testpmd, interruptible  # noqa: E402

MAC = "52:54:00:12:34:56"
CLASS_ID = b"{f8615163-df3e-46c5-913f-f2d2f965ed0e}\n"


# In the environment of all that this test starts, as other labs may run on the host.
MARK = f"LAB_TEST={os.getpid()}"
os.environ.update([MARK.split("=")])


def leftovers(pid: int | None = None) -> set[str]:
    """Processes this test's labs have started, and temporary folders of the lab in process `pid` (default: this one)."""
    found = {str(path) for path in Path("/tmp").glob(f"lab-*-{pid or os.getpid()}-*")}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            marked = MARK.encode() in (path / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if marked and any(word.endswith((b"qemu-system-x86_64", b"switchd.py", b"guard.py")) for word in words):
            found.add(path.name)
    return found


class Terminal(unittest.TestCase):
    """What testpmd's threads write at the same time, as it was seen."""

    def test_prompt_with_lines_between(self) -> None:
        pattern = f"^{interruptible(PROMPT)}"
        for text in ("testpmd> ", "out\r\ntestpmd> ",
                     "t  macswap packet forwarding packets/burst=32\r\n  nb forwarding cores=1\r\nestpmd> ",
                     "t one\r\ne another\r\nstpm\r\nPort 2: device removal event\r\nd> ", "testpmd>\r\n  line\r\n "):
            with self.subTest(text):
                self.assertTrue(re.search(pattern, text, re.M))
        for text in ("out testpmd> ", "testpmd: create\r\n", "t\r\ne\r\n stpmd> ", "testpmd> "[:-1]):
            with self.subTest(text):
                self.assertFalse(re.search(pattern, text, re.M))

    def test_echo_with_lines_between(self) -> None:
        self.assertTrue(re.search(f"^{interruptible('show port')}", "show povdev_netvsc: a\nlog\nrt\r\n", re.M))


class Running(unittest.TestCase):
    """Tests that share one machine with a NIC `syn`."""

    machine: Machine

    @classmethod
    def setUpClass(cls) -> None:
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.stop)
        cls.machine.nic_add("syn", MAC)
        cls.machine.start()
        cls.guest = cls.machine.guest
        cls.syn = cls.machine.ifname("syn")

    def test_runs_commands(self) -> None:
        done = self.guest.run("echo out; echo error >&2; exit 3", check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (3, "out\n", "error\n"))
        with self.assertRaisesRegex(CommandError, "status 3"):
            self.guest.run("exit 3")
        with self.assertRaises(LabTimeout):
            self.guest.run("sleep 60", timeout=0.2)
        self.assertEqual(self.guest.run(["cat"], stdin="text").stdout, "text")

    def test_sees_the_host_read_only(self) -> None:
        mine = str(Path(__file__).resolve())
        self.assertEqual(self.guest.read_file(mine), Path(mine).read_bytes())
        self.guest.run(["sh", "-c", 'echo >>"$0"', mine])
        self.assertNotEqual(self.guest.read_file(mine), Path(mine).read_bytes())

    def test_files(self) -> None:
        data = bytes(range(256)) * 5000
        self.guest.write_file("/run/lab/file", data, 0o600)
        self.assertEqual(self.guest.read_file("/run/lab/file"), data)
        self.assertEqual(self.guest.run("stat -c %a /run/lab/file").stdout, "600\n")
        with self.assertRaisesRegex(LabError, "/run/lab/none"):
            self.guest.read_file("/run/lab/none")

    def test_background_process(self) -> None:
        process = self.guest.spawn("cat", "echo ready; while read line; do echo got $line; done; exit 7", pty=False)
        process.expect("^ready$")
        process.send("one\n")
        self.assertEqual(process.expect(r"got (\w+)")[1], "one")
        with self.assertRaisesRegex(LabTimeout, "no 'never'"):
            process.expect("never", timeout=0.3)
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(), -signal.SIGTERM)
        with self.assertRaisesRegex(LabError, "SIGTERM is too late.*\n.*ready"):
            process.signal(signal.SIGTERM)
        with self.assertRaisesRegex(LabError, "ended by itself, with status -15.*\n.*ready"):
            process.kill()
        with self.assertRaisesRegex(LabError, "ended with status -15"):
            process.expect("never")

    def test_background_process_has_a_terminal(self) -> None:
        process = self.guest.spawn("tty", "tty; sleep 60")
        process.expect("/dev/pts/")
        process.send("\x03")  # Ctrl-C reaches it only through a controlling terminal
        self.assertIn(process.wait(), (-signal.SIGINT, 130))

    def test_requests_do_not_wait_for_each_other(self) -> None:
        waits = "touch /run/lab/begun; until [ -e /run/lab/end ]; do sleep 0.1; done"
        waiter = Schedule([Step(0, "waits", lambda: self.guest.run(waits))])
        waiter.start()
        self.assertTrue(self.guest.glob("/run/lab/begun", timeout=30))
        self.guest.write_file("/run/lab/end", b"")
        waiter.join()

    def test_plug_and_unplug(self) -> None:
        for model, driver in ("e1000e", "e1000e"), ("virtio-net-pci", "virtio_net"):
            with self.subTest(model):
                mac = "52:54:00:00:00:aa"
                self.machine.nic_add("vf", mac, model)
                name = self.machine.ifname("vf")
                netdev = next(netdev for netdev in self.guest.netdevs() if netdev.name == name)
                self.assertEqual((netdev.mac, netdev.driver), (mac, driver))
                self.assertIn(self.machine.pci_address("vf"), os.fspath(self.guest.run(
                    ["readlink", "-f", f"/sys/class/net/{name}/device"]).stdout))
                self.assertLess(self.machine.nic_del("vf").seconds, 5)
                self.assertNotIn(mac, [netdev.mac for netdev in self.guest.netdevs()])

    def test_unplug_that_the_guest_delays(self) -> None:
        self.machine.nic_add("vf", "52:54:00:00:00:aa", "e1000e")
        self.machine.ifname("vf")
        mark = self.machine.nic_unplug("vf")
        self.assertGreater(self.machine.nic_unplugged("vf", mark), 0)
        with self.assertRaisesRegex(LabError, "no NIC vf"):
            self.machine.nic_del("vf")

    def test_wrong_nics(self) -> None:
        with self.assertRaisesRegex(LabError, "NIC syn already"):
            self.machine.nic_add("syn", MAC)
        with self.assertRaisesRegex(LabError, "nonsense"):
            self.machine.nic_add("bad", MAC, "nonsense")
        self.assertNotIn("bad", self.machine.nics)

    def test_netvsc_look_alike(self) -> None:
        self.machine.nic_add("lookalike", "52:54:00:00:00:bb")
        self.addCleanup(self.machine.nic_del, "lookalike")
        name = self.machine.ifname("lookalike")
        self.assertFalse(self.guest.glob(f"/sys/class/net/{name}/device/class_id"))
        self.guest.make_netvsc(name)

        def check(name: str) -> None:
            device = f"/sys/class/net/{name}/device"
            self.assertEqual(self.guest.read_file(f"{device}/class_id"), CLASS_ID)
            self.assertEqual(self.guest.run(f"readlink -f {device}/subsystem").stdout, "/sys/bus/virtio\n")
            self.assertEqual(self.guest.read_file(f"{device}/net/{name}/address"), b"52:54:00:00:00:bb\n")
            self.assertEqual(self.guest.run(f"ls {device}/../").stdout, self.guest.run(
                f"ls $(dirname $(readlink -f {device}))").stdout)

        check(name)
        self.guest.run(f"ip link set {name} name renamed0")
        check("renamed0")
        self.guest.hide("renamed0")
        self.assertFalse(self.guest.glob("/sys/class/net/renamed0"))
        monitor = self.guest.spawn("monitor", "exec ip monitor link", pty=False)
        time.sleep(0.5)
        self.guest.show("renamed0")
        monitor.expect("renamed0")
        monitor.signal(signal.SIGTERM)
        check("renamed0")

    def test_schedule(self) -> None:
        done: list[str] = []
        schedule = Schedule([Step(0.3, "second", lambda: done.append("second")),
                             Step(0.1, "first", lambda: done.append("first"))])
        schedule.start()
        steps = schedule.join()
        self.assertEqual(done, ["first", "second"])
        self.assertAlmostEqual((steps[1].began_ns - schedule.started_ns) / 1e9, 0.3, delta=0.2)
        failing = Schedule([Step(0, "fails", lambda: self.machine.nic_del("none"))])
        failing.start()
        with self.assertRaisesRegex(LabError, "step fails"):
            failing.join()

    def test_traffic(self) -> None:
        self.guest.run(["ip", "link", "set", self.syn, "up"])
        self.addCleanup(self.guest.run, ["ip", "link", "set", self.syn, "down"])
        testpmd = Testpmd(self.guest, ["--no-pci", f"--vdev=net_af_packet0,iface={self.syn}"])
        self.assertEqual(testpmd.port_info()[0]["Driver name"], "net_af_packet")
        testpmd.start()
        switch = self.machine.switch(MAC)

        began = switch.start_traffic(pps=TRAFFIC_PPS)
        switch.wait_return("syn", began)
        time.sleep(5)
        report = switch.report(began, switch.stop_traffic())
        # On an idle host none is lost in 5 s; on one whose processors are all busy the generator lets time go, and the
        # guest, stopped for too long, may lose some.
        self.assertGreater(report.sent, TRAFFIC_PPS)
        self.assertEqual(report.sent, report.returned + report.lost)
        self.assertLessEqual(report.lost, report.sent * 0.02)
        self.assertEqual(report.duplicates, 0)
        self.assertEqual(report.returned_by_port, {"syn": report.returned})
        self.assertGreaterEqual(testpmd.port_stats()[0]["RX-packets"], report.returned)

        began = switch.start_traffic(pps=TRAFFIC_PPS)
        time.sleep(1)
        self.machine.set_link("syn", False)
        down = time.monotonic_ns()
        time.sleep(1)
        up = time.monotonic_ns()
        self.machine.set_link("syn", True)
        switch.wait_return("syn", up)
        ended = switch.stop_traffic()
        whole, gap = switch.report(began, ended), switch.report(down + 50_000_000, up)
        self.assertEqual(whole.sent, whole.returned + whole.lost)
        self.assertGreater(gap.sent, TRAFFIC_PPS / 10)
        self.assertEqual(gap.returned, 0)
        self.assertGreaterEqual(whole.longest_gap_ms, 900)
        self.assertEqual(sum(part.lost for part in switch.timeline(100, began, ended)), whole.lost)
        self.assertGreaterEqual(switch.first_return("syn", up), up)
        self.assertEqual(testpmd.quit(), 0)


class Life(unittest.TestCase):
    """How machines end."""

    def setUp(self) -> None:
        self.assert_clean()

    def assert_clean(self, pid: int | None = None) -> None:
        until = time.monotonic() + 5
        while leftovers(pid) and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(leftovers(pid), set())

    def test_body_raises(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            with Machine() as machine:
                machine.nic_add("vf", MAC, "e1000e")
                self.assertEqual(len(leftovers()), 6)  # two folders, QEMU, the switch, two guards
                1 / 0
        self.assert_clean()

    def test_lab_is_killed(self) -> None:
        for number in signal.SIGKILL, signal.SIGTERM:
            with self.subTest(number):
                lab = subprocess.Popen(
                    [sys.executable, "-m", "lab", "--nic", f"syn,{MAC}", "--run", "echo up; sleep 100"],
                    cwd=Path(__file__).parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                self.addCleanup(lab.stdout.close)
                self.assertEqual(lab.stdout.readline(), b"up\n")
                self.assertEqual(len(leftovers(lab.pid)), 6)
                lab.send_signal(number)
                lab.wait()
                self.assert_clean(lab.pid)

    def test_panic_is_reported(self) -> None:
        with Machine() as machine:
            machine.nic_add("syn", MAC)
            with self.assertRaisesRegex(LabError, "machine ended.*kernel panicked") as caught:
                machine.guest.run("echo c >/proc/sysrq-trigger; sleep 10")
            self.assertIn(str(machine.console_log), str(caught.exception))
        self.assert_clean()

    def test_emulator_crash_is_reported(self) -> None:
        with Machine() as machine:
            qemu = next(int(name) for name in leftovers() if name.isdecimal()
                        and Path(f"/proc/{name}/comm").read_text().startswith("qemu-system"))
            resource.prlimit(qemu, resource.RLIMIT_CORE, (0, 0))
            os.kill(qemu, signal.SIGABRT)
            with self.assertRaisesRegex(EmulatorCrashed, "guest run: .*ended with status 134"):
                machine.guest.run("sleep 10")
            with self.assertRaisesRegex(EmulatorCrashed, "QMP.*ended with status 134"):
                machine.qmp.execute("query-status")
        self.assert_clean()

    def test_boot_failure_is_reported(self) -> None:
        with self.assertRaisesRegex(MachineError, "QEMU said: (?!.nothing)"):
            Machine(cpus=100000).start()
        with self.assertRaisesRegex(MachineError, "did not boot .limit: 0.5 s"):
            with Machine(boot_timeout=0.5):
                self.fail("it cannot have booted")
        self.assert_clean()


class Parts(unittest.TestCase):
    """What needs no machine."""

    def test_switch_with_many_ports(self) -> None:
        """As after hundreds of a VF's returns: each frame is its port's, and none is doubled."""
        switch = Switch(MAC)
        self.addCleanup(switch.close)
        for number in range(300):
            switch.add(f"gone{number}")
            switch.remove(f"gone{number}")
        local, remote = switch.add("late")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as nic:
            nic.bind(str(local))
            began = switch.start_traffic(pps=100)
            frame = nic.recv(2048)
            nic.sendto(frame, str(remote))
            switch.wait_return("late", began)
            nic.sendto(frame, str(remote))
        report = switch.report(began, switch.stop_traffic(drain_s=0.1))
        self.assertEqual(set(report.sent_by_port), {"late"})
        self.assertEqual((report.returned_by_port, report.duplicates), ({"late": 1}, 1))

    def test_deaf_processor(self) -> None:
        """Distinguished from a processor that the kernel keeps busy, by its instruction pointer."""
        log = ("[  1.0] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [a:1]\n[  1.0] RIP: 0010:wait+0xf1/0x330\n"
                "[  1.1] NMI backtrace for cpu 1\n[  1.1] CPU: 1 PID: 604 Comm: b\n[  1.1] Hardware name: QEMU\n"
                "[  1.1] RIP: {}:0x7f30659db0b0\n")
        self.assertTrue(DEAF_PROCESSOR.search(log.format("0033")))
        self.assertFalse(DEAF_PROCESSOR.search(log.format("0010")))

    def test_modules_come_after_what_they_need(self) -> None:
        names = [path.name.split(".")[0] for path in images.resolve_modules(images.newest_kernel(), ("9p", "overlay"))]
        self.assertLess(names.index("9pnet"), names.index("9p"))
        self.assertIn("overlay", names)
        with self.assertRaisesRegex(LabError, "no module nonsense"):
            images.resolve_modules(images.newest_kernel(), ("nonsense",))


if __name__ == "__main__":
    unittest.main(verbosity=2)
