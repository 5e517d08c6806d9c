#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss get: parts, what goes on where it was, and what happens meanwhile."""

import fcntl
import hashlib
import os
import resource
import signal
import subprocess
import unittest

import pmss_cli
from cluster import wait_for
from cli_case import MIB, CliCase
from tcp_relay import Relay


class Get(CliCase):
    def test_get_range(self):
        for text, expected in (("0-0", self.data[:1]), ("65530-65545", self.data[65530:65546]), ("5000000-", self.data[5000000:]),
                               ("-3", self.data[-3:]), (f"-{1 << 40}", self.data), (f"7-{1 << 40}", self.data[7:])):
            with self.subTest(text):
                self.assertEqual(self.pmss("get", "--range", text, "shared/data.bin", "-").raw, expected)
        copy = self.path("part")
        result = self.pmss("get", "--json", "--range", "10-19", "shared/data.bin", copy).json
        self.assertEqual(copy.read_bytes(), self.data[10:20])
        self.assertEqual((result["first"], result["length"], result["size"], result["verified"]), (10, 10, len(self.data), False))
        self.assertEqual(result["sha256"], hashlib.sha256(self.data[10:20]).hexdigest())
        for text in ("", "5", "-", "-0", "9-5", "a-b", "1-2-3", "0-1,3-4", "+1-2"):
            self.pmss("get", "--range", text, "shared/data.bin", "-", status=64)
        self.pmss("get", "--range", f"{len(self.data)}-", "shared/data.bin", "-", status=65)

    def partial(self, target, part=""):
        return target.with_name(f"{target.name}.pmss-{hashlib.sha256(self.data).hexdigest()[:12]}{part}")

    def ended(self, *words, env=None):
        """A get that can write no more than a mebibyte."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
        ended = subprocess.run([pmss_cli.PMSS, "get", *words], env={**self.env, **(env or {})}, capture_output=True, text=True, preexec_fn=limit,
                               timeout=60, check=False)
        self.assertEqual(ended.returncode, 74, ended.stderr)
        return ended.stderr

    def test_get_goes_on(self):
        """... where an earlier one ended: here one that could write no more than a mebibyte."""
        target = self.path("copy")
        self.assertIn(str(self.partial(target)), self.ended("shared/data.bin", target))
        self.assertEqual(os.listdir(target.parent), [self.partial(target).name])
        self.assertIn("1.0 MB of them from earlier", self.pmss("get", "shared/data.bin", target).out)
        self.assertEqual(target.read_bytes(), self.data)
        self.assertEqual(os.listdir(target.parent), ["copy"])

    def test_get_range_goes_on(self):
        """The same range does, and no other one; nor does the whole."""
        target = self.path("copy")
        end = len(self.data) - 1
        partial = self.partial(target, f"-5-{end}")
        words = ("--range", "5-", "shared/data.bin", target)
        self.assertIn(str(partial), self.ended(*words))
        self.assertEqual(os.listdir(target.parent), [partial.name])
        for other, first in (("--range", "6-"), 6), ((), 0):
            self.assertNotIn("from earlier", self.pmss("get", *other, "shared/data.bin", target).out)
            self.assertEqual(target.read_bytes(), self.data[first:])
            target.unlink()
        # ended once more, it has what was there and nothing new: the limit is as before
        self.ended(*words)
        self.assertEqual(partial.read_bytes(), self.data[5:5 + MIB])
        result = self.pmss("get", "--json", *words).json
        self.assertEqual((result["resumed"], result["first"], result["sha256"]),
                         (MIB, 5, hashlib.sha256(self.data[5:]).hexdigest()))
        self.assertEqual(target.read_bytes(), self.data[5:])
        self.assertEqual(os.listdir(target.parent), ["copy"])

    def test_get_goes_on_with_the_same_content(self):
        """The medium is replaced just before it is opened, and put back after the command was ended: nothing of the other content is left."""
        other = self.path("other")
        other.write_bytes(self.data[::-1])

        def replace(path):
            self.pmss("rm", "replaced")
            self.pmss("put", path, "replaced")
        self.pmss("put", self.file, "replaced")
        host, port = self.url.removeprefix("http://").split(":")
        relay = Relay((host, int(port)))
        self.addCleanup(relay.close)
        env = {"PMSS_URL": f"http://127.0.0.1:{relay.port}", "PMSS_TOKEN": self.cluster["token"]}
        target = self.path("folder")
        target.mkdir()
        target /= "copy"
        for words, first in (("--range", "5-"), 5), ((), 0):
            with self.subTest(words):
                relay.before_request = b"POST /api/v1/sessions ", lambda: replace(other)
                self.ended(*words, "replaced", target, env=env)
                self.assertIsNone(relay.before_request)
                replace(self.file)
                self.assertEqual(self.pmss("get", "--json", *words, "replaced", target).json["resumed"], 0)
                self.assertEqual(target.read_bytes(), self.data[first:])
                target.unlink()
                # what came of the other content waits for that
                replace(other)
                self.assertEqual(self.pmss("get", "--json", *words, "replaced", target).json["resumed"], MIB)
                self.assertEqual(target.read_bytes(), self.data[::-1][first:])
                target.unlink()
                replace(self.file)

    def test_get_range_that_was_killed(self):
        """Nobody knows what has come to the disk of it: the next one begins anew."""
        target = self.path("copy")
        large = self.path("large")
        with open(large, "wb") as file:
            # more than a reader has ahead
            file.truncate(80 * MIB)
        self.pmss("put", large, "killed", "--redundancy", "1+0")
        large.unlink()
        with subprocess.Popen([pmss_cli.PMSS, "get", "--range", "1-", "killed", target], env=self.env) as get:
            wait_for(lambda: any(file.stat().st_size for file in target.parent.iterdir()), "the first bytes")
            get.kill()
        self.assertNotIn("from earlier", self.pmss("get", "--force", "--range", "1-", "killed", target).out)
        self.assertEqual(target.stat().st_size, 80 * MIB - 1)

    def test_get_goes_on_with_nothing_bad(self):
        """A partial file that a power cut has filled with zeros, one that is too long, one that another command writes."""
        for content in (bytes(MIB), self.data[:MIB - 1] + b"?", self.data + b"more", b""):
            target = self.path("copy")
            self.partial(target).write_bytes(content)
            self.pmss("get", "--force", "shared/data.bin", target)
            self.assertEqual(target.read_bytes(), self.data)
            self.assertEqual(os.listdir(target.parent), ["copy"])
        with open(self.partial(target), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.assertIn("Another 'pmss get'", self.pmss("get", "--force", "shared/data.bin", target, status=75).err)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a file away")
    def test_get_takes_no_partial_file_of_another_user(self):
        """... who could change it after it was checked."""
        target = self.path("copy")
        partial = self.partial(target)
        partial.write_bytes(self.data[:1000])
        os.chown(partial, 12345, 12345)
        self.assertNotIn("from earlier", self.pmss("get", "shared/data.bin", target).out)
        self.assertEqual(target.read_bytes(), self.data)
        self.assertEqual(partial.read_bytes(), self.data[:1000])

    def test_get_of_what_is_deleted_meanwhile(self):
        """... says so, and not that somebody ought to log in."""
        large = self.path("large")
        with open(large, "wb") as file:
            # more than a reader has ahead
            file.truncate(80 * MIB)
        self.pmss("put", large, "deleted", "--redundancy", "1+0")
        read, write = os.pipe()
        with subprocess.Popen([pmss_cli.PMSS, "get", "deleted", "-"], env=self.env, stdout=write, stderr=subprocess.PIPE) as get:
            os.close(write)
            os.read(read, 1000)
            self.pmss("rm", "deleted")
            while os.read(read, MIB):
                pass
            os.close(read)
            error = get.stderr.read().decode().splitlines()
            self.assertEqual(get.wait(60), 66)
        self.assertEqual(error[-1], "pmss get: “deleted” was deleted while it was read")

    def test_output_that_does_not_block(self):
        read, write = os.pipe()
        os.set_blocking(write, False)
        with subprocess.Popen([pmss_cli.PMSS, "get", "shared/data.bin", "-"], env=self.env, stdout=write) as get:
            os.close(write)
            with os.fdopen(read, "rb") as pipe:
                self.assertEqual(pipe.read(), self.data)
            self.assertEqual(get.wait(60), 0)


if __name__ == "__main__":
    unittest.main()
