# SPDX-License-Identifier: LGPL-2.1-or-later
"""With storage servers gone: one client as fast as it can, on loopback, beside all of them there, for what has to be rebuilt costs something; and repair of what one had,
beside what slow links carry.

Repair needs root, for network namespaces.
"""

import contextlib

from . import accounting, material, namespaces, repair, servers
from .rounds import Comparison, Contender
from .throughput import METRICS, MIB, NAME, check_bytes, measure, start_up

HELP = "the same with m storage servers gone, and repair beside what slow links carry; also spelt --degraded"


def add_options(parser):
    parser.add_argument("--size", type=material.parse_size, default=1 << 30, metavar="SIZE", help="of the file; default 1G")
    parser.add_argument("--nodes", type=int, default=6, help="storage servers; default 6")
    parser.add_argument("--redundancy", default="4+2", metavar="K+M", help="default 4+2")
    parser.add_argument("--only", choices=["throughput", "repair"], help="one of the two")
    repair.add_options(parser)


def run(context, options):
    if int(options.redundancy.split("+")[1]) == 0:
        raise RuntimeError("with %s nothing may be gone" % options.redundancy)
    if options.only != "throughput":
        namespaces.leave()
    if options.only != "repair":
        compare_throughput(context, options)
    if options.only != "throughput":
        repair.compare(context, options)


def compare_throughput(context, options):
    m = int(options.redundancy.split("+")[1])
    path = material.random_file(context.material, options.size)
    cluster = servers.start(context, options.nodes)
    context.said("ingesting %d MiB" % (options.size // MIB))
    servers.add(cluster, NAME, path, options.redundancy)
    env = dict(context.env, PMSS_TOKEN=cluster.token)
    source = ["pmsssrc", "location=" + servers.uri(cluster, NAME)]
    running = accounting.Processes(lambda: [s.process.pid for s in [cluster.control, *cluster.nodes] if s.running()])
    turns = Turns(cluster, m)
    check_bytes(source, path, env)
    with turns.gone():
        check_bytes(source, path, env)

    def degraded():
        with turns.gone():
            return measure(source, running, options.size, env)
    context.compare(Comparison(
        "degraded: %d MiB, %s on %d nodes, %d of them gone, loopback" % (options.size // MIB, options.redundancy, options.nodes, m), METRICS,
        [Contender("all nodes", lambda: measure(source, running, options.size, env)), Contender("%d gone" % m, degraded),
         Contender("start-up alone", lambda: start_up(env, options.size))]), running)
    context.note("Gone are killed servers, other ones each round; control knows of it before the client starts. Rate and CPU are of whole processes,"
                 " as in `throughput`.")
    cluster.close()


class Turns:
    """Who is gone: each time the next @m nodes."""

    def __init__(self, cluster, m):
        self.cluster = cluster
        self.m = m
        self.next = 0

    @contextlib.contextmanager
    def gone(self):
        nodes = [self.cluster.nodes[(self.next + i) % len(self.cluster.nodes)] for i in range(self.m)]
        self.next += self.m
        for node in nodes:
            node.kill()
        try:
            self.cluster.wait_nodes()
            yield
        finally:
            for node in nodes:
                node.start()
            self.cluster.wait_nodes()
