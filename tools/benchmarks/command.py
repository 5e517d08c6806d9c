# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line, and the frame in which a mode runs: build, scratch folder, rounds, report, tidying up."""

import argparse
import contextlib
import datetime
import pathlib
import resource
import signal
import shutil
import sys
import tempfile
import time

from . import accounting, build, catalog, degraded, gateway, hosts, ingest, latency, machine, many, monitor, report, sessions, throughput

MODES = {"throughput": throughput, "degraded": degraded, "hosts": hosts, "latency": latency, "many": many, "ingest": ingest, "sessions": sessions, "catalog": catalog,
         "gateway": gateway, "monitor": monitor}
EPILOG = """Every comparison takes turns in one run, after a warm-up; the ratios are of the two figures of one round. The table goes to the standard output, all
single figures to a JSON file. Nothing is judged: the exit status tells only whether everything could be measured. docs/performance.md explains."""


class Context:
    """What a mode gets: where things are, and how to compare. Its on_exit() functions run in reverse order, come what may."""

    def __init__(self, options, scratch, stack):
        self.rounds = options.rounds
        self.warm_ups = options.warm_ups
        self.build = options.build_dir
        self.material = options.build_dir / "material"
        self.scratch = scratch
        self.env = build.environment(options.build_dir, scratch)
        self.on_exit = stack.callback
        self.comparisons = []
        self.notes = []
        self.watches = []

    def said(self, text):
        print("  " + text, file=sys.stderr, flush=True)

    def note(self, text):
        self.notes.append(text)

    def compare(self, comparison, processes):
        """Runs it and prints its table. @processes: the servers, so that their work does not count as somebody else's."""
        self.said(comparison.title)
        watch = machine.Watch(processes)
        comparison.run(self.rounds, self.warm_ups, self.said)
        self.watches.append(dict(watch.report(), comparison=comparison.title))
        self.comparisons.append(comparison)
        print(report.table(comparison))
        print(report.meanwhile(machine.describe(), self.watches[-1]), flush=True)


def parser():
    top = argparse.ArgumentParser(prog="tools/bench", description="Measures PMSS beside what one could take instead.", epilog=EPILOG)
    modes = top.add_subparsers(dest="mode", required=True, metavar="MODE", title="modes (tools/bench MODE --help tells its options)")
    for name, module in MODES.items():
        mode = modes.add_parser(name, help=module.HELP, description=module.__doc__, epilog=EPILOG)
        module.add_options(mode)
        add_common_options(mode)
    return top


def add_common_options(mode):
    common = mode.add_argument_group("options of all modes")
    common.add_argument("--rounds", type=int, default=report.ENOUGH_ROUNDS, metavar="N", help="counted rounds; default %d" % report.ENOUGH_ROUNDS)
    common.add_argument("--warm-ups", type=int, default=1, metavar="N", help="rounds before them that are not counted; default 1")
    common.add_argument("--json", type=pathlib.Path, metavar="FILE", help="default: results/MODE-TIME.json in the build folder")
    common.add_argument("--build-dir", type=pathlib.Path, default=build.TOP / "build-bench", metavar="DIR", help="default: build-bench")
    common.add_argument("--no-build", action="store_true", help="take what is in the build folder")
    common.add_argument("--no-install", action="store_true", help="install no packages")


def prepare(options):
    options.build_dir = options.build_dir.resolve()
    options.build_dir.mkdir(parents=True, exist_ok=True)
    log = options.build_dir / "bench.log"
    if not options.no_install:
        build.install_packages(log)
    if not options.no_build:
        print("  building (log: %s)" % log, file=sys.stderr, flush=True)
        build.release(options.build_dir, log)


@contextlib.contextmanager
def scratch_folder(prefix="pmss-bench-"):
    """A temporary folder that goes even if a program that was cut off writes one more file as it ends."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    # whatever is made from now on goes with it, wherever an interruption strikes
    tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        end = time.monotonic() + 10
        while folder.exists() and time.monotonic() < end:
            shutil.rmtree(folder, ignore_errors=True)


def perform(options):
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(scratch_folder())
        context = Context(options, scratch, stack)
        MODES[options.mode].run(context, options)
    print(report.conditions(machine.describe(), context.watches, options.rounds))
    for note in context.notes:
        print(note)
    path = options.json or options.build_dir / "results" / ("%s-%s.json" % (options.mode, datetime.datetime.now().strftime("%Y%m%d-%H%M%S")))
    settings = {key: str(value) if isinstance(value, pathlib.Path) else value for key, value in vars(options).items()}
    report.write(path, report.document(options.mode, settings, machine.describe(), context.watches, context.comparisons, context.notes))
    print("all figures: %s" % path)


def interrupted(number, _):
    """So that everything is taken down on SIGTERM and SIGHUP as it is on Ctrl-C."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def words():
    """The command line's. `--degraded` in place of a mode is the mode of that name."""
    given = sys.argv[1:]
    return ["degraded", *given[1:]] if given[:1] == ["--degraded"] else given


def main():
    options = parser().parse_args(words())
    if options.rounds < 1 or options.warm_ups < 0:
        parser().error("--rounds is at least 1, --warm-ups at least 0")
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        prepare(options)
        perform(options)
    except KeyboardInterrupt:
        print("tools/bench: interrupted", file=sys.stderr)
        return 130
    except (OSError, RuntimeError, accounting.CommandFailed) as error:
        print("tools/bench: %s" % error, file=sys.stderr)
        return 1
    return 0
