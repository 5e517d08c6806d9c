#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A storage server's cable is pulled in the middle of an ingest, with TLS on all servers. Each server is on a host of its own (a network namespace)."""

import os
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

import cluster
from authority import Authority
from cluster import wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from benchmarks import namespaces  # noqa: E402

SIZE = 64 << 20
# Less than half of the time after which a storage server that does not answer is given up
PROMPT = 7


class Cable(cluster.TestCase):
    nodes = 0
    timeout = 200
    control_options = {"stripe-rate": "160000000"}

    @classmethod
    def setUpClass(cls):
        if not shutil.which("openssl"):
            raise unittest.SkipTest("openssl is not installed")
        try:
            namespaces.leave()
        except (RuntimeError, OSError) as error:
            raise unittest.SkipTest(str(error)) from error
        folder = tempfile.TemporaryDirectory(prefix="pmss-cable-")
        cls.addClassCleanup(folder.cleanup)
        cls.hosts = []
        for number in range(1, 5):
            cls.hosts.append(namespaces.Host(number))
            cls.addClassCleanup(cls.hosts[-1].close)
        ours = Authority(folder.name, "ours")
        cls.ca = ours.certificate
        cls.address = namespaces.HERE
        cls.control_options = dict(cls.control_options, **ours.issue("control", "IP:" + cls.address), **{"node-ca": str(cls.ca)})
        super().setUpClass()
        for host in cls.hosts:
            node = cls.cluster.add_node(wait=False, address=host.address, prefix=host.prefix, **ours.issue("node%d" % host.number, "IP:" + host.address),
                                        **{"control-ca": str(cls.ca)})
            node.host = host
        cls.cluster.wait_nodes()
        cls.content = os.urandom(SIZE)

    def pull(self, name):
        """Begins an ingest and pulls the cable of a server that it sends to; returns job and server once nothing moves any more."""
        job = self.cluster.put(name, self.content, redundancy="2+1")
        wait_for(lambda: self.cluster.job(job)["done"] > SIZE // 4, "the ingest to be under way")
        node = next(n for n in self.cluster.nodes if n.shards())
        node.host.cut()
        node.plugged = False
        self.addCleanup(self.plug_in, node)
        still = [time.monotonic(), 0]

        def stands():
            done = self.cluster.job(job)["done"]
            if done != still[1]:
                still[:] = time.monotonic(), done
            return time.monotonic() - still[0] > 2
        wait_for(stands, "the ingest to stand still")
        self.assertEqual(self.cluster.job(job)["state"], "running")
        return job, node

    def plug_in(self, node):
        if not node.plugged:
            node.host.join()
        node.plugged = True
        self.cluster.wait_nodes()

    def test_goes_on(self):
        """The shards go to another server."""
        job, _ = self.pull("moved")
        self.cluster.wait_job(job)
        self.assertEqual(self.cluster.read_back("moved"), self.content)
        self.cluster.delete("moved")

    def test_cancel(self):
        """Paused and cancelled, the work ends, so that what it did can be undone, long before the server is given up."""
        job, _ = self.pull("cancelled")
        before = time.monotonic()
        self.cluster.api("POST", "/jobs/%d/pause" % job)
        self.cluster.api("POST", "/jobs/%d/cancel" % job)
        wait_for(lambda: any(j["type"] == "delete" and j["medium"] == "cancelled" and j["state"] != "queued"
                             for j in self.cluster.api("GET", "/jobs")["jobs"]), "the deletion to begin")
        self.assertLess(time.monotonic() - before, PROMPT)

    def test_stop(self):
        """Control ends in order, and goes on with the ingest after its next start."""
        job, _ = self.pull("stopped")
        before = time.monotonic()
        self.assertEqual(self.cluster.control.stop(), 0)
        self.assertLess(time.monotonic() - before, 2 * PROMPT)
        self.cluster.control.start()
        self.cluster.wait_job(job)
        self.assertEqual(self.cluster.read_back("stopped"), self.content)
        self.cluster.delete("stopped")


if __name__ == "__main__":
    unittest.main(verbosity=2)
