# SPDX-License-Identifier: LGPL-2.1-or-later
"""What control needs for a catalog of a million media: its start, the CPU of what people ask for, the longest piece of work of the database thread, memory.

The catalog is made for the occasion (tools/benchmarks/generate.py), takes about 1.3 GB of disk, and goes with the run. No storage server runs.
"""

import http.client
import json
import random
import time
import urllib.parse

from . import accounting, generate, servers
from .rounds import Comparison, Contender, Metric

HELP = "a catalog of 1,000,000 media: start, lists, pages, layouts, sessions; CPU and memory"
METRICS = [
    Metric("p99", "CPU of control, a request, p99", "ms", 2, "lower"),
    Metric("median", "CPU of control, a request, median", "ms", 2, "lower"),
    Metric("wait", "answer, p99", "ms", 1, "lower"),
]
START = [
    Metric("seconds", "start until it listens", "s", 2, "lower"),
    Metric("cpu", "CPU of that", "s", 2, "lower"),
]
BUSY = "database_seconds_bucket{piece=\"%s\",le=\"%s\"}"


def add_options(parser):
    parser.add_argument("--media", type=int, default=1000000, metavar="N", help="default 1000000")
    parser.add_argument("--extents", type=int, default=10, metavar="N", help="of each medium; default 10")
    parser.add_argument("--requests", type=int, default=300, metavar="N", help="of each kind, a round; default 300")


def run(context, options):
    cluster = servers.start(context, 0, {"repair": "off"})
    control = accounting.Processes(lambda: [cluster.control.process.pid])
    cluster.control.stop()
    context.said("making a catalog of %d media" % options.media)
    begin = time.monotonic()
    path = cluster.control.data / "catalog.db"
    generate.fill(path, options.media, options.extents)
    context.note("%d media of %d extents: %.2f GB, made in %.0f s." % (options.media, options.extents, path.stat().st_size / 1e9,
                                                                     time.monotonic() - begin))
    cluster.control.start()
    context.compare(Comparison("catalog: start of control", START, [Contender("pmss-control", lambda: measure_start(cluster, control))]), control)
    before = servers.metrics(cluster)
    requests = Requests(cluster, options)
    context.compare(Comparison("catalog: %d media" % options.media, METRICS, [
        Contender(kind, lambda ask=ask: measure(control, requests, ask, options.requests)) for kind, ask in requests.kinds.items()]), control)
    tell_pieces(context, before, servers.metrics(cluster))
    context.note("Memory of control, the most that was resident: %.0f MiB." % (control.memory() / (1 << 20)))


def measure_start(cluster, control):
    cluster.control.stop()
    begin = time.monotonic()
    cluster.control.start()
    return {"seconds": time.monotonic() - begin, "cpu": control.cpu()}


def tell_pieces(context, before, after):
    for piece, words in (("function", "function"), ("commit", "COMMIT, waiting for the disk included")):
        def count(bound):
            return after[BUSY % (piece, bound)] - before[BUSY % (piece, bound)]
        everything = count("+Inf")
        context.note("Of %d pieces of the database thread (%s) %d took more than 10 ms, %d more than 50 ms." % (
            everything, words, everything - count("0.01"), everything - count("0.05")))


def measure(control, requests, ask, n):
    """A request at a time: the CPU that control uses meanwhile is that request's."""
    cpu, waits = [], []
    requests.begin()
    for _ in range(n):
        used, begin = control.cpu(), time.monotonic()
        ask()
        waits.append((time.monotonic() - begin) * 1e3)
        cpu.append((control.cpu() - used) * 1e3)
    return {"p99": percentile(cpu, 0.99), "median": percentile(cpu, 0.5), "wait": percentile(waits, 0.99)}


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Requests:
    """What is asked for, each time of another place in the catalog, over one connection."""

    def __init__(self, cluster, options):
        self.token = cluster.token
        self.media = options.media
        self.random = random.Random(1)
        self.connection = http.client.HTTPConnection(cluster.control.address, cluster.control.port, timeout=30)
        self.kinds = {
            "first page of 100": lambda: self.api("GET", "/media?limit=100"),
            "page of 100 anywhere": lambda: self.api("GET", "/media?limit=100&after=" + self.some_name()),
            "search by prefix": lambda: self.api("GET", "/media?limit=100&prefix=" + self.some_name()[:-8]),
            **self.list_kinds(),
            "one medium": lambda: self.api("GET", "/media/" + self.some_name()),
            "session": self.use_session,
            "layout": self.get_layout,
        }
        self.session = None

    def begin(self):
        """A session's lease ends while other kinds are asked for."""
        self.session = self.open_session()

    def list_kinds(self):
        """Pages in other orders, and searches: what many media have, few, and none."""
        kinds = {"first page by " + sort: lambda sort=sort: self.get_list(sort=sort) for sort in ("title", "-created", "size")}
        kinds["page by title, anywhere"] = lambda: self.get_list(sort="title", after=self.some_place())
        kinds["folder"] = lambda: self.get_list(folder=self.some_folder())
        kinds["folder, newest first"] = lambda: self.get_list(folder=self.some_folder(), sort="-created")
        for what, words in {"1 character, all have it": "f", "1 character, 10 have it": "q", "1 character, none": "!", "2 characters, all": "fi",
                            "2 characters, 3 in 100": "42", "2 characters, 10": "\uc601\ud654", "2 characters, none": "zz", "4 characters, all": "film",
                            "3 characters, 1 in 200": "777", "7 characters, 1": None, "4 characters, none": "zzzz",
                            # the index may have another idea of its case: control walks
                            "1 character outside of ASCII, none": "\u00fc"}.items():
            for sort in ("name", "-created"):
                kinds["search: %s, by %s" % (what, sort)] = lambda words=words, sort=sort: self.get_list(
                    q=words or "%07d" % self.random.randrange(self.media), sort=sort)
        return kinds

    def get_list(self, **query):
        """A page, the first unless after says otherwise."""
        self.api("GET", "/media?" + urllib.parse.urlencode(dict(query, limit=100)))

    def some_place(self):
        number = self.random.randrange(self.media)
        return "%d.%s" % (number + 1, generate.title(number).lower())

    def some_folder(self):
        return generate.name(self.random.randrange(self.media)).rpartition("/")[0]

    def some_name(self):
        return urllib.parse.quote(generate.name(self.random.randrange(self.media)))

    def api(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + self.token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, "/api/v1" + path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError("%s %s: %d %s" % (method, path, answer.status, text[:500]))
        return text

    def open_session(self):
        return json.loads(self.api("POST", "/sessions", {"medium": urllib.parse.unquote(self.some_name())}))["id"]

    def use_session(self):
        self.api("DELETE", "/sessions/" + self.open_session())

    def get_layout(self):
        """Of a session that is open."""
        self.api("GET", "/sessions/%s/layout?first=0&count=1024" % self.session)
