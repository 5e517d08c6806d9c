# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done, and who is killed in the middle of it: all of it follows from a seed. How far the work has come by then does not."""

import dataclasses
import random
from typing import Optional

# 4+2 finds a place for what one of them had
NODES = 7
CONTROL = "control"
REDUNDANCIES = ("1+0", "1+1", "2+1", "4+2", "1+2")
SMALLEST, LARGEST = 1, 1500000
# Every other kill is in front of a change to the disk: the how-manieth, at most; and of what size the file then is, so that the work comes to its end.
CALLS = {CONTROL: 80, "node": 8}
LARGEST_COUNTED = 150000
# how long who was killed is away, in seconds
LONGEST_AWAY = 0.6
# how often, and how soon after it was started, it is killed once more
TWICE, SOON = 0.3, 0.4


@dataclasses.dataclass(frozen=True)
class Moment:
    number: int
    work: str                       # a name of works.ALL
    delay: float                    # seconds from the work's beginning to the kill
    calls: Optional[int]            # instead: changes to the disk that the first of the victims makes
    victims: tuple                  # CONTROL, indices of nodes
    given_up: Optional[int]         # the index of a node that the work stops, never one of them
    away: float                     # seconds
    again: Optional[float]          # seconds from the start afterwards to the next kill, or less: with calls
    redundancy: str
    keep_original: bool
    size: int                       # of what is uploaded
    seed: str                       # for whatever else is to be chosen

    def random(self):
        return random.Random(self.seed)


def make_moment(seed, number, works):
    """@works: a dictionary of works.Work. The same arguments give the same moment."""
    name = "%s/%d" % (seed, number)
    rng = random.Random(name)
    work = works[rng.choice(sorted(works))]
    # a storage server, control, both, and now and then the whole machine
    one, *others = rng.sample(range(NODES), NODES)
    given_up = others.pop() if work.gives_up else None
    victims = rng.choice(([CONTROL],) * 3 + ([one],) * 3 + ([CONTROL, one],) * 2 + ([CONTROL, one, *others],))
    calls = rng.randint(1, CALLS[CONTROL if victims[0] == CONTROL else "node"]) if rng.random() < 0.5 else None
    return Moment(number, work.name, rng.uniform(0, work.longest), calls, tuple(victims), given_up, rng.uniform(0, LONGEST_AWAY),
                  rng.uniform(0, SOON) if rng.random() < TWICE else None, rng.choice(REDUNDANCIES), rng.random() < 0.3, choose_size(rng, calls), name)


def choose_size(rng, calls):
    """Small ones now and then; an ingest of a large one lasts most of a second."""
    largest = LARGEST_COUNTED if calls else LARGEST
    return round(SMALLEST * (largest / SMALLEST) ** rng.uniform(rng.choice((0, 0.9, 0.9)), 1))


def are_all(victims):
    return len(victims) > 2


def describe_victims(victims):
    if are_all(victims):
        return "all"
    return " and ".join(str(one) if one == CONTROL else "node %d" % (one + 1) for one in victims)


def kind_of_victims(victims):
    return "all" if are_all(victims) else "+".join(one if one == CONTROL else "node" for one in victims)
