#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-storage against peers that mean it no good."""

import concurrent.futures
import contextlib
import http.client
import itertools
import re
import select
import socket
import threading
import time
import unittest

from storage_server import RNG, SANITIZED, WAIT, Case, Server, descriptors, read_all, sockets_of, wait_for

# Limits in seconds instead of tens of them. Loopback carries more than the
# least rate at once even for who does not want it.
# A whole crowd is let in.
QUICK = {"head_timeout": 2, "min_rate_window": 1, "min_rate": 100000,
         "max_connections_per_address": 8192}
# Each has an end here and one in a server, which counts as fast as it does when
# nothing watches its memory.
CROWD = 500 if SANITIZED else min(5000, descriptors() - 500)
# Seconds: far more than an answer takes, far less than a peer may be slow.
MOST = 1


STATUS_LINE = re.compile(rb"^HTTP/1.1 (\d\d\d) ", re.M)


def head(method, path, token=None, *fields):
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: x", *fields]
    if token:
        lines.append("Authorization: Bearer " + token)
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def is_cut(connection):
    """Whether the server has closed; does not wait."""
    poll = select.poll()
    poll.register(connection, select.POLLIN | select.POLLHUP | select.POLLERR
                  | select.POLLRDHUP)
    return any(event & (select.POLLHUP | select.POLLERR | select.POLLRDHUP)
               for _, event in poll.poll(0))


class Others:
    """One who asks all the time while others attack: how long do answers take?"""

    def __init__(self, server):
        self.server = server
        self.over = threading.Event()
        self.taken = []
        self.error = None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        client = self.server.client()
        try:
            while not self.over.is_set():
                before = time.monotonic()
                self.server.ask("GET", "/healthz", client=client)
                self.taken.append(time.monotonic() - before)
                self.over.wait(0.005)   # its own load is not what is measured
        except (OSError, http.client.HTTPException) as error:
            self.error = error
        client.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def p99(self):
        if self.error:
            raise self.error
        return sorted(self.taken)[len(self.taken) * 99 // 100]


class Attack(Case):
    def connections(self, server, number):
        connections = [server.connect() for _ in range(number)]
        for connection in connections:
            self.addCleanup(connection.close)
        return connections

    def exchange(self, server, data):
        with server.connect() as connection:
            try:
                connection.sendall(data)
            except ConnectionError:
                pass            # refused before we were through
            return read_all(connection)

    def with_shard(self, size=20000, **options):
        server = self.serve(**options)
        name, data = next(iter(self.shards(size, unit=65536, redundancy="1+0").items()))
        self.assertEqual(self.put(server, name, data).status, 201)
        return server, name, data

    def assert_healthy(self, server):
        self.assertEqual(server.ask("GET", "/healthz").status, 200)


class Requests(Attack):
    def test_framing(self):
        server, name, data = self.with_shard()
        path = "/v1/shards/" + name
        smuggled = head("DELETE", path, self.all)
        body = b"0\r\n\r\n" + smuggled
        auth = "Authorization: Bearer " + self.all
        for fields in (["Content-Length: 5", "Transfer-Encoding: chunked"],
                       ["Transfer-Encoding: chunked", "Content-Length: %d" % len(body)],
                       ["Transfer-Encoding: chunked"], ["Transfer-Encoding: identity"],
                       ["Transfer-Encoding:\tchunked, chunked"],
                       ["Content-Length: 0", "Content-Length: %d" % len(body)],
                       ["Content-Length : %d" % len(body)], ["Content-Length: +5"],
                       ["Content-Length: -1"], ["Content-Length: 18446744073709551619"],
                       ["X: y\n Content-Length: 5"],
                       ["Content-Length: 5", "Host: y"], ["X: a\0b", "Content-Length: 5"]):
            for method, target in (("GET", path), ("PUT", path + "9"), ("GET", "/healthz")):
                heard = self.exchange(server, head(method, target, None, auth, *fields)
                                      + body)
                self.assertRegex(heard, rb"^HTTP/1.1 (4\d\d|501) ", (method, fields))
                self.assertNotIn(b" 204 ", heard, (method, fields))
                self.assertNotIn(b" 200 ", heard, (method, fields))
        self.assertEqual(server.ask("GET", path, self.all).body, data)

    def test_bare_line_feed(self):
        """It is refused, or ends a line as CR LF does: no third reading, by which something could hide."""
        server, name, _ = self.with_shard()
        path = "/v1/shards/" + name
        auth = "Authorization: Bearer " + self.all
        behind = head("GET", "/healthz") + head("GET", "/v1/shards/nothing", self.all)
        for method, target, fields in (("GET", path, ["Content-Length: 5\n"]), ("PUT", path + "9", ["Content-Length: 5\n"]),
                                       ("GET", "/healthz", ["X: y\nContent-Length: 5"]), ("GET", "/healthz", ["X: y\nZ: a"]),
                                       ("GET", "/healthz", ["\n"])):
            sent = head(method, target, None, auth, *fields) + behind
            answers = [STATUS_LINE.findall(self.exchange(server, data))
                       for data in (sent, sent.replace(b"\n", b"\r\n").replace(b"\r\r\n", b"\r\n"))]
            if answers[0] != answers[1]:
                self.assertEqual(len(answers[0]), 1, (method, fields))
                self.assertRegex(answers[0][0], rb"^(4\d\d|501)$", (method, fields))

    def test_sizes(self):
        # a peer that waits for more to come than it sends is cut soon
        server, name, data = self.with_shard(**QUICK)
        path = "/v1/shards/" + name
        for _ in range(20):
            server.ask("GET", path, self.all)
        before = server.memory()
        ranges = "Range: bytes=" + ",".join("%d-%d" % (i, i) for i in range(9000))
        for attack in (
                head("GET", path, self.all, ranges),
                head("GET", path, self.all, "Range: bytes=" + ",".join(["0-"] * 1000)),
                head("GET", path, self.all, "X: " + "x" * (1 << 20)),
                head("GET", path, self.all, *("X-%d: y" % i for i in range(10000))),
                head("GET", "/" + "x" * (1 << 20), self.all),
                head("GET", "/healthz?" + "&".join("a%d=b" % i for i in range(100000))),
                head("PUT", path, self.all, "Content-Length: %d" % (10 << 30))
                + b"x" * (10 << 20),
                head("PUT", path, None, "Content-Length: %d" % (10 << 30)) + b"x" * (10 << 20),
                RNG.randbytes(1 << 20), b"\n" * (1 << 20), b"\r\n" * (1 << 19),
                b"GET " + b"/" * (1 << 20), b"\0" * (1 << 20)):
            for _ in range(3):
                heard = self.exchange(server, attack)
                # one that sends on although it was refused may lose the answer
                self.assertRegex(heard, rb"^(HTTP/1.1 4\d\d |$)", attack[:100])
        self.assert_healthy(server)
        self.assert_memory(server, before + (8 << 20))


class Slow(Attack):
    def idle_p99(self, server):
        with Others(server) as others:
            wait_for(lambda: len(others.taken) >= 200, "answers")
        return others.p99()

    def assert_all_cut(self, server, connections, keep_up):
        """Goes on with @keep_up until all are cut; others are served meanwhile, as fast as ever."""
        with Others(server) as others:
            self.cut_all(connections, keep_up)
        # twice what it takes otherwise, and never mind what is quick in any case
        if not SANITIZED:
            self.assertLess(others.p99(), max(MOST, 2 * self.idle_p99(server)))

    def cut_all(self, connections, keep_up):
        """Waits for all to be cut. Each has a turn of @keep_up ten times a second, so that the processors stay with the server and with the others."""
        left = {connection.fileno(): connection for connection in connections}
        poll = select.poll()
        for number in left:
            poll.register(number, select.POLLRDHUP)
        end, turn = time.monotonic() + WAIT, 0
        while left and time.monotonic() < end:
            if time.monotonic() >= turn:
                turn = time.monotonic() + 0.1
                for connection in left.values():
                    # what is cut already, the poll tells
                    with contextlib.suppress(ConnectionError, BlockingIOError):
                        keep_up(connection)
            for number, _ in poll.poll(max(0, (turn - time.monotonic()) * 1000)):
                poll.unregister(number)
                del left[number]
        self.assertEqual(len(left), 0)

    def test_silent(self):
        server = self.serve(**QUICK)
        self.assert_all_cut(server, self.connections(server, CROWD), lambda c: None)

    def test_slow_heads(self):
        server = self.serve(**QUICK)
        connections = []
        for _ in range(CROWD):
            # at once: who waits for all of them to connect is cut as silent, which is not counted
            connection, = self.connections(server, 1)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
            connections.append(connection)
        self.assert_all_cut(server, connections, lambda c: c.send(b"x"))
        self.assertGreaterEqual(server.metrics()["cut_peers_total"], CROWD)

    def test_slow_second_heads(self):
        server = self.serve(**QUICK)
        connections = []
        for _ in range(300):
            # one after the other: who waits for all of them to connect is slow already
            connection, = self.connections(server, 1)
            connection.sendall(head("GET", "/healthz"))
            self.assertIn(b" 200 ", connection.recv(4096))
            connections.append(connection)
        self.assert_all_cut(server, connections, lambda c: c.send(b"G"))

    def test_slow_bodies(self):
        server = self.serve(**QUICK)
        name, data = next(iter(self.shards(200000, unit=65536).items()))
        number = min(CROWD, 500)
        connections = []
        for _ in range(number):
            connection, = self.connections(server, 1)
            connection.sendall(head("PUT", "/v1/shards/" + name, self.all,
                                    "Content-Length: %d" % len(data)) + data[:1000])
            connections.append(connection)
        # the first may be cut before the last begins; who looks makes requests, too
        looks = itertools.count(1)
        wait_for(lambda: server.metrics()["requests_total"] >= number + next(looks), "bodies begin")
        self.assert_all_cut(server, connections, lambda c: c.send(b"x"))
        wait_for(lambda: not list((server.data / "tmp").iterdir()), "nothing stays")
        self.assertEqual(self.put(server, name, data).status, 201)

    def test_slow_readers(self):
        server, name, data = self.with_shard(16 << 20, **QUICK)
        connections = []
        for _ in range(100):
            connection = socket.socket()
            self.addCleanup(connection.close)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(head("GET", "/v1/shards/" + name, self.all))
            connections.append(connection)

        self.assert_all_cut(server, connections, lambda c: c.recv(10, socket.MSG_DONTWAIT))
        self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).body, data)
        wait_for(lambda: server.metrics()["connections"] <= 1, "connections are gone")

    def test_reads_on(self):
        """Slow, but faster than the least rate: is not cut."""
        server, name, data = self.with_shard(1 << 20, head_timeout=1, min_rate_window=1,
                                             min_rate=1000)
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(WAIT)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(head("GET", "/v1/shards/" + name, self.all))
            got, end = b"", time.monotonic() + 4
            pace = threading.Event()
            while time.monotonic() < end:
                got += connection.recv(2000)
                pace.wait(0.1)  # this is what makes it slow
            while not got.endswith(data[-1000:]):
                piece = connection.recv(1 << 16)
                self.assertTrue(piece, "was cut")
                got += piece


class Many(Attack):
    def test_thousands_of_connections(self):
        # we are the slow ones here, all by ourselves
        server, name, data = self.with_shard(40000, head_timeout=600, min_rate_window=600,
                                             max_connections_per_address=8192)
        answer_size = len(data)
        before = server.memory()
        connections = self.connections(server, CROWD)
        for connection in connections:
            connection.sendall(head("GET", "/v1/shards/" + name, self.all))
        for number, connection in enumerate(connections):
            got = b""
            while not got.endswith(data[-100:]):
                try:
                    piece = connection.recv(1 << 20)
                except TimeoutError:
                    self.fail("connection %d waits after %d bytes: %s" % (number, len(got), sockets_of(connection)))
                self.assertTrue(piece)
                got += piece
            self.assertGreater(len(got), answer_size)
        self.assertEqual(server.metrics()["connections"], CROWD + 1)
        self.assert_memory(server, before + (CROWD * 64 << 10))

    def test_in_parallel(self):
        server, name, data = self.with_shard(500000, max_connections_per_address=8192)

        def fetch(_):
            client = server.client()
            for _ in range(5):
                answer = server.ask("GET", "/v1/shards/" + name, self.all, client=client)
                self.assertEqual(answer.body, data)
            client.close()

        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            list(pool.map(fetch, range(64)))

    def test_limits(self):
        server = self.serve(max_connections_per_address=10)
        connections = self.connections(server, 30)
        wait_for(lambda: sum(map(is_cut, connections)) == 20, "all but ten to be cut")
        for connection in connections:
            if not is_cut(connection):
                connection.sendall(head("GET", "/healthz"))
                self.assertIn(b" 200 ", connection.recv(4096))
        for connection in connections:
            connection.close()
        wait_for(lambda: self.serves(server), "served again")

    def serves(self, server):
        try:
            return server.ask("GET", "/healthz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def test_few_descriptors(self):
        """A crowd gets as many as there are places for, and work always has some."""
        server, name, data = self.with_shard(files=128)
        self.assertIn("max-connections is lowered", server.messages())
        for _ in range(3):
            connections = self.connections(server, 200)
            wait_for(lambda: sum(map(is_cut, connections)) >= 170, "most to make room")
            self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).body, data)
            self.assertLess(server.descriptors(), 120)
            for connection in connections:
                connection.close()
        wait_for(lambda: server.descriptors() < 100, "descriptors are free again")
        self.assertNotIn("Too many open files", server.messages())

    def test_too_few_descriptors(self):
        server = Server(self.folder / "few", self.keys, files=64)
        server.spawn()
        self.assertEqual(server.process.wait(WAIT), 69)
        self.assertRegex(server.messages(), "may open 64 files.*LimitNOFILE")
        server.process.stdout.close()
        server.log.close()


if __name__ == "__main__":
    unittest.main()
