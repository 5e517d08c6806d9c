# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several rigs at work at once, each in a thread of its own, because a network namespace is a thread's."""

import os
import queue
import threading
import traceback

from . import disks, faults, rig, table

# how often a round is played again in which the machine may be to blame
AGAIN = 2


def load():
    """Processes that want to run, for each processor."""
    return os.getloadavg()[0] / len(os.sched_getaffinity(0))


class Lanes:
    """Runs rounds. @said: called, in any thread, after each round; @counts: how many rigs of each kind."""

    def __init__(self, settings, folder, build_dir, counts, said):
        self.settings = settings
        self.folder = folder
        self.build = build_dir
        self.counts = counts
        self.said = said
        self.lock = threading.Lock()        # protects what follows
        self.done = []                      # (plan, trials, complaints)
        self.skipped = {}                   # fault: why
        self.broken = []                    # what could not be run, in words
        self.rigs = []
        self.stopping = threading.Event()

    def run(self, rounds):
        queues = {kind: queue.SimpleQueue() for kind in self.counts}
        for plan in rounds:
            queues[faults.ALL[plan.fault].where].put(plan)
        # not join(): interrupted once, Python 3.11's takes a thread that runs for one that has ended
        ends = []
        for kind, count in self.counts.items():
            for number in range(min(count, queues[kind].qsize())):
                ends.append(threading.Event())
                threading.Thread(target=self.lane, args=(kind, number, queues[kind], ends[-1]), daemon=True).start()
        try:
            for end in ends:
                end.wait()
        except BaseException:
            self.stopping.set()
            with self.lock:
                for bench in self.rigs:
                    bench.abort()
            for end in ends:
                end.wait()
            raise

    def lane(self, kind, number, plans, end):
        bench = None
        try:
            bench = self.make_rig(kind, number, plans)
            with self.lock:
                self.rigs += [bench] if bench else []
            while bench and not self.stopping.is_set() and not self.broken:
                try:
                    plan = plans.get_nowait()
                except queue.Empty:
                    break
                self.round(bench, plan)
            if bench and not self.stopping.is_set():
                self.broken += bench.shut_down()
        except Exception as error:
            if not self.stopping.is_set():
                traceback.print_exc()
                self.broken.append(str(error) or repr(error))
        finally:
            try:
                if bench:
                    bench.close()
            finally:
                end.set()

    def make_rig(self, kind, number, plans):
        """None where the machine does not have what this kind needs."""
        try:
            return rig.Rig(self.settings, self.folder / ("%s-%d" % (kind, number)), self.build, hosts=kind != faults.LOOPBACK,
                           tls=kind == faults.TLS)
        except rig.Unavailable as error:
            with self.lock:
                while not plans.empty():
                    self.skipped[plans.get().fault] = str(error)
            return None

    def round(self, bench, plan):
        fault = faults.ALL[plan.fault]
        try:
            trials = bench.run(fault, plan)
            for _ in range(AGAIN):
                if not table.is_disturbed(fault, self.settings, trials, load()):
                    break
                self.said(plan, trials, ["again: the machine is busy"])
                trials = bench.run(fault, plan)
        except disks.Unavailable as error:
            with self.lock:
                self.skipped[plan.fault] = str(error)
            return
        with self.lock:
            if table.is_disturbed(fault, self.settings, trials, load()):
                self.skipped[plan.fault] = "the machine is too busy to tell"
            else:
                self.done.append((plan, trials, bench.complaints))
        self.said(plan, trials, bench.complaints)
