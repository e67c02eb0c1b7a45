# SPDX-License-Identifier: BSD-3-Clause
"""LISA's verify_dpdk_ovs: Open vSwitch with the NIC as its port. Here it also forwards while the VF leaves and returns."""

from __future__ import annotations

import shlex
import time

from lab.guest import GuestProcess
from lab.openvswitch import PROGRAM, ROOT, environment

from .lab import START_S, Lab
from .report import FAILED, NOT_RUN, PASSED, Result

FOLDER = "/run/ovs"
SOCKET = f"unix:{FOLDER}/db.sock"
BRIDGE, PORT = "br-dpdk", "p1"
DPDK_PORT = "net_failsafe_vsc0"
SOCKET_MIB = 512
POLLING_CORE = 0x4
RX_QUEUES = 2  # as many as Open vSwitch requests Tx queues: one for its polling thread, and one more


class _OpenVSwitch:
    def __init__(self, lab: Lab) -> None:
        self._guest = lab.machine.guest
        self._environment = environment(FOLDER)
        database = f"{FOLDER}/conf.db"
        self._guest.run(f"mkdir -p {FOLDER}")
        self._guest.run([*self._environment, "ovsdb-tool", "create", database,
                         f"{ROOT}/usr/share/openvswitch/vswitch.ovsschema"])
        self._spawn("ovsdb", "ovsdb-server", database, f"--remote=p{SOCKET}")
        self._guest.glob(f"{FOLDER}/db.sock", timeout=START_S)
        extra = shlex.join([*lab.eal(), *lab.includes()])
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                   f"other_config:dpdk-socket-mem={SOCKET_MIB}", f"other_config:pmd-cpu-mask={POLLING_CORE}",
                   f'other_config:dpdk-extra="{extra}"')
        self._spawn("vswitchd", f"{ROOT}/{PROGRAM}", SOCKET).expect("DPDK Enabled - initialized", START_S)

    def _spawn(self, name: str, *command: str) -> GuestProcess:
        return self._guest.spawn(name, [*self._environment, *command])

    def vsctl(self, *words: str) -> str:
        """ovs-vsctl's answer."""
        return self._guest.run([*self._environment, "ovs-vsctl", f"--db={SOCKET}", *words], 2 * START_S).stdout.strip()

    def add_port(self) -> str:
        """The bridge returns each frame by the port that it came from. Returns the port's error; empty: none."""
        self.vsctl("add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev")
        self.vsctl("add-port", BRIDGE, PORT, "--", "set", "Interface", PORT, "type=dpdk",
                   f"options:dpdk-devargs={DPDK_PORT}", f"options:n_rxq={RX_QUEUES}")
        self._guest.run([*self._environment, "ovs-ofctl", "add-flow", BRIDGE, f"in_port={PORT},actions=in_port"])
        error = self.vsctl("get", "Interface", PORT, "error")
        return "" if error == "[]" else error

    def remove(self) -> None:
        self.vsctl("del-port", BRIDGE, PORT)
        self.vsctl("del-br", BRIDGE)


def run(name: str, lab: Lab) -> Result:
    """LISA's criteria: DPDK is initialized, and the port is added and removed."""
    if ROOT is None:
        return Result(name, NOT_RUN, text="needs Debian's openvswitch-switch-dpdk, installed or unpacked by scripts/setup")
    ovs = _OpenVSwitch(lab)
    ovs.vsctl(f"--timeout={START_S:.0f}", "wait-until", "Open_vSwitch", ".", "dpdk_initialized=true")
    error = ovs.add_port()
    if error:
        return Result(name, FAILED, text=f"port {PORT}: {error}")
    nic, = lab.nics
    switch, vf = lab.switch(nic), lab.vf(nic)
    began = switch.start_traffic(lab.options.pps)
    since = switch.wait_return(vf, began, START_S)
    for enabled, by in ((False, nic.id), (True, vf)):
        lab.phase()
        changed = time.monotonic_ns()
        lab.sriov(nic, enabled)
        switch.wait_return(by, changed, START_S)
    lab.phase()
    report = switch.report(since, switch.stop_traffic())
    ovs.remove()
    errors = lab.kernel_errors()[:3]
    return Result(name, FAILED if errors else PASSED, report.sent, report.lost, "; ".join(errors),
                  {"longest gap ms": report.longest_gap_ms})
