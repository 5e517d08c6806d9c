#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""collect-reports: no report is lost, and a leak is judged by whole stacks."""

import os
import pathlib
import subprocess
import tempfile
import unittest

WRAPPER = pathlib.Path(__file__).resolve().parent / "collect-reports"
# what a sanitizer does: a report where log_path says, while the process's own status may be 0
REPORT = 'report () { echo "$1" >"$(echo "$ASAN_OPTIONS" | sed "s/.*log_path=//; s/:.*//").$$"; }\n'


class Collect(unittest.TestCase):
    def run_wrapped(self, script):
        """(the status, how often the test ran, what was printed)."""
        with tempfile.TemporaryDirectory() as folder:
            runs = pathlib.Path(folder) / "runs"
            path = pathlib.Path(folder) / "test"
            path.write_text("#!/bin/sh\n" + REPORT + 'echo run >>%s\n' % runs + script)
            path.chmod(0o755)
            result = subprocess.run([WRAPPER, path], timeout=30, capture_output=True, text=True,
                                    env=dict(os.environ, ASAN_OPTIONS="fast_unwind_on_malloc=0"))
            return result.returncode, len(runs.read_text().splitlines()), result.stderr

    def test_status_is_passed_on(self):
        for status in (0, 1, 77):
            self.assertEqual(self.run_wrapped("exit %d" % status)[:2], (status, 1))

    def test_report_of_a_child(self):
        status, runs, text = self.run_wrapped('report "ERROR: AddressSanitizer: heap-use-after-free"; exit 0')
        self.assertEqual((status, runs), (66, 1))
        self.assertIn("heap-use-after-free", text)

    def test_leak(self):
        """A leak that whole stacks show too is one; one that a suppression takes then is none."""
        status, runs, text = self.run_wrapped('report "ERROR: LeakSanitizer: detected memory leaks"; exit 0')
        self.assertEqual((status, runs), (66, 2))
        self.assertIn("detected memory leaks", text)
        status, runs, _ = self.run_wrapped('case $ASAN_OPTIONS in *fast_unwind_on_malloc=1*) report LeakSanitizer; exit 1 ;; esac')
        self.assertEqual((status, runs), (0, 2))


if __name__ == "__main__":
    unittest.main(verbosity=2)
