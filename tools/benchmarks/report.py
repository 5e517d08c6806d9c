# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables for people, JSON for programs."""

import dataclasses
import datetime
import json
import pathlib
import shutil
import subprocess

ENOUGH_ROUNDS = 5
# of the processors, when others use them
MUCH = 0.1


def table(comparison):
    """One block a metric: a line a contender, median, minimum, maximum, and the ratios pair by pair."""
    width = max(len(c.name) for c in comparison.contenders)
    width = max([width, *(len(heading(m)) - 2 for m in comparison.metrics)])
    lines = ["== " + comparison.title]
    for metric in comparison.metrics:
        if all(comparison.spread(c.name, metric.key) is None for c in comparison.contenders):
            continue
        lines.append("%-*s  %8s %8s %8s   against %s: median, min, max" % (width + 2, heading(metric), "median", "min", "max", comparison.reference_of(metric)))
        lines += [line(comparison, metric, c.name, width) for c in comparison.contenders]
    return "\n".join(lines)


def heading(metric):
    return "%s, %s" % (metric.label, metric.unit)


def line(comparison, metric, name, width):
    spread = comparison.spread(name, metric.key)
    if spread is None:
        return "  %-*s  %8s" % (width, name, "-")
    text = "  %-*s  " % (width, name) + " ".join("%8.*f" % (metric.digits, v) for v in dataclasses.astuple(spread))
    ratio = comparison.ratio(name, metric)
    if ratio:
        text += "   x " + "  ".join("%.3f" % v for v in dataclasses.astuple(ratio)) + "  (%s is better)" % metric.better
    return text


def meanwhile(machine, watch):
    return "  meanwhile others used %.2f of %d CPUs; load average %s before, %s after" % (
        watch["other_cpus"], machine["cores"], " ".join("%.1f" % v for v in watch["load_before"]), " ".join("%.1f" % v for v in watch["load_after"]))


def conditions(machine, watches, rounds):
    lines = ["", "%s, %d cores, kernel %s, %s" % (machine["cpu"], machine["cores"], machine["kernel"], machine["system"])]
    if any(watch["other_cpus"] > MUCH * machine["cores"] for watch in watches):
        lines.append("The machine was not ours alone: look at the ratios, not at the figures.")
    if rounds < ENOUGH_ROUNDS:
        lines.append("%d counted rounds are too few to conclude from: take %d or more." % (rounds, ENOUGH_ROUNDS))
    return "\n".join(lines)


def document(mode, options, machine, watch, comparisons, notes):
    return {"mode": mode, "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "commit": commit(), "options": options,
            "machine": machine, "meanwhile": watch, "notes": notes, "comparisons": [comparison_document(c) for c in comparisons]}


def comparison_document(comparison):
    def spread(value):
        return dataclasses.asdict(value) if value else None
    return {"title": comparison.title, "reference": comparison.reference, "metrics": [dataclasses.asdict(m) for m in comparison.metrics],
            "contenders": {c.name: {m.key: {"values": comparison.values(c.name, m.key), "spread": spread(comparison.spread(c.name, m.key)),
                                            "ratio": spread(comparison.ratio(c.name, m))} for m in comparison.metrics}
                           for c in comparison.contenders},
            "warm_ups": comparison.warm_ups}


def commit():
    """Of the source tree, with a + where it has changes that are not committed."""
    top = pathlib.Path(__file__).resolve().parents[2]
    if shutil.which("git") is None:
        return None
    run = subprocess.run(["git", "-C", str(top), "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=False)
    return run.stdout.strip() or None


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
