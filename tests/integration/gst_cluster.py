# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of pmsssrc share: a cluster, and GStreamer's programs run against it with the plugin from the build."""

import os
import pathlib
import shutil
import subprocess
import unittest

import cluster

EXERCISE = cluster.BUILD / "tests" / "integration" / "pmsssrc-exercise"
ROOT = pathlib.Path(__file__).resolve().parents[2]
MEDIA = pathlib.Path(os.environ.get("PMSS_TEST_MEDIA") or ROOT.parent / "shared" / "media")

# Programs that GStreamer cannot do without a display or sound card
HEADLESS = ["--videosink=fakesink", "--audiosink=fakesink"]


def sanitized():
    """Whether the plugin is of a build with a sanitizer: not every process can load it then."""
    plugin = (cluster.BUILD / "gst-plugin" / "libgstpmss.so").read_bytes()
    return b"__asan_init" in plugin or b"__tsan_init" in plugin


def whole_stacks():
    """What a process gets whose reported leaks are suppressed by a function that fast unwinding does not reach."""
    options = os.environ.get("ASAN_OPTIONS")
    return {"ASAN_OPTIONS": options + ":fast_unwind_on_malloc=0"} if options else {}


def need(program):
    """Skips the test where a program is not installed."""
    if not shutil.which(program):
        raise unittest.SkipTest("%s is not installed" % program)
    return program


class GstCase(cluster.TestCase):
    plugins = None              # names of all that is wanted of the system's; None: everything

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shelf = {}
        # the registry of everything is shared: it is replaced whole, and takes seconds to make
        cls.gst = {"GST_REGISTRY_1_0": str(cluster.BUILD / "tests" / "integration" / "registry.bin")}
        if cls.plugins is not None:
            folder = cls.cluster.folder / "plugins"
            folder.mkdir()
            for name in cls.plugins:
                (folder / ("libgst%s.so" % name)).symlink_to(
                    pathlib.Path(os.environ["PMSS_GST_PLUGINS_DIR"]) / ("libgst%s.so" % name))
            cls.gst = {"GST_REGISTRY_1_0": str(cls.cluster.folder / "registry.bin"), "GST_REGISTRY_FORK": "no",
                       "GST_PLUGIN_SYSTEM_PATH_1_0": str(folder)}

    def variables(self, **more):
        return dict(os.environ, PMSS_TOKEN=self.cluster.token, XDG_CONFIG_HOME=str(self.cluster.folder / "config"),
                    LC_ALL="C.UTF-8", **self.gst, **more)

    def uri(self, name, user=""):
        return "pmss://%s127.0.0.1:%d/%s" % (user, self.cluster.control.port, cluster.encode_name(name))

    def add_file(self, name, path, **query):
        """Puts a file on the cluster, once a class; returns its URI."""
        if name not in self.shelf:
            with open(path, "rb") as content:
                self.cluster.add(name, content, **query)
            self.shelf[name] = path
        return self.uri(name)

    def medium(self, file):
        """A file of the folder of real media: its path and its URI."""
        path = MEDIA / file
        if not path.exists():
            raise unittest.SkipTest("%s is not there" % path)
        return path, self.add_file("media/" + file, path)

    def execute(self, *command, timeout=120, status=0, stdin=subprocess.DEVNULL, errors=subprocess.STDOUT, **more):
        """Runs a program to its end; returns what it printed, on both channels if @errors does not say otherwise."""
        done = subprocess.run([str(part) for part in command], env=self.variables(**more),
                              stdin=stdin, stdout=subprocess.PIPE,
                              stderr=errors, text=True, errors="replace", timeout=timeout)
        if status is not None:
            self.assertEqual(done.returncode, status, "%s: %s" % (" ".join(map(str, command)), done.stdout[-4000:]))
        return done.stdout

    def exercise(self, *arguments, wrapper=(), **more):
        return self.execute(*wrapper, EXERCISE, *arguments, G_DEBUG="fatal-warnings", **more)
