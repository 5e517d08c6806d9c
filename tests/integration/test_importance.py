# SPDX-License-Identifier: LGPL-2.1-or-later
"""A medium's layout as operators see it, its title, and its original, kept or dropped afterwards."""

import hashlib
import json
import os
import random
import struct
import unittest

import cluster

CONTENT = random.Random(12).randbytes(1 << 20)


def sum_of(content):
    return hashlib.sha256(content).hexdigest()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


class Importance(cluster.TestCase):
    nodes = 5
    control_options = {"default-redundancy": "2+1", "unit": "4KiB", "extent": "16KiB"}

    def patch(self, medium, status=200, /, **change):
        return self.cluster.api("PATCH", "/media/" + medium, change, status)

    def originals(self):
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in (self.cluster.control.data / "originals").iterdir() if path.is_file()}

    def unfinished(self):
        folder = self.cluster.control.data / "rebuilt"
        return os.listdir(folder) if folder.exists() else []

    def slow_job(self, name):
        """A job that is making the original of @name, and takes long."""
        job = self.patch(name, 202, keep_original=True)["job"]
        self.cluster.api("POST", "/jobs/%d/limit" % job, {"rate_limit": 800000})
        cluster.wait_for(lambda: self.cluster.job(job)["done"] > 0, "a first extent")
        seen = self.cluster.job(job)
        self.assertEqual((seen["type"], seen["total"]), ("original", len(CONTENT)))
        return job

    def check_kept(self, name, content=CONTENT):
        self.assertTrue(self.cluster.medium(name)["keep_original"])
        self.assertIn(sum_of(content), self.originals())
        self.assertEqual(self.unfinished(), [])

    def test_layout(self):
        self.cluster.add("map", CONTENT[:200000])
        page = self.cluster.api("GET", "/layouts/map?count=5")
        self.assertEqual((page["k"], page["m"], page["unit"], page["extent_size"], page["extents"], page["next"]),
                         (2, 1, 4096, 16384, 13, 5))
        self.assertEqual({s["state"] for row in page["rows"] for s in row["shards"]}, {"ok"})
        self.assertEqual([row["index"] for row in self.cluster.api("GET", "/layouts/map?first=5")["rows"]], list(range(5, 13)))
        self.cluster.shard_path("map", 3, 1).unlink()
        path = self.cluster.shard_path("map", 6, 0)
        path.write_bytes(path.read_bytes()[:300] + b"?" + path.read_bytes()[301:])
        self.cluster.wait_job(self.cluster.api("POST", "/media/map/verify", None, 202)["job"])
        rows = self.cluster.api("GET", "/layouts/map?first=2")["rows"]
        self.assertEqual([s["state"] for s in rows[1]["shards"]], ["ok", "missing", "ok"])
        self.assertEqual([s["state"] for s in rows[4]["shards"]], ["bad", "ok", "ok"])
        node = self.cluster.nodes[0]
        node.kill()
        self.cluster.wait_nodes()
        cluster.wait_for(lambda: self.cluster.api("GET", "/nodes")["nodes"][0]["state"] == "down", "a node to be down")
        rows = self.cluster.api("GET", "/layouts/map")["rows"]
        for row in rows:
            for shard in row["shards"]:
                self.assertEqual(shard["state"] == "away", shard["node"] == node.id and shard["state"] not in ("bad", "missing"))
        node.start()
        self.cluster.wait_nodes()
        self.assert_status(404, self.cluster.api, "GET", "/layouts/none")
        self.assert_status(400, self.cluster.api, "GET", "/layouts/map?count=0")

    def test_title(self):
        self.cluster.add("titled", b"x")
        self.assertEqual(self.patch("titled", title="Ein Film")["title"], "Ein Film")
        self.assertIsNone(self.patch("titled", title="")["title"])
        self.assertEqual(self.patch("titled", title="영화 이름")["title"], "영화 이름")
        # and is found by it
        self.assertEqual([m["name"] for m in self.cluster.api("GET", "/media?q=%EC%98%81%ED%99%94")["media"]], ["titled"])
        self.assertIsNone(self.patch("titled", title=None)["title"])
        for bad in ({}, {"title": 1}, {"title": "a\nb"}, {"title": "x" * 1025}, {"keep_original": 1}, {"name": "y"}):
            self.assert_status(400, self.patch, "titled", **bad)
        self.assert_status(404, self.patch, "none", title="x")

    def test_keep_and_drop(self):
        content = b"kept" + CONTENT
        self.cluster.add("kept", content)
        self.assertFalse(self.cluster.medium("kept")["keep_original"])
        # one shard of each extent may be wrong or gone
        self.cluster.shard_path("kept", 0, 0).unlink()
        path = self.cluster.shard_path("kept", 1, 1)
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        job = self.patch("kept", 202, keep_original=True, title="K")["job"]
        self.cluster.wait_job(job)
        self.check_kept("kept", content)
        self.assertEqual(self.cluster.medium("kept")["title"], "K")
        self.assertTrue(self.patch("kept", keep_original=True)["keep_original"])
        # its shards may have to be made from it
        self.cluster.wait_job(self.cluster.api("POST", "/media/kept/verify", None, 202)["job"])
        self.assertIn("degraded", json.loads(self.assert_status(409, self.patch, "kept", keep_original=False))["detail"])
        self.check_kept("kept", content)
        self.cluster.add("dropped", CONTENT[:99999], keep_original="true")
        self.assertIn(sum_of(CONTENT[:99999]), self.originals())
        self.assertFalse(self.patch("dropped", keep_original=False)["keep_original"])
        self.assertNotIn(sum_of(CONTENT[:99999]), self.originals())
        self.assertFalse(self.patch("dropped", keep_original=False)["keep_original"])
        events = [(e["action"], e["object"], e["detail"]) for e in self.cluster.api("GET", "/events")["events"]]
        self.assertIn(("media set", "dropped", "original dropped"), events)
        self.cluster.add("empty", b"")
        self.cluster.wait_job(self.patch("empty", 202, keep_original=True)["job"])
        self.check_kept("empty", b"")
        self.cluster.restart_control()
        self.cluster.wait_nodes()
        self.check_kept("kept", content)
        self.cluster.delete("kept")
        self.cluster.wait_jobs()
        self.assertNotIn(sum_of(content), self.originals())

    def test_killed(self):
        """Killed in the middle it begins anew, and leaves nothing behind."""
        self.cluster.add("killed", CONTENT)
        job = self.slow_job("killed")
        self.assertEqual(len(self.unfinished()), 1)
        self.assertEqual(self.patch("killed", 202, keep_original=True)["job"], job)
        self.assert_status(409, self.patch, "killed", keep_original=False)
        self.cluster.restart_control()
        self.assertFalse(self.cluster.medium("killed")["keep_original"])
        self.cluster.wait_nodes()
        self.cluster.api("POST", "/jobs/%d/limit" % job, {"rate_limit": 0})
        self.cluster.wait_job(job)
        self.check_kept("killed")

    def test_cancelled(self):
        before = self.originals()
        self.cluster.add("cancelled", CONTENT)
        job = self.slow_job("cancelled")
        self.cluster.api("POST", "/jobs/%d/cancel" % job)
        cluster.wait_for(lambda: not self.unfinished(), "its file to go")
        self.assertFalse(self.cluster.medium("cancelled")["keep_original"])
        job = self.slow_job("cancelled")
        self.cluster.delete("cancelled")
        cluster.wait_for(lambda: not self.unfinished(), "its file to go")
        self.cluster.wait_jobs()
        self.assertEqual(self.originals() - before, set())

    def test_liar(self):
        """A node that forges records, checksums and all, where no other contradicts it: the SHA-256 tells."""
        content = CONTENT[:8192]
        self.cluster.add("lied", content, redundancy="1+0")
        path = self.cluster.shard_path("lied", 0, 0)
        good = path.read_bytes()
        forged = bytearray(good)
        unit = bytearray(good[256:256 + 4096])
        unit[7] ^= 1
        forged[256:256 + 4096] = unit
        struct.pack_into("<I", forged, 128 + 16, crc32c(unit))
        struct.pack_into("<I", forged, 128 + 124, crc32c(forged[128:128 + 124]))
        path.write_bytes(forged)
        job = self.patch("lied", 202, keep_original=True)["job"]
        self.assertIn("SHA-256", self.cluster.wait_job(job, ["failed"])["error"])
        self.assertFalse(self.cluster.medium("lied")["keep_original"])
        self.assertEqual(self.unfinished(), [])
        # bytes that nobody has
        path.write_bytes(good[:200])
        self.cluster.api("POST", "/jobs/%d/resume" % job)
        cluster.wait_for(lambda: "lost" in (self.cluster.job(job)["error"] or ""), "the loss to be told")
        path.write_bytes(good)
        self.cluster.api("POST", "/jobs/%d/resume" % job)
        self.cluster.wait_job(job)
        self.check_kept("lied", content)

    def test_node_away(self):
        """It waits for what may come back."""
        self.cluster.add("away", CONTENT[:50000], redundancy="1+0")
        node = next(n for n in self.cluster.nodes if self.cluster.shard_path("away", 0, 0).is_relative_to(n.data))
        node.kill()
        cluster.wait_for(lambda: next(n for n in self.cluster.api("GET", "/nodes")["nodes"] if n["id"] == node.id)["state"] == "down",
                         "a node to be down")
        job = self.patch("away", 202, keep_original=True)["job"]
        self.assertIn("cannot be had", self.cluster.wait_job(job, ["waiting"])["waiting_for"])
        self.assertEqual(self.unfinished(), [])
        node.start()
        self.cluster.wait_job(job)
        self.check_kept("away", CONTENT[:50000])

    def test_node_silent(self):
        """The only other copy may have gone with a storage server that has just fallen silent."""
        content = CONTENT[:50000]
        self.cluster.add("silent", content, redundancy="1+0", keep_original="true")
        node = next(n for n in self.cluster.nodes if self.cluster.shard_path("silent", 0, 0).is_relative_to(n.data))
        node.pause()
        self.addCleanup(node.unpause)
        cluster.wait_for(lambda: next(n for n in self.cluster.api("GET", "/nodes")["nodes"] if n["id"] == node.id)["state"] != "up",
                         "a node to be suspect")
        self.assertIn("stays", json.loads(self.assert_status(409, self.patch, "silent", keep_original=False))["detail"])
        self.check_kept("silent", content)
        node.unpause()
        self.cluster.wait_nodes()
        self.assertFalse(self.patch("silent", keep_original=False)["keep_original"])

    def test_full_disk(self):
        self.cluster.add("full", CONTENT)
        job = self.slow_job("full")
        self.cluster.api("POST", "/jobs/%d/pause" % job)
        cluster.wait_for(lambda: not self.unfinished(), "its file to go")
        self.cluster.control.stop()
        self.cluster.control.start(**{"min-free": "4000T"})
        self.cluster.wait_nodes()
        self.cluster.api("POST", "/jobs/%d/resume" % job)
        self.assertIn("no room", self.cluster.wait_job(job, ["failed"])["error"])
        self.assertFalse(self.cluster.medium("full")["keep_original"])
        self.cluster.api("POST", "/jobs/%d/cancel" % job)
        answer = self.assert_status(507, self.patch, "full", 202, keep_original=True)
        self.assertIn("no room", json.loads(answer)["detail"])
        self.cluster.restart_control()
        self.cluster.wait_nodes()
        self.cluster.wait_job(self.patch("full", 202, keep_original=True)["job"])
        self.check_kept("full")


if __name__ == "__main__":
    unittest.main()
