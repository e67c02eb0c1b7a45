# SPDX-License-Identifier: BSD-3-Clause
"""Each system call and each DPDK call of the driver fails, one at a time; see test/faults.

By default one place of each function fails, with one error.
Environment: NETVSC_FAULTS, other arguments for the program `faults`: "" for all places, --all-errors for all places and all
errors that fit, --only=TEXT. NETVSC_FAULT_SERIES, the driver's arguments of each series, separated by spaces (default: each
fallback but af_xdp, and vf_bind).
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import OverHyperV  # noqa: E402
from lab.testpmd import stage_plugins  # noqa: E402
from support import BUILD, DRIVER, MACS, PATIENCE_S, TESTVF, end  # noqa: E402

FAULTS = BUILD / "test/faults/faults"
ARGUMENTS = os.environ.get("NETVSC_FAULTS", "--each-function")
BIND = "vfio-pci"
SERIES = os.environ.get("NETVSC_FAULT_SERIES",
                        f"fallback=tap vf_bind={BIND} fallback=af_packet fallback=virtio_user").split()

# libmnl and libstdc++ call the kernel there, on the driver's behalf.
CARRIERS = re.compile(r"mnl_socket_(open2|bind|sendto)|_ZNSt13basic_filebuf\w+4open|_ZSt7getline|_ZNSi3getEv"
                      r"|.*read_symlink|.*directory_iterator(C1|pp|9increment)")


class Faults(OverHyperV):
    # The kernel removes a VF that vfio-pci has, and waits until the driver releases it.
    known_warnings = OverHyperV.known_warnings + "|Device is currently in use, task .* blocked until device is released"
    machine_arguments: ClassVar[dict[str, object]] = {"iommu": True, "memory": 3072}

    def test_each_call_fails_once(self) -> None:
        self.guest.modprobe(BIND)
        self.prepare_fallbacks()
        self.plug("vf", MACS[0])
        # As many descriptors as net_af_xdp leaves, of hundreds of configurations.
        command = ["prlimit", f"--nofile={1 << 16}", str(FAULTS), "-l", "0,1", "--file-prefix", "faults", "--no-huge",
                   "-m", "128", *self.blocked()]
        # Linked with the driver: EAL is not to load it once more.
        for plugin in stage_plugins(self.guest, [TESTVF]):
            command += ["-d", plugin]
        command += ["--", *shlex.split(ARGUMENTS), self.names[0], self.machine.pci_address("vf"), *SERIES]
        self.report(self.run_to_end(command))

    def run_to_end(self, command: list[str]) -> str:
        """The program's output, which is shown as it comes: it takes its time."""
        process = self.guest.spawn("faults", command, pty=False)
        self.addCleanup(end, process)
        shown = 0
        told = time.monotonic()
        running = True
        while running:
            running = process.running()
            output = process.output()
            if len(output) > shown:
                told = time.monotonic()
            elif time.monotonic() - told > PATIENCE_S:
                stacks = self.guest.run(f"eu-stack -m -s -p {process.pid}", 120, check=False).stdout
                self.fail(f"nothing for {PATIENCE_S:g} s; before that:\n{output[-3000:]}\n{stacks}")
            sys.stderr.write(output[shown:])
            sys.stderr.flush()
            shown = len(output)
            time.sleep(1)
        status = process.wait()
        self.assertEqual(status, 0, f"{output[-3000:]}\n{self.guest.stacks() if status < 0 else ''}")
        return output

    def report(self, output: str) -> None:
        """What was tried of what was called, and what of the driver's code was never called."""
        called = places(output, "called")
        tried = places(output, "tried")
        again = places(output, "not called again") - tried
        code = calls_in_code(set(re.findall(r"^can fail: (.*)", output, re.M)[0].split()))
        never = set(code) - {address for _, address in called}
        self.diagnostics = [
            *re.findall(r"^\d+ places, .*", output, re.M),
            f"{len(called)} places were called, {len(tried)} of them failed, {len(again)} were not called again; "
            f"the driver's code has {len(code)}; {len(never)} were never called",
            *(f"never called: {line}" for line in where(never, code))]
        if "--each-function" in ARGUMENTS:
            self.assertEqual({name for name, _ in called}, {name for name, _ in tried | again})
        elif "--only" not in ARGUMENTS:
            self.assertEqual(called, tried | again)


def places(output: str, what: str) -> set[tuple[str, int]]:
    """Those of the program's lines that begin so: the function, and the address to which it returns."""
    found = re.findall(rf"^{what} (\w+) at (0x[0-9a-f]+)", output, re.M)
    return {(name, int(address, 16)) for name, address in found}


def calls_in_code(can_fail: set[str]) -> dict[int, str]:
    """Where the driver's code calls one of these functions, or what calls one for it: by the address after the call."""
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", DRIVER], check=True, capture_output=True, text=True)
    lines = re.findall(r"^\s+([0-9a-f]+):\s+(.*)", code.stdout, re.M)
    found = {}
    for (_, instruction), (following, _) in zip(lines, lines[1:]):
        call = re.match(r"call\s+[0-9a-f]+ <(\w+)@plt>", instruction)
        if call and (call[1] in can_fail or CARRIERS.match(call[1])):
            found[int(following, 16)] = call[1]
    return found


def where(addresses: set[int], code: dict[int, str]) -> list[str]:
    """The places by function and line."""
    ordered = sorted(addresses)
    done = subprocess.run(["addr2line", "-Cse", DRIVER, *(hex(address - 1) for address in ordered)], check=True,
                          capture_output=True, text=True)
    return [f"{code[address]} in {line}" for address, line in zip(ordered, done.stdout.splitlines())]


if __name__ == "__main__":
    unittest.main(verbosity=2)
