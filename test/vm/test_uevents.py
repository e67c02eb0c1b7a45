# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's uevents in an application (tools/ueventlog) over hv_netvsc: of any device and action, filtered."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import OverHyperV  # noqa: E402
from lab.errors import LabError  # noqa: E402
from lab.testpmd import Testpmd  # noqa: E402
from support import DRIVER, LOG_LEVEL, MACS, PATIENCE_S, QUICK, TESTVF, TOOLS, end, wait_for  # noqa: E402

LOG = "/run/lab/uevents"
CPU = "/devices/system/cpu/cpu2"  # which testpmd does not use


@unittest.skipIf(DRIVER == "intree", "it is about this driver's API")
class Uevents(OverHyperV):
    machine_arguments: ClassVar[dict[str, object]] = {"cpus": 3}
    # EAL lets its interrupt thread run on the processors that have no lcore.
    known_warnings = OverHyperV.known_warnings + r"|eal-intr-thread\) no longer affine|dpdk-intr\) no longer affine"

    def lines(self, which: str) -> list[str]:
        """What the callback with this filter has received."""
        try:
            text = self.guest.read_file(LOG).decode()
        except LabError:  # nothing yet
            return []
        return [line.removeprefix(which + " ") for line in text.splitlines() if line.startswith(which + " ")]

    def wait_line(self, line: str) -> None:
        wait_for(line, lambda: line in self.lines("any"), PATIENCE_S)

    def test_any_device(self) -> None:
        self.guest.run(f"rm -f {LOG}")
        eal = [*self.blocked(), LOG_LEVEL, f"--vdev=net_vdev_netvsc0,iface={self.names[0]}"]
        testpmd = Testpmd(self.guest, eal, [QUICK], [DRIVER, TESTVF, str(TOOLS / "libueventlog.so")],
                          program=self.program({"UEVENTLOG_FILE": LOG}))
        self.addCleanup(end, testpmd.process)

        # change and bind of a VF, besides add and remove; the driver has it attached meanwhile.
        self.plug("vf", MACS[0])
        address = self.machine.pci_address("vf")
        testpmd.process.expect(rf"VF {address} attached", PATIENCE_S)
        path = self.guest.run(f"readlink -f /sys/bus/pci/devices/{address}").stdout.strip().removeprefix("/sys")
        self.wait_line(f"add pci {path} {address} - 0")
        self.wait_line(f"bind pci {path} {address} - 0")
        netdevice = self.machine.ifname("vf")
        self.guest.run(f"echo change > /sys{path}/net/{netdevice}/uevent")
        self.wait_line(f"change net {path}/net/{netdevice} - {netdevice} 1")
        mark = testpmd.process.mark()
        self.unplug("vf")
        self.wait_line(f"remove pci {path} {address} - 0")
        testpmd.process.expect(rf"VF {address} removed", PATIENCE_S, since=mark)

        # Other subsystems and actions.
        self.assertEqual(self.lines("cpu"), [])
        self.guest.run(f"echo 0 > /sys{CPU}/online; echo 1 > /sys{CPU}/online")
        self.wait_line(f"online cpu {CPU} - - 0")
        cpu = [line for line in self.lines("any") if line.split()[1] == "cpu"]
        self.assertEqual([line for line in cpu if CPU + " " in line],
                         [f"offline cpu {CPU} - - 0", f"online cpu {CPU} - - 0"])
        wait_for("the filter's", lambda: self.lines("cpu") == cpu, PATIENCE_S)
        self.assertNotIn("lost", self.lines("any"))
        self.assert_quits(testpmd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
