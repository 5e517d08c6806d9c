# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is made of the trials: a table, and a verdict."""

import math

# What a machine that has time for us does not do: to hold up viewers for so long (s) before anything was done, or to have so many processes wait for each processor.
BUSY_GAP = 0.1
BUSY_LOAD = 2
HEADINGS = ("fault", "trials", "stalls over 1 s", "median gap", "longest gap", "recovery p99", "wrong bytes", "unfinished", "rebuilt", "hedged",
            "extra requests", "unit p99")


def percentile(values, share):
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def milliseconds(seconds):
    return "%.0f ms" % (seconds * 1000)


def row(name, trials):
    """A trial's recovery is its longest gap: next to nothing is read ahead."""
    gaps = [trial["gap"] for trial in trials]
    units = sum(trial["stats"]["units"] for trial in trials)
    times = [time for trial in trials for time in trial["times"]]

    def mean(key):
        return sum(trial["stats"][key] for trial in trials) / len(trials)
    return (name, str(len(trials)), str(sum(trial["stalls"] for trial in trials)), milliseconds(percentile(gaps, 0.5)), milliseconds(max(gaps)),
            milliseconds(percentile(gaps, 0.99)),
            str(sum(trial["wrong"] for trial in trials)), str(sum(trial["unfinished"] for trial in trials)), "%.0f" % mean("rebuilt"),
            "%.1f %%" % (100 * sum(trial["stats"]["hedged"] for trial in trials) / max(1, units)), "%.1f %%" % (100 * max(trial["extra"] for trial in trials)),
            "%.2f ms" % (1000 * percentile(times, 0.99)))


def render(rows):
    widths = [max(len(line[i]) for line in [HEADINGS, *rows]) for i in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths)))
                     for line in [HEADINGS, *rows])


def is_disturbed(fault, settings, trials, load):
    """Whether all that is wrong are stalls, and the machine may be to blame for them."""
    return (fault.is_within(settings) and any(t["stalls"] for t in trials) and not any(t["wrong"] or t["unfinished"] for t in trials)
            and (load > BUSY_LOAD or max(t["before"] for t in trials) > BUSY_GAP))


def failures(fault, settings, trials):
    """What nobody may see: each trial's failures, in words."""
    found = []
    for trial in trials:
        if trial["wrong"]:
            found.append("wrong bytes")
        if trial["unfinished"]:
            found.append("did not finish: %s" % trial["error"])
        if trial["stalls"] and fault.is_within(settings):
            found.append("stood still for %.2f s" % trial["gap"])
    return found


def noise(trials):
    before = [trial["before"] for trial in trials]
    return "The machine's own gaps, before anything was done: longest %.0f ms, p99 %.0f ms." % (max(before, default=0) * 1000, percentile(before, 0.99) * 1000)
