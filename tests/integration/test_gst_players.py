#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""GStreamer's players and tools, and those of others, on pmss:// as on file://."""

import os
import pty
import re
import unittest

import small_media
from gst_cluster import EXERCISE, GstCase, HEADLESS, MEDIA, need

# What is made here: (pipeline up to the file, name)
MADE = (
    ("videotestsrc num-buffers=300 pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1 ! theoraenc "
     "! oggmux name=m audiotestsrc num-buffers=430 ! vorbisenc ! m. m.", "made.ogv"),
    ("videotestsrc num-buffers=300 pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1 ! vp8enc deadline=1 "
     "keyframe-max-dist=30 ! webmmux name=m audiotestsrc num-buffers=430 ! vorbisenc ! m. m.", "made.webm"),
    ("videotestsrc num-buffers=300 pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1 ! jpegenc "
     "! qtmux name=m audiotestsrc num-buffers=430 ! m. m.", "made.mov"),
)
# Without a demuxer and a parser: what they are is found out by pulling, and what there is is pushed then
PICTURES = (
    ("videotestsrc num-buffers=1 ! video/x-raw,width=320,height=240 ! jpegenc", "made.jpg"),
    ("videotestsrc num-buffers=1 ! video/x-raw,width=320,height=240 ! webpenc", "made.webp"),
)
# Real ones, of each container; the last has its index at the end and is larger than 4 MiB
REAL = ("bbb-360p-h264-aac-srt.mkv", "bbb-184p-h264-aac.ts", "elf-480p-vp8-vorbis.webm", "outfoxing-vbr.mp3",
        "crystal-480p-h264-aac.flv", "bbb-trailer-cif-mpeg4-aac.avi", "flac-20bit.flac", "flac01-pcm16.wav",
        "Kevin MacLeod - Vibe Ace.ogg", "bbb-480p-h264-aac-fragmented.mp4", "bbb-480p-h264-aac-faststart.mp4",
        "bbb-288p-h264-aac-moov-end.mp4")


# oggdemux looks for the duration by a seek, and where it is pushed to others ask meanwhile: over HTTP, too, the answer is
# then an estimate, or even an error
OGG = (".ogg", ".ogv", ".opus")
PUSHED = ("playbin", "uridecodebin")
# With buffering off, GStreamer 1.22 never prerolls some transport streams: one stream of decodebin3's is blocked while
# tsdemux fills the other's queue. It is so over HTTP, too
STUCK = {".ts": ("playbin3-plain", "uridecodebin3")}

UNIT = 256 * 1024


class PlayerCase(GstCase):
    timeout = 900

    def make(self, pipeline, name):
        """A film of ten seconds: its path and its URI."""
        path = self.cluster.folder / name
        if not path.exists():
            self.execute("gst-launch-1.0", "-q", *pipeline.split(), "!", "filesink", "location=%s" % path)
        return path, self.add_file(name, path)

    def films(self):
        """All that there are: path and URI of each."""
        return [self.make(*made) for made in MADE] + [self.medium(name) for name in REAL if (MEDIA / name).exists()]

    def small(self, name):
        path = self.cluster.folder / name
        path.write_bytes(small_media.ALL[name]())
        return path, self.add_file(name, path)

    def media(self):
        """Every medium that there is, of all kinds: path and URI of each."""
        made = [self.make(*made) for made in MADE + PICTURES] + [self.small(name) for name in small_media.ALL]
        real = sorted(path.name for path in MEDIA.iterdir() if path.suffix != ".tsv") if MEDIA.exists() else []
        return made + [self.medium(name) for name in real]

    def film(self):
        return self.make(*MADE[1])

    def trailing_index(self):
        return self.medium("bbb-288p-h264-aac-moov-end.mp4")

    def stats(self, out):
        line = re.search(r"^stats (.*)$", out, re.M).group(1).split(", nodes=")[0]
        return {key: int(value) for key, value in re.findall(r"([\w-]+)=\(guint64\)(\d+)", line)}


class Seeks(PlayerCase):
    def test_as_file(self):
        """What demuxers put out, whole and after seeks forward, backward, with stop, and in reverse: the same to the last byte."""
        for path, uri in self.films():
            with self.subTest(name=path.name):
                self.assertEqual(self.exercise("seeks", uri), self.exercise("seeks", path.as_uri()))


class Discoverer(PlayerCase):
    """gst-discoverer says of a medium what it says of the file; its tags are left out, which come or not as threads will."""

    # Sources of the network get a queue behind them, and demuxers work in push mode then. These know less in that mode,
    # over HTTP just so: tsdemux and qtdemux (of fragments) estimate the duration, wavparse does not ask if it can seek.
    LESS_IN_PUSH = {".ts": "Duration", ".wav": "Seekable", "bbb-480p-h264-aac-fragmented.mp4": "Duration"}

    def lines(self, uris, wrapper=()):
        """What is said of each, in one process."""
        out = self.execute(*wrapper, need("gst-discoverer-1.0"), "-v", *uris)
        parts = re.split(r"(?m)^Done discovering .*$", out)[1:]
        return [sorted(re.sub(r" #\d+", "", line) for line in re.findall(
            r"(?m)^\s*((?:Duration|Seekable|container|audio|video|subtitles|Width|Height|Channels|Sample rate|"
            r"Frame rate|Pixel aspect ratio)(?: #\d+)?: [^,\n]*|An error.*|Missing plugins)", part)) for part in parts]

    # Its answer to SEEKING is in bytes, and a discoverer of 1.22 asks everything after it in that format: it comes last.
    SPOILS_WHAT_FOLLOWS = ".wav"

    def test_as_file(self):
        media = [(path, uri) for path, uri in self.media() if path.suffix not in OGG]
        media.sort(key=lambda medium: medium[0].suffix == self.SPOILS_WHAT_FOLLOWS)
        found, wanted = (self.lines(uris) for uris in ([uri for _, uri in media], [path.as_uri() for path, _ in media]))
        self.assertEqual((len(found), len(wanted)), (len(media), len(media)))
        for (path, _), some, same in zip(media, found, wanted):
            with self.subTest(name=path.name):
                less = self.LESS_IN_PUSH.get(path.name) or self.LESS_IN_PUSH.get(path.suffix) or "nothing"
                self.assertTrue(some)
                self.assertEqual(*([line for line in lines if not line.startswith(less)] for lines in (some, same)))


    def test_many(self):
        """One discoverer has one pipeline for all that it looks at: the descriptors do not grow in number."""
        _, uri = self.film()
        parts = self.lines(100 * [uri], wrapper=("prlimit", "--nofile=72"))
        self.assertEqual(len(parts), 100)
        self.assertEqual({str(part) for part in parts}, {str(parts[0])})
        self.assertIn("Duration", str(parts[0]))


class Ways(PlayerCase):
    """Every medium in every element that takes a URI: what it prerolls with is the same as with the file."""

    def ways(self, uris):
        """What was printed for each, less what threads decide."""
        out = self.execute(EXERCISE, "ways", *uris, G_DEBUG="fatal-criticals")
        return [re.findall(r"(?m)^\w.*$", part) for part in re.split(r"(?m)^medium \d+\n", out)[1:]]

    def comparable(self, path, lines):
        """What of these lines is the same with every source."""
        differ = PUSHED if path.suffix in OGG else STUCK.get(path.suffix, ())
        return [line for line in lines if line.split(":")[0] not in differ]

    def assert_same(self, path, uri, some, same):
        """Where a demuxer finds its streams one after the other, as in FLV, threads decide whether a player has prerolled
        before the last one: then it is tried again, the file as well."""
        for _ in range(3):
            if self.comparable(path, some) == self.comparable(path, same):
                return
            (some,), (same,) = self.ways([uri]), self.ways([path.as_uri()])
        self.assertEqual(self.comparable(path, some), self.comparable(path, same))

    def test_as_file(self):
        media = self.media()
        found, wanted = (self.ways(uris) for uris in ([uri for _, uri in media], [path.as_uri() for path, _ in media]))
        self.assertEqual(len(found), len(media))
        for (path, uri), some, same in zip(media, found, wanted):
            with self.subTest(name=path.name):
                # each of the five says something
                self.assertEqual(len({line.split(":")[0] for line in some}), 5)
                self.assert_same(path, uri, some, same)
        played = {path.suffix for (path, _), some in zip(media, wanted) if "cannot be played" not in str(some)}
        self.assertLessEqual({".ogv", ".webm", ".mov", ".jpg"}, played)


class Players(PlayerCase):
    def test_playbin_buffers(self):
        """The players' own buffering is on, for it is a network's source."""
        for player in ("playbin", "playbin3"):
            for _, uri in (self.make(*MADE[1]), self.make(*MADE[2])):
                with self.subTest(player=player, uri=uri):
                    out = self.exercise("play", player, uri)
                    self.assertNotRegex(out, r"(?m)^error ")
                    self.assertGreater(int(re.search(r"buffering (\d+)", out).group(1)), 0)

    def test_trailing_index(self):
        """An index at the end of a large file costs a jump or two, not one a sample."""
        _, uri = self.trailing_index()
        size = os.path.getsize(MEDIA / "bbb-288p-h264-aac-moov-end.mp4")
        units = -(-size // UNIT)
        for player in ("playbin", "playbin3"):
            with self.subTest(player=player):
                out = self.exercise("play", player, uri)
                self.assertNotRegex(out, r"(?m)^error ")
                stats = self.stats(out)
                # and what is asked of others because a node is late, whose two connections are given up
                more = stats["extra"] + stats["hedged"] + 2 * stats["late"]
                self.assertLessEqual(stats["requests"], units + 8 + more)
                self.assertLessEqual(stats["bytes"], size * 1.1 + more * UNIT)

    def test_trailing_index_push(self):
        """With a queue in between there is no pull mode: the demuxer seeks, and seldom."""
        _, uri = self.trailing_index()
        out = self.execute("gst-launch-1.0", "pmsssrc", "location=%s" % uri, "!", "queue", "!", "qtdemux", "name=d",
                           "d.video_0", "!", "queue", "!", "fakesink", "d.audio_0", "!", "queue", "!", "fakesink",
                           GST_DEBUG="basesrc:4", GST_DEBUG_NO_COLOR="1")
        seeks = len(re.findall(r"gst_base_src_do_seek.*seeking: ", out))
        self.assertGreaterEqual(seeks, 2)       # the first is the start
        self.assertLessEqual(seeks, 4)

    def test_download(self):
        _, uri = self.film()
        out = self.execute("gst-launch-1.0", "-m", "playbin", "uri=%s" % uri, "flags=0x97",
                           "video-sink=fakesink", "audio-sink=fakesink")
        self.assertNotIn("ERROR", out)

    def test_gst_play(self):
        _, uri = self.film()
        for more in ((), ("--use-playbin3",)):
            with self.subTest(more=more):
                out = self.execute(need("gst-play-1.0"), "--no-interactive", "-q", *more, *HEADLESS, uri)
                self.assertNotIn("ERROR", out)

    def test_transcoder(self):
        _, uri = self.film()
        target = self.cluster.folder / "transcoded.ogg"
        self.execute(need("gst-transcoder-1.0"), uri, target.as_uri(), "application/ogg:audio/x-vorbis")
        self.assertGreater(target.stat().st_size, 1000)

    def test_thumbnailer(self):
        need("totem-video-thumbnailer")
        path, uri = self.film()
        pictures = []
        for source in (uri, path.as_uri()):
            picture = self.cluster.folder / ("thumbnail%d.png" % len(pictures))
            self.execute("totem-video-thumbnailer", "-s", "128", source, picture, timeout=60)
            pictures.append(picture.read_bytes())
        self.assertTrue(pictures[0].startswith(b"\x89PNG"))
        # the same frame, but for the URI that is written into the picture
        self.assertAlmostEqual(len(pictures[0]), len(pictures[1]), delta=200)

    def test_gst123(self):
        need("gst123")
        path, uri = self.make("audiotestsrc num-buffers=40 ! flacenc", "made.flac")
        # it reads keys from a terminal, and never ends without one
        keys, terminal = pty.openpty()
        try:
            for some in (uri, path.as_uri()):
                out = self.execute("gst123", "-a", "none", "-x", some, stdin=terminal, TERM="dumb", timeout=60)
                self.assertNotIn("error", out.lower())
        finally:
            os.close(keys)
            os.close(terminal)

    def test_inspect(self):
        out = self.execute("gst-inspect-1.0", "pmsssrc", G_DEBUG="fatal-warnings")
        self.assertIn("Source/Network", out)
        out = self.execute("gst-inspect-1.0", "--uri-handlers")
        self.assertRegex(out, r"pmsssrc \(read, rank \d+\): .*pmss")


if __name__ == "__main__":
    unittest.main()
