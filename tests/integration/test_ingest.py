#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From an upload to a medium that is ready, and back to nothing, with real servers. What goes wrong on the way is in test_ingest_faults.py."""

import contextlib
import hashlib
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import time
import unittest

import cluster
from cluster import wait_for

KIB = 1024
SMALL = {"unit": "4KiB", "extent": "64KiB"}
REDUNDANCIES = ("4+2", "1+2", "6+0", "1+0", "2+1")


def make(seed, size):
    return random.Random(seed).randbytes(size)


class Sizes(cluster.TestCase):
    control_options = SMALL

    def test_size_classes(self):
        """Every size around a unit and an extent, in every kind of redundancy; deleted, nothing is left."""
        media = {}
        for redundancy in REDUNDANCIES:
            k = int(redundancy[0])
            extent = -(-64 * KIB // (k * 4 * KIB)) * k * 4 * KIB
            for size in (0, 1, 4 * KIB, 4 * KIB + 1, extent, extent + 1, 3 * extent + 123):
                name = "sizes/%s/%d" % (redundancy, size)
                media[name] = make(size, size)
        jobs = {name: self.cluster.put(name, content, redundancy=name.split("/")[1])
                for name, content in media.items()}
        for name, content in media.items():
            with self.subTest(name):
                self.cluster.wait_job(jobs[name])
                medium = self.cluster.medium(name)
                self.assertEqual(medium["state"], "ready")
                self.assertEqual(medium["size"], len(content))
                self.assertEqual(medium["sha256"], hashlib.sha256(content).hexdigest())
                self.assertEqual(self.cluster.read_back(name), content)
        self.assert_disks_clean()
        self.cluster.wait_nodes()
        for name in media:
            self.cluster.delete(name)
            self.assert_status(404, self.cluster.medium, name)
        self.cluster.wait_jobs()
        self.cluster.wait_for_nodes_clean()
        self.assertEqual([n.shards() for n in self.cluster.nodes], [set()] * 6)
        self.assert_disks_clean()

    def test_names(self):
        for name in ("a b", "\u00e4/\u65e5\u672c\u8a9e.webm", "100%", "a'b\"c", "a?b#c&d=e", "~.x", "\U0001f3ac"):
            content = name.encode()
            self.cluster.add(name, content, redundancy="1+0")
            self.assertEqual(self.cluster.medium(name)["name"], name)
            self.assertEqual(self.cluster.read_back(name), content)
            self.cluster.delete(name)

    def test_film(self):
        film = self.cluster.folder / "film.webm"
        subprocess.run(["gst-launch-1.0", "-q", "videotestsrc", "num-buffers=50", "!",
                        "video/x-raw,width=64,height=48,framerate=25/1", "!", "vp8enc", "deadline=1", "!",
                        "webmmux", "!", "filesink", "location=%s" % film], check=True, timeout=60)
        medium = self.cluster.add("film", film.read_bytes())
        self.assertEqual(medium["content_type"], "video/webm")
        self.assertAlmostEqual(medium["duration_ns"], 2e9, delta=1e8)
        self.assertEqual(medium["streams"][0]["type"], "video")
        self.assertGreaterEqual(medium["peak_bitrate_1s"], medium["avg_bitrate"])
        demand = self.cluster.medium("film")["demand"]
        self.assertEqual(demand["kind"], "measured")
        # two seconds in one slot, however the bytes lie in them
        self.assertEqual(demand["peak"], medium["size"] * 8 // 2)
        self.assertEqual(demand["buffer"], medium["size"] // 2 * 10)
        self.cluster.delete("film")

    def test_garbage(self):
        medium = self.cluster.add("garbage", make(9, 70000))
        self.assertIsNone(medium["duration_ns"])
        self.assertIn("/", medium["content_type"])
        self.assertEqual(self.cluster.medium("garbage")["demand"], {"kind": "bulk", "peak": None, "buffer": None})
        self.assertIsNone(self.cluster.job(medium["job"])["warning"])
        self.assertEqual(self.cluster.add("typed", b"x", content_type="text/x-thing")["content_type"], "text/x-thing")
        for name in ("garbage", "typed"):
            self.cluster.delete(name)

    def test_keep_original(self):
        content = make(10, 100000)
        self.cluster.add("kept", content, keep_original="true")
        originals = list((self.cluster.control.data / "originals").iterdir())
        self.assertEqual([o.read_bytes() for o in originals], [content])
        self.assertEqual(os.listdir(self.cluster.control.data / "uploads"), [])
        self.assert_disks_clean()
        self.cluster.wait_nodes()
        self.cluster.delete("kept")
        self.cluster.wait_jobs()
        self.assertEqual(os.listdir(self.cluster.control.data / "originals"), [])

    def at_rest(self, statement):
        """Control is restarted; in between the catalog takes the statement."""
        self.cluster.control.stop()
        with contextlib.closing(sqlite3.connect(self.cluster.control.data / "catalog.db")) as catalog, catalog:
            catalog.execute(statement)
        self.cluster.control.start()
        self.cluster.wait_nodes()

    def files(self, folder):
        return os.listdir(self.cluster.control.data / folder)

    def test_original_not_committed(self):
        """An ingest that ends between the original's second name and its commit leaves no such name, and can go on or be cancelled."""
        content = make(12, 100000)
        self.at_rest("CREATE TRIGGER fails BEFORE INSERT ON original BEGIN SELECT RAISE (ABORT, 'not now'); END")
        goes_on, ends = (self.cluster.put(name, content, keep_original="true") for name in ("goes on", "ends"))
        for job in (goes_on, ends):
            self.assertEqual(self.cluster.wait_job(job, ("failed",))["phase"], "commit")
        self.assertEqual(self.files("originals"), [])
        self.assertEqual(len(self.files("uploads")), 2)
        self.cluster.api("POST", "/jobs/%d/cancel" % ends)
        self.cluster.wait_jobs()
        self.assertEqual((self.files("originals"), len(self.files("uploads"))), ([], 1))
        self.at_rest("DROP TRIGGER fails")
        self.cluster.api("POST", "/jobs/%d/resume" % goes_on)
        self.cluster.wait_job(goes_on)
        self.assertEqual((len(self.files("originals")), self.files("uploads")), (1, []))
        self.assertEqual(self.cluster.read_back("goes on"), content)
        self.cluster.delete("goes on")
        self.cluster.wait_jobs()

    def test_orphans_and_losses(self):
        """What a node holds without a row goes when the node comes up; what it has lost is counted."""
        self.cluster.add("lost", make(11, 50000), redundancy="1+2")
        name = self.cluster.session("lost")["layout"]
        node = self.cluster.node(name["nodes"][name["extents"][0][0]]["id"])
        shard = "%s-%08x.0" % (name["version"], 0)
        path = node.shard_path(shard)
        copy = path.with_name(shard[:31] + ("0" if shard[31] != "0" else "1") + shard[32:])
        node.stop()
        shutil.move(path, copy)
        self.cluster.wait_nodes()
        node.start()
        wait_for(lambda: not copy.exists(), "the orphan to go")
        metric = b'pmss_control_missing_shards{node="%d"} 1' % node.id
        wait_for(lambda: metric in self.cluster.request("GET", "/metrics", token=False)[2], "the loss to be counted")
        self.cluster.delete("lost")
        self.cluster.wait_jobs()

    def test_delete_while_node_is_away(self):
        content = make(12, 200000)
        self.cluster.add("away", content)
        node = self.cluster.nodes[2]
        self.assertTrue(node.shards())
        node.kill()
        self.cluster.delete("away")
        self.cluster.wait_jobs()
        wait_for(lambda: not any(other.shards() for other in self.cluster.nodes if other is not node), "the other nodes to be cleaned")
        node.start()
        wait_for(lambda: not node.shards(), "the node to be cleaned")
        self.cluster.wait_for_nodes_clean()
        self.assert_disks_clean()
        self.cluster.wait_nodes()


class Lists(cluster.TestCase):
    """What nodes hold against the catalog. The medium has no redundancy, so that nothing is put right meanwhile."""
    nodes = 2
    control_options = dict(SMALL, **{"orphan-grace": "3"})

    def node_json(self, node):
        return next(n for n in self.cluster.api("GET", "/nodes")["nodes"] if n["id"] == node.id)

    def unknown(self, node):
        text = self.cluster.request("GET", "/metrics", token=False)[2].decode()
        return int(dict(re.findall(r'^pmss_control_unknown_shards\{node="(\d+)"\} (\d+)$', text, re.M)).get(str(node.id), 0))

    def restart(self, node):
        node.stop()
        self.cluster.wait_nodes()
        node.start()
        self.cluster.wait_nodes()

    def place(self):
        layout = self.cluster.session("film")["layout"]
        node = self.cluster.node(layout["nodes"][layout["extents"][0][0]]["id"])
        shard = layout["version"] + "-00000000.0"
        return node, shard, node.shard_path(shard)

    def test_grace(self):
        """A shard that nobody knows goes, but not at once."""
        self.cluster.add("film", make(12, 50000), redundancy="1+0")
        node, shard, path = self.place()
        copy = path.with_name(shard[:31] + ("0" if shard[31] != "0" else "1") + shard[32:])
        shutil.copy(path, copy)
        begin = time.monotonic()
        self.restart(node)
        wait_for(lambda: self.unknown(node) == 1, "the shard to be seen")
        self.assertTrue(copy.exists())
        wait_for(lambda: not copy.exists(), "the shard to go")
        self.assertGreaterEqual(time.monotonic() - begin, 3)
        wait_for(lambda: self.unknown(node) == 0, "the shard to be gone")
        self.assertTrue(path.exists())
        self.cluster.delete("film")
        self.cluster.wait_jobs()

    def test_missing(self):
        """A shard that is not there is bad until it is there again."""
        self.cluster.add("film", make(13, 50000), redundancy="1+0")
        node, shard, path = self.place()
        aside = self.cluster.folder / shard
        shutil.move(path, aside)
        self.restart(node)
        wait_for(lambda: self.node_json(node)["bad_shards"] == 1, "the loss to be noted")
        self.cluster.restart_control()
        self.assertEqual(self.node_json(node)["bad_shards"], 1)
        self.cluster.wait_nodes()
        shutil.move(aside, path)
        self.restart(node)
        wait_for(lambda: self.node_json(node)["bad_shards"] == 0, "the shard to be good")
        self.cluster.delete("film")
        self.cluster.wait_jobs()


class Defaults(cluster.TestCase):
    def test_large(self):
        """40 MiB with the units and extents that everybody has."""
        content = make(20, 40 * KIB * KIB + 4321)
        self.cluster.add("large", content, redundancy="4+2")
        layout = self.cluster.session("large")["layout"]
        self.assertEqual((layout["unit"], layout["extent"]), (256 * KIB, 16 * KIB * KIB))
        self.assertEqual(self.cluster.read_back("large"), content)
        self.assert_disks_clean()


class Probes(cluster.TestCase):
    """Whatever becomes of the probe, the ingest goes on."""

    nodes = 1
    control_options = dict(SMALL, **{"default-redundancy": "1+0"})

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.probe = cls.cluster.folder / "probe"
        cls.cluster.control.environment["PMSS_PROBE"] = str(cls.probe)
        cls.cluster.restart_control()
        cls.cluster.wait_nodes()

    def set_probe(self, script):
        self.probe.write_text("#!/bin/sh\n" + script)
        self.probe.chmod(0o755)

    def test_failures(self):
        good = ('{"content_type":"a/b","container":null,"duration_ns":%s,"streams":[],"tags":{},"avg_bitrate":null,'
                '"peak_bitrate_1s":null,"peak_bitrate_10s":null,"missing":[]}')

        def needs(missing):
            return "echo '%s'" % (good % 5).replace("[]}", missing + "}")

        cases = {
            "crash": ("kill -SEGV $$", "signal 11"),
            "status": ("exit 3", "status 3"),
            "endless": ("yes", "more than it may"),
            "not json": ("echo hello", "not JSON"),
            "not an object": ("echo []", "not an object"),
            "half": ("echo '%s'" % (good % 5)[:50], "not JSON"),
            "negative": ("echo '%s'" % (good % -5), "a number"),
            "text for a number": ("echo '%s'" % (good % '"5"'), "a number"),
            "not a list": (needs('"VP8"'), "malformed: missing"),
            "not a name": (needs('[[]]'), "malformed: missing"),
            "long": (needs('["%s"]' % ("x" * 256)), "malformed: missing"),
            "many": (needs("[%s]" % ",".join(['"x"'] * 17)), "malformed: missing"),
            "not utf-8": ("printf '\\377'", "not UTF-8"),
        }
        for name, (script, warning) in cases.items():
            with self.subTest(name):
                self.set_probe(script)
                medium = self.cluster.add("probe/" + name, b"content")
                self.assertEqual(medium["state"], "ready")
                self.assertIsNone(medium["duration_ns"])
                self.assertIn(warning, self.cluster.job(medium["job"])["warning"])
        self.set_probe(needs('["VP8 decoder","Opus decoder"]'))
        medium = self.cluster.add("probe/missing", b"x")
        self.assertEqual(medium["duration_ns"], 5)
        self.assertIn("no GStreamer plugin for: VP8 decoder, Opus decoder.", self.cluster.job(medium["job"])["warning"])
        # what is not for people to see is taken out of it
        self.set_probe(needs('["VP8\\u000adecoder"]'))
        self.assertIn("no GStreamer plugin for: VP8 decoder.", self.cluster.job(self.cluster.add("probe/lines", b"x")["job"])["warning"])
        self.set_probe("echo '%s'" % (good % 5))
        self.assertEqual(self.cluster.add("probe/good", b"x")["duration_ns"], 5)

    def test_small_ones_do_not_wait_for_large_ones(self):
        self.set_probe("""case "$4" in large*) exec sleep 1000 ;; esac
            echo '{"content_type":"a/b","container":null,"duration_ns":null,"streams":[],"tags":{},"missing":[],"avg_bitrate":null,\
            "peak_bitrate_1s":null,"peak_bitrate_10s":null}'""")
        jobs = [self.cluster.put(f"large/{i}", bytes((4 << 20) + 1)) for i in range(3)]
        wait_for(lambda: [self.cluster.job(job)["phase"] for job in jobs[:2]] == ["probe"] * 2, "the large ones' probes")
        self.assertEqual(self.cluster.add("small", b"x")["state"], "ready")
        self.assertEqual([self.cluster.job(job)["state"] for job in jobs], ["running", "running", "queued"])
        for job in reversed(jobs):
            self.cluster.api("POST", "/jobs/%d/cancel" % job)
        self.cluster.wait_jobs()

    def test_cancelled_with_its_job(self):
        pid = self.cluster.folder / "pid"
        self.set_probe("echo $$ > %s.new; mv %s.new %s; exec sleep 1000" % (pid, pid, pid))
        job = self.cluster.put("hangs", b"x")
        wait_for(pid.exists, "the probe")
        process = int(pid.read_text())
        self.cluster.api("POST", "/jobs/%d/cancel" % job)
        wait_for(lambda: not pathlib.Path("/proc/%d" % process).exists(), "the probe's end")
        self.cluster.wait_jobs()
        # and a probe does not outlive a killed server
        pid.unlink()
        job = self.cluster.put("hangs", b"x")
        wait_for(pid.exists, "the probe")
        self.cluster.api("POST", "/jobs/%d/cancel" % job)
        self.cluster.wait_jobs()


@unittest.skipUnless(os.geteuid() == 0, "only root can mount a small disk")
class FullDisks(cluster.TestCase):
    nodes = 0
    control_options = dict(SMALL, **{"default-redundancy": "2+1"})

    def mount(self, label):
        folder = self.cluster.folder / label
        folder.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]).returncode != 0:
            self.skipTest("cannot mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
        return folder / "data"

    def test_full(self):
        """Full nodes are passed over; when too few are left the job says so, and goes on when there is room."""
        for i in range(4):
            self.cluster.add_node(data=self.mount("disk%d" % i))
        first, second = make(50, 3000000), make(51, 4500000)
        self.cluster.add("first", first)
        self.assertEqual(self.cluster.read_back("first"), first)
        self.assertTrue(all(n.shards() for n in self.cluster.nodes))

        job = self.cluster.put("second", second)
        error = self.cluster.wait_job(job, ["failed"])["error"]
        self.assertRegex(error, "2\\+1 needs 3 storage servers .* can be used")
        self.assertRegex(error, "node \\d \\(127.0.0.1:\\d+\\) (has no room|failed)")
        self.assertEqual(len(os.listdir(self.cluster.control.data / "uploads")), 1)
        self.assertEqual(self.cluster.read_back("first"), first)

        self.cluster.delete("first")
        self.cluster.wait_jobs()
        self.cluster.wait_for_nodes_clean()
        self.wait_for_room()
        self.cluster.api("POST", "/jobs/%d/resume" % job)
        self.cluster.wait_job(job)
        self.assertEqual(self.cluster.read_back("second"), second)
        self.assert_disks_clean()

    def wait_for_room(self):
        """Until the nodes' heartbeats tell of it."""
        wait_for(lambda: sum(n["free"] for n in self.cluster.api("GET", "/nodes")["nodes"]) > 4500000, "room")


if __name__ == "__main__":
    unittest.main(verbosity=2)
