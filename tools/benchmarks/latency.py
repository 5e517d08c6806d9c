# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a viewer waits for: the first buffer, the first frame, the next frame after a seek; from loopback, and from 20 ms away (bench-relay)."""

import json
import time

from . import accounting, films, nginx, relay, servers
from .rounds import Comparison, Contender, Metric

HELP = "first buffer, first frame, seeks; from loopback and 20 ms away"
PLAIN, OURS, LOCAL = "souphttpsrc, nginx", "pmsssrc", "local file"
BUFFER = [Metric("first_buffer", "start to first buffer", "ms", 1, "lower")]
FILM = [
    Metric("first_frame", "start to first frame", "ms", 1, "lower"),
    Metric("near", "seek, 3 s on", "ms", 1, "lower"),
    Metric("far", "seek, to the middle", "ms", 1, "lower"),
    Metric("tail", "seek, to the tail", "ms", 1, "lower"),
]
DEADLINE = 120


def add_options(parser):
    parser.add_argument("--delay", type=float, default=20, metavar="MS", help="of the distant network, each way; default 20")
    parser.add_argument("--slow-start", action="store_true", help="distant connections begin with ten segments a round trip and double, as TCP's do")
    parser.add_argument("--films", default=",".join(films.NAMES), metavar="NAME,...", help="default: all of %s" % ", ".join(films.NAMES))
    parser.add_argument("--only", choices=["loopback", "distant"], help="one of the two networks")


def run(context, options):
    paths = films.make(context.material / "films", context.env, context.said)
    wanted = [name for name in films.NAMES if name in options.films.split(",")]
    cluster = servers.start(context, 6)
    context.said("ingesting films")
    for name in wanted:
        servers.add(cluster, name, paths[name], "4+2")
    web = nginx.Nginx(context.scratch, context.material / "films").start()
    context.on_exit(web.stop)
    if options.only != "distant":
        compare(context, "loopback", paths, wanted, cluster, web.port, cluster.control.port)
    if options.only != "loopback":
        distant = relay.Relay(context.build, options.delay, ["127.0.0.1:%d" % port for port in [
            web.port, cluster.control.port, *(node.port for node in cluster.nodes)]], options.slow_start)
        context.on_exit(distant.stop)
        move_nodes(cluster, distant.ports[2:])
        compare(context, "%g ms each way%s" % (options.delay, ", slow start" if options.slow_start else ""), paths, wanted, cluster, *distant.ports[:2])
    context.note("Times begin when the process is started. The relay delays bytes and handshakes; it %s slow start and loses nothing." % ("has" if options.slow_start else "has no"))


def move_nodes(cluster, ports):
    """Control and clients will find the storage servers at these ports."""
    for node, port in zip(cluster.nodes, ports):
        node.stop()
        node.start(advertise="127.0.0.1:%d" % port)
    end = time.monotonic() + DEADLINE
    while {n["port"] for n in cluster.api("GET", "/nodes")["nodes"]} != set(ports):
        if time.monotonic() > end:
            raise RuntimeError("the storage servers have not told their new addresses")
        time.sleep(0.05)
    cluster.wait_nodes()


def compare(context, where, paths, wanted, cluster, web_port, control_port):
    env = dict(context.env, PMSS_TOKEN=cluster.token)
    processes = servers.processes(cluster)

    def contenders(name, what, plain, ours, local):
        return [Contender(PLAIN, lambda: measure(context, env, what, plain % (web_port, name))),
                Contender(OURS, lambda: measure(context, env, what, ours % (control_port, name))),
                Contender(LOCAL, lambda: measure(context, env, what, local % paths[name]))]
    context.compare(Comparison("latency, %s: gst-launch" % where, BUFFER, contenders(
        wanted[0], "buffer", "souphttpsrc location=http://127.0.0.1:%d/%s", "pmsssrc location=pmss://127.0.0.1:%d/%s", "filesrc location=%s")), processes)
    for name in wanted:
        context.compare(Comparison("latency, %s: playbin3, %s" % (where, name), FILM, contenders(
            name, "play", "http://127.0.0.1:%d/%s", "pmss://127.0.0.1:%d/%s", "file://%s")), processes)


def measure(context, env, what, source):
    program = context.build / "tools" / "benchmarks" / "bench-player"
    usage = accounting.run([program, str(time.clock_gettime_ns(time.CLOCK_MONOTONIC)), what, source], env, DEADLINE)
    return {key: seconds * 1000 for key, seconds in json.loads(usage.output.splitlines()[-1]).items()}
