#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ThreadSanitizer with glib-tsan: races are found, and what GLib orders is none."""

import os
import subprocess
import sys
import unittest

RACE = sys.argv.pop(1)
WAYS = ("mutex", "cond", "rw-lock", "queue", "source", "pool", "object", "free")


def run(kind, way):
    # its reports are no findings: they stay out of the log of the others
    options = os.environ.get("TSAN_OPTIONS", "") + ":log_path=stderr:exitcode=66"
    return subprocess.run([RACE, kind, way], timeout=60, stderr=subprocess.PIPE,
                          text=True, env=dict(os.environ, TSAN_OPTIONS=options))


class Race(unittest.TestCase):
    def test_good(self):
        for way in WAYS:
            with self.subTest(way):
                result = run("good", way)
                self.assertEqual(result.returncode, 0, result.stderr)

    def test_bad(self):
        for way in WAYS:
            with self.subTest(way):
                result = run("bad", way)
                self.assertIn("ThreadSanitizer: data race", result.stderr)
                self.assertIn("race.c", result.stderr)
                self.assertEqual(result.returncode, 66)


if __name__ == "__main__":
    unittest.main()
