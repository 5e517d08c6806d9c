# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cluster whose servers are killed at moments of a plan."""

import os
import threading
import time

import cluster
from cluster import Failed, wait_for

from . import plan, works
from .ledger import Ledger

# so that a medium has many extents, an ingest lasts, and a job is soon tried again
OPTIONS = {"log-level": "info", "unit": "4KiB", "extent": "64KiB", "stripe-rate": "16000000", "lease": "5"}
# jobs that go on from one moment to the next
MOST_JOBS = 4
DEADLINE = 120


class Rig:
    def __init__(self, folder, build_dir):
        self.build = build_dir
        self.folder = folder
        self.ledger = Ledger()
        self.lock = threading.Lock()        # protects complaints
        self.complaints = []
        # the servers' and the module's, which was imported before
        os.environ["PMSS_BUILD_DIR"] = str(build_dir)
        cluster.BUILD = build_dir
        self.cluster = cluster.Cluster(
            nodes=plan.NODES, folder=folder, control_options=OPTIONS, environment={"PMSS_PROBE": str(build_dir / "control" / "probe" / "pmss-probe")})

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

    def strike(self, moment):
        self.kill(moment.victims)
        time.sleep(moment.away)
        self.start(moment.victims)
        if moment.again is not None:
            time.sleep(moment.again)
            self.kill(moment.victims)
            self.start(moment.victims)

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
        time.sleep(moment.delay)
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
