#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One reader, while its film is repaired again and again, a node moves, and control is started anew."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import repair_case
from authority import Authority
from cluster import BUILD, wait_for
from wrong_clocks import WithClocks


class Plain(repair_case.RepairCase):
    nodes = 6
    control_options = dict(repair_case.SMALL, lease="3")
    reader_options = ()

    def tearDown(self):
        """Those that were lost stay so."""

    def disturb(self, step):
        """What a twin does besides."""

    def start_reader(self, name, path, stop):
        environment = dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token)
        # next to nothing is kept: each round asks the nodes again
        return subprocess.Popen(
            [BUILD / "tests" / "integration" / "reader-tool", "--timeout", "60", "--cache-size", "32768", "--read-ahead", "16384",
             "--until", str(stop), *self.reader_options, name, str(path)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def sessions(self):
        return [session["id"] for session in self.cluster.api("GET", "/sessions")["sessions"]]

    def lose(self, name):
        """A node goes for good, and all that it had is elsewhere."""
        node = self.busiest(name)
        node.stop()
        self.wait_moved(name, node)
        self.wait_repaired()
        return node

    def move(self, node):
        """To another port: it proves that it is there, and its layouts have a newer generation."""
        node.stop()
        node.port = 0
        node.start()
        wait_for(lambda: self.cluster.node_at(node.address, node.port) == node.id, "the node's new address")
        self.cluster.wait_nodes()

    def test_play_goes_on(self):
        path = self.make("film", 12, "2+1")
        stop = self.cluster.folder / "stop"
        # those that looked at the layout run out
        others = set(self.sessions())
        reader = self.start_reader("film", path, stop)
        mine, = wait_for(lambda: set(self.sessions()) - others, "the reader's session")
        lost = []

        for step in range(3):
            self.disturb(step)
            lost.append(self.lose("film"))
            self.assertIsNone(reader.poll(), reader.stderr)
            if step == 1:
                self.cluster.restart_control(kill=True)
        # of the nodes that the first layout named half are gone: more than two of most extents
        self.assertEqual(len({node.id for node in lost}), 3)
        for node in self.cluster.nodes:
            if node.running():
                self.move(node)
        self.assertIsNone(reader.poll())
        self.assertIn(mine, self.sessions())
        stop.touch()
        out, err = reader.communicate(timeout=120)
        result = json.loads(out)
        self.assertTrue(result["ok"], (result, err))
        self.assertGreater(result["bytes"], 2 * path.stat().st_size)


class Clocks(WithClocks, Plain):
    """The same while clocks are set, as far as nodes that differ so much are still up."""

    clocked = Plain.nodes

    def disturb(self, step):
        self.set_clock("control", (20, -15, 5)[step])
        self.set_clock("node%d" % step, (-30, 8, -20)[step])

    def test_play_goes_on(self):
        super().test_play_goes_on()
        self.assertIn("The clock was set by", self.cluster.control.log.read_text())


class Tls(Plain):
    """The same with certificates, the new addresses', too."""

    @classmethod
    def setUpClass(cls):
        if not shutil.which("openssl"):
            raise unittest.SkipTest("openssl is not installed")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="pmss-tls-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        ours = Authority(folder, "ours")
        good = ours.issue("good", "IP:127.0.0.1")
        cls.ca = ours.certificate
        cls.reader_options = ("--ca-file", str(cls.ca))
        cls.control_options = dict(Plain.control_options, **good, **{"node-ca": str(cls.ca)})
        cls.storage_options = dict(Plain.storage_options, **good, **{"control-ca": str(cls.ca)})
        super().setUpClass()


if __name__ == "__main__":
    unittest.main()
