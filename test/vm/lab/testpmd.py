"""Starts dpdk-testpmd in the guest and talks to its prompt."""

from __future__ import annotations

import itertools
import os
import re
import shlex
from typing import Sequence

from .errors import LabError
from .guest import Guest

PROMPT = "testpmd> "
PLUGIN_FOLDER = "/run/lab/plugins"  # EAL refuses plugins below a folder anybody may write to
MBUFS = 16384  # the default, sized for all possible cores and queues, takes more memory than the guest gives
MEMORY_MIB = 192  # EAL takes all of it at its start, page by page: with 512 most of the start is that
# What testpmd's forwarding lcores together get of a processor. They poll without end, and machines that run side by side
# share the host. A few milliseconds at a time: some hundred frames a second wait in the rings. A frame takes up to 0.2 ms
# on a busy host, so the traffic must be modest, too (TRAFFIC_PPS): else the rings fill, and frames come back seconds late.
# Not for what measures.
FULL_SPEED = bool(os.environ.get("NETVSC_FULL_SPEED"))
TRAFFIC_PPS = 1000 if FULL_SPEED else 200
SHARE = "1000 10000"  # microseconds: of each period
PACED = "/sys/fs/cgroup/testpmd"  # every testpmd's group, with a group of their lcores in it
WORKERS = b"rte-worker", b"dpdk-worker"  # the latter from DPDK 23.11 on
_number = itertools.count(1)


def stage_plugins(guest: Guest, paths: Sequence[str]) -> list[str]:
    """Copies plugins (guest paths) to a folder that EAL accepts, once for each machine; returns the copies' paths."""
    copies = {f"{PLUGIN_FOLDER}/{str(path).rsplit('/', 1)[-1]}": str(path) for path in paths}
    missing = [source for copy, source in copies.items() if guest.staged.get(copy) != source]
    if missing:
        guest.run(["install", "-D", "-m", "0644", "-t", PLUGIN_FOLDER, *missing])
        guest.staged.update(copies)
    return list(copies)


def pace(guest: Guest, pid: int) -> None:
    """Gives a testpmd's forwarding lcores SHARE of a processor, together with those of others in the guest."""
    if not guest.glob(PACED):
        guest.run(f"mkdir -p {PACED}/workers && echo threaded >{PACED}/workers/cgroup.type && "
                  f"echo +cpu >{PACED}/cgroup.subtree_control && echo {SHARE} >{PACED}/workers/cpu.max")
    guest.write_file(f"{PACED}/cgroup.procs", f"{pid}\n")
    for comm in guest.glob(f"/proc/{pid}/task/*/comm"):
        if guest.read_file(comm).startswith(WORKERS):
            guest.write_file(f"{PACED}/workers/cgroup.threads", f"{comm.split('/')[4]}\n")


class Testpmd:
    """A running interactive testpmd. Errors carry the tail of its output; waits are in seconds.

    eal_args, app_args: added to those below. plugins: shared objects for EAL's -d, staged first. memory: MiB without
    hugepages; None takes the machine's hugepages. wait: waits for the prompt. paced: its lcores get a share of a
    processor only. `process` is the GuestProcess behind it.
    Environment: NETVSC_FULL_SPEED=1 lets it forward as fast as it can.
    """

    __test__ = False  # not a test case, whatever its name looks like

    def __init__(self, guest: Guest, eal_args: Sequence[str] = (), app_args: Sequence[str] = (),
                 plugins: Sequence[str] = (), memory: int | None = MEMORY_MIB, lcores: str = "0,1",
                 program: str = "dpdk-testpmd", timeout: float = 60.0, forward_mode: str = "macswap",
                 wait: bool = True, paced: bool = True) -> None:
        self.name = f"testpmd{next(_number)}"
        command = [program, "-l", lcores, "--file-prefix", self.name]
        if memory is not None:
            command += ["--no-huge", "-m", str(memory)]
        for plugin in stage_plugins(guest, plugins):
            command += ["-d", plugin]
        command += [*eal_args, "--", "-i", f"--forward-mode={forward_mode}", "--port-topology=loop",
                    f"--total-num-mbufs={MBUFS}", *app_args]
        self.command = shlex.join(command)
        self._guest = guest
        self._to_pace = paced and not FULL_SPEED
        self.process = guest.spawn(self.name, command)
        if wait:
            self.process.expect(interruptible(PROMPT), timeout, named="prompt")
        self.start_output = self.process.output()

    def cmd(self, text: str, timeout: float = 30.0) -> str:
        """Types a command; returns what was printed up to the next prompt, log messages included."""
        mark = self.process.mark()
        self.process.send(text + "\n")
        # The command is echoed first; the prompt that counts stands at the start of a line after it.
        match = self.process.expect(rf"^{interruptible(text)}[^\n]*\n([\s\S]*?)^{interruptible(PROMPT)}", timeout,
                                    since=mark, named=f"answer to {text!r}")
        return re.sub(r"\r+\n", "\n", match[1])

    def start(self) -> str:
        """Starts forwarding."""
        if self._to_pace:
            pace(self._guest, self.process.pid)
            self._to_pace = False
        return self.cmd("start")

    def stop(self) -> str:
        """Stops forwarding."""
        return self.cmd("stop")

    def port_stats(self) -> dict[int, dict[str, int]]:
        """Each port's counters, by the names testpmd prints (RX-packets, TX-packets, RX-missed, ...)."""
        out = self.cmd("show port stats all")
        return {port: {name: int(value) for name, value in re.findall(r"([RT]X-[\w-]+):\s+(\d+)", part)}
                for port, part in _by_port(out, r"NIC statistics for port (\d+)")}

    def port_info(self) -> dict[int, dict[str, str]]:
        """Each port's properties, as `show port info all` prints them ("Device name", "Driver name", ...)."""
        out = self.cmd("show port info all")
        return {port: {name.strip(): value.strip() for name, value in re.findall(r"^([^:\n]+): (.*)$", part, re.M)}
                for port, part in _by_port(out, r"Infos for port (\d+)")}

    def port_of(self, device: str) -> int:
        """The number of the port with this device name."""
        return next(port for port, info in self.port_info().items() if info.get("Device name") == device)

    def dump(self, what: str) -> str:
        """The answer to dump_WHAT, which is "dump WHAT" in DPDK 25.11 and later."""
        answer = self.cmd(f"dump_{what}")
        return self.cmd(f"dump {what}") if "Command not found" in answer else answer

    def quit(self, timeout: float = 30.0) -> int:
        """Ends it by its own command; returns the exit status (-n after signal n)."""
        self.process.send("quit\n")
        return self.process.wait(timeout)


def interruptible(text: str) -> str:
    """A regular expression for text that testpmd writes to its terminal, between whose characters may be other lines.

    Its prompt and the echo of what is typed go there one character at a time, and another thread (EAL's interrupt
    thread, with testpmd's answer to an event, or a log message) may write whole lines in between.
    """
    return r"(?:[^\n]*\n(?:[^\n]*\n)*?)??".join(map(re.escape, text))


def _by_port(out: str, heading: str) -> list[tuple[int, str]]:
    """(port, text) for each section of the output."""
    parts = re.split(heading, out)
    if len(parts) < 2:
        raise LabError(f"testpmd's output describes no port: {out!r}")
    return [(int(port), text) for port, text in zip(parts[1::2], parts[2::2])]
