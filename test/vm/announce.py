# SPDX-License-Identifier: BSD-3-Clause
"""The time from the kernel's notification of a VF to its PCI address in fail-safe's pipe, by the guest's clock."""

from __future__ import annotations

from lab.errors import LabError
from lab.guest import Guest
from support import TOOLS, end, wait_for

PIPE_LOG = "/run/lab/pipewatch"


class AnnounceWatch:
    """Listens beside testpmd (tools/linklog) and within it (tools/pipewatch); ours and DPDK's driver alike."""

    env = {"LD_PRELOAD": str(TOOLS / "libpipewatch.so"), "PIPEWATCH_LOG": PIPE_LOG}  # for testpmd

    def __init__(self, guest: Guest, name: str = "linklog") -> None:
        self._guest = guest
        self._links = guest.spawn(name, [str(TOOLS / "linklog")], pty=False)
        self._links.expect("^ready$")

    def close(self) -> None:
        end(self._links)

    def notified_ns(self, since_ns: int, ifname: str, carrier: bool = False, timeout: float = 20.0) -> int:
        """When the listener received the first notification of netdevice `ifname` at or after `since_ns`.

        carrier: the first one that says that it has one.
        """
        ending = " carrier" if carrier else ""
        return wait_for(f"notification of {ifname}",
                        lambda: self._first(self._links.output(), since_ns, ifname, ending), timeout)

    def written_ns(self, since_ns: int, pci: str, timeout: float = 20.0) -> int:
        """When the address `pci` was first written into the pipe at or after `since_ns`."""
        return wait_for(f"{pci} in the pipe", lambda: self._first(self._pipe_log(), since_ns, pci), timeout)

    def latency_ns(self, since_ns: int, ifname: str, pci: str, timeout: float = 20.0) -> int:
        """From the first notification of netdevice `ifname` after `since_ns` to the first `pci` in the pipe.

        Negative if the listener was scheduled after the driver."""
        return self.written_ns(since_ns, pci, timeout) - self.notified_ns(since_ns, ifname, timeout)

    def _pipe_log(self) -> str:
        try:
            return self._guest.read_file(PIPE_LOG).decode()
        except LabError:  # nothing has been written yet
            return ""

    @staticmethod
    def _first(log: str, since_ns: int, subject: str, ending: str = "") -> int | None:
        """The time of the first line about `subject` at or after `since_ns` that ends so."""
        for line in filter(lambda line: line.endswith(ending), log.splitlines()):
            words = line.split()
            if len(words) > 1 and words[0].isdigit() and int(words[0]) >= since_ns and words[1] == subject:
                return int(words[0])
        return None
