# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the servers are killed at. A work is a function: it asks, notes in the ledger what was answered, and tells when it has begun; it runs in a thread of
its own and outlives the kill."""

import dataclasses
import http.client
import json
import time
from typing import Callable

from cluster import Failed, encode_metadata, encode_name, wait_for

from .ledger import State

# no answer: nobody knows what has become of it
LOST = (OSError, http.client.HTTPException)
TUS = {"Tus-Resumable": "1.0.0"}
# bytes a PATCH, about; and the seconds between two
PIECES, PAUSE = 6, 0.05
# a repair that failed for a node that was killed is tried again after 10, 20, 40 s; less than what the rig waits
DEADLINE = 110
# how often a node that is given up comes back before all is rebuilt, and within how many seconds
EARLY, LONGEST_REBUILD = 0.4, 1
# what a node says that tells of a lost shard: what it does not say is taken for none
ROOM = 1 << 40


@dataclasses.dataclass(frozen=True)
class Work:
    name: str
    # run(rig, moment, begun): calls begun() when the clock is to start
    run: Callable
    # seconds within which it is killed
    longest: float
    # whether a node of the plan's choice is stopped for its time
    gives_up: bool = False


def name_of(moment):
    return "crash/%s-%05d" % (moment.work, moment.number)


def keep(moment):
    return "true" if moment.keep_original else "false"


def put(rig, moment):
    """Returns the job; None if nobody answered."""
    name, content = name_of(moment), moment.random().randbytes(moment.size)
    rig.ledger.add(name, content, moment.redundancy)
    try:
        job = rig.cluster.put(name, content, redundancy=moment.redundancy, keep_original=keep(moment))
    except LOST:
        return None
    rig.ledger.set(name, State.THERE)
    return job


def run_put(rig, moment, begun):
    """Killed while the bytes come in, or the answer goes out."""
    begun()
    put(rig, moment)


def run_ingest(rig, moment, begun):
    """Killed after it was acknowledged: probing, striping, reading back, committing."""
    put(rig, moment)
    begun()


def run_cancel(rig, moment, begun):
    job = put(rig, moment)
    begun()
    if job is None:
        return
    time.sleep(moment.random().uniform(0, 0.4))
    rig.ledger.set(name_of(moment), State.GOING)
    try:
        rig.cluster.api("POST", "/jobs/%d/cancel" % job)
        rig.ledger.set(name_of(moment), State.GONE)
    except LOST:
        pass
    except Failed as error:
        if error.status != 409:     # it is done
            raise
        rig.ledger.set(name_of(moment), State.THERE)


def run_delete(rig, moment, begun):
    """Of a medium that is ready, or still being ingested."""
    names = rig.ledger.names(State.THERE)
    if not names:
        run_ingest(rig, moment, begun)
        return
    name = moment.random().choice(names)
    rig.ledger.set(name, State.GOING)
    begun()
    try:
        rig.cluster.delete(name)
        rig.ledger.set(name, State.GONE)
    except LOST:
        pass


def run_verify(rig, moment, begun):
    """Of a medium that is ready; what it finds is looked at with everything else."""
    names = rig.ledger.names(State.THERE)
    begun()
    if not names:
        return
    try:
        rig.cluster.api("POST", "/media/%s/verify" % encode_name(moment.random().choice(names)), status=202)
    except LOST:
        pass
    except Failed as error:
        if error.status != 409:     # it is not ready yet
            raise


def run_repair(rig, moment, begun):
    """Some shards of a medium are gone, and control hears of it from their nodes. One medium's once between two looks: so no extent lacks more than one."""
    rng = moment.random()
    names = [name for name in rig.ledger.names(State.THERE) if rig.ledger.media[name].m > 0 and name not in rig.spoilt]
    rng.shuffle(names)
    try:
        for name in names:
            if rig.cluster.medium(name)["state"] == "ready":
                rig.spoilt.add(name)
                lose_shards(rig, name, rng)
                break
    except LOST:
        pass
    begun()


def lose_shards(rig, name, rng):
    layout = rig.cluster.session(name)["layout"]
    for extent, places in enumerate(layout["extents"]):
        shard = rng.randrange(len(places))
        lose(rig, rig.cluster.node(layout["nodes"][places[shard]]["id"]), "%s-%08x.%d" % (layout["version"], extent, shard))


def lose(rig, node, shard):
    if path := node.shard_path(shard):
        path.unlink()
        identity = json.loads((node.data / "node.json").read_text())
        rig.cluster.request("POST", "/api/v1/nodes/%d/heartbeat" % node.id, json.dumps({
            "address": node.address, "port": node.port, "tls": False, "token_formats": [2], "stats": {"used": 0, "free": ROOM},
            "bad_shards": [{"shard": shard, "kind": "missing", "rows": None}]}),
            {"Authorization": "Bearer " + identity["secret"], "Content-Type": "application/json"})


def run_rebuild(rig, moment, begun):
    """A node is given up: the others are to have its shards. It comes back when they have them, or in the middle of that."""
    node, rng = rig.cluster.nodes[moment.given_up], moment.random()
    rig.cluster.wait_job(put(rig, moment))
    wait_whole(rig)
    node.stop()
    try:
        rig.cluster.api("POST", "/nodes/%d/repair" % node.id, status=202)
        begun()
        if rng.random() < EARLY:
            time.sleep(rng.uniform(0, LONGEST_REBUILD))
        else:
            wait_for(lambda: is_replaced(rig, node), "others to have the shards of %s" % node.label, DEADLINE)
    finally:
        node.start()


def wait_whole(rig):
    """Until one node can be spared."""
    rig.cluster.wait_nodes()
    wait_for(lambda: not rig.bad_shards(), "shards to be repaired", DEADLINE)
    rig.spoilt.clear()


def is_replaced(rig, node):
    """Whether no medium that can do without it has a shard there any more."""
    try:
        return not any(has_part(rig, name, node) for name in rig.ledger.names(State.THERE) if rig.ledger.media[name].m > 0)
    except LOST:
        return False


def has_part(rig, name, node):
    """One that is still being ingested may yet have: its extents are put elsewhere once the node is missed."""
    if rig.cluster.medium(name)["state"] != "ready":
        return True
    layout = rig.cluster.session(name)["layout"]
    return any(layout["nodes"][place]["id"] == node.id for places in layout["extents"] for place in places)


class Upload:
    """One upload by tus, which goes on after each kill where the server says."""

    def __init__(self, rig, moment):
        self.rig = rig
        self.name = name_of(moment)
        self.content = moment.random().randbytes(moment.size)
        self.piece = max(1, moment.size // PIECES)
        self.acknowledged = 0
        rig.ledger.add(self.name, self.content, moment.redundancy)
        status, headers, text = rig.cluster.request("POST", "/api/v1/uploads", None, dict(TUS, **{
            "Content-Length": "0", "Upload-Length": str(moment.size),
            "Upload-Metadata": encode_metadata(name=self.name, redundancy=moment.redundancy, keep_original=keep(moment))}))
        if status != 201:
            raise Failed(status, text)
        self.path = headers["Location"]

    def patch(self, offset):
        """Returns the offset afterwards; None if it has to be asked for."""
        body = self.content[offset:offset + self.piece]
        try:
            status, headers, text = self.rig.cluster.request("PATCH", self.path, body, dict(TUS, **{
                "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}))
        except LOST:
            return None
        if status in (409, 423):    # an earlier one has not noticed its end yet
            return None
        if status != 204:
            raise Failed(status, text)
        self.acknowledged = int(headers["Upload-Offset"])
        return self.acknowledged

    def head(self):
        """Returns the offset; None while nobody answers or it is in use; -1 when the upload has become a job."""
        try:
            status, headers, text = self.rig.cluster.request("HEAD", self.path, None, TUS)
        except LOST:
            return None
        if status == 404:
            return -1
        if status == 423:
            return None
        if status != 200:
            raise Failed(status, text)
        return int(headers["Upload-Offset"])

    def resume(self):
        """(offset,), because 0 is one, too."""
        offset = self.head()
        if offset is None:
            return None
        if offset != -1 and offset < self.acknowledged:
            self.rig.complain("%s: %d bytes were acknowledged, %d are left" % (self.name, self.acknowledged, offset))
        return (offset,)

    def run(self):
        offset = 0
        while 0 <= offset < len(self.content):
            offset = self.patch(offset)
            if offset is None:
                offset, = wait_for(self.resume, "%s to go on" % self.name, DEADLINE)
            time.sleep(PAUSE)
        self.rig.ledger.set(self.name, State.THERE)


def run_upload(rig, moment, begun):
    begun()
    try:
        upload = Upload(rig, moment)
    except LOST:
        return                      # nobody knows its address
    upload.run()


ALL = {work.name: work for work in (
    Work("put", run_put, 0.1),
    Work("upload", run_upload, 0.6),
    Work("ingest", run_ingest, 1.5),
    Work("cancel", run_cancel, 0.6),
    Work("delete", run_delete, 0.25),
    Work("verify", run_verify, 0.4),
    Work("repair", run_repair, 0.6),
    Work("rebuild", run_rebuild, LONGEST_REBUILD, gives_up=True),
)}
