#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The job that verifies a medium: every shard is read from its real node."""

import os
import struct
import unittest

import cluster
from cluster import wait_for

K, M, UNIT, EXTENT = 2, 1, 4096, 32768
RECORD = 128 + UNIT
CONTENT = bytes(i * 31 % 251 for i in range(5 * EXTENT + 5000))    # the last extent has one whole unit, and a short one
EXTENTS = 6


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


class VerifyCase(cluster.TestCase):
    nodes = 4
    # what the scrub and the comparison of lists find, and who mends it, is not what is tested here
    storage_options = {"scrub-period": "0"}
    control_options = {"default-redundancy": "%d+%d" % (K, M), "unit": "4KiB", "extent": "32KiB"}

    def setUp(self):
        self.name = "m-" + self.id().rsplit(".", 1)[1]
        self.medium = self.cluster.add(self.name, CONTENT)
        self.places = self.layout()

    def layout(self):
        """By extent and shard: the node."""
        session = self.cluster.session(self.name)
        layout = session["layout"]
        self.cluster.api("DELETE", "/sessions/" + session["id"], status=204)
        return [[self.cluster.node(layout["nodes"][i]["id"]) for i in extent] for extent in layout["extents"]]

    def path(self, extent, shard):
        name = "%s-%08x.%d" % (self.medium["version"], extent, shard)
        return self.places[extent][shard].shard_path(name)

    def start(self, query=""):
        return self.cluster.api("POST", "/media/%s/verify%s" % (self.name, query), status=202)["job"]

    def verify(self):
        return self.cluster.wait_job(self.start())

    def bad(self):
        return self.cluster.api("GET", "/bad-shards?medium=" + self.name)["bad_shards"]

    def found(self):
        """(extent, shard): (kind, rows), all by this job, on their nodes."""
        for bad in self.bad():
            # what is missing may be noted by the comparison of lists, too
            self.assertEqual(bad["state"], "bad")
            self.assertIn(bad["source"], ("verify", "list") if bad["kind"] == "missing" else ("verify",))
            self.assertEqual(bad["node"], self.places[bad["extent"]][bad["shard"]].id)
        return {(bad["extent"], bad["shard"]): (bad["kind"], bad["rows"]) for bad in self.bad()}

    def alter(self, extent, shard, at, change=lambda old: bytes([old[0] ^ 0x20]), length=1):
        with open(self.path(extent, shard), "r+b") as file:
            file.seek(at)
            old = file.read(length)
            file.seek(at)
            file.write(change(old))

    def forge(self, extent, shard, row):
        """Other bytes, and a record whose checksums fit to them."""
        def change(old):
            unit = bytearray(old[128:])
            unit[0] ^= 1
            head = bytearray(old[:128])
            head[16 + 4 * shard:20 + 4 * shard] = struct.pack("<I", crc32c(unit))
            head[124:] = struct.pack("<I", crc32c(head[:124]))
            return bytes(head + unit)
        self.alter(extent, shard, 128 + row * RECORD, change, RECORD)


class Verify(VerifyCase):
    def test_whole(self):
        job = self.verify()
        self.assertEqual((job["type"], job["medium"], job["warning"]), ("verify", self.name, None))
        self.assertEqual((job["done"], job["total"]), (len(CONTENT), len(CONTENT)))
        self.assertEqual(self.bad(), [])
        # an ordinary job in all: it is known, and a second one is another
        self.assertNotEqual(self.verify()["id"], job["id"])

    def test_damaged(self):
        self.alter(0, 0, 128 + 1 * RECORD + 128 + 5)        # data
        self.alter(1, 2, 128 + 3 * RECORD + 128 + 5)        # parity
        self.alter(1, 1, 128 + 0 * RECORD + 20)             # the head of a record
        self.alter(2, 1, 17)                                # the header alone
        self.path(3, 0).unlink()
        os.truncate(self.path(4, 1), 128 + 2 * RECORD)
        with open(self.path(5, 0), "ab") as file:
            file.write(b"x")
        job = self.verify()
        found = self.found()
        self.assertEqual(found, {
            (3, 0): ("missing", None), (0, 0): ("damaged", [1]), (1, 2): ("damaged", [3]), (1, 1): ("damaged", [0]), (2, 1): ("damaged", []),
            (4, 1): ("damaged", [2, 3]), (5, 0): ("damaged", [])})
        self.assertEqual(job["warning"], "7 shards are bad")
        log = self.cluster.control.log.read_text()
        self.assertIn("%s was verified: 7 shards are bad" % self.name, log)
        # pages
        seen, after = [], ""
        while after is not None:
            page = self.cluster.api("GET", "/bad-shards?medium=%s&limit=3%s" % (self.name, after and "&after=" + after))
            self.assertLessEqual(len(page["bad_shards"]), 3)
            seen += page["bad_shards"]
            after = page["next"]
        self.assertEqual(seen, self.bad())

    def test_mended(self):
        """What was bad and is not any more is forgotten, and what was less than known is known."""
        good = self.path(0, 1).read_bytes()
        os.truncate(self.path(0, 1), 0)
        self.alter(1, 0, 128 + 128)
        self.verify()
        self.assertEqual(self.found(), {(0, 1): ("damaged", [0, 1, 2, 3]), (1, 0): ("damaged", [0])})
        self.path(0, 1).write_bytes(good)
        self.alter(1, 0, 128 + 128)
        self.alter(1, 0, 128 + RECORD + 128)
        self.verify()
        self.assertEqual(self.found(), {(1, 0): ("damaged", [1])})

    def test_forged(self):
        self.forge(2, 1, 2)
        self.forge(3, 2, 0)
        self.verify()
        self.assertEqual(self.found(), {(2, 1): ("damaged", [2]), (3, 2): ("damaged", [0])})

    def test_forged_everywhere(self):
        """All shards agree on other bytes than those that came in."""
        self.medium = self.cluster.add(self.name + "-1", CONTENT, redundancy="1+0")
        self.name += "-1"
        self.places = self.layout()
        self.forge(1, 0, 3)
        job = self.verify()
        self.assertEqual(self.bad(), [])
        self.assertIn("SHA-256", job["warning"])

    def test_more_than_parity(self):
        """Each row by itself: what is lost in another row does not matter."""
        self.alter(0, 0, 128 + 0 * RECORD + 128)
        self.alter(0, 1, 128 + 1 * RECORD + 128)
        self.alter(4, 0, 128 + 2 * RECORD + 128)
        self.alter(4, 2, 128 + 2 * RECORD + 128)
        job = self.verify()
        self.assertEqual(self.found(), {(0, 0): ("damaged", [0]), (0, 1): ("damaged", [1]),
                                        (4, 0): ("damaged", [2]), (4, 2): ("damaged", [2])})
        self.assertEqual(job["warning"], "4 shards are bad")

    def test_once_at_a_time(self):
        job = self.start("?rate_limit=400000")
        self.assertEqual(self.start(), job)
        self.cluster.wait_job(job, ("running",))
        self.assertEqual(self.cluster.job(job)["rate_limit"], 400000)
        self.assertEqual(self.cluster.api("POST", "/jobs/%d/pause" % job)["state"], "paused")
        self.assertEqual(self.start(), job)
        self.assertEqual(self.cluster.api("POST", "/jobs/%d/resume" % job)["state"], "queued")
        wait_for(lambda: self.cluster.job(job)["done"] > EXTENT, "progress")
        self.assertEqual(self.cluster.api("POST", "/jobs/%d/cancel" % job)["state"], "cancelled")
        self.assertNotEqual(self.start(), job)
        self.cluster.delete(self.name)
        self.cluster.wait_jobs()

    def test_refused(self):
        self.assert_status(404, self.cluster.api, "POST", "/media/none/verify", None, 202)
        self.assert_status(400, self.cluster.api, "POST", "/media/%s/verify?rate_limit=x" % self.name, None, 202)
        self.cluster.api("POST", "/users", {"name": "viewer", "password": "correct horse", "role": "viewer"}, 201)
        token = self.cluster.login("viewer", "correct horse")
        for method, path in (("POST", "/media/%s/verify" % self.name), ("GET", "/bad-shards?medium=" + self.name)):
            status, _, _ = self.cluster.request(method, "/api/v1" + path, headers={"Authorization": "Bearer " + token})
            self.assertEqual(status, 403)


class Away(VerifyCase):
    # so slow that there is time to do something to a job in the middle of it
    SLOWLY = "?rate_limit=500000"

    def put_back(self, node):
        if not node.running():
            node.start()
        self.cluster.wait_nodes()

    def test_node_down(self):
        """A node that is away is no damage; what it has is not known."""
        node = self.places[0][0]
        self.alter(0, 1, 128 + 128)
        self.addCleanup(self.put_back, node)
        node.kill()
        self.cluster.wait_nodes()
        job = self.verify()
        mine = sum(node in places for places in self.places)
        self.assertIn("1 shard is bad; %d shard%s could not be looked at, on node %d: " % (mine, "s" if mine > 1 else "", node.id), job["warning"])
        self.assertEqual(self.found(), {(0, 1): ("damaged", [0])})
        self.put_back(node)
        self.assertEqual(self.verify()["warning"], "1 shard is bad")

    def test_node_dies_meanwhile(self):
        job = self.start(self.SLOWLY)
        wait_for(lambda: self.cluster.job(job)["done"] > 0, "the first extent")
        node = self.places[-1][0]
        self.addCleanup(self.put_back, node)
        node.kill()
        job = self.cluster.wait_job(job)
        self.assertIn("could not be looked at", job["warning"])
        self.assertEqual(self.bad(), [])

    def test_control_restarts(self):
        """It begins anew, and ends as if nothing had been."""
        self.alter(0, 0, 128 + 128)
        job = self.start(self.SLOWLY)
        wait_for(lambda: self.cluster.job(job)["done"] > EXTENT, "some extents")
        self.cluster.restart_control()
        self.cluster.wait_nodes()
        self.cluster.wait_job(job)
        self.assertEqual(self.found(), {(0, 0): ("damaged", [0])})


class Unreadable(VerifyCase):
    def setUp(self):
        super().setUp()
        self.node = self.places[0][0]
        self.trigger = self.cluster.folder / ("fail-%d" % self.node.id)
        self.node.stop()
        shim = " ".join([os.environ["PMSS_BAD_DISK"], *os.environ.get("LD_PRELOAD", "").split()])
        self.node.prefix = ["env", "LD_PRELOAD=" + shim, "FAIL_PREAD_WHILE=%s" % self.trigger, "COLD_WHILE=%s" % self.trigger,
                            "ASAN_OPTIONS=verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")]
        self.node.start()
        self.cluster.wait_nodes()

    def tearDown(self):
        self.trigger.unlink(missing_ok=True)

    def mine(self):
        return {(extent, places.index(self.node)) for extent, places in enumerate(self.places) if self.node in places}

    def test_unreadable_byte(self):
        """What is behind the bytes that a disk does not give is read all the same."""
        at = 128 + 2 * RECORD + 1000
        self.trigger.write_text("%d %d" % (at, at + 9))
        self.assertIn("are bad", self.verify()["warning"])
        self.assertEqual(self.found(), {place: ("unreadable", [2]) for place in self.mine() if place[0] < EXTENTS - 1})

    def test_unreadable(self):
        self.trigger.touch()
        self.verify()
        self.assertEqual({key: kind for key, (kind, _) in self.found().items()}, dict.fromkeys(self.mine(), "unreadable"))
        for (extent, shard), (_, rows) in self.found().items():
            self.assertEqual(rows, list(range(4 if extent < EXTENTS - 1 else 1)))


if __name__ == "__main__":
    unittest.main()
