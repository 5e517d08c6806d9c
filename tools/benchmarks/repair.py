# SPDX-License-Identifier: LGPL-2.1-or-later
"""Repair without a limit of its own, beside what the links would carry: k + m + 1 storage servers and control on hosts of their own, one storage server killed.

For each byte that is made control receives k + 1, k of other shards and one that it reads back, and sends one. Two links bind: control's own, which all of it passes, where
it is no faster than the others, and those of the storage servers that are left, where it is. iperf3 from these to control measures either.
"""

import contextlib
import time

from . import accounting, iperf, material, namespaces, servers
from .rounds import Comparison, Contender, Metric
from .throughput import MIB, NAME, check_bytes

LIMIT, OURS = "iperf3 / (k + 1)", "pmss"
METRICS = [
    Metric("rate", "rebuilt, from the job's begin to its end", "Mbit/s", 1),
    Metric("received", "control receives, a byte rebuilt", "bytes", 2, "lower"),
    Metric("sent", "control sends, a byte rebuilt", "bytes", 2, "lower"),
    Metric("rebuilt", "rebuilt", "MiB", 0),
    Metric("noticed", "from the kill to the job's begin", "s", 1, "lower"),
    Metric("whole", "from the kill until the medium is whole", "s", 1, "lower"),
]
POLL = 0.02
DEADLINE = 1800


def add_options(parser):
    parser.add_argument("--repair-size", type=material.parse_size, default=256 << 20, metavar="SIZE", help="of the medium that is repaired; default 256M")
    parser.add_argument("--rate", type=float, default=100, metavar="MBIT", help="of each link, for repair, in Mbit/s; default 100")
    parser.add_argument("--seconds", type=int, default=5, metavar="S", help="about how long iperf3 runs; default 5")


def compare(context, options):
    bed = Bed(context, options)
    for title, rate in (("all links of %g Mbit/s" % options.rate, options.rate), ("links of %g Mbit/s, control's without a limit" % options.rate, 0)):
        context.compare(Comparison(
            "repair: %d MiB, %s on %d nodes, one killed, %s" % (options.repair_size // MIB, options.redundancy, len(bed.hosts), title), METRICS,
            [Contender(LIMIT, lambda r=rate: bed.measure_links(r)), Contender(OURS, lambda r=rate: bed.measure_repair(r))]), bed.processes())
    context.note("repair: the medium is ingested anew each round, and another server dies; iperf3's links are as many as are left then.")


class Bed:
    """The hosts and the cluster on them."""

    def __init__(self, context, options):
        self.options = options
        self.k, m = map(int, options.redundancy.split("+"))
        self.path = material.random_file(context.material, options.repair_size)
        self.hosts = namespaces.make_hosts(context, self.k + m + 1)
        self.control_host = namespaces.Host(len(self.hosts) + 1)
        context.on_exit(self.control_host.close)
        namespaces.forward()
        self.cluster = servers.start(context, 0, address=self.control_host.address, prefix=self.control_host.prefix,
                                     control_options={"repair-delay": "0", "repair-limit": "0"})
        for host in self.hosts:
            self.cluster.add_node(wait=False, address=host.address, prefix=host.prefix)
        self.cluster.wait_nodes()
        self.limit = iperf.Servers(self.hosts).start()
        context.on_exit(self.limit.stop)
        self.env = dict(context.env, PMSS_TOKEN=self.cluster.token)
        self.killed = 0

    def processes(self):
        servers_of_ours = [self.cluster.control, *self.cluster.nodes]
        return accounting.Processes(lambda: [s.process.pid for s in servers_of_ours if s.running()] + self.limit.pids())

    @contextlib.contextmanager
    def limited(self, control_rate):
        """The links are slow in both directions."""
        try:
            self.set_limits(self.options.rate, control_rate)
            yield
        finally:
            self.set_limits(0, 0)

    def set_limits(self, rate, control_rate):
        for host, limit in [*((host, rate) for host in self.hosts), (self.control_host, control_rate)]:
            host.limit_sending(limit)
            host.limit_receiving(limit)

    def measure_links(self, control_rate):
        with self.limited(control_rate):
            carried = iperf.measure(self.hosts[1:], self.options.seconds, prefix=self.control_host.prefix)
        return {"rate": carried / (self.k + 1) * 8 / 1e6}

    def measure_repair(self, control_rate):
        servers.add(self.cluster, NAME, self.path, self.options.redundancy)
        last = self.newest_job()
        with self.limited(control_rate):
            victim = self.next_victim()
            begin = time.monotonic()
            victim.kill()
            result = self.follow(last, begin)
        # with what was made, while the server is still gone
        check_bytes(["pmsssrc", "location=" + servers.uri(self.cluster, NAME)], self.path, self.env)
        victim.start()
        self.cluster.wait_nodes()
        self.cluster.delete(NAME)
        self.cluster.wait_for_nodes_clean()
        return result

    def next_victim(self):
        """Another one each time, of those that have something to lose."""
        layout = self.cluster.session(NAME)["layout"]
        having = sorted({layout["nodes"][place]["id"] for row in layout["extents"] for place in row})
        self.killed += 1
        return self.cluster.node(having[self.killed % len(having)])

    def newest_job(self):
        return max((job["id"] for job in self.cluster.api("GET", "/jobs")["jobs"] if job["type"] == "repair"), default=0)

    def follow(self, last, begin):
        """The begin is the last look that found no job after @last, so that nothing of it is missed."""
        job, began, before = self.wait_for(self.newest_job, lambda job: job > last, begin, "begin")
        seen, _, _ = self.wait_for(lambda: self.cluster.job(job), lambda job: job["state"] not in ("queued", "running"), begin, "end")
        whole, after = time.monotonic(), self.traffic()
        state = self.cluster.medium(NAME)["health"]["state"]
        if seen["state"] != "done" or state != "whole":
            raise RuntimeError("the repair is %s, the medium %s: %s" % (seen["state"], state, seen["error"]))
        received, sent = (now - then for now, then in zip(after, before))
        rebuilt = seen["done"]
        return {"rate": rebuilt * 8 / (whole - began) / 1e6, "received": received / rebuilt, "sent": sent / rebuilt, "rebuilt": rebuilt / MIB,
                "noticed": began - begin, "whole": whole - begin}

    def wait_for(self, look, is_it, begin, what):
        """What look() found, and time and traffic just before it looked the last time in vain."""
        before = time.monotonic(), self.traffic()
        while time.monotonic() < begin + DEADLINE:
            now = time.monotonic(), self.traffic()
            found = look()
            if is_it(found):
                return found, *before
            before = now
            time.sleep(POLL)
        raise RuntimeError("the repair did not %s within %d s" % (what, DEADLINE))

    def traffic(self):
        """(to control, from control): bytes on its link, headers included."""
        return namespaces.link_bytes(self.control_host.link)
