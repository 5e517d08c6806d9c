# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many viewers: how many paced players the machine bears before the first late buffer, and what a byte costs a server that has many connections."""

import json
import pathlib

from . import accounting, control, material, nginx, servers
from .rounds import Comparison, Contender, Metric

HELP = "many paced players; a server's CPU with 1, 100, 1000 connections"
NAME = "bench/random.bin"
PLAIN, OURS, SMALL = "souphttpsrc, nginx", "pmsssrc", "pmsssrc, 4 MiB ahead"
PLAYERS = [
    Metric("players", "players before the first late buffer", "", 0),
    Metric("capped", "ended by memory or --most", "", 0, "lower"),
    Metric("cpu", "CPU of client and servers, a second of a player", "ms", 2, "lower"),
    Metric("memory", "anonymous memory, a player", "MiB", 1, "lower"),
]
WALL = [
    Metric("late", "buffers that came late", "", 0, "lower"),
    Metric("threads", "threads besides one for each player", "", 0, "lower"),
    Metric("memory", "anonymous memory of the process", "MiB", 1, "lower"),
    Metric("descriptors", "its descriptors", "", 0, "lower"),
    Metric("cpu", "CPU of client and servers, a second of a player", "ms", 2, "lower"),
]
SERVER = [
    Metric("cpu", "CPU of the server", "s/GB", 3, "lower"),
    Metric("rate", "rate", "MB/s", 0),
    Metric("memory", "server's peak memory so far", "MiB", 1, "lower"),
]
# shards begin with a header of this many bytes, and so does each of their records
HEADER = 128
UNIT = 256 << 10
RECORD = HEADER + UNIT


def add_options(parser):
    parser.add_argument("--only", choices=["players", "wall", "connections", "control"], help="one of them; wall and control only when they are named")
    parser.add_argument("--rate", type=float, default=8, metavar="MBIT", help="of a player, Mbit/s; default 8")
    parser.add_argument("--interval", type=int, default=100, metavar="MS", help="from one player's start to the next's; default 100")
    parser.add_argument("--most", type=int, default=1000, metavar="N", help="players; default 1000")
    parser.add_argument("--wall", type=int, default=300, metavar="N", help="players in one process; default 300")
    parser.add_argument("--connections", default="1,100,1000", metavar="N,...", help="default 1,100,1000")
    parser.add_argument("--seconds", type=int, default=5, metavar="S", help="of load a measurement; default 5")
    parser.add_argument("--records", type=int, default=4, metavar="N", help="records of 256 KiB that one request asks for; default 4")
    group = parser.add_argument_group("options of --only control")
    group.add_argument("--beside", type=pathlib.Path, metavar="DIR", help="a release build of another version, whose control server takes turns with this one's")
    group.add_argument("--upload", type=material.parse_size, default=1 << 30, metavar="SIZE", help="of the upload; default 1G")
    group.add_argument("--idle", type=int, default=1000, metavar="N", help="idle connections; default 1000")


def run(context, options):
    if options.only == "control":
        control.compare(context, options)
        return
    if options.only == "wall":
        compare_wall(context, options)
        return
    if options.only != "connections":
        compare_players(context, options)
    if options.only != "players":
        compare_connections(context, options)


def compare_wall(context, options):
    seconds = options.wall * options.interval / 1e3 + options.seconds
    size = int(seconds * options.rate * 1e6 / 8) + (64 << 20)
    _, sources, env, processes = start_sources(context, size)
    program = context.build / "tools" / "benchmarks" / "bench-wall"

    def hang(source):
        before = processes.cpu()
        usage = accounting.run([program, source, str(options.rate * 1e6 / 8), str(options.interval), str(options.wall), str(options.seconds)], env)
        result = json.loads(usage.output.splitlines()[-1])
        if result["begun"] != result["players"]:
            raise RuntimeError("%d of %d players have begun" % (result["begun"], result["players"]))
        return {"late": result["late"], "threads": result["threads"], "memory": result["memory"] / (1 << 20), "descriptors": result["descriptors"],
                "cpu": (usage.cpu + processes.cpu() - before) / result["seconds"] * 1e3}
    context.compare(Comparison("many: %d players of %g Mbit/s in one process" % (options.wall, options.rate), WALL, [
        Contender(name, lambda s=sources[name]: hang(s)) for name in (PLAIN, OURS)]), processes)


def compare_players(context, options):
    cluster, sources, env, processes = start_sources(context, 256 << 20)
    context.compare(Comparison("many: players of %g Mbit/s, one more every %d ms" % (options.rate, options.interval), PLAYERS, [
        Contender(name, lambda s=source: ramp(context, options, s, env, processes)) for name, source in sources.items()]), processes)
    cluster.close()


def start_sources(context, size):
    """(The cluster, {name: a source as of gst-launch}, their environment, the servers)."""
    path = material.random_file(context.material, size)
    cluster = servers.start(context, 6)
    servers.add(cluster, NAME, path, "4+2")
    web = nginx.Nginx(context.scratch, path.parent).start()
    context.on_exit(web.stop)
    ours = "pmsssrc location=" + servers.uri(cluster, NAME)
    sources = {PLAIN: "souphttpsrc location=%s/%s" % (web.url, path.name), OURS: ours, SMALL: ours + " read-ahead=4194304 cache-size=8388608"}
    env = dict(context.env, PMSS_TOKEN=cluster.token)
    return cluster, sources, env, accounting.Processes(lambda: web.processes().pids() + servers.processes(cluster).pids())


def ramp(context, options, source, env, processes):
    program = context.build / "tools" / "benchmarks" / "bench-players"
    before = processes.cpu()
    usage = accounting.run([program, source, str(options.rate * 1e6 / 8), str(options.interval), str(options.most)], env)
    used = usage.cpu + processes.cpu() - before
    result = json.loads(usage.output.splitlines()[-1])
    return {"players": result["players"], "capped": int(result["end"] != "late"), "cpu": used / result["seconds"] * 1e3,
            "memory": result["memory"] / result["players"] / (1 << 20)}


def compare_connections(context, options):
    path = material.random_file(context.material, 64 << 20)
    cluster = servers.start(context, 1)
    servers.add(cluster, NAME, path, "1+0")
    node = cluster.nodes[0]
    session = cluster.session(NAME)
    shard = "%s-00000000.0" % session["layout"]["version"]
    file = node.shard_path(shard)
    web = nginx.Nginx(context.scratch, file.parent).start()
    context.on_exit(web.stop)
    storage = accounting.Processes(lambda: [node.process.pid])
    both = accounting.Processes(lambda: [node.process.pid, cluster.control.process.pid, *web.processes().pids()])
    for connections in map(int, options.connections.split(",")):
        load = dict(SIZE=file.stat().st_size - HEADER, LENGTH=options.records * RECORD, STEP=RECORD, connections=connections, seconds=options.seconds)
        context.compare(Comparison("many: %d connections, requests of %d KiB" % (connections, load["LENGTH"] >> 10), SERVER, [
            Contender("nginx", lambda: measure(context, web.processes(), web.url, "/" + shard, "", load)),
            Contender("pmss-storage", lambda: measure(context, storage, "http://127.0.0.1:%d" % node.port, "/v1/shards/" + shard,
                                                      cluster.session(NAME)["token"], load))]), both)


def measure(context, processes, url, target, token, load):
    """wrk is the same for both, and is not counted."""
    env = dict(context.env, TARGET=target, TOKEN=token, **{key: str(load[key]) for key in ("SIZE", "LENGTH", "STEP")})
    script = pathlib.Path(__file__).with_name("range.lua")
    before = processes.cpu()
    usage = accounting.run(["wrk", "-t", "1", "-c", load["connections"], "-d", "%ds" % load["seconds"], "--timeout", "30s", "-s", script, url], env)
    used = processes.cpu() - before
    result = json.loads(usage.output.splitlines()[-1])
    if result["errors"] or not result["bytes"]:
        raise RuntimeError("wrk at %s: %s" % (url, usage.output))
    return {"cpu": used / result["bytes"] * 1e9, "rate": result["bytes"] / result["seconds"] / 1e6, "memory": processes.memory() / (1 << 20)}
