#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each fault once, before two viewers: nobody within redundancy stands still, and no byte is wrong. How fast it goes on is not asserted: others use the machine."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
from harness import faults, plan, table  # noqa: E402

TIMEOUT = 240
SETTINGS = plan.Settings()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="pmss-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "tmp").mkdir()

    @classmethod
    def start(cls, *arguments):
        return subprocess.Popen([sys.executable, str(FOLDER / "run"), *arguments], env=dict(os.environ, TMPDIR=str(cls.folder / "tmp")),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def assert_tidy(self):
        self.assertEqual(os.listdir(self.folder / "tmp"), [])
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = pathlib.Path("/proc", pid, "cmdline").read_bytes()
            except OSError:
                continue
            self.assertNotIn(str(self.folder / "tmp").encode(), words)


class Faults(Case):
    """One run for all of them, judged one by one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        process = cls.start("--trials", "1", "--seed", "suite", "--viewers", "2", "--lanes", "3", "--json", str(cls.folder / "out.json"))
        cls.output = process.communicate(timeout=TIMEOUT)[0]
        if not (cls.folder / "out.json").exists():
            raise RuntimeError(cls.output)
        cls.figures = json.loads((cls.folder / "out.json").read_text())

    def trials(self, name):
        if name in self.figures["skipped"]:
            self.skipTest(self.figures["skipped"][name])
        rounds = [one for one in self.figures["rounds"] if one["plan"]["fault"] == name]
        self.assertTrue(rounds, self.output)
        self.assertEqual([complaint for one in rounds for complaint in one["complaints"]], [], self.output)
        return [trial for one in rounds for trial in one["trials"]]

    def judge(self, name):
        trials = self.trials(name)
        self.assertEqual(table.failures(faults.ALL[name], SETTINGS, trials), [], self.output)
        return trials

    def test_beyond_redundancy(self):
        """Nothing can be shown then: so the viewers do notice what is done."""
        for trial in self.judge("stop-more"):
            self.assertGreater(trial["gap"], 1, self.output)

    def test_all_was_run(self):
        self.assertIn(self.figures["seed"], self.output)
        self.assertEqual({one["plan"]["fault"] for one in self.figures["rounds"]} | set(self.figures["skipped"]), set(faults.ALL), self.output)
        self.assertEqual([text for text in self.figures["failed"] if ": " not in text], [], self.output)
        self.assert_tidy()


def add_cases():
    for name in faults.ALL:
        def case(self, fault=name):
            self.judge(fault)
        setattr(Faults, "test_" + name.replace("-", "_"), case)


class Interrupted(Case):
    def test_nothing_stays(self):
        process = self.start("--trials", "1000", "--fault", "stop", "--lanes", "1", "--viewers", "1", "--seconds", "3")
        for line in process.stdout:
            if "stop #0" in line:
                break
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=TIMEOUT)[0]
        self.assertEqual(process.returncode, 130, output)
        self.assert_tidy()


add_cases()

if __name__ == "__main__":
    unittest.main()
