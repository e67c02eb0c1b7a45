"""The host's end of the guest agent: commands, background processes, files and network devices in the guest."""

from __future__ import annotations

import base64
import json
import re
import shlex
import signal
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

from . import coverage
from .channel import Channel, ChannelClosed, Message
from .errors import CommandError, LabError, LabTimeout

Command = str | Sequence[str]
ANSWER_MARGIN_S = 30.0  # how much longer than the guest itself we wait for an answer
POLL_S = 10.0  # longest single wait asked of the guest
OUTPUT_TAIL = 4000  # characters of a process's output in an error
HIDDEN = "lab-hidden"  # network namespace of hidden netdevices


def _argv(command: Command) -> list[str]:
    """A string is for the shell, a sequence is run as it is."""
    return ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)


@dataclass(frozen=True)
class Completed:
    """How a guest command ended; returncode is -n after signal n."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Netdev:
    """A network device of the guest; `driver` and `bus_id` are empty for virtual ones."""

    name: str
    ifindex: int
    mac: str
    driver: str
    bus_id: str


class GuestProcess:
    """A background process of the guest. All its output is kept, terminal or pipe, standard error included."""

    def __init__(self, guest: Guest, name: str, pid: int) -> None:
        self.name = name
        self.pid = pid
        self._guest = guest
        self._data = bytearray()
        self._returncode: int | None = None
        self._lock = threading.Lock()
        self._expected = 0  # expect() goes on from here, in bytes

    def _pull(self, wait: float) -> None:
        """Takes what output there is, waiting up to `wait` seconds for some."""
        with self._lock:
            while True:
                answer = self._guest.request("read", wait, name=self.name, offset=len(self._data), wait=wait)
                data = base64.b64decode(answer["data"])
                self._data += data
                self._returncode = answer["returncode"]
                if not data:
                    return
                wait = 0

    def output(self) -> str:
        """Everything written so far."""
        self._pull(0)
        return self._data.decode(errors="replace")

    def mark(self) -> int:
        """The length of the output so far in bytes, for expect()'s `since`."""
        self._pull(0)
        return len(self._data)

    def output_since(self, mark: int) -> str:
        """What was written after mark()."""
        self._pull(0)
        return self._data[mark:].decode(errors="replace")

    def send(self, text: str) -> None:
        """Writes to the process's standard input (add the newline yourself)."""
        self._guest.request("send", name=self.name, data=base64.b64encode(text.encode()).decode())

    def expect(self, pattern: str, timeout: float = 30.0, since: int | None = None,
               named: str = "") -> re.Match[str]:
        """Waits until the output matches the regular expression (re.MULTILINE) and returns the match.

        Searches the output after the last match, or after `since` (see mark()). Raises LabTimeout, or LabError if the
        process has ended without a match. The error contains the tail of the output, and `named` as the process's name.
        """
        start = self._expected if since is None else since
        until = time.monotonic() + timeout
        self._pull(0)
        while True:
            text = self._data[start:].decode(errors="replace")
            match = re.search(pattern, text, re.MULTILINE)
            if match:
                self._expected = start + len(text[:match.end()].encode())
                return match
            left = until - time.monotonic()
            what = f"process {self.name}: no {named or repr(pattern)} in its output"
            if self._returncode is not None:
                raise LabError(f"{what}; it ended with status {self._returncode}. Output:\n{text[-OUTPUT_TAIL:]}"
                               f"{self._guest.stacks() if self._returncode < 0 else ''}")
            if left <= 0:
                raise LabTimeout(f"{what} in {timeout:g} s. Output:\n{text[-OUTPUT_TAIL:]}")
            self._pull(min(left, POLL_S))

    def wait(self, timeout: float = 30.0) -> int:
        """Waits for the end; returns the exit status (-n after signal n) or raises LabTimeout."""
        until = time.monotonic() + timeout
        while True:
            wait = max(0.0, min(until - time.monotonic(), POLL_S))
            returncode = self._guest.request("wait", wait, name=self.name, wait=wait)
            if returncode is not None:
                return returncode
            if time.monotonic() >= until:
                raise LabTimeout(f"process {self.name} still runs after {timeout:g} s. "
                                 f"Output:\n{self.output()[-OUTPUT_TAIL:]}")

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._guest.request("wait", name=self.name, wait=0) is None

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process and its children (its process group). Raises LabError if all have ended."""
        if not self._send_signal(number):
            raise LabError(f"process {self.name}: {number.name} is too late, it has ended. "
                           f"Output:\n{self.output()[-OUTPUT_TAIL:]}")

    def kill(self, timeout: float = 30.0, may_have_quit: bool = False) -> None:
        """Kills the process and waits like wait(). Raises LabError if it had ended by itself, except with status 0 if
        `may_have_quit`. The status is the only proof, because the process may end at the same time."""
        self._send_signal(signal.SIGKILL)
        try:
            status = self.wait(timeout)
        except LabTimeout as error:  # it is in the kernel
            stacks = self._guest.run(f"grep -H . /proc/{self.pid}/task/*/stack; dmesg | tail -n 40", check=False).stdout
            raise LabTimeout(f"{error}\n{stacks}") from error
        if status != -signal.SIGKILL and not (may_have_quit and status == 0):
            raise LabError(f"process {self.name} has ended by itself, with status {status}. "
                           f"Output:\n{self.output()[-OUTPUT_TAIL:]}{self._guest.stacks() if status < 0 else ''}")

    def _send_signal(self, number: signal.Signals) -> bool:
        return bool(self._guest.request("signal", name=self.name, number=int(number)))


class Guest:
    """Everything done inside the guest. Methods may be called from any thread; all waits are in seconds."""

    def __init__(self, connection: socket.socket, failure: Callable[[str], LabError]) -> None:
        """`failure` makes an error of what failed: one that says what became of the machine and where its logs are."""
        self._failure = failure
        self._ready = False
        self.staged: dict[str, str] = {}  # testpmd.stage_plugins: the source of each copy
        self._crashes_reported = False
        self._channel = Channel(connection, "guest", self._hear)

    def _hear(self, message: Message) -> None:
        self._ready = self._ready or "hello" in message

    def close(self) -> None:
        """Closes the channel; threads that wait on it get a LabError."""
        self._channel.close()

    def wait_ready(self, timeout: float) -> bool:
        """Waits for the agent's first word; False if it did not come or the machine ended."""
        return self._channel.wait_for(lambda: self._ready, timeout)

    def request(self, op: str, duration: float = 0, **arguments: Any) -> Any:
        """One request to the agent, which takes up to `duration` seconds; returns its result."""
        try:
            answer = self._channel.ask({"op": op, **arguments}, duration + ANSWER_MARGIN_S)
        except ChannelClosed as error:
            raise self._failure(f"guest {op}: the machine ended ({error})") from error
        if answer is None:
            raise self._failure(f"guest {op}: no answer from the agent")
        if "error" in answer:
            raise LabError(f"guest {op} {arguments}: {answer['error']}")
        return answer["result"]

    # Commands and processes.

    def run(self, command: Command, timeout: float = 60.0, check: bool = True,
            env: Mapping[str, str] | None = None, stdin: str = "") -> Completed:
        """Runs a command to its end; a string goes to /bin/sh.

        Raises CommandError for a status other than 0 (unless check is False), LabTimeout after `timeout` seconds,
        in which case the command and its process group have been killed.
        """
        answer = self.request("run", timeout, command=_argv(command), timeout=timeout, env=dict(env or {}), stdin=stdin)
        if answer.pop("timed_out"):
            raise LabTimeout(f"guest command {command!r} did not end in {timeout:g} s\n"
                             f"stdout: {answer['stdout']}\nstderr: {answer['stderr']}")
        done = Completed(**answer)
        if check and done.returncode != 0:
            raise CommandError(command, done.returncode, done.stdout, done.stderr)
        return done

    def spawn(self, name: str, command: Command, pty: bool = True,
              env: Mapping[str, str] | None = None) -> GuestProcess:
        """Starts a background process, on a pseudo-terminal or (pty=False) with pipes."""
        pid = self.request("spawn", name=name, command=_argv(command), pty=pty,
                           env={**coverage.environment(), **(env or {})})
        return GuestProcess(self, name, pid)

    def stacks(self) -> str:
        """The stacks of the processes that have crashed since this was asked last, by thread.

        The thread that crashed comes last, where a report that is too long is not cut.
        """
        found = ""
        for core in self.glob("/run/core.*"):
            all_threads = self.run(f"eu-stack -s -m --core={core}; rm -f {core}", 120, check=False).stdout
            heading, *threads = re.split(r"^(?=TID )", all_threads, flags=re.MULTILINE)  # it is the kernel's first
            found += heading + "".join(reversed(threads))
        self._crashes_reported = self._crashes_reported or bool(found)
        return found

    def has_crashed(self) -> bool:
        """Whether any process has crashed since the start."""
        return self._crashes_reported or bool(self.glob("/run/core.*"))

    def monotonic_ns(self) -> int:
        """The guest's CLOCK_MONOTONIC."""
        return self.request("monotonic_ns")

    def telemetry(self, prefix: str, command: str) -> Any:
        """The parsed answer of the DPDK application with this --file-prefix. Without the process of a client, whose start
        takes seconds on a busy host."""
        return json.loads(self.request("telemetry", 60, prefix=prefix, command=command))

    def modprobe(self, *modules: str) -> None:
        """Loads kernel modules."""
        self.run(["modprobe", "-a", *modules])

    # Files.

    def read_file(self, path: str) -> bytes:
        """A file's content; works for sysfs and proc, too."""
        return base64.b64decode(self.request("read_file", path=path))

    def write_file(self, path: str, data: bytes | str, mode: int = 0o644) -> None:
        """Creates or overwrites a file."""
        content = data.encode() if isinstance(data, str) else data
        self.request("write_file", path=path, data=base64.b64encode(content).decode(), mode=mode)

    def glob(self, *patterns: str, timeout: float = 0) -> list[str]:
        """Paths that match any of the patterns; waits up to `timeout` seconds for the first."""
        return self.request("glob", timeout, patterns=patterns, wait=timeout)

    # Network devices.

    def netdevs(self) -> list[Netdev]:
        """The network devices of the guest's first network namespace."""
        return [Netdev(**row) for row in self.request("netdevs")]

    def make_netvsc(self, ifname: str) -> None:
        """Makes the netdevice look like a NetVSC (device/class_id), until its driver releases its device."""
        self.request("make_netvsc", ifname=ifname)

    def hide(self, ifname: str) -> None:
        """Moves the netdevice to a spare network namespace: the rest of the guest receives its RTM_DELLINK."""
        self.run(f"[ -e /run/netns/{HIDDEN} ] || ip netns add {HIDDEN}; "
                 f"ip link set dev {shlex.quote(ifname)} netns {HIDDEN}")

    def show(self, ifname: str) -> None:
        """Brings a hidden netdevice back (RTM_NEWLINK). It comes back down and without addresses."""
        self.run(["ip", "-n", HIDDEN, "link", "set", "dev", ifname, "netns", "1"])
