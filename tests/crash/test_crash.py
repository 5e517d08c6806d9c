#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Some moments of tests/crash/run; and that what it looks at the catalog with sees what is wrong."""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
from crashing import plan, rig, verify, works  # noqa: E402
from crashing.ledger import State  # noqa: E402

BUILD = pathlib.Path(os.environ.get("PMSS_BUILD_DIR", "."))
MOMENTS = 20
TIMEOUT = 280


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pmss-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class Moments(Case):
    def test_some(self):
        """The same ones each time: what is rare is for longer runs, with seeds of their own."""
        (self.folder / "tmp").mkdir()
        process = subprocess.run([sys.executable, str(FOLDER / "run"), "--moments", str(MOMENTS), "--seed", "suite", "--check-every", "10", "--keep", "--build-dir", str(BUILD),
                                  "--json", str(self.folder / "out.json")], env=dict(os.environ, TMPDIR=str(self.folder / "tmp")),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, check=False)
        self.assertEqual(process.returncode, 0, process.stdout)
        found = json.loads((self.folder / "out.json").read_text())
        self.assertEqual(len(found["moments"]), MOMENTS)
        self.assertGreater(found["died"], 0)
        self.assertEqual(os.listdir(self.folder / "tmp"), [])


class Plan(unittest.TestCase):
    def test_a_seed_repeats_it(self):
        for number in range(50):
            self.assertEqual(plan.make_moment("a", number, works.ALL), plan.make_moment("a", number, works.ALL))
        self.assertNotEqual(plan.make_moment("a", 1, works.ALL), plan.make_moment("b", 1, works.ALL))

    def test_all_come(self):
        moments = [plan.make_moment("a", number, works.ALL) for number in range(200)]
        self.assertEqual({moment.work for moment in moments}, set(works.ALL))
        self.assertEqual({plan.kind_of_victims(moment.victims) for moment in moments}, {"control", "node", "control+node", "all"})


class Eyes(Case):
    """What is spoilt on purpose is seen."""

    def setUp(self):
        super().setUp()
        self.rig = rig.Rig(self.folder, BUILD)
        self.addCleanup(self.rig.close)
        for number in range(3):
            name, content = "film/%d" % number, random.Random(number).randbytes(100000)
            self.rig.ledger.add(name, content, "2+1")
            self.rig.cluster.wait_job(self.rig.cluster.put(name, content, redundancy="2+1"))
            self.rig.ledger.set(name, State.THERE)

    def complaints(self):
        verify.Verifier(self.rig).run(random.Random(1))
        return "\n".join(self.rig.take_complaints())

    def test_wrong_things(self):
        self.assertEqual(self.complaints(), "")
        ledger = self.rig.ledger
        # one that was deleted and is there, one that was never there, one that is another file
        ledger.set("film/0", State.GONE)
        ledger.add("film/9", b"", "2+1")
        ledger.set("film/9", State.THERE)
        ledger.media["film/1"].sha256 = "0" * 64
        node = next(one for one in self.rig.cluster.nodes if one.shards())
        shard = sorted(node.shards())[0]
        node.shard_path(shard).unlink()
        (node.data / "tmp" / "left").write_bytes(b"")
        said = self.complaints()
        self.assertIn("film/0: is there, and was deleted", said)
        self.assertIn("film/9: was acknowledged, and is not there", said)
        self.assertIn("film/1: the catalog has another file", said)
        self.assertIn("missing: " + shard, said)
        self.assertIn("temporary files: ['left']", said)


if __name__ == "__main__":
    unittest.main()
