#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The alert rules and the board of data/, with Debian's Prometheus and a real cluster."""

import json
import pathlib
import re
import shutil
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

import cluster
from authority import WithTls
from cluster import METRICS_TOKEN, choose_port, wait_for

DATA = pathlib.Path(__file__).resolve().parents[2] / "data"
RULES = DATA / "prometheus" / "pmss.rules.yml"
BOARD = DATA / "grafana" / "pmss.json"


def setUpModule():
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        raise unittest.SkipTest("prometheus is not installed")


def promtool(*arguments):
    result = subprocess.run(["promtool", *map(str, arguments)], cwd=RULES.parent, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def names_in(text):
    return set(re.findall(r"\bpmss_(?:control|storage)_\w+", text))


class Rules(unittest.TestCase):
    """Without a server: they are valid, and each is raised by its figures, and not by others."""

    def test_check(self):
        self.assertEqual(promtool("check", "rules", RULES)[0], 0)

    def test_alerts(self):
        status, said = promtool("test", "rules", "pmss.rules.test.yml")
        self.assertEqual(status, 0, said)
        alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8")))
        tests = (RULES.parent / "pmss.rules.test.yml").read_text(encoding="utf-8")
        self.assertEqual({alert for alert in alerts if tests.count(alert) < 2}, set(), "not tried both ways")

    def test_board(self):
        board = json.loads(BOARD.read_text(encoding="utf-8"))
        panels = [panel["gridPos"] for panel in board["panels"]]
        self.assertEqual(len({panel["id"] for panel in board["panels"]}), len(panels))
        for i, a in enumerate(panels):
            self.assertLessEqual(a["x"] + a["w"], 24)
            for b in panels[:i]:
                self.assertFalse(a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"])


class Scraped(WithTls, cluster.TestCase):
    """A real one asks control, over TLS and with the token, and answers what rules and board ask."""

    nodes = 2
    control_options = {"metrics-token": METRICS_TOKEN}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.cluster.folder / "prometheus"
        folder.mkdir()
        # JSON is YAML, too
        (folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": "pmss-control", "scheme": "https", "tls_config": {"ca_file": str(cls.ca)},
                                "authorization": {"credentials": METRICS_TOKEN},
                                "static_configs": [{"targets": ["127.0.0.1:%d" % cls.cluster.control.port]}]}]}), encoding="utf-8")
        cls.port = choose_port()
        log = open(folder / "log", "wb")
        cls.addClassCleanup(log.close)
        cls.prometheus = subprocess.Popen(
            ["prometheus", "--config.file=%s" % (folder / "prometheus.yml"), "--storage.tsdb.path=%s" % (folder / "data"),
             "--web.listen-address=127.0.0.1:%d" % cls.port], stdout=log, stderr=log)
        cls.addClassCleanup(cls.prometheus.wait)
        cls.addClassCleanup(cls.prometheus.kill)
        wait_for(lambda: cls.answers("up"), "the first scrape")

    @classmethod
    def ask(cls, path, **query):
        """None: it does not listen yet."""
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/%s?%s" % (cls.port, path, urllib.parse.urlencode(query)), timeout=10) as answer:
                return json.load(answer)["data"]
        except ConnectionError:
            return None
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            raise AssertionError("%s: %s" % (query, error.read())) from error
        except urllib.error.URLError:
            return None

    @classmethod
    def answers(cls, query):
        """{labels' values: number}"""
        data = cls.ask("query", query=query)
        return {tuple(value for name, value in sorted(row["metric"].items()) if name in ("node", "state", "fault")): float(row["value"][1])
                for row in data["result"]} if data else {}

    def page(self):
        return self.cluster.request("GET", "/metrics", headers={"Authorization": "Bearer " + METRICS_TOKEN})[2].decode()

    def test_names(self):
        """Each metric that rules or board name is on the page."""
        there = set(re.findall(r"^# TYPE (\w+) ", self.page(), re.M))
        for path in (RULES, RULES.parent / "pmss.rules.test.yml", BOARD):
            self.assertEqual(names_in(path.read_text(encoding="utf-8")) - there, set(), path)

    def test_page(self):
        """As Prometheus' own tool wants it."""
        result = subprocess.run(["promtool", "check", "metrics"], input=self.page(), capture_output=True, text=True, check=False)
        # 3: it has wishes for names, which are the servers' own since long
        self.assertIn(result.returncode, (0, 3), result.stdout + result.stderr)
        self.assertNotIn("pmss_control_node_", result.stdout + result.stderr)

    def test_figures(self):
        """The nodes' figures, by node."""
        wait_for(lambda: self.answers("pmss_control_node_up") == {("1",): 1, ("2",): 1}, "both storage servers")
        self.assertEqual(self.answers("up"), {(): 1})
        free = {node["id"]: node["free"] for node in self.cluster.api("GET", "/nodes")["nodes"]}
        for node, value in self.answers("pmss_control_node_filesystem_avail_bytes").items():
            self.assertAlmostEqual(value / free[int(node[0])], 1, delta=0.1)
        self.assertEqual(self.answers("pmss_control_faults")[("node_slow",)], 0)

    def test_queries(self):
        """All that the board asks is understood; what is not known is not there."""
        board = json.loads(BOARD.read_text(encoding="utf-8"))
        queries = [target["expr"].replace("$node", ".*") for panel in board["panels"] for target in panel["targets"]]
        self.assertGreater(len(queries), 20)
        for query in queries:
            with self.subTest(query):
                self.assertIsNotNone(self.ask("query", query=query))

    def test_alert(self):
        """A storage server that is stopped is pending within seconds, and fires after its minute."""
        def states():
            data = self.ask("alerts")
            return {(alert["labels"]["alertname"], alert["labels"].get("node")) for alert in data["alerts"]} if data else set()
        node = self.cluster.nodes[1]
        node.stop()
        wait_for(lambda: ("PmssNodeDown", str(node.id)) in states(), "the alert")
        self.assertNotIn(("PmssNodeDown", str(self.cluster.nodes[0].id)), states())
        node.start()
        self.cluster.wait_nodes()
        wait_for(lambda: ("PmssNodeDown", str(node.id)) not in states(), "the alert to go")


if __name__ == "__main__":
    unittest.main()
