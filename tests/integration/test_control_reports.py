# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-control: what storage servers and readers say of shards and nodes, true, false and hostile. The medium has no redundancy and its shards are damaged on the
disks, so that nothing can be put right meanwhile."""

import json
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

    def places(self):
        """(shard's name, extent, node) for each shard of the film; those of this session."""
        session = self.cluster.session("film")
        layout = session["layout"]
        return session["id"], [("%s-%08x.0" % (layout["version"], i), i, self.cluster.node(layout["nodes"][place[0]]["id"]))
                               for i, place in enumerate(layout["extents"])]

    def damage(self, shard, node):
        with open(node.shard_path(shard), "r+b") as file:
            file.seek(200)
            file.write(b"damage")

    def beat(self, node, bad, **more):
        secret = json.loads((node.data / "node.json").read_text())["secret"]
        body = dict({"address": node.address, "port": node.port, "tls": False, "stats": {}, "bad_shards": bad}, **more)
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
        self.assertEqual(self.beat(node, [{"shard": shard, "kind": "damaged", "rows": []}])[0], 200)
        self.assertEqual(self.bad_in_all(), before)

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
            json.dumps({"address": "127.0.0.1", "port": 1, "tls": False, "stats": {}, "bad_shards": [good]}),
            {"Authorization": "Bearer " + "A" * 43, "Content-Type": "application/json"}, token=False)
        self.assertEqual(status, 401)
        self.assertEqual(self.bad_in_all(), before)


if __name__ == "__main__":
    unittest.main()
