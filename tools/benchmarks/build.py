# SPDX-License-Identifier: LGPL-2.1-or-later
"""A release build of this source tree, and the environment in which its programs and its plugin are found."""

import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
# each on its own line of output only when something goes wrong
INSTALL = '. tools/install-packages.sh && pmss_top=. && pmss_install_packages "$1" build run bench'


class BuildFailed(RuntimeError):
    pass


def install_packages(log):
    subprocess.run(["bash", "-euc", INSTALL, "bash", str(log)], cwd=TOP, check=True)


def run_quietly(command, log):
    with open(log, "ab") as file:
        if subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False).returncode == 0:
            return
    raise BuildFailed("%s failed; see %s" % (" ".join(command), log))


def release(folder, log):
    """Makes, or brings up to date, the build in @folder."""
    if not (folder / "build.ninja").exists():
        run_quietly(["meson", "setup", str(folder), str(TOP), "--buildtype=release", "-Dtests=false", "-Dintrospection=disabled"], log)
    run_quietly(["ninja", "-C", str(folder)], log)


def environment(folder, scratch):
    """For clients. Nothing of the user's own settings comes in; the registry of plugins is made by the first that needs it, in the warm-up."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("GST_", "PMSS_", "G_"))}
    env.update(PMSS_BUILD_DIR=str(folder), GST_PLUGIN_PATH_1_0=str(folder / "gst-plugin"), GST_REGISTRY=str(scratch / "registry.bin"),
               XDG_CONFIG_HOME=str(scratch / "config"), LC_ALL="C.UTF-8")
    return env
