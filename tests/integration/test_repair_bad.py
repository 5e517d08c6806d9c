#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shards that are bad are made anew where they are, and what is good is left alone."""

import concurrent.futures
import json
import os
import random
import struct
import time
import unittest

from cluster import wait_for
from repair_case import KIB, SMALL, RepairCase
from test_verify import crc32c

RECORD = 128 + 4 * KIB


class Bad(RepairCase):
    # a node that stops for a moment keeps its shards
    control_options = dict(SMALL, **{"repair-delay": "86400"})
    storage_options = {"scrub-period": "6"}

    def stop_all(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: node.stop(), self.cluster.nodes))

    def break_shard(self, name, extent, index, how):
        node, shard = self.cluster.shard(name, extent, index)
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
        node, shard = self.cluster.shard("vain", 1, 1)
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


class Suspected(RepairCase):
    """Nobody tells but a viewer's reader."""
    nodes = 3
    control_options = dict(SMALL, **{"repair-delay": "86400"})

    def suspect(self, session, node, extent, index):
        report = {"extent": extent, "index": index, "unit": None, "node": node.id, "kind": "missing"}

        def told():
            return self.cluster.request("POST", "/api/v1/sessions/%s/reports" % session, json.dumps({"reports": [report]}),
                                        {"Content-Type": "application/json"})[0] == 204
        wait_for(told, "a report to be taken")

    def test_true(self):
        """Each is seen to at once, however many there were: only lies are held back."""
        self.make("true", 8, "2+1")
        session = self.cluster.session("true")["id"]
        begin = time.monotonic()
        for extent in range(8):
            node, shard = self.cluster.shard("true", extent, 1)
            path = node.shard_path(shard)
            path.unlink()
            self.suspect(session, node, extent, 1)
            wait_for(path.exists, shard + " to be made anew")
        # else 30 s pass for each from the fifth on
        self.assertLess(time.monotonic() - begin, 60)
        self.wait_repaired()
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
