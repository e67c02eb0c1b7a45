# SPDX-License-Identifier: BSD-3-Clause
"""LISA's cases by their names: what each does here, or why it is not run."""

from __future__ import annotations

import time
from typing import Callable

from . import openvswitch, testpmd_output
from .lab import Lab, Options
from .report import FAILED, PASSED, Result

SENDER_IP, RECEIVER_IP = "10.0.1.5", "10.0.1.6"
TX_IP = f"--tx-ip={SENDER_IP},{RECEIVER_IP}"
QUEUES = 4  # of LISA's cases with several queues
HOTPLUG_TOLERANCE = 0.125
MOST_DROPS = 0.01  # of what was received
DRAIN_S = 3.0  # until testpmd has printed what came last

Run = Callable[[Options], Result]


def _judge(lab: Lab, name: str, sent: int, lost: int, complaints: list[str], figures: dict[str, float],
           text: str = "") -> Result:
    """LISA's criteria for all cases besides."""
    complaints = [*complaints, *(f"kernel: {line}" for line in lab.kernel_errors()[:3])]
    return Result(name, FAILED if complaints else PASSED, sent, lost, "; ".join([*complaints, *([text] if text else [])]),
                  figures)


def _check_hotplug(output: str, direction: str) -> tuple[list[str], dict[str, float]]:
    found = testpmd_output.phases(output, direction)
    ratio = found.after / found.before
    figures = {"pps before": found.before, "pps without VF": found.without, "pps after": found.after, "after/before": ratio}
    if abs(ratio - 1) > HOTPLUG_TOLERANCE:
        return [f"after/before is {ratio:.3f}; expected 1 ± {HOTPLUG_TOLERANCE}"], figures
    return [], figures


def _check_drops(totals: testpmd_output.Totals) -> list[str]:
    if not totals.received:
        return ["testpmd received nothing"]
    share = totals.receive_drops / totals.received
    return [f"testpmd dropped {share:.1%} of what it received; expected at most {MOST_DROPS:.0%}"] if share > MOST_DROPS \
        else []


def hotplug_sender(name: str, options: Options) -> Result:
    with Lab(options) as lab:
        nic, = lab.nics
        arrived = lab.switch(nic).other_frames
        process = lab.testpmd("txonly", 1, TX_IP)
        for enabled in False, True:
            lab.phase()
            lab.sriov(nic, enabled)
        lab.phase()
        output = lab.end(process)
        sent = testpmd_output.totals(output, lab.ports).sent
        time.sleep(DRAIN_S)
        lost = sent - (lab.switch(nic).other_frames - arrived)
        return _judge(lab, name, sent, lost, *_check_hotplug(output, "Tx"))


def hotplug_receiver(name: str, options: Options) -> Result:
    with Lab(options) as lab:
        nic, = lab.nics
        process = lab.testpmd("rxonly")
        began = lab.switch(nic).start_traffic(options.pps)
        for enabled in False, True:
            lab.phase()
            lab.sriov(nic, enabled)
        lab.phase()
        until = lab.switch(nic).stop_traffic(DRAIN_S)
        output = lab.end(process)
        totals = testpmd_output.totals(output, lab.ports)
        sent = lab.switch(nic).report(began, until).sent
        complaints, figures = _check_hotplug(output, "Rx")
        return _judge(lab, name, sent, sent - totals.received, complaints + _check_drops(totals), figures)


def send_receive(name: str, options: Options, queues: int = 1) -> Result:
    """The sender and the receiver one after the other; the lab's switch is the other one's."""
    with Lab(options) as lab:
        nic, = lab.nics
        arrived = lab.switch(nic).other_frames
        process = lab.testpmd("txonly", queues, TX_IP)
        time.sleep(options.run_s)
        sender = lab.end(process)
        time.sleep(DRAIN_S)
        delivered = lab.switch(nic).other_frames - arrived
        sent = testpmd_output.totals(sender, lab.ports).sent
        complaints = [] if sent else ["testpmd sent nothing"]
        received = _receive(lab, queues)
        totals = testpmd_output.totals(received[0], lab.ports)
        figures = {"Tx-pps": testpmd_output.mean_pps(sender, "Tx"), "Rx-pps": testpmd_output.mean_pps(received[0], "Rx"),
                   "sender lost": sent - delivered, "receiver lost": received[1] - totals.received}
        return _judge(lab, name, sent + received[1], sent - delivered + received[1] - totals.received,
                      complaints + _check_drops(totals), figures)


def multiple_ports(name: str, options: Options) -> Result:
    with Lab(options, nics=2) as lab:
        output, sent = _receive(lab, QUEUES)
        totals = testpmd_output.totals(output, lab.ports)
        return _judge(lab, name, sent, sent - totals.received, _check_drops(totals),
                      {"Rx-pps": testpmd_output.mean_pps(output, "Rx")}, "with the fail-safe PMD in place of net_netvsc")


def _receive(lab: Lab, queues: int) -> tuple[str, int]:
    """testpmd's output, and how many frames it was sent by all switches."""
    process = lab.testpmd("rxonly", queues)
    began = [lab.switch(nic).start_traffic(lab.options.pps) for nic in lab.nics]
    time.sleep(lab.options.run_s)
    until = [lab.switch(nic).stop_traffic(DRAIN_S) for nic in lab.nics]
    output = lab.end(process)
    return output, sum(lab.switch(nic).report(*moments).sent for nic, *moments in zip(lab.nics, began, until))


def open_vswitch(name: str, options: Options) -> Result:
    with Lab(options) as lab:
        return openvswitch.run(name, lab)


RUN: dict[str, Callable[[str, Options], Result]] = {
    "verify_dpdk_testpmd_hotplug_sender_failsafe_pmd": hotplug_sender,
    "verify_dpdk_testpmd_hotplug_receiver_failsafe_pmd": hotplug_receiver,
    "verify_dpdk_send_receive_failsafe": send_receive,
    "verify_dpdk_send_receive_multi_txrx_queue_failsafe": lambda name, options: send_receive(name, options, QUEUES),
    "verify_dpdk_testpmd_multiple_port_receive_netvsc_pmd": multiple_ports,
    "verify_dpdk_ovs": open_vswitch,
}

NETVSC_PMD = "uses DPDK's net_netvsc over uio_hv_generic, not this driver"
GIGABYTE = "differs from the case without gb in its hugepages of 1 GiB, which the lab's machine has no room for"
BUILD = "builds and installs DPDK, and sends; the lab uses Debian's DPDK, and verify_dpdk_send_receive_failsafe sends"
ROUTERS = "needs three machines and Azure's route tables"
NOT_RUN: dict[str, str] = {
    "verify_dpdk_build_failsafe": BUILD,
    "verify_dpdk_build_gb_hugepages_failsafe": BUILD,
    "verify_dpdk_build_netvsc": NETVSC_PMD,
    "verify_dpdk_build_gb_hugepages_netvsc": NETVSC_PMD,
    "verify_dpdk_testpmd_hotplug_receiver_netvsc_pmd": NETVSC_PMD,
    "verify_dpdk_testpmd_hotplug_sender_netvsc_pmd": NETVSC_PMD,
    "verify_dpdk_send_receive_netvsc": NETVSC_PMD,
    "verify_dpdk_send_receive_gb_hugepages_netvsc": NETVSC_PMD,
    "verify_dpdk_send_receive_multi_txrx_queue_netvsc": NETVSC_PMD,
    "verify_dpdk_send_receive_multi_txrx_queue_max_mtu_netvsc": NETVSC_PMD,
    "verify_dpdk_send_receive_multi_txrx_queue_1500_mtu_netvsc": NETVSC_PMD,
    "verify_dpdk_send_receive_multi_txrx_queue_4k_mtu_netvsc": NETVSC_PMD,
    "verify_dpdk_send_receive_multi_txrx_queue_8k_mtu_netvsc": NETVSC_PMD,
    "verify_dpdk_send_receive_gb_hugepages_failsafe": GIGABYTE,
    "verify_dpdk_symmetric_mp": NETVSC_PMD + "; the lab's PMD for VFs has no secondary processes",
    "verify_dpdk_multiprocess": "the lab's PMD for VFs has no secondary processes",
    "verify_dpdk_ring_ping": "uses no port; its limit of 0.2 ms for a ring says nothing on an emulated processor, which "
                             "the host interrupts for longer",
    "verify_dpdk_vpp": "Debian 12 has no VPP",
    "verify_dpdk_nff_go": "NFF-Go is no longer maintained, and builds DPDK itself",
    "verify_dpdk_l3fwd_ntttcp_tcp": ROUTERS,
    "verify_dpdk_l3fwd_ntttcp_tcp_hotplug": ROUTERS,
    "verify_dpdk_l3fwd_ntttcp_tcp_gb_hugepages": ROUTERS,
    "verify_uio_binding": NETVSC_PMD,
}
