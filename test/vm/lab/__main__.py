"""The lab from the command line: `PYTHONPATH=test/vm python3 -m lab --help`."""

from __future__ import annotations

import argparse
import os
import select
import socket
import sys
import termios
import time
import tty
from pathlib import Path

from .errors import LabError
from .machine import Machine
from .schedule import Schedule, Step

LEAVE = b"\x1d"  # Ctrl-]

EXAMPLES = """\
examples (from the project's folder, PYTHONPATH=test/vm):
  python3 -m lab --run 'ip -d link; lspci 2>/dev/null'
  python3 -m lab --nic syn,52:54:00:00:00:01,virtio-net-pci,netvsc --run 'cat /sys/class/net/eth0/device/class_id'
  python3 -m lab --nic syn,52:54:00:00:00:01,,netvsc --script FILE \\
      --plug 2:vf,52:54:00:00:00:01,e1000e --unplug 5:vf
  python3 -m lab --nic syn,52:54:00:00:00:01 --shell

The guest sees this machine's files (read-only; its own writes are discarded at the end).
Needs: qemu-system-x86, linux-image-amd64, busybox-static.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m lab", description="Boots a virtual machine with hot-pluggable NICs and runs a script in it.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nic", action="append", default=[], metavar="ID,MAC[,MODEL][,netvsc]",
                        help="a NIC present at boot (model: virtio-net-pci unless given); with netvsc it looks like "
                             "Hyper-V's")
    parser.add_argument("--plug", action="append", default=[], metavar="T:ID,MAC[,MODEL]",
                        help="hot-plug a NIC T seconds after the script's start")
    parser.add_argument("--unplug", action="append", default=[], metavar="T:ID", help="take one away")
    todo = parser.add_mutually_exclusive_group(required=True)
    todo.add_argument("--run", metavar="COMMAND", help="a shell command to run in the guest")
    todo.add_argument("--script", metavar="FILE", type=Path, help="a shell script to run in the guest")
    todo.add_argument("--shell", action="store_true", help="a root shell in the guest; leave by Ctrl-]")
    parser.add_argument("--timeout", type=float, default=600, metavar="S", help="for the script (default: 600)")
    parser.add_argument("--cpus", type=int, default=2, metavar="N", help="virtual CPUs (default: 2)")
    parser.add_argument("--memory", type=int, default=2048, metavar="MIB", help="memory (default: 2048)")
    parser.add_argument("--hugepages", type=int, default=0, metavar="N", help="hugepages of 2 MiB (default: 0)")
    parser.add_argument("--iommu", action="store_true", help="emulate an Intel IOMMU (for vfio-pci)")
    parser.add_argument("--log-dir", type=Path, metavar="DIR", help="where the console's log goes")
    return parser


def _interact(path: Path) -> None:
    """Ties the terminal to the guest's shell until Ctrl-] or the guest's end."""
    with socket.socket(socket.AF_UNIX) as shell:
        shell.connect(str(path))
        old = termios.tcgetattr(0)
        tty.setraw(0)
        try:
            shell.sendall(b"\n")
            while True:
                readable, _, _ = select.select([0, shell], [], [])
                if shell in readable:
                    data = shell.recv(4096)
                    if not data:
                        return
                    os.write(1, data)
                if 0 in readable:
                    data = os.read(0, 4096)
                    if not data or LEAVE in data:
                        return
                    shell.sendall(data)
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, old)


def _say(line: str) -> None:
    print(f"lab: {line}", file=sys.stderr, flush=True)


def _schedule(machine: Machine, options: argparse.Namespace) -> Schedule:
    steps = []
    for text in options.plug:
        offset, _, nic = text.partition(":")
        words = nic.split(",")
        steps.append(Step(float(offset), f"plug {words[0]}", lambda words=words: machine.nic_add(*words)))
    for text in options.unplug:
        offset, _, name = text.partition(":")
        steps.append(Step(float(offset), f"unplug {name}", lambda name=name: machine.nic_del(name)))
    return Schedule(steps, _say)


def main() -> int:
    options = _parser().parse_args()
    machine = Machine(cpus=options.cpus, memory=options.memory, hugepages=options.hugepages, iommu=options.iommu,
                      log_dir=options.log_dir, shell=options.shell)
    netvsc = []
    for text in options.nic:
        name, mac, *rest = text.split(",")
        if "netvsc" in rest:
            rest.remove("netvsc")
            netvsc.append(name)
        machine.nic_add(name, mac, *[model for model in rest if model])
    schedule = _schedule(machine, options)
    with machine:
        _say(f"ready after {machine.boot_seconds:.1f} s; console: {machine.console_log}")
        for name in netvsc:
            machine.guest.make_netvsc(machine.ifname(name))
        schedule.start()
        if options.shell:
            _say("root shell; leave by Ctrl-]")
            _interact(machine.shell_path)
            schedule.cancel()
            return 0
        script = options.run or options.script.read_text()
        process = machine.guest.spawn("script", ["/bin/sh", "-c", script], pty=False)
        mark, until = 0, time.monotonic() + options.timeout
        while process.running():
            if time.monotonic() > until:
                raise LabError(f"the script still runs after {options.timeout:g} s")
            text = process.output_since(mark)
            mark += len(text.encode())
            print(text, end="", flush=True)
            time.sleep(0.05)
        print(process.output_since(mark), end="", flush=True)
        schedule.join()
        return process.wait()


if __name__ == "__main__":
    try:
        status = main()
    except LabError as problem:
        _say(str(problem))
        status = 2
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
