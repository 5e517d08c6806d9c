#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What control finds to be wrong with storage servers: by their own figures, and by what viewers say."""

import json
import os
import random
import re
import subprocess
import time
import unittest

import cluster
from authority import WithTls
from cluster import BUILD, METRICS_TOKEN, PATIENCE, Node, wait_for
from tcp_relay import Relay
from wrong_clocks import WithClocks

PASSWORD = "a password of a test"
# as long as the verdict may take after the third complaint, seconds
VERDICT = 10 * PATIENCE


class SlowRelay(Relay):
    """Answers come late through it, while `pause` is more than 0: by so many seconds for each piece."""

    pause = 0

    def back(self, server, client):
        try:
            while data := server.recv(16384):
                if self.pause:
                    time.sleep(self.pause)
                client.sendall(data)
        except OSError:
            pass
        client.close()
        server.close()


class FaultCase(cluster.TestCase):
    nodes = 0
    control_options = {"unit": "16KiB", "extent": "256KiB", "lease": "6", "metrics-token": METRICS_TOKEN}
    users = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for user in cls.users:
            cls.cluster.api("POST", "/users", {"name": user, "password": PASSWORD, "role": "viewer"}, 201)
        cls.tokens = {user: cls.cluster.login(user, PASSWORD) for user in cls.users}

    def events(self, *actions):
        """The newest ones, the latest first."""
        return [event for event in self.cluster.api("GET", "/events?limit=500")["events"] if event["action"] in actions]

    def over(self, action):
        return next((event for event in self.events(action) if event["result"] == "done"), None)

    def items(self, kind):
        return [item for item in self.cluster.api("GET", "/overview")["health"]["items"] if item["kind"] == kind]

    def warning(self, node):
        return next(entry["warning"] for entry in self.cluster.api("GET", "/nodes")["nodes"] if entry["id"] == node)

    def metric(self, name, node):
        """As /metrics has it; None: it does not."""
        _, _, text = self.cluster.request("GET", "/metrics", headers={"Authorization": "Bearer " + METRICS_TOKEN})
        found = re.search(r'^pmss_control_%s\{node="%d"\} (\S+)$' % (name, node), text.decode(), re.M)
        return float(found.group(1)) if found else None

    def complaints(self, node, number):
        wait_for(lambda: self.metric("node_viewer_complaints", node) == number, "%d complaints of node %d" % (number, node))


class ForViewers(FaultCase):
    """A server that is well in its own eyes: its answers come late to viewers."""

    users = ("anna", "berta", "carla")
    file_size = 40_000_000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for _ in range(5):
            cls.cluster.add_node(wait=False)
        cls.relay = SlowRelay(None)
        join = cls.cluster.api("POST", "/nodes/join-tokens", {}, 201)["join_token"]
        slow = Node("slow", BUILD / "server" / "pmss-storage", cls.cluster.folder,
                    dict(cls.cluster.storage_options, control=cls.cluster.url, advertise="127.0.0.1:%d" % cls.relay.port),
                    environment=cls.cluster.haste)
        cls.cluster.nodes.append(slow)
        slow.port = cluster.choose_port()
        cls.relay.target = ("127.0.0.1", slow.port)
        slow.start(**{"join-token": join})
        slow.id = wait_for(lambda: cls.cluster.node_at("127.0.0.1", cls.relay.port), "the slow node to join")
        cls.slow = slow
        cls.cluster.wait_nodes()

    @classmethod
    def tearDownClass(cls):
        cls.relay.close()
        super().tearDownClass()

    def watch(self, user, path):
        environment = dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.tokens[user])
        process = subprocess.Popen(
            [BUILD / "tests" / "integration" / "reader-tool", "--rate", "6000000", "--read-ahead", "1048576", "--cache-size", "2097152",
             "film", path], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def most(self, series):
        """Of the last ten minutes of the slow one."""
        line, = self.cluster.api("GET", "/history?series=%s&nodes=%d&span=live&points=600" % (series, self.slow.id))["series"]
        return max(value for value in line["mean"] if value is not None)

    def test_slow(self):
        path = self.cluster.folder / "film"
        path.write_bytes(random.Random(1).randbytes(self.file_size))
        with open(path, "rb") as content:
            self.cluster.add("film", content, redundancy="4+2")
        readers = [self.watch(user, path) for user in self.users]
        wait_for(lambda: self.metric("node_viewers", self.slow.id) == len(self.users), "the viewers to be counted")
        wait_for(lambda: self.metric("node_viewer_bits_per_second", self.slow.id) > 0, "what they got")
        self.assertEqual(self.events("node slow"), [])
        self.relay.pause = 0.25
        # readers renew each 2 s here
        event = wait_for(lambda: self.events("node slow"), "the verdict", 4 * PATIENCE + VERDICT)[0]
        self.assertEqual((event["object"], event["topic"], event["result"]), (str(self.slow.id), "health", "failed"))
        self.assertIn("slow for viewers: 3 of 3", event["detail"])
        item, = wait_for(lambda: self.items("node-slow"), "the item")
        self.assertEqual((item["subject"], item["count"]), (str(self.slow.id), 3))
        self.assertIn("slow for viewers", wait_for(lambda: self.warning(self.slow.id), "the warning"))
        # and the series have it
        self.assertAlmostEqual(self.most("viewers"), 3, delta=0.01)
        wait_for(lambda: self.most("viewer_late") + self.most("viewer_rebuilt") > 0, "units that came late, in the series")
        # in its own eyes it is well, and nothing is taken from it
        self.assertEqual({node["state"] for node in self.cluster.api("GET", "/nodes")["nodes"]}, {"up"})
        self.assertEqual(len(self.events("node slow")), 1, "others are not named")
        # they go on playing
        self.relay.pause = 0
        self.assertEqual([reader.poll() for reader in readers], [None] * len(readers))


class Liars(FaultCase):
    """Renewals that were made up."""

    users = ("anna", "berta", "carla", "mallory")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for _ in range(6):
            cls.cluster.add_node(wait=False)
        cls.cluster.wait_nodes()
        cls.cluster.add("film", b"f" * 500_000, redundancy="4+2")
        cls.cluster.add("short", b"s" * 1000, redundancy="1+1")

    def as_user(self, user, method, path, body=None, status=200):
        own, self.cluster.token = self.cluster.token, self.tokens[user]
        try:
            return self.cluster.api(method, path, body, status)
        finally:
            self.cluster.token = own

    def open(self, user, medium="film"):
        return self.as_user(user, "POST", "/sessions", {"medium": medium}, 201)

    def tell(self, user, session, *nodes):
        self.as_user(user, "PUT", "/sessions/" + session["id"], {"position": 1, "buffer_bytes": 1, "idle": False, "nodes": list(nodes)})

    def ids(self, session):
        return [node["id"] for node in session["layout"]["nodes"]]

    def complain(self, user, session, node, **more):
        self.tell(user, session, *({"id": id, "bytes": 1_000_000, "units": 60, "rtt_ns": 5_000_000, "late": 30 if id == node else 0,
                                    **(more if id == node else {})} for id in self.ids(session)))

    def test_one_cannot_convict(self):
        sessions = [self.open("mallory") for _ in range(5)]
        node = self.ids(sessions[0])[0]
        absurd = 2 ** 63 - 1
        for _ in range(20):
            for session in sessions:
                self.complain("mallory", session, node, late=absurd, rebuilt=absurd, bytes=absurd, rtt_ns=absurd)
        self.complaints(node, 1)
        # another one is not enough either
        self.complain("anna", self.open("anna"), node)
        self.complaints(node, 2)
        self.assertEqual(self.events("node slow"), [])
        self.assertIsNone(self.warning(node))
        self.assertLess(self.metric("node_viewer_bits_per_second", node), 2e10)
        # the third user is, unless most have nothing to say
        self.complain("berta", self.open("berta"), node)
        event, = wait_for(lambda: self.events("node slow"), "the verdict", VERDICT)
        self.assertEqual(event["object"], str(node))

    def test_nodes_of_others(self):
        """Nodes that are not in one's layout, or that there are not."""
        session = self.open("anna", "short")
        foreign = next(node.id for node in self.cluster.nodes if node.id not in self.ids(session))
        for user in ("anna", "berta", "carla"):
            session = self.open(user, "short")
            self.tell(user, session, *({"id": id, "units": 100} for id in self.ids(session)),
                      {"id": foreign, "late": 1000, "units": 1000}, {"id": 4711, "late": 1000, "units": 1000})
        own = self.ids(session)[0]
        wait_for(lambda: (self.metric("node_viewers", own) or 0) >= 3, "what they told of their own")
        self.assertEqual(self.metric("node_viewer_complaints", foreign) or 0, 0)
        self.assertEqual([event for event in self.events("node slow") if event["object"] == str(foreign)], [])
        self.assertIsNone(self.metric("node_viewers", 4711))


class Certificate(WithTls, FaultCase):
    """Control's own."""

    certificate_arguments = ("-days", "5")

    def test_ends(self):
        item, = wait_for(lambda: self.items("certificate"), "the item")
        self.assertRegex(item["text"], r"^The control server's certificate ends in 5 days: ")
        self.assertEqual(item["subject"], "")
        event, = wait_for(lambda: self.events("certificate ends"), "the event")
        self.assertIsNone(event["object"])


class OwnWords(FaultCase):
    """By what a server says of itself."""

    def beat(self, node, used, free):
        stats = {"used": used, "free": free, "certificate": int(time.time()) + 5 * 24 * 3600}
        status, _, answer = self.cluster.request(
            "POST", "/api/v1/nodes/%d/heartbeat" % node["id"],
            json.dumps({"address": "127.0.0.1", "port": 2, "tls": False, "token_formats": [1, 2, 3], "stats": stats}),
            {"Content-Type": "application/json", "Authorization": "Bearer " + node["secret"]})
        self.assertEqual(status, 200, answer)

    def test_room_and_certificate(self):
        """They are short; then there is room again."""
        join = self.cluster.api("POST", "/nodes/join-tokens", {}, 201)["join_token"]
        node = self.cluster.api("POST", "/nodes/join", {"join_token": join, "address": "127.0.0.1", "port": 2, "tls": False, "zone": "",
                                                        "capacity": 10 ** 9}, 201)
        room = [930_000_000, 70_000_000]

        def saying(look):
            def beat_and_look():
                self.beat(node, *room)
                return look()
            return beat_and_look
        item, = wait_for(saying(lambda: self.items("node-disk-low")), "the item")
        self.assertEqual((item["subject"], item["bytes"]), (str(node["id"]), room[1]))
        event, = wait_for(lambda: self.events("disk low"), "the event")
        self.assertEqual((event["topic"], event["result"], event["object"]), ("health", "failed", item["subject"]))
        self.assertIn("free for shards, less than 10 %", event["detail"])
        self.assertIn("free for shards", self.warning(node["id"]))
        item, = self.items("node-certificate")
        self.assertIn("its certificate ends in 5 days", item["text"])
        room = [500_000_000, 500_000_000]
        self.assertTrue(wait_for(saying(lambda: self.over("disk low")), "the end")["detail"].startswith("over after "))
        self.assertEqual(self.items("node-disk-low"), [])
        self.assertEqual(len(self.events("certificate ends")), 1)
        self.cluster.api("DELETE", "/nodes/%d" % node["id"], status=204)
        wait_for(lambda: not self.items("node-certificate"), "the items of a node that was removed to go")


class Clock(WithClocks, FaultCase):
    """By a clock that is wrong."""

    def test_clock(self):
        """Less than readers and control notice is a fault already; no other server is named."""
        node = self.cluster.nodes[1].id
        self.set_clock("node1", 5)
        event = wait_for(lambda: self.events("clock skew"), "the fault", 30 * PATIENCE)[0]
        self.assertEqual((event["object"], event["result"]), (str(node), "failed"))
        self.assertRegex(event["detail"], "its clock is [456] s ahead of that of control, more than 2 s")
        self.assertEqual([item["subject"] for item in self.items("node-clock")], [str(node)])
        self.assertIn("ahead of", self.warning(node))
        self.set_clock("node1", 0)
        wait_for(lambda: self.over("clock skew"), "the end")
        wait_for(lambda: self.warning(node) is None, "the warning to go")
        self.assertEqual({event["object"] for event in self.events("clock skew")}, {str(node)})


if __name__ == "__main__":
    unittest.main()
