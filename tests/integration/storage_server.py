# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real storage servers for tests: start, talk to, stop; tokens and shards."""

import http.client
import json
import os
import pathlib
import random
import re
import resource
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

STORAGE = os.environ["PMSS_STORAGE"]
TOOL = os.environ["PMSS_TEST_TOOL"]
# Sanitizers take memory of their own.
SANITIZED = any(name in pathlib.Path(STORAGE).read_bytes()
                for name in (b"__asan_init", b"__tsan_init"))
# Seconds after which anything has failed, and a test
WAIT, WATCHDOG = (120, 480) if SANITIZED else (30, 120)
RNG = random.Random(7)
CLUSTER = "00112233445566778899aabbccddeeff"


def descriptors():
    """As many as this process may have at all: crowds need them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most if most != resource.RLIM_INFINITY else 1 << 20


def sockets_of(connection):
    """How the kernel sees both ends of @connection: state, and bytes that wait to be sent and to be read."""
    ends = {":%04X" % connection.getsockname()[1], ":%04X" % connection.getpeername()[1]}
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return ["local %s remote %s state %s queues %s" % tuple(row[1:5]) for row in rows
            if {row[1][-5:], row[2][-5:]} == ends]


def tool(*arguments):
    return subprocess.run([TOOL, *map(str, arguments)], check=True, timeout=WAIT,
                          stdout=subprocess.PIPE, text=True).stdout


class Keys:
    def __init__(self):
        self.public, self.secret = tool("keys").split()

    def mint(self, **claims):
        claims.setdefault("cid", CLUSTER)
        return tool("mint", self.secret,
                    *("%s=%s" % item for item in claims.items())).strip()


def version_id(seed=None):
    return "%032x" % random.Random(seed).getrandbits(128)


def make_shards(folder, payload, version, number=0, redundancy="2+1", unit=4096):
    """The shards of one extent: {name: bytes}."""
    folder = pathlib.Path(folder)
    (folder / "payload").write_bytes(payload)
    names = tool("stripe", redundancy, unit, version, number,
                 folder / "payload", folder).split()
    return {name: (folder / name).read_bytes() for name in names}


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


class Server:
    """One pmss-storage. Standing alone, unless options say otherwise."""

    def __init__(self, folder, keys=None, node=1, files=None, wrapper=(), **options):
        self.folder = pathlib.Path(folder)
        self.files = files
        self.wrapper = list(wrapper)
        self.tls = None
        self.may_complain = False       # of a broken disk
        self.options = {"listen": "127.0.0.1:0", "data": self.folder / "data",
                        "min-free": "0"}
        if keys:
            self.folder.mkdir(exist_ok=True)
            (self.folder / "key").write_text(keys.public + "\n")
            self.options.update({"public-key": self.folder / "key",
                                 "cluster": CLUSTER, "node-id": node})
        self.options.update({name.replace("_", "-"): value
                             for name, value in options.items()})
        self.process = None

    @property
    def data(self):
        return pathlib.Path(self.options["data"])

    def spawn(self):
        self.log = tempfile.TemporaryFile()
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (self.files,) * 2)
                 ) if self.files else None
        self.process = subprocess.Popen(
            [*self.wrapper, STORAGE,
             *("--%s=%s" % item for item in self.options.items())],
            stdout=subprocess.PIPE, stderr=self.log, preexec_fn=limit)

    def start(self):
        self.spawn()
        watchdog = threading.Timer(WAIT, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline().decode()
        watchdog.cancel()
        found = re.fullmatch(r"listening on (.*):(\d+)\n", line)
        if not found:
            raise RuntimeError("did not start: %r %s" % (line, self.messages()))
        self.port = int(found[2])
        return self

    def messages(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def stop(self, how=signal.SIGTERM):
        """The exit code. An orderly stop has to be one."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(WAIT)
        self.process.stdout.close()
        if how == signal.SIGTERM and code != 0:
            raise AssertionError("exit code %d: %s" % (code, self.messages()))
        messages = self.messages_at_end = self.messages()
        if ("runtime error:" in messages or "Sanitizer:" in messages
                or "CRITICAL" in messages and not self.may_complain):
            raise AssertionError(messages)
        self.log.close()
        return code

    def connect(self, timeout=WAIT):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout)
        return self.tls.wrap_socket(connection, server_hostname="127.0.0.1") if self.tls else connection

    def client(self):
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=WAIT,
                                               context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)

    def ask(self, method, path, token=None, body=None, client=None, **headers):
        own = client or self.client()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            headers["Authorization"] = "Bearer " + token
        own.request(method, path, body, headers)
        answer = Answer(own.getresponse())
        if not client:
            own.close()
        return answer

    def metrics(self):
        text = self.ask("GET", "/metrics").body.decode()
        return {match[1]: float(match[2]) for match in
                re.finditer(r"^pmss_storage_(\S+) (\S+)$", text, re.M)}

    def memory(self):
        """Resident bytes."""
        pages = pathlib.Path("/proc/%d/statm" % self.process.pid).read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))


def wait_for(condition, what, seconds=WAIT):
    """Until @condition is true; there is no event for what others do."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("not in %d s: %s" % (seconds, what))


def read_all(connection):
    """What comes until the peer closes, however it does."""
    pieces = []
    try:
        while piece := connection.recv(1 << 16):
            pieces.append(piece)
    except (ConnectionError, ssl.SSLError):
        pass
    return b"".join(pieces)


class Case(unittest.TestCase):
    """A folder, keys, and servers that are stopped at the end."""

    @classmethod
    def setUpClass(cls):
        cls.keys = Keys()
        cls.all = cls.keys.mint(ops="rwdl")

    def setUp(self):
        signal.alarm(WATCHDOG)
        self.temporary = tempfile.TemporaryDirectory(prefix="pmss-storage-")
        self.folder = pathlib.Path(self.temporary.name)
        self.servers = []
        self.addCleanup(self.clean_up)

    def clean_up(self):
        for server in self.servers:
            if server.process and server.process.poll() is None:
                server.stop()
        self.temporary.cleanup()
        signal.alarm(0)

    def serve(self, keys=True, name="s", **options):
        server = Server(self.folder / name, self.keys if keys else None, **options)
        self.servers.append(server)
        return server.start()

    def assert_memory(self, server, limit):
        if not SANITIZED:
            self.assertLess(server.memory(), limit)

    def client(self, server):
        client = server.client()
        self.addCleanup(client.close)
        return client

    def shards(self, size=20000, version=None, **options):
        return make_shards(self.folder, RNG.randbytes(size),
                           version or version_id(RNG.random()), **options)

    def put(self, server, name, data, token=None, **headers):
        return server.ask("PUT", "/v1/shards/" + name, token or self.all, data,
                          **headers)
