#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/bench: who runs when, and what is made of the numbers."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from benchmarks import accounting, material, report  # noqa: E402
from benchmarks.rounds import Comparison, Contender, Metric, Spread, pairwise  # noqa: E402

RATE = Metric("rate", "rate", "MB/s")


def comparison(**figures):
    """One contender a keyword, with one figure a round."""
    left = {name: iter(values) for name, values in figures.items()}
    contenders = [Contender(name, lambda i=values: {"rate": next(i)}) for name, values in left.items()]
    made = Comparison("a test", [RATE], contenders)
    made.run(rounds=min(map(len, figures.values())), warm_ups=0)
    return made


class Statistics(unittest.TestCase):
    def test_spread(self):
        self.assertEqual(Spread.of([3, 1, 2]), Spread(2, 1, 3))
        self.assertEqual(Spread.of([4, 1, 2, 3]), Spread(2.5, 1, 4))
        self.assertEqual(Spread.of([7]), Spread(7, 7, 7))
        self.assertIsNone(Spread.of([]))
        self.assertEqual(Spread.of([None, 5]), Spread(5, 5, 5))

    def test_ratios_are_of_pairs(self):
        """The machine halves its speed in the second round: the ratio does not see it, that of the medians would be 0.75."""
        made = comparison(theirs=[100, 50, 100, 50], ours=[150, 75, 150, 75])
        self.assertEqual(made.ratio("ours", RATE), Spread(1.5, 1.5, 1.5))
        self.assertIsNone(made.ratio("theirs", RATE))

    def test_another_reference_for_one_metric(self):
        cpu = Metric("cpu", "CPU", "s", against="b")
        contenders = [Contender("a", lambda: {"rate": 1}), Contender("b", lambda: {"rate": 2, "cpu": 2}), Contender("c", lambda: {"rate": 4, "cpu": 1})]
        made = Comparison("a test", [RATE, cpu], contenders)
        made.run(rounds=1, warm_ups=0)
        self.assertEqual((made.ratio("c", RATE).median, made.ratio("c", cpu).median), (4, 0.5))
        self.assertIsNone(made.ratio("a", cpu))

    def test_pairs_without_a_number(self):
        self.assertEqual(pairwise([2, None, 9], [1, 1, 3]), Spread(2.5, 2, 3))
        self.assertIsNone(pairwise([1], [0]))
        self.assertIsNone(pairwise([1], [None]))

    def test_a_reference_has_to_exist(self):
        with self.assertRaises(ValueError):
            Comparison("a test", [RATE], [Contender("a", dict)], reference="b")


class Turns(unittest.TestCase):
    def test_they_alternate_and_warm_up(self):
        seen = []
        contenders = [Contender(name, lambda n=name: seen.append(n) or {"rate": len(seen)}) for name in "ab"]
        made = Comparison("a test", [RATE], contenders)
        made.run(rounds=3, warm_ups=1)
        self.assertEqual("".join(seen), "ba" "ab" "ba" "ab")
        self.assertEqual(made.values("a", "rate"), [3, 6, 7])
        self.assertEqual(len(made.warm_ups), 1)


class Reports(unittest.TestCase):
    def test_table(self):
        text = report.table(comparison(theirs=[100, 50], ours=[150, 75]))
        self.assertIn("against theirs", text)
        self.assertRegex(text, r"ours +112\.50 +75\.00 +150\.00 +x 1\.500 +1\.500 +1\.500")

    def test_missing_figures_leave_a_dash(self):
        self.assertRegex(report.table(comparison(theirs=[100], ours=[None])), r"ours +-")

    def test_json(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "deeper" / "a.json"
            report.write(path, report.comparison_document(comparison(theirs=[100, 50], ours=[150, 75])))
            read = json.loads(path.read_text())
        self.assertEqual(read["contenders"]["ours"]["rate"]["values"], [150, 75])
        self.assertEqual(read["contenders"]["ours"]["rate"]["ratio"], {"median": 1.5, "minimum": 1.5, "maximum": 1.5})

    def test_little_is_said_to_be_little(self):
        watch = {"other_cpus": 1.5, "load_before": (1, 1, 1), "load_after": (1, 1, 1)}
        machine = {"cpu": "x", "cores": 2, "kernel": "6", "system": "y"}
        text = report.conditions(machine, [watch], rounds=2)
        self.assertIn("too few", text)
        self.assertIn("not ours alone", text)
        self.assertNotIn("too few", report.conditions(machine, [dict(watch, other_cpus=0)], rounds=5))
        self.assertIn("others used 1.50 of 2 CPUs", report.meanwhile(machine, watch))


class Accounting(unittest.TestCase):
    def test_cpu_of_a_living_process(self):
        begin = accounting.cpu_seconds(os.getpid())
        while time.process_time() < 0.05:
            pass
        used = accounting.cpu_seconds(os.getpid())
        self.assertGreaterEqual(used, begin)
        self.assertAlmostEqual(used, time.process_time(), delta=0.02)

    def test_a_command(self):
        usage = accounting.run([sys.executable, "-c", "x = b'x' * (64 << 20); print(sum(range(10 ** 6)))"])
        self.assertEqual(usage.output, "499999500000\n")
        self.assertGreater(usage.cpu, 0)
        self.assertGreater(usage.memory, 64 << 20)

    def test_its_peak_is_its_own(self):
        """Not that of the process which started it: this one is large."""
        ballast = b"x" * (200 << 20)
        self.assertLess(accounting.run(["true"]).memory, len(ballast) // 4)

    def test_failures(self):
        with self.assertRaisesRegex(accounting.CommandFailed, "ended with 3: oh"):
            accounting.run(["sh", "-c", "echo oh; exit 3"])
        with self.assertRaisesRegex(accounting.CommandFailed, "did not end"):
            accounting.run(["sleep", "60"], timeout=0.05)


class Sizes(unittest.TestCase):
    def test_parse(self):
        self.assertEqual([material.parse_size(t) for t in ("16M", "1g", "2K", "77")], [16 << 20, 1 << 30, 2048, 77])
        for wrong in ("", "M", "-1", "0", "1T"):
            with self.assertRaises(ValueError):
                material.parse_size(wrong)


class CommandLine(unittest.TestCase):
    def test_help(self):
        program = pathlib.Path(__file__).resolve().parents[2] / "tools" / "bench"
        run = subprocess.run([sys.executable, program, "--help"], capture_output=True, text=True, check=True)
        self.assertIn("throughput", run.stdout)


if __name__ == "__main__":
    unittest.main()
