#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The soak, with each work done once: nobody stands still, nothing grows, and control has no session that nobody has."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
from harness import soak  # noqa: E402

TIMEOUT = 170


class Soak(unittest.TestCase):
    def test_each_once(self):
        with tempfile.TemporaryDirectory(prefix="pmss-test-") as folder:
            (pathlib.Path(folder) / "tmp").mkdir()
            out = pathlib.Path(folder) / "out.json"
            done = subprocess.run([sys.executable, str(FOLDER / "run"), "--soak", "0", "--viewers", "1", "--seed", "suite", "--json", str(out)],
                                  env=dict(os.environ, TMPDIR=folder + "/tmp"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, check=False)
            self.assertTrue(out.exists(), done.stdout)
            found = json.loads(out.read_text())
            self.assertEqual(os.listdir(folder + "/tmp"), [])
        self.assertEqual((found["failed"], done.returncode), ([], 0), done.stdout)
        self.assertEqual(sorted(one["work"] for one in found["works"]), sorted(work.__name__ for work in soak.WORKS))
        settings = soak.settings(1)
        # what the cache has need not be read
        film_units = (settings.size - soak.cache_size(settings)) // settings.unit
        for one in found["viewers"]:
            # it was read anew each time, and looked at
            self.assertGreater(one["loops"], 2)
            self.assertGreater(one["stats"]["units"], one["loops"] * film_units * 0.9)
            self.assertGreater(len(one["looks"]), 10)


if __name__ == "__main__":
    unittest.main()
