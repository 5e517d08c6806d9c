# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many sessions control begins and ends in a second, over HTTP and durably. Each is a POST and a DELETE, both answered after their fsync. wrk keeps a number
of connections busy; it and the storage servers share the processors with control.
"""

import json
import os
import pathlib
import time

from . import accounting, material, servers
from .rounds import Comparison, Contender, Metric

HELP = "sessions begun and ended in a second, durably"
NAME = "bench/film.bin"
K, M = 2, 1
EXTENTS = 10
METRICS = [
    Metric("rate", "sessions begun and ended a second", "", 0),
    Metric("cpu", "CPU of control, a session", "ms", 3, "lower"),
    Metric("client", "CPU of wrk, a session", "ms", 3, "lower"),
    Metric("median", "a request, median", "ms", 1, "lower"),
    Metric("p99", "a request, p99", "ms", 1, "lower"),
    Metric("errors", "requests without an answer", "", 0, "lower"),
    Metric("syncs", "COMMITs a session", "", 2, "lower"),
]


def add_options(parser):
    parser.add_argument("--connections", default="1,16,64,128", metavar="N,...", help="default 1,16,64,128")
    parser.add_argument("--seconds", type=int, default=5, metavar="S", help="of load a measurement; default 5")


def run(context, options):
    path = material.random_file(context.material, EXTENTS << 20)
    most = max(map(int, options.connections.split(",")))
    cluster = servers.start(context, K + M, {"extent": "1MiB", "unit": "64KiB", "max-connections": str(10 * most + 100),
                                             "max-connections-per-address": str(10 * most + 100)})
    servers.add(cluster, NAME, path, "%d+%d" % (K, M))
    context.note("A medium of %d extents, %d+%d. Durable: synchronous=FULL, nothing is answered before its fsync." % (EXTENTS, K, M))
    context.note("One fsync, as the disk does it alone: %.2f ms (median of 100)." % measure_sync(context.scratch / "sync"))
    context.compare(Comparison("sessions: begun and ended", METRICS, [
        Contender("%s connections" % n, lambda n=n: measure(context, cluster, n, options.seconds)) for n in options.connections.split(",")]),
        servers.processes(cluster))


def measure_sync(path):
    """In ms; what else uses the disk is in it."""
    spent = []
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(file, bytes(1 << 20), 0)
        os.fsync(file)
        for i in range(100):
            os.pwrite(file, bytes([i]) * 8192, i * 8192)
            begin = time.monotonic()
            os.fdatasync(file)
            spent.append(time.monotonic() - begin)
    finally:
        os.close(file)
    path.unlink()
    return sorted(spent)[50] * 1e3


def count_commits(cluster):
    return servers.metrics(cluster)['database_seconds_count{piece="commit"}']


def measure(context, cluster, connections, seconds, name=NAME):
    control = accounting.Processes(lambda: [cluster.control.process.pid])
    env = dict(context.env, BODY=json.dumps({"medium": name}), TOKEN=cluster.token)
    script = pathlib.Path(__file__).with_name("sessions.lua")
    before, commits = control.cpu(), count_commits(cluster)
    usage = accounting.run(["wrk", "-t", "1", "-c", connections, "-d", "%ds" % seconds, "--timeout", "30s", "-s", script, cluster.url], env)
    used = control.cpu() - before
    commits = count_commits(cluster) - commits
    result = json.loads(usage.output.splitlines()[-1])
    # a connection that is cut is opened anew
    if result["errors"] > result["ended"] / 100 or not result["ended"]:
        raise RuntimeError("wrk at %s: %s" % (cluster.url, usage.output))
    ended = result["ended"]
    return {"rate": ended / result["seconds"], "cpu": used / ended * 1e3, "client": usage.cpu / ended * 1e3, "median": result["p50"],
            "p99": result["p99"], "syncs": commits / ended, "errors": result["errors"]}
