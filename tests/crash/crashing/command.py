# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line of tests/crash/run."""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import random
import signal
import sys
import time

from benchmarks.command import scratch_folder
from cluster import Failed

from . import plan, rig, verify, works

DESCRIPTION = "Kills control and storage servers with SIGKILL at random moments of their work, starts them again, and looks at the whole catalog."
EPILOG = """The exit status is 1 when something that was acknowledged is not there, something is there by halves, a shard is missing or unknown, or a job did
not end well. docs/reliability.md explains."""
# so that what is wrong is soon seen
CHECK_EVERY = 25


def parser():
    top = argparse.ArgumentParser(prog="tests/crash/run", description=DESCRIPTION, epilog=EPILOG)
    top.add_argument("--moments", type=int, default=100, metavar="N", help="default %(default)s")
    top.add_argument("--seed", help="any text; the same one plans the same moments")
    top.add_argument("--work", action="append", choices=list(works.ALL), metavar="NAME",
                     help="only at this one; may be repeated. Of: " + ", ".join(works.ALL))
    top.add_argument("--check-every", type=int, default=CHECK_EVERY, metavar="N", help="moments between two looks at the catalog; default %(default)s")
    top.add_argument("--json", type=pathlib.Path, metavar="FILE", help="all that was done and found, for programs")
    top.add_argument("--keep", action="store_true", help="with complaints, print the ends of all logs")
    top.add_argument("--build-dir", type=pathlib.Path, default=pathlib.Path(os.environ.get("PMSS_BUILD_DIR", "build")), metavar="DIR",
                     help="a build with its tests; default $PMSS_BUILD_DIR, or build")
    return top


def describe(moment):
    again = "" if moment.again is None else ", again after %.2f s" % moment.again
    when = "after %.2f s" % moment.delay if moment.calls is None else "at change %d" % moment.calls
    return "#%d %s %s: %s for %.2f s%s (%s, %d bytes)" % (
        moment.number, moment.work, when, plan.describe_victims(moment.victims), moment.away, again, moment.redundancy, moment.size)


class Run:
    """Moments, and looks at the catalog between them."""

    def __init__(self, bench, said):
        self.bench = bench
        self.said = said
        self.done = []
        self.interrupted = collections.Counter()
        self.complaints = []

    def look(self, text):
        """What is complained of so far, with where it was seen."""
        for complaint in self.bench.take_complaints():
            self.complaints.append("%s: %s" % (text, complaint))
            self.said("  WRONG: " + complaint)

    def run(self, moments, check_every):
        for moment in moments:
            self.said("  " + describe(moment))
            self.interrupted.update(self.bench.run(moment))
            self.done.append(moment)
            self.look("moment %d" % moment.number)
            if len(self.done) % check_every == 0 or moment is moments[-1]:
                begin = time.monotonic()
                verify.Verifier(self.bench).run(moment.random())
                self.look("after moment %d" % moment.number)
                self.said("  looked at the catalog: %.1f s" % (time.monotonic() - begin))


def conclude(run, seed):
    counts = collections.Counter((moment.work, plan.kind_of_victims(moment.victims)) for moment in run.done)
    for (work, victims), number in sorted(counts.items()):
        print("%-8s %-14s %4d" % (work, victims, number))
    print("jobs that were interrupted: " + ", ".join("%s/%s %d" % (kind, phase or "-", number) for (kind, phase), number in run.interrupted.most_common()))
    print("killed in front of a change to the disk: %d times of %d; otherwise in time" % (run.bench.died, run.bench.armed))
    for complaint in run.complaints:
        print("FAILED: " + complaint)
    print("%d moments, %d complaints; seed: %s" % (len(run.done), len(run.complaints), seed))


def perform(options):
    seed = options.seed if options.seed is not None else "%08x" % random.getrandbits(32)
    chosen = {name: work for name, work in works.ALL.items() if not options.work or name in options.work}
    moments = [plan.make_moment(seed, number, chosen) for number in range(options.moments)]
    print("seed: %s" % seed, file=sys.stderr)
    with scratch_folder("pmss-test-crash-") as folder:
        bench = rig.Rig(folder, options.build_dir.resolve())
        run = Run(bench, lambda text: print(text, file=sys.stderr, flush=True))
        try:
            run.run(moments, options.check_every)
            run.complaints += bench.shut_down()
        except (RuntimeError, TimeoutError, AssertionError, Failed) as error:
            run.look("after moment %d" % (run.done[-1].number if run.done else -1))
            run.complaints.append("%s: %s" % (type(error).__name__, error))
        finally:
            bench.close(keep=options.keep and bool(run.complaints))
    conclude(run, seed)
    if options.json:
        found = {"seed": seed, "moments": [dataclasses.asdict(one) for one in run.done], "complaints": run.complaints, "armed": bench.armed, "died": bench.died}
        options.json.write_text(json.dumps(found, indent=1))
    return 1 if run.complaints else 0


def interrupted(number, _):
    raise KeyboardInterrupt(signal.Signals(number).name)


def main():
    options = parser().parse_args()
    if options.moments < 1 or options.check_every < 1:
        parser().error("--moments and --check-every are at least 1")
    if not (options.build_dir / "tests" / "crash" / rig.PRELOADED).exists():
        print("tests/crash/run: %s is no build with tests; see --build-dir" % options.build_dir, file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        return perform(options)
    except KeyboardInterrupt:
        print("tests/crash/run: interrupted", file=sys.stderr)
        return 130
