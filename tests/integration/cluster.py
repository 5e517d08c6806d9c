# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cluster of real servers for integration tests: one pmss-control, some pmss-storage, on loopback, on ports of their own, in a temporary folder.

    class MyTest (cluster.TestCase):
        nodes = 6                                     # these are the defaults
        control_options = {}                          # settings of pmss-control, "unit": "4KiB"
        storage_options = {}
        environment = {}                              # of pmss-control, besides our own
        timeout = 240                                 # s, for the whole class
        haste = 3                                     # of silences and heartbeats, see docs/testing.md
        ca = None                                     # see Cluster
        quick_passwords = True                        # hashed with little work
        make_cluster = Cluster                                # or a class that is one

        def test_something (self):
            job = self.cluster.put ("films/a.webm", b"...", redundancy="4+2")
            self.cluster.wait_job (job)

Each class has a cluster of its own, shared by its tests. When a test fails the folder stays, and the ends of all logs are printed.
The programs come from PMSS_BUILD_DIR (`meson devenv`).
"""

import base64
import fcntl
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

BUILD = pathlib.Path(os.environ.get("PMSS_BUILD_DIR", "."))
SHARD = re.compile(r"^([0-9a-f]{32})-([0-9a-f]{8})\.(\d{1,2})$")
# what no server says, whatever is done to it
ALARMING = re.compile(r"-CRITICAL|-ERROR|ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:")
POLL = 0.02
# a sanitizer's build is slow
PATIENCE = 6 if os.environ.get("TSAN_OPTIONS") or os.environ.get("ASAN_OPTIONS") else 1
DEADLINE = 60 * PATIENCE
PORTS_TRIED = 10


def preloading(library, environment=None):
    """@environment for a process that loads @library in front of all others."""
    environment = dict(environment or {})
    for name, join, mine in (("LD_PRELOAD", " ", library), ("ASAN_OPTIONS", ":", "verify_asan_link_order=0")):
        others = environment.get(name, os.environ.get(name))
        if others or name == "LD_PRELOAD":
            environment[name] = join.join(filter(None, [mine, others]))
    return environment


class PortTaken(RuntimeError):
    """A server ended because another one has its port."""


class Failed(Exception):
    """A request was answered with another status than was wanted."""

    def __init__(self, status, body):
        super().__init__("%d: %s" % (status, body))
        self.status = status
        self.body = body


def wait_for(condition, what, deadline=DEADLINE):
    """Returns what condition() returns as soon as that is true."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError("waited %g s for %s" % (deadline, what))
        time.sleep(POLL)


def encode_name(name):
    return urllib.parse.quote(name, safe="/")


def encode_metadata(**pairs):
    return ",".join("%s %s" % (key, base64.b64encode(value.encode()).decode())
                    for key, value in pairs.items())


# of clusters that are not on loopback
METRICS_TOKEN = "the-metrics-of-a-test-cluster"


# below those of `pmss local`, and those that the system gives to connections and to who asks for any
PORTS = range(2048, 10240)
# an open file for each port that this process has
port_locks = []


def choose_port():
    """One that no other test gets while this process lives, also while its server is down."""
    folder = pathlib.Path(tempfile.gettempdir()) / ("pmss-test-ports-%d" % os.getuid())
    folder.mkdir(mode=0o700, exist_ok=True)
    while True:
        port = random.SystemRandom().choice(PORTS)
        lock = os.open(folder / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            port_locks.append(lock)
            return port
        except BlockingIOError:
            os.close(lock)


class Server:
    """One process. It keeps its port through restarts. @prefix: words to start it with, as of nsenter(1)."""

    def __init__(self, label, program, folder, options, environment=None, address="127.0.0.1", prefix=()):
        self.address = address
        self.prefix = list(prefix)
        self.environment = dict(os.environ, **(environment or {}))
        self.label = label
        self.program = program
        self.folder = pathlib.Path(folder)
        self.data = self.folder / label
        self.log = self.folder / (label + ".log")
        self.options = dict(options)
        self.process = None
        self.port = 0

    def start(self, wait=True, **more):
        if self.port:
            self.spawn(wait, more)
            return
        for _ in range(PORTS_TRIED):
            self.port = choose_port()
            try:
                self.spawn(True, more)
                return
            except PortTaken:
                pass
        raise RuntimeError("%s found no free port" % self.label)

    def spawn(self, wait, more):
        options = dict(self.options, listen="%s:%d" % (self.address, self.port),
                       data=str(self.data), **more)
        arguments = ["--%s=%s" % (key.replace("_", "-"), value)
                     for key, value in options.items()]
        at = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, str(self.program), *arguments], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self.environment)
        if wait:
            self.wait_listening(at)

    def wait_listening(self, at=0):
        def look():
            if self.process.poll() is not None:
                kind = PortTaken if "another server has this port" in self.tail() else RuntimeError
                raise kind("%s ended with %d: %s" % (
                    self.label, self.process.returncode, self.tail()))
            with open(self.log, "rb") as log:
                log.seek(at)
                return re.search(rb"listening on \S*:(\d+)", log.read())
        self.port = int(wait_for(look, self.label + " to listen").group(1))

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """As a crash would."""
        if self.running():
            self.process.kill()
        self.process.wait()

    def stop(self):
        """In order; returns the exit code."""
        if self.running():
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def pause(self):
        """Silent, but not gone: connections stay open."""
        self.process.send_signal(signal.SIGSTOP)

    def unpause(self):
        self.process.send_signal(signal.SIGCONT)

    def tail(self, lines=40):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Node(Server):
    id = 0

    def shards(self):
        """The names of the shards that lie on its disk, whole or damaged."""
        return {name for _, _, names in os.walk(self.data) for name in names
                if SHARD.match(name)}

    def shard_path(self, shard):
        for folder, _, names in os.walk(self.data):
            if shard in names:
                return pathlib.Path(folder) / shard
        return None


class Cluster:
    def __init__(self, nodes=6, control_options=None, storage_options=None,
                 folder=None, environment=None, address="127.0.0.1", ca=None, prefix=(), haste=1, control_build=BUILD,
                 quick_passwords=True):
        """@control_build: where its control server comes from. @ca: a file with the authority that control's certificate is from, where it is started with one. @address, @prefix: control's; see Server."""
        if quick_passwords and "PMSS_QUICK_PASSWORDS" in os.environ:
            # GStreamer's scanner of plugins would inherit that, and a sanitizer with it
            environment = preloading(os.environ["PMSS_QUICK_PASSWORDS"], dict(environment or {}, GST_REGISTRY_FORK="no"))
        self.tls = ssl.create_default_context(cafile=str(ca)) if ca else None
        # ThreadSanitizer is too slow for heartbeats in so quick a row
        self.haste = {} if os.environ.get("TSAN_OPTIONS") else {"PMSS_TEST_HASTE": str(haste)}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pmss-test-", dir=folder))
        self.control = Server("control", pathlib.Path(control_build) / "control" / "pmss-control", self.folder,
                              dict({"min-free": "0", "log-level": "info", "orphan-grace": "0",
                                    # tests look at layouts by opening sessions
                                    "max-sessions-admin": "0"}, **(control_options or {})),
                              dict(self.haste, **(environment or {})), address, prefix)
        self.storage_options = dict({"min-free": "0"}, **(storage_options or {}))
        self.nodes = []
        self.token = None
        try:
            self.control.start()
            self.password = (self.control.data / "admin-password").read_text().strip()
            self.token = self.login("admin", self.password)
            self.choose_password()
            for _ in range(nodes):
                self.add_node(wait=False)
            self.wait_nodes()
        except BaseException:
            self.close(keep=True)
            raise

    def choose_password(self):
        """The one-time password is good for nothing else."""
        one_time, self.password = self.password, "chosen-by-the-tests"
        self.api("PUT", "/users/admin/password", {"password": self.password, "old_password": one_time}, 204)

    # servers

    @property
    def url(self):
        return "http%s://%s:%d" % ("s" if self.tls else "", self.control.address, self.control.port)

    def add_node(self, wait=True, data=None, address="127.0.0.1", prefix=(), **options):
        """@data: its folder, where it is not to be the usual one. @address, @prefix: see Server."""
        label = "node%d" % (len(self.nodes) + 1)
        join = self.api("POST", "/nodes/join-tokens", {}, 201)["join_token"]
        node = Node(label, BUILD / "server" / "pmss-storage", self.folder,
                    dict(self.storage_options, control=self.url, **options), environment=self.haste, address=address, prefix=prefix)
        if data:
            node.data = pathlib.Path(data)
        self.nodes.append(node)
        node.start(**{"join-token": join})
        node.id = wait_for(lambda: self.node_at(node.address, node.port), label + " to join")
        if wait:
            self.wait_nodes()
        return node

    def node_at(self, address, port):
        for node in self.api("GET", "/nodes")["nodes"]:
            if (node["address"], node["port"]) == (address, port):
                return node["id"]
        return 0

    def node(self, id):
        return next(n for n in self.nodes if n.id == id)

    def shard(self, name, extent, index):
        """Its node and its name."""
        layout = self.session(name)["layout"]
        node = self.node(layout["nodes"][layout["extents"][extent][index]]["id"])
        return node, "%s-%08x.%d" % (layout["version"], extent, index)

    def shard_path(self, name, extent, index):
        node, shard = self.shard(name, extent, index)
        return node.shard_path(shard)

    def wait_nodes(self):
        """Until control knows of each running node that it is up, and of each other one that it is not."""
        def look():
            states = {n["id"]: n["state"] for n in self.api("GET", "/nodes")["nodes"]}
            return all((states.get(n.id) == "up") == n.running() for n in self.nodes)
        wait_for(look, "the nodes' states")

    def restart_control(self, kill=True):
        self.control.kill() if kill else self.control.stop()
        self.control.start()

    def shut_down(self):
        """Stops all in order; returns what the servers' ends and logs have to complain of."""
        complaints = []
        for server in [*self.nodes, self.control]:
            if server.process is None or not server.running():
                continue
            status = server.stop()
            if status != 0:
                complaints.append("%s ended with %d" % (server.label, status))
        for server in [*self.nodes, self.control]:
            complaints += ["%s: %s" % (server.label, line) for line in
                           server.log.read_text(errors="replace").splitlines() if ALARMING.search(line)]
        return complaints

    def close(self, keep=False):
        ends = {}
        for server in [*self.nodes, self.control]:
            if server.process is not None:
                ends[server] = server.process.poll()
                server.kill()
        if keep:
            for server in [self.control, *self.nodes]:
                print("--- %s (%s)\n%s" % (server.log, ends.get(server), server.tail()), file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # requests

    def request(self, method, path, body=None, headers=None, token=True, timeout=30):
        """One request to control; @path from the root. Returns status, headers, body."""
        headers = dict(headers or {})
        if token:
            headers.setdefault("Authorization", "Bearer " + str(self.token))
        connection = (http.client.HTTPSConnection(self.control.address, self.control.port, timeout=timeout, context=self.tls)
                      if self.tls else http.client.HTTPConnection(self.control.address, self.control.port, timeout=timeout))
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def api(self, method, path, body=None, status=200):
        """A request with JSON both ways, below /api/v1."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        text = json.dumps(body) if body is not None else None
        got, _, answer = self.request(method, "/api/v1" + path, text, headers)
        if got != status:
            raise Failed(got, answer)
        return json.loads(answer) if answer else None

    def login(self, user, password):
        text = json.dumps({"user": user, "password": password})
        status, _, answer = self.request("POST", "/api/v1/login", text,
                                         {"Content-Type": "application/json"}, token=False)
        if status != 200:
            raise Failed(status, answer)
        return json.loads(answer)["token"]

    # media and jobs

    def put(self, name, content, **query):
        """Uploads bytes, or an open file, with one PUT; returns the id of the job."""
        path = "/api/v1/media/%s" % encode_name(name)
        if query:
            path += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        headers = {}
        if hasattr(content, "fileno"):
            headers["Content-Length"] = str(os.fstat(content.fileno()).st_size)
        status, _, answer = self.request("PUT", path, content, headers)
        if status != 202:
            raise Failed(status, answer)
        return json.loads(answer)["job"]

    def add(self, name, content, **query):
        """Uploads and waits until it is ready; returns the medium."""
        self.wait_job(self.put(name, content, **query))
        return self.medium(name)

    def medium(self, name):
        return self.api("GET", "/media/" + encode_name(name))

    def delete(self, name):
        self.api("DELETE", "/media/" + encode_name(name), status=204)

    def job(self, job):
        return self.api("GET", "/jobs/%d" % job)

    def wait_job(self, job, states=("done",), deadline=DEADLINE):
        """Until the job is in one of @states; raises when it ends in another one."""
        def look():
            seen = self.job(job)
            if seen["state"] in states:
                return seen
            if seen["state"] in ("done", "failed", "cancelled"):
                raise AssertionError("job %d: %s: %s" % (job, seen["state"], seen["error"]))
            return None
        return wait_for(look, "job %d to be %s" % (job, " or ".join(states)), deadline)

    def wait_jobs(self, deadline=DEADLINE):
        """Until nothing is queued or running."""
        wait_for(lambda: not any(self.api("GET", "/jobs?state=" + s)["jobs"]
                                 for s in ("queued", "running")), "the jobs", deadline)

    def session(self, name):
        return self.api("POST", "/sessions", {"medium": name}, 201)

    # what lies on the disks

    def read_back(self, name):
        """The medium's bytes, put together from the data shards on the nodes' disks, without any code of ours."""
        layout = self.session(name)["layout"]
        k, unit, extent = layout["k"], layout["unit"], layout["extent"]
        out = bytearray()
        for number, places in enumerate(layout["extents"]):
            payload = min(extent, layout["size"] - number * extent)
            shards = []
            for index in range(k):
                node = self.node(layout["nodes"][places[index]]["id"])
                shard = "%s-%08x.%d" % (layout["version"], number, index)
                shards.append(node.shard_path(shard).read_bytes())
            for u in range((payload + unit - 1) // unit):
                at = 128 + (u // k) * (128 + unit) + 128
                out += shards[u % k][at:at + min(unit, payload - u * unit)]
        return bytes(out)

    def wait_for_nodes_clean(self):
        """Until no deletion is pending."""
        def look():
            _, _, text = self.request("GET", "/metrics", headers={"Authorization": "Bearer " + METRICS_TOKEN})
            return re.search(rb"^pmss_control_pending_deletions 0$", text, re.M)
        wait_for(look, "the pending deletions")

    def database(self):
        """A copy of the catalog, to be read at leisure. Control has to be stopped: nobody else can open its database."""
        assert not self.control.running()
        copy = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        for suffix in ("", "-wal"):
            file = self.control.data / ("catalog.db" + suffix)
            if file.exists():
                shutil.copy(file, copy / file.name)
        return sqlite3.connect(copy / "catalog.db")

    def check_disks(self):
        """Stops control, compares catalog, nodes' disks and upload folders, starts control again. Returns a list of complaints."""
        self.control.stop()
        database = self.database()
        wanted, maybe, complaints = set(), set(), []
        for version, number, state, nodes in database.execute(
                "SELECT version, number, state, nodes FROM extent"):
            for index in range(len(nodes) // 4):
                node = int.from_bytes(nodes[index * 4:index * 4 + 4], "little")
                place = (node, "%s-%08x.%d" % (version.hex(), number, index))
                (wanted if state >= 1 else maybe).add(place)
        maybe |= set(database.execute("SELECT node, shard FROM pending_deletion"))
        maybe |= {(node, "%s-%08x.%d" % (version.hex(), number, shard)) for version, number, shard, node in database.execute(
            "SELECT version, number, shard, node FROM rebuilding")}
        there = {(node.id, shard) for node in self.nodes for shard in node.shards()}
        complaints += ["orphan: %s on node %d" % (s, n) for n, s in sorted(there - wanted - maybe)]
        complaints += ["missing: %s on node %d" % (s, n) for n, s in sorted(wanted - there)]
        uploads = {row[0] for row in database.execute("SELECT id FROM upload")}
        originals = {row[0] for row in database.execute("SELECT file FROM original")}
        for folder, known in (("uploads", uploads), ("originals", originals)):
            files = set(os.listdir(self.control.data / folder))
            complaints += ["%s: unknown file %s" % (folder, f) for f in sorted(files - known)]
            complaints += ["%s: no file %s" % (folder, f) for f in sorted(known - files)]
        for id, shards in database.execute("SELECT id, shards FROM node"):
            rows = sum(1 for n, _ in wanted | maybe if n == id)
            if rows != shards:
                complaints.append("node %d: counts %d shards, has %d" % (id, shards, rows))
        database.close()
        self.control.start()
        return complaints


class TestCase(unittest.TestCase):
    nodes = 6
    control_options = {}
    storage_options = {}
    environment = {}
    timeout = 240
    haste = 3
    quick_passwords = True
    ca = None
    address = "127.0.0.1"
    make_cluster = Cluster
    cluster = None
    failed = False

    @classmethod
    def setUpClass(cls):
        def on_alarm(number, frame):
            raise TimeoutError("the test class takes more than %d s" % cls.timeout)
        signal.signal(signal.SIGALRM, on_alarm)
        signal.alarm(cls.timeout * PATIENCE)
        # what a test breaks stays broken, unless it is about repair
        cls.cluster = cls.make_cluster(cls.nodes, dict({"repair": "off"}, **cls.control_options), cls.storage_options,
                                       environment=cls.environment, ca=cls.ca, address=cls.address, haste=cls.haste,
                                       quick_passwords=cls.quick_passwords)

    @classmethod
    def tearDownClass(cls):
        complaints = cls.cluster.shut_down()
        signal.alarm(0)
        cls.cluster.close(keep=cls.failed or bool(complaints))
        if complaints:
            raise AssertionError("\n".join(complaints))

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            type(self).failed = True
        return result

    def assert_status(self, status, function, *arguments, **more):
        with self.assertRaises(Failed) as caught:
            function(*arguments, **more)
        self.assertEqual(caught.exception.status, status, caught.exception.body)
        return caught.exception.body

    def assert_disks_clean(self):
        self.assertEqual(self.cluster.check_disks(), [])
