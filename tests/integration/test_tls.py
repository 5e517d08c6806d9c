#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cluster behind TLS, with an authority of its own: control, storage servers, the command line and pmsssrc; and certificates that nobody should accept."""

import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import unittest

import cluster
from authority import Authority
from cluster import wait_for
from gst_cluster import EXERCISE

PMSS = cluster.BUILD / "tools" / "pmss"
EX_IOERR, EX_PROTOCOL = 74, 76


class Tls(cluster.TestCase):
    timeout = 400

    @classmethod
    def setUpClass(cls):
        if not shutil.which("openssl"):
            raise unittest.SkipTest("openssl is not installed")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="pmss-tls-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        ours, theirs = Authority(cls.folder, "ours"), Authority(cls.folder, "theirs")
        cls.ca = ours.certificate
        cls.good = ours.issue("good", "IP:127.0.0.1")
        cls.bad = {"authority": theirs.issue("stranger", "IP:127.0.0.1"), "name": ours.issue("elsewhere", "IP:127.0.0.2")}
        cls.control_options = dict(cls.good, unit="16KiB", extent="256KiB", **{"node-ca": str(cls.ca)})
        cls.storage_options = dict(cls.good, **{"control-ca": str(cls.ca)})
        super().setUpClass()
        cls.path = cls.folder / "content"
        cls.path.write_bytes(random.Random(1).randbytes(3000000))

    def execute(self, *command, status=0, **variables):
        """Runs a program to its end; returns what it printed."""
        done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120,
                              env={**os.environ, "PMSS_URL": self.cluster.url, "PMSS_TOKEN": self.cluster.token,
                                   "LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": str(self.folder / "config"),
                                   "XDG_CACHE_HOME": str(self.folder / "cache"), "GST_REGISTRY_FORK": "no",
                                   "GST_REGISTRY_1_0": str(self.folder / "registry.bin"), **variables})
        self.assertEqual(done.returncode, status, "%s: %s" % (" ".join(map(str, command)), done.stdout[-4000:]))
        return done.stdout

    def pmss(self, *arguments, **more):
        return self.execute(PMSS, *arguments, "--ca-file=%s" % self.ca, **more)

    def uri(self, name):
        return "pmsss://127.0.0.1:%d/%s" % (self.cluster.control.port, name)

    def assert_plays(self, name):
        copy = self.folder / "copy"
        self.pmss("get", name, copy)
        self.assertEqual(copy.read_bytes(), self.path.read_bytes())
        copy.unlink()
        for mode in ("pull", "push"):
            self.execute(EXERCISE, mode, self.uri(name), self.path, 1, 50, PMSS_TEST_CA=str(self.ca))

    def restart_node(self, node, options):
        node.stop()
        node.options.update(options)
        self.cluster.wait_nodes()
        node.start()
        self.cluster.wait_nodes()

    def test_plays(self):
        """Put, read in both ways and deleted; nobody who does not know the authority gets anything."""
        self.pmss("put", self.path, "played", "--redundancy=4+2")
        self.assertTrue(all(n["tls"] for n in self.cluster.api("GET", "/nodes")["nodes"]))
        self.assert_plays("played")
        out = self.execute(EXERCISE, "opens", self.uri("played"), 8, PMSS_TEST_CA=str(self.ca))
        first, last = (int(re.search(r"after the %s (\d+)" % which, out).group(1)) for which in ("first", "last"))
        # a leak would add seven; connections that are closing may still be there
        self.assertLessEqual(last, first + 3)
        self.pmss("verify", "played")
        out = self.execute(PMSS, "get", "played", self.folder / "none", status=EX_PROTOCOL)
        self.assertRegex(out, "127.0.0.1:%d.*certificate" % self.cluster.control.port)
        self.assertFalse((self.folder / "none").exists())
        out = self.execute(EXERCISE, "watch", self.uri("played"))
        self.assertRegex(out, "error gst-resource-error-quark 5: .*certificate")
        self.pmss("rm", "played")

    def assert_saves(self, *arguments, **variables):
        """What gst-launch gets from the element is the medium."""
        copy = self.folder / "launched"
        self.execute("gst-launch-1.0", "-q", "pmsssrc", "location=%s" % self.uri("launched"), *arguments,
                     "!", "filesink", "location=%s" % copy, **variables)
        self.assertEqual(copy.read_bytes(), self.path.read_bytes())

    def assert_fails(self, wanted, **variables):
        """Not by gst-launch: that of GStreamer 1.22 misses an error that comes at once, and waits for ever."""
        self.assertRegex(self.execute(EXERCISE, "watch", self.uri("launched"), **variables),
                         "error gst-resource-error-quark 5: .*" + wanted)

    @unittest.skipUnless(shutil.which("gst-launch-1.0"), "gst-launch-1.0 is not installed")
    def test_authorities(self):
        """Who names a CA file and who goes before whom: the property, PMSS_CA_FILE, what `pmss login` was given."""
        self.pmss("put", self.path, "launched", "--redundancy=4+2")
        stranger, gone = self.folder / "theirs.pem", self.folder / "gone.pem"
        empty = self.folder / "empty.pem"
        empty.write_text("no certificate")
        self.assert_fails("certificate")
        self.assert_saves("tls-ca-file=%s" % self.ca, PMSS_CA_FILE=str(stranger))
        self.assert_saves(PMSS_CA_FILE=os.path.relpath(self.ca))
        self.assert_fails("certificate", PMSS_CA_FILE=str(stranger))
        for bad in (gone, empty, self.folder):
            self.assert_fails("PMSS_CA_FILE: .*%s" % bad, PMSS_CA_FILE=str(bad))
        # the command line, and the players that it starts
        self.execute(PMSS, "info", "launched", PMSS_CA_FILE=str(self.ca))
        self.assertIn(str(gone), self.execute(PMSS, "info", "launched", "--ca-file=%s" % gone, status=66))
        self.assertIn(str(empty), self.execute(PMSS, "info", "launched", "--ca-file=%s" % empty, status=65))
        copy = self.folder / "saved"
        self.pmss("play", "launched", "--save=%s" % copy)
        self.assertEqual(copy.read_bytes(), self.path.read_bytes())
        self.assertIn(str(self.ca), self.execute(PMSS, "--ca-file=%s" % self.ca, "play", "launched", "--player=printenv",
                                                 "--", "PMSS_CA_FILE", status=1))
        # a login remembers the file, for a later login, too; the environment goes before it
        secret = self.folder / "secret"
        secret.write_text(self.cluster.password)
        stored = {"XDG_CONFIG_HOME": str(self.folder / "login"), "PMSS_TOKEN": ""}
        mine = self.folder / "mine.pem"
        shutil.copy(self.ca, mine)
        self.execute(PMSS, "login", self.cluster.url, "--user=admin", "--password-file=%s" % secret,
                     "--ca-file=%s" % os.path.relpath(mine), **stored)
        self.execute(PMSS, "login", self.cluster.url, "--user=admin", "--password-file=%s" % secret, **stored)
        self.execute(PMSS, "info", "launched", **stored)
        self.assert_saves(**stored)
        self.execute(PMSS, "play", "launched", "--save=%s" % copy, **stored)
        self.assert_fails("certificate", PMSS_CA_FILE=str(stranger), **stored)
        mine.unlink()
        self.assert_fails("pmss login --ca-file.*%s" % mine, **stored)
        self.execute(PMSS, "logout", status=66, **stored)
        self.assertIn("certificate", self.execute(PMSS, "info", "launched", status=EX_PROTOCOL, **stored))
        self.pmss("rm", "launched")

    def test_wrong_node(self):
        """A node with a certificate that is not for it: media that can do without it play, others end with an error that names it; nothing is written to it."""
        self.cluster.wait_job(self.cluster.put("safe", self.path.read_bytes(), redundancy="4+2"))
        self.cluster.wait_job(self.cluster.put("single", self.path.read_bytes(), redundancy="6+0"))
        node = self.cluster.nodes[2]
        where = "127.0.0.1:%d" % node.port
        for what, options in self.bad.items():
            with self.subTest(what):
                self.restart_node(node, options)
                self.assert_plays("safe")
                out = self.pmss("get", "single", self.folder / "none", status=EX_IOERR)
                self.assertIn(where, out)
                self.assertIn("certificate", out)
                out = self.execute(EXERCISE, "watch", self.uri("single"), PMSS_TEST_CA=str(self.ca))
                self.assertRegex(out, "error gst-resource-error-quark .*certificate")
                job = self.cluster.put("refused", self.path.read_bytes(), redundancy="4+2")
                error = wait_for(lambda: self.cluster.job(job)["waiting_for"], "the job to wait")
                self.assertIn("node %d (%s)" % (node.id, where), error)
                self.assertIn("certificate", error)
                self.cluster.delete("refused")
        self.restart_node(node, self.good)
        self.assert_plays("single")
        for name in ("safe", "single"):
            self.cluster.delete(name)
        self.cluster.wait_jobs()
        wait_for(lambda: not any(n.shards() for n in self.cluster.nodes), "the nodes to be cleaned")


if __name__ == "__main__":
    unittest.main(verbosity=2)
