# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done to whom, and when: all of it follows from a seed."""

import dataclasses
import math
import random
from typing import Optional

# when it strikes, in seconds after the last viewer's first byte
EARLIEST, LATEST = 0.1, 2.0
# within which the viewers of a round start, so that it strikes each at another place
STAGGER = 0.8


@dataclasses.dataclass(frozen=True)
class Settings:
    """A cluster and its viewers. The unit and the window are small on purpose: what is read ahead hides a fault."""
    k: int = 4
    m: int = 2
    rate: int = 8000000             # bit/s
    seconds: float = 6              # of a medium
    viewers: int = 3                # in one round
    unit: int = 16384
    extent: int = 1 << 20
    read_ahead: int = 2 * 4 * 16384     # two rows, the least that the reader knows

    @property
    def nodes(self):
        return self.k + self.m

    @property
    def size(self):
        """Of a medium; the last unit is not full."""
        return int(self.rate / 8 * self.seconds) + 77


@dataclasses.dataclass(frozen=True)
class Round:
    """One fault, seen by some viewers: that many trials."""
    fault: str
    number: int
    targets: tuple                  # indices of nodes
    starts: tuple                   # of each viewer, in seconds
    moment: float                   # in seconds after the last of them has begun
    back: Optional[float]           # seconds after which all is well again; None: only after the play
    seed: str                       # for whatever else is to be chosen


def make_round(settings, fault, seed, number):
    """@fault: a faults.Fault. The same arguments give the same round, whatever else is run."""
    name = "%s/%s/%d" % (seed, fault.name, number)
    rng = random.Random(name)
    targets = rng.sample(range(settings.nodes), fault.count(settings))
    starts = [0] + sorted(rng.uniform(0, STAGGER) for _ in range(settings.viewers - 1))
    return Round(fault.name, number, tuple(targets), tuple(starts), rng.uniform(EARLIEST, LATEST),
                 rng.uniform(*fault.back) if fault.back else None, name)


def make_rounds(settings, faults, seed, trials):
    """At least @trials, as many of each fault, by turns."""
    each = math.ceil(trials / (len(faults) * settings.viewers))
    return [make_round(settings, fault, seed, number) for number in range(each) for fault in faults]
