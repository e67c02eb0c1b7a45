# SPDX-License-Identifier: BSD-3-Clause
"""Heavy load: many netdevices, many ports, a blocked interrupt thread, a fail-safe that does not read its pipe.

Environment: NETVSC_LOAD_NETDEVICES, the number of netdevices that are made and deleted while the VF is added and removed
(default 500); NETVSC_CYCLES, the number of cycles elsewhere (default 3); NETVSC_STORM, the number of changes in the storm
(default 20000); NETVSC_LOAD_PORTS, the number of ports wanted (default 20).
"""

from __future__ import annotations

import os
import re
import sys
import unittest
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import SteeredVfCase  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import LOG_LEVEL, MACS, QUICK, TOOLS, LabCase, end, lost_notifications, plugins, ports, wait_for  # noqa: E402
from vf_support import CYCLES, NETVSC, PATIENCE_S, VF, Held  # noqa: E402

NETDEVICES = int(os.environ.get("NETVSC_LOAD_NETDEVICES") or "500")
STORM = int(os.environ.get("NETVSC_STORM") or "20000")  # changes that cause link messages
PORTS = int(os.environ.get("NETVSC_LOAD_PORTS") or "20")
SLOWALARM = str(TOOLS / "libslowalarm.so")
MANY_S = 300.0  # for many ports to be made, on a busy host
VMXNET3 = "vmxnet3"
ETHPORTS_PER_PORT = 2  # fail-safe and tap
BUILD_CONFIG = Path("/usr/include/dpdk/rte_build_config.h"), *Path("/usr/include").glob("*/dpdk/rte_build_config.h")


class Load(SteeredVfCase):
    machine_arguments: ClassVar[dict[str, object]] = {"modules": ("virtio_net", "e1000e", VMXNET3)}

    def add_vmxnet3(self) -> None:
        self.add_vf(VMXNET3)

    def check_flaps(self, testpmd: Testpmd, many: list[str], changes: int) -> None:
        """Adds and removes the VF while a command makes this number of changes to netdevices. Afterwards the driver works,
        and holds no more resources than before."""
        self.steps("before", self.add_vmxnet3, lambda: self.unplug(VF))
        before = Held.by(self.guest, testpmd)
        process = self.guest.spawn("many", many)
        flaps = 0
        while process.running() or flaps < 2:
            self.nic.vf_plug(VF, VMXNET3)
            self.nic.vf_del(VF, timeout=PATIENCE_S)
            flaps += 1
        self.assertEqual(process.wait(), 0, process.output())
        self.note(f"{changes} changes of netdevices, {lost_notifications(self.guest, testpmd)} notifications lost, "
                  f"{flaps} VFs were added and removed meanwhile")
        self.steps("after", self.add_vmxnet3, lambda: self.unplug(VF))
        now = Held.by(self.guest, testpmd)
        self.assertLessEqual((now.descriptors, now.threads), (before.descriptors, before.threads))
        self.assertEqual(ports(testpmd), [("net_failsafe_vsc0", MACS[0])])

    def test_netdevices_while_the_vf_flaps(self) -> None:
        self.guest.run("modprobe dummy numdummies=0")
        testpmd = self.forward()
        names = [f"many{number}" for number in range(NETDEVICES)]
        commands = [f"link add {name} type dummy\n" for name in names] + [f"link del {name}\n" for name in names]
        self.guest.write_file("/run/lab/many", "".join(commands))
        self.check_flaps(testpmd, ["ip", "-batch", "/run/lab/many"], len(commands))
        self.assert_quits(testpmd)

    def test_storm_while_the_vf_flaps(self) -> None:
        """Of link messages, which an interrupt thread that another's alarm holds up cannot but lose."""
        self.guest.run("modprobe dummy numdummies=0; ip link add storm0 type dummy")
        self.addCleanup(self.guest.run, "ip link del storm0")
        testpmd = self.forward(drivers=[*plugins(), SLOWALARM])
        testpmd.process.expect("slowalarm: the interrupt thread is held up", PATIENCE_S, since=0)
        self.check_flaps(testpmd, [str(TOOLS / "linkstorm"), "storm0", str(STORM)], STORM)
        self.assertGreater(lost_notifications(self.guest, testpmd), 0)
        self.assert_quits(testpmd)

    def test_interrupt_thread_that_is_held_up(self) -> None:
        """Another's alarm blocks it for 500 ms out of 550."""
        testpmd = self.forward(drivers=[*plugins(), SLOWALARM])
        testpmd.process.expect("slowalarm: the interrupt thread is held up", PATIENCE_S, since=0)
        for number in range(CYCLES):
            self.steps(f"held up {number + 1}", self.add_vf, lambda: self.unplug(VF))
        self.assert_quits(testpmd)

    def test_failsafe_that_does_not_read(self) -> None:
        """It polls its pipe once a minute: VFs are added and removed in between."""
        testpmd = self.forward(",hotplug_poll=60000")
        held = None
        for _ in range(CYCLES):
            mark = testpmd.process.mark()
            self.add_vf()
            self.said(testpmd, r"VF \S+ present", mark)
            self.unplug(VF)
            self.said(testpmd, r"VF \S+ removed", mark)
            wait_for("one port", lambda: ports(testpmd) == [("net_failsafe_vsc0", MACS[0])], PATIENCE_S)
            self.assert_only_by(NETVSC)
            now = Held.by(self.guest, testpmd)
            held = held or now
            self.assertLessEqual((now.descriptors, now.threads), (held.descriptors, held.threads))
        self.assert_quits(testpmd)


class ManyPorts(LabCase):
    """Dummy netdevices in place of NetVSCs: QEMU has no room for so many NICs."""

    def test_as_many_as_dpdk_has_room_for(self) -> None:
        """More NetVSCs than RTE_MAX_ETHPORTS allows: the driver reports the rest, and the application works and ends."""
        config = next((path.read_text() for path in BUILD_CONFIG if path.exists()), "")
        limit = re.search(r"^#define RTE_MAX_ETHPORTS (\d+)", config, re.M)
        assert limit is not None, BUILD_CONFIG
        made = min(PORTS, int(limit[1]) // ETHPORTS_PER_PORT)
        self.guest.run("modprobe dummy numdummies=0")
        names = [f"many{number}" for number in range(PORTS)]
        self.guest.run(["ip", "-batch", "-"], stdin="".join(
            f"link add {name} address 00:15:5d:01:00:{number:02x} type dummy\n" for number, name in enumerate(names)))
        arguments = ",".join(f"iface={name}" for name in names)
        testpmd = Testpmd(self.guest, [*self.blocked(), LOG_LEVEL, f"--vdev=net_vdev_netvsc0,force=1,{arguments}"],
                          [QUICK], plugins(), program=self.program({}), timeout=MANY_S)
        self.addCleanup(end, testpmd.process)
        self.assertEqual(len(ports(testpmd)), made)
        if made < PORTS:
            testpmd.process.expect(r"over many\d+ not created.*retrying in 4000 ms", MANY_S, since=0)
        numbers = {int(number) for number in re.findall(r"net_failsafe_vsc(\d+)", testpmd.process.output())}
        self.assertLessEqual(max(numbers), PORTS - 1, "each try leaves a device behind")
        self.assert_quits(testpmd, MANY_S)


if __name__ == "__main__":
    unittest.main(verbosity=2)
