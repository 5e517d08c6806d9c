#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-probe over files of many kinds, good and bad ones."""

import base64
import csv
import http.server
import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import tempfile
import threading
import unittest
import zipfile
import zlib

PROBE = os.environ["PMSS_PROBE"]
SOURCE = pathlib.Path(__file__).resolve().parents[2]
MEDIA = pathlib.Path(os.environ.get("PMSS_TEST_MEDIA")
                     or SOURCE.parent / "shared" / "media")
# a sanitizer's build is slow
PATIENCE = 6 if os.environ.get("TSAN_OPTIONS") or os.environ.get("ASAN_OPTIONS") else 1
KEYS = {"content_type", "container", "duration_ns", "streams", "tags", "missing",
        "avg_bitrate", "peak_bitrate_1s", "peak_bitrate_10s", "demand"}
NUMBERS = ("duration_ns", "avg_bitrate", "peak_bitrate_1s", "peak_bitrate_10s")


def run(path, *options, timeout=60 * PATIENCE, env=None):
    return subprocess.run([PROBE, *options, str(path)], timeout=timeout, env=dict(os.environ, **(env or {})),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def launch(description):
    subprocess.run(["gst-launch-1.0", "-q", *description.split()], check=True,
                   timeout=60, stdout=subprocess.DEVNULL)


class Probe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        signal.alarm(240 * PATIENCE)
        cls.folder = tempfile.TemporaryDirectory(prefix="pmss-probe-")
        cls.dir = pathlib.Path(cls.folder.name)
        cls.film = cls.dir / "film.webm"
        launch("webmmux name=m ! filesink location=%s "
               "videotestsrc num-buffers=300 pattern=ball "
               "! video/x-raw,width=160,height=120,framerate=25/1 "
               "! vp8enc deadline=1 ! m. "
               "audiotestsrc num-buffers=517 samplesperbuffer=1024 ! vorbisenc ! m."
               % cls.film)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def probe(self, path, *options, env=None):
        result = run(path, *options, env=env)
        self.assertEqual(result.returncode, 0, result.stderr)
        found = json.loads(result.stdout)
        self.assertEqual(set(found), KEYS)
        self.assertIsInstance(found["content_type"], str)
        return found

    def check_rates(self, found, path):
        size = path.stat().st_size
        average = size * 8e9 / found["duration_ns"]
        self.assertAlmostEqual(found["avg_bitrate"], average, delta=2)
        self.assertGreaterEqual(found["peak_bitrate_10s"], found["avg_bitrate"])
        self.assertGreaterEqual(found["peak_bitrate_1s"], found["peak_bitrate_10s"])
        self.assertLess(found["peak_bitrate_1s"], 12 * average)
        # slots of two seconds, from the first bytes to the last
        self.assertEqual(sum(found["demand"]), size)
        self.assertAlmostEqual(len(found["demand"]), found["duration_ns"] / 2e9, delta=1)

    def test_film(self):
        found = self.probe(self.film)
        self.assertEqual(found["content_type"], "video/webm")
        self.assertEqual(sorted(s["type"] for s in found["streams"]),
                         ["audio", "video"])
        video = [s for s in found["streams"] if s["type"] == "video"][0]
        self.assertEqual((video["width"], video["height"]), (160, 120))
        self.assertIn("VP8", video["codec"])
        self.assertAlmostEqual(found["duration_ns"], 12e9, delta=2e8)
        self.check_rates(found, self.film)

    def test_title(self):
        """Of the file, not of its tracks: each muxer of Matroska names those "Audio" and "Video"."""
        self.assertNotIn("title", self.probe(self.film)["tags"])
        path = self.dir / "titled.mkv"
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(self.film), "-c", "copy", "-metadata", "title=Sintel", "-metadata:s:a:0", "title=Commentary", str(path)],
                       check=True, stdin=subprocess.DEVNULL)
        self.assertEqual(self.probe(path)["tags"]["title"], "Sintel")
        path = self.dir / "song.ogg"
        launch("audiotestsrc num-buffers=50 ! taginject tags=title=Song ! vorbisenc ! oggmux ! filesink location=%s" % path)
        self.assertEqual(self.probe(path)["tags"]["title"], "Song")

    def test_peak_is_found(self):
        """Ten seconds of black, one of noise, four of black: the peaks are those of the noisy second."""
        path = self.dir / "peak.mkv"
        part = ("videotestsrc num-buffers=%d pattern=%s "
                "! video/x-raw,width=64,height=64,framerate=10/1 ! jpegenc ! c. ")
        launch("concat name=c ! matroskamux ! filesink location=%s " % path
               + part % (100, "black") + part % (10, "snow") + part % (40, "black"))
        found = self.probe(path)
        self.check_rates(found, path)
        self.assertAlmostEqual(found["duration_ns"], 15e9, delta=2e8)
        self.assertGreater(found["peak_bitrate_1s"], 2 * found["peak_bitrate_10s"])
        self.assertGreater(found["peak_bitrate_10s"], 1.05 * found["avg_bitrate"])
        self.assertEqual(found["demand"].index(max(found["demand"])), 5)

    def test_missing_plugins(self):
        """A decoder or demuxer that is not there is named, for what plays; for other files there is nothing to name."""
        self.assertEqual(self.probe(self.film)["missing"], [])
        without = {"GST_PLUGIN_FEATURE_RANK": "vp8dec:NONE,avdec_vp8:NONE"}
        found = self.probe(self.film, env=without)
        self.assertEqual(found["missing"], ["VP8 decoder"])
        self.assertIsNotNone(found["duration_ns"])
        found = self.probe(self.film, env={"GST_PLUGIN_FEATURE_RANK": "matroskademux:NONE"})
        self.assertEqual(len(found["missing"]), 1)
        self.assertRegex(found["missing"][0], "WebM|Matroska")
        self.assertIsNone(found["duration_ns"])
        archive = self.dir / "a.zip"
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("a", b"a" * 1000)
        found = self.probe(archive)
        self.assertEqual(found["missing"], [])
        self.assertIsNone(found["demand"])

    def test_not_media(self):
        cases = {"empty": b"", "one": b"x", "text.txt": b"Hello there.\n" * 100,
                 "noise": random.Random(1).randbytes(1 << 20),
                 "zeros": bytes(1 << 20)}
        for name, content in cases.items():
            with self.subTest(name):
                path = self.dir / name
                path.write_bytes(content)
                found = self.probe(path)
                self.assertEqual(found["missing"], [])
                for key in NUMBERS:
                    self.assertIsNone(found[key])
                self.assertIn("/", found["content_type"])

    def test_damaged(self):
        """Cut and altered films may say anything in a well-formed way, or end; they do not hang."""
        rng = random.Random(7)
        good = self.film.read_bytes()
        path = self.dir / "damaged.webm"
        for cut in (10, 100, 5000, len(good) // 2, len(good) - 1):
            path.write_bytes(good[:cut])
            self.probe(path, "--deadline", "10")
        for _ in range(12):
            bad = bytearray(good)
            for _ in range(rng.choice((1, 10, 1000))):
                bad[rng.randrange(len(bad))] = rng.randrange(256)
            path.write_bytes(bad)
            result = run(path, "--deadline", "10")
            if result.returncode == 0:
                self.assertEqual(set(json.loads(result.stdout)), KEYS)

    def test_fetches_nothing(self):
        """A playlist is a file like any other: what it names is not asked for."""
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_error(404)

            do_HEAD = do_GET

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = "http://127.0.0.1:%d" % server.server_address[1]
            files = {
                "list.m3u8": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n"
                             "#EXTINF:10,\n%s/a.ts\n#EXT-X-ENDLIST\n" % url,
                "list.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"'
                            ' profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"'
                            ' type="static" mediaPresentationDuration="PT10S"><Period>'
                            '<AdaptationSet mimeType="video/mp4"><Representation id="1"'
                            ' bandwidth="1"><BaseURL>%s/b.mp4</BaseURL></Representation>'
                            '</AdaptationSet></Period></MPD>' % url,
                "list.uri": "%s/c.mp4\n" % url,
            }
            for name, content in files.items():
                (self.dir / name).write_text(content)
                self.assertEqual(self.probe(self.dir / name)["missing"], [])
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
        self.assertEqual(asked, [])

    def artwork(self, path, *options):
        result = run(path, "--artwork", *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_artwork(self):
        """A film has a poster and small pictures, each of a key frame and with its time; a tone has peaks."""
        film = self.artwork(self.film)
        for part in ("poster", "sprite"):
            self.assertTrue(base64.b64decode(film[part]).startswith(b"\xff\xd8\xff"))
        self.assertLessEqual(len(base64.b64decode(film["thumbhash"])), 28)
        self.assertEqual(film["tiles"], sorted(set(film["tiles"])))
        self.assertIsNone(film["peaks"])
        tone = self.dir / "tone.ogg"
        launch("audiotestsrc num-buffers=100 volume=0.5 ! vorbisenc ! oggmux ! filesink location=%s" % tone)
        found = self.artwork(tone)
        self.assertEqual((found["poster"], len(found["peaks"])), (None, 1000))
        self.assertAlmostEqual(max(found["peaks"]), 0.5, delta=0.1)

    def test_artwork_without_key_frames(self):
        """Between few key frames the others are decoded: a tile each second, at its real time."""
        path = self.dir / "one-key-frame.webm"
        launch("videotestsrc num-buffers=60 ! video/x-raw,width=320,height=180,framerate=10/1 ! vp8enc keyframe-max-dist=1000 "
               "! webmmux ! filesink location=%s" % path)
        found = self.artwork(path)
        self.assertEqual([round(time / 1e8) for time in found["tiles"]], [0, 10, 20, 30, 40, 50])
        self.assertIsNotNone(found["sprite"])

    def test_artwork_of_sound_of_unknown_length(self):
        """Half of it loud, half of it quiet, as it is at its end."""
        path = self.dir / "tone.aac"
        launch("concat name=c ! audioconvert ! avenc_aac ! aacparse ! audio/mpeg,stream-format=adts ! filesink location=%s "
               "audiotestsrc num-buffers=200 volume=0.9 ! c. audiotestsrc num-buffers=200 volume=0.1 ! c." % path)
        peaks = self.artwork(path)["peaks"]
        self.assertEqual(len(peaks), 1000)
        self.assertGreater(min(peaks[50:450]), 0.7)
        self.assertLess(max(peaks[550:]), 0.2)
        self.assertGreater(min(peaks[550:950]), 0.05)

    def test_artwork_of_what_has_none(self):
        """Nothing, noise, a cut film, and a picture that is too large to be one: an answer in time."""
        good = self.film.read_bytes()
        packer = zlib.compressobj(9)
        rows = b"".join(packer.compress(bytes(20001)) for _ in range(20000)) + packer.flush()
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", 20000, 20000, 8, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
        bomb = b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                                               for kind, data in chunks)
        for name, content in {"empty": b"", "noise": random.Random(3).randbytes(1 << 16), "bomb.png": bomb,
                              "head.webm": good[:300]}.items():
            with self.subTest(name):
                path = self.dir / ("art-" + name)
                path.write_bytes(content)
                found = self.artwork(path, "--deadline", "10")
                self.assertIsNone(found["poster"])
        path.write_bytes(good[:len(good) // 2])
        self.artwork(path, "--deadline", "10")

    def test_name_helps_a_guess(self):
        path = self.dir / "upload"
        path.write_text("body { color: red }\n")
        self.assertEqual(self.probe(path, "--name", "a/b.css")["content_type"], "text/css")

    def test_usage(self):
        self.assertEqual(run(self.dir / "absent").returncode, 66)
        self.assertEqual(run(self.dir).returncode, 66)
        self.assertEqual(run(self.film, "--deadline", "0").returncode, 64)

    @unittest.skipUnless((MEDIA / "MANIFEST.tsv").exists(),
                         "no folder of real media (PMSS_TEST_MEDIA)")
    def test_real_media(self):
        with open(MEDIA / "MANIFEST.tsv", newline="") as manifest:
            rows = list(csv.DictReader(manifest, delimiter="\t"))
        for row in rows:
            with self.subTest(row["file"]):
                path = MEDIA / row["file"]
                found = self.probe(path)
                kinds = {s["type"] for s in found["streams"]}
                if row["duration_s"] == "-":
                    self.assertIsNone(found["duration_ns"])
                    self.assertEqual(kinds, {"image"})
                    continue
                # what the manifest says of bare AAC is an estimate
                delta = 2.5 if row["file"].endswith(".aac") else 0.1
                self.assertAlmostEqual(found["duration_ns"] / 1e9,
                                       float(row["duration_s"]), delta=delta)
                self.check_rates(found, path)
                if row["audio_codec"] not in ("", "-"):
                    self.assertIn("audio", kinds)
                if row["video_codec"] not in ("", "-", "mjpeg"):
                    self.assertIn("video", kinds)


    @unittest.skipIf(PATIENCE > 1, "decoders are not ours, and slow under sanitizers")
    @unittest.skipUnless((MEDIA / "MANIFEST.tsv").exists(),
                         "no folder of real media (PMSS_TEST_MEDIA)")
    def test_artwork_of_real_media(self):
        """All films have a poster and small pictures, all sounds their loudness, a picture a poster."""
        with open(MEDIA / "MANIFEST.tsv", newline="") as manifest:
            rows = list(csv.DictReader(manifest, delimiter="\t"))
        for row in rows:
            with self.subTest(row["file"]):
                found = self.artwork(MEDIA / row["file"], "--deadline", str(60 * PATIENCE))
                video, still = row["video_codec"] not in ("", "-", "mjpeg"), row["duration_s"] == "-"
                if video or still:
                    self.assertIsNotNone(found["poster"])
                    self.assertIsNotNone(found["thumbhash"])
                self.assertEqual(found["sprite"] is not None, video)
                self.assertEqual(found["peaks"] is not None, not video and not still)
                if video:
                    self.assertGreater(len(found["tiles"]), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
