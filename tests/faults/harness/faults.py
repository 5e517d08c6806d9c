# SPDX-License-Identifier: LGPL-2.1-or-later
"""All faults. Each is a context: it is there inside and, as far as anybody can mend it, gone afterwards."""

import contextlib
import dataclasses
from typing import Callable, ContextManager, Optional

from . import disks, network, shards

# TLS: hosts, with certificates
LOOPBACK, HOSTS, TLS = "loopback", "hosts", "tls"


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    # strike(rig, round): a context manager
    strike: Callable[..., ContextManager]
    # how many nodes it hits: a number, or "m", "m+1"
    hit: object = 1
    # seconds, from and to, after which it ends while the viewers watch
    back: Optional[tuple] = None
    # which kind of rig it needs
    where: str = LOOPBACK

    def count(self, settings):
        return {"m": settings.m, "m+1": settings.m + 1}.get(self.hit, self.hit)

    def is_within(self, settings):
        """Whether nobody may notice it."""
        return self.count(settings) <= settings.m


@contextlib.contextmanager
def nothing(_, __):
    """What the others are compared with."""
    yield


@contextlib.contextmanager
def kill(rig, plan):
    """SIGKILL: the system closes the connections."""
    nodes = rig.targets(plan)
    for node in nodes:
        node.process.kill()
    try:
        yield
    finally:
        for node in nodes:
            node.kill()
            node.start()


@contextlib.contextmanager
def stop(rig, plan):
    """SIGSTOP: the connections stay, nobody answers; the system still takes new ones."""
    nodes = rig.targets(plan)
    for node in nodes:
        node.pause()
    try:
        yield
    finally:
        for node in nodes:
            node.unpause()


@contextlib.contextmanager
def kill_control(rig, _):
    rig.cluster.control.kill()
    try:
        yield
    finally:
        rig.cluster.control.start()


SOON = (0.5, 1.5)
ALL = {fault.name: fault for fault in (
    Fault("none", nothing, 0, where=HOSTS),
    Fault("kill", kill),
    Fault("kill-restart", kill, back=SOON),
    Fault("kill-m", kill, "m"),
    Fault("kill-more", kill, "m+1", back=SOON),
    Fault("stop", stop),
    Fault("stop-continue", stop, back=SOON),
    Fault("stop-m", stop, "m"),
    Fault("stop-more", stop, "m+1", back=(1.5, 2.5)),
    Fault("cut", network.cut, where=HOSTS),
    Fault("cut-join", network.cut, back=SOON, where=HOSTS),
    Fault("cut-m", network.cut, "m", where=HOSTS),
    Fault("throttle", network.throttle, where=HOSTS),
    Fault("flip", shards.flip, "m"),
    Fault("truncate", shards.truncate, "m"),
    Fault("delete", shards.delete, "m"),
    Fault("read-error", disks.fail_reads, "m"),
    Fault("disk-full", disks.fill, 0),
    Fault("control-kill", kill_control, 0),
    Fault("control-restart", kill_control, 0, back=SOON),
    # twins, for what a dead peer does otherwise with TLS
    Fault("kill-restart-tls", kill, back=SOON, where=TLS),
    Fault("kill-m-tls", kill, "m", where=TLS),
    Fault("stop-m-tls", stop, "m", where=TLS),
    Fault("cut-m-tls", network.cut, "m", where=TLS),
    Fault("cut-join-tls", network.cut, back=SOON, where=TLS),
    Fault("control-restart-tls", kill_control, 0, back=SOON, where=TLS),
)}
