# SPDX-License-Identifier: LGPL-2.1-or-later
"""A medium over plain HTTP: from a gateway beside nginx on the same node. One client over links of 100 Mbit/s, one on loopback, and many paced viewers.

Links need root, for network namespaces.
"""

import http.client
import json
import urllib.parse
import urllib.request

from . import accounting, material, namespaces, nginx, servers
from .rounds import Comparison, Contender, Metric
from .throughput import GB, MIB, check_output

HELP = "the gateway beside nginx: 100 Mbit/s, CPU on loopback, 300 paced viewers"
NAME = "bench/random.bin"
NODES = 6
PLAIN, OURS, APART = "nginx", "gateway", "gateway, each elsewhere"
LINKS = [Metric("rate", "rate", "Mbit/s", 1)]
LOOPBACK = [
    Metric("rate", "rate", "MB/s", 0),
    Metric("client_cpu", "CPU of the client", "s/GB", 3, "lower"),
    Metric("gateway_cpu", "CPU of nginx or the gateway's process", "s/GB", 3, "lower"),
    Metric("server_cpu", "CPU of all servers", "s/GB", 3, "lower"),
    Metric("cpu", "CPU of both", "s/GB", 3, "lower"),
]
VIEWERS = [
    Metric("late", "viewers that had a byte late", "", 0, "lower"),
    Metric("longest", "the latest byte's delay", "ms", 1, "lower"),
    Metric("threads", "threads of the gateway more than idle", "", 0, "lower"),
    Metric("memory", "its anonymous memory", "MiB", 1, "lower"),
    Metric("cpu", "CPU of client and servers, a second of a viewer", "ms", 2, "lower"),
]


def add_options(parser):
    parser.add_argument("--only", choices=["links", "loopback", "viewers"], help="one of the three")
    parser.add_argument("--link", type=float, default=100, metavar="MBIT", help="what each host's link sends, Mbit/s; default 100")
    parser.add_argument("--both-ways", action="store_true", help="the links' receiving is limited, too")
    parser.add_argument("--seconds", type=int, default=10, metavar="S", help="about how long one reading over a link takes, and for how long all viewers are watched; default 10")
    parser.add_argument("--size", type=material.parse_size, default=1 << 30, metavar="SIZE", help="of the file on loopback; default 1G")
    parser.add_argument("--viewers", type=int, default=300, metavar="N", help="paced viewers; default 300")
    parser.add_argument("--rate", type=float, default=8, metavar="MBIT", help="of a viewer, Mbit/s; default 8")
    parser.add_argument("--interval", type=int, default=100, metavar="MS", help="from one viewer's start to the next's; default 100")


def run(context, options):
    if options.only in (None, "loopback"):
        compare_loopback(context, options)
    if options.only in (None, "viewers"):
        compare_viewers(context, options)
    # the last: from there on we are in a network of our own
    if options.only in (None, "links"):
        compare_links(context, options)


def start_cluster(context, hosts=()):
    """Only the first storage server is a gateway, and nginx is on the same host."""
    cluster = servers.start(context, 0, **({"address": namespaces.HERE} if hosts else {}))
    for number in range(NODES):
        place = {"address": hosts[number].address, "prefix": hosts[number].prefix} if hosts else {}
        cluster.add_node(wait=False, **place, **({"gateway": "off"} if number else {}))
    cluster.wait_nodes()
    return cluster


def start(context, size, hosts=()):
    """(The file, the cluster with it, nginx with it)."""
    path = material.random_file(context.material, size)
    cluster = start_cluster(context, hosts)
    context.said("ingesting %d MiB" % (size // MIB))
    servers.add(cluster, NAME, path, "4+2")
    web = nginx.Nginx(context.scratch, path.parent, *([hosts[0].address, hosts[0].prefix] if hosts else [])).start()
    context.on_exit(web.stop)
    return path, cluster, web


def link_of(cluster, source="127.0.0.1"):
    """Where control sends a viewer at the address @source."""
    connection = http.client.HTTPConnection(cluster.control.address, cluster.control.port, timeout=30, source_address=(source, 0))
    try:
        connection.request("GET", "/media/" + NAME, headers={"Authorization": "Bearer " + cluster.token})
        answer = connection.getresponse()
        if answer.status != 307:
            raise RuntimeError("control does not send to a gateway: %d %s" % (answer.status, answer.read()))
        return answer.headers["Location"]
    finally:
        connection.close()


def everyone(cluster, web):
    return accounting.Processes(lambda: web.processes().pids() + servers.processes(cluster).pids())


def fetch(url):
    return ["curl", "-sS", "--fail", "--no-buffer", "-o", "/dev/null", url]


def check(url, path, env):
    check_output(["curl", "-sS", "--fail", url], path, env)


def compare_links(context, options):
    namespaces.leave()
    namespaces.forward()
    hosts = namespaces.make_hosts(context, NODES)
    size = int(options.link * 1e6 / 8 * 0.95 * options.seconds) // MIB * MIB
    path, cluster, web = start(context, size, hosts)
    plain = "%s/%s" % (web.url, path.name)
    check(link_of(cluster, namespaces.HERE), path, context.env)
    for host in hosts:
        host.limit_sending(options.link)
        if options.both_ways:
            host.limit_receiving(options.link)

    def measure(url):
        return {"rate": size * 8 / accounting.run(fetch(url), context.env).seconds / 1e6}
    context.compare(Comparison("gateway: links of %g Mbit/s%s, 4+2 on %d hosts, %d MiB" % (
        options.link, " both ways" if options.both_ways else "", NODES, size // MIB), LINKS, [
        Contender(PLAIN, lambda: measure(plain)), Contender(OURS, lambda: measure(link_of(cluster, namespaces.HERE)))]), everyone(cluster, web))
    context.note("The gateway sends and receives over one link: what it does not have itself comes from five other hosts.")
    cluster.close()


def compare_loopback(context, options):
    path, cluster, web = start(context, options.size)
    plain = "%s/%s" % (web.url, path.name)
    gateway = accounting.Processes(lambda: [cluster.nodes[0].process.pid])
    check(link_of(cluster), path, context.env)

    def measure(url, process, processes):
        before, all_before = process.cpu(), processes.cpu()
        usage = accounting.run(fetch(url), context.env)
        alone, server = process.cpu() - before, processes.cpu() - all_before
        return {"rate": options.size / usage.seconds / 1e6, "client_cpu": usage.cpu / options.size * GB, "gateway_cpu": alone / options.size * GB,
                "server_cpu": server / options.size * GB, "cpu": (usage.cpu + server) / options.size * GB}
    context.compare(Comparison("gateway: %d MiB, 4+2 on %d nodes, loopback" % (options.size // MIB, NODES), LOOPBACK, [
        Contender(PLAIN, lambda: measure(plain, web.processes(), web.processes())),
        Contender(OURS, lambda: measure(link_of(cluster), gateway, servers.processes(cluster)))]), everyone(cluster, web))
    web.stop()
    cluster.close()


def compare_viewers(context, options):
    seconds = options.viewers * options.interval / 1e3 + options.seconds
    played = int(seconds * options.rate * 1e6 / 8) + 16 * MIB
    path, cluster, web = start(context, max(played, options.size))
    elsewhere = (path.stat().st_size - played) // options.viewers
    pid = cluster.nodes[0].process.pid
    idle = len(accounting.threads(pid))
    processes = everyone(cluster, web)
    program = context.build / "tools" / "benchmarks" / "bench-viewers"

    def watch(url, step, more):
        """@url: of the viewer with a number, who starts at as many times @step."""
        parts = [urllib.parse.urlsplit(url(number)) for number in range(options.viewers)]
        lines = ["%s %d %s?%s %d\n" % (p.hostname, p.port, p.path, p.query, number * step) for number, p in enumerate(parts)]
        before = processes.cpu()
        usage = accounting.run([program, path, pid, options.rate * 1e6 / 8, options.interval, options.seconds], context.env, words="".join(lines))
        result = json.loads(usage.output.splitlines()[-1])
        figures = {key: result[key] for key in ("late", "longest")}
        if more:
            figures.update(threads=result["threads"] - idle, memory=result["memory"] / MIB)
        return dict(figures, cpu=(usage.cpu + processes.cpu() - before) / result["seconds"] * 1e3)

    def viewer(number):
        """Each at an address, so that it has a ticket, a session and a reader of its own. It looks at once: only some tickets of a user may rest."""
        url = link_of(cluster, "127.0.%d.%d" % (1 + number // 200, 1 + number % 200))
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=30):
            return url
    context.compare(Comparison("gateway: %d viewers of %g Mbit/s" % (options.viewers, options.rate), VIEWERS, [
        Contender(PLAIN, lambda: watch(lambda _: "%s/%s" % (web.url, path.name), elsewhere, False)),
        Contender(OURS, lambda: watch(viewer, 0, True)),
        Contender(APART, lambda: watch(viewer, elsewhere, True))]), processes)
    context.note("Viewers are one process with one thread; each has a session of its own. A byte is late that comes a second after it is due.")
    web.stop()
    cluster.close()
