#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storage servers that are gone: their shards are made anew on others, whatever is killed meanwhile, whatever those do."""

import concurrent.futures
import json
import random
import time
import unittest

from cluster import wait_for
from repair_case import RepairCase
from test_storage_faults import bad_disk


class Lost(RepairCase):
    def test_node_killed(self):
        """Its shards are made anew elsewhere; afterwards two others may die."""
        path = self.make("killed")
        small = self.make("small", 2, "1+1")
        before = self.places("killed")
        node = self.busiest("killed")
        node.kill()
        self.wait_moved("killed", node)
        self.wait_moved("small", node)
        self.wait_repaired()
        job = self.job()
        self.assertEqual((job["state"], job["medium"], job["error"]), ("done", "", None))
        self.assertEqual(job["done"], job["total"])
        self.assertGreater(job["done"], 0)
        self.assertEqual(self.metric("repaired_bytes_total"), job["done"])
        after = self.places("killed")
        self.assertEqual({place for place in before if before[place] != after[place]},
                         {place for place in before if before[place] == node.id})
        for extent in range(6):
            self.assertEqual(len({after[extent, index] for index in range(6)}), 6)
        others = [other for other in self.cluster.nodes if other is not node]
        self.check_read("killed", path, random.Random(1).sample(others, 2))
        node.start()
        self.cluster.wait_nodes()
        wait_for(lambda: not node.shards(), "the node's old shards to go")
        self.check_read("small", small)
        self.assert_clean()

    def test_asked_for(self):
        """An operator need not wait, and cannot ask for what is up."""
        self.make("asked")
        node = self.busiest("asked")
        self.assert_status(409, self.cluster.api, "POST", "/nodes/%d/repair" % node.id, None, 202)
        self.assert_status(404, self.cluster.api, "POST", "/nodes/999/repair", None, 202)
        self.cluster.control.options["repair-delay"] = "86400"
        try:
            self.cluster.restart_control(kill=False)
            self.cluster.wait_nodes()
            node.stop()
            answer = self.cluster.api("POST", "/nodes/%d/repair" % node.id, None, 202)
            self.assertEqual((answer["id"], answer["repair"]), (node.id, True))
            self.wait_moved("asked", node)
            node.start()
            self.cluster.wait_nodes()
            self.assertFalse(next(n for n in self.cluster.api("GET", "/nodes")["nodes"] if n["id"] == node.id)["repair"])
        finally:
            self.cluster.control.options["repair-delay"] = "1"
            self.cluster.restart_control(kill=False)
            self.cluster.wait_nodes()

    def assert_refused(self, node, step):
        """It cannot be removed: with the number of shards that media have there, and what to do."""
        version = self.cluster.session("forgotten")["layout"]
        number = next(i for i, n in enumerate(version["nodes"]) if n["id"] == node.id)
        held = sum(extent.count(number) for extent in version["extents"])
        status, _, answer = self.cluster.request("DELETE", "/api/v1/nodes/%d" % node.id)
        self.assertEqual(status, 409)
        self.assertIn("need of it: %d;" % held, json.loads(answer)["detail"])
        self.assertIn(step, json.loads(answer)["detail"])

    def test_forgotten(self):
        """A dead node can be forgotten once its shards are elsewhere, though it has not confirmed that it has deleted them."""
        node = self.cluster.add_node()
        path = self.make("forgotten", 12)
        self.assert_refused(node, "stop it")
        node.stop()
        self.wait_moved("forgotten", node)
        self.cluster.api("DELETE", "/nodes/%d" % node.id, None, 204)
        self.cluster.nodes.remove(node)
        self.check_read("forgotten", path)
        self.assert_clean()

    def test_most_endangered_first(self):
        """Extents that have lost two shards come before those that have lost one; all of it is made."""
        path = self.make("endangered", 12)
        first, second = random.Random(2).sample(self.cluster.nodes, 2)
        first.stop()
        second.stop()
        self.wait_moved("endangered", first)
        self.wait_moved("endangered", second)
        first.start()
        second.start()
        self.cluster.wait_nodes()
        self.check_read("endangered", path)
        self.assert_clean()

    def test_most_are_down(self):
        """Then it is more likely control that is cut off: nothing is begun until it is asked for, or more are up."""
        path = self.make("most")
        before = self.job()
        gone, *rest = self.cluster.nodes[:5]
        # all at once: half of them may be gone for less time than repair waits
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: node.stop(), (gone, *rest)))
        wait_for(lambda: "Fewer than half" in self.cluster.control.log.read_text(), "control to say so")
        self.assertEqual(self.job(), before)
        for node in rest:
            node.start()
        self.wait_moved("most", gone)
        gone.start()
        self.cluster.wait_nodes()
        self.check_read("most", path)
        self.assert_clean()

    def test_deleted_meanwhile(self):
        self.make("deleted", 24)
        node = self.busiest("deleted")
        node.stop()
        wait_for(self.job, "the repair to begin")
        self.cluster.delete("deleted")
        self.cluster.wait_jobs()
        node.start()
        self.cluster.wait_nodes()
        self.assert_clean()


class Tight(RepairCase):
    """As many nodes as an extent has shards."""

    nodes = 3

    def lose_node(self):
        """Returns it, and the job that has failed."""
        node = self.cluster.nodes[0]
        node.stop()
        job = wait_for(lambda: self.job() and self.job()["state"] == "failed" and self.job(), "the job to fail")
        self.assertIn("needs 3 storage servers", job["error"])
        return node, job

    def test_back(self):
        """There is nothing left to do, and the job no longer says that something could not be done."""
        path = self.make("back", redundancy="2+1")
        node, failed = self.lose_node()
        node.start()
        job = wait_for(lambda: self.job()["state"] == "done" and self.job(), "the job to end well")
        self.assertEqual((job["id"], job["done"], job["error"]), (failed["id"], 0, None))
        self.check_read("back", path)
        self.assert_clean()

    def test_no_room(self):
        path = self.make("tight", redundancy="2+1")
        node, job = self.lose_node()
        self.assertEqual(job["done"], 0)
        self.cluster.add_node()
        self.wait_moved("tight", node)
        self.wait_repaired()
        self.assertEqual((self.job()["id"], self.job()["state"], self.job()["error"]), (job["id"], "done", None))
        node.start()
        self.cluster.wait_nodes()
        self.check_read("tight", path)
        self.assert_clean()


class Unreadable(RepairCase):
    nodes = 2

    def test_cannot_read(self):
        """A disk that cannot read what it has, nor what is written to it: all of it goes to another node."""
        wrapper, cold, fail = bad_disk(self.cluster.folder, "COLD", "FAIL_PREAD")
        broken = self.cluster.add_node(prefix=wrapper)
        spare = [self.cluster.add_node() for _ in range(2)]
        path = self.make("unreadable", 8, "2+1")
        self.assertIn(broken.id, self.places("unreadable").values())
        cold.touch()
        fail.touch()
        (extent, index), _ = next(item for item in self.places("unreadable").items() if item[1] == broken.id)
        node, shard = self.cluster.shard("unreadable", extent, index)
        self.tell(node, shard, "unreadable")
        wait_for(lambda: self.places("unreadable")[extent, index] != broken.id, "the shard to be elsewhere")
        self.wait_repaired()
        fail.unlink()
        cold.unlink()
        self.check_read("unreadable", path, spare[:1])
        self.assert_clean()


class Lying(RepairCase):
    """Some disks lose a bit of what is written to them."""

    nodes = 6

    def test_lying_targets(self):
        wrapper, trigger = bad_disk(self.cluster.folder, "FLIP_WRITE")
        liars = [self.cluster.add_node(prefix=wrapper) for _ in range(2)]
        honest = self.cluster.add_node()
        path = self.make("lies", 8)
        trigger.touch()
        node = next(n for n in self.cluster.nodes if n is not honest and n not in liars)
        node.stop()
        self.wait_moved("lies", node)
        self.wait_repaired()
        trigger.unlink()
        for (extent, index), id in self.places("lies").items():
            holder, shard = self.cluster.shard("lies", extent, index)
            self.assertTrue(holder.shard_path(shard), (holder.id, id))
        self.check_read("lies", path, random.Random(7).sample([n for n in self.cluster.nodes if n.running()], 2))
        node.start()
        self.cluster.wait_nodes()
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
