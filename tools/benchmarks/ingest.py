# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast a file becomes a medium: striping 4+2 beside cp and sha256sum on loopback, and beside what links of 100 Mbit/s carry. Reading back goes on beside
striping; what it adds after that is shown apart.

Needs root, for network namespaces.
"""

import time

from . import accounting, iperf, material, namespaces, servers
from .rounds import Comparison, Contender, Metric

HELP = "striping 4+2 beside cp + sha256sum, and beside what slow links carry"
NAME = "bench/random.bin"
K, M = 4, 2
# what a shard's records add to the units in them
OVERHEAD = 1 + 128 / (256 << 10)
COPY, LIMIT, OURS = "cp, sync, sha256sum", "iperf3, all hosts", "pmss"
LOCAL = [
    Metric("rate", "upload's end to ready", "MB/s", 0),
    Metric("stripe", "of that: hashing and striping, while reading back", "MB/s", 0),
    Metric("rest", "of that: reading back what was left then", "s", 2, "lower"),
    Metric("upload", "upload", "MB/s", 0),
    Metric("cpu", "CPU of control and nodes, or of the commands", "s/GB", 2, "lower"),
]
DISTANT = [
    Metric("sent", "striping, bytes to all hosts", "Mbit/s", 1),
    Metric("read", "reading back, bytes from all hosts since striping began", "Mbit/s", 1),
    Metric("rest", "of that: after striping", "s", 2, "lower"),
    Metric("upload", "upload", "MB/s", 0),
    Metric("rate", "upload's end to ready", "MB/s", 1),
]
POLL = 0.01
DEADLINE = 1800


def add_options(parser):
    parser.add_argument("--size", type=material.parse_size, default=1 << 30, metavar="SIZE", help="of the file on loopback; default 1G")
    parser.add_argument("--rate", type=float, default=100, metavar="MBIT", help="of each link, in Mbit/s; default 100")
    parser.add_argument("--seconds", type=int, default=10, metavar="S", help="about how long striping takes with links; default 10")
    parser.add_argument("--only", choices=["loopback", "links"], help="one of the two")


def run(context, options):
    if options.only != "loopback":
        namespaces.leave()
    if options.only != "links":
        compare_with_copy(context, options)
    if options.only != "loopback":
        compare_with_links(context, options)


def compare_with_copy(context, options):
    path = material.random_file(context.material, options.size)
    cluster = servers.start(context, K + M)
    processes = servers.processes(cluster)
    copy = context.scratch / "copy"
    context.compare(Comparison("ingest: %d MiB, %d+%d, loopback" % (options.size >> 20, K, M), LOCAL, [
        Contender(COPY, lambda: measure_copy(path, copy)), Contender(OURS, lambda: measure_ingest(cluster, processes, path))]), processes)
    context.note("Both end on the disk: shards are fsynced one by one, the copy by sync. The machine's one disk takes 1.5 times the file from pmss.")
    cluster.close()


def measure_copy(path, copy):
    usage = accounting.run(["sh", "-c", 'cp "$0" "$1" && sync "$1" && sha256sum "$1"', path, copy])
    copy.unlink()
    size = path.stat().st_size
    return {"rate": size / usage.seconds / 1e6, "cpu": usage.cpu / size * 1e9}


def measure_ingest(cluster, processes, path):
    """Rates of all its parts, in bytes of the file."""
    size = path.stat().st_size
    before = processes.cpu()
    begin = time.monotonic()
    with open(path, "rb") as file:
        job = cluster.put(NAME, file, redundancy="%d+%d" % (K, M))
    uploaded = time.monotonic()
    spent, end = follow(cluster, job)
    stripe, rest = spent["stripe"], spent.get("verify", 0)
    result = {"stripe": size / stripe / 1e6, "both": size / (stripe + rest) / 1e6, "rest": rest}
    result.update(rate=size / (end - uploaded) / 1e6, upload=size / (uploaded - begin) / 1e6, cpu=(processes.cpu() - before) / size * 1e9)
    cluster.delete(NAME)
    cluster.wait_for_nodes_clean()
    return result


def follow(cluster, job):
    """Returns ({phase: seconds}, when it was done), as seen from outside."""
    spent, phase, since = {}, None, time.monotonic()
    end = since + DEADLINE
    while time.monotonic() < end:
        seen = cluster.job(job)
        now = time.monotonic()
        if phase:
            spent[phase] = spent.get(phase, 0) + now - since
        phase, since = seen["phase"], now
        if seen["state"] == "done":
            return spent, now
        if seen["state"] not in ("queued", "running"):
            raise RuntimeError("the ingest is %s: %s" % (seen["state"], seen["error"]))
        time.sleep(POLL)
    raise RuntimeError("the ingest did not end within %d s" % DEADLINE)


def compare_with_links(context, options):
    hosts = namespaces.make_hosts(context, K + M)
    bytes_sent = options.rate * 1e6 / 8 * 0.95 * options.seconds * len(hosts)
    path = material.random_file(context.material, int(bytes_sent * K / (K + M)) >> 20 << 20)
    cluster = servers.start(context, 0, address=namespaces.HERE)
    for host in hosts:
        cluster.add_node(wait=False, address=host.address, prefix=host.prefix)
        host.limit_sending(options.rate)
        host.limit_receiving(options.rate)
    cluster.wait_nodes()
    limit = iperf.Servers(hosts).start()
    context.on_exit(limit.stop)
    processes = servers.processes(cluster)
    context.compare(Comparison("ingest: %d MiB, %d+%d, links of %g Mbit/s" % (path.stat().st_size >> 20, K, M, options.rate), DISTANT, [
        Contender(LIMIT, lambda: measure_links(hosts, options.seconds)),
        Contender(OURS, lambda: measure_distant(cluster, processes, path))]), accounting.Processes(lambda: processes.pids() + limit.pids()))


def measure_links(hosts, seconds):
    return {"sent": iperf.measure(hosts, seconds, to_us=False) * 8 / 1e6, "read": iperf.measure(hosts, seconds) * 8 / 1e6}


def measure_distant(cluster, processes, path):
    result = measure_ingest(cluster, processes, path)
    carried = (K + M) / K * OVERHEAD * 8
    return {"sent": result["stripe"] * carried, "read": result["both"] * carried, "rest": result["rest"], "rate": result["rate"],
            "upload": result["upload"]}
