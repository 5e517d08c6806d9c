#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Posters and the like: made at ingest without anybody waiting for them, and anew, of originals and of shards."""

import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

import cluster
from cluster import wait_for

PROBE = os.environ["PMSS_PROBE"]


def launch(description):
    subprocess.run(["gst-launch-1.0", "-q", *description.split()], check=True, timeout=60, stdout=subprocess.DEVNULL)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side):
    """A picture of few bytes, and of @side times @side pixels."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(side + 1)) for _ in range(side)) + packer.flush()
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) + chunk(b"IDAT", rows)
            + chunk(b"IEND", b""))


class Case(cluster.TestCase):
    nodes = 4
    control_options = {"default-redundancy": "2+1", "unit": "4KiB", "extent": "64KiB"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.material = tempfile.TemporaryDirectory(prefix="pmss-artwork-")
        cls.addClassCleanup(cls.material.cleanup)
        cls.folder = pathlib.Path(cls.material.name)
        film, tone = cls.folder / "film.webm", cls.folder / "tone.ogg"
        launch("videotestsrc num-buffers=60 ! video/x-raw,width=320,height=180,framerate=10/1 ! vp8enc keyframe-max-dist=10 ! webmmux "
               "! filesink location=%s" % film)
        launch("audiotestsrc num-buffers=200 ! vorbisenc ! oggmux ! filesink location=%s" % tone)
        cls.film, cls.tone = film.read_bytes(), tone.read_bytes()

    def artwork(self, name):
        return self.cluster.medium(name)["artwork"]

    def start(self, name):
        return self.cluster.api("POST", "/media/%s/artwork" % name, None, 202)["job"]

    def copies(self):
        folder = self.cluster.control.data / "rebuilt"
        return os.listdir(folder) if folder.exists() else []


class Artwork(Case):
    def test_of_shards(self):
        """Where no original is kept a copy is made, with a shard of each extent lost, and is gone at the end."""
        self.cluster.add("film", self.film)
        self.cluster.wait_jobs()
        before = self.artwork("film")
        self.assertEqual((before["poster"], before["sprite"], before["peaks"]), (True, True, False))
        tiles = self.cluster.api("GET", "/tiles/film")
        self.cluster.shard_path("film", 0, 0).unlink()
        job = self.cluster.wait_job(self.start("film"))
        self.assertEqual((job["type"], job["phase"], job["total"], job["done"], job["warning"]),
                         ("artwork", "picture", len(self.film), len(self.film), None))
        self.assertNotEqual(self.artwork("film")["version"], before["version"])
        self.assertEqual(self.cluster.api("GET", "/tiles/film"), tiles)
        self.assertEqual(self.copies(), [])
        # what is not there any more cannot be looked at
        for index in (1, 2):
            self.cluster.shard_path("film", 0, index).unlink()
        job = self.cluster.wait_job(self.start("film"), ("failed",))
        self.assertIn("are lost", job["error"])
        self.assertEqual(self.copies(), [])
        self.cluster.api("POST", "/jobs/%d/cancel" % job["id"])

    def test_of_an_original(self):
        """The original is looked at where it lies: no node is asked."""
        self.cluster.add("kept", self.film, keep_original="true")
        self.cluster.wait_jobs()
        for extent in range(len(self.film) // 65536 + 1):
            for index in range(3):
                self.cluster.shard_path("kept", extent, index).unlink()
        before = self.artwork("kept")["version"]
        self.assertEqual(self.cluster.wait_job(self.start("kept"))["total"], 0)
        self.assertNotEqual(self.artwork("kept")["version"], before)

    def test_of_sound(self):
        self.cluster.add("tone", self.tone)
        self.cluster.wait_jobs()
        self.assertEqual((self.artwork("tone")["poster"], self.artwork("tone")["peaks"]), (False, True))

    def test_of_nothing(self):
        """Noise, and a picture that is none: no pictures, and nothing that failed."""
        self.cluster.add("noise", random.Random(1).randbytes(100000))
        job = self.cluster.wait_job(self.start("noise"))
        self.assertIn("no picture and no sound", job["warning"])
        self.assertEqual((job["done"], self.artwork("noise")), (0, None))
        # what is called a film may lack no more than a demuxer: it is looked at
        self.cluster.add("film.mp4", b"no film at all", content_type="video/mp4")
        self.assertIn("can be decoded here", self.cluster.wait_job(self.start("film.mp4"))["warning"])
        medium = self.cluster.add("bomb.png", bomb(20000))
        self.assertEqual(medium["state"], "ready")
        self.cluster.wait_jobs(120 * cluster.PATIENCE)
        self.assertIsNone(self.artwork("bomb.png"))
        failed = self.cluster.api("GET", "/jobs?state=failed")["jobs"]
        self.assertNotIn("bomb.png", [job["medium"] for job in failed])
        self.assertTrue(self.cluster.control.running())

    def test_no_room(self):
        """A copy takes nothing of what the disk has to keep free."""
        self.cluster.add("large", self.film)
        self.cluster.wait_jobs()
        self.cluster.control.stop()
        self.cluster.control.start(min_free=str(1 << 60))
        try:
            self.cluster.wait_nodes()
            job = self.cluster.wait_job(self.start("large"), ("failed",))
            self.assertIn("no room for a copy", job["error"])
            self.assertEqual(self.copies(), [])
            self.assertEqual(self.cluster.medium("large")["state"], "ready")
        finally:
            self.cluster.restart_control()
        self.cluster.wait_nodes()
        self.cluster.api("POST", "/jobs/%d/resume" % job["id"])
        self.cluster.wait_job(job["id"])

    def test_interrupted_copies(self):
        """Paused, killed, cancelled while the shards are read: the copy goes, the job goes on."""
        content = self.film + random.Random(2).randbytes(1 << 20)
        self.cluster.add("long", content)
        self.cluster.wait_jobs()
        job = self.start("long")
        self.cluster.api("POST", "/jobs/%d/limit" % job, {"rate_limit": 800000})
        self.assertEqual(self.start("long"), job)

        def wait_copying():
            wait_for(lambda: self.cluster.job(job)["done"] > 0 and self.copies(), "the copy to grow")
        wait_copying()
        self.cluster.api("POST", "/jobs/%d/pause" % job)
        wait_for(lambda: not self.copies(), "the copy of a paused job to go")
        self.cluster.api("POST", "/jobs/%d/resume" % job)
        wait_copying()
        self.cluster.control.kill()
        self.assertNotEqual(self.copies(), [])
        self.cluster.control.start()
        self.cluster.wait_nodes()
        wait_copying()
        self.assertEqual(len(self.copies()), 1)
        self.cluster.api("POST", "/jobs/%d/cancel" % job)
        wait_for(lambda: not self.copies(), "the copy of a cancelled job to go")
        self.assertEqual(self.cluster.medium("long")["state"], "ready")
        self.assertIsNotNone(self.artwork("long"))
        # the medium goes while its pictures are made
        job = self.start("long")
        self.cluster.api("POST", "/jobs/%d/limit" % job, {"rate_limit": 800000})
        wait_copying()
        self.cluster.delete("long")
        wait_for(lambda: not self.copies(), "the copy of a deleted medium to go")
        self.cluster.wait_jobs()


class Beside(Case):
    """Of what takes its time to be striped, pictures are made meanwhile."""

    control_options = dict(Case.control_options, **{"stripe-rate": "8000000"})

    def test_while_striping(self):
        self.cluster.add("large", self.film + random.Random(3).randbytes(5 << 20))
        self.assertTrue(self.artwork("large")["sprite"])
        self.assertEqual({job["type"] for job in self.cluster.api("GET", "/jobs")["jobs"]}, {"ingest"})


class Hanging(Case):
    """Where pictures take for ever: everything else goes on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        plugins = cls.folder / "plugins"
        plugins.mkdir()
        shutil.copy(os.environ["PMSS_HANGING_DECODER"], plugins)
        cls.hang = cls.folder / "hang"
        cls.probe = cls.folder / "probe"
        # the decoder hangs for pictures alone, and while the file is there
        cls.probe.write_text("""#!/bin/sh
case "$*" in *--artwork*) if test -e %s; then export GST_PLUGIN_PATH_1_0=%s GST_REGISTRY=%s; fi ;; esac
exec %s "$@"
""" % (cls.hang, plugins, cls.folder / "registry", PROBE))
        cls.probe.chmod(0o755)
        cls.cluster.control.environment["PMSS_PROBE"] = str(cls.probe)
        cls.cluster.restart_control()
        cls.cluster.wait_nodes()

    def setUp(self):
        self.hang.touch()

    def job_of(self, name):
        """The one that makes the pictures of @name, when it does."""
        def look():
            jobs = [job for job in self.cluster.api("GET", "/jobs?state=running")["jobs"]
                    if (job["type"], job["medium"]) == ("artwork", name) and (job["phase"] or "").startswith("picture")]
            return jobs and jobs[0]
        return wait_for(look, "the pictures of " + name)

    def test_deadline(self):
        """The probe ends in its time, with what it has by then."""
        done = subprocess.run([self.probe, "--artwork", "--deadline", str(3 * cluster.PATIENCE), self.folder / "film.webm"],
                              capture_output=True, timeout=4 * cluster.PATIENCE + 10, check=True)
        self.assertEqual([*json.loads(done.stdout).values()], [None] * 5)

    def test_nobody_waits(self):
        """A medium is ready without its pictures, which a job makes afterwards."""
        self.assertEqual(self.cluster.add("waiting/1", self.film)["state"], "ready")
        self.assertEqual(self.cluster.read_back("waiting/1"), self.film)
        self.assertIsNone(self.artwork("waiting/1"))
        job = self.job_of("waiting/1")
        # ingests do not wait for it, nor does a stop
        self.cluster.add("waiting/2", self.film, keep_original="true")
        self.cluster.add("waiting/3", b"x")
        self.hang.unlink()
        self.cluster.restart_control(kill=False)
        self.cluster.wait_nodes()
        self.assertIsNone(self.cluster.wait_job(job["id"])["warning"])
        self.cluster.wait_jobs()
        for name in ("waiting/1", "waiting/2"):
            self.assertTrue(self.artwork(name)["sprite"])
        self.assertIsNone(self.artwork("waiting/3"))
        self.assertEqual(self.copies(), [])

    def test_cancelled(self):
        self.cluster.add("cancelled", self.film)
        job = self.job_of("cancelled")
        self.assertEqual(len(self.copies()), 1)
        self.cluster.api("POST", "/jobs/%d/cancel" % job["id"])
        wait_for(lambda: not self.copies(), "the copy to go")
        self.assertEqual(self.cluster.medium("cancelled")["state"], "ready")

    def test_control_killed(self):
        """Once, and the job goes on; twice, and the file is not looked at again by itself."""
        self.cluster.add("deadly", self.film)
        job = self.job_of("deadly")["id"]
        for phase in ("picture", "picture-again"):
            # its phase is told when it has begun anew
            wait_for(lambda: self.job_of("deadly")["phase"] == phase, "the phase " + phase)
            self.cluster.restart_control()
            self.cluster.wait_nodes()
        self.assertIn("interrupted twice", self.cluster.wait_job(job)["warning"])
        self.assertEqual(self.copies(), [])
        self.hang.unlink()
        self.assertIsNone(self.cluster.wait_job(self.start("deadly"))["warning"])
        self.assertTrue(self.artwork("deadly")["poster"])
        self.assert_disks_clean()


if __name__ == "__main__":
    unittest.main(verbosity=2)
