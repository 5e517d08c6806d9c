# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-control: what storage servers and readers say of shards and nodes, true, false and hostile. The medium has no redundancy and its shards are damaged on the
disks, so that nothing can be put right meanwhile."""

import contextlib
import http.client
import itertools
import json
import os
import re
import subprocess
import unittest

import cluster

EXTENT = 64 * 1024
UNIT = 4096


class ReportsTest(cluster.TestCase):
    nodes = 2
    control_options = {"unit": "4KiB", "extent": "64KiB", "default-redundancy": "1+0"}

    def setUp(self):
        if "film" not in [m["name"] for m in self.cluster.api("GET", "/media")["media"]]:
            self.cluster.add("film", bytes(range(256)) * (16 * EXTENT // 256))

    def bad_shards(self, node):
        return next(n for n in self.cluster.api("GET", "/nodes")["nodes"] if n["id"] == node.id)["bad_shards"]

    def bad_in_all(self):
        return sum(self.bad_shards(node) for node in self.cluster.nodes)

    def places(self, name="film"):
        """A session, and (shard's name, extent, node) for each shard of the medium."""
        session = self.cluster.session(name)
        layout = session["layout"]
        return session["id"], [("%s-%08x.0" % (layout["version"], i), i, self.cluster.node(layout["nodes"][place[0]]["id"]))
                               for i, place in enumerate(layout["extents"])]

    def info(self, name):
        """What `pmss info` says."""
        return subprocess.run([str(cluster.BUILD / "tools" / "pmss"), "info", name], check=True, capture_output=True, text=True,
                              env=dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token)).stdout

    def damage(self, shard, node):
        with open(node.shard_path(shard), "r+b") as file:
            file.seek(200)
            file.write(b"damage")

    def beat(self, node, bad, **more):
        secret = json.loads((node.data / "node.json").read_text())["secret"]
        body = dict({"address": node.address, "port": node.port, "tls": False, "token_formats": [2], "stats": {}, "bad_shards": bad}, **more)
        status, _, answer = self.cluster.request(
            "POST", "/api/v1/nodes/%d/heartbeat" % node.id, json.dumps(body),
            {"Authorization": "Bearer " + secret, "Content-Type": "application/json"}, token=False)
        return status, json.loads(answer)

    def test_heartbeat(self):
        _, places = self.places()
        shard, _, node = places[0]
        self.damage(shard, node)
        before = self.bad_shards(node)
        self.assertEqual(self.beat(node, [{"shard": shard, "kind": "damaged", "rows": [0, 3, 3]}])[0], 200)
        self.assertEqual(self.bad_shards(node), before + 1)
        self.assertEqual(self.beat(node, [{"shard": shard, "kind": "unreadable", "rows": None}])[0], 200)
        self.assertEqual(self.bad_shards(node), before + 1)
        # it is durable when it was answered
        self.cluster.restart_control()
        self.assertEqual(self.bad_shards(node), before + 1)
        self.cluster.wait_nodes()

    def test_health(self):
        """Exactly the bytes that are known to be lost are said to be."""
        self.cluster.add("health", bytes(2 * EXTENT + UNIT + 1))
        health = self.cluster.medium("health")["health"]
        self.assertEqual(health, {
            "state": "whole", "extents": 3, "degraded_extents": 0, "unavailable_extents": 0, "damaged_extents": 0, "damaged_bytes": 0,
            "damaged": [], "bad_shards": 0, "suspected_shards": 0, "nodes_down": []})
        self.assertNotIn("health", self.cluster.api("GET", "/media")["media"][0])
        session, places = self.places("health")
        for (shard, extent, node), rows in zip(places, ([0, 2, 3], [15], None)):
            self.damage(shard, node)
            self.assertEqual(self.beat(node, [{"shard": shard, "kind": "damaged", "rows": rows}])[0], 200)
        health = self.cluster.medium("health")["health"]
        self.assertEqual((health["state"], health["damaged_extents"], health["bad_shards"]), ("damaged", 3, 3))
        self.assertEqual([(r["offset"], r["length"]) for r in health["damaged"]],
                         [(0, UNIT), (2 * UNIT, 2 * UNIT), (EXTENT + 15 * UNIT, UNIT + UNIT + 1)])
        self.assertEqual(health["damaged_bytes"], 5 * UNIT + 1)
        words = self.info("health")
        self.assertIn("damaged: bytes are lost\n", words)
        for first, last in ((0, UNIT - 1), (2 * UNIT, 4 * UNIT - 1), (EXTENT + 15 * UNIT, 2 * EXTENT + UNIT)):
            self.assertIn(" bytes %d to %d are lost\n" % (first, last), words)
        self.assertIn(" 3 extents are damaged\n", words)
        self.cluster.delete("health")
        self.cluster.wait_jobs()

    def test_heartbeat_of_others(self):
        """A node speaks for what the catalog has on it, and for nothing else."""
        _, places = self.places()
        shard, _, node = places[1]
        other = next(n for n in self.cluster.nodes if n is not node)
        before = self.bad_in_all()
        version = shard.split("-")[0]
        self.assertEqual(self.beat(other, [{"shard": shard, "kind": "missing"}])[0], 200)
        for name in (version + "-00000fff.0", "0" * 32 + "-00000000.0", version + "-00000001.1", version + "-ffffffff.19"):
            self.assertEqual(self.beat(node, [{"shard": name, "kind": "missing"}])[0], 200, name)
        self.assertEqual(self.beat(node, [{"shard": shard, "kind": "damaged", "rows": [16, 4294967295]}])[0], 200)
        self.assertEqual(self.bad_in_all(), before)
        # bad, though all of its rows are good
        self.assertEqual(self.beat(node, [{"shard": shard, "kind": "damaged", "rows": []}])[0], 200)
        self.assertEqual(self.bad_in_all(), before + 1)

    def test_heartbeat_malformed(self):
        _, places = self.places()
        shard, _, node = places[2]
        good = {"shard": shard, "kind": "damaged"}
        before = self.bad_in_all()
        for bad in ([good] * 33, {}, "x", 7, [7], [None], [{}], [{"shard": shard}], [{"kind": "damaged"}], [dict(good, kind="odd")],
                    [dict(good, kind=None)], [dict(good, shard="../x")], [dict(good, shard=shard + "0")], [dict(good, shard=7)],
                    [dict(good, rows="all")], [dict(good, rows=[-1])], [dict(good, rows=[1.5])], [dict(good, rows=[2 ** 32])],
                    [dict(good, rows=["1"])], [dict(good, rows=[0] * 1025)], [dict(good, more=1)], [good, dict(good, kind="odd")]):
            self.assertEqual(self.beat(node, bad)[0], 400, bad)
        self.assertEqual(self.beat(node, None)[0], 200)
        status, _, _ = self.cluster.request(
            "POST", "/api/v1/nodes/%d/heartbeat" % node.id,
            json.dumps({"address": "127.0.0.1", "port": 1, "tls": False, "token_formats": [2], "stats": {}, "bad_shards": [good]}),
            {"Authorization": "Bearer " + "A" * 43, "Content-Type": "application/json"}, token=False)
        self.assertEqual(status, 401)
        self.assertEqual(self.bad_in_all(), before)

    def report(self, session, reports, token=True):
        """Once it is time again; the status."""
        def look():
            status, headers, _ = self.cluster.request(
                "POST", "/api/v1/sessions/%s/reports" % session, json.dumps(reports), {"Content-Type": "application/json"}, token=token)
            if status == 429:
                self.assertEqual(headers["Retry-After"], "1")
                return None
            return status
        return cluster.wait_for(look, "a report to be taken")

    def test_reader(self):
        session, places = self.places()
        before = self.bad_in_all()
        entries = []
        for (shard, extent, node), kind in zip(places[3:8], ("checksum", "length", "wrong", "missing", "checksum")):
            self.damage(shard, node)
            entries.append({"extent": extent, "index": 0, "unit": 0 if extent % 2 else None, "node": node.id, "kind": kind})
        self.assertEqual(self.report(session, {"reports": entries}), 204)
        self.assertEqual(self.bad_in_all(), before + 5)
        self.assertEqual(self.report(session, {"reports": entries}), 204)
        self.assertEqual(self.bad_in_all(), before + 5)

    def test_reader_once_a_second(self):
        session, places = self.places()
        _, extent, node = places[8]
        body = json.dumps({"reports": [{"extent": extent, "index": 5, "unit": None, "node": node.id, "kind": "wrong"}]})
        path = "/api/v1/sessions/%s/reports" % session

        def post():
            return self.cluster.request("POST", path, body, {"Content-Type": "application/json"})[0]
        self.assertEqual(post(), 204)
        cluster.wait_for(lambda: post() == 429, "a second report within a second")
        cluster.wait_for(lambda: post() == 204, "a report after a second")

    def test_reader_of_others(self):
        """What is not in the layout is nobody's business, nor is another's session."""
        session, places = self.places()
        _, extent, node = places[9]
        other = next(n for n in self.cluster.nodes if n is not node)
        before = self.bad_in_all()
        good = {"extent": extent, "index": 0, "unit": None, "node": node.id, "kind": "checksum"}
        wrong = [dict(good, node=other.id), dict(good, node=4294967295), dict(good, index=1), dict(good, index=19), dict(good, extent=16),
                 dict(good, extent=4294967295), dict(good, unit=16), dict(good, unit=4294967295)]
        wrong += [dict(entry, kind="unreachable") for entry in wrong[:6]]
        self.assertEqual(self.report(session, {"reports": wrong}), 204)
        self.assertEqual(self.bad_in_all(), before)
        password = "a long password"
        self.cluster.api("POST", "/users", {"name": "eve", "password": password, "role": "operator"}, 201)
        eve = self.cluster.login("eve", password)
        headers = {"Authorization": "Bearer " + eve, "Content-Type": "application/json"}
        for name in (session, "0" * 32, "x", "%2e%2e", "0" * 33):
            status = self.cluster.request("POST", "/api/v1/sessions/%s/reports" % name, json.dumps({"reports": [good]}), headers)[0]
            self.assertEqual(status, 404, name)
        self.assertEqual(self.report(session, {"reports": [good]}, token=False), 401)
        self.assertEqual(self.bad_in_all(), before)

    def test_reader_malformed(self):
        session, places = self.places()
        _, extent, node = places[10]
        before = self.bad_in_all()
        good = {"extent": extent, "index": 0, "unit": None, "node": node.id, "kind": "checksum"}
        for reports in ([], [good] * 33, {}, "x", None, [7], [None], [[]], [{}], [dict(good, more=1)], [dict(good, extent=-1)], [dict(good, extent=2 ** 32)],
                        [dict(good, extent=1.5)], [dict(good, index=20)], [dict(good, index=-1)], [dict(good, index="0")], [dict(good, unit=-1)],
                        [dict(good, unit=2 ** 32)], [dict(good, unit="x")], [dict(good, node=0)], [dict(good, node=2 ** 32)], [dict(good, node=None)],
                        [dict(good, kind="")], [dict(good, kind="odd")], [dict(good, kind=None)], [good, dict(good, kind="odd")]):
            self.assertEqual(self.report(session, {"reports": reports}), 400, reports)
        for body in ({}, [], {"reports": [good], "more": 1}):
            self.assertEqual(self.report(session, body), 400, body)
        self.assertEqual(self.bad_in_all(), before)


class UnreachableTest(cluster.TestCase):
    """A storage server whose heartbeats come and that nobody reaches: the test sends them in its place."""
    nodes = 1
    control_options = {"unit": "4KiB", "extent": "64KiB", "default-redundancy": "1+0"}

    def setUp(self):
        self.cluster.add("film", bytes(EXTENT))
        self.node = self.cluster.nodes[0]
        self.session = self.cluster.session("film")["id"]

    def beat(self):
        secret = json.loads((self.node.data / "node.json").read_text())["secret"]
        body = {"address": self.node.address, "port": self.node.port, "tls": False, "token_formats": [2], "stats": {}}
        status, _, answer = self.cluster.request("POST", "/api/v1/nodes/%d/heartbeat" % self.node.id, json.dumps(body),
                                                 {"Authorization": "Bearer " + secret, "Content-Type": "application/json"}, token=False)
        self.assertEqual(status, 200, answer)

    def state(self):
        node = self.cluster.api("GET", "/nodes")["nodes"][0]
        return node["state"], node["reason"]

    def report(self):
        body = {"reports": [{"extent": 0, "index": 0, "unit": None, "node": self.node.id, "kind": "unreachable"}]}
        return self.cluster.request("POST", "/api/v1/sessions/%s/reports" % self.session, json.dumps(body), {"Content-Type": "application/json"})[0]

    def wait_for(self, state, reason, what, doubts=False):
        """@doubts: the reader says so again and again, as one does; an answer that was already under way takes back what it said."""
        def look():
            self.beat()
            if doubts:
                self.report()
            now, why = self.state()
            return now == state and (why or "").startswith(reason or "") and bool(why) == bool(reason)
        cluster.wait_for(look, what)

    def answers(self):
        """Good answers of the node, without this one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        found = re.search(r'^pmss_storage_answers_total\{status="200"\} (\d+)$', text, re.M)
        return int(found[1]) if found else 0

    def test_unreachable(self):
        why = "1 reader cannot reach it, and neither can control: "
        before, looks = self.answers(), itertools.count(1)
        # whose reader is mistaken, or lies
        self.assertEqual(self.report(), 204)
        # before it is killed: else control finds that the reader was right
        cluster.wait_for(lambda: self.answers() - before > next(looks), "control to look for itself")
        self.wait_for("up", None, "a node that can be reached to stay up")
        self.node.kill()
        self.wait_for("up", None, "a node whose heartbeats come to be up")
        cluster.wait_for(lambda: self.report() == 204, "a report to be taken")
        self.wait_for("suspect", why, "a node that nobody reaches to be suspect", doubts=True)
        self.wait_for("down", why, "a node that nobody reaches to be down")
        self.node.start(wait=True)
        self.wait_for("up", None, "a node that is reached to be up")


if __name__ == "__main__":
    unittest.main()
