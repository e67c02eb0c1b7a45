# SPDX-License-Identifier: BSD-3-Clause
"""scripts/lisa without the lab: names, command lines, what is read from testpmd, the table and the JSON."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
TEST = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TEST), str(TEST / "vm")]

from lisa import __main__ as program  # noqa: E402
from lisa import cases, report, testpmd_output  # noqa: E402
from lisa.lab import KERNEL_ERRORS  # noqa: E402
from lisa.report import FAILED, NOT_RUN, PASSED, Result  # noqa: E402

SENDER = "verify_dpdk_testpmd_hotplug_sender_failsafe_pmd"
RECEIVER = "verify_dpdk_testpmd_hotplug_receiver_failsafe_pmd"
VPP = "verify_dpdk_vpp"
PLUGINS = ["--plugin=a.so", "--vf-plugin=b.so"]


def sample(pps: int) -> str:
    return f"  Throughput (since last show)\n  Rx-pps:            0          Rx-bps: 0\n  Tx-pps:      {pps}   Tx-bps: 1\n"


PROBED = "EAL: Probe PCI driver: net_testvf (8086:10d3) device: 0000:02:00.0 (socket -1)\n"
OUTPUT = (PROBED + "".join(map(sample, (0, 0, 90, 100, 100, 50))) + "\nPort 0: device removal event\n" +
          "".join(map(sample, (60, 20, 20, 60))) + PROBED + "".join(map(sample, (60, 110, 110, 60))))
TOTALS = """
  ---------------------- Forward statistics for port 0  ----------------------
  RX-packets: 5              RX-dropped: 0             RX-total: 5
  TX-packets: 0              TX-dropped: 0             TX-total: 0
  ----------------------------------------------------------------------------

  ---------------------- Forward statistics for port 1  ----------------------
  RX-packets: 1000           RX-dropped: 20            RX-total: 1020
  TX-packets: 7              TX-dropped: 3             TX-total: 10
  ----------------------------------------------------------------------------

  +++++++++++++++ Accumulated forward statistics for all ports+++++++++++++++
  RX-packets: 1005           RX-dropped: 20            RX-total: 1025
  TX-packets: 7              TX-dropped: 3             TX-total: 10
"""


class Output(unittest.TestCase):
    def test_phases(self) -> None:
        self.assertEqual(testpmd_output.phases(OUTPUT, "Tx"), testpmd_output.Phases(100, 20, 110))

    def test_without_what_is_needed(self) -> None:
        for text, problem in ((sample(1), "device removal event"), ("Port 0: device removal event", "did not probe"),
                              (OUTPUT.replace("Tx-pps", "Xx"), "no Tx-pps")):
            with self.subTest(problem), self.assertRaisesRegex(testpmd_output.OutputError, problem):
                testpmd_output.phases(text, "Tx")
        with self.assertRaises(testpmd_output.OutputError):
            testpmd_output.totals(OUTPUT, [1])

    def test_totals(self) -> None:
        twice = TOTALS.replace("1000", "1") + TOTALS
        self.assertEqual(testpmd_output.totals(twice, [1]), testpmd_output.Totals(1000, 20, 7, 3))
        self.assertEqual(testpmd_output.totals(twice, [0, 1]), testpmd_output.Totals(1005, 20, 7, 3))

    def test_hotplug_criterion(self) -> None:
        self.assertEqual(cases._check_hotplug(OUTPUT, "Tx")[0], [])
        self.assertIn("1.150", cases._check_hotplug(OUTPUT.replace("110", "115"), "Tx")[0][0])

    def test_drops_criterion(self) -> None:
        def drops(received: int, dropped: int) -> list[str]:
            return cases._check_drops(testpmd_output.Totals(received, dropped, 0, 0))
        self.assertEqual(drops(1000, 10), [])
        self.assertIn("2.0%", drops(1000, 20)[0])
        self.assertIn("nothing", drops(0, 0)[0])

    def test_kernel_errors(self) -> None:
        self.assertTrue(KERNEL_ERRORS.search("[ 1.0] Call Trace:"))
        self.assertFalse(KERNEL_ERRORS.search("[ 1.0] hv_netvsc eth0: Data path switched to VF: eth1"))


class Command(unittest.TestCase):
    def command(self, nics: int, queues: int, cores: int = 5) -> str:
        return " ".join(testpmd_output.command([f"--vdev=v{number}" for number in range(nics)], "rxonly", queues, cores))

    def test_as_lisa_has_it(self) -> None:
        self.assertEqual(self.command(1, 1), "-l 1-2 --vdev=v0 --log-level netvsc,debug -- --forward-mode=rxonly -a "
                                             "--stats-period 2 --nb-cores=1")

    def test_queues_that_the_cores_allow(self) -> None:
        self.assertIn("-l 1-5 ", self.command(1, 4, 8))
        self.assertIn("--nb-cores=4 --txq=4 --rxq=4", self.command(1, 4, 8))
        for nics in 1, 2:
            self.assertIn("-l 1-3 ", self.command(nics, 4))
            self.assertIn("--nb-cores=2 --txq=2 --rxq=2", self.command(nics, 4))


class Choice(unittest.TestCase):
    def test_names(self) -> None:
        self.assertEqual(program.chosen([]), [*cases.RUN, *cases.NOT_RUN])
        self.assertEqual(program.chosen(["hotplug_sender_failsafe", "vpp"]), [SENDER, VPP])
        with self.assertRaisesRegex(ValueError, "'nonsense'"):
            program.chosen(["vpp", "nonsense"])

    def test_no_name_twice(self) -> None:
        self.assertFalse(set(cases.RUN) & set(cases.NOT_RUN))
        self.assertTrue(all(cases.NOT_RUN.values()))


class Program(unittest.TestCase):
    def run_program(self, *arguments: str, passes: bool = True) -> tuple[int, str]:
        """The exit status and what is printed; the cases themselves are replaced."""
        def result(name: str, options: object) -> Result:
            return Result(name, PASSED if passes else FAILED, 5000, 7, "", {"pps": 1234.5})
        out = io.StringIO()
        with mock.patch.dict(cases.RUN, {name: result for name in cases.RUN}), contextlib.redirect_stdout(out), \
                contextlib.redirect_stderr(out):
            try:
                status = program.main([*PLUGINS, *arguments])
            except SystemExit as error:
                status = int(error.code or 0)
        return status, out.getvalue()

    def test_table(self) -> None:
        status, text = self.run_program("hotplug_sender_failsafe", "vpp")
        self.assertEqual(status, 0)
        lines = text.splitlines()[1:]
        self.assertEqual(lines[0].split(), ["case", "result", "sent", "lost"])
        self.assertEqual(lines[1].split(), [SENDER, "passed", "5000", "7"])
        self.assertIn("pps 1234", lines[2])
        self.assertEqual(lines[3].split(), [VPP, "not", "run"])
        self.assertEqual(lines[-1], "1 passed, 0 failed, 1 not run")

    def test_failure(self) -> None:
        self.assertEqual(self.run_program("hotplug_sender_failsafe", passes=False)[0], 1)

    def test_nothing_but_what_cannot_run(self) -> None:
        self.assertEqual(self.run_program("vpp")[0], 1)

    def test_json(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "results.json"
            self.run_program("hotplug_receiver_failsafe", "vpp", f"--json={path}")
            found = json.loads(path.read_text())
        self.assertEqual([(each["case"], each["status"], each["lost"]) for each in found["results"]],
                         [(RECEIVER, PASSED, 7), (VPP, NOT_RUN, None)])

    def test_list(self) -> None:
        status, text = self.run_program("--list")
        self.assertEqual(status, 0)
        self.assertEqual(len(text.splitlines()), len(cases.RUN) + len(cases.NOT_RUN))

    def test_refusals(self) -> None:
        for arguments, problem in ((["nonsense"], "nonsense"), (["--pps=0"], "--pps 0"), (["--fallback=x"], "--fallback")):
            status, text = self.run_program(*arguments)
            self.assertEqual(status, 2)
            self.assertIn(problem, text)

    def test_error_of_the_lab_is_a_result(self) -> None:
        def broken(name: str, options: object) -> Result:
            raise testpmd_output.OutputError("testpmd printed nothing")
        with mock.patch.dict(cases.RUN, {SENDER: broken}):
            result = program.run(SENDER, mock.sentinel.options)
        self.assertEqual((result.status, result.text), (FAILED, "testpmd printed nothing"))

    def test_failure_shows_its_reason(self) -> None:
        self.assertIn("    because", report.table([Result(SENDER, FAILED, text="because")]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
