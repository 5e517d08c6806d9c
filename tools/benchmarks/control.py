# SPDX-License-Identifier: LGPL-2.1-or-later
"""The control server under many connections, beside the control server of another build: requests a second, an upload's CPU, memory of idle connections."""

import base64
import contextlib
import json
import pathlib
import socket
import time

from . import accounting, material, servers, sessions
from .rounds import Comparison, Contender, Metric

OURS, OTHER = "this build", "the other build"
MEDIA = 50
MEDIUM = 64 << 10
ANSWERS = [
    Metric("rate", "answers a second", "", 0),
    Metric("cpu", "CPU of control, an answer", "ms", 3, "lower"),
    Metric("p99", "an answer, p99", "ms", 1, "lower"),
]
UPLOAD = [Metric("cpu", "CPU of control", "s/GB", 3, "lower"), Metric("rate", "rate", "MB/s", 0)]
IDLE = [Metric("memory", "memory of an idle connection", "KiB", 1, "lower")]
# of all of 127.0.0.0/8, so that no address has many
ADDRESSES = 100
# connections that come before those that are counted: what is made once is made then
WARM = 50
# s, of each step of a connection
DEADLINE = 30
TUS = ["Tus-Resumable: 1.0.0", "Content-Type: application/offset+octet-stream"]


def compare(context, options):
    """@options.beside: the folder of a release build of another version; None: this build alone."""
    builds = {OTHER: options.beside, OURS: context.build} if options.beside else {OURS: context.build}
    clusters = {name: start(context, options, build) for name, build in builds.items()}
    everyone = accounting.Processes(lambda: [pid for cluster in clusters.values() for pid in servers.processes(cluster).pids()])

    def contenders(function, *arguments):
        return [Contender(name, lambda c=cluster: function(context, options, c, *arguments)) for name, cluster in clusters.items()]

    for connections in map(int, options.connections.split(",")):
        context.compare(Comparison("control: GET /media, %d media a page, %d connections" % (MEDIA, connections), ANSWERS,
                                   contenders(measure_list, connections)), everyone)
        context.compare(Comparison("control: POST and DELETE /sessions, %d connections" % connections, ANSWERS,
                                   contenders(measure_sessions, connections)), everyone)
    context.compare(Comparison("control: an upload of %d MiB" % (options.upload >> 20), UPLOAD, contenders(measure_upload)), everyone)
    context.compare(Comparison("control: %d idle connections" % options.idle, IDLE, contenders(measure_idle)), everyone)
    context.note("An upload is received and made durable; striping is not in its CPU. Memory is anonymous memory that is resident, from no connection to all.")


def start(context, options, build):
    # one user may have a quarter of all
    most = 4 * max(options.idle, *map(int, options.connections.split(","))) + 100
    cluster = servers.start(context, 1, {"max-connections": str(most), "max-connections-per-address": str(most)}, control_build=build)
    for i in range(MEDIA):
        servers.add(cluster, "bench/%03d.bin" % i, material.random_file(context.material, MEDIUM), "1+0")
    return cluster


def control_of(cluster):
    return accounting.Processes(lambda: [cluster.control.process.pid])


def wrk(context, options, cluster, script, connections, **environment):
    """What the script's done() says, and the CPU that control used meanwhile."""
    control = control_of(cluster)
    before = control.cpu()
    usage = accounting.run(["wrk", "-t", "1", "-c", connections, "-d", "%ds" % options.seconds, "--timeout", "30s", "-s",
                            pathlib.Path(__file__).with_name(script), cluster.url], dict(context.env, TOKEN=cluster.token, **environment))
    return json.loads(usage.output.splitlines()[-1]), control.cpu() - before


def measure_list(context, options, cluster, connections):
    result, cpu = wrk(context, options, cluster, "get.lua", connections, TARGET="/api/v1/media?limit=%d" % MEDIA)
    if result["errors"] or not result["requests"]:
        raise RuntimeError("wrk: %s" % result)
    return {"rate": result["requests"] / result["seconds"], "cpu": cpu / result["requests"] * 1e3, "p99": result["p99"]}


def measure_sessions(context, options, cluster, connections):
    figures = sessions.measure(context, cluster, connections, options.seconds, "bench/000.bin")
    return {"rate": 2 * figures["rate"], "cpu": figures["cpu"] / 2, "p99": figures["p99"]}


def measure_upload(context, options, cluster):
    """All but the last byte: what is not whole is not striped."""
    control = control_of(cluster)
    path = material.random_file(context.material, options.upload)
    location = create_upload(cluster, options.upload)
    before, begin = control.cpu(), time.monotonic()
    with open(path, "rb") as file, socket.create_connection((cluster.control.address, cluster.control.port), DEADLINE) as peer:
        peer.sendall(head(cluster, "PATCH", location, "Content-Length: %d" % (options.upload - 1), "Upload-Offset: 0", *TUS))
        peer.sendfile(file, 0, options.upload - 1)
        expect(peer, 204)
    seconds, used = time.monotonic() - begin, control.cpu() - before
    with socket.create_connection((cluster.control.address, cluster.control.port), DEADLINE) as peer:
        peer.sendall(head(cluster, "DELETE", location, *TUS[:1]))
        expect(peer, 204)
    return {"cpu": used / options.upload * 1e9, "rate": options.upload / seconds / 1e6}


def create_upload(cluster, size):
    name, redundancy = (base64.b64encode(text).decode() for text in (b"bench/upload.bin", b"1+0"))
    status, headers, text = cluster.request("POST", "/api/v1/uploads", headers={
        "Tus-Resumable": "1.0.0", "Upload-Length": str(size), "Upload-Metadata": "name %s,redundancy %s" % (name, redundancy), "Content-Length": "0"})
    if status != 201:
        raise RuntimeError("an upload: %d: %s" % (status, text))
    return headers["Location"]


def head(cluster, method, target, *fields):
    return "\r\n".join(["%s %s HTTP/1.1" % (method, target), "Host: bench", "Authorization: Bearer " + cluster.token, *fields, "", ""]).encode()


def expect(peer, status):
    """Reads a small answer whole."""
    text = b""
    while b"\r\n\r\n" not in text:
        piece = peer.recv(65536)
        if not piece:
            raise RuntimeError("no answer")
        text += piece
    if int(text.split()[1]) != status:
        raise RuntimeError("an answer of %d was expected: %r" % (status, text[:2000]))
    fields, body = text.split(b"\r\n\r\n", 1)
    for field in fields.lower().split(b"\r\n"):
        if field.startswith(b"content-length:"):
            length = int(field.split(b":")[1])
            while len(body) < length:
                piece = peer.recv(65536)
                if not piece:
                    raise RuntimeError("an answer that ends early")
                body += piece


def anonymous_memory(pid):
    """That is resident, in bytes."""
    for line in pathlib.Path("/proc/%d/status" % pid).read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    return 0


def measure_idle(context, options, cluster):
    """Each has had one answer. Control is started anew: memory that earlier connections gave back would serve these."""
    cluster.restart_control(kill=False)
    pid = cluster.control.process.pid
    with contextlib.ExitStack() as stack:
        before = 0
        for i in range(WARM + options.idle):
            if i == WARM:
                before = anonymous_memory(pid)
            peer = stack.enter_context(socket.socket())
            peer.bind(("127.0.1.%d" % (1 + i % ADDRESSES), 0))
            peer.settimeout(DEADLINE)
            peer.connect((cluster.control.address, cluster.control.port))
            peer.sendall(head(cluster, "GET", "/api/v1/media?limit=1"))
            expect(peer, 200)
        return {"memory": (anonymous_memory(pid) - before) / options.idle / 1024}
