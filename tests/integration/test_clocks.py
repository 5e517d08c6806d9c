#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clocks that are set, or wrong: running streams go on, and who looks is told which clock it is."""

import base64
import datetime
import itertools
import json
import pathlib
import random
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import cluster
from cluster import wait_for
from gst_cluster import EXERCISE, GstCase
from test_tls import Authority
from wrong_clocks import WithClocks

PMSS = cluster.BUILD / "tools" / "pmss"
SIZE = 6000000
MINUTES = 120


def expiry(token):
    """When it expires, in seconds since 1970."""
    body = token.split(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))[:-64])
    return datetime.datetime.fromisoformat(claims["exp"].replace("Z", "+00:00")).timestamp()


def end_of(revoked, session):
    """Until when its revocation is kept; None: it is not there by itself."""
    return next((item["until"] for item in revoked if item.get("session") == session["id"]), None)


class Clocks(WithClocks, GstCase):
    control_options = {"unit": "16KiB", "extent": "256KiB", "lease": "3"}
    plugins = ("coreelements", "app")
    trust = {}
    pmss_options = ()

    def tearDown(self):
        super().tearDown()
        self.cluster.wait_nodes()

    def reasons(self):
        return [node["reason"] or "" for node in self.cluster.api("GET", "/nodes")["nodes"]]

    def renewed(self, times):
        """Waits until the one session was renewed so often."""
        seen = set()

        def look():
            seen.update(session["expires"] for session in self.cluster.api("GET", "/sessions")["sessions"])
            return len(seen) > times
        wait_for(look, "renewals of the session")

    def play(self, wrong, seconds, named):
        """A stream that goes on while clocks are set, and is read to its end."""
        path = self.cluster.folder / "content"
        path.write_bytes(random.Random(1).randbytes(SIZE))
        uri = self.add_file("content", path, redundancy="2+1")
        wait_for(lambda: not self.cluster.api("GET", "/sessions")["sessions"], "the sessions before to end")
        process = subprocess.Popen([str(EXERCISE), "watch", uri, "read-ahead=262144", "cache-size=524288"],
                                   env=self.variables(**self.trust), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "first buffer\n")
        for name in wrong:
            self.set_clock(name, seconds)
        # whose clock it is does not show in who is told: two are compared
        wait_for(lambda: sum(named in reason for reason in self.reasons()) == (3 if "control" in wrong else len(wrong)),
                 "control to name the clocks")
        self.renewed(3)
        out, _ = process.communicate("\n", timeout=60)
        self.assertIn("bytes %d\n" % SIZE, out)
        self.assertNotRegex(out, r"(?m)^error ")

    def test_control_ahead(self):
        self.play(["control"], MINUTES, "behind that of control")
        out = subprocess.run([str(PMSS), "node", "ls", *self.pmss_options], text=True, stdout=subprocess.PIPE, check=True,
                             env=self.variables(PMSS_URL=self.cluster.url)).stdout
        self.assertRegex(out, r"(?s)suspect.*clock is \d+ s behind that of control")
        for node in self.cluster.nodes:
            self.assertRegex(node.log.read_text(), r"clock is \d+ s behind that of control")
        self.assertIn("The clock was set by", self.cluster.control.log.read_text())

    def test_control_behind(self):
        self.play(["control"], -MINUTES, "ahead of that of control")

    def test_one_node_behind(self):
        self.play(["node1"], -MINUTES, "behind that of control")
        self.assertIn("behind that of control", self.cluster.control.log.read_text())

    def read_shard(self, session):
        """The status of a read of a shard at its node."""
        layout = session["layout"]
        node = self.cluster.node(layout["nodes"][layout["extents"][0][0]]["id"])
        request = urllib.request.Request("http%s://127.0.0.1:%d/v1/shards/%s-00000000.0" % (
            "s" if self.ca else "", node.port, layout["version"]), headers={"Authorization": "Bearer " + session["token"]})
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.cluster.tls) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def end(self, session):
        # on a slow machine its lease may have run out, which ends it, too
        self.assertIn(self.cluster.request("DELETE", "/api/v1/sessions/" + session["id"])[0], (204, 404))

    def revoked(self, node):
        return json.loads((node.data / "revocations.json").read_text())["revoked"]

    def wait_told(self, condition):
        """Until it holds for all that each node knows of what is revoked."""
        wait_for(lambda: all(condition(self.revoked(node)) for node in self.cluster.nodes), "the nodes to be told")

    def test_many_ended_ahead(self):
        """What a clock that was ahead has revoked does not shut the user out when it is right again."""
        if "ended" not in self.shelf:
            self.cluster.add("ended", bytes(50000), redundancy="2+1")
            self.shelf["ended"] = None
        before = self.cluster.session("ended")
        self.assertEqual(self.read_shard(before), 200)
        self.set_clock("control", MINUTES)
        for session in itertools.chain((before,), (self.cluster.session("ended") for _ in range(70))):
            self.end(session)
        self.wait_told(lambda revoked: any(item.get("signed_until", 0) > time.time() + MINUTES / 2 for item in revoked))
        self.set_clock("control", 0)
        session = self.cluster.session("ended")
        # in the second of the cut it may still be one that the cut is of
        wait_for(lambda: self.read_shard(self.cluster.api("PUT", "/sessions/" + session["id"]) | {"layout": session["layout"]}) == 200,
                 "a new token to be good", 20)
        self.assertEqual(self.read_shard(before), 401)

    def become(self, name):
        """Another administrator, until the end of the test."""
        self.cluster.api("POST", "/users", {"name": name, "password": "a long password", "role": "admin"}, 201)
        self.addCleanup(setattr, self.cluster, "token", self.cluster.token)
        self.cluster.token = self.cluster.login(name, "a long password")

    def test_ended_then_set_back(self):
        """A token that a clock signed which was ahead stays refused when it is right again, though a cut takes its revocation's place; and
        its end is not forgotten for the renewal that the right clock signs."""
        if "back" not in self.shelf:
            self.cluster.add("back", bytes(50000), redundancy="2+1")
            self.shelf["back"] = None
        # of whom no other test has a cut
        self.become("anna")
        self.set_clock("control", 20)
        ended, renewed = self.cluster.session("back"), self.cluster.session("back")
        self.assertEqual(self.read_shard(ended), 200)
        self.end(ended)
        self.wait_told(lambda revoked: end_of(revoked, ended) is not None)
        self.set_clock("control", 0)
        self.cluster.api("PUT", "/sessions/" + renewed["id"])
        self.end(renewed)
        self.wait_told(lambda revoked: end_of(revoked, renewed) is not None)
        self.assertGreaterEqual(end_of(self.revoked(self.cluster.nodes[0]), renewed), expiry(renewed["token"]))
        for _ in range(70):
            self.end(self.cluster.session("back"))
        self.wait_told(lambda revoked: end_of(revoked, ended) is None)
        self.assertEqual([self.read_shard(session) for session in (ended, renewed)], [401, 401])

    def test_all_nodes_ahead(self):
        self.play(["node0", "node1", "node2"], MINUTES, "ahead of that of control")


class Tls(Clocks):
    """The same behind TLS; certificates last longer than clocks are wrong."""

    @classmethod
    def setUpClass(cls):
        if not shutil.which("openssl"):
            raise unittest.SkipTest("openssl is not installed")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="pmss-clocks-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        ours = Authority(cls.folder, "ours")
        cls.ca = ours.certificate
        good = ours.issue("good", "IP:127.0.0.1")
        cls.control_options = dict(Clocks.control_options, **good, **{"node-ca": str(cls.ca)})
        cls.storage_options = dict(good, **{"control-ca": str(cls.ca)})
        cls.trust = {"PMSS_TEST_CA": str(cls.ca)}
        cls.pmss_options = ("--ca-file=%s" % cls.ca,)
        super().setUpClass()

    def uri(self, name, user=""):
        return super().uri(name, user).replace("pmss://", "pmsss://")

    # a certificate that was made a moment ago is not valid yet by a clock that is behind
    test_control_behind = None
    test_one_node_behind = None


if __name__ == "__main__":
    unittest.main()
