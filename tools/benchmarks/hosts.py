# SPDX-License-Identifier: LGPL-2.1-or-later
"""One client, storage servers on hosts of their own whose links are slow: does it get what all links carry together, and at which price?

The limit is iperf3 from all hosts at once; souphttpsrc from nginx on one of them is what one server gives. Needs root, for network namespaces.
"""

from . import accounting, iperf, material, namespaces, nginx, servers
from .rounds import Comparison, Contender, Metric
from .throughput import GB, MIB, check_bytes, launch

HELP = "servers on links of 100 Mbit/s each, beside iperf3 from all of them"
LIMIT, PLAIN, OURS = "iperf3, all hosts", "souphttpsrc, nginx", "pmsssrc"
METRICS = [
    Metric("rate", "rate", "Mbit/s", 1),
    Metric("client_cpu", "CPU of the client", "s/GB", 3, "lower", against=PLAIN),
    Metric("server_cpu", "CPU of the servers", "s/GB", 3, "lower", against=PLAIN),
    Metric("memory", "client's peak memory", "MiB", 1, "lower", against=PLAIN),
]
# as much as the number of hosts allows; the last two differ in what placement may choose from
REDUNDANCY = {1: "1+0", 2: "2+0", 4: "3+1", 6: "4+2", 8: "4+2"}


def add_options(parser):
    parser.add_argument("--hosts", default="1,2,4,6,8", metavar="N,...", help="numbers of hosts, out of 1, 2, 4, 6, 8; default all")
    parser.add_argument("--rate", type=float, default=100, metavar="MBIT", help="of each link, in Mbit/s; default 100")
    parser.add_argument("--seconds", type=int, default=12, metavar="S", help="about how long one reading takes; default 12")


def run(context, options):
    numbers = [int(number) for number in options.hosts.split(",")]
    if not set(numbers) <= set(REDUNDANCY):
        raise RuntimeError("--hosts: %s is not among %s" % (options.hosts, ",".join(map(str, REDUNDANCY))))
    namespaces.leave()
    hosts = namespaces.make_hosts(context, max(numbers))
    link_bytes = int(options.rate * 1e6 / 8 * 0.95 * options.seconds) // MIB * MIB
    # one server: its file is as long as one link carries in the time
    small = material.random_file(context.material, link_bytes)
    web = nginx.Nginx(context.scratch, small.parent, hosts[0].address, hosts[0].prefix).start()
    context.on_exit(web.stop)
    for number in numbers:
        compare(context, options, hosts[:number], web, small)
    context.note("Rates of pmsssrc and souphttpsrc are the file's bytes by the time from the start of gst-launch-1.0 to its end; iperf3's leave its first second out.")


def compare(context, options, hosts, web, small):
    redundancy = REDUNDANCY[len(hosts)]
    for host in hosts:
        host.limit_sending(0)
    path = material.random_file(context.material, small.stat().st_size * len(hosts))
    name = "bench/random.bin"
    cluster = servers.start(context, 0, address=namespaces.HERE)
    for host in hosts:
        cluster.add_node(wait=False, address=host.address, prefix=host.prefix)
    cluster.wait_nodes()
    context.said("%d hosts: ingesting %d MiB" % (len(hosts), path.stat().st_size // MIB))
    servers.add(cluster, name, path, redundancy)
    env = dict(context.env, PMSS_TOKEN=cluster.token)
    plain = ["souphttpsrc", "location=%s/%s" % (web.url, small.name)]
    ours = ["pmsssrc", "location=" + servers.uri(cluster, name)]
    check_bytes(ours, path, env)
    for host in hosts:
        host.limit_sending(options.rate)
    limit = iperf.Servers(hosts).start()
    processes, cluster_processes = web.processes(), servers.processes(cluster)
    comparison = Comparison("hosts: %d with %g Mbit/s each, %s, %d MiB" % (len(hosts), options.rate, redundancy, path.stat().st_size // MIB), METRICS, [
        Contender(LIMIT, lambda: {"rate": iperf.measure(hosts, options.seconds) * 8 / 1e6}),
        Contender(PLAIN, lambda: measure(plain, processes, small.stat().st_size, env)),
        Contender(OURS, lambda: measure(ours, cluster_processes, path.stat().st_size, env))])
    try:
        context.compare(comparison, accounting.Processes(lambda: processes.pids() + cluster_processes.pids() + limit.pids()))
    finally:
        limit.stop()
        cluster.close()


def measure(source, processes, size, env):
    before = processes.cpu()
    usage = accounting.run(launch(source), env)
    return {"rate": size * 8 / usage.seconds / 1e6, "client_cpu": usage.cpu / size * GB, "server_cpu": (processes.cpu() - before) / size * GB,
            "memory": usage.memory / MIB}
