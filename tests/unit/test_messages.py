# SPDX-License-Identifier: LGPL-2.1-or-later
"""Texts of messages: names in them stand in “quotes”, one way everywhere."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("control", "daemon", "gst-plugin", "httpd", "libpmss", "server", "tools/pmss")
STRAIGHT = re.compile(r"'%[0-9.*]*s'")


class Messages(unittest.TestCase):
    def test_sample(self):
        self.assertTrue(STRAIGHT.search("\"There is no '%s'\""))
        self.assertFalse(STRAIGHT.search("\"There is no “%s”\""))

    def test_quotes(self):
        files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.c")]
        self.assertGreater(len(files), 100)
        found = ["%s:%d" % (path.relative_to(ROOT), number) for path in files
                 for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if STRAIGHT.search(line)]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
