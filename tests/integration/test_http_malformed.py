#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Thousands of malformed requests, from a seed, at both servers, plain and with TLS: each is answered once, or its connection is
closed, and nothing hangs. More of them by hand: test_http_malformed.py --requests 100000 [--seed 7]"""

import collections
import concurrent.futures
import ctypes
import random
import shutil
import socket
import ssl
import sys
import tempfile
import threading
import unittest

import cluster
import malformed
import storage_server
from authority import Authority

# shorter than the servers' patience: a connection that they cut because nothing more comes has hung
WAIT = 60 if storage_server.SANITIZED else 6
PEERS = 40
MOST_SHOWN = 10
options = {"requests": 3000, "seed": 1}


class Peer:
    """Sends cases to a server."""

    def __init__(self, port, context):
        self.port, self.context = port, context

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), WAIT)
        return self.context.wrap_socket(plain, server_hostname="127.0.0.1") if self.context else plain

    def exchange(self, case):
        """What comes until the server closes, which it has to do by itself where the case is whole; whether it was cut."""
        data = malformed.GOOD + case.data + malformed.LAST
        with self.connect() as connection:
            try:
                connection.sendall(data)
                if not case.whole:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass            # refused before we were through
            heard = b""
            try:
                while piece := connection.recv(1 << 16):
                    heard += piece
            except TimeoutError:
                raise malformed.Wrong("hangs; heard %r" % heard[-300:]) from None
            except (ConnectionError, ssl.SSLError):
                return heard, True
            return heard, False


class Malformed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("openssl"):
            raise unittest.SkipTest("openssl is not installed")
        folder = tempfile.mkdtemp(prefix="pmss-malformed-")
        cls.addClassCleanup(shutil.rmtree, folder)
        authority = Authority(folder, "ours")
        cls.tls = authority.issue("good", "IP:127.0.0.1")
        cls.ca = authority.certificate
        cls.context = ssl.create_default_context(cafile=cls.ca)
        cls.folder = folder
        engine = ctypes.CDLL("libmicrohttpd.so.12")
        engine.MHD_get_version.restype = ctypes.c_char_p
        cls.engine_doubles = engine.MHD_get_version().startswith(b"0.")

    def send(self, port, context, paths, token, number):
        """Sends @number cases; returns how often which status came."""
        peer, counts, wrongs, lock = Peer(port, context), collections.Counter(), [], threading.Lock()

        def run(index):
            generator = malformed.Generator(random.Random("%d/%d" % (options["seed"], index)), paths, token)
            for _ in range(number // PEERS):
                case = generator.case()
                # TLS does not close one half; what is not whole would wait for the end of the servers' patience
                while context and not case.whole:
                    case = generator.case()
                status = self.try_case(peer, case, wrongs)
                with lock:
                    counts[status] += 1
        with concurrent.futures.ThreadPoolExecutor(PEERS) as pool:
            for future in [pool.submit(run, index) for index in range(PEERS)]:
                future.result()
        self.assertEqual(wrongs, [], "%d of %d; seed %d; the first: %s" % (
            len(wrongs), number, options["seed"], "\n\n".join(wrongs[:MOST_SHOWN])))
        # it has said yes and no, in more than one way
        self.assertGreater(min(counts[200], counts[400], counts[404]), 0, counts)
        self.assertGreater(counts[200] + counts[400], number // 4, counts)

    def try_control(self, tls):
        control = cluster.Cluster(nodes=0, control_options=self.tls if tls else {}, ca=self.ca if tls else None)
        self.addCleanup(control.close)
        paths = ["/healthz", "/metrics", "/api/v1/media", "/api/v1/media/a/b", "/api/v1/login", "/api/v1/openapi.json", "/api/v1/nodes/1",
                 "/api/v1/uploads", "/api/v1/uploads/x", "/api/v1/users/anna/password", "/api/v1/sessions", "/nothing", "/"]
        self.send(control.control.port, self.context if tls else None, paths, control.token, self.share(tls))
        self.assertEqual(control.shut_down(), [])

    def try_storage(self, tls):
        keys = storage_server.Keys()
        server = storage_server.Server(tempfile.mkdtemp(dir=self.folder), keys, **({name.replace("-", "_"): path for name, path in self.tls.items()} if tls else {}))
        server.start()
        self.addCleanup(server.stop)
        name = "%032x-00000000.0" % 1
        paths = ["/healthz", "/metrics", "/v1/shards", "/v1/shards/" + name, "/v1/shards/x", "/v1/identity", "/nothing", "/"]
        self.send(server.port, self.context if tls else None, paths, keys.mint(ops="rwdl"), self.share(tls))

    def try_case(self, peer, case, wrongs):
        """The status of the answer; 0: the connection was closed without one."""
        heard = b""
        try:
            heard, reset = peer.exchange(case)
            # a reset takes with it what was not read, the answer to the good request, too
            answer = malformed.check(case, heard, reset, self.engine_doubles) if heard or not reset else None
        except (malformed.Wrong, ValueError, KeyError) as wrong:
            wrongs.append("%s\nasked: %r\nheard: %r" % (wrong, case, heard[-600:]))
            return 0
        return answer.status if answer else 0

    def share(self, tls):
        """Handshakes take most of the time."""
        return options["requests"] * (1 if tls else 4) // 10

    def test_control(self):
        self.try_control(False)

    def test_control_tls(self):
        self.try_control(True)

    def test_storage(self):
        self.try_storage(False)

    def test_storage_tls(self):
        self.try_storage(True)


def main():
    for name in options:
        if "--" + name in sys.argv:
            at = sys.argv.index("--" + name)
            options[name] = int(sys.argv[at + 1])
            del sys.argv[at:at + 2]
    unittest.main()


if __name__ == "__main__":
    main()
