# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole catalog, once all jobs have ended: all that was acknowledged, nothing by halves, no shard too many and none too few."""

import concurrent.futures
import hashlib
import os
import re
import subprocess
import urllib.parse

from cluster import Failed, encode_name, wait_for

from . import plan
from .ledger import State

DEADLINE = 120
GET_DEADLINE = 60
# media that stay for the next moments
KEEP = 8


class Verifier:
    def __init__(self, rig):
        self.rig = rig
        self.cluster = rig.cluster
        self.env = dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token, HOME=str(rig.folder), XDG_CONFIG_HOME=str(rig.folder / "config"))

    def run(self, rng):
        """Complains to the rig. Afterwards nothing is under way, and the ledger has only what there is."""
        self.cluster.wait_nodes()
        self.end_uploads()
        self.end_jobs()
        there = self.check_catalog()
        self.check_bytes(there)
        self.check_disks()
        self.check_shards(there)
        self.check_degraded(there, rng)
        self.rig.ledger.settle(there)
        self.thin_out(rng)

    def end_uploads(self):
        """Whoever did not learn the address of his upload cannot end it."""
        unknown = self.rig.ledger.names(State.UNKNOWN)
        for upload in self.cluster.api("GET", "/uploads")["uploads"]:
            if upload["name"] not in unknown:
                self.rig.complain("%s: the upload is still there" % upload["name"])
            status, _, text = self.cluster.request("DELETE", "/api/v1/uploads/" + upload["id"], None, {"Tus-Resumable": "1.0.0"})
            if status not in (204, 404):
                raise Failed(status, text)

    def end_jobs(self):
        self.wait_compared()
        wait_for(self.is_settled, "all jobs to end, and all shards to be repaired", DEADLINE)
        self.rig.spoilt.clear()
        for state in ("failed", "paused"):
            for job in self.cluster.api("GET", "/jobs?state=" + state)["jobs"]:
                self.rig.complain("job %d (%s) of %s: %s: %s" % (job["id"], job["type"], job["medium"], state, job["error"]))
                self.cluster.api("POST", "/jobs/%d/resume" % job["id"])
                try:
                    self.cluster.wait_job(job["id"], deadline=DEADLINE)
                except AssertionError as error:
                    self.rig.complain("resumed: %s" % error)
        self.cluster.wait_for_nodes_clean()

    def is_settled(self):
        """A repair that has failed goes on once its nodes are back."""
        failed = self.cluster.api("GET", "/jobs?state=failed")["jobs"]
        return not self.rig.active_jobs() and not self.rig.bad_shards() and not any(job["type"] == "repair" for job in failed)

    def list_media(self):
        media, after = [], ""
        while after is not None:
            page = self.cluster.api("GET", "/media?" + urllib.parse.urlencode({"after": after} if after else {}))
            media += page["media"]
            after = page["next"]
        return media

    def check_catalog(self):
        """Returns the names of what there is."""
        ledger, there = self.rig.ledger, set()
        for medium in self.list_media():
            name = medium["name"]
            known = ledger.media.get(name)
            if known is None or known.state == State.GONE:
                self.rig.complain("%s: is there, and %s" % (name, "was deleted" if known else "nobody put it there"))
            elif medium["state"] != "ready":
                self.rig.complain("%s: is %s" % (name, medium["state"]))
            elif (medium["sha256"], medium["size"], medium["redundancy"]) != (known.sha256, known.size, known.redundancy):
                self.rig.complain("%s: the catalog has another file: %s" % (name, medium))
            else:
                there.add(name)
        for name in ledger.names(State.THERE):
            if name not in there:
                self.rig.complain("%s: was acknowledged, and is not there" % name)
        return there

    def get(self, name):
        """The SHA-256 of what a client gets; None and what it said."""
        process = subprocess.run([str(self.rig.build / "tools" / "pmss"), "get", name, "-"], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                                 timeout=GET_DEADLINE, check=False)
        return hashlib.sha256(process.stdout).hexdigest() if process.returncode == 0 else None, process.stderr.decode(errors="replace")

    def check_bytes(self, names):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for name, (digest, said) in zip(names, pool.map(self.get, names)):
                if digest is None:
                    self.rig.complain("%s: pmss get: %s" % (name, said))
                elif digest != self.rig.ledger.media[name].sha256:
                    self.rig.complain("%s: other bytes" % name)

    def check_disks(self):
        """An orphan may be there, but not once the nodes have been compared with the catalog, which control does after its start."""
        if self.cluster.check_disks():
            self.wait_compared()
            self.cluster.wait_for_nodes_clean()
            for complaint in self.cluster.check_disks():
                self.rig.complain(complaint)
        for node in self.cluster.nodes:
            if left := os.listdir(node.data / "tmp"):
                self.rig.complain("%s: temporary files: %s" % (node.label, left))
        self.cluster.wait_nodes()

    def wait_compared(self):
        def look():
            _, _, text = self.cluster.request("GET", "/metrics", token=False)
            return len(re.findall(rb"^pmss_control_missing_shards\{", text, re.M)) == plan.NODES
        wait_for(look, "the comparison of all nodes", DEADLINE)

    def check_shards(self, names):
        """Each one whole, and parity what it is computed from: as control finds it."""
        jobs = {name: self.cluster.api("POST", "/media/%s/verify" % encode_name(name), status=202)["job"] for name in names}
        for name, job in jobs.items():
            if warning := self.cluster.wait_job(job, deadline=DEADLINE)["warning"]:
                self.rig.complain("%s: verified: %s" % (name, warning))
            for bad in self.cluster.api("GET", "/bad-shards?" + urllib.parse.urlencode({"medium": name}))["bad_shards"]:
                self.rig.complain("%s: bad shard: %s" % (name, bad))

    def check_degraded(self, names, rng):
        """As a viewer does it."""
        node = rng.choice(self.cluster.nodes)
        node.kill()
        self.check_bytes([name for name in names if self.rig.ledger.media[name].m > 0])
        node.start()
        self.cluster.wait_nodes()

    def thin_out(self, rng):
        names = self.rig.ledger.names(State.THERE)
        rng.shuffle(names)
        for name in names[KEEP:]:
            self.cluster.delete(name)
            self.rig.ledger.set(name, State.GONE)
        for name in names[KEEP:]:
            def gone():
                return self.cluster.request("GET", "/api/v1/media/" + encode_name(name))[0] == 404
            wait_for(gone, "%s to go" % name)
