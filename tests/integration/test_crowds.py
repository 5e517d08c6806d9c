#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Crowds that show no login: whoever has one, storage servers and viewers, are served all the same. Without TLS and with it."""

import contextlib
import http.client
import pathlib
import random
import re
import select
import shutil
import socket
import ssl
import tempfile
import threading
import unittest

import cluster
from cluster import wait_for
from test_tls import Authority

PLACES = 1000                   # of control: its default
EACH = 520
STORAGE_FILES = 1024
STRANGERS = 1100


class Persistent(cluster.Cluster):
    """Whose requests come again where they were displaced: on a slow machine a thousand newcomers are there before one is known."""

    def request(self, *arguments, **more):
        def ask():
            with contextlib.suppress(ConnectionError):
                return super(Persistent, self).request(*arguments, **more)
            return None
        return wait_for(ask, "an answer")


class Crowd:
    """@each connections from each of @sources to @port that say nothing (some shake hands by @tls first); opens anew what is cut."""

    def __init__(self, port, each, sources=("127.0.0.2", "127.0.0.3"), tls=None, shake=0):
        self.port, self.tls, self.shake = port, tls, shake
        self.sources = [source for source in sources for _ in range(each)]
        self.open = {}
        self.poll = select.poll()
        self.over = threading.Event()
        self.full = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def dial(self, source):
        connection = socket.create_connection(("127.0.0.1", self.port), 20, (source, 0))
        if self.tls and self.shake > 0:
            self.shake -= 1
            with contextlib.suppress(OSError):
                connection = self.tls.wrap_socket(connection, server_hostname="127.0.0.1")
        self.open[connection.fileno()] = connection, source
        self.poll.register(connection, select.POLLRDHUP | select.POLLHUP | select.POLLERR)

    def run(self):
        missing = list(self.sources)
        while not self.over.is_set():
            for source in missing:
                with contextlib.suppress(OSError):
                    self.dial(source)
                if self.over.is_set():
                    return
            missing = []
            self.full.set()
            for number, _ in self.poll.poll(20):
                connection, source = self.open.pop(number)
                self.poll.unregister(number)
                connection.close()
                missing.append(source)

    def __enter__(self):
        self.thread.start()
        if not self.full.wait(60):
            raise TimeoutError("the crowd does not get together")
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(60)
        for connection, _ in self.open.values():
            connection.close()


def metric(text, name):
    return float(re.search(r"^%s (\S+)$" % name, text, re.M)[1])


class Plain(cluster.TestCase):
    make_cluster = Persistent
    nodes = 2
    control_options = {"unit": "16KiB", "extent": "256KiB"}
    # a crowd that is let in one after the other costs a thread each
    timeout = 120 * cluster.PATIENCE

    @property
    def tls(self):
        return self.cluster.tls

    def dial(self, port):
        """A connection that is not opened again, should it be closed."""
        connection = (http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=self.tls)
                      if self.tls else http.client.HTTPConnection("127.0.0.1", port, timeout=30))
        connection.connect()
        connection.auto_open = 0
        self.addCleanup(connection.close)
        return connection

    def ask(self, connection, path, token):
        connection.request("GET", path, headers={"Authorization": "Bearer " + token})
        answer = connection.getresponse()
        body = answer.read()
        self.assertEqual(answer.status, 200, body)
        return body

    def ask_control(self, connection):
        self.ask(connection, "/api/v1/nodes", self.cluster.token)

    def last_seen(self, node):
        return next(n["last_seen"] for n in self.cluster.api("GET", "/nodes")["nodes"] if n["id"] == node.id)

    def wait_heartbeat(self, node):
        seen = self.last_seen(node)
        wait_for(lambda: self.last_seen(node) > seen, "a heartbeat of " + node.label)

    def displaced(self):
        return metric(self.cluster.request("GET", "/metrics")[2].decode(), "pmss_control_http_displaced_total")

    def test_control(self):
        """Two addresses want more than all places; a login that was there keeps its own, a new one gets one, a heartbeat, a restarted storage server."""
        connection = self.dial(self.cluster.control.port)
        self.ask_control(connection)
        with Crowd(self.cluster.control.port, EACH, tls=self.tls, shake=50):
            wait_for(lambda: self.displaced() > 2 * EACH - PLACES, "too many connections")
            self.ask_control(connection)
            self.cluster.token = self.cluster.login("admin", self.cluster.password)
            for node in self.cluster.nodes:
                self.wait_heartbeat(node)
            self.ask_control(connection)
            node = self.cluster.nodes[0]
            node.stop()
            self.cluster.wait_nodes()
            node.start()
            self.cluster.wait_nodes()

    def test_storage(self):
        """As many strangers as a storage server may have descriptors; viewers are served, and it lives."""
        node = self.cluster.nodes[1]
        content = random.Random(1).randbytes(500000)
        job = self.cluster.put("film.bin", content, redundancy="1+1")
        self.cluster.wait_job(job)
        node.stop()
        node.prefix = ["prlimit", "--nofile=%d" % STORAGE_FILES]
        node.start()
        self.cluster.wait_nodes()
        session = self.cluster.session("film.bin")
        names = sorted(node.shards())
        self.assertTrue(names)
        connection = self.dial(node.port)
        viewer = lambda at: self.ask(at, "/v1/shards/" + names[0], session["token"])
        shard = viewer(connection)
        with Crowd(node.port, STRANGERS // 2, tls=self.tls, shake=50):
            self.assertEqual(viewer(connection), shard)
            self.assertEqual(viewer(self.dial(node.port)), shard)
            self.wait_heartbeat(node)
            self.assertEqual(viewer(connection), shard)
            self.assertTrue(node.running())
        self.assertEqual(node.stop(), 0)
        node.start()
        self.cluster.wait_nodes()


class Tls(Plain):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("openssl"):
            raise unittest.SkipTest("openssl is not installed")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="pmss-crowds-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        authority = Authority(cls.folder, "ours")
        good = authority.issue("good", "IP:127.0.0.1")
        cls.ca = authority.certificate
        cls.control_options = dict(good, **Plain.control_options, **{"node-ca": str(cls.ca)})
        cls.storage_options = dict(good, **{"control-ca": str(cls.ca)})
        super().setUpClass()


if __name__ == "__main__":
    unittest.main()
