#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that fill up or fail: announced room is reserved, a full disk stops nothing but uploads, a read-only one gets no more."""

import json
import os
import re
import shutil
import subprocess
import unittest
import urllib.request

import cluster
from authority import WithTls
from cluster import BUILD, encode_metadata, wait_for

MIB = 1 << 20
DISK = 48 * MIB
PIECE = 9 * MIB


class Disk(cluster.TestCase):
    nodes = 1
    control_options = {"unit": "64KiB", "extent": "1MiB", "default-redundancy": "1+0", "catalog-reserve": "4MiB"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mount = cls.cluster.folder / "small"
        cls.mount.mkdir()
        try:
            done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % DISK, "none", cls.mount],
                                  stderr=subprocess.DEVNULL).returncode == 0
        except FileNotFoundError:
            done = False
        if not done:
            cls.tearDownClass()
            raise unittest.SkipTest("needs root, to mount a small tmpfs")
        cls.addClassCleanup(subprocess.run, ["umount", "-l", cls.mount], check=True)
        control = cls.cluster.control
        control.stop()
        (control.data / "reserve").unlink()
        control.data = shutil.copytree(control.data, cls.mount / "data")
        control.start()
        cls.cluster.wait_nodes()

    def health(self):
        status, _, body = self.cluster.request("GET", "/healthz", token=False)
        return status, json.loads(body)["status"]

    def announce(self, name, size):
        return self.cluster.request("POST", "/api/v1/uploads", None, {
            "Tus-Resumable": "1.0.0", "Upload-Length": str(size), "Upload-Metadata": encode_metadata(name=name)})

    def send(self, location, size):
        status, headers, body = self.cluster.request("PATCH", location, bytes(size), {
            "Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"})
        self.assertEqual(status, 204, body)
        return int(headers["Pmss-Job"])

    def test_announced(self):
        """What uploads announce is theirs, so all that are accepted come to their end; the others are refused before a byte is sent."""
        answers = [self.announce("announced/%d" % i, PIECE) for i in range(7)]
        accepted = [headers["Location"] for status, headers, _ in answers if status == 201]
        refused = [json.loads(body)["detail"] for status, _, body in answers if status == 507]
        self.assertEqual(len(accepted) + len(refused), 7)
        self.assertEqual(len(accepted), 4)
        for text in refused:
            self.assertRegex(text, r"no room for 9\.4.MB more: .* are free, of which other uploads have announced 37\.7.MB")
        self.assert_status(507, self.cluster.put, "announced/put", bytes(PIECE))
        # also what came before a restart stays theirs
        self.cluster.restart_control()
        self.cluster.wait_nodes()
        self.assertEqual(self.announce("announced/late", PIECE)[0], 507)
        for location in accepted[1:]:
            self.cluster.wait_job(self.send(location, PIECE))
        status, _, _ = self.cluster.request("DELETE", accepted[0], None, {"Tus-Resumable": "1.0.0"})
        self.assertEqual(status, 204)
        # ended and ingested ones hold nothing any more
        status, headers, _ = self.announce("announced/again", 3 * PIECE)
        self.assertEqual(status, 201)
        self.cluster.request("DELETE", headers["Location"], None, {"Tus-Resumable": "1.0.0"})

    def fill(self):
        """Another program takes all that there is, to the last byte."""
        filler = self.mount / "filler"
        with open(filler, "ab", buffering=0) as file:
            for size in (MIB, 4096):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    pass
        return filler

    def test_full(self):
        """On a full disk uploads are refused; logins, sessions and deletions go on."""
        self.cluster.add("full/a", bytes(300000), keep_original="true")
        self.assertEqual(self.health(), (200, "ok"))
        filler = self.fill()
        self.addCleanup(filler.unlink, missing_ok=True)
        wait_for(lambda: self.health()[0] == 503, "the full disk to be noticed")
        self.assertIn("disk is full", self.health()[1])
        self.assertIn("Make room", self.cluster.control.tail())
        self.assert_status(507, self.cluster.put, "full/b", bytes(1000))
        self.assertEqual(self.announce("full/c", 1000)[0], 507)
        for _ in range(20):
            self.cluster.login("admin", self.cluster.password)
            self.cluster.session("full/a")
        self.cluster.restart_control()
        self.cluster.wait_nodes()
        self.assertEqual(self.health()[0], 503)
        self.cluster.session("full/a")
        self.cluster.delete("full/a")
        self.cluster.wait_jobs()
        filler.unlink()
        wait_for(lambda: self.health() == (200, "ok"), "the room to be noticed")
        self.cluster.add("full/d", bytes(300000))

    def test_filled_while_down(self):
        """A disk that others filled while no server ran keeps neither the server nor the commands around a backup from starting."""
        control = self.cluster.control
        self.cluster.add("down/a", bytes(300000))
        wait_for(lambda: self.health() == (200, "ok"), "the reserve")
        filler = self.mount / "filler"
        self.addCleanup(filler.unlink, missing_ok=True)
        control.stop()
        self.fill()
        self.assertLess(shutil.disk_usage(self.mount).free, 4096)
        control.start()
        self.cluster.wait_nodes()
        status, said = self.health()
        self.assertEqual(status, 503)
        self.assertIn("disk is full", said)
        self.cluster.session("down/a")
        filler.unlink()
        wait_for(lambda: self.health() == (200, "ok"), "the room to be noticed")

        control.stop()
        self.fill()
        done = subprocess.run([control.program, "--data=%s" % control.data, "--catalog-reserve=4MiB", "--check-restore"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        filler.unlink()
        control.start()
        self.cluster.wait_nodes()
        wait_for(lambda: self.health() == (200, "ok"), "the reserve")


class Node(cluster.TestCase):
    """A storage server whose disk turns read-only."""
    nodes = 2
    control_options = {"unit": "64KiB", "extent": "256KiB", "default-redundancy": "1+1"}

    def received(self, node):
        with urllib.request.urlopen("http%s://127.0.0.1:%d/metrics" % ("s" if self.ca else "", node.port),
                                    context=self.cluster.tls) as answer:
            return int(re.search(rb"^pmss_storage_received_bytes_total (\d+)", answer.read(), re.M).group(1))

    def told(self, node):
        return next(n for n in self.cluster.api("GET", "/nodes")["nodes"] if n["id"] == node.id)

    def is_well(self, node):
        """But for the machine, which other tests may use, too."""
        told = self.told(node)
        return told["state"] == "up" and (told["warning"] is None or "its processors are busy" in told["warning"])

    def check_sends(self, node, name):
        """What @node has of the medium, it sends."""
        session = self.cluster.session(name)
        layout = session["layout"]
        sent = 0
        for number, places in enumerate(layout["extents"]):
            for index, place in enumerate(places):
                if layout["nodes"][place]["id"] != node.id:
                    continue
                shard = "%s-%08x.%d" % (layout["version"], number, index)
                request = urllib.request.Request("http%s://127.0.0.1:%d/v1/shards/%s" % ("s" if self.ca else "", node.port, shard),
                                                 headers={"Authorization": "Bearer " + session["token"]})
                with urllib.request.urlopen(request, timeout=30, context=self.cluster.tls) as answer:
                    self.assertEqual(answer.read(), node.shard_path(shard).read_bytes())
                sent += 1
        self.assertGreater(sent, 0)

    def test_mounted_read_only(self):
        """As a kernel does that has met errors, and still so when the server starts."""
        node = self.cluster.nodes[0]
        self.cluster.add("mounted", os.urandom(MIB))
        node.stop()
        try:
            if subprocess.run(["mount", "--bind", node.data, node.data], stderr=subprocess.DEVNULL).returncode != 0:
                raise FileNotFoundError
        except FileNotFoundError:
            node.start()
            self.skipTest("needs root, to mount a folder read-only")
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", node.data], check=True)
            node.start()
            wait_for(lambda: self.told(node)["state"] == "up" and "Read-only file system" in (self.told(node)["warning"] or ""),
                     "it to be up, and to tell")
            self.check_sends(node, "mounted")
            self.assertEqual(node.stop(), 0)
        finally:
            node.kill()
            subprocess.run(["umount", "-l", node.data], check=True)
        self.assertIn("Nothing will be written until", node.tail())
        node.log.unlink()               # it has what its disk did
        node.start()
        wait_for(lambda: self.is_well(node), "it to be well")

    def test_read_only(self):
        """Each ingest goes on without it; after the first one nothing is sent to it; who looks is told."""
        trigger = self.cluster.folder / "read-only"
        bad = self.cluster.add_node(prefix=[
            "env", "LD_PRELOAD=" + " ".join([os.environ["PMSS_BAD_DISK"], *os.environ.get("LD_PRELOAD", "").split()]),
            "READ_ONLY_WHILE=%s" % trigger,
            "ASAN_OPTIONS=verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")])
        self.cluster.add("before", content := os.urandom(2 * MIB))
        self.assertTrue(bad.shards())
        self.assertTrue(self.is_well(bad))
        trigger.touch()
        self.cluster.add("first", os.urandom(2 * MIB))
        wait_for(lambda: not self.is_well(bad), "the heartbeat that tells")
        self.assertIn("Read-only file system", self.told(bad)["warning"])
        self.assertEqual(self.told(bad)["state"], "up")
        self.assertIn("takes no writes", self.cluster.control.tail())
        before = self.received(bad)
        self.cluster.add("second", os.urandom(4 * MIB))
        self.assertLess(self.received(bad) - before, 20000)
        self.assertEqual(self.cluster.read_back("before"), content)
        ca = ["--ca-file=%s" % self.ca] if self.ca else []
        said = subprocess.run([BUILD / "tools" / "pmss", "node", "ls", *ca], capture_output=True, text=True, timeout=60, check=True,
                              env=dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token)).stdout
        self.assertIn("takes no writes", said)
        # still so at the next start: it sends what it has, and says why it takes nothing
        bad.stop()
        bad.start()
        wait_for(lambda: self.told(bad)["state"] == "up" and "Read-only file system" in (self.told(bad)["warning"] or ""),
                 "it to be up, and to tell")
        before = self.received(bad)
        self.cluster.add("third", os.urandom(4 * MIB))
        self.assertLess(self.received(bad) - before, 20000)
        self.check_sends(bad, "before")
        # mended, and started anew
        trigger.unlink()
        bad.stop()
        bad.start()
        wait_for(lambda: self.is_well(bad), "it to be well")
        bad.stop()
        self.cluster.nodes.remove(bad)      # its log has what its disk did


class DiskTls(WithTls, Disk):
    pass


class NodeTls(WithTls, Node):
    pass


if __name__ == "__main__":
    unittest.main()
