#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/run-tests: nothing that failed is lost, nothing runs too long, the longest begins first."""

import importlib.machinery
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"


def run_tests_module():
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("run_tests", str(TOOLS / "run-tests"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
    # dataclasses look their module up
    sys.modules["run_tests"] = module
    loader.exec_module(module)
    return module


class RunTests(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.build = pathlib.Path(temporary.name)

    def define(self, phase="plain", **tests):
        """@tests: a name, and its script, or what meson would say besides."""
        entries = []
        for name, more in tests.items():
            more = more if isinstance(more, dict) else {"script": more}
            entries.append({"name": name, "env": {}, "suite": ["pmss:unit"], "timeout": 30, "workdir": None, "priority": 0,
                            "is_parallel": True, "protocol": "exitcode", "cmd": ["/bin/sh", "-c", more.pop("script")], **more})
        folder = self.build / phase / "meson-info"
        folder.mkdir(parents=True)
        (folder / "intro-tests.json").write_text(json.dumps(entries))

    def run_tests(self, only="plain", jobs=2):
        """{(phase, name): its line}"""
        run = subprocess.run([sys.executable, TOOLS / "run-tests", "--only", only, "--jobs", str(jobs), self.build],
                             capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.text = run.stdout
        lines = [json.loads(line) for path in (self.build / "results").iterdir() for line in path.read_text().splitlines()]
        return {(line["phase"], line["name"]): line for line in lines}

    def results(self, **more):
        return {name: line["result"] for (_, name), line in self.run_tests(**more).items()}

    def count(self):
        """What tools/count-tests prints."""
        run = subprocess.run([sys.executable, TOOLS / "count-tests", *(self.build / "results").iterdir()],
                             capture_output=True, text=True, check=False, timeout=60)
        return run.stdout.splitlines(), run.returncode

    def test_ends(self):
        self.define(good="exit 0", bad="exit 3", skips="exit 77", breaks="exit 99", dies="kill -SEGV $$",
                    slow={"script": "sleep 60", "timeout": 1})
        self.assertEqual(self.results(), {"good": "OK", "bad": "FAIL", "skips": "SKIP", "breaks": "ERROR", "dies": "FAIL",
                                          "slow": "TIMEOUT"})
        self.assertEqual(self.count()[0][-1], "1 passed, 4 failed, 1 skipped")

    def test_tap(self):
        tap = {"protocol": "tap"}
        self.define(whole={"script": "echo 1..2; echo ok 1 a; echo ok 2 b '# SKIP no disk'", **tap},
                    cut={"script": "echo 1..2; echo ok 1 a", **tap},
                    silent={"script": "true", **tap},
                    empty={"script": "echo 1..0 '# SKIP no disk'", **tap},
                    bad={"script": "echo 1..1; echo not ok 1 a", **tap})
        self.assertEqual(self.results(), {"whole": "OK", "cut": "ERROR", "silent": "ERROR", "empty": "SKIP", "bad": "FAIL"})

    def test_once_more(self):
        """What passes alone is named, what fails again has failed, and so has what skips then."""
        first = "test -e %s/%s && exit %d; touch %s/%s; exit 1"
        self.define(**{name: first % (self.build, name, status, self.build, name)
                       for name, status in (("hiccup", 0), ("ill", 1), ("evades", 77))})
        lines = self.run_tests()
        self.assertTrue(lines["plain", "hiccup"]["unsteady"])
        self.assertEqual(lines["plain", "evades"]["result"], "FAIL")
        printed, status = self.count()
        self.assertEqual(printed[-2:], ["unsteady: hiccup (plain)", "1 passed, 2 failed, 0 skipped"])
        self.assertEqual(status, 1)

    def test_alone(self):
        """The pool is empty when what needs the machine for itself runs."""
        self.define(alone={"script": "test -e %s/a -a -e %s/b" % (self.build, self.build), "is_parallel": False, "priority": 9},
                    a="sleep 0.2; touch %s/a" % self.build, b="sleep 0.2; touch %s/b" % self.build)
        lines = self.run_tests()
        self.assertEqual(lines["plain", "alone"]["result"], "OK")
        self.assertNotIn("unsteady", lines["plain", "alone"])

    def test_longest_first(self):
        order = self.build / "order"
        self.define(**{name: {"script": "echo %s >>%s" % (name, order), "priority": priority}
                       for name, priority in (("short", 1), ("long", 30), ("middle", 5))})
        self.run_tests(jobs=1)
        self.assertEqual(order.read_text().split(), ["long", "middle", "short"])

    def test_gate(self):
        """Beyond the fewest a test begins only when a quarter of the time was idle."""
        readings = iter(((0, 0), (24, 100), (24, 100), (49, 200)))
        gate = run_tests_module().Gate(1, read=lambda: next(readings), look=0)
        with gate:
            with gate:
                self.assertEqual(gate.running, 2)
                self.assertIsNone(next(readings, None))
        self.assertEqual(gate.running, 0)

    def test_phases(self):
        """Each phase takes what is marked for it, with its wrapper, from its own folder."""
        self.define("plain", a="exit 0", b={"script": "exit 0", "suite": ["pmss:unit", "pmss:plain"]})
        self.define("asan", a='test -n "$ASAN_OPTIONS"', b={"script": "exit 1", "suite": ["pmss:unit", "pmss:plain"]})
        self.define("tsan", a="exit 1", c={"script": 'test -n "$TSAN_OPTIONS"', "suite": ["pmss:unit", "pmss:threads"]})
        lines = self.run_tests(only="plain,asan,tsan")
        self.assertEqual({key: line["result"] for key, line in lines.items()},
                         dict.fromkeys([("plain", "a"), ("plain", "b"), ("asan", "a"), ("tsan", "c")], "OK"))

    def test_environment(self):
        self.define(a={"script": 'test "$X" = "a b" && test "${PATH%%:*}" = /first && ls >/dev/null && test "$PWD" = ' + str(self.build / "plain"),
                       "env": {"X": "a b", "PATH": "/first"}})
        self.assertEqual(self.results(), {"a": "OK"})

    def test_slowest(self):
        self.define(**{"test%d" % number: "exit 0" for number in range(30)})
        self.run_tests()
        table = self.text[self.text.index("The slowest tests"):].splitlines()
        self.assertEqual(len(table), 21)


if __name__ == "__main__":
    unittest.main()
