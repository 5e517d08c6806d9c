#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/count-tests: what was skipped never counts as passed."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "tools" / "count-tests"


def count(*entries, broken=0):
    """(the last line, the exit status) for these lines of a testlog.json."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        for entry in entries:
            log.write(json.dumps({"name": "x", "stdout": "", "stderr": "", **entry}) + "\n")
        log.flush()
        run = subprocess.run([sys.executable, PROGRAM, "--broken", str(broken), log.name], capture_output=True,
                             text=True, check=False)
    return run.stdout.splitlines()[-1], run.returncode


class Count(unittest.TestCase):
    def test_silent_programs(self):
        self.assertEqual(count({"result": "OK"}), ("1 passed, 0 failed, 0 skipped", 0))
        self.assertEqual(count({"result": "SKIP"}), ("0 passed, 0 failed, 1 skipped", 1))
        for result in ("FAIL", "TIMEOUT", "ERROR", "INTERRUPT", "UNEXPECTEDPASS", "new word"):
            self.assertEqual(count({"result": result}), ("0 passed, 1 failed, 0 skipped", 1))

    def test_tap(self):
        text = "TAP version 13\n1..3\nok 1 /a\nok 2 /b # SKIP no disk\nok 3 /c\n"
        self.assertEqual(count({"result": "OK", "stdout": text}), ("2 passed, 0 failed, 1 skipped", 0))
        text = "ok 1 /a\nnot ok 2 /b\n"
        self.assertEqual(count({"result": "FAIL", "stdout": text}), ("1 passed, 1 failed, 0 skipped", 1))
        self.assertEqual(count({"result": "FAIL", "stdout": "ok 1 /a\n"}), ("1 passed, 1 failed, 0 skipped", 1),
                         "a crash after the last case")

    def test_unittest(self):
        text = "..s\n---\nRan 3 tests in 0.1s\n\nOK (skipped=1)\n"
        self.assertEqual(count({"result": "OK", "stderr": text}), ("2 passed, 0 failed, 1 skipped", 0))
        text = "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n"
        self.assertEqual(count({"result": "FAIL", "stderr": text}), ("2 passed, 2 failed, 1 skipped", 1))
        text = "Ran 2 tests in 0.1s\n\nOK (skipped=2)\n"
        self.assertEqual(count({"result": "OK", "stderr": text}), ("0 passed, 0 failed, 2 skipped", 1))

    def test_broken_build(self):
        self.assertEqual(count({"result": "OK"}, broken=1), ("1 passed, 1 failed, 0 skipped", 1))
        self.assertEqual(count(), ("0 passed, 0 failed, 0 skipped", 1))


if __name__ == "__main__":
    unittest.main()
