# SPDX-License-Identifier: LGPL-2.1-or-later
"""One client as fast as it can: pmsssrc from a cluster beside souphttpsrc from one nginx; on loopback, or with --namespaces from hosts of their own.

In namespaces each storage server has a network stack and a link of its own, without a limit; iperf3 from all hosts says what these links cost by themselves.
"""

import hashlib
import subprocess

from . import accounting, iperf, material, namespaces, nginx, servers
from .rounds import Comparison, Contender, Metric

HELP = "one client as fast as it can, from loopback or from hosts of their own"
NAME = "bench/random.bin"
LIMIT, PLAIN, OURS = "iperf3, all hosts", "souphttpsrc, nginx", "pmsssrc"
IPERF_SECONDS = 3
GB = 1e9
MIB = 1 << 20
METRICS = [
    Metric("rate", "rate", "MB/s", 0),
    Metric("client_cpu", "CPU of the client", "s/GB", 3, "lower"),
    Metric("server_cpu", "CPU of the servers", "s/GB", 3, "lower"),
    Metric("cpu", "CPU of both", "s/GB", 3, "lower"),
    Metric("memory", "client's peak memory", "MiB", 1, "lower"),
    Metric("own_memory", "of it for reading", "MiB", 1, "lower"),
]


def add_options(parser):
    parser.add_argument("--size", type=material.parse_size, default=1 << 30, metavar="SIZE", help="of the file; default 1G")
    parser.add_argument("--nodes", type=int, default=6, help="storage servers; default 6")
    parser.add_argument("--redundancy", default="4+2", metavar="K+M", help="default 4+2")
    parser.add_argument("--namespaces", action="store_true", help="each storage server in a network namespace of its own; needs root")
    parser.add_argument("--congestion-control", metavar="NAME", help="of TCP in the namespaces: cubic, reno, bbr; default: the system's")


def run(context, options):
    path = material.random_file(context.material, options.size)
    hosts = make_hosts(context, options)
    cluster = start_cluster(context, options, hosts)
    context.said("ingesting %d MiB" % (options.size // MIB))
    servers.add(cluster, NAME, path, options.redundancy)
    web = nginx.Nginx(context.scratch, path.parent, *([hosts[0].address, hosts[0].prefix] if hosts else [])).start()
    context.on_exit(web.stop)
    env = dict(context.env, PMSS_TOKEN=cluster.token)
    sources = {PLAIN: (["souphttpsrc", "location=%s/%s" % (web.url, path.name)], web.processes()),
               OURS: (["pmsssrc", "location=" + servers.uri(cluster, NAME)], servers.processes(cluster))}
    for source, _ in sources.values():
        check_bytes(source, path, env)
    contenders = [Contender(name, lambda s=source, p=processes: measure(s, p, options.size, env)) for name, (source, processes) in sources.items()]
    if hosts:
        limit = iperf.Servers(hosts).start()
        context.on_exit(limit.stop)
        contenders.append(Contender(LIMIT, lambda: measure_links(hosts, limit)))
    contenders.append(Contender("start-up alone", lambda: start_up(env, options.size)))
    comparison = Comparison("throughput: %d MiB, %s on %d nodes, %s" % (options.size // MIB, options.redundancy, options.nodes,
                                                                        "each in a namespace" if hosts else "loopback"), METRICS, contenders)
    context.compare(comparison, everyone(sources))
    if hosts:
        context.note("iperf3 has one stream from each host, for %d s; it checks nothing and keeps nothing." % IPERF_SECONDS)
    context.note("Rate and CPU are of whole processes, from the start of gst-launch-1.0 to its end; its start-up alone, shown beside, is in all of them. "
                 "Memory for reading is the peak less that of the same pipeline with num-buffers=0.")


def make_hosts(context, options):
    """None on loopback."""
    if not options.namespaces:
        return []
    namespaces.leave()
    hosts = namespaces.make_hosts(context, options.nodes)
    for host in hosts:
        if options.congestion_control:
            host.set_congestion_control(options.congestion_control)
    context.note("TCP's congestion control in the namespaces: %s." % hosts[0].get_congestion_control())
    return hosts


def start_cluster(context, options, hosts):
    if not hosts:
        return servers.start(context, options.nodes)
    cluster = servers.start(context, 0, address=namespaces.HERE)
    for host in hosts:
        cluster.add_node(wait=False, address=host.address, prefix=host.prefix)
    cluster.wait_nodes()
    return cluster


def everyone(sources):
    return accounting.Processes(lambda: [pid for _, processes in sources.values() for pid in processes.pids()])


def launch(source):
    return ["gst-launch-1.0", "-q", *source, "!", "fakesink", "sync=false"]


def check_bytes(source, path, env):
    check_output(["gst-launch-1.0", "-q", *source, "!", "fdsink", "fd=1"], path, env)


def check_output(command, path, env):
    """A fast source that delivers something else would win every benchmark."""
    digest = hashlib.sha256()
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        while chunk := process.stdout.read(MIB):
            digest.update(chunk)
    if process.returncode != 0 or digest.hexdigest() != material.sha256(path):
        raise RuntimeError("%s does not deliver the bytes of the file" % " ".join(command))


def measure(source, processes, size, env):
    before = processes.cpu()
    usage = accounting.run(launch(source), env)
    server = processes.cpu() - before
    return {"rate": size / usage.seconds / 1e6, "client_cpu": usage.cpu / size * GB, "server_cpu": server / size * GB,
            "cpu": (usage.cpu + server) / size * GB, "memory": usage.memory / MIB, "own_memory": (usage.memory - loaded(source, env)) / MIB}


def measure_links(hosts, limit):
    """As measure(), of iperf3, which discards all that comes."""
    processes = accounting.Processes(limit.pids)
    server, client = processes.cpu(), accounting.child_cpu()
    rate = iperf.measure(hosts, IPERF_SECONDS)
    # the first second is not in the rate, but in the processors' time
    size = rate * (IPERF_SECONDS + 1)
    server, client = processes.cpu() - server, accounting.child_cpu() - client
    return {"rate": rate / 1e6, "client_cpu": client / size * GB, "server_cpu": server / size * GB, "cpu": (client + server) / size * GB}


def loaded(source, env):
    """The memory of the same process when it ends before it has read anything: its libraries are loaded and linked then."""
    return accounting.run(launch([*source, "num-buffers=0"]), env).memory


def start_up(env, size):
    """What gst-launch-1.0 needs for one buffer of nothing, as if it had been for @size bytes."""
    usage = accounting.run(launch(["fakesrc", "num-buffers=1"]), env)
    return {"client_cpu": usage.cpu / size * GB, "cpu": usage.cpu / size * GB, "memory": usage.memory / MIB}
