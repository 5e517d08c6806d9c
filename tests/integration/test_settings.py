#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What both servers make of their settings: the locale changes nothing, and folders may be reached over links."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import cluster
from authority import Authority

PROGRAMS = {"control": cluster.BUILD / "control" / "pmss-control", "storage": cluster.BUILD / "server" / "pmss-storage"}
# bytes of a command line that are no UTF-8: a folder's name of an old disk
LATIN = os.fsdecode(b"d\xe4")


class Settings(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pmss-settings-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "key").write_text("00" * 32)

    def start(self, kind, locale, *options, config=None):
        """Starts one and stops it when it listens. Returns the exit code and what it said."""
        if kind == "storage":
            options = ("--public-key=%s" % (self.folder / "key"), "--cluster=%s" % ("0" * 32), "--node-id=1", *options)
        if config is not None:
            file = self.folder / "settings.conf"
            file.write_text("[%s]\n%s" % (kind, config), encoding="utf-8")
            options = ("--config=%s" % file, *options)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))}
        process = subprocess.Popen([PROGRAMS[kind], "--listen=127.0.0.1:0", "--min-free=0", *options],
                                   env=dict(environment, **locale), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = b""
        try:
            for line in process.stdout:
                text += line
                if re.search(rb"listening on \S*:\d", line):
                    process.terminate()
            return process.wait(60 * cluster.PATIENCE), text.decode(errors="backslashreplace")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def assert_starts(self, kind, locale, *options, **more):
        status, text = self.start(kind, locale, *options, **more)
        self.assertIn("listening on", text)
        # a signal that comes before it is waited for ends the process, too
        self.assertIn(status, (0, -signal.SIGTERM), text)

    def test_locales(self):
        for kind, text in (("storage", "zone=Größe"), ("control", "public-url=http://bücher.example")):
            for locale in ({}, {"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}):
                for name in ("dä", LATIN):
                    with self.subTest(kind=kind, locale=locale, name=name):
                        data = self.folder / kind / name
                        self.assert_starts(kind, locale, "--data=%s" % data, "--" + text)
                        self.assertTrue((data / "lock").exists())
                with self.subTest(kind=kind, locale=locale):
                    data = self.folder / kind / "schlüssel"
                    self.assert_starts(kind, locale, config="data=%s\n%s\n" % (data, text))
                    self.assertTrue((data / "lock").exists())

    def test_text_that_is_none(self):
        for kind, name in (("storage", "zone"), ("control", "public-url")):
            status, text = self.start(kind, {}, "--data=%s" % (self.folder / "x"), "--%s=%s" % (name, LATIN))
            self.assertEqual(status, 78)
            self.assertIn("%s: the value is not UTF-8" % name, text)

    def test_amounts(self):
        for kind, name in (("storage", "network-limit"), ("control", "repair-limit")):
            for amount in ("10k", "10K", "10 M", "64KiB"):
                with self.subTest(kind=kind, amount=amount):
                    self.assert_starts(kind, {}, "--data=%s" % (self.folder / kind), "--%s=%s" % (name, amount))
            for amount in ("10m", "1.5G", "8388608TiB"):
                status, text = self.start(kind, {"LC_ALL": "C.UTF-8"}, "--data=%s" % (self.folder / kind),
                                          "--%s=%s" % (name, amount))
                self.assertEqual(status, 78)
                self.assertIn("%s: “%s” is no amount like 1000, 10k" % (name, amount), text)

    def test_refused_before_anything_is_made(self):
        """78, and the setting is named; no folder, so no keys and no password, either."""
        authority = Authority(self.folder, "one")
        pair = authority.issue("server", "IP:127.0.0.1")
        other = authority.issue("other", "IP:127.0.0.1")["tls-key"]
        gone, empty = self.folder / "gone", self.folder / "empty"
        empty.write_text("")
        common = [
            ("listen=foo",), ("listen=127.0.0.1",), ("listen=:80",), ("listen=127.0.0.1:65536",), ("listen=::1:80",),
            ("tls-certificate=%s" % pair["tls-certificate"],), ("tls-key=%s" % other,),
            ("tls-certificate=%s" % gone, "tls-key=%s" % other), ("tls-certificate=%s" % empty, "tls-key=%s" % other),
            ("tls-certificate=%s" % pair["tls-certificate"], "tls-key=%s" % other),
            ("tls-certificate=%s" % pair["tls-certificate"], "tls-key=%s" % gone),
            ("log-level=loud",), ("max-connections=none",), ("max-connections=-1",), ("no-such=1",),
        ]
        own = {"control": [("listen=",), ("data=",), ("node-ca=%s" % gone,), ("node-ca=%s" % empty,), ("public-url=media.example.org",),
                           ("public-url=pmss://media.example.org",), ("public-url=https://media.example.org/pmss",),
                           ("public-url=https://me@media.example.org",), ("default-redundancy=17+9",), ("lease=0",),
                           ("unit=3KiB",), ("repair=maybe",), ("min-free=much",)],
               "storage": [("control-ca=%s" % gone,), ("control-ca=%s" % empty,), ("advertise=a b",),
                           ("min-free=101%",), ("scrub-period=weekly",), ("head-timeout=0",)]}
        for kind, more in own.items():
            for bad in common + more:
                with self.subTest(kind=kind, bad=bad):
                    data = self.folder / ("%s-%d" % (kind, len(os.listdir(self.folder))))
                    file = self.folder / "bad.conf"
                    file.write_text("\n".join(["[%s]" % kind, "data=%s" % data, *bad]))
                    done = subprocess.run([PROGRAMS[kind], "--config=%s" % file], capture_output=True, text=True, timeout=60)
                    self.assertEqual(done.returncode, 78, done.stderr)
                    self.assertTrue(any(setting.split("=")[0] in done.stderr for setting in bad), done.stderr)
                    self.assertFalse(data.exists())

    def test_manual_pages(self):
        """Each option of a server stands in its man page, and no other."""
        for kind, program in PROGRAMS.items():
            page = (pathlib.Path(__file__).resolve().parents[2] / "data" / ("pmss-%s.8" % kind)).read_text().replace("\\-", "-")
            text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
            options = set(re.findall(r"^  (?:-\w, )?--([a-z-]+)", text, re.M)) - {"help", "config", "version"}
            written = set(re.findall(r"^\.BI? (?:-c, )?--([a-z-]+)", page, re.M))
            with self.subTest(kind=kind):
                self.assertEqual(options - written, set(), "not in the page")
                self.assertEqual(written - options, set(), "not an option")

    def test_folders_over_links(self):
        disk = self.folder / "disk"
        disk.mkdir()
        (self.folder / "srv").symlink_to(disk)
        for kind in PROGRAMS:
            self.assert_starts(kind, {}, "--data=%s" % (self.folder / "srv" / kind))
            # the folder itself is a link, and it is not the first start
            (self.folder / (kind + "-data")).symlink_to(disk / kind)
            self.assert_starts(kind, {}, "--data=%s" % (self.folder / (kind + "-data")))
            (self.folder / (kind + "-gone")).symlink_to(self.folder / "not-mounted")
            status, text = self.start(kind, {}, "--data=%s" % (self.folder / (kind + "-gone")))
            self.assertNotEqual(status, 0)
            self.assertIn("%s-gone" % kind, text)
            self.assertFalse((self.folder / "not-mounted").exists())


if __name__ == "__main__":
    unittest.main()
