#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ingests with real servers that are killed, silent, or damaged on the way."""

import hashlib
import os
import random
import threading
import unittest

import cluster
from cluster import wait_for

SMALL = {"unit": "4KiB", "extent": "64KiB"}


def make(seed, size):
    return random.Random(seed).randbytes(size)


class Faults(cluster.TestCase):
    """Ingests slow enough to be met in the middle."""

    control_options = dict(SMALL, **{"stripe-rate": "8000000"})
    SIZE = 2000000
    timeout = 500

    def start(self, name, seed, redundancy):
        content = make(seed, self.SIZE)
        return content, self.cluster.put(name, content, redundancy=redundancy)

    def wait_striping(self, job, part=0.25):
        """Until about that part of the file is durable and read back."""
        def look():
            seen = self.cluster.job(job)
            self.assertIn(seen["state"], ("queued", "running"), seen)
            return seen["phase"] in ("verify", "commit") or (
                seen["phase"] == "stripe" and seen["done"] > 2 * part * self.SIZE)
        wait_for(look, "job %d to stripe" % job)

    def finish(self, name, content, job):
        self.cluster.wait_job(job)
        self.assertEqual(self.cluster.medium(name)["sha256"], hashlib.sha256(content).hexdigest())
        self.assertEqual(self.cluster.read_back(name), content)

    def clean(self, *names):
        for name in names:
            self.cluster.delete(name)
        self.cluster.wait_jobs()
        self.cluster.wait_for_nodes_clean()
        self.assert_disks_clean()
        self.cluster.wait_nodes()
        self.assertEqual([n.shards() for n in self.cluster.nodes], [set()] * len(self.cluster.nodes))

    def test_control_killed(self):
        """SIGKILL of control at many moments: the ingest goes on, and nothing is left lying about."""
        rng = random.Random(30)
        content, job = self.start("killed", 30, "4+2")
        for phase in ("probe", "stripe", "stripe", "stripe", "verify"):
            def look():
                seen = self.cluster.job(job)
                return seen["phase"] == phase or seen["state"] == "done"
            wait_for(look, "phase " + phase)
            # a moment in the phase, not a wait for anything
            threading.Event().wait(rng.random() * 0.3)
            self.cluster.restart_control()
        self.finish("killed", content, job)
        self.clean("killed")

    def test_control_killed_while_deleting(self):
        for seed in (31, 32, 33):
            content, job = self.start("going", seed, "2+1")
            self.cluster.wait_job(job)
            self.cluster.delete("going")
            self.cluster.restart_control()
            self.cluster.wait_nodes()
        self.clean()

    def test_pause_and_restart(self):
        content, job = self.start("paused", 34, "2+1")
        self.wait_striping(job)
        self.assertEqual(self.cluster.api("POST", "/jobs/%d/pause" % job)["state"], "paused")
        self.assert_status(409, self.cluster.api, "POST", "/jobs/%d/pause" % job)
        done = self.cluster.job(job)["done"]
        self.cluster.restart_control()
        self.cluster.wait_nodes()
        self.assertEqual(self.cluster.job(job)["state"], "paused")
        self.assertGreaterEqual(self.cluster.job(job)["done"], done)
        self.assertEqual(self.cluster.medium("paused")["state"], "ingesting")
        self.cluster.api("POST", "/jobs/%d/resume" % job)
        self.finish("paused", content, job)
        for verb in ("pause", "resume", "cancel"):
            self.assert_status(409, self.cluster.api, "POST", "/jobs/%d/%s" % (job, verb))
        self.assert_status(404, self.cluster.api, "GET", "/jobs/999999")
        self.clean("paused")

    def test_cancel(self):
        for part in (0, 0.5):
            content, job = self.start("cancelled", 35, "2+1")
            self.wait_striping(job, part)
            self.assertEqual(self.cluster.api("POST", "/jobs/%d/cancel" % job)["state"], "cancelled")
            self.assert_status(404, self.cluster.medium, "cancelled")
            again, job = self.start("cancelled", 36, "1+0")
            self.finish("cancelled", again, job)
            self.clean("cancelled")

    def test_delete_while_ingesting(self):
        content, job = self.start("deleted", 37, "4+2")
        self.wait_striping(job)
        self.cluster.delete("deleted")
        self.assertEqual(self.cluster.job(job)["state"], "cancelled")
        self.clean()

    def test_node_killed(self):
        """With nodes to spare, a dead one is replaced, and cleaned when it is back."""
        content, job = self.start("replaced", 38, "2+1")
        self.wait_striping(job)
        node = max(self.cluster.nodes, key=lambda n: len(n.shards()))
        node.kill()
        self.cluster.wait_job(job)
        layout = self.cluster.session("replaced")["layout"]
        node.start()
        self.cluster.wait_nodes()
        self.cluster.wait_for_nodes_clean()
        self.assertEqual(self.cluster.read_back("replaced"), content)
        used = {layout["nodes"][i]["id"] for i in layout["extents"][-1]}
        self.assertNotIn(node.id, used)
        self.clean("replaced")

    def test_node_restarted(self):
        """With none to spare, one that comes back soon is waited for."""
        content, job = self.start("patient", 39, "4+2")
        self.wait_striping(job)
        self.cluster.nodes[1].kill()
        self.cluster.nodes[1].start()
        self.finish("patient", content, job)
        self.clean("patient")

    def wait_waiting(self, job):
        """Until the job waits; what for."""
        seen = wait_for(lambda: (lambda j: j if j["state"] == "waiting" else self.assertIn(
            j["state"], ("queued", "running"), j))(self.cluster.job(job)), "job %d to wait" % job)
        self.assertIsNone(seen["error"])
        return seen["waiting_for"]

    def test_too_few_nodes(self):
        """With none to spare, one that stays away is waited for, by name; when it is back the job goes on by itself."""
        content, job = self.start("waiting", 40, "4+2")
        self.wait_striping(job)
        node = self.cluster.nodes[4]
        node.kill()
        text = self.wait_waiting(job)
        self.assertIn("4+2", text)
        self.assertIn("node %d (127.0.0.1:%d)" % (node.id, node.port), text)
        self.assertEqual(self.cluster.medium("waiting")["state"], "ingesting")
        self.assertEqual(len(os.listdir(self.cluster.control.data / "uploads")), 1)
        self.assertIn(job, [j["id"] for j in self.cluster.api("GET", "/jobs?state=waiting")["jobs"]])
        self.cluster.restart_control()
        self.wait_waiting(job)
        node.start()
        self.finish("waiting", content, job)
        self.clean("waiting")

    def test_paused_while_waiting(self):
        """It stays paused though the node is back, until it is told to go on."""
        content, job = self.start("resting", 46, "4+2")
        self.wait_striping(job)
        node = self.cluster.nodes[1]
        node.kill()
        self.wait_waiting(job)
        self.assertEqual(self.cluster.api("POST", "/jobs/%d/pause" % job)["state"], "paused")
        node.start()
        self.cluster.wait_nodes()
        self.assertEqual(self.cluster.job(job)["state"], "paused")
        self.cluster.api("POST", "/jobs/%d/resume" % job)
        self.finish("resting", content, job)
        self.clean("resting")

    def test_others_pass(self):
        """Those that wait hold up none that needs fewer nodes, and nodes that are away when a file comes are waited for, too."""
        node = self.cluster.nodes[5]
        node.kill()
        waiting = [self.start("wide-%d" % i, 47 + i, "4+2") for i in range(3)]
        for _, job in waiting:
            self.wait_waiting(job)
        content, job = self.start("narrow", 50, "1+1")
        self.finish("narrow", content, job)
        node.start()
        for i, (content, job) in enumerate(waiting):
            self.finish("wide-%d" % i, content, job)
        self.clean("narrow", *("wide-%d" % i for i in range(3)))

    def test_waiting_and_cancelled(self):
        node = self.cluster.nodes[5]
        node.kill()
        content, job = self.start("hopeless", 41, "4+2")
        self.assertIn("4+2 needs 6 storage servers", self.wait_waiting(job))
        self.cluster.api("POST", "/jobs/%d/cancel" % job)
        self.assert_status(404, self.cluster.medium, "hopeless")
        node.start()
        self.clean()

    def wait_held_up(self, node):
        """The shards of an extent that waits for this silent node alone: it is not durable, hence not yet read back."""
        def look():
            extents = {}
            for other in self.cluster.nodes:
                for shard in other.shards():
                    extents.setdefault(shard.rpartition(".")[0], []).append((shard, other))
            return next((sorted(e, key=lambda p: p[0]) for e in extents.values()
                         if len(e) == 5 and node not in [n for _, n in e]), None)
        return wait_for(look, "an extent without its shard on node %d" % node.id)

    def test_damaged_before_read_back(self):
        """What a node does not give back as it was sent is written anew: altered, cut short, and gone."""
        for redundancy in ("4+2", "2+4"):
            content, job = self.start("damaged", 42, redundancy)
            self.wait_striping(job)
            silent = self.cluster.nodes[2]
            silent.pause()
            paths = [n.shard_path(s) for s, n in self.wait_held_up(silent)[:3]]
            damaged = bytearray(paths[0].read_bytes())
            damaged[len(damaged) // 2] ^= 1
            paths[0].chmod(0o600)
            paths[0].write_bytes(damaged)
            paths[1].chmod(0o600)
            os.truncate(paths[1], paths[1].stat().st_size - 1)
            paths[2].unlink()
            silent.unpause()
            self.finish("damaged", content, job)
            self.assertEqual(paths[0].read_bytes()[len(damaged) // 2], damaged[len(damaged) // 2] ^ 1)
            self.assert_disks_clean()
            self.clean("damaged")

    def wait_state(self, node, state):
        wait_for(lambda: any((n["id"], n["state"]) == (node.id, state) for n in self.cluster.api("GET", "/nodes")["nodes"]),
                 "node %d to be %s" % (node.id, state))

    def test_node_silent(self):
        """With nodes to spare, one that says nothing any more, but keeps its connections, is replaced."""
        content, job = self.start("silent", 43, "2+1")
        self.wait_striping(job)
        node = max(self.cluster.nodes, key=lambda n: len(n.shards()))
        node.pause()
        self.addCleanup(node.unpause)
        self.cluster.wait_job(job)
        layout = self.cluster.session("silent")["layout"]
        self.assertNotIn(node.id, {layout["nodes"][i]["id"] for i in layout["extents"][-1]})
        node.unpause()
        self.wait_state(node, "up")
        self.cluster.wait_for_nodes_clean()
        self.finish("silent", content, job)
        self.clean("silent")

    def test_node_silent_for_a_while(self):
        """With none to spare, one that speaks again soon is waited for."""
        content, job = self.start("pausing", 44, "4+2")
        self.wait_striping(job)
        node = self.cluster.nodes[3]
        node.pause()
        self.addCleanup(node.unpause)
        self.wait_state(node, "suspect")
        node.unpause()
        self.finish("pausing", content, job)
        self.clean("pausing")

    def test_node_silent_for_long(self):
        """With none to spare, one that stays silent is waited for, by name; when it speaks again the job goes on by itself."""
        content, job = self.start("muted", 45, "4+2")
        self.wait_striping(job)
        node = self.cluster.nodes[0]
        node.pause()
        self.addCleanup(node.unpause)
        self.assertIn("node %d (127.0.0.1:%d)" % (node.id, node.port), self.wait_waiting(job))
        node.unpause()
        self.finish("muted", content, job)
        self.clean("muted")


if __name__ == "__main__":
    unittest.main(verbosity=2)
