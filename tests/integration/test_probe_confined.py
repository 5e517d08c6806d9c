#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a medium can do that takes pmss-probe over, and what becomes of a control server that it takes along."""

import errno
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import cluster
from cluster import wait_for

PROBE = os.environ["PMSS_PROBE"]
ATTACK = os.environ["PMSS_PROBE_ATTACK"]
WITHOUT_LANDLOCK = """
import ctypes, errno, os, sys
libc = ctypes.CDLL("libseccomp.so.2", use_errno=True)
libc.seccomp_init.restype = ctypes.c_void_p
allow, refuse = 0x7fff0000, 0x00050000 | errno.ENOSYS
context = ctypes.c_void_p(libc.seccomp_init(ctypes.c_uint32(allow)))
call = libc.seccomp_syscall_resolve_name(b"landlock_create_ruleset")
assert libc.seccomp_rule_add_array(context, ctypes.c_uint32(refuse), call, 0, None) == 0
assert libc.seccomp_load(context) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


class Taken(unittest.TestCase):
    """The probe itself, with code of an attacker's in it."""

    @classmethod
    def setUpClass(cls):
        signal.alarm(60)
        cls.folder = tempfile.TemporaryDirectory(prefix="pmss-confined-")
        cls.dir = pathlib.Path(cls.folder.name)
        cls.secret = cls.dir / "secret"
        cls.secret.write_text("secret")
        cls.secret.chmod(0o600)
        cls.medium = cls.dir / "medium"
        cls.medium.write_bytes(b"text\n" * 100)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_attacks(self):
        with open(self.secret) as left_open:
            result = subprocess.run([PROBE, str(self.medium)], timeout=30, capture_output=True, pass_fds=[left_open.fileno()],
                                    env=dict(os.environ, LD_PRELOAD=ATTACK, PMSS_ATTACK_FOLDER=str(self.dir)))
        self.assertEqual(result.returncode, 0, result.stderr)
        found = json.loads(result.stdout)
        self.assertEqual(len(found), 34, found)
        self.assertEqual({name for name, error in found.items() if error not in (errno.EACCES, errno.EPERM, errno.EBADF, errno.EFBIG)}, set(), found)
        self.assertEqual(self.secret.read_text(), "secret")
        self.assertEqual(self.secret.stat().st_mode & 0o777, 0o600)
        self.assertFalse((self.dir / "made").exists())

    def test_kernel_without_landlock(self):
        """Where it cannot be confined the probe says so, and looks at nothing."""
        result = subprocess.run(["python3", "-c", WITHOUT_LANDLOCK, PROBE, str(self.medium)], timeout=30, capture_output=True, text=True)
        self.assertEqual(result.returncode, 71, result)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, "cannot be confined.*Landlock")


class Group(cluster.TestCase):
    """What a control server does with its probe."""

    nodes = 1
    control_options = {"unit": "4KiB", "extent": "64KiB", "default-redundancy": "1+0"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.probe = cls.cluster.folder / "probe"
        cls.pid = cls.cluster.folder / "pid"
        cls.cluster.control.environment["PMSS_PROBE"] = str(cls.probe)
        cls.cluster.restart_control()
        cls.cluster.wait_nodes()

    def set_probe(self, script):
        self.probe.write_text("#!/bin/sh\n" + script)
        self.probe.chmod(0o755)
        self.pid.unlink(missing_ok=True)

    def wait_pid(self):
        wait_for(self.pid.exists, "the probe")
        return int(self.pid.read_text())

    @staticmethod
    def is_gone(pid):
        try:
            return pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True

    def test_ends_with_its_children(self):
        note = "echo $! > %s.new; mv %s.new %s;" % (self.pid, self.pid, self.pid)
        for name, end in (("cancelled", "exec sleep 1000"), ("crashed", "kill -SEGV $$")):
            with self.subTest(name):
                self.set_probe("sleep 1000 >/dev/null & %s %s" % (note, end))
                job = self.cluster.put(name, b"x")
                child = self.wait_pid()
                if name == "cancelled":
                    self.cluster.api("POST", "/jobs/%d/cancel" % job)
                wait_for(lambda: self.is_gone(child), "the probe's child to end")
                self.cluster.wait_job(job, ("done", "cancelled"))

    def test_control_ends_with_it(self):
        """Twice, and the file is not looked at again; what was interrupted otherwise does not count."""
        self.set_probe("echo $$ > %s.new; mv %s.new %s; exec sleep 1000" % (self.pid, self.pid, self.pid))
        job = self.cluster.put("deadly", b"x")
        self.wait_pid()
        self.pid.unlink()
        self.cluster.restart_control(kill=False)
        for _ in range(2):
            self.wait_pid()
            self.pid.unlink()
            self.cluster.restart_control()
        self.cluster.wait_job(job)
        self.assertFalse(self.pid.exists())
        self.assertIn("ended twice", self.cluster.job(job)["warning"])
        self.assertEqual(self.cluster.read_back("deadly"), b"x")


if __name__ == "__main__":
    unittest.main(verbosity=2)
