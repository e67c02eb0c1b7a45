# SPDX-License-Identifier: BSD-3-Clause
"""The configurations, rules and the dashboard that are installed as examples, with a real collectd."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Iterator

sys.path.insert(0, str(Path(__file__).parent))

from support import (OURS, TOP, Application, Area, Collectd, metrics, need_collectd,  # noqa: E402
                     unique, wait_for)

EXAMPLES = TOP / "app/collectd/examples"
Sample = tuple[str, dict[str, str], float]


def free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def selectors(expression: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The metrics a PromQL expression asks for: name and matchers (label, operator, value)."""
    found = []
    for name, matchers in re.findall(r"\b(collectd_\w+)(?:\{([^}]*)\})?", expression):
        found.append((name, re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', matchers)))
    return found


def matches(sample: Sample, name: str, matchers: list[tuple[str, str, str]]) -> bool:
    for label, operator, value in matchers:
        if label not in sample[1]:
            return False
        pattern = value if "~" in operator else re.escape(value)
        if (re.fullmatch(pattern, sample[1][label]) is None) == (not operator.startswith("!")):
            return False
    return sample[0] == name


class ExampleCase(unittest.TestCase):
    def setUp(self) -> None:
        need_collectd("write_prometheus", "threshold", "syslog", "unixsock")
        if os.geteuid() != 0:
            self.skipTest("needs root: netdevices")
        self.prefix = unique("example")
        self.shm = "/" + unique("netvsc_keepalive")
        self.netdevice = f"nv{os.getpid() % 100000}e"

    def application(self) -> None:
        """Starts one with two ports and three healthy lcores. The first port can lose its link."""
        Application(self, self.prefix, f"--vdev=net_tap0,iface={self.netdevice}", "--vdev=net_null1")
        self.area = Area(self, self.shm)
        for lcore in (1, 2, 3):
            self.area.set(lcore, 1)

    def example(self, name: str, **replaced: str) -> str:
        """An example as its user edits it, for this test's application; each line that is edited has to be there."""
        text = (EXAMPLES / name).read_text()
        edits = {"@PLUGIN_DIR@": str(OURS), 'FilePrefix "rte"': f'FilePrefix "{self.prefix}"',
                 "/dpdk_keepalive_shm_name": self.shm} if "dpdkevents>" in text and "PLUGIN_DIR" in text else {}
        for old, new in (edits | replaced).items():
            self.assertIn(old, text, name)
            text = text.replace(old, new)
        return text

    def collectd(self, *examples: str, interval: float = 0.5) -> Collectd:
        return Collectd(self, "", whole="\n".join(examples), interval=interval)

    def vm(self) -> Collectd:
        port = free_port(socket.SOCK_STREAM)
        collectd = self.collectd(self.example("vm.conf", **{'Port "9103"': f'Host "127.0.0.1"\nPort "{port}"'}))
        collectd.port = port
        return collectd

    def link(self, state: str) -> None:
        subprocess.run(["ip", "link", "set", self.netdevice, state], check=True)

    def samples(self, collectd: Collectd) -> list[Sample]:
        """What the exporter has, as soon as it has both kinds."""
        def samples() -> list[Sample]:
            found = [sample for sample in metrics(collectd.prometheus()) if "dpdkevents" in sample[0]]
            return found if len(found) >= 5 else []
        return wait_for("the samples of two ports and three lcores", samples)

    def noted(self, collectd: Collectd, severity: str, message: str) -> None:
        """Waits for a notification in the log (logfile writes them there)."""
        try:
            wait_for(f"a notification {severity} '{message}'",
                     lambda: re.search(rf"Notification: severity = {severity}, .*{message}", collectd.log()))
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{collectd.log()}") from None


class Vm(ExampleCase):
    def test_thresholds_notify(self) -> None:
        self.application()
        collectd = self.vm()
        self.assertEqual({(sample[1]["dpdkevents"], sample[1]["type"]): sample[2] for sample in self.samples(collectd)},
                         {("port.0", "link_status"): 1, ("port.1", "link_status"): 1, ("keepalive", "lcore1"): 1,
                          ("keepalive", "lcore2"): 1, ("keepalive", "lcore3"): 1})
        self.assertNotRegex(collectd.log(), "severity = (FAILURE|WARNING)")
        self.link("down")
        self.noted(collectd, "FAILURE", "port.0.*link_status")
        self.area.set(2, 2)
        self.noted(collectd, "FAILURE", "keepalive.*lcore2")
        self.area.set(2, 1)
        self.noted(collectd, "OKAY", "keepalive.*lcore2")
        self.link("up")
        self.noted(collectd, "OKAY", "port.0.*link_status")
        for state in (5, 6, 0):  # as the application wants them
            self.area.set(1, state)
            wait_for("the value", lambda: collectd.value("dpdkevents-keepalive/gauge-lcore1") == state)
        self.assertNotRegex(collectd.log(), "severity = (FAILURE|WARNING), .*lcore1")
        self.area.set(1, 4)
        self.noted(collectd, "WARNING", "keepalive.*lcore1")

    def test_an_application_that_ends_is_noticed(self) -> None:
        self.application()
        collectd = self.vm()
        self.samples(collectd)
        self.area.end()
        self.noted(collectd, "FAILURE", "keepalive.*lcore1 has not been updated")


class Fleet(ExampleCase):
    def test_two_vms_and_the_central_collectd(self) -> None:
        need_collectd("network")
        self.application()
        udp, http = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        passwords = Path(f"/run/{self.prefix}.passwd")
        passwords.write_text("fleet: change me\n")
        passwords.chmod(0o600)
        self.addCleanup(passwords.unlink)
        central = self.collectd(self.example("fleet-central.conf", **{
            '"0.0.0.0" "25826"': f'"127.0.0.1" "{udp}"', "/etc/collectd/passwd": str(passwords),
            'Port "9103"': f'Host "127.0.0.1"\nPort "{http}"'}))
        central.port = http
        server = {'"collectd.example.net" "25826"': f'"127.0.0.1" "{udp}"'}
        for name in ("vm1", "vm2"):
            self.collectd(self.example("fleet-vm.conf", **server) + f'\nHostname "{name}"\n')
        wait_for("samples of both VMs", lambda: {
            sample[1]["instance"] for sample in metrics(central.prometheus())
            if sample[1].get("type") == "link_status"} == {"vm1", "vm2"})
        self.link("down")
        self.noted(central, "FAILURE", "host = vm2, .*port.0")

    def test_kafka_is_understood_by_collectd(self) -> None:
        need_collectd("write_kafka")
        collectd = self.collectd(self.example("fleet-kafka.conf"), interval=10)
        self.assertNotRegex(collectd.log(), "(?i)write_kafka plugin: (unknown|invalid|unhandled|cannot|can't|error)")
        self.assertIn('plugin "write_kafka" successfully loaded', collectd.log())


def promtool(*arguments: str) -> None:
    """Prometheus' own tool: the one that is installed, or that scripts/setup has fetched."""
    program = shutil.which("promtool") or str(TOP / ".deps/prometheus/usr/bin/promtool")
    if not Path(program).exists():
        raise unittest.SkipTest("promtool is not here (Debian: prometheus)")
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


class Alerts(unittest.TestCase):
    def test_rules_are_valid(self) -> None:
        promtool("check", "rules", str(EXAMPLES / "prometheus-rules.yml"))

    def test_each_alert_comes_and_ends(self) -> None:
        """prometheus_rules_test.yml has a case for each rule."""
        cases = Path(__file__).parent / "prometheus_rules_test.yml"
        promtool("test", "rules", str(cases))
        self.assertEqual(set(re.findall(r"alertname: (\w+)", cases.read_text())),
                         set(re.findall(r"alert: (\w+)", (EXAMPLES / "prometheus-rules.yml").read_text())))


class Dashboard(ExampleCase):
    """What dashboard and rules ask for is what the exporter really has."""

    def expressions(self) -> Iterator[tuple[str, str]]:
        """Where, and what is asked."""
        dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield panel["title"], target["expr"]
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                yield f"variable {variable['name']}", variable["query"]["query"]
        for number, expression in enumerate(re.findall(r"^ *expr: (.*)$", (EXAMPLES / "prometheus-rules.yml").read_text(),
                                                       re.M)):
            yield f"rule {number}", expression

    def test_asks_for_what_is_exported(self) -> None:
        self.application()
        samples = self.samples(self.vm())
        # Only a port of net_vdev_netvsc has it: test/vm/test_collectd.py compares it with the real exporter.
        name, labels, _ = samples[0]
        samples.append((name, {**labels, "dpdkevents": "port.0", "type": "vf_unused"}, 0))
        count = 0
        for where, expression in self.expressions():
            found = selectors(expression.replace("$instance", ".*"))
            self.assertTrue(found, f"{where}: {expression}")
            for name, matchers in found:
                count += 1
                with self.subTest(where, name=name, matchers=matchers):
                    self.assertTrue([sample for sample in samples if matches(sample, name, matchers)],
                                    f"nothing of {samples}")
            for labels in re.findall(r"by \(([\w, ]+)\)", expression) + re.findall(r"label_values\(\w+, (\w+)\)", expression):
                for label in re.split(r",\s*", labels):
                    self.assertIn(label, samples[0][1], where)
        self.assertGreaterEqual(count, 10)

    def test_legends_use_labels_that_are_exported(self) -> None:
        self.application()
        labels = set(self.samples(self.vm())[0][1])
        text = (EXAMPLES / "grafana-dashboard.json").read_text() + (EXAMPLES / "prometheus-rules.yml").read_text()
        used = set(re.findall(r"\{\{ *(?:\$labels\.)?(\w+) *\}\}", text))
        self.assertTrue(used)
        self.assertLessEqual(used, labels)

    def test_is_what_grafana_loads(self) -> None:
        dashboard: dict[str, Any] = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
        for key, kind in (("title", str), ("uid", str), ("schemaVersion", int), ("panels", list), ("templating", dict)):
            self.assertIsInstance(dashboard[key], kind, key)
        self.assertNotIn("id", dashboard, "Grafana gives it")
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        variables = {variable["name"] for variable in dashboard["templating"]["list"]}
        used = set(re.findall(r"\$\{?(\w+)", (EXAMPLES / "grafana-dashboard.json").read_text())) - {"__all"}
        self.assertLessEqual(used, variables)
        cells: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            where = panel["gridPos"]
            self.assertLessEqual(where["x"] + where["w"], 24, panel["title"])
            for x in range(where["x"], where["x"] + where["w"]):
                for y in range(where["y"], where["y"] + where["h"]):
                    self.assertNotIn((x, y), cells, f"{panel['title']} lies over another panel")
                    cells.add((x, y))

    def test_is_what_prometheus_loads(self) -> None:
        rules = "".join(f"  - record: test:{number}\n    expr: {json.dumps(expression.replace('$instance', '.*'))}\n"
                        for number, (where, expression) in enumerate(self.expressions()) if "variable" not in where)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = Path(folder.name) / "rules.yml"
        file.write_text(f"groups:\n- name: dashboard\n  rules:\n{rules}")
        promtool("check", "rules", str(file))

    def test_states_have_the_names_of_keepalive(self) -> None:
        dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
        names = next(panel["fieldConfig"]["defaults"]["mappings"][0]["options"] for panel in dashboard["panels"]
                     if panel["title"] == "Lcores")
        self.assertEqual({int(value): option["text"] for value, option in names.items()},
                         {0: "UNUSED", 1: "ALIVE", 2: "DEAD", 3: "GONE", 4: "MISSING", 5: "DOZING", 6: "SLEEP"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
