# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the command line `pmss` of the build, with a home folder of its own."""

import faulthandler
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from cluster import preloading

BUILD = pathlib.Path(os.environ.get("PMSS_BUILD_DIR", "."))
PMSS = BUILD / "tools" / "pmss"
COMMAND_TIMEOUT = 120
# a sanitizer's build is slow
PATIENCE = 3 if os.environ.get("TSAN_OPTIONS") or os.environ.get("ASAN_OPTIONS") else 1


class Result:
    def __init__(self, process):
        self.status = process.returncode
        self.raw = process.stdout
        self.out = process.stdout.decode(errors="backslashreplace")
        self.err = process.stderr.decode(errors="backslashreplace")

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"status {self.status}\n--- out\n{self.out[:4000]}\n--- err\n{self.err[:4000]}"


class TestCase(unittest.TestCase):
    """A temporary folder with a home in it, and a watchdog."""

    timeout = 280 * PATIENCE

    @classmethod
    def setUpClass(cls):
        faulthandler.dump_traceback_later(cls.timeout, exit=True)
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="pmss-cli-"))
        cls.addClassCleanup(faulthandler.cancel_dump_traceback_later)
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.env = {key: value for key, value in os.environ.items()
                   if key not in ("PMSS_URL", "PMSS_TOKEN") and not key.startswith("XDG_")}
        # The registry is made in the process itself: the scanner of GStreamer cannot load a plugin that is built with
        # sanitizers.
        cls.env.update(HOME=str(cls.folder / "home"), LC_ALL="C.UTF-8", GST_REGISTRY_FORK="no")
        if "PMSS_QUICK_PASSWORDS" in cls.env:
            cls.env = preloading(cls.env["PMSS_QUICK_PASSWORDS"], cls.env)
        (cls.folder / "home").mkdir()

    @classmethod
    def pmss(cls, *arguments, stdin=b"", env=None, status=0, timeout=COMMAND_TIMEOUT):
        """Runs pmss; @status: what it has to end with, None: whatever."""
        env = dict(cls.env, **(env or {}))
        if arguments[:1] == ("play",) and "ASAN_OPTIONS" in env:
            # GStreamer makes GLib's table of quarks grow, and only whole stacks tell the old one from a leak: else collect-reports runs all tests again
            env["ASAN_OPTIONS"] += ":fast_unwind_on_malloc=0"
        process = subprocess.run([str(PMSS), *map(str, arguments)], input=stdin, capture_output=True, env=env, timeout=timeout, check=False)
        result = Result(process)
        if status is not None and result.status != status:
            raise AssertionError(f"pmss {' '.join(map(str, arguments))}: wanted status {status}, got {result}")
        return result


def alive(pid):
    """Whether a process runs (and is no zombie)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
