# SPDX-License-Identifier: BSD-3-Clause
"""Applications as Debian has them: each owns a port of the driver while its VF arrives and leaves.

The examples are built from DPDK's sources with the headers and libraries of the release that is installed. Open vSwitch
is Debian's package openvswitch-switch-dpdk, installed or unpacked by scripts/setup; without it its case is skipped.
"""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).parent))

from hyperv_support import SteeredVfCase  # noqa: E402
from lab import openvswitch  # noqa: E402
from lab.guest import GuestProcess  # noqa: E402
from lab.testpmd import stage_plugins  # noqa: E402
from support import BUILD, LOG_LEVEL, PATIENCE_S, end, plugins, wait_for  # noqa: E402
from vf_support import CYCLES, NETVSC, VF  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
EXAMPLES = {"l2fwd": "rte_ethdev.h", "l3fwd": "rte_lpm.h"}  # each with a header that it needs
L3FWD_ADDRESS = "198.18.0.1"  # l3fwd forwards it to its first port
PORT = "net_failsafe_vsc0"
OVS_FOLDER = "/run/ovs"


class ApplicationCase(SteeredVfCase):
    def eal(self) -> list[str]:
        """EAL's arguments that make the port."""
        loaded = [word for plugin in stage_plugins(self.guest, plugins()) for word in ("-d", plugin)]
        return [*loaded, *self.blocked(), LOG_LEVEL,
                f"--vdev=net_vdev_netvsc0,iface={self.names[0]}"]

    def run_application(self, name: str, command: list[str]) -> GuestProcess:
        process = self.guest.spawn(f"{name}{time.monotonic_ns()}", command)
        self.addCleanup(end, process)
        self.testpmds.append(process)
        return process

    def check_cycles_of(self, name: str, process: GuestProcess, stop: Callable[[], object],
                        to: str | None = None) -> None:
        """It returns the frames by the NetVSC and by the VF in turn, and ends in order. to: as for start_traffic()."""
        self.steer(NETVSC)
        self.addCleanup(self.switch.stop_traffic)
        self.wait_traffic(NETVSC, self.switch.start_traffic(self.pps, to=to))
        for number in range(1, CYCLES + 1):
            self.steps(f"{name} {number}", self.add_vf, lambda: self.unplug(VF))
        self.assertTrue(process.running(), process.output())
        self.switch.stop_traffic()  # net_tap's redirection outlasts its netdevice for a moment, and the kernel warns then
        stop()
        self.assertEqual(process.wait(PATIENCE_S), 0, process.output())


class Examples(ApplicationCase):
    @classmethod
    def setUpClass(cls) -> None:
        """Builds the examples before the machine boots: the guest reads them from this machine."""
        folders = [*TOP.glob(f".deps/dpdk-{pkg_config('--modversion')}/examples"),
                   *Path("/usr/local/share/dpdk").glob("examples"), *Path("/usr/share/dpdk").glob("examples")]
        cls.sources = next((folder for folder in folders if (folder / "l3fwd").exists()), None)
        if cls.sources is None:
            raise unittest.SkipTest("the sources of DPDK's examples are not here: scripts/setup fetches them")
        folder = tempfile.TemporaryDirectory(dir=BUILD)
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        headers = Path(pkg_config("--variable=includedir"))
        cls.lacks = {name for name, header in EXAMPLES.items() if not (headers / header).exists()}
        for name in EXAMPLES.keys() - cls.lacks:
            cls.build(name)
        super().setUpClass()

    @classmethod
    def build(cls, name: str) -> None:
        assert cls.sources is not None
        texts = {path: path.read_text() for path in (cls.sources / name).glob("*.c")}
        included = {each for text in texts.values() for each in re.findall(r'#include "(\w+\.c)"', text)}
        subprocess.run(["gcc", "-O1", "-march=corei7", "-w", "-DALLOW_EXPERIMENTAL_API", "-o", cls.folder / name,
                        *sorted(path for path in texts if path.name not in included), "-I", cls.sources / "common",
                        *shlex.split(pkg_config("--cflags", "--libs"))], check=True)

    def run_example(self, name: str, *arguments: str) -> GuestProcess:
        if name in self.lacks:
            self.skipTest(f"this DPDK was built without {EXAMPLES[name]}, which {name} includes")
        process = self.run_application(name, [self.program({}, str(self.folder / name)), "-l", "1", "--no-huge", "-m", "512",
                                              "--file-prefix", name, *self.eal(), "--", *arguments])
        process.expect(r"[Ee]ntering main loop", PATIENCE_S)
        return process

    def test_l2fwd(self) -> None:
        process = self.run_example("l2fwd", "-p", "1")
        self.check_cycles_of("l2fwd", process, lambda: process.signal(signal.SIGTERM))

    def test_l3fwd(self) -> None:
        process = self.run_example("l3fwd", "-p", "1", "-P", "--parse-ptype", "--config=(0,0,1)")
        self.check_cycles_of("l3fwd", process, lambda: process.signal(signal.SIGTERM), L3FWD_ADDRESS)


def pkg_config(*arguments: str) -> str:
    return subprocess.run(["pkg-config", *arguments, "libdpdk"], check=True, capture_output=True, text=True).stdout.strip()


@unittest.skipUnless(openvswitch.ROOT, "openvswitch-switch-dpdk is neither installed nor in .deps: run scripts/setup")
@unittest.skipUnless(pkg_config("--variable=prefix") == "/usr", "Debian's Open vSwitch uses Debian's DPDK only")
class OpenVSwitch(ApplicationCase):
    machine_arguments = {"hugepages": 320}

    def ovs(self, program: str, *arguments: str) -> list[str]:
        """The command of one of its programs."""
        return [*openvswitch.environment(OVS_FOLDER), program, *arguments]

    def vsctl(self, *arguments: str) -> str:
        return self.guest.run(self.ovs("ovs-vsctl", f"--db=unix:{OVS_FOLDER}/db.sock", "--timeout=60", *arguments),
                              timeout=90).stdout.strip()

    def test_port(self) -> None:
        """A bridge that returns every frame by the port that it came from."""
        database = f"{OVS_FOLDER}/conf.db"
        self.guest.run(f"mkdir -p {OVS_FOLDER}")
        self.guest.run(self.ovs("ovsdb-tool", "create", database, f"{openvswitch.ROOT}/usr/share/openvswitch/vswitch.ovsschema"))
        self.run_application("ovsdb", self.ovs("ovsdb-server", database, f"--remote=punix:{OVS_FOLDER}/db.sock"))
        wait_for("the database's socket", lambda: self.guest.glob(f"{OVS_FOLDER}/db.sock"))
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                   "other_config:dpdk-socket-mem=512", f'other_config:dpdk-extra="{shlex.join(self.eal())}"')
        switch = self.run_application("ovs", self.ovs(f"{openvswitch.ROOT}/{openvswitch.PROGRAM}", f"unix:{OVS_FOLDER}/db.sock"))
        switch.expect("DPDK Enabled - initialized", PATIENCE_S)
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        self.vsctl("add-port", "br0", "dpdk0", "--", "set", "Interface", "dpdk0", "type=dpdk",
                   f"options:dpdk-devargs={PORT}", "options:n_rxq=2")
        self.assertEqual(self.vsctl("get", "Interface", "dpdk0", "error"), "[]", switch.output())
        self.guest.run(self.ovs("ovs-ofctl", "add-flow", "br0", "in_port=dpdk0,actions=in_port"))
        control, = self.guest.glob(f"{OVS_FOLDER}/ovs-vswitchd*.ctl")
        self.check_cycles_of("Open vSwitch", switch,
                             lambda: self.guest.run(self.ovs("ovs-appctl", "-t", control, "exit")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
