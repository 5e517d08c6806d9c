# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-control: storage servers join, beat, fall silent and leave. The test plays the storage servers."""

import json
import unittest

import cluster


class Actor:
    """What a storage server says to control."""

    def __init__(self, test, port, zone=""):
        self.cluster = test.cluster
        self.place = {"address": "127.0.0.1", "port": port, "tls": False}
        self.formats = {"token_formats": [2]}
        token = self.cluster.api("POST", "/nodes/join-tokens", {}, 201)["join_token"]
        status, answer = self.join(token, zone)
        assert status == 201, answer
        self.id, self.secret = answer["id"], answer["secret"]
        self.answer = answer

    def send(self, path, body, bearer=None):
        headers = {"Content-Type": "application/json"}
        if bearer:
            headers["Authorization"] = "Bearer " + bearer
        status, _, answer = self.cluster.request("POST", "/api/v1" + path, json.dumps(body), headers, token=False)
        return status, json.loads(answer)

    def join(self, token, zone):
        return self.send("/nodes/join", dict(self.place, join_token=token, zone=zone, capacity=10 ** 9))

    def leave(self, leaving=True):
        return self.send("/nodes/%d/heartbeat" % self.id, dict(self.place, **self.formats, stats={}, leaving=leaving), self.secret)

    def beat(self, secret=None, **stats):
        return self.send("/nodes/%d/heartbeat" % self.id, dict(self.place, **self.formats, stats=stats), secret or self.secret)


class NodesTest(cluster.TestCase):
    nodes = 0

    def node(self, id):
        return next(n for n in self.cluster.api("GET", "/nodes")["nodes"] if n["id"] == id)

    def test_join(self):
        a, b = Actor(self, 1001, "rack1"), Actor(self, 1002)
        self.assertNotEqual(a.id, b.id)
        self.assertNotEqual(a.secret, b.secret)
        self.assertEqual(a.answer["public_key"], b.answer["public_key"])
        self.assertEqual(a.answer["cluster"], self.cluster.api("GET", "/cluster")["cluster"])
        self.assertEqual(self.node(a.id)["zone"], "rack1")
        self.assertEqual(self.node(a.id)["state"], "down")
        self.assertIsNone(self.node(a.id)["stats"])

        for zone in ("a b", "a\u00a0b", "a\u202eb", "a\u200bb", "e\u0301", "\x1b[1m", "a\tb"):
            self.assert_status(400, self.cluster.api, "POST", "/nodes/join-tokens", {"zone": zone}, 201)
        self.cluster.api("POST", "/nodes/join-tokens", {"zone": "Größe-日本"}, 201)
        token = self.cluster.api("POST", "/nodes/join-tokens", {"zone": "rack9"}, 201)["join_token"]
        status, answer = a.join(token, "rack1")
        self.assertEqual(status, 201)
        self.assertEqual(self.node(answer["id"])["zone"], "rack9")
        self.assertEqual(a.join(token, "rack1")[0], 401)
        self.assertEqual(a.join("A" * 43, "rack1")[0], 401)

    def test_states(self):
        a = Actor(self, 1003)
        self.assertEqual(a.beat("A" * 43)[0], 401)
        self.assertEqual(a.send("/nodes/%d/heartbeat" % a.id, dict(a.place, stats={}))[0], 401)
        status, answer = a.beat(cpu=0.25, used=7, free=93, net_out=12)
        self.assertEqual((status, answer), (200, {"state": "up", "interval": 1, "problem": None, "lease": 60, "complete": True, "revocations": 0, "revoked": []}))
        node = self.node(a.id)
        self.assertEqual(node["state"], "up")
        self.assertEqual((node["used"], node["free"], node["stats"]["cpu"], node["stats"]["net_out"]), (7, 93, 0.25, 12))
        self.assertIsNone(node["reason"])
        self.assertIsNone(node["stats"]["network_limit"])
        for limit, told in ((10 ** 9, 10 ** 9), (10 ** 15, 10 ** 15), (0, None)):
            a.beat(network_limit=limit)
            self.assertEqual(self.node(a.id)["stats"]["network_limit"], told)
        node = self.node(a.id)
        cluster.wait_for(lambda: self.node(a.id)["state"] == "suspect", "a silent node to be suspect")
        self.assertGreater(self.node(a.id)["since"], node["since"])
        self.assertEqual(self.node(a.id)["reason"], "no heartbeat since " + node["last_seen"])
        cluster.wait_for(lambda: self.node(a.id)["state"] == "down", "a silent node to be down")
        a.beat()
        self.assertEqual((self.node(a.id)["state"], self.node(a.id)["reason"]), ("up", None))

    def test_figures_that_no_machine_has(self):
        """The node lives, for its secret is right; its figures are not known, and its warning says why until they are right."""
        a = Actor(self, 1008)
        a.beat(cpu=0.5, used=7, disks=[{"folder": "/srv", "busy": 0.5}], interfaces=[{"name": "eth0", "in": 3}], scrub={"rate": 4}, newer={"x": 1})
        stats = self.node(a.id)["stats"]
        self.assertEqual((stats["disks"][0]["busy"], stats["disks"][0]["latency"], stats["interfaces"][0]["in"], stats["scrub"]["rate"]), (0.5, None, 3, 4))
        self.assertEqual((stats["memory"], stats["cpu_states"]["user"]), (None, None))
        for stats, named in (({"cpu": 1.5}, "“cpu”"), ({"disks": [{"folder": "/srv", "busy": -1}]}, "disks: “busy”"), ({"net_in": 1e15}, "“net_in”")):
            status, answer = a.beat(**stats)
            self.assertEqual(status, 400)
            self.assertIn("stats: ", answer["detail"])
            self.assertIn(named, answer["detail"])
            node = self.node(a.id)
            self.assertEqual((node["state"], node["used"], node["rate"], node["stats"]["cpu"]), ("up", None, None, None))
            self.assertIn("its figures are not believed: ", node["warning"])
            self.assertIn(named, node["warning"])
        a.beat(cpu=0.5, net_out=8)
        node = self.node(a.id)
        self.assertEqual((node["warning"], node["stats"]["cpu"], node["rate"]), (None, 0.5, 64))

    def test_leaving(self):
        """A node that says that it stops is down at once, and up again when it is back."""
        a = Actor(self, 1007)
        a.beat()
        for leaving in (1, "yes", {}):
            self.assertEqual(a.leave(leaving)[0], 400, leaving)
        self.assertEqual(a.leave(False)[1]["state"], "up")
        status, answer = a.leave()
        self.assertEqual((status, answer["state"]), (200, "down"))
        self.assertEqual((self.node(a.id)["state"], self.node(a.id)["reason"]), ("down", "it said that it stops"))
        a.beat()
        self.assertEqual(self.node(a.id)["state"], "up")

    def test_new_address_and_restart(self):
        """An address that is not proved does not count; tests/integration/test_trust.py has those that are."""
        a = Actor(self, 1004)
        a.place["port"] = 2004
        a.beat()
        self.assertEqual((self.node(a.id)["port"], self.node(a.id)["state"]), (1004, "suspect"))
        a.place["port"] = 1004
        a.beat()
        a.leave()
        since = self.node(a.id)["since"]
        self.cluster.restart_control()
        node = self.node(a.id)
        self.assertEqual((node["port"], node["state"], node["since"]), (1004, "down", since))
        self.assertIn("not heard of since control started", node["reason"])
        self.assertEqual(a.beat()[0], 200)
        self.assertEqual(self.node(a.id)["state"], "up")

    def test_unknown(self):
        """The log names who is refused, once, and says what to do; so does the answer."""
        a = Actor(self, 1007)
        for _ in range(5):
            status, answer = a.send("/nodes/4711/heartbeat", dict(a.place, stats={}), a.secret)
            self.assertEqual(status, 401)
            self.assertEqual(a.beat("wrong")[0], 401)
        for words in ("put the right one back", "an empty data folder and a join token"):
            self.assertIn(words, answer["detail"])
        log = self.cluster.control.log.read_text()
        self.assertEqual(log.count("storage server 4711 was refused: the catalog, which has"), 1)
        self.assertEqual(log.count("storage server %d was refused: its secret" % a.id), 1)
        # anybody may send these
        for id in range(5000, 5100):
            a.send("/nodes/%d/heartbeat" % id, dict(a.place, stats={}), a.secret)
        self.assertLess(self.cluster.control.log.read_text().count("was refused: "), 100)

    def test_remove(self):
        a = Actor(self, 1005)
        self.cluster.api("DELETE", "/nodes/%d" % a.id, status=204)
        self.assertEqual(a.beat()[0], 401)
        self.assert_status(404, self.cluster.api, "DELETE", "/nodes/%d" % a.id, None, 204)
        self.assertGreater(Actor(self, 1005).id, a.id)

    def test_malformed(self):
        a = Actor(self, 1006)
        for place in ({"port": 0}, {"port": 65536}, {"port": "8471"}, {"port": 1.5}, {"address": ""},
                      {"address": "a b"}, {"address": "a/b"}, {"address": "a\nb"}, {"address": "::g"}, {"address": 7},
                      {"address": "http://x"}, {"address": "x."}, {"address": "a..b"}, {"address": "1.2.3"}, {"tls": "no"}, {"tls": None}):
            status = a.send("/nodes/%d/heartbeat" % a.id, dict(a.place, **place, stats={}), a.secret)[0]
            self.assertEqual(status, 400, place)
        for stats in ({"cpu": "much"}, {"cpu": -1}, {"used": -1}, {"used": 1.5}, {"free": 2 ** 64}, {"memory": []}, {"network_limit": -1},
                      {"network_limit": 10 ** 15 + 1}, {"network_limit": "1G"}, {"network_limit": 1.5}):
            self.assertEqual(a.beat(**stats)[0], 400, stats)
        self.assertEqual(a.send("/nodes/%d/heartbeat" % a.id, dict(a.place, stats=3), a.secret)[0], 400)
        self.assertEqual(a.send("/nodes/%d/heartbeat" % a.id, dict(a.place, stats=3), "A" * 43)[0], 401)
        for number in ("0", "-1", "1x", "99999999999999999999", "4294967297"):
            status = a.send("/nodes/%s/heartbeat" % number, dict(a.place, stats={}), a.secret)[0]
            self.assertIn(status, (401, 404), number)
        self.assertEqual(self.node(a.id)["port"], 1006)


class Stopped(cluster.TestCase):
    nodes = 4
    control_options = {"unit": "4KiB", "extent": "64KiB", "default-redundancy": "2+1"}

    def test_ingest_after_a_stop(self):
        """A storage server that was stopped in order is down when it has ended: nothing is placed on it."""
        stopped = self.cluster.nodes[0]
        self.assertEqual(stopped.stop(), 0)
        states = {n["id"]: n["state"] for n in self.cluster.api("GET", "/nodes")["nodes"]}
        self.assertEqual(states.pop(stopped.id), "down")
        self.assertNotIn("down", states.values())
        self.cluster.wait_nodes()
        self.cluster.add("film", bytes(1 << 20))
        layout = self.cluster.session("film")["layout"]
        self.assertNotIn(stopped.id, [n["id"] for n in layout["nodes"]])
        stopped.start()
        self.cluster.wait_nodes()

    def test_forgotten_while_it_runs(self):
        """A catalog that does not know it: the storage server says what that is and what to do, once."""
        node = self.cluster.add_node()
        self.cluster.api("DELETE", "/nodes/%d" % node.id, status=204)
        self.cluster.nodes.remove(node)
        try:
            cluster.wait_for(lambda: "does not know storage server %d" % node.id in node.log.read_text(), "the node to say so")
            cluster.wait_for(lambda: "storage server %d was refused" % node.id in self.cluster.control.log.read_text(),
                             "control to say so")
            # another's heartbeats tell that time goes on: this one has asked again meanwhile
            seen = set()
            cluster.wait_for(lambda: seen.add(self.cluster.api("GET", "/nodes")["nodes"][0]["last_seen"]) or len(seen) > 3,
                             "some seconds of heartbeats")
            self.assertEqual(node.log.read_text().count("does not know storage server"), 1)
            self.assertIn("put the right one back", node.log.read_text())
        finally:
            node.stop()


if __name__ == "__main__":
    unittest.main()
