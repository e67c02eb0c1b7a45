# SPDX-License-Identifier: BSD-3-Clause
"""What is done at random: each leaves the machine as `expected` says, and waits for nothing the invariants wait for."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from support import MACS, TOOLS, wait_for
from vf_support import NETVSC, PATIENCE_S, VF

from .expected import Expected

if TYPE_CHECKING:
    from test_soak import Soak

OTHER_MAC = "00:15:5d:00:00:77"
SECOND = "net_vdev_netvsc1"
STORM = 1000  # link messages
HUNDREDS = 300  # netdevices


def always(expected: Expected) -> bool:
    return True


@dataclass(frozen=True)
class Operation:
    """`do` changes the machine and what is expected; only while `possible`."""

    do: Callable[[Soak, random.Random], None]
    weight: int = 1
    possible: Callable[[Expected], bool] = always

    @property
    def name(self) -> str:
        return self.do.__name__


# The VF.


def plug(soak: Soak, chance: random.Random) -> None:
    if soak.expected.bind:
        soak.nic.vf_plug(VF, soak.bound_model)
    else:
        soak.nic.take_from_kernel(soak.nic.vf_add(VF))
    soak.expected.vf = True


def unplug(soak: Soak, chance: random.Random) -> None:
    soak.nic.vf_del(VF, timeout=PATIENCE_S)
    soak.expected.vf = False


def pull_out(soak: Soak, chance: random.Random) -> None:
    soak.remove_by_surprise()
    soak.expected.vf, soak.expected.pulled_out = False, True


def rescan(soak: Soak, chance: random.Random) -> None:
    soak.rescan()
    soak.expected.vf, soak.expected.pulled_out = True, False


def flap(soak: Soak, chance: random.Random) -> None:
    for _ in range(chance.randint(2, 5)):
        soak.expected.flapped += 1
        soak.nic.vf_plug(VF, soak.bound_model if soak.expected.bind else soak.vf_model)
        time.sleep(chance.uniform(0, 0.5))
        soak.nic.vf_del(VF, timeout=PATIENCE_S)


# The NetVSCs.


def rename(soak: Soak, chance: random.Random) -> None:
    name = soak.names[0]
    soak.guest.run(f"ip link set dev {name} down && ip link set dev {name} name renamed0 && ip link set renamed0 up")
    time.sleep(chance.uniform(0, 0.3))
    soak.guest.run(f"ip link set dev renamed0 down && ip link set dev renamed0 name {name} && ip link set {name} up")


def change_mac(soak: Soak, chance: random.Random) -> None:
    for mac in OTHER_MAC, MACS[0]:
        name = soak.names[0]  # hv_netvsc refuses another address while it is up
        soak.guest.run(f"ip link set {name} down && ip link set {name} address {mac} && ip link set {name} up")
        time.sleep(chance.uniform(0, 0.3))


def lose_carrier(soak: Soak, chance: random.Random) -> None:
    for up in False, True:
        soak.set_carrier(NETVSC, up)
        time.sleep(chance.uniform(0, 0.3))


def attach_second(soak: Soak, chance: random.Random) -> None:
    soak.testpmd.cmd(f"port attach {SECOND},iface={soak.names[1]}", PATIENCE_S)
    soak.expected.second = True


def detach_second(soak: Soak, chance: random.Random) -> None:
    soak.testpmd.cmd(f"device detach {SECOND}", PATIENCE_S)
    soak.expected.second = False


def hide_second(soak: Soak, chance: random.Random) -> None:
    """Its NetVSC moves to another network namespace, and returns as a new port."""
    mark = soak.testpmd.process.mark()
    soak.guest.hide(soak.names[1])
    # testpmd closes the port after its removal event. Until then its other thread must not access ports.
    soak.testpmd.process.expect("Now total ports is", PATIENCE_S, mark)
    soak.guest.show(soak.names[1])


# The application.


def stop_and_start(soak: Soak, chance: random.Random) -> None:
    descriptors = chance.choice([256, 512])
    for command in ("stop", f"port stop {soak.port}", f"port config all rxd {descriptors}", f"port start {soak.port}",
                    "start"):
        soak.testpmd.cmd(command, PATIENCE_S)


def hang(soak: Soak, chance: random.Random) -> None:
    """The lcore that polls hangs for longer than the keepalive bears, and goes on."""
    stopper = soak.guest.spawn(f"threadstop{time.monotonic_ns()}",
                               [str(TOOLS / "threadstop"), str(soak.testpmd.process.pid), "1"])
    stopper.expect("^stopped", PATIENCE_S)
    wait_for("a dead lcore", lambda: soak.lcore_state() in ("DEAD", "GONE"), PATIENCE_S)
    stopper.send("\x04")  # the end of a terminal's input
    stopper.wait(PATIENCE_S)
    wait_for("an lcore that lives", lambda: soak.lcore_state() == "ALIVE", PATIENCE_S)


def sleep_through_a_flood(soak: Soak, chance: random.Random) -> None:
    """The stopped application's socket overruns."""
    soak.testpmd.process.signal(signal.SIGSTOP)
    make_netdevices(soak, chance)
    soak.testpmd.process.signal(signal.SIGCONT)


def restart(soak: Soak, chance: random.Random) -> None:
    soak.restart(kill=False)


def crash(soak: Soak, chance: random.Random) -> None:
    soak.restart(kill=True)


# What is no concern of the driver's.


def make_netdevices(soak: Soak, chance: random.Random) -> None:
    names = [f"many{number}" for number in range(HUNDREDS)]
    soak.batch([f"link add {name} type dummy" for name in names] + [f"link del {name}" for name in names])


def storm(soak: Soak, chance: random.Random) -> None:
    """Messages about one netdevice."""
    soak.batch(["link add storm0 type dummy", *["link set storm0 up", "link set storm0 down"] * (STORM // 2),
                "link del storm0"])


def ask_nonsense(soak: Soak, chance: random.Random) -> None:
    soak.ask("/vdev_netvsc/info,7", "/vdev_netvsc/stats,-1", "/vdev_netvsc/events,x", "/vdev_netvsc/list,1",
             "/vdev_netvsc/info," + "9" * chance.randint(1, 200))


OPERATIONS = [
    Operation(plug, 8, lambda expected: not expected.vf and not expected.pulled_out),
    Operation(unplug, 4, lambda expected: expected.vf),
    Operation(pull_out, 3, lambda expected: expected.vf),
    Operation(rescan, 12, lambda expected: expected.pulled_out),
    # net_virtio (22.11) waits for ever for a device that goes while fail-safe configures it.
    Operation(flap, 1, lambda expected: not expected.vf and not expected.pulled_out and
              expected.bind != "uio_pci_generic"),
    Operation(rename),
    # A VF bound to another driver stays with its port whatever the NetVSC's address is.
    Operation(change_mac, 2),
    Operation(lose_carrier),
    # At each attach, testpmd (22.11) takes every port that was added since its start. It ends if a port is in use, like a VF.
    Operation(attach_second, 1, lambda expected: not expected.second and not expected.vf),
    Operation(detach_second, 1, lambda expected: expected.second),
    Operation(hide_second, 1, lambda expected: expected.second),
    Operation(stop_and_start, 2, lambda expected: not expected.second),  # testpmd forwards by all its ports or none
    Operation(hang),
    Operation(sleep_through_a_flood),
    Operation(restart),
    Operation(crash),
    Operation(make_netdevices),
    Operation(storm),
    Operation(ask_nonsense),
]
