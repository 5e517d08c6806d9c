#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmsssrc against a real cluster: the right bytes, honest messages, nothing left behind."""

import random
import re
import subprocess
import unittest

import cluster
from cluster import wait_for
from gst_cluster import EXERCISE, GstCase, ROOT, need, sanitized, whole_stacks

UNIT = 4096
EXTENT = 65536
LOSE = 200 * EXTENT
OPEN_READ, READ, NOT_FOUND, NOT_AUTHORIZED = 5, 9, 3, 15


class SourceCase(GstCase):
    control_options = {"unit": "4KiB", "extent": "64KiB"}
    plugins = ("coreelements", "coretracers", "app")
    timeout = 600

    def make(self, name, size, redundancy="4+2"):
        """A medium of random bytes: its URI and the file that it was made from."""
        path = self.cluster.folder / name.replace("/", "_")
        if not path.exists():
            path.write_bytes(random.Random(name).randbytes(size))
        return self.add_file(name, path, redundancy=redundancy), path

    def sessions(self):
        return self.cluster.api("GET", "/sessions")["sessions"]

    def start(self, *arguments):
        """Starts the exercise program; returns it as soon as it has its first buffer."""
        process = subprocess.Popen([str(EXERCISE), *map(str, arguments)], env=self.variables(),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "first buffer\n")
        return process

    def finish(self, process):
        out, _ = process.communicate("\n", timeout=60)
        self.assertEqual(process.returncode, 0, out)
        return out

    def error(self, uri, *properties):
        """Reads what cannot be read; returns the element's own errors: the base class adds one of its own, later."""
        out = self.execute(EXERCISE, "watch", uri, *properties)
        errors = re.findall(r"^error gst-resource-error-quark (\d+): (.*)$", out, re.M)
        self.assertEqual(len(errors), 1, out)
        return int(errors[0][0]), errors[0][1]


class Bytes(SourceCase):
    """1,000 random ranges by pull and 1,000 random seeks by push, in each class of sizes."""

    SIZES = (0, 1, UNIT - 1, UNIT, UNIT + 1, 4 * UNIT, EXTENT, EXTENT + 1, 5 * EXTENT + 2 * UNIT + 77)

    def check(self, redundancy, sizes, count=1000, **more):
        for size in sizes:
            with self.subTest(size=size, redundancy=redundancy):
                uri, path = self.make("%s/%d" % (redundancy, size), size, redundancy)
                self.exercise("pull", uri, path, 1, count, **more)
                self.exercise("push", uri, path, 2, count, **more)

    def test_4_2(self):
        self.check("4+2", self.SIZES)

    def test_other_redundancies(self):
        for redundancy in ("1+0", "1+2", "6+0", "3+1"):
            self.check(redundancy, self.SIZES[-3:], 300)

    def test_awkward_names(self):
        for name in ("a b/c d.bin", "ünï/ço∂é", "100%/50%25", "quo'te\"s", "semi;colon/a=b&c+d"):
            with self.subTest(name=name):
                uri, path = self.make(name, 3 * UNIT)
                self.exercise("pull", uri, path, 1, 10)

    def test_degraded(self):
        """Two of six nodes gone: as exact as before."""
        uri, path = self.make("degraded", 5 * EXTENT + 77)
        for node in self.cluster.nodes[:2]:
            node.kill()
        try:
            self.exercise("pull", uri, path, 1, 300)
            self.exercise("push", uri, path, 2, 300)
        finally:
            for node in self.cluster.nodes[:2]:
                node.start()
            self.cluster.wait_nodes()


class Large(SourceCase):
    """The default geometry, and more than fits the cache."""

    control_options = {}

    def test_ranges(self):
        uri, path = self.make("large", 100 * 1024 * 1024 + 12345)
        self.exercise("pull", uri, path, 1, 1000)
        self.exercise("push", uri, path, 2, 500)

    def test_stops_while_nodes_are_silent(self):
        uri, _ = self.make("large", 100 * 1024 * 1024 + 12345)
        process = self.start("stop", uri)
        for node in self.cluster.nodes:
            node.pause()
        try:
            out = self.finish(process)
        finally:
            for node in self.cluster.nodes:
                node.unpause()
            self.cluster.wait_nodes()
        self.assertLess(int(re.search(r"stopped in (\d+) ms", out).group(1)), 1000)


class Life(SourceCase):
    # a session that was cut off while it was asked for ends with its lease
    control_options = dict(SourceCase.control_options, lease="3")

    def test_session_is_given_back(self):
        uri, _ = self.make("lease", 3 * EXTENT)
        process = self.start("stop", uri)
        # those of the tests before end a moment after them
        wait_for(lambda: len(self.sessions()) == 1, "its session alone")
        process.communicate("\n", timeout=60)
        wait_for(lambda: not self.sessions(), "the session to end")

    def test_cycles_leave_nothing(self):
        uri, _ = self.make("cycles", 3 * EXTENT)
        out = self.exercise("cycles", uri, 100, GST_TRACERS="leaks(check-refs=true)",
                            GST_DEBUG="GST_TRACER:7", GST_DEBUG_NO_COLOR="1", **whole_stacks())
        alive = [line for line in out.splitlines() if "object-alive, type-name" in line and "trace=" in line
                 and "new format string" not in line]
        self.assertEqual(alive, [])
        # the tracer did look
        self.assertIn("object-alive", out)
        wait_for(lambda: not self.sessions(), "the sessions to end")

    def test_opens_leave_nothing(self):
        """Many short plays through one pipeline, whose elements share a client: the descriptors do not grow in number."""
        uri, _ = self.make("cycles", 3 * EXTENT)
        out = self.exercise("opens", uri, 150, wrapper=("prlimit", "--nofile=128"))
        counts = [int(number) for number in re.findall(r"(\d+)$", out, re.M)]
        self.assertEqual(len(counts), 3, out)
        first, last, peak = counts
        # one play needs one connection to a node, the next may need two; they stay open for those that follow
        self.assertLessEqual(last, first + 1 + self.nodes)
        # docs/element.md says how many an open element holds: two connections to each node, and four
        self.assertLessEqual(peak, first + 2 * self.nodes + 4)

    def test_no_warnings(self):
        """GStreamer's own: from the element, and from the base classes because of it."""
        uri, path = self.make("cycles", 3 * EXTENT)
        for verb in ("pull", "push"):
            out = self.exercise(verb, uri, path, 1, 50, GST_DEBUG="2", GST_DEBUG_NO_COLOR="1")
            self.assertEqual(re.findall(r".*(?:WARN|ERROR|FIXME) .*", out), [])

    def test_valgrind(self):
        need("valgrind")
        if sanitized():
            self.skipTest("valgrind and a sanitizer do not go together")
        uri, path = self.make("valgrind", 3 * EXTENT)
        wrapper = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full",
                   "--errors-for-leak-kinds=definite", "--show-leak-kinds=definite",
                   "--suppressions=%s" % (ROOT / "tests" / "suppressions" / "valgrind.supp")]
        for arguments in (("pull", uri, path, 1, 30), ("push", uri, path, 1, 30), ("cycles", uri, 10)):
            with self.subTest(verb=arguments[0]):
                self.execute(*wrapper, EXERCISE, *arguments, timeout=300, G_SLICE="always-malloc",
                             G_DEBUG="fatal-warnings")


class Messages(SourceCase):
    def test_layout_and_progress(self):
        uri, _ = self.make("messages", 3 * EXTENT)
        out = self.finish(self.start("watch", uri))
        self.assertRegex(out, r"progress connect 0 ")
        self.assertRegex(out, r"progress connect 2 ")
        self.assertRegex(out, r"element pmss-layout, .*redundancy=\(string\)4\+2, unit=\(uint\)4096")
        self.assertRegex(out, r"duration-changed")
        self.assertRegex(out, r"have-context")
        self.assertIn("bytes %d\n" % (3 * EXTENT), out)
        self.assertNotRegex(out, r"(?m)^(warning|error) ")
        stats = re.search(r"^stats (.*)$", out, re.M).group(1)
        self.assertGreaterEqual(int(re.search(r" bytes=\(guint64\)(\d+)", stats).group(1)), 3 * EXTENT)
        self.assertEqual(len(re.findall(r"pmss-node-stats", stats)), 6)

    def lose(self, count):
        """What is said when @count nodes go in the middle, and whether all bytes come."""
        # plays long enough for a lost node to be asked once more, with no reading ahead of what is lost
        uri, _ = self.make("lose", LOSE)
        process = self.start("watch", uri, "cache-size=65536", "read-ahead=32768")
        for node in self.cluster.nodes[:count]:
            node.kill()
        try:
            out = self.finish(process)
        finally:
            for node in self.cluster.nodes[:count]:
                node.start()
            self.cluster.wait_nodes()
        return out

    def test_one_node_lost(self):
        out = self.lose(1)
        self.assertIn("bytes %d\n" % LOSE, out)
        self.assertRegex(out, r"element pmss-node-lost, node=\(uint\)%d, peer=" % self.cluster.nodes[0].id)
        self.assertRegex(out, r"element pmss-degraded, missing=\(uint\)1, spare=\(uint\)1")
        self.assertNotRegex(out, r"(?m)^(warning|error) ")

    def test_no_redundancy_left(self):
        out = self.lose(2)
        self.assertIn("bytes %d\n" % LOSE, out)
        self.assertRegex(out, r"element pmss-degraded, missing=\(uint\)2, spare=\(uint\)0")
        self.assertEqual(len(re.findall(r"^warning ", out, re.M)), 1, out)
        self.assertNotRegex(out, r"(?m)^error ")


class Errors(SourceCase):
    def test_unknown_medium(self):
        code, text = self.error(self.uri("no/such medium"))
        self.assertEqual(code, NOT_FOUND)
        self.assertIn("no/such medium", text)

    def test_bad_token(self):
        uri, _ = self.make("errors", UNIT)
        code, _ = self.error(uri, "token=nonsense")
        self.assertEqual(code, NOT_AUTHORIZED)

    def test_wrong_password(self):
        self.make("errors", UNIT)
        code, _ = self.error(self.uri("errors", "admin:wrong@"))
        self.assertEqual(code, NOT_AUTHORIZED)

    def test_password_of_the_uri(self):
        uri, path = self.make("errors", UNIT)
        user = "admin:%s@" % cluster.urllib.parse.quote(self.cluster.password, safe="")
        environment = self.variables()
        environment.pop("PMSS_TOKEN")
        done = subprocess.run([str(EXERCISE), "pull", self.uri("errors", user), str(path), "1", "5"],
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_node_down_without_redundancy(self):
        """The error names node and medium."""
        uri, _ = self.make("striped", 3 * EXTENT, "6+0")
        node = self.cluster.nodes[3]
        node.kill()
        try:
            code, text = self.error(uri, "retries=1", "timeout=5")
        finally:
            node.start()
            self.cluster.wait_nodes()
        self.assertEqual(code, READ)
        self.assertIn("striped", text)
        self.assertRegex(text, r"node=\(uint\)%d\b" % node.id)

    def test_control_gone(self):
        uri, _ = self.make("errors", UNIT)
        self.cluster.control.kill()
        try:
            code, _ = self.error(uri)
        finally:
            self.cluster.control.start()
            self.cluster.wait_nodes()
        self.assertEqual(code, OPEN_READ)


if __name__ == "__main__":
    unittest.main()
