#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The harness itself: the same seed does the same, a viewer notices what it must, and nothing bad passes."""

import hashlib
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import faults, plan, soak, table, viewer  # noqa: E402

SETTINGS = plan.Settings()
PLAYER = pathlib.Path(os.environ.get("PMSS_BUILD_DIR", ".")) / "tests" / "faults" / "fault-player"


class Plans(unittest.TestCase):
    def rounds(self, seed, names=tuple(faults.ALL), trials=200):
        return plan.make_rounds(SETTINGS, [faults.ALL[name] for name in names], seed, trials)

    def test_a_seed_repeats_everything(self):
        self.assertEqual(self.rounds("a"), self.rounds("a"))
        self.assertNotEqual(self.rounds("a"), self.rounds("b"))

    def test_a_fault_does_not_depend_on_the_others(self):
        alone = self.rounds("a", ("stop",), 12)
        self.assertEqual([r for r in self.rounds("a") if r.fault == "stop"][:len(alone)], alone[:len(self.rounds("a")) // len(faults.ALL)])

    def test_as_many_as_were_asked_for(self):
        for trials in (1, 57, 58, 1000):
            self.assertGreaterEqual(len(self.rounds("a", trials=trials)) * SETTINGS.viewers, trials)

    def test_how_many_nodes_are_hit(self):
        hit = {r.fault: len(set(r.targets)) for r in self.rounds("a")}
        self.assertEqual((hit["kill"], hit["kill-m"], hit["kill-more"], hit["control-kill"]), (1, 2, 3, 0))
        self.assertTrue(all(0 <= t < 6 for r in self.rounds("a") for t in r.targets))
        beyond = [fault for fault in faults.ALL.values() if not fault.is_within(SETTINGS)]
        self.assertEqual([fault.name for fault in beyond], ["kill-more", "stop-more"])
        # who is beyond redundancy has to come back, or nothing can be asked of it
        self.assertTrue(all(fault.back for fault in beyond))


class Viewers(unittest.TestCase):
    """A player in front of a file, without any server."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pmss-test-")
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "file"
        self.content = random.Random(1).randbytes(300000)
        self.file.write_bytes(self.content)
        where = subprocess.run(["pkg-config", "--variable=pluginsdir", "gstreamer-1.0"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        (pathlib.Path(folder.name) / "plugins").mkdir()
        (pathlib.Path(folder.name) / "plugins" / "libgstcoreelements.so").symlink_to(os.path.join(where, "libgstcoreelements.so"))
        self.env = dict(os.environ, GST_REGISTRY=str(pathlib.Path(folder.name) / "registry.bin"), GST_REGISTRY_FORK="no", GST_PLUGIN_PATH_1_0="",
                        GST_PLUGIN_SYSTEM_PATH_1_0=str(pathlib.Path(folder.name) / "plugins"))

    def watch(self, *more, rate=16000000, size=None):
        source = ["filesrc", "name=source", "location=%s" % self.file, "blocksize=50000", *more]
        one = viewer.Viewer(PLAYER, source, plan.Settings(rate=rate, seconds=5), self.env, subprocess.DEVNULL)
        self.addCleanup(one.close)
        one.wait_playing()
        return viewer.judge(one.report(), lambda n: hashlib.sha256(self.content[:n]).hexdigest(), size or len(self.content), 6, 0)

    def test_again_and_again(self):
        source = ["filesrc", "name=source", "location=%s" % self.file, "blocksize=50000"]
        one = viewer.Viewer(PLAYER, source, plan.Settings(rate=16000000, seconds=5), self.env, subprocess.DEVNULL, loop=True)
        self.addCleanup(one.close)
        one.wait_playing()
        # a time takes 0.15 s
        time.sleep(0.5)
        report = one.end()
        self.assertIsNone(report["error"])
        self.assertGreaterEqual(len(report["digests"]), 2)
        self.assertEqual(set(report["digests"]), {hashlib.sha256(self.content).hexdigest()})

    def test_nothing_happens(self):
        trial = self.watch()
        self.assertEqual((trial["wrong"], trial["unfinished"], trial["error"]), (False, False, None))

    def test_it_stands_still(self):
        """Six buffers, each of which takes more than a second: the first sets the clock, the others are late."""
        trial = self.watch("!", "identity", "sleep-time=1200000")
        self.assertEqual(trial["stalls"], 5)
        self.assertGreater(trial["gap"], 1.0)
        self.assertLess(trial["gap"], 5.0)
        self.assertFalse(trial["wrong"])

    def test_wrong_and_missing_bytes(self):
        self.file.write_bytes(self.content[:-1] + b"?")
        self.assertTrue(self.watch()["wrong"])
        self.file.write_bytes(self.content[:-1])
        trial = self.watch()
        self.assertEqual((trial["wrong"], trial["unfinished"]), (False, True))

    def test_an_error(self):
        trial = self.watch("!", "identity", "error-after=3")
        self.assertTrue(trial["unfinished"])
        self.assertTrue(trial["error"])


class Soaks(unittest.TestCase):
    def test_growth(self):
        steady = [(20 << 20, 20, 100.0)] * 30
        self.assertEqual(soak.growth(steady), [])
        self.assertEqual(soak.growth(steady[:1]), [])
        for index, text in enumerate(("memory", "descriptors", "wake-ups")):
            grown = [tuple(value * 2 if i == index else value for i, value in enumerate(look)) for look in steady]
            self.assertEqual(len(soak.growth(steady + grown)), 1)
            self.assertIn(text, soak.growth(steady + grown)[0])
            # once is no growth
            self.assertEqual(soak.growth(steady + grown[:3] + steady), [])

    def test_phantoms(self):
        self.assertEqual(soak.phantoms([(0, 2), (1, 3), (2, 2), (3, 1)], 2), [])
        self.assertEqual(len(soak.phantoms([(0, 2), (1, 3), (2, 3)], 2)), 1)
        self.assertEqual(soak.phantoms([], 2), [])

    def test_viewers(self):
        good = {"error": None, "digests": ["a", "a"], "gaps": [{"came": 5000000, "late": 900000}]}

        def judge(busy=False, **more):
            return len(soak.judge(dict(good, **more), "a", lambda _: busy))
        self.assertEqual(judge(), 0)
        for bad in ({"error": "why"}, {"digests": ["a", "b"]}, {"gaps": [{"came": 5000000, "late": 1100000}]}):
            self.assertEqual(judge(**bad), 1)
        self.assertEqual(judge(busy=True, gaps=[{"came": 5000000, "late": 1100000}]), 0)


class Verdicts(unittest.TestCase):
    GOOD = {"stalls": 0, "gap": 0.1, "before": 0, "wrong": False, "unfinished": False, "error": None, "extra": 0.0, "times": [0.002] * 50,
            "stats": {"units": 100, "rebuilt": 2, "hedged": 10}}

    def failures(self, fault, **more):
        return table.failures(faults.ALL[fault], SETTINGS, [self.GOOD, dict(self.GOOD, **more)])

    def test_failures(self):
        self.assertEqual(self.failures("kill"), [])
        for bad in ({"stalls": 1}, {"wrong": True}, {"unfinished": True}):
            self.assertEqual(len(self.failures("kill", **bad)), 1)
        # more than redundancy makes up for: it may stand still, and has to go on
        self.assertEqual(self.failures("kill-more", stalls=1), [])
        self.assertEqual(len(self.failures("kill-more", unfinished=True)), 1)

    def test_a_busy_machine(self):
        def disturbed(load, **more):
            return table.is_disturbed(faults.ALL["kill"], SETTINGS, [dict(self.GOOD, **more)], load)
        self.assertTrue(disturbed(9, stalls=1))
        self.assertTrue(disturbed(0, stalls=1, before=0.5))
        self.assertFalse(disturbed(0, stalls=1))
        self.assertFalse(disturbed(9))
        self.assertFalse(disturbed(9, stalls=1, wrong=True))

    def test_row(self):
        line = table.row("kill", [self.GOOD, dict(self.GOOD, gap=0.25, extra=0.05)])
        self.assertEqual(line, ("kill", "2", "0", "100 ms", "250 ms", "250 ms", "0", "0", "2", "10.0 %", "5.0 %", "2.00 ms"))
        self.assertEqual(len(line), len(table.HEADINGS))

    def test_percentile(self):
        self.assertEqual(table.percentile(range(1, 101), 0.99), 99)
        self.assertEqual(table.percentile([3, 1], 0.99), 3)


if __name__ == "__main__":
    unittest.main()
