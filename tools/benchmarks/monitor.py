# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the figures of many storage servers cost control: their heartbeats each second over HTTP, and two years of history.

The heartbeats are real, the storage servers are not. bench-monitor writes the two years through control's own code, in a few minutes. That takes about 2 MB of
disk a storage server, which go with the run.
"""

import json
import select
import socket
import time

from . import accounting, servers
from .rounds import Comparison, Contender, Metric

HELP = "heartbeats of 1,000 storage servers and the history of two years: CPU, memory, disk, charts"
LIVE = [
    Metric("cores", "processors of control", "", 3, "lower"),
    Metric("memory", "memory of control, above that without", "MiB", 1, "lower"),
]
HISTORY = [
    Metric("disk", "two years on disk", "GiB", 2, "lower"),
    Metric("cores", "processors that write the history", "", 5, "lower"),
    Metric("second", "CPU of a second in memory", "ms", 2, "lower"),
    Metric("month", "CPU of a month's chart of 100 storage servers", "ms", 1, "lower"),
]
DISKS, INTERFACES = 4, 2


def add_options(parser):
    parser.add_argument("--nodes", type=int, default=1000, metavar="N", help="default 1000")
    parser.add_argument("--seconds", type=int, default=20, metavar="S", help="of heartbeats that are counted, a round; default 20")


def run(context, options):
    # storage servers have a quarter of all places
    most = str(4 * options.nodes + 200)
    cluster = servers.start(context, 0, {"max-connections": most, "max-connections-per-address": most})
    control = accounting.Processes(lambda: [cluster.control.process.pid])
    beats = Beats(cluster, options.nodes, control)
    context.compare(Comparison("monitor: %d heartbeats a second" % options.nodes, LIVE, [
        Contender("pmss-control", lambda: beats.measure(options.seconds))]), control)
    beats.close()
    context.compare(Comparison("monitor: history of %d storage servers" % options.nodes, HISTORY, [
        Contender("bench-monitor", lambda: measure_history(context, options))]), control)
    context.note("History: every series of every storage server is noise, so that nothing can be packed any smaller.")


def measure_history(context, options):
    folder = context.scratch / "history"
    folder.mkdir()
    try:
        figures = json.loads(accounting.run([context.build / "tools" / "benchmarks" / "bench-monitor", folder, options.nodes], context.env).output)
    finally:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    return {"disk": figures["bytes"] / 2**30, "cores": figures["history_cores"], "second": figures["second_cpu"] * 1e3, "month": figures["month"] * 1e3}


def stats(number):
    """All that a storage server tells."""
    return {
        "cpu": number % 100 / 100, "processors": 8, "cpu_states": {"user": 0.1, "system": 0.05, "iowait": 0.02, "irq": 0.01, "steal": 0},
        "memory": 10**10 + number, "memory_total": 2**34, "memory_cached": 10**9, "process_memory": 10**8, "process_cpu": 0.5,
        "disk_read": 1e6 + number, "disk_write": 2e6, "net_in": 3e6, "net_out": 4e6 + number, "network_limit": 10**10, "connections": 300, "requests": 250.5,
        "sent": 5e7, "cache_hits": 200.5, "cache_misses": 50, "late": 0, "used": 10**12, "free": 10**12, "shards": 10**5, "certificate": 2 * 10**9,
        "scrub": {"progress": 0.5, "rate": 1e6, "bad": 0},
        "disks": [{"folder": "/srv/%d" % i, "device": "8:%d" % i, "total": 2**40, "free": 2**39, "read": 1e5, "write": 1e5, "reads": 10, "writes": 10.5,
                   "latency": 0.01, "busy": 0.3} for i in range(DISKS)],
        "interfaces": [{"name": "eth%d" % i, "speed": 10**10, "in": 1e6, "out": 2e6, "errors": 0} for i in range(INTERFACES)],
    }


class Beats:
    """Storage servers that say how they are, once a second, each over a connection of its own."""

    def __init__(self, cluster, n, control):
        self.control = control
        self.before = control.memory()
        self.peers = {}
        self.poll = select.epoll()
        # one that says nothing for a while is cut
        for request in [self.join(cluster, i) for i in range(n)]:
            peer = socket.create_connection((cluster.control.address, cluster.control.port))
            self.peers[peer.fileno()] = peer, request
            self.poll.register(peer, select.EPOLLIN)
            peer.sendall(request)
            self.hear(peer)

    def join(self, cluster, number):
        """The heartbeat of a new storage server."""
        place = {"address": "127.0.0.1", "port": 10000 + number, "tls": False}
        token = cluster.api("POST", "/nodes/join-tokens", {}, 201)["join_token"]
        answer = cluster.api("POST", "/nodes/join", dict(place, join_token=token, zone="", capacity=10**12), 201)
        body = json.dumps(dict(place, token_formats=[2], stats=stats(number)), separators=(",", ":"))
        return ("POST /api/v1/nodes/%d/heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                "Content-Length: %d\r\n\r\n%s" % (answer["id"], answer["secret"], len(body), body)).encode()

    def hear(self, peer):
        """An answer is one piece."""
        answer = peer.recv(65536)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError("a heartbeat: %r" % answer[:500])

    def close(self):
        for peer, _ in self.peers.values():
            peer.close()

    def beat(self, seconds):
        """Spread over each second."""
        peers = list(self.peers.values())
        begin, sent, heard = time.monotonic(), 0, 0
        total = seconds * len(peers)
        while heard < total:
            due = min(total, int((time.monotonic() - begin) * len(peers)) + 1)
            for i in range(sent, due):
                peer, request = peers[i % len(peers)]
                peer.sendall(request)
            sent = max(sent, due)
            for number, _ in self.poll.poll(0.005):
                self.hear(self.peers[number][0])
                heard += 1
            if time.monotonic() - begin > 2 * seconds + 10:
                raise RuntimeError("%d of %d heartbeats were answered" % (heard, total))
        return time.monotonic() - begin

    def measure(self, seconds):
        self.beat(3)
        used = self.control.cpu()
        spent = self.beat(seconds)
        return {"cores": (self.control.cpu() - used) / spent, "memory": (self.control.memory() - self.before) / 2**20}
