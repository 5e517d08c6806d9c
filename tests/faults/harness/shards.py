# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damage to shard files: of each extent at most as many shards as redundancy makes up for, on other nodes each time."""

import contextlib
import os
import random

# flipped bytes in one shard file
FLIPS = 4


def victims(rig, plan):
    """(path, its own random numbers): for each extent of each medium some shards."""
    rng = random.Random(plan.seed)
    groups = {}
    for node in rig.cluster.nodes:
        for shard in node.shards():
            groups.setdefault(shard.rsplit(".", 1)[0], []).append((shard, node))
    # versions have random names, so the order must not depend on these
    for extent in rig.in_order(groups):
        for shard, node in rng.sample(sorted(groups[extent], key=lambda pair: int(pair[0].rsplit(".", 1)[1])), rng.randint(1, len(plan.targets))):
            yield node.shard_path(shard), random.Random(rng.random())


@contextlib.contextmanager
def damage(rig, plan, change):
    """@change (path, rng) spoils one file; afterwards all are as they were."""
    saved = [(path, rng, path.read_bytes()) for path, rng in victims(rig, plan)]
    for path, rng, _ in saved:
        change(path, rng)
    try:
        yield
    finally:
        for path, _, content in saved:
            whole = path.with_name(path.name + ".whole")
            whole.write_bytes(content)
            whole.replace(path)


def flip(rig, plan):
    def change(path, rng):
        with open(path, "r+b", buffering=0) as file:
            for _ in range(FLIPS):
                at = rng.randrange(path.stat().st_size)
                file.seek(at)
                byte = file.read(1)[0]
                file.seek(at)
                file.write(bytes([byte ^ rng.randint(1, 255)]))
    return damage(rig, plan, change)


def truncate(rig, plan):
    return damage(rig, plan, lambda path, rng: os.truncate(path, rng.randrange(path.stat().st_size)))


def delete(rig, plan):
    return damage(rig, plan, lambda path, rng: path.unlink())
