# SPDX-License-Identifier: LGPL-2.1-or-later
"""Figures as time goes by: what control keeps of heartbeats, and tells of them. The test plays the storage servers."""

import contextlib
import json
import sqlite3
import time
import unittest

import cluster
from event_listener import Listener
from test_control_nodes import Actor

PASSWORD = "correct horse"
SERIES = ("cpu cpu_iowait cpu_steal memory memory_total disk_used disk_free disk_read disk_write disk_busy disk_latency net_in net_out network_limit "
          "net_errors connections requests sent cache_hits cache_misses late scrub viewers viewer_rate viewer_late viewer_rebuilt viewer_time "
          "streams users clients nodes_up used free bad_shards control_cpu control_memory").split()


class Case(cluster.TestCase):
    nodes = 0

    def history(self, query, status=200, token=True):
        got, _, body = self.cluster.request("GET", "/api/v1/history?" + query, token=token)
        self.assertEqual(got, status, body)
        return json.loads(body)

    def line(self, answer, node, name):
        found = [line for line in answer["series"] if (line["node"], line["name"]) == (node, name)]
        self.assertEqual(len(found), 1, answer["series"])
        return found[0]

    def wait_value(self, query, node, name, value):
        """Until the newest known point of that line has it, but for the precision of what is kept."""
        def look():
            known = [v for v in self.line(self.history(query), node, name)["mean"] if v is not None]
            return known and abs(known[-1] - value) <= value * 0.001
        cluster.wait_for(look, "%s of node %d to be %s" % (name, node, value))


class Live(Case):
    def test_figures(self):
        a, b = Actor(self, 2001), Actor(self, 2002)
        disks = [{"folder": "/srv/a", "total": 100, "free": 60, "busy": 0.25}, {"folder": "/srv/b", "total": 100, "free": 30, "busy": 0.5}]
        begin = time.time()
        while self.line(self.history("series=cpu&nodes=%d&points=600" % a.id), a.id, "cpu")["mean"].count(0.5) < 4:
            a.beat(cpu=0.5, net_out=1000, disks=disks, late=3)
            b.beat(cpu=0.125, net_out=500)
            time.sleep(0.3)
            self.assertLess(time.time() - begin, cluster.DEADLINE)
        answer = self.history("series=cpu,net_out,disk_busy,disk_used,streams,nodes_up,control_memory,late&nodes=0,%d,%d,%d" % (a.id, b.id, a.id))
        self.assertEqual((answer["span"], answer["step"], answer["points"]), ("live", 2, 300))
        self.assertLessEqual(answer["start"] + answer["points"] * answer["step"], time.time() + 1)
        names = [(line["node"], line["name"]) for line in answer["series"]]
        self.assertEqual(len(names), len(set(names)))
        self.assertIn((0, "streams"), names)
        self.assertNotIn((0, "cpu"), names)
        self.assertNotIn((a.id, "streams"), names)
        last = {key: [v for v in self.line(answer, *key)["mean"] if v is not None][-1] for key in names if key != (b.id, "disk_busy")
                and any(v is not None for v in self.line(answer, *key)["mean"])}
        self.assertEqual((last[(a.id, "cpu")], last[(b.id, "cpu")], last[(a.id, "disk_busy")]), (0.5, 0.125, 0.5))
        self.assertAlmostEqual(last[(a.id, "disk_used")], 110, delta=0.1)
        self.assertAlmostEqual(last[(0, "net_out")], 1500, delta=2)
        self.assertGreater(last[(0, "control_memory")], 2 ** 20)
        self.assertEqual(last[(0, "nodes_up")], 2)
        # what the node does not tell is not known, and no 0
        self.assertEqual(set(self.line(answer, b.id, "disk_busy")["mean"]), {None})
        late = self.line(answer, a.id, "late")
        self.assertEqual(len(late["max"]), 300)
        self.assertIsNone(self.line(answer, a.id, "disk_used")["max"])

        # only what is new, and the same points again
        known = answer["start"] + (answer["points"] - 3) * answer["step"]
        later = self.history("series=cpu&nodes=%d&after=%d" % (a.id, known))
        self.assertEqual(later["start"], known + 2)
        self.assertEqual(self.line(later, a.id, "cpu")["mean"][:2], self.line(answer, a.id, "cpu")["mean"][-2:])
        # one who is ahead of control is told all
        self.assertEqual(self.history("series=cpu&nodes=%d&after=%d" % (a.id, time.time() + 10 ** 6))["points"], 300)

    def test_gap(self):
        """A node that falls silent leaves a gap within 3 s, and so does one whose figures are wrong."""
        a = Actor(self, 2003)
        query = "series=cpu&nodes=%d&points=600" % a.id

        def newest():
            return self.line(self.history(query), a.id, "cpu")["mean"][-1]

        def beat_until(value, **stats):
            def look():
                a.beat(**stats)
                return newest() == value
            cluster.wait_for(look, "the newest second to be %s" % value)
        beat_until(0.5, cpu=0.5)
        beat_until(None, cpu=-1)
        beat_until(0.25, cpu=0.25)
        quiet = time.monotonic()
        cluster.wait_for(lambda: newest() is None, "a gap")
        self.assertLess(time.monotonic() - quiet, 5)
        beat_until(0.5, cpu=0.5)
        means = self.line(self.history(query), a.id, "cpu")["mean"]
        self.assertIsNone(means[means.index(0.25) + means[means.index(0.25):].index(None)])

    def load(self, **more):
        listener = Listener(self.cluster, self.cluster.token, topics="load", **more)
        self.addCleanup(listener.close)
        self.assertEqual(listener.next().name, "start")
        return listener

    def test_load(self):
        """Once a second, of the storage servers that were asked for, without a number."""
        a, b = Actor(self, 2004), Actor(self, 2005)
        some, every = self.load(nodes="%d,4000000" % b.id), self.load()

        def next_load(listener):
            message = listener.next()
            self.assertEqual((message.name, message.id), ("load", None))
            return json.loads(message.data)

        def look():
            a.beat(cpu=0.5, memory=2 ** 30)
            b.beat(cpu=0.25, sent=1000)
            load = next_load(every)
            nodes = {node["id"]: node for node in load["nodes"]}
            return {a.id, b.id} <= set(nodes) and nodes[a.id]["cpu"] == 0.5 and (load, nodes)
        load, nodes = cluster.wait_for(look, "both to be told")
        self.assertEqual([node["id"] for node in load["nodes"]], sorted(nodes))
        self.assertAlmostEqual(nodes[a.id]["memory"], 2 ** 30, delta=2 ** 20)
        self.assertIsNone(nodes[a.id]["sent"])
        self.assertEqual(set(load["cluster"]), {"streams", "users", "clients", "sent"})
        self.assertAlmostEqual(load["cluster"]["sent"], 1000, delta=1)
        loads = [next_load(some) for _ in range(3)]
        self.assertEqual([node["id"] for node in loads[0]["nodes"]], [b.id, 4000000])
        self.assertIsNone(loads[0]["nodes"][1]["cpu"])
        self.assertEqual(sorted({load["time"] for load in loads}), [load["time"] for load in loads])
        for nodes in ("", "x", "1,", ",".join(["1"] * 101)):
            self.assertEqual(self.cluster.request("GET", "/api/v1/stream?topics=load&nodes=" + nodes)[0], 400, nodes)

    def test_who(self):
        for role, status in (("viewer", 403), ("operator", 200)):
            self.cluster.api("POST", "/users", {"name": role, "password": PASSWORD, "role": role}, 201)
            token = self.cluster.login(role, PASSWORD)
            self.assertEqual(self.cluster.request("GET", "/api/v1/history?series=streams&nodes=0", token=False,
                                                  headers={"Authorization": "Bearer " + token})[0], status)
            listener = Listener(self.cluster, token, topics="load")
            self.addCleanup(listener.close)
            self.assertEqual(listener.answer.status, status)
        self.history("series=streams", 401, token=False)

    def test_hostile(self):
        for query in ("", "series=", "series=cpu,", "series=CPU", "series=cpu%00", "series=cpu&nodes=", "series=cpu&nodes=x", "series=cpu&nodes=-1",
                      "series=cpu&nodes=99999999999", "series=cpu&nodes=1,,2", "series=cpu&span=hour", "series=cpu&points=0", "series=cpu&points=x",
                      "series=cpu&after=-1", "series=cpu&after=1e3", "series=%F0%9F%92%A9", "series=" + ",".join(["no"] * 1000)):
            self.history(query, 400)
        # more than an answer has
        names = [line["name"] for line in self.history("series=" + ",".join(SERIES) + "&nodes=1")["series"]]
        self.history("series=%s&nodes=%s" % (",".join(names), ",".join(str(i) for i in range(1, 4000 // len(names) + 2))), 400)
        answer = self.history("series=" + ",".join(["cpu"] * 1000) + "&nodes=4000000&points=%d" % 10 ** 9)
        self.assertEqual((len(answer["series"]), answer["points"], answer["step"]), (1, 600, 1))
        self.assertEqual(set(answer["series"][0]["mean"]), {None})
        nodes = 4000 // len(names)
        answer = self.history("series=%s&points=100000&nodes=%s" % (",".join(names), ",".join(str(i) for i in range(1, nodes + 1))))
        self.assertEqual(len(answer["series"]), nodes * len(names))
        self.assertLessEqual(answer["points"] * len(answer["series"]), 500000)


class Kept(Case):
    def rows(self):
        """(level, time, node) of what history.db has that is not packed. Control has to be stopped."""
        with contextlib.closing(sqlite3.connect(self.cluster.control.data / "history.db")) as file:
            return set(file.execute("SELECT level, time, node FROM recent"))

    def test_restart(self):
        """What there is of a minute is written at an orderly stop, and stays."""
        a = Actor(self, 2010)
        live = "series=cpu&points=600&nodes=%d" % a.id

        def look():
            a.beat(cpu=0.5)
            return 0.5 in self.line(self.history(live), a.id, "cpu")["mean"]
        before = int(time.time()) // 60 * 60
        cluster.wait_for(look, "a second of it")
        self.cluster.control.stop()
        rows = self.rows()
        times = range(before, int(time.time()) + 1, 60)
        self.assertTrue(any((0, t, a.id) in rows for t in times), rows)
        self.assertTrue(any((0, t, 0) in rows for t in times), rows)
        self.cluster.control.start()
        for span, step in (("day", 60), ("month", 600), ("year", 3600)):
            answer = self.history("series=cpu&points=100000&span=%s&nodes=%d" % (span, a.id))
            self.assertEqual((answer["step"], answer["start"] % step), (step, 0))
            self.assertLessEqual(answer["start"] + answer["points"] * step, time.time())
        self.cluster.control.stop()
        self.assertLessEqual(rows - {r for r in rows if r[1] >= before}, self.rows())
        self.cluster.control.start()

    def test_no_file(self):
        """Where the file cannot be one, control says so once, and all else goes on."""
        self.cluster.control.stop()
        file = self.cluster.control.data / "history.db"
        for old in file.parent.glob("history.db*"):
            old.unlink()
        file.mkdir()
        self.cluster.control.start()

        def look():
            return [e for e in self.cluster.api("GET", "/events")["events"] if e["action"] == "history failed"]
        (event,) = cluster.wait_for(look, "the event")
        self.assertEqual((event["topic"], event["result"]), ("health", "failed"))
        self.assertIn("history.db” cannot be used", event["detail"])
        self.history("series=cpu&span=day&nodes=1", 503)
        self.history("series=cpu&nodes=1")
        self.cluster.api("POST", "/users", {"name": "kept", "password": PASSWORD, "role": "viewer"}, 201)
        self.cluster.control.stop()
        file.rmdir()
        self.cluster.control.start()
        cluster.wait_for(lambda: self.cluster.request("GET", "/api/v1/history?series=cpu&span=day&nodes=1")[0] == 200, "the history")


if __name__ == "__main__":
    unittest.main()
