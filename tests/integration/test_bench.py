#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/bench runs, writes its table and its figures, and leaves nothing behind. What it measures here means nothing: the suite runs in parallel."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "tools" / "bench"
BUILD = os.environ.get("PMSS_BUILD_DIR", ".")
TIMEOUT = 240


class Bench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pmss-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "tmp").mkdir()

    def start(self, *arguments):
        command = [sys.executable, str(BENCH), *arguments, "--build-dir", BUILD, "--no-build", "--no-install", "--json", str(self.folder / "out.json")]
        return subprocess.Popen(command, env=dict(os.environ, TMPDIR=str(self.folder / "tmp")), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def assert_tidy(self):
        self.assertEqual(os.listdir(self.folder / "tmp"), [])
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = pathlib.Path("/proc", pid, "cmdline").read_bytes()
            except OSError:
                continue
            self.assertNotIn(str(self.folder / "tmp").encode(), words)

    def test_throughput(self):
        process = self.start("throughput", "--size", "16M", "--rounds", "1", "--warm-ups", "0")
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("against souphttpsrc, nginx", output)
        figures = json.loads((self.folder / "out.json").read_text())
        rates = figures["comparisons"][0]["contenders"]["pmsssrc"]["rate"]
        self.assertEqual(len(rates["values"]), 1)
        self.assertGreater(rates["values"][0], 0)
        self.assertGreater(figures["machine"]["cores"], 0)
        self.assert_tidy()

    def test_degraded(self):
        process = self.start("--degraded", "--only", "throughput", "--size", "16M", "--rounds", "1", "--warm-ups", "0")
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("against all nodes", output)
        figures = json.loads((self.folder / "out.json").read_text())
        for name in ("all nodes", "2 gone"):
            self.assertGreater(figures["comparisons"][0]["contenders"][name]["rate"]["values"][0], 0)
        self.assert_tidy()

    def test_latency(self):
        process = self.start("latency", "--part", "second", "--rounds", "1", "--warm-ups", "0")
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("against souphttpsrc, nginx, cold", output)
        near, far = json.loads((self.folder / "out.json").read_text())["comparisons"]
        for figures in far["contenders"].values():
            for key in ("beside", "after"):
                # a request and its answer
                self.assertGreaterEqual(figures[key]["values"][0], 40)
        self.assertEqual(near["contenders"].keys(), far["contenders"].keys())
        self.assert_tidy()

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("iperf3"), "needs root, for network namespaces, and iperf3")
    def test_repair(self):
        process = self.start("--degraded", "--only", "repair", "--repair-size", "8M", "--seconds", "2", "--rounds", "1", "--warm-ups", "0")
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("against iperf3 / (k + 1)", output)
        for comparison in json.loads((self.folder / "out.json").read_text())["comparisons"]:
            ours = {key: figures["values"][0] for key, figures in comparison["contenders"]["pmss"].items()}
            self.assertGreater(ours["rate"], 0)
            # a shard of 2 MiB and its checksums
            self.assertAlmostEqual(ours["rebuilt"], 2, delta=0.1)
            # each byte that was made has been read k times, written, and read back
            self.assertGreater(ours["received"], 5)
            self.assertGreater(ours["sent"], 1)
        self.assert_tidy()

    @unittest.skipUnless(shutil.which("wrk"), "needs wrk")
    def test_sessions(self):
        process = self.start("sessions", "--connections", "1,4", "--seconds", "1", "--rounds", "1", "--warm-ups", "0")
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("against 1 connections", output)
        contenders = json.loads((self.folder / "out.json").read_text())["comparisons"][0]["contenders"]
        for name in ("1 connections", "4 connections"):
            self.assertGreater(contenders[name]["rate"]["values"][0], 0)
        # alone, a session is two commits: its begin and its end
        self.assertAlmostEqual(contenders["1 connections"]["syncs"]["values"][0], 2, delta=0.5)
        self.assert_tidy()

    def test_catalog(self):
        process = self.start("catalog", "--media", "2000", "--extents", "3", "--requests", "20", "--rounds", "1", "--warm-ups", "0")
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("2000 media of 3 extents", output)
        self.assertRegex(output, r"pieces of the database thread \(function\) \d+ took more than 10 ms")
        start, requests = json.loads((self.folder / "out.json").read_text())["comparisons"]
        self.assertGreater(start["contenders"]["pmss-control"]["seconds"]["values"][0], 0)
        self.assertEqual(len(requests["contenders"]), 36)
        for figures in requests["contenders"].values():
            self.assertGreater(figures["median"]["values"][0], 0)
        self.assert_tidy()

    @unittest.skipUnless(shutil.which("curl") and shutil.which("nginx"), "needs curl and nginx")
    def test_gateway(self):
        for part, more in (("loopback", ()), ("viewers", ("--viewers", "5", "--seconds", "1"))):
            process = self.start("gateway", "--only", part, "--size", "16M", *more, "--rounds", "1", "--warm-ups", "0")
            output, errors = process.communicate(timeout=TIMEOUT)
            self.assertEqual(process.returncode, 0, errors)
            self.assertIn("against nginx", output)
            ours = json.loads((self.folder / "out.json").read_text())["comparisons"][0]["contenders"]["gateway"]
            self.assertGreater(ours["cpu"]["values"][0], 0)
            self.assert_tidy()

    def test_interrupted(self):
        """Ctrl-C in the middle: servers, processes and folders go."""
        process = self.start("throughput", "--size", "16M", "--rounds", "100000")
        for line in process.stderr:
            if "round 1 of" in line:
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 130, errors)
        self.assert_tidy()


if __name__ == "__main__":
    unittest.main()
