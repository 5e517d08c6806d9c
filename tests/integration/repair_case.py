# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of repair share: media on real servers, what control knows of them, what it does about it."""

import json
import os
import random
import re
import subprocess

import cluster
from cluster import BUILD, wait_for

KIB = 1024
EXTENT = 64 * KIB
SMALL = {"repair": "on", "unit": "4KiB", "extent": "64KiB", "repair-delay": "1", "repair-limit": "0"}


class RepairCase(cluster.TestCase):
    nodes = 8
    control_options = SMALL
    storage_options = {"scrub-period": "0"}
    timeout = 400

    def tearDown(self):
        for node in self.cluster.nodes:
            if not node.running():
                node.start()
        self.cluster.wait_nodes()
        self.wait_repaired()

    # media

    def make(self, name, extents=6, redundancy="4+2", **query):
        """A medium; returns the file that it was made from."""
        path = self.cluster.folder / name
        path.write_bytes(random.Random(name).randbytes(extents * EXTENT - 999))
        with open(path, "rb") as content:
            self.cluster.add(name, content, redundancy=redundancy, **query)
        return path

    def places(self, name):
        """{(extent, index): node id}; 0: lost"""
        layout = self.cluster.session(name)["layout"]
        ids = [node["id"] for node in layout["nodes"]]
        return {(extent, index): ids[place] if place is not None and place >= 0 else 0
                for extent, row in enumerate(layout["extents"]) for index, place in enumerate(row)}

    def busiest(self, name):
        ids = list(self.places(name).values())
        return self.cluster.node(max(set(ids), key=ids.count))

    def try_read(self, name, path, timeout=5):
        environment = dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token)
        done = subprocess.run([BUILD / "tests" / "integration" / "reader-tool", "--timeout", str(timeout), name, path],
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout)["ok"]

    def check_read(self, name, path, without=()):
        """Byte for byte, with these nodes dead."""
        for node in without:
            node.kill()
        self.assertTrue(self.try_read(name, path))
        for node in without:
            node.start()
        self.cluster.wait_nodes()

    # repair

    def job(self):
        """The newest job of repair."""
        return next((job for job in self.cluster.api("GET", "/jobs")["jobs"] if job["type"] == "repair"), None)

    def tell(self, node, shard, kind="damaged", rows=None):
        """Control hears of it as from the node itself."""
        identity = json.loads((node.data / "node.json").read_text())
        body = {"address": node.address, "port": node.port, "tls": False, "token_formats": [2], "stats": {},
                "bad_shards": [{"shard": shard, "kind": kind, "rows": rows}]}
        status, _, answer = self.cluster.request(
            "POST", "/api/v1/nodes/%d/heartbeat" % node.id, json.dumps(body),
            {"Authorization": "Bearer " + identity["secret"], "Content-Type": "application/json"})
        self.assertEqual(status, 200, answer)

    def count_bad(self):
        return sum(node["bad_shards"] for node in self.cluster.api("GET", "/nodes")["nodes"])

    def wait_moved(self, name, node):
        """Until the layout names @node nowhere."""
        wait_for(lambda: node.id not in self.places(name).values(), "the shards of node %d to be elsewhere" % node.id)

    def wait_repaired(self):
        """Until nothing bad is known and no repair goes on."""
        def look():
            job = self.job()
            return self.count_bad() == 0 and (job is None or job["state"] in ("done", "failed"))
        wait_for(look, "the repair")

    def wait_part(self, least=1, state="running"):
        """Until some of it is done."""
        def look():
            job = self.job()
            return job and job["state"] == state and job["done"] >= least and job
        return wait_for(look, "a part of the repair")

    def metric(self, name):
        text = self.cluster.request("GET", "/metrics", token=False)[2].decode()
        return int(re.search("^pmss_control_%s (\\d+)$" % name, text, re.M).group(1))

    def assert_clean(self):
        self.wait_repaired()
        self.cluster.wait_for_nodes_clean()
        self.assert_disks_clean()
        self.cluster.wait_nodes()
