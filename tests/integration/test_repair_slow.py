#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Repairs that are met in the middle: what was promised stays true, whoever comes back, goes, or is killed."""

import random
import time
import unittest

from cluster import wait_for
from repair_case import EXTENT, SMALL, RepairCase


class Slow(RepairCase):
    """Repairs that last long enough to be met in the middle."""

    LIMIT = 4_000_000
    control_options = dict(SMALL, **{"repair-limit": str(LIMIT)})
    timeout = 600

    def begin(self, name, extents=48):
        """A medium of which a node is gone, with a part of the repair done; returns its file and the node."""
        path = self.make(name, extents)
        node = self.busiest(name)
        node.stop()
        self.wait_part()
        return path, node

    def tearDown(self):
        super().tearDown()
        for medium in self.cluster.api("GET", "/media")["media"]:
            self.cluster.delete(medium["name"])
        self.cluster.wait_jobs()
        self.assert_clean()

    def test_back_early(self):
        """A node that comes back keeps what it has; what was made anew meanwhile it deletes."""
        path, node = self.begin("early")
        node.start()
        self.cluster.wait_nodes()
        self.wait_repaired()
        self.assertIn(node.id, self.places("early").values())
        self.assertEqual(self.job()["state"], "done")
        self.cluster.wait_for_nodes_clean()
        mine = {"%08x.%d" % place for place, id in self.places("early").items() if id == node.id}
        self.assertEqual({shard.split("-")[1] for shard in node.shards()}, mine)
        self.check_read("early", path)
        self.assert_clean()

    def test_control_killed(self):
        path, node = self.begin("restarts")
        rng = random.Random(5)
        for _ in range(4):
            done = self.wait_part()["done"]
            # a moment in the repair, not a wait for anything
            time.sleep(rng.random() * 0.5)
            self.cluster.restart_control()
            self.assertGreaterEqual(self.job()["done"], 0)
        self.assertGreater(done, 0)
        self.wait_moved("restarts", node)
        self.wait_repaired()
        self.assertEqual(self.job()["state"], "done")
        node.start()
        self.cluster.wait_nodes()
        self.check_read("restarts", path)
        self.assert_clean()

    def test_target_killed(self):
        """A node dies while shards are written to it, and those that it has are read."""
        path, node = self.begin("target")
        rng = random.Random(6)
        other = rng.choice([other for other in self.cluster.nodes if other is not node])
        other.kill()
        self.wait_moved("target", node)
        self.wait_moved("target", other)
        node.start()
        other.start()
        self.cluster.wait_nodes()
        self.wait_repaired()
        self.check_read("target", path)
        self.assert_clean()

    def test_deleted(self):
        """A medium that is deleted in the middle is no failure: there is nothing left to be repaired."""
        _, node = self.begin("goner")
        self.cluster.delete("goner")
        job = wait_for(lambda: self.job()["state"] in ("done", "failed") and self.job(), "the repair to end")
        self.assertEqual((job["state"], job["error"]), ("done", None))
        node.start()
        self.cluster.wait_nodes()

    def test_paused(self):
        path, node = self.begin("paused")
        job = self.job()["id"]
        self.assertEqual(self.cluster.api("POST", "/jobs/%d/pause" % job)["state"], "paused")
        self.assert_status(409, self.cluster.api, "POST", "/jobs/%d/cancel" % job)
        done = self.cluster.job(job)["done"]
        self.cluster.restart_control()
        self.cluster.wait_nodes()
        self.assertEqual((self.cluster.job(job)["state"], self.cluster.job(job)["done"]), ("paused", done))
        self.assertEqual(self.job()["id"], job)
        self.cluster.api("POST", "/jobs/%d/resume" % job)
        self.wait_moved("paused", node)
        self.cluster.wait_job(job)
        node.start()
        self.cluster.wait_nodes()
        self.check_read("paused", path)
        self.assert_clean()

    def test_limit(self):
        """Each shard made costs four read, one written, and one read back."""
        begin = time.monotonic()
        path, node = self.begin("limit", 12)
        self.wait_moved("limit", node)
        self.wait_repaired()
        moved = 6 * self.job()["done"] * 8
        # what is read or written at once goes as fast as it can
        self.assertGreaterEqual(time.monotonic() - begin, (moved - 8 * 2 * EXTENT) / self.LIMIT)
        self.check_read("limit", path)


if __name__ == "__main__":
    unittest.main()
