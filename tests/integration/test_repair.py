#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shards that are lost or bad are made anew, with real servers: what was promised stays true whatever is killed meanwhile."""

import concurrent.futures
import json
import os
import pathlib
import random
import re
import struct
import subprocess
import time
import unittest

import cluster
from cluster import BUILD, wait_for
from test_storage_faults import bad_disk
from test_verify import crc32c

KIB = 1024
EXTENT = 64 * KIB
RECORD = 128 + 4 * KIB
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

    def shard(self, name, extent, index):
        """Its node and its name."""
        layout = self.cluster.session(name)["layout"]
        node = self.cluster.node(layout["nodes"][layout["extents"][extent][index]]["id"])
        return node, "%s-%08x.%d" % (layout["version"], extent, index)

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
        body = {"address": node.address, "port": node.port, "tls": False, "stats": {},
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

    def test_forgotten(self):
        """A dead node can be forgotten once its shards are elsewhere, though it has not confirmed that it has deleted them."""
        node = self.cluster.add_node()
        path = self.make("forgotten", 12)
        self.assert_status(409, self.cluster.api, "DELETE", "/nodes/%d" % node.id, None, 204)
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


class Bad(RepairCase):
    # a node that stops for a moment keeps its shards
    control_options = dict(SMALL, **{"repair-delay": "86400"})
    storage_options = {"scrub-period": "6"}

    def stop_all(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: node.stop(), self.cluster.nodes))

    def break_shard(self, name, extent, index, how):
        node, shard = self.shard(name, extent, index)
        path = node.shard_path(shard)
        good = path.read_bytes()
        how(path)
        return node, shard, path, good

    @staticmethod
    def flip(path, at=3000):
        data = bytearray(path.read_bytes())
        data[at] ^= 4
        path.write_bytes(data)

    def check_healed(self, broken):
        for node, shard, path, good in broken:
            wait_for(lambda path=path, good=good: path.exists() and path.read_bytes() == good, shard + " to be good")
        self.wait_repaired()

    def test_each_kind(self):
        """Flipped, cut, emptied, without a header, deleted: each is written anew where it was."""
        path = self.make("kinds", 8)
        before = self.places("kinds")
        ways = (self.flip, lambda p: os.truncate(p, 9000), lambda p: os.truncate(p, 0), lambda p: self.flip(p, 5), os.unlink,
                lambda p: p.write_bytes(p.read_bytes() + b"more"))
        broken = [self.break_shard("kinds", extent, extent % 6, how) for extent, how in enumerate(ways)]
        # of two in one extent
        broken += [self.break_shard("kinds", 6, index, self.flip) for index in (1, 4)]
        for node, shard, _, _ in broken:
            self.tell(node, shard, rows=[0])
        self.check_healed(broken)
        self.assertEqual(self.places("kinds"), before)
        self.check_read("kinds", path)
        self.assert_clean()

    def test_found_by_scrub(self):
        """Nobody tells but the node itself."""
        path = self.make("scrubbed")
        broken = [self.break_shard("scrubbed", extent, 2, self.flip) for extent in range(3)]
        self.check_healed(broken)
        self.check_read("scrubbed", path)
        self.assert_clean()

    def test_told_in_vain(self):
        """What is good stays as it is."""
        self.make("vain")
        node, shard = self.shard("vain", 1, 1)
        place = node.shard_path(shard)
        inode = os.stat(place).st_ino
        self.tell(node, shard, "unreadable")
        self.wait_repaired()
        self.assertEqual(os.stat(place).st_ino, inode)

    def test_more_shards_than_parity(self):
        """Three of six are damaged, in different rows: each row can be read, and all of it is made good."""
        path = self.make("rows")
        records = [128 + row * (128 + 4096) + 128 + 77 for row in range(4)]
        broken = [self.break_shard("rows", 2, index, lambda p, index=index: self.flip(p, records[index]))
                  for index in range(3)]
        for node, shard, _, _ in broken:
            self.tell(node, shard)
        self.check_healed(broken)
        self.check_read("rows", path)
        self.assert_clean()

    def test_no_room(self):
        """Nodes that cannot take what is made anew lose nothing of what they have."""
        path = self.make("full", 1, "2+1")
        records = [128 + row * RECORD + 128 + 77 for row in range(3)]
        # nobody is to find and to mend it before there is no room
        self.stop_all()
        broken = [self.break_shard("full", 0, 0, lambda p: os.truncate(p, p.stat().st_size - RECORD))]
        broken += [self.break_shard("full", 0, index, lambda p, index=index: self.flip(p, records[index])) for index in (1, 2)]
        try:
            for node in self.cluster.nodes:
                node.start(**{"min-free": "100%"})
            self.cluster.wait_nodes()
            for node, shard, _, _ in broken:
                self.tell(node, shard)
            # it may have failed before, when too few were up
            wait_for(lambda: "has no room" in ((self.job() or {}).get("error") or ""), "the repair to give up for want of room")
            self.assertTrue(self.try_read("full", path))
        finally:
            # all of them before any has room again: it would be given what the others cannot take
            self.stop_all()
            for node in self.cluster.nodes:
                node.start()
            self.cluster.wait_nodes()
        self.check_healed(broken)
        self.check_read("full", path)
        self.assert_clean()

    def test_forged(self):
        """Whole by itself, and not what was written: the others tell, and it is made anew."""
        path = self.make("forged", 2)

        def forge(place):
            data = bytearray(place.read_bytes())
            record = data[128 + 2 * RECORD:128 + 3 * RECORD]
            record[128] ^= 1
            record[16 + 4:20 + 4] = struct.pack("<I", crc32c(record[128:]))
            record[124:128] = struct.pack("<I", crc32c(record[:124]))
            data[128 + 2 * RECORD:128 + 3 * RECORD] = record
            place.write_bytes(data)
        broken = [self.break_shard("forged", 1, 1, forge)]
        job = self.cluster.api("POST", "/media/forged/verify", status=202)["job"]
        self.assertEqual(self.cluster.wait_job(job)["warning"], "1 shard is bad")
        self.check_healed(broken)
        self.check_read("forged", path)
        self.assert_clean()

    def test_restored(self):
        """More than parity makes up for, with the original kept; and without any parity."""
        path = self.make("kept", keep_original="true")
        bare = self.make("bare", 3, "6+0", keep_original="true")
        broken = [self.break_shard("kept", 1, index, os.unlink) for index in range(4)]
        broken += [self.break_shard("bare", 1, 3, self.flip)]
        for node, shard, _, _ in broken:
            self.tell(node, shard)
        self.check_healed(broken)
        self.check_read("kept", path)
        self.check_read("bare", bare)
        self.assert_clean()

    def test_lost_for_good(self):
        """More than parity makes up for, and no original, or one that is not what it was: it is said, once, and nothing is made worse."""
        gone = self.make("gone")
        self.make("false", keep_original="true")
        original, = (self.cluster.control.data / "originals").iterdir()
        self.flip(original)
        broken = [self.break_shard(name, 1, index, os.unlink) for name in ("gone", "false") for index in range(3)]
        for node, shard, _, _ in broken:
            self.tell(node, shard, "missing")
        # it may have failed before, when it had not been told of all
        job = wait_for(lambda: "2 extents could not be repaired" in ((job := self.job() or {}).get("error") or "") and job, "the job to fail")
        self.assertEqual(job["state"], "failed")
        self.assertIn("and 4 are needed", job["error"])
        # longer than the keeper needs to look again, and less than it waits to try again
        time.sleep(4)
        self.assertEqual((self.job()["id"], self.job()["updated"]), (job["id"], job["updated"]))
        self.assertFalse(self.try_read("gone", gone, 2))
        # one shard is found again, and all is well
        node, shard, place, good = broken[0]
        node.stop()
        place.write_bytes(good)
        node.start()
        self.cluster.wait_nodes()
        wait_for(lambda: self.try_read("gone", gone, 2), "the medium to be whole")
        self.cluster.delete("false")
        self.assert_clean()

    def test_empty(self):
        """A shard without any unit, of a last extent that has fewer than k, is missed and made anew like all others."""
        content = random.Random(12).randbytes(100)
        self.cluster.add("short", content, redundancy="2+1")
        broken = [self.break_shard("short", 0, 1, os.unlink)]
        self.assertEqual(len(broken[0][3]), 128)
        node, shard, _, _ = broken[0]
        self.tell(node, shard, "missing")
        self.check_healed(broken)
        self.assertEqual(self.cluster.read_back("short"), content)
        self.assert_clean()

    def test_nobody_tells(self):
        """That a shard can be had again, as when a node was restarted before anybody missed it: it is tried again all the same, and soon."""
        path = self.make("silent", 1, "2+1")
        broken = [self.break_shard("silent", 0, index, os.unlink) for index in range(2)]
        for node, shard, _, _ in broken:
            self.tell(node, shard, "missing")
        wait_for(lambda: "1 extent could not be repaired" in ((self.job() or {}).get("error") or ""), "the job to fail")
        _, _, place, good = broken[0]
        place.write_bytes(good)
        self.check_healed(broken)
        wait_for(lambda: self.job()["state"] == "done", "the job to end well")
        self.check_read("silent", path)
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
        node, shard = self.shard("unreadable", extent, index)
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
            holder, shard = self.shard("lies", extent, index)
            self.assertTrue(holder.shard_path(shard), (holder.id, id))
        self.check_read("lies", path, random.Random(7).sample([n for n in self.cluster.nodes if n.running()], 2))
        node.start()
        self.cluster.wait_nodes()
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
