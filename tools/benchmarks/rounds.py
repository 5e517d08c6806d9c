# SPDX-License-Identifier: LGPL-2.1-or-later
"""Alternating rounds, and what may be said about their numbers.

Machines change under a benchmark: clocks, neighbours, caches. What is compared therefore runs by turns within one run, in the other order every second round,
and ratios are made of the two numbers of one round, never of two medians.
"""

import dataclasses
import statistics
from typing import Callable, Optional


@dataclasses.dataclass(frozen=True)
class Metric:
    key: str
    label: str
    unit: str
    digits: int = 2
    # says in the table which way is good; decides nothing
    better: str = "higher"
    # the contender that this metric's ratios are taken against, where it is not the comparison's reference
    against: str = ""


@dataclasses.dataclass(frozen=True)
class Contender:
    """@run does one round and returns {metric key: number}; a metric that it does not have is left out."""
    name: str
    run: Callable[[], dict]


@dataclasses.dataclass(frozen=True)
class Spread:
    median: float
    minimum: float
    maximum: float

    @classmethod
    def of(cls, values):
        """None of no values."""
        values = [v for v in values if v is not None]
        if not values:
            return None
        return cls(statistics.median(values), min(values), max(values))


def pairwise(values, reference) -> Optional[Spread]:
    """The spread of values[i] / reference[i]; pairs that lack a number, or would divide by 0, are left out."""
    return Spread.of(v / r for v, r in zip(values, reference) if v is not None and r)


class Comparison:
    """What several contenders did, round by round. The first of @contenders is what the others are held against, where @reference names no other."""

    def __init__(self, title, metrics, contenders, reference=None):
        self.title = title
        self.metrics = metrics
        self.contenders = contenders
        self.reference = reference or contenders[0].name
        self.rounds = []
        self.warm_ups = []
        for name in {self.reference, *(m.against for m in metrics if m.against)}:
            if name not in [c.name for c in contenders]:
                raise ValueError("no contender is called " + name)

    def run(self, rounds, warm_ups=1, said=lambda text: None):
        for number in range(-warm_ups, rounds):
            said("warm-up" if number < 0 else "round %d of %d" % (number + 1, rounds))
            result = {}
            for contender in order(self.contenders, number):
                result[contender.name] = contender.run()
            (self.warm_ups if number < 0 else self.rounds).append(result)

    def values(self, name, key):
        return [r[name].get(key) for r in self.rounds]

    def spread(self, name, key):
        return Spread.of(self.values(name, key))

    def reference_of(self, metric):
        return metric.against or self.reference

    def ratio(self, name, metric):
        """None for the reference itself, and where a number lacks."""
        reference = self.reference_of(metric)
        return pairwise(self.values(name, metric.key), self.values(reference, metric.key)) if name != reference else None


def order(contenders, number):
    """Every second round goes the other way round, so that nobody always comes first."""
    return contenders if number % 2 == 0 else list(reversed(contenders))
