# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that are full, or that read no more."""

import contextlib
import ctypes
import os
import random
import subprocess

CLONE_NEWNS = 0x00020000
# What an ingest finds on the full disk: less than it needs of one node.
MOST_LEFT = 1 << 20
INGEST = 16 << 20


class Unavailable(RuntimeError):
    """The machine does not let us do this."""


def mount_small(folder, size):
    """A small disk that only this thread and the processes that it starts see: it goes with them."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise Unavailable("a small disk: %s (needs root, or: unshare --map-root-user tests/faults/run ...)" % os.strerror(ctypes.get_errno()))
    folder.mkdir()
    for words in (["mount", "--make-rprivate", "/"], ["mount", "-t", "tmpfs", "-o", "size=%d" % size, "none", folder]):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Unavailable("a small disk: " + done.stderr.strip())


@contextlib.contextmanager
def fail_reads(rig, plan):
    """Each read of a shard fails with EIO (fail-read.c)."""
    triggers = [rig.read_trigger(i) for i in plan.targets]
    for trigger in triggers:
        trigger.touch()
    try:
        yield
    finally:
        for trigger in triggers:
            trigger.unlink()


@contextlib.contextmanager
def fill(rig, plan):
    """One node's disk is full, and an ingest finds out: it ends with a reason, or well; with room again it goes on."""
    if rig.small is None:
        raise Unavailable(rig.no_small)
    rng = random.Random(plan.seed)
    filler = rig.small / "filler"
    name, content = "full/%d" % plan.number, rng.randbytes(INGEST)
    info = os.statvfs(rig.small)
    with open(filler, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, info.f_bavail * info.f_frsize - rng.randrange(MOST_LEFT))
    try:
        job = rig.cluster.put(name, content)
        end = rig.cluster.wait_job(job, ("done", "failed"))
        yield
    finally:
        filler.unlink()
    if end["state"] == "failed":
        if "room" not in end["error"]:
            rig.complain("an ingest on a full disk failed with: %s" % end["error"])
        rig.wait_room(INGEST)
        rig.cluster.api("POST", "/jobs/%d/resume" % job)
        rig.cluster.wait_job(job)
    if rig.cluster.read_back(name) != content:
        rig.complain("an ingest on a full disk stored something else")
    rig.cluster.delete(name)
    rig.cluster.wait_for_nodes_clean()
