#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ports of test servers: no two tests have one at a time, whether a server is up there or not."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "integration"
sys.path.insert(0, str(FOLDER))
import cluster  # noqa: E402: it is found by the line before

PORTS = range(3000, 3004)
OTHER = "import cluster; cluster.PORTS = range(%d, %d); print(cluster.choose_port())" % (PORTS.start, PORTS.stop)


class Ports(unittest.TestCase):
    def test_one_owner(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch("tempfile.tempdir", folder), mock.patch.object(cluster, "PORTS", PORTS):
            mine = {cluster.choose_port() for _ in range(3)}
            self.assertEqual(len(mine), 3)
            left, = set(PORTS) - mine
            for _ in range(2):
                other = subprocess.run([sys.executable, "-c", OTHER], env=dict(os.environ, TMPDIR=folder, PYTHONPATH=str(FOLDER)),
                                       stdout=subprocess.PIPE, text=True, timeout=60, check=True)
                self.assertEqual(int(other.stdout), left)
            # that process has ended
            self.assertEqual(cluster.choose_port(), left)
            while cluster.port_locks:
                os.close(cluster.port_locks.pop())


if __name__ == "__main__":
    unittest.main()
