# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line of tests/faults/run."""

import argparse
import dataclasses
import json
import os
import pathlib
import random
import signal
import sys

from benchmarks import machine, report
from benchmarks.command import scratch_folder

from . import faults, lanes, plan, soak, table

DESCRIPTION = "Breaks storage servers, links and disks while viewers watch, and tells what they noticed. docs/reliability.md explains."

EPILOG = """The exit status is 1 when a viewer stood still though redundancy makes up for the fault, when a byte was wrong or missing, or when something
could not be run. With --soak it is 1 also when something grew, or when control had a session that no viewer has."""


def parser():
    top = argparse.ArgumentParser(prog="tests/faults/run", description=DESCRIPTION, epilog=EPILOG)
    default = plan.Settings()
    rounds = top.add_argument_group("what is done")
    rounds.add_argument("--trials", type=int, default=len(faults.ALL) * default.viewers, metavar="N",
                        help="at least so many in all, as many of each fault; default %(default)s")
    rounds.add_argument("--fault", action="append", choices=list(faults.ALL), metavar="NAME",
                        help="only this one; may be repeated. Of: " + ", ".join(faults.ALL))
    rounds.add_argument("--seed", help="any text; the same one does the same things again")
    rounds.add_argument("--viewers", type=int, default=default.viewers, metavar="N", help="of one fault at once; default %(default)s")
    rounds.add_argument("--lanes", type=int, default=2, metavar="N", help="clusters at once; default %(default)s, and one more each for faults of links and for TLS")
    rounds.add_argument("--soak", type=float, metavar="HOURS",
                        help="films that are looped for so long, while shards and nodes are moved, repaired, restarted, and clocks are set; 0: each once."
                             " The other options but --seed, --viewers and --json do not count then")
    film = top.add_argument_group("the film")
    film.add_argument("--rate", type=float, default=default.rate / 1e6, metavar="MBIT", help="in Mbit/s; default %(default)s")
    film.add_argument("--seconds", type=float, default=default.seconds, metavar="S", help="its length; default %(default)s")
    film.add_argument("--unit", type=int, default=default.unit, metavar="BYTES", help="stripe unit; default %(default)s")
    film.add_argument("--extent", type=int, default=default.extent, metavar="BYTES", help="default %(default)s")
    film.add_argument("--read-ahead", type=int, default=default.read_ahead, metavar="BYTES",
                      help="pmsssrc's; default %(default)s, the least: what is read ahead hides a fault")
    top.add_argument("--json", type=pathlib.Path, metavar="FILE", help="all figures, for programs")
    top.add_argument("--quiet", action="store_true", help="only the table")
    top.add_argument("--build-dir", type=pathlib.Path, default=pathlib.Path(os.environ.get("PMSS_BUILD_DIR", "build")), metavar="DIR",
                     help="a build with its tests; default $PMSS_BUILD_DIR, or build")
    return top


def describe(trial):
    return "gap %3.0f ms%s%s%s" % (trial["gap"] * 1000, ", STALL" * bool(trial["stalls"]), ", WRONG BYTES" * trial["wrong"],
                                   ", UNFINISHED: %s" % trial["error"] if trial["unfinished"] else "")


def tell(one, trials, complaints):
    """A line a round, as it goes."""
    where = " of nodes %s" % ",".join(str(target + 1) for target in one.targets) if one.targets else ""
    lasting = ", for %.2f s" % one.back if one.back else ""
    said = "; ".join([describe(trial) for trial in trials] + complaints)
    print("  %s #%d%s after %.2f s%s: %s" % (one.fault, one.number, where, one.moment, lasting, said), file=sys.stderr, flush=True)


def conclude(settings, chosen, seed, work):
    """Prints the table; returns what was wrong."""
    by_fault = {fault.name: [t for one, trials, _ in work.done if one.fault == fault.name for t in trials] for fault in chosen}
    wrong = ["%s: %s" % (one.fault, complaint) for one, _, complaints in work.done for complaint in complaints]
    for fault in chosen:
        wrong += ["%s: %s" % (fault.name, text) for text in table.failures(fault, settings, by_fault[fault.name])]
    wrong += work.broken
    print(table.render([table.row(name, trials) for name, trials in by_fault.items() if trials]))
    print(table.noise([trial for trials in by_fault.values() for trial in trials]))
    for name, why in work.skipped.items():
        print("skipped: %s: %s" % (name, why))
    for text in wrong:
        print("FAILED: " + text)
    print("seed: %s" % seed)
    return wrong


def document(settings, seed, work, wrong):
    rounds = [{"plan": dataclasses.asdict(one), "trials": trials, "complaints": complaints} for one, trials, complaints in work.done]
    return {"seed": seed, "commit": report.commit(), "settings": dataclasses.asdict(settings), "machine": machine.describe(), "failed": wrong,
            "skipped": work.skipped, "rounds": rounds}


def perform_soak(options):
    seed = options.seed if options.seed is not None else "%08x" % random.getrandbits(32)

    def said(text):
        if not options.quiet:
            print("  " + text, file=sys.stderr, flush=True)
    with scratch_folder("pmss-test-soak-") as folder:
        found = soak.run(soak.settings(options.viewers), folder / "soak", options.build_dir.resolve(), seed, options.soak, said,
                         kept=options.build_dir.resolve() / ("soak-" + seed))
    for line in soak.summary(found) + ["FAILED: " + text for text in found["failed"]] + ["seed: %s" % seed]:
        print(line)
    if options.json:
        report.write(options.json, dict(found, commit=report.commit(), machine=machine.describe()))
    return 1 if found["failed"] else 0


def interrupted(number, _):
    raise KeyboardInterrupt(signal.Signals(number).name)


def perform(options):
    settings = plan.Settings(rate=int(options.rate * 1e6), seconds=options.seconds, viewers=options.viewers, unit=options.unit,
                             extent=options.extent, read_ahead=options.read_ahead)
    chosen = [fault for fault in faults.ALL.values() if not options.fault or fault.name in options.fault]
    seed = options.seed if options.seed is not None else "%08x" % random.getrandbits(32)
    rounds = plan.make_rounds(settings, chosen, seed, options.trials)
    with scratch_folder("pmss-test-faults-") as folder:
        work = lanes.Lanes(settings, folder, options.build_dir.resolve(), {faults.LOOPBACK: options.lanes, faults.HOSTS: 1, faults.TLS: 1},
                           (lambda *_: None) if options.quiet else tell)
        work.run(rounds)
    wrong = conclude(settings, chosen, seed, work)
    if options.json:
        report.write(options.json, document(settings, seed, work, wrong))
    return 1 if wrong else 0


def main():
    options = parser().parse_args()
    if not (options.build_dir / "tests" / "faults" / "fault-player").exists():
        print("tests/faults/run: %s is no build with tests; see --build-dir" % options.build_dir, file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        return perform(options) if options.soak is None else perform_soak(options)
    except KeyboardInterrupt:
        print("tests/faults/run: interrupted", file=sys.stderr)
        return 130
