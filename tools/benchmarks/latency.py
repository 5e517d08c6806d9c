# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a viewer waits for: the first buffer, the first frame, the next frame after a seek, another film; from loopback, and from 20 ms away (bench-relay)."""

import json
import time

from . import accounting, films, material, nginx, relay, servers
from .rounds import Comparison, Contender, Metric

HELP = "first buffer, first frame, seeks, another film; from loopback and 20 ms away"
PLAIN, OURS, LOCAL, COLD, WARM = "souphttpsrc, nginx", "pmsssrc", "local file", "souphttpsrc, nginx, cold", "pmsssrc, warm"
BUFFER = [Metric("first_buffer", "start to first buffer", "ms", 1, "lower")]
FILM = [
    Metric("first_frame", "start to first frame", "ms", 1, "lower"),
    Metric("near", "seek, 3 s on", "ms", 1, "lower"),
    Metric("far", "seek, to the middle", "ms", 1, "lower"),
    Metric("tail", "seek, to the tail", "ms", 1, "lower"),
]
SECOND = [
    Metric("beside", "another film, beside one", "ms", 1, "lower"),
    Metric("after", "another film, after both", "ms", 1, "lower"),
]
# what is opened one after the other: other files, so other versions
OTHERS = ["first.bin", "second.bin", "third.bin"]
OTHERS_SIZE = 32 << 20
# the first one's rate in bits/s, and the seconds before the second is opened
OTHERS_RATE, OTHERS_PAUSE = 8e6, 2
DEADLINE = 120


def add_options(parser):
    parser.add_argument("--delay", type=float, default=20, metavar="MS", help="of the distant network, each way; default 20")
    parser.add_argument("--slow-start", action="store_true", help="distant connections begin with ten segments a round trip and double, as TCP's do")
    parser.add_argument("--films", default=",".join(films.NAMES), metavar="NAME,...", help="default: all of %s" % ", ".join(films.NAMES))
    parser.add_argument("--only", choices=["loopback", "distant"], help="one of the two networks")
    parser.add_argument("--part", choices=["films", "second"], help="the first film, with its seeks; or another one, opened by the same process")


def run(context, options):
    folder = context.scratch / "web"
    folder.mkdir()
    web = nginx.Nginx(context.scratch, folder).start()
    context.on_exit(web.stop)
    cluster = servers.start(context, 6)
    compare = [part(context, options, cluster, folder) for name, part in (("films", prepare_films), ("second", prepare_second)) if options.part in (None, name)]
    if options.only != "distant":
        for function in compare:
            function("loopback", web.port, cluster.control.port)
    if options.only != "loopback":
        distant = relay.Relay(context.build, options.delay, ["127.0.0.1:%d" % port for port in [
            web.port, cluster.control.port, *(node.port for node in cluster.nodes)]], options.slow_start)
        context.on_exit(distant.stop)
        move_nodes(cluster, distant.ports[2:])
        for function in compare:
            function("%g ms each way%s" % (options.delay, ", slow start" if options.slow_start else ""), *distant.ports[:2])
    context.note("Times of gst-launch and playbin3 begin when the process is started, those of another film at PLAYING. "
                 "The relay delays bytes and handshakes; it %s slow start and loses nothing." % ("has" if options.slow_start else "has no"))


def serve(context, cluster, folder, paths):
    """{name: path}, from both servers."""
    context.said("ingesting " + ", ".join(paths))
    for name, path in paths.items():
        (folder / name).symlink_to(path)
        servers.add(cluster, name, path, "4+2")


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


def prepare_films(context, options, cluster, folder):
    made = films.make(context.material / "films", context.env, context.said)
    paths = {name: made[name] for name in films.NAMES if name in options.films.split(",")}
    serve(context, cluster, folder, paths)
    return lambda where, web_port, control_port: compare_films(context, where, paths, cluster, web_port, control_port)


def compare_films(context, where, paths, cluster, web_port, control_port):
    env = dict(context.env, PMSS_TOKEN=cluster.token)
    processes = servers.processes(cluster)

    def contenders(name, what, plain, ours, local):
        return [Contender(PLAIN, lambda: measure(context, env, what, plain % (web_port, name))),
                Contender(OURS, lambda: measure(context, env, what, ours % (control_port, name))),
                Contender(LOCAL, lambda: measure(context, env, what, local % paths[name]))]
    context.compare(Comparison("latency, %s: gst-launch" % where, BUFFER, contenders(
        next(iter(paths)), "buffer", "souphttpsrc location=http://127.0.0.1:%d/%s", "pmsssrc location=pmss://127.0.0.1:%d/%s", "filesrc location=%s")), processes)
    for name in paths:
        context.compare(Comparison("latency, %s: playbin3, %s" % (where, name), FILM, contenders(
            name, "play", "http://127.0.0.1:%d/%s", "pmss://127.0.0.1:%d/%s", "file://%s")), processes)


def measure(context, env, what, source):
    return bench(context, env, "bench-player", time.clock_gettime_ns(time.CLOCK_MONOTONIC), what, source)


def prepare_second(context, options, cluster, folder):
    path = material.random_file(context.material, OTHERS_SIZE)
    serve(context, cluster, folder, {name: path for name in OTHERS})
    return lambda where, web_port, control_port: compare_second(context, where, cluster, web_port, control_port)


def compare_second(context, where, cluster, web_port, control_port):
    env = dict(context.env, PMSS_TOKEN=cluster.token)

    def measure_second(how, source, port):
        return bench(context, env, "bench-second", how, OTHERS_RATE / 8, OTHERS_PAUSE, *(source % (port, name) for name in OTHERS))
    context.compare(Comparison("latency, %s: another film in the same process" % where, SECOND, [
        Contender(COLD, lambda: measure_second("cold", "souphttpsrc location=http://127.0.0.1:%d/%s", web_port)),
        Contender(WARM, lambda: measure_second("warm", "pmsssrc location=pmss://127.0.0.1:%d/%s", control_port))]), servers.processes(cluster))


def bench(context, env, program, *arguments):
    usage = accounting.run([context.build / "tools" / "benchmarks" / program, *arguments], env, DEADLINE)
    return {key: seconds * 1000 for key, seconds in json.loads(usage.output.splitlines()[-1]).items()}
