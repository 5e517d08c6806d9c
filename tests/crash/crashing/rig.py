# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cluster whose servers are killed at moments of a plan."""

import os
import struct
import threading
import time

import cluster
from cluster import Failed, wait_for

from . import plan, works
from .ledger import Ledger

# so that a medium has many extents, an ingest lasts, and a job is soon tried again
OPTIONS = {"log-level": "info", "unit": "4KiB", "extent": "64KiB", "stripe-rate": "16000000", "repair-limit": "64000000",
           "lease": "5"}
PRELOADED = "libkill-at.so"
# jobs that go on from one moment to the next
MOST_JOBS = 4
DEADLINE = 120
# how long it is waited, beyond the work's time, for calls that may not come
PATIENCE, POLL = 0.5, 0.002


class Rig:
    def __init__(self, folder, build_dir):
        self.build = build_dir
        self.folder = folder
        self.ledger = Ledger()
        self.lock = threading.Lock()        # protects complaints
        self.complaints = []
        self.spoilt = set()                 # names of media that have lost shards since the last look
        self.armed = self.died = 0          # kills in front of a change to the disk: meant, and done
        # the servers' and the module's, which was imported before
        os.environ["PMSS_BUILD_DIR"] = str(build_dir)
        cluster.BUILD = build_dir
        self.cluster = cluster.Cluster(nodes=0, folder=folder, control_options=OPTIONS, environment={
            "PMSS_PROBE": str(build_dir / "control" / "probe" / "pmss-probe"), **self.preload(plan.CONTROL)})
        try:
            for index in range(plan.NODES):
                self.cluster.add_node(wait=False, prefix=["env", *("%s=%s" % pair for pair in self.preload(index).items())])
            self.cluster.wait_nodes()
        except BaseException:
            self.close(keep=True)
            raise

    def counter(self, victim):
        """The file that kill-at.c looks at."""
        return self.folder / ("calls-%s" % victim)

    def preload(self, victim):
        self.count_calls(victim, 0)
        return {"LD_PRELOAD": str(self.build / "tests" / "crash" / PRELOADED), "KILL_AT": str(self.counter(victim))}

    def count_calls(self, victim, number):
        """It dies in front of its @number-th change to the disk; 0: of none."""
        with open(self.counter(victim), "r+b" if self.counter(victim).exists() else "wb") as file:
            file.write(struct.pack("i", number))

    def complain(self, text):
        with self.lock:
            self.complaints.append(text)

    def take_complaints(self):
        with self.lock:
            taken, self.complaints = self.complaints, []
        return taken

    def server(self, victim):
        return self.cluster.control if victim == plan.CONTROL else self.cluster.nodes[victim]

    def active_jobs(self):
        return [job for state in ("queued", "running") for job in self.cluster.api("GET", "/jobs?state=" + state)["jobs"]]

    def wait_calls(self, moment, seconds):
        """Until the first of the victims has died of the changes that it has made, or that time has passed."""
        first = moment.victims[0]
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.server(first).running():
            time.sleep(POLL)
        if moment.calls is not None:
            self.armed += 1
            self.died += not self.server(first).running()
        self.count_calls(first, 0)

    def wait_moment(self, moment):
        if moment.calls is None:
            time.sleep(moment.delay)
        else:
            self.count_calls(moment.victims[0], moment.calls)
            self.wait_calls(moment, works.ALL[moment.work].longest + PATIENCE)

    def bad_shards(self):
        return sum(node["bad_shards"] for node in self.cluster.api("GET", "/nodes")["nodes"])

    def strike(self, moment):
        self.kill(moment.victims)
        time.sleep(moment.away)
        if moment.again is not None:
            self.strike_starting(moment)
        self.start(moment.victims)

    def strike_starting(self, moment):
        """While they put right what the first kill has left."""
        if moment.calls is not None:
            self.count_calls(moment.victims[0], moment.calls)
        for victim in moment.victims:
            self.server(victim).start(wait=False)
        self.wait_calls(moment, moment.again)
        self.kill(moment.victims)

    def kill(self, victims):
        """At once, as when the power goes."""
        for victim in victims:
            self.server(victim).process.kill()
        for victim in victims:
            self.server(victim).kill()

    def start(self, victims):
        for victim in victims:
            self.server(victim).start()

    def work(self, moment, begun):
        """A thread."""
        try:
            works.ALL[moment.work].run(self, moment, begun.set)
        except (Failed, TimeoutError) as error:
            self.complain("%s: %s" % (works.name_of(moment), error))
        finally:
            begun.set()

    def run(self, moment):
        """One moment: the work, the kill, and the work's end. Returns (kind, phase) of the jobs that go on afterwards."""
        wait_for(lambda: len(self.active_jobs()) <= MOST_JOBS, "jobs to end", DEADLINE)
        begun = threading.Event()
        thread = threading.Thread(target=self.work, args=(moment, begun), daemon=True)
        thread.start()
        begun.wait(DEADLINE)
        self.wait_moment(moment)
        self.strike(moment)
        interrupted = self.active_jobs()
        thread.join(DEADLINE)
        if thread.is_alive():
            raise TimeoutError("%s does not end" % works.name_of(moment))
        return [(job["type"], job["phase"]) for job in interrupted]

    def shut_down(self):
        """In order; what the servers' ends and logs have to complain of."""
        return self.cluster.shut_down()

    def close(self, keep=False):
        self.cluster.close(keep=keep)
