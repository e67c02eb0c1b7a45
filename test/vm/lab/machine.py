"""The virtual machine: QEMU without KVM, Debian's kernel, the host's root file system, NICs that are added and removed."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from . import images
from .errors import EmulatorCrashed, LabError, LabTimeout, MachineError
from .guest import Guest
from .process import GuardedProcess
from .qemu import STEADY, Qemu, steadiest
from .qmp import Qmp, QmpError
from .switch import Switch

ASK_AGAIN_S = 5.0
FIRST_ROOT_PORT_SLOT = 0x10  # the root ports' device numbers on bus 0: the guest finds a NIC by its root port
LOGS_KEPT = 40
TAIL_LINES = 40
PANIC = "Kernel panic"  # the start of the kernel's message
CRASHES = {128 + number for number in (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV)}
# The kernel's messages when a processor does not answer another and hangs in user mode.
DEAF_PROCESSOR = re.compile(r"soft lockup - CPU#.*?NMI backtrace for cpu \d+\n(?:[^\n]*\n){1,3}?[^\n]* RIP: 0033:", re.S)
# The guest notifies a virtio device of new buffers by an I/O port, not by memory: see STEADY. A device that misses a
# notification hangs.
PORT_NOTIFY = "disable-legacy=on,modern-pio-notify=on"
# With "enhanced" string instructions, the kernel clears and copies pages by single bytes: QEMU does these one by one, and
# clearing the pages that a testpmd takes is most of its start. Without them it is eight bytes at a time.
CPU = "max,erms=off,fsrm=off"
# What QEMU says of an access to another device that its IOMMU got.
MISLED = re.compile(r"vtd_mem_(read|write): MMIO over range")
_number = itertools.count(1)


def default_cache_dir() -> Path:
    """The default folder of images and logs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netvsc-lab"


def contains(log: Path, pattern: re.Pattern[str]) -> bool:
    """Whether a log has it."""
    return log.exists() and bool(pattern.search(log.read_text(errors="replace")))


@dataclass(frozen=True)
class Nic:
    """A NIC of the machine: its id (also its port's name in the switch), address, QEMU model, root port and switch."""

    id: str
    mac: str
    model: str
    port: int
    switch: str
    mark: int  # number of QEMU's events before it existed


@dataclass(frozen=True)
class Unplug:
    """How an unplug went; times are time.monotonic_ns() of the host."""

    requested_ns: int
    deleted_ns: int

    @property
    def seconds(self) -> float:
        """From the request to the guest's consent."""
        return (self.deleted_ns - self.requested_ns) / 1e9


class Machine:
    """A virtual machine; a context manager that boots it and, at the end, leaves nothing behind but its logs.

    NICs are added before or after boot (nic_add); those with the same MAC address share a Switch, and an SR-IOV NIC
    joins that of its VF. The host's root
    is seen through a cache: a host file changed while the guest runs may be seen in its old form.
    Methods may be called from any thread. Sizes are in MiB, times in seconds.
    """

    def __init__(self, cpus: int = 2, memory: int = 2048, hugepages: int = 0, iommu: bool = False,
                 root_ports: int = 8, modules: Sequence[str] = ("virtio_net", "e1000e"), kernel: str | None = None,
                 kernel_args: Sequence[str] = (), cache_dir: Path | None = None, log_dir: Path | None = None,
                 boot_timeout: float = 180.0, shell: bool = False, qemu: Qemu | None = None) -> None:
        """hugepages: how many of 2 MiB, out of `memory`. modules: kernel modules loaded before the agent answers.

        qemu: steadiest(), unless a test needs another (at_least).
        shell: a root shell on the socket `shell_path` (see __main__.py), independent of the agent.
        """
        self.cpus = cpus
        self.memory = memory
        self.hugepages = hugepages
        self.iommu = iommu
        self.root_ports = root_ports
        self.modules = tuple(modules)
        self.kernel = kernel or images.newest_kernel()
        self.kernel_args = tuple(kernel_args)
        self.cache_dir = cache_dir or default_cache_dir()
        self.log_dir = log_dir or self.cache_dir / "log"
        self.boot_timeout = boot_timeout
        self.boot_seconds = 0.0
        self.nics: dict[str, Nic] = {}
        self._lock = threading.RLock()
        self._switches: dict[str, Switch] = {}
        self._serial = itertools.count(1)  # for names QEMU never sees twice
        self._devices: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}  # id: netdev, device
        self._process: GuardedProcess | None = None
        self._crashed = False
        self._qmp: Qmp | None = None
        self._guest: Guest | None = None
        self._shell = shell
        self._qemu = qemu or steadiest()
        name = f"{os.getpid()}-{next(_number)}"
        self.console_log = self.log_dir / f"{name}-console.log"
        self.qemu_log = self.log_dir / f"{name}-qemu.log"

    def __enter__(self) -> Machine:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def guest(self) -> Guest:
        """The guest's agent."""
        if self._guest is None:
            raise LabError("the machine is not running")
        return self._guest

    @property
    def qmp(self) -> Qmp:
        """QEMU's control channel."""
        if self._qmp is None:
            raise LabError("the machine is not running")
        return self._qmp

    @property
    def shell_path(self) -> Path:
        """Unix socket of the debugging shell (Machine(shell=True))."""
        if self._process is None:
            raise LabError("the machine is not running")
        return self._process.folder / "shell"

    # Life.

    def start(self) -> None:
        """Boots; returns when the agent answers. Raises MachineError with the console's tail, and leaves nothing then.

        Without `with`, stop() has to follow.
        """
        began = time.monotonic()
        try:
            self._boot()
        except BaseException:
            self.stop()
            raise
        self.boot_seconds = time.monotonic() - began

    def _boot(self) -> None:
        self._qemu.version()  # says what is wrong with it
        kernel = images.kernel_image(self.kernel, self.cache_dir)
        initramfs = images.initramfs(self.kernel, self.cache_dir)
        self._prepare_logs()
        self._process = GuardedProcess("vm")
        qmp_host, qmp_qemu = socket.socketpair()
        agent_host, agent_qemu = socket.socketpair()
        self._qmp = Qmp(qmp_host, self._failure)
        self._guest = Guest(agent_host, self._failure)
        try:
            with open(self.qemu_log, "wb") as log:
                command = self._command(kernel, initramfs, qmp_qemu.fileno(), agent_qemu.fileno())
                self._process.start(command, [qmp_qemu.fileno(), agent_qemu.fileno()], log)
        finally:
            qmp_qemu.close()
            agent_qemu.close()
        if not self._guest.wait_ready(self.boot_timeout):
            raise self._failure(f"the guest did not boot (limit: {self.boot_timeout:g} s)", MachineError)
        self._qmp.start()

    def stop(self) -> None:
        """Ends the machine and its switches at once. May be called again."""
        if self._process is not None:
            self._process.stop()
        for channel in (self._qmp, self._guest):
            if channel is not None:
                channel.close()
        for switch in self._switches.values():
            switch.close()
        self._process = self._qmp = self._guest = None
        self._switches = {}

    def pause(self) -> None:
        """Stops the processors and the guest's clock, until resume(). The switches go on."""
        self.qmp.execute("stop")

    def resume(self) -> None:
        """Lets the processors go on after pause()."""
        self.qmp.execute("cont")

    def _prepare_logs(self) -> None:
        """Makes the folder for logs and removes the oldest ones."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        logs = []
        for path in self.log_dir.glob("*-*.log"):
            try:
                logs.append((path.stat().st_mtime, path))
            except FileNotFoundError:  # another lab was quicker
                pass
        for _, path in sorted(logs)[:-LOGS_KEPT]:
            path.unlink(missing_ok=True)

    def console_tail(self, lines: int = TAIL_LINES) -> str:
        """The last lines of the guest's console, or all from the kernel's panic on."""
        try:
            told = self.console_log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return "(no console log)"
        panic = next((at for at, line in enumerate(told) if PANIC in line), len(told))
        return "\n".join(told[min(panic, max(0, len(told) - lines)):])

    def _emulator_crashed(self, status: int | None) -> bool:
        """Whether QEMU, which ended with this status or still runs, has failed; one that runs uselessly is ended."""
        if status is not None:
            self._crashed = self._crashed or status in CRASHES
        elif contains(self.console_log, DEAF_PROCESSOR) or contains(self.qemu_log, MISLED):
            self._crashed = True
            if self._process is not None:
                self._process.stop()  # nobody else is to wait for it
        return self._crashed

    def _failure(self, what: str, kind: type[LabError] = LabError) -> LabError:
        """An error: what failed, what became of the machine and where to read more; EmulatorCrashed if that is why."""
        process = self._process
        status = process.poll() if process else None
        if process is not None and status is None:
            # The channels close a moment before the process has been waited for.
            deadline = time.monotonic() + 1
            while status is None and time.monotonic() < deadline:
                time.sleep(0.05)
                status = process.poll()
        tail = self.console_tail()
        if PANIC in tail:
            state = "The guest's kernel panicked"
        elif status is None:
            state = "QEMU is running"
        else:
            state = f"QEMU ended with status {status}"
        errors = self.qemu_log.read_text(errors="replace").strip() if self.qemu_log.exists() else ""
        return (EmulatorCrashed if self._emulator_crashed(status) else kind)(
            f"{what}. {state}; logs: {self.console_log}, {self.qemu_log}\n"
            f"QEMU said: {errors or '(nothing)'}\nthe console's last lines:\n{tail}")

    def _command(self, kernel: Path, initramfs: Path, qmp_fd: int, agent_fd: int) -> list[str]:
        # Level 5: stacks, too, of all processors if one is stuck.
        args = ["console=ttyS0", "quiet", "loglevel=5", "sysctl.kernel.softlockup_all_cpu_backtrace=1", "panic=-1",
                "oops=panic", "mitigations=off", "tsc=reliable",
                "random.trust_cpu=on", "no_timer_check", "net.ifnames=0", "lab.modules=" + ",".join(self.modules)]
        if images.kernel_root(self.kernel) == images.BESIDE:
            args += [f"lab.kernel={images.BESIDE}"]
        if self.hugepages:
            args += ["hugepagesz=2M", f"hugepages={self.hugepages}"]
        args += ["intel_iommu=on", "iommu=pt"] if self.iommu else ["intel_iommu=off"]
        if self._shell:
            args += ["lab.shell=1"]
        command = [
            *self._qemu.words, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", CPU,
            "-smp", str(self.cpus), "-m", str(self.memory),
            "-kernel", str(kernel), "-initrd", str(initramfs),
            "-append", " ".join([*args, *self.kernel_args]),
            "-chardev", f"socket,id=qmp,fd={qmp_fd}", "-mon", "chardev=qmp,mode=control",
            "-chardev", f"file,id=console,path={self.console_log}", "-serial", "chardev:console"]
        # The kernel uses x2APIC only where an IOMMU remaps interrupts.
        if self._qemu.version() >= STEADY:
            command += ["-device", "intel-iommu,intremap=on,eim=on"]
        elif self.iommu:
            command += ["-device", "intel-iommu"]
        command += [
            "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", f"virtio-9p-pci,fsdev=root,mount_tag=hostroot,{PORT_NOTIFY}",
            "-device", f"virtio-serial-pci,{PORT_NOTIFY}",
            "-chardev", f"socket,id=agent,fd={agent_fd}", "-device", "virtserialport,chardev=agent,name=lab.agent"]
        if self._shell:
            command += ["-chardev", f"socket,id=shell,path={self.shell_path},server=on,wait=off",
                        "-device", "virtconsole,chardev=shell"]
        for port in range(self.root_ports):
            command += ["-device", f"pcie-root-port,id=rp{port},bus=pcie.0,chassis={port + 1},slot={port + 1},"
                                   f"addr={FIRST_ROOT_PORT_SLOT + port:#x}"]
        for netdev, device in self._devices.values():
            command += ["-netdev", json.dumps(netdev), "-device", json.dumps(device)]
        return command

    # NICs.

    def switch(self, mac: str) -> Switch:
        """The switch of a MAC address; it is made by the first NIC that has the address."""
        try:
            return self._switches[mac.lower()]
        except KeyError:
            raise LabError(f"no NIC has the address {mac}") from None

    def nic_add(self, id: str, mac: str, model: str = "virtio-net-pci", port: int | None = None,
                switch: str | None = None, **properties: Any) -> Nic:
        """Adds a NIC, before boot or by hot-plug, on root port `port` or the first free one.

        switch: the MAC address whose Switch it belongs to, if not its own: that of a VF that it will have.
        properties: more of QEMU's device properties (underscores for hyphens). Returns when QEMU has plugged it;
        ifname() waits for the guest.
        """
        mac = mac.lower()
        with self._lock:
            if id in self.nics:
                raise LabError(f"there is a NIC {id} already")
            used = {nic.port for nic in self.nics.values()}
            free = [number for number in range(self.root_ports) if number not in used]
            if port is None and free:
                port = free[0]
            if port not in free:
                raise LabError(f"NIC {id}: no free root port ({self.root_ports} in all, used: {sorted(used)})")
            home = (switch or mac).lower()
            if home not in self._switches:
                self._switches[home] = Switch(home)
            qemu_path, our_path = self._switches[home].add(id)
            backend = f"net{next(self._serial)}"
            netdev = {"type": "dgram", "id": backend, "local": {"type": "unix", "path": str(qemu_path)},
                      "remote": {"type": "unix", "path": str(our_path)}}
            device = {"driver": model, "id": id, "mac": mac, "netdev": backend, "bus": f"rp{port}", "romfile": ""}
            if model.startswith("virtio-net") and self.iommu:
                device["iommu_platform"] = True
            device.update((key.replace("_", "-") if key != "iommu_platform" else key, value)
                          for key, value in properties.items())
            mark = 0
            if self._qmp is not None:
                mark = self._qmp.event_count()
                try:
                    self._qmp.netdev_add(netdev)
                    try:
                        self._qmp.device_add(device)
                    except LabError:
                        self._qmp.netdev_del(backend)
                        raise
                except LabError:
                    self._switches[home].remove(id)
                    raise
            self._devices[id] = netdev, device
            self.nics[id] = Nic(id, mac, model, port, home, mark)
            return self.nics[id]

    def nic_unplug(self, id: str) -> int:
        """Starts to take a NIC away: the switch leaves it at once, then the guest is asked. Does not wait.

        Returns a mark for nic_unplugged(), which has to follow before the id or the root port can be used again.
        """
        nic = self._nic(id)
        self.switch(nic.switch).unplug(id)
        # A guest that answers a request late may have released this NIC too, in place of its predecessor.
        with contextlib.suppress(QmpError):
            self.qmp.device_del(id)
        return nic.mark

    def nic_unplugged(self, id: str, mark: int, timeout: float = 30.0) -> int:
        """Waits until the guest has released the NIC. Returns the time of that (host's monotonic clock, ns)."""
        nic = self._nic(id)
        until = time.monotonic() + timeout
        while True:
            try:
                event = self.qmp.wait_event("DEVICE_DELETED", min(ASK_AGAIN_S, timeout), mark,
                                            lambda data: data.get("device") == id)
                break
            except LabTimeout as error:
                if time.monotonic() >= until:
                    raise self._failure(f"NIC {id}: the guest did not release it in {timeout:g} s",
                                        LabTimeout) from error
            # A guest that had not found the NIC at the time of the request may have lost the request.
            with contextlib.suppress(QmpError):  # the request arrived and is being executed
                self.qmp.device_del(id)
        with self._lock:
            netdev, _ = self._devices.pop(id)
            self.qmp.netdev_del(netdev["id"])
            self.switch(nic.switch).remove(id)
            del self.nics[id]
        return event["host_ns"]

    def nic_del(self, id: str, timeout: float = 30.0) -> Unplug:
        """Removes a NIC and waits until the guest has released it."""
        requested = time.monotonic_ns()
        mark = self.nic_unplug(id)
        return Unplug(requested, self.nic_unplugged(id, mark, timeout))

    def set_link(self, id: str, up: bool) -> None:
        """Plugs or pulls a NIC's cable."""
        self.qmp.set_link(self._nic(id).id, up)

    def _nic(self, id: str) -> Nic:
        try:
            return self.nics[id]
        except KeyError:
            raise LabError(f"there is no NIC {id}; there are: {', '.join(self.nics) or 'none'}") from None

    def _root_port(self, id: str) -> str:
        return f"/sys/bus/pci/devices/0000:00:{FIRST_ROOT_PORT_SLOT + self._nic(id).port:02x}.0"

    def pci_address(self, id: str, timeout: float = 10.0) -> str:
        """A NIC's PCI address in the guest."""
        found = self.guest.glob(f"{self._root_port(id)}/0000:*:*.?", timeout=timeout)
        if not found:
            raise self._failure(f"NIC {id}: the guest has no such PCI device after {timeout:g} s", LabTimeout)
        return Path(found[0]).name

    def ifname(self, id: str, timeout: float = 10.0) -> str:
        """A NIC's netdevice in the guest; waits for the guest's driver."""
        base = f"{self._root_port(id)}/0000:*:*.?"
        found = self.guest.glob(f"{base}/net/*", f"{base}/virtio*/net/*", timeout=timeout)
        if not found:
            raise self._failure(f"NIC {id}: the guest has no netdevice for it after {timeout:g} s", LabTimeout)
        return Path(found[0]).name
