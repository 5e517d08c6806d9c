# SPDX-License-Identifier: LGPL-2.1-or-later
"""Players that know nothing of PMSS, on media over plain HTTP: what they get through control, and from the gateway, is what they get from the file."""

import json
import os
import pathlib
import random
import subprocess
import sys
import unittest

import authority
import cluster
from gst_cluster import EXERCISE, GstCase, need

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

from benchmarks import nginx  # noqa: E402

SOURCES = ("videotestsrc num-buffers=300 pattern=ball ! video/x-raw,width=%s,framerate=30/1 ! %s "
           "audiotestsrc num-buffers=430 ! %s m. m.")
# the second has its index at the end, and is large
FILMS = {
    "made.webm": SOURCES % ("320,height=240", "vp8enc deadline=1 keyframe-max-dist=30 ! webmmux name=m", "vorbisenc !"),
    "made.mov": SOURCES % ("800,height=600", "jpegenc quality=100 ! qtmux name=m", ""),
}
SIZE = 3 * 1024 * 1024 + 4321
NAME = "random/ä b%?#&+.bin"
RANGES = 1000


class PlayerCase(GstCase):
    nodes = 4
    control_options = {"default-redundancy": "2+1", "unit": "16KiB", "extent": "256KiB"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.content = random.Random(1).randbytes(SIZE)
        cls.cluster.add(NAME, cls.content)

    def control_url(self, name):
        return self.cluster.url + "/media/" + cluster.encode_name(name)

    def gateway_url(self, name):
        status, headers, body = self.cluster.request("GET", "/media/" + cluster.encode_name(name))
        self.assertEqual(status, 307, body)
        return headers["Location"]

    @property
    def authorization(self):
        return "Authorization: Bearer " + self.cluster.token

    def film(self, name):
        """Its path; it is on the cluster, too."""
        path = self.cluster.folder / name
        if not path.exists():
            self.execute("gst-launch-1.0", "-q", *FILMS[name].split(), "!", "filesink", "location=%s" % path)
            self.add_file(name, path)
        return path

    def ways(self, name):
        """URLs of a medium for a program that shows the login's token in a header, which a gateway does not look at."""
        return self.control_url(name), self.gateway_url(name)

    def output(self, name="out"):
        path = self.cluster.folder / name
        path.unlink(missing_ok=True)
        return path


class Curl(PlayerCase):
    def curl(self, *words):
        return self.execute(need("curl"), "-sS", "-L", "-H", self.authorization, *(["--cacert", self.ca] if self.ca else []), *words)

    def test_whole(self):
        for url in self.ways(NAME):
            out = self.output()
            self.curl("--fail", "-o", out, url)
            self.assertEqual(out.read_bytes(), self.content)

    def test_head(self):
        for url in self.ways(NAME):
            head = self.curl("-I", url)
            self.assertRegex(head, r"(?im)^content-length: %d\r?$" % SIZE)
            self.assertRegex(head, r"(?im)^accept-ranges: bytes\r?$")

    def test_ranges(self):
        """In one process, which keeps its connections."""
        dice = random.Random(2)
        folder = self.cluster.folder / "ranges"
        folder.mkdir(exist_ok=True)
        for url in self.ways(NAME):
            ranges = []
            for _ in range(RANGES):
                first = dice.randrange(SIZE)
                ranges.append((first, min(SIZE - 1, first + dice.choice([0, 1, 100, 4096, 70000, 300000]))))
            config = self.output("curl.conf")
            config.write_text("next\n".join('url = "%s"\noutput = "%s/%d"\nrange = "%d-%d"\nfail\nsilent\nlocation\nheader = "%s"\n%s' % (
                url, folder, i, *ends, self.authorization, 'cacert = "%s"\n' % self.ca if self.ca else "") for i, ends in enumerate(ranges)))
            self.execute("curl", "-K", config, timeout=240)
            for i, (first, last) in enumerate(ranges):
                self.assertEqual((folder / str(i)).read_bytes(), self.content[first:last + 1])

    def test_conditions(self):
        for url in self.ways(NAME):
            # one answer's ETag: control's has none
            etag = [line.split(" ", 1)[1].strip() for line in self.curl("-I", url).splitlines() if line.lower().startswith("etag:")][-1]
            for condition, wanted in ((etag, self.content[5:10]), ('"other"', self.content)):
                out = self.output()
                self.curl("-r", "5-9", "-H", "If-Range: " + condition, "-o", out, url)
                self.assertEqual(out.read_bytes(), wanted)
            beyond = self.curl("-r", "%d-" % SIZE, "-o", os.devnull, "-w", "%{http_code}", url)
            self.assertEqual(beyond, "416")

    def test_resume(self):
        for url in self.ways(NAME):
            out = self.output()
            out.write_bytes(self.content[:1234567])
            self.curl("--fail", "-C", "-", "-o", out, url)
            self.assertEqual(out.read_bytes(), self.content)


class Wget(PlayerCase):
    def test_continue(self):
        for url in self.ways(NAME):
            for there in (0, 1234567):
                out = self.output()
                out.write_bytes(self.content[:there])
                self.execute(need("wget"), "-q", "--header", self.authorization, "-c", "-O", out, *(["--ca-certificate=%s" % self.ca] if self.ca else []), url)
                self.assertEqual(out.read_bytes(), self.content)


class Gst(PlayerCase):
    def launch(self, url, *rest, **more):
        # with libsoup 3 it takes an authority from an application only, or from the system
        trust = ["ssl-strict=false"] if self.ca else []
        return self.execute("gst-launch-1.0", "-q", "souphttpsrc", "location=" + url, *trust,
                            r'extra-headers="h,Authorization=\"%s\""' % self.authorization.split(": ")[1], "!", *rest, **more)

    def test_whole(self):
        for url in self.ways(NAME):
            out = self.output()
            self.launch(url, "filesink", "location=%s" % out)
            self.assertEqual(out.read_bytes(), self.content)

    def test_index_at_the_end(self):
        """The demuxer seeks there and back."""
        path = self.film("made.mov")
        self.assertGreater(path.stat().st_size, 4 << 20)
        rest = ["qtdemux", "name=d", "d.video_0", "!", "queue", "!", "filesink", "location=%s" % self.output(), "d.audio_0", "!", "queue", "!", "fakesink"]
        self.execute("gst-launch-1.0", "-q", "filesrc", "location=%s" % path, "!", *rest)
        wanted = (self.cluster.folder / "out").read_bytes()
        for url in self.ways("made.mov"):
            out = self.output()
            self.launch(url, *rest)
            self.assertEqual(out.read_bytes(), wanted)

    def test_seeks(self):
        """What demuxers put out, whole and after seeks forward, backward, with stop, and in reverse, is the same as from a web server."""
        need("nginx")
        web = nginx.Nginx(self.cluster.folder, self.cluster.folder).start()
        self.addCleanup(web.stop)
        for name in FILMS:
            self.film(name)
            with self.subTest(name=name):
                # GStreamer warns now and then of its own parts, whatever the source is
                wanted = self.execute(EXERCISE, "seeks", "%s/%s" % (web.url, name), errors=subprocess.DEVNULL)
                self.assertEqual(self.execute(EXERCISE, "seeks", self.gateway_url(name), errors=subprocess.DEVNULL), wanted)


class Ffmpeg(PlayerCase):
    def options(self, source):
        if not str(source).startswith("http"):
            return []
        return ["-headers", self.authorization + "\r\n", *(["-tls_verify", "1", "-ca_file", self.ca] if self.ca else [])]

    def probe(self, source):
        out = json.loads(self.execute(need("ffprobe"), "-v", "error", *self.options(source), "-show_format", "-show_streams", "-of", "json", source))
        del out["format"]["filename"]
        return out

    def frames(self, source, *before):
        """Their checksums."""
        return self.execute(need("ffmpeg"), "-v", "error", "-nostdin", *self.options(source), *before, "-i", source, "-map", "0", "-f", "framemd5", "-")

    def test_probe(self):
        for name in FILMS:
            wanted = self.probe(self.film(name))
            self.assertEqual(len(wanted["streams"]), 2)
            for url in self.ways(name):
                self.assertEqual(self.probe(url), wanted)

    def test_frames(self):
        for name in FILMS:
            path = self.film(name)
            for before in ((), ("-ss", "6")):
                wanted = self.frames(path, *before)
                self.assertGreater(wanted.count("\n"), 100)
                for url in self.ways(name):
                    self.assertEqual(self.frames(url, *before), wanted)


class Mpv(PlayerCase):
    def pictures(self, source, start):
        """Three frames from @start on."""
        folder = self.cluster.folder / "pictures"
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        tls = ["--tls-verify", "--tls-ca-file=%s" % self.ca] if self.ca else []
        self.execute(need("mpv"), "--no-config", "--ao=null", "--vo=image", "--vo-image-outdir=%s" % folder, "--vo-image-format=png", "--hr-seek=yes",
                     "--start=%g" % start, "--frames=3", "--http-header-fields=" + self.authorization, *tls, source)
        return [path.read_bytes() for path in sorted(folder.iterdir())]

    def test_seeks(self):
        for name in FILMS:
            path = self.film(name)
            for start in (0, 7.5):
                wanted = self.pictures(path, start)
                self.assertGreaterEqual(len(wanted), 3)
                for url in self.ways(name):
                    self.assertEqual(self.pictures(url, start), wanted)


class Vlc(PlayerCase):
    """It can show no token: it gets a link, or the gateway's URL."""

    def ways(self, name):
        link = self.cluster.api("POST", "/links", {"medium": name}, 201)["url"]
        return link, self.gateway_url(name)

    def vlc(self, *words):
        """It does not run as root."""
        other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        folder = self.cluster.folder / "vlc"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        self.cluster.folder.chmod(0o755)
        return self.execute(*other, need("cvlc"), "-v", "--no-color", "--play-and-exit", "--vout=dummy", "--aout=dummy", *words, HOME=folder), folder

    def test_whole(self):
        out = self.cluster.folder / "vlc" / "dump"
        for url in self.ways(NAME):
            self.vlc("--demux=dump", "--demuxdump-file=%s" % out, url)
            self.assertEqual(out.read_bytes(), self.content)

    def pictures(self, source, start):
        scenes = self.cluster.folder / "vlc"
        self.output("vlc/s.png")
        self.vlc("--no-audio", "--start-time=%g" % start, "--run-time=1.5", "--video-filter=scene", "--scene-format=png", "--scene-prefix=s",
                 "--scene-replace", "--scene-path=%s" % scenes, source)
        return (scenes / "s.png").read_bytes()

    def test_seeks(self):
        for name in FILMS:
            self.film(name)
            for start in (0, 7.5):
                for url in self.ways(name):
                    with self.subTest(url=url, start=start):
                        self.assertTrue(self.pictures(url, start).startswith(b"\x89PNG"))


class TlsCurl(authority.WithTls, Curl):
    pass


class TlsWget(authority.WithTls, Wget):
    pass


class TlsGst(authority.WithTls, Gst):
    # what plays there has no way to be told of an authority
    test_seeks = None


class TlsFfmpeg(authority.WithTls, Ffmpeg):
    pass


class TlsMpv(authority.WithTls, Mpv):
    pass


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
