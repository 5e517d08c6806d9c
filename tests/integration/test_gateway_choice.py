# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which gateway viewers are sent to, and what it lets them do: by load, with clocks that are wrong, with a copy of one."""

import contextlib
import http.client
import re
import shutil
import sys
import unittest
import urllib.parse

import cluster
import wrong_clocks
from test_gateway import GatewayCase, NAME


class Choice(GatewayCase):
    """Which of the gateways, all of which have shards of the medium, a viewer is sent to first."""

    nodes = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # each viewer takes 8 Mbit/s, as far as is known
        for limit in ("100M", "100M", "6M"):
            cls.cluster.add_node(wait=False, network_limit=limit)
        cls.cluster.wait_nodes()
        cls.fill()
        for number in range(8):
            cls.cluster.add("film%d" % number, b"x" * 100000)

    def test_by_load(self):
        """Many who come at once are spread over those that have room; who comes back is sent where they were."""
        *free, full = self.cluster.nodes
        # what was sent and stored to get here is over
        cluster.wait_for(lambda: all(node["rate"] < 10 ** 5 for node in self.cluster.api("GET", "/nodes")["nodes"]), "the nodes to be idle")
        urls = {"film%d" % number: self.sent_to("film%d" % number) for number in range(8)}
        first = [self.gateway_of(url).id for url in urls.values()]
        self.assertNotIn(full.id, first)
        for node in free:
            self.assertGreaterEqual(first.count(node.id), 2, first)
        for name, url in urls.items():
            self.assertEqual(self.gateway_of(self.sent_to(name)).id, self.gateway_of(url).id)
        # where no other one is there it plays all the same
        for node in free:
            node.stop()
        try:
            self.cluster.wait_nodes()
            self.assertEqual(self.gateway_of(self.sent_to("film0")).id, full.id)
        finally:
            for node in free:
                node.start()
        self.cluster.wait_nodes()


class Clocks(wrong_clocks.WithClocks, GatewayCase):
    """Control and gateways whose clocks are set."""

    LIFETIME = 2 * 3600
    control_options = dict(GatewayCase.control_options, **{"stream-lifetime": str(LIFETIME)})

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fill()

    def setUp(self):
        """Each test with a ticket of its own: where viewers were before counts for those."""
        super().setUp()
        self.login = self.cluster.login("admin", self.cluster.password)

    def sent_to(self, name=NAME):
        return super().sent_to(name, headers={"Authorization": "Bearer " + self.login})

    def assert_plays(self, url):
        """As to a player, which asks again where an answer was cut: it may have been of a session that another gateway has taken over."""
        def play():
            with contextlib.suppress(http.client.IncompleteRead):
                return self.fetch(url).body
            return None
        self.assertEqual(cluster.wait_for(play, "all bytes"), self.content)

    def states(self):
        return {node["id"]: node["state"] for node in self.cluster.api("GET", "/nodes")["nodes"]}

    def test_gateway_is_wrong(self):
        """Its viewers are sent elsewhere; who plays there plays on."""
        url = self.sent_to()
        self.assertEqual(self.fetch(url, headers={"Range": "bytes=0-9"}).body, self.content[:10])
        wrong = self.gateway_of(url)
        clock = "node%d" % self.cluster.nodes.index(wrong)
        for seconds in (120, -120):
            self.set_clock(clock, seconds)
            cluster.wait_for(lambda: self.states()[wrong.id] == "suspect", "control to notice")
            other = self.sent_to()
            self.assertNotEqual(self.gateway_of(other).id, wrong.id)
            self.assertEqual(self.fetch(other).body, self.content)
        self.set_clock(clock, 0)
        self.cluster.wait_nodes()

    def test_an_hour_wrong(self):
        """To a gateway that is an hour behind no new token is valid yet. One that is ahead lets in whoever has one. Who plays there plays on, byte by byte."""
        url = self.sent_to()
        wrong = self.gateway_of(url)
        clock = "node%d" % self.cluster.nodes.index(wrong)

        def unused():
            """A URL of the gateway that it has not seen."""
            bearer = {"Authorization": "Bearer " + self.cluster.login("admin", self.cluster.password)}
            _, headers, _ = self.cluster.request("GET", "/media/" + cluster.encode_name(NAME), headers=bearer)
            return next(u for u in [headers["Location"], *re.findall("<([^>]*)>", headers["Link"])] if self.gateway_of(u) is wrong)
        for seconds, status in ((-3600, 401), (3600, 206)):
            new = unused()
            connection, target = self.connect(url)
            with contextlib.closing(connection):
                connection.request("GET", target)
                answer = connection.getresponse()
                read = answer.read(10000)
                self.set_clock(clock, seconds)
                self.assertEqual(read + answer.read(), self.content)
            self.assertEqual(self.fetch(url, headers={"Range": "bytes=9-9"}).status, 206)
            self.assertEqual(self.fetch(new, headers={"Range": "bytes=9-9"}).status, status)
            cluster.wait_for(lambda: self.states()[wrong.id] == "suspect", "control to notice")
            self.assert_plays(self.sent_to())
            self.set_clock(clock, 0)
            self.cluster.wait_nodes()
            self.assert_plays(url)
            self.assert_plays(new)

    def test_past_its_time(self):
        """A URL whose token is over opens nothing, though its ticket goes on. Control gives a new one, for the same ticket."""
        url = self.sent_to()
        self.assertEqual(self.fetch(url, headers={"Range": "bytes=0-9"}).body, self.content[:10])
        wrong = self.gateway_of(url)
        clock = "node%d" % self.cluster.nodes.index(wrong)
        # signed for stream-lifetime
        for seconds, status in ((self.LIFETIME - 60, 206), (self.LIFETIME + 60, 401)):
            self.set_clock(clock, seconds)
            self.assertEqual(self.fetch(url, headers={"Range": "bytes=0-9"}).status, status)
        # all of them
        for name in ("control", *("node%d" % i for i in range(self.clocked))):
            self.set_clock(name, self.LIFETIME + 60)
        self.cluster.wait_nodes()
        self.assertEqual(self.fetch(url).status, 401)
        again = self.sent_to()
        self.assertEqual(self.gateway_of(again).id, wrong.id)
        self.assertEqual(self.fetch(again).body, self.content)

    def test_control_is_wrong(self):
        """By its clock no gateway can play; who plays goes on, also with a URL that was not used yet for so long."""
        url = self.sent_to()
        self.assertEqual(self.fetch(url, headers={"Range": "bytes=0-9"}).body, self.content[:10])
        for seconds in (120, -120):
            self.set_clock("control", seconds)
            cluster.wait_for(lambda: set(self.states().values()) == {"suspect"}, "control to notice")
            status, headers, _ = self.cluster.request("GET", "/media/" + cluster.encode_name(NAME))
            self.assertEqual((status, headers["Retry-After"]), (503, "1"))
            self.assertEqual(self.fetch(url).body, self.content)
        self.set_clock("control", 0)
        self.cluster.wait_nodes()
        self.assertEqual(self.fetch(self.sent_to()).body, self.content)


class Twins(GatewayCase):
    """Two gateways that claim one identity: a data folder was copied."""

    nodes = 3

    def test_copied(self):
        """Viewers are sent to the first one. The copy plays for nobody whom control did not send there, and what it gives is right."""
        url = self.sent_to()
        node = self.gateway_of(url)
        self.assertEqual(self.fetch(url).body, self.content)
        copy = cluster.Node("copy", node.program, self.cluster.folder, node.options, self.cluster.haste)
        shutil.copytree(node.data, copy.data)
        self.addCleanup(copy.kill)
        copy.start()
        cluster.wait_for(lambda: "a copy of its data folder" in copy.tail(), "the copy to be refused")
        # it has the secret and the shards, so that it may do all that the first one may; nothing that is wrong comes of that
        elsewhere = url.replace(":%d/" % node.port, ":%d/" % copy.port)
        for _ in range(3):
            answer = self.fetch(elsewhere)
            self.assertIn(answer.status, (200, 401, 403, 503))
            if answer.status == 200:
                self.assertEqual(answer.body, self.content)
            self.assertEqual(self.fetch(url).body, self.content)
            self.assertEqual(len([s for s in self.cluster.api("GET", "/sessions")["sessions"] if s["medium"] == NAME]), 1)
        # another viewer
        bearer = {"Authorization": "Bearer " + self.cluster.login("admin", self.cluster.password)}
        for name in (NAME, "empty"):
            _, headers, _ = self.cluster.request("GET", "/media/" + cluster.encode_name(name), headers=bearer)
            offered = [headers["Location"], *re.findall("<([^>]*)>", headers["Link"])]
            ports = {urllib.parse.urlsplit(u).port for u in offered}
            self.assertEqual(ports, {n.port for n in self.cluster.nodes})
        # the first one goes, and the copy is the node: with the same bytes
        node.kill()
        try:
            cluster.wait_for(lambda: urllib.parse.urlsplit(self.sent_to()).port != node.port, "viewers to be sent elsewhere")
            cluster.wait_for(lambda: self.cluster.node_at("127.0.0.1", copy.port) == node.id, "the copy to be the node")
            self.assertEqual(self.fetch(elsewhere).body, self.content)
            self.assertEqual(self.fetch(self.sent_to()).body, self.content)
        finally:
            copy.kill()
            node.start()
        # until then the dead copy counts as up
        cluster.wait_for(lambda: self.cluster.node_at("127.0.0.1", node.port) == node.id, "the first one to be the node again")
        self.cluster.wait_nodes()
        self.assertEqual(self.fetch(self.sent_to()).body, self.content)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
