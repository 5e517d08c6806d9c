# SPDX-License-Identifier: LGPL-2.1-or-later
"""Faults of links. They need hosts: benchmarks.namespaces."""

import contextlib

# of the rate that a link has
THROTTLED = 0.1


@contextlib.contextmanager
def cut(rig, plan):
    """The link of the host goes down at its own end: what is sent there vanishes, and nobody is told."""
    hosts = [rig.hosts[i] for i in plan.targets]
    for host in hosts:
        host.cut()
    try:
        yield
    finally:
        for host in hosts:
            host.join()


@contextlib.contextmanager
def throttle(rig, plan):
    hosts = [rig.hosts[i] for i in plan.targets]
    for host in hosts:
        host.limit_sending(rig.link_rate * THROTTLED)
    try:
        yield
    finally:
        for host in hosts:
            host.limit_sending(rig.link_rate)
