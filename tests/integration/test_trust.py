#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a party that turns bad gains by what it was trusted with: stolen tokens, addresses of others, copied identities. Real servers; the spy is a storage
server's own relay."""

import base64
import datetime
import http.client
import http.server
import json
import os
import random
import re
import shutil
import ssl
import struct
import subprocess
import threading
import time
import unittest

import cluster
from authority import WithTls
from cluster import wait_for
from test_verify import crc32c

KIB = 1024
OPTIONS = {"repair": "on", "unit": "4KiB", "extent": "64KiB", "repair-delay": "1", "repair-limit": "0"}


def claims_of(token):
    """What a v4.public token says; its signature is 64 bytes at the end."""
    body = token[len("v4.public."):]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))[:-64])


class Spy(http.server.ThreadingHTTPServer):
    """Stands before a storage server, passes on everything, and keeps the tokens: what that server's owner sees."""

    daemon_threads = True

    def __init__(self, tls=None, certificate=None):
        """@tls: how it asks the server; @certificate: its own, as options."""
        self.tls = tls
        self.to = None                  # the server's port
        self.seen = []                  # (method, path, token)
        self.endless = threading.Event()        # whether it makes the list longer and longer
        self.pages = 0                  # of that list
        super().__init__(("127.0.0.1", 0), SpyHandler)
        if certificate:
            own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            own.load_cert_chain(certificate["tls-certificate"], certificate["tls-key"])
            self.socket = own.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self):
        return self.server_port

    def close(self):
        self.shutdown()
        self.server_close()


class SpyHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        bearer = self.headers.get("Authorization", "")
        if bearer.startswith("Bearer "):
            self.server.seen.append((self.command, self.path, bearer[len("Bearer "):]))
        headers = {name: self.headers[name] for name in ("Authorization", "Range", "Content-Type") if name in self.headers}
        status, fields, content = ask(self.server.to, self.command, self.path, body, headers, self.server.tls)
        if self.path.startswith("/v1/shards?") and self.server.endless.is_set():
            content = self.one_more_page(json.loads(content))
        self.send_response(status)
        for name in ("Content-Type", "Content-Range", "ETag"):
            if name in fields:
                self.send_header(name, fields[name])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def one_more_page(self, true):
        """A thousand names that nobody knows, in order, and there are always more."""
        first = self.server.pages * 1000
        self.server.pages += 1
        names = ["ff%030x-%08x.0" % (first, number) for number in range(1000)]
        return json.dumps(dict(true, shards=[{"name": name, "size": 128} for name in names], next=names[-1])).encode()

    do_GET = do_PUT = do_DELETE = do_POST = pass_on


def ask(port, method, path, body=None, headers=None, tls=None):
    connection = (http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=tls) if tls
                  else http.client.HTTPConnection("127.0.0.1", port, timeout=30))
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class TrustCase(cluster.TestCase):
    def use(self, node, method, path, token, body=None):
        """The status of a request to @node itself."""
        return ask(node.port, method, path, body, {"Authorization": "Bearer " + token}, self.cluster.tls)[0]

    def pmss(self, *command, status=0):
        """What it printed."""
        ca = ["--ca-file=%s" % self.ca] if self.ca else []
        done = subprocess.run([cluster.BUILD / "tools" / "pmss", *command, *ca], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              env=dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token, LC_ALL="C.UTF-8"))
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout


class StolenTokens(TrustCase):
    nodes = 3
    control_options = OPTIONS
    storage_options = {"scrub-period": "0"}
    # of its list a storage server that lies has no million read
    environment = {"PMSS_TEST_LIST_MORE": "20000"}
    certificate = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.spy = Spy(cls.cluster.tls, cls.certificate)
        cls.addClassCleanup(cls.spy.close)
        cls.spied = cls.add_spied()
        cls.honest = cls.cluster.nodes[:3]

    @classmethod
    def add_spied(cls):
        """A fourth server that is known by its spy's address. It is that one's own port that the test chooses."""
        port = cluster.choose_port()
        cls.spy.to = port
        c = cls.cluster
        join = c.api("POST", "/nodes/join-tokens", {}, 201)["join_token"]
        node = cluster.Node("spied", cluster.BUILD / "server" / "pmss-storage", c.folder,
                            dict(c.storage_options, control=c.url, advertise="127.0.0.1:%d" % cls.spy.port), c.haste)
        node.port = port
        c.nodes.append(node)
        node.start(**{"join-token": join})
        node.id = wait_for(lambda: c.node_at("127.0.0.1", cls.spy.port), "the spied node to join")
        c.wait_nodes()
        return node

    def add(self, name, redundancy="3+1", size=100 * KIB):
        content = random.Random(name).randbytes(size)
        self.cluster.add(name, content, redundancy=redundancy)
        return content

    def stolen(self, method, path):
        """The last token that came to the spied node with such a request."""
        return wait_for(lambda: next(((p, t) for m, p, t in reversed(self.spy.seen)
                                      if m == method and re.fullmatch(path, p)), None), "a %s of %s" % (method, path))

    def contents(self):
        return {(node.id, name): node.shard_path(name).read_bytes() for node in self.cluster.nodes for name in node.shards()}

    def check_theft(self, method, operation, path):
        """The last token of such a request, at once: after 30 s it is refused whatever it is for."""
        path, token = self.stolen(method, path)
        claims, before = claims_of(token), self.contents()
        self.assertEqual((claims["nod"], claims["ops"]), (str(self.spied.id), operation))
        issued, expires = (datetime.datetime.fromisoformat(claims[name].rstrip("Z")) for name in ("iat", "exp"))
        self.assertEqual((expires - issued).total_seconds(), 30)
        self.assertEqual(claims["shd"], "" if operation == "l" else path.rsplit("/")[-1])
        for node in self.honest:
            self.assertEqual(self.all_of(node, path, token), {421})
            # nor does a forged shard take the place of a good one
            if operation == "w":
                for name in node.shards():
                    self.assertEqual(self.all_of(node, "/v1/shards/" + name, token), {421})
        # at its own node it opens nothing but its own shard, by its own operation
        other = "/v1/shards/" + next(name for name in sorted(self.spied.shards()) if name not in path)
        self.assertLessEqual(self.all_of(self.spied, other, token, spare=operation), {403})
        self.assertEqual(self.contents(), before)

    def test_tokens_of_control(self):
        """Each opens one door: one node, one operation, one shard, for 30 s."""
        shard = r"/v1/shards/[0-9a-f]{32}-[0-9a-f]{8}\.\d+"
        for name in ("stolen/a", "stolen/c"):
            self.add(name)
        self.check_theft("PUT", "w", shard)
        self.check_theft("GET", "r", shard)
        self.add("stolen/b")
        self.cluster.delete("stolen/b")
        self.cluster.wait_jobs()
        self.cluster.wait_for_nodes_clean()
        self.check_theft("DELETE", "d", shard)
        # it is compared with the catalog when it comes
        self.spied.stop()
        wait_for(lambda: self.state(self.spied) == "down", "the spied node to be down")
        # the list of when it joined has an old token
        self.spy.seen.clear()
        self.spied.start()
        self.cluster.wait_nodes()
        self.check_theft("GET", "l", r"/v1/shards\?.*")

    def state(self, node):
        return next(n for n in self.cluster.api("GET", "/nodes")["nodes"] if n["id"] == node.id)["state"]

    def all_of(self, node, path, token, spare=None):
        """The statuses of all operations with @token on @path; @spare: not the list, which it is for."""
        asks = [("GET", path), ("PUT", path), ("PUT", path.split("?")[0] + "?replace=1"), ("DELETE", path)]
        if "?" in path:
            asks = [("GET", path)]
        if spare != "l":
            asks.append(("GET", "/v1/shards"))
        return {self.use(node, method, p, token, b"x" if method == "PUT" else None) for method, p in asks}

    def test_list_without_end(self):
        """It is left after a while, nothing of it is deleted unasked, and the others' lists are read."""
        self.add("listed")
        before = self.contents()
        other = self.honest[0]
        other.stop()
        path = other.shard_path(min(other.shards()))
        orphan = path.with_name("%s-%08x.0" % (path.name[:32], 0x1000))
        shutil.copy(path, orphan)
        self.spied.stop()
        self.cluster.wait_nodes()
        self.spy.seen.clear()
        self.spy.pages = 0
        self.spy.endless.set()
        self.addCleanup(self.spy.endless.clear)
        self.spied.start()
        wait_for(lambda: self.spy.pages > 0, "the list to be read")
        other.start()
        wait_for(lambda: not orphan.exists(), "the other one's list to be read")
        wait_for(lambda: "Node %d lists far more shards" % self.spied.id in self.cluster.control.log.read_text(),
                 "the list to be left")
        self.assertLess(self.spy.pages, 100)
        self.assertNotIn("DELETE", [method for method, _, _ in self.spy.seen])
        # it says the truth again
        self.spied.stop()
        self.cluster.wait_nodes()
        self.spy.endless.clear()
        self.spied.start()
        self.cluster.wait_nodes()
        wait_for(lambda: self.contents() == before, "what was there before")

    def forge(self, node, name):
        """Other bytes in each of its units, with checksums that are theirs, in the file as its owner may write it."""
        path = node.shard_path(name)
        data, index = bytearray(path.read_bytes()), int(name.rsplit(".")[-1])
        for at in range(128, len(data), 128 + 4 * KIB):
            record = data[at:at + 128 + 4 * KIB]
            for i in range(128, len(record)):
                record[i] ^= 0x55
            record[16 + 4 * index:20 + 4 * index] = struct.pack("<I", crc32c(record[128:]))
            record[124:128] = struct.pack("<I", crc32c(record[:124]))
            data[at:at + len(record)] = record
        path.write_bytes(data)

    def check_forged(self, name, redundancy):
        """The owner of a node forges its shards of a medium: some of its own bytes may be played, no others, and not for long."""
        # whole rows: of the last one of an odd file there may be one unit and its parity, of which nothing tells which is right
        content = self.add(name, redundancy, 48 * KIB)
        layout = self.cluster.session(name)["layout"]
        ids = [layout["nodes"][place]["id"] for place in layout["extents"][0]]
        k, forger = layout["k"], self.cluster.node(ids[0])
        shard = "%s-00000000.0" % layout["version"]
        good = forger.shard_path(shard).read_bytes()
        self.forge(forger, shard)
        # it streams, and is told in the end
        read = subprocess.run([cluster.BUILD / "tools" / "pmss", "get", name, "-", *(["--ca-file=%s" % self.ca] if self.ca else [])],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              env=dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token, LC_ALL="C.UTF-8"))
        wrong = {at // (4 * KIB) % k for at, (a, b) in enumerate(zip(read.stdout, content)) if a != b}
        self.assertLessEqual(wrong, {0})
        self.assertEqual(read.returncode == 0, read.stdout == content, read.stderr)
        # whoever verifies finds it, where no reader has told already
        self.cluster.wait_job(self.cluster.api("POST", "/media/%s/verify" % name, status=202)["job"])
        wait_for(lambda: forger.shard_path(shard).read_bytes() == good, "the forged shard to be made anew")
        self.assertEqual(self.pmss("get", name, "-"), content)

    def test_forged_shards(self):
        self.check_forged("forged/a", "3+1")
        self.check_forged("forged/b", "2+1")

    def test_token_of_a_viewer(self):
        """Its layout's nodes and no others; what is moved in between is reached with the next token."""
        self.add("films/c", "2+1", 60 * KIB)
        session = self.cluster.session("films/c")
        layout = session["layout"]
        inside = {node["id"] for node in layout["nodes"]}
        outside = next(node for node in self.cluster.nodes if node.id not in inside)
        path = "/v1/shards/%s-%08x.%%d" % (layout["version"], 0)
        self.assertEqual(len(inside), 3)
        for index, place in enumerate(layout["extents"][0]):
            node = self.cluster.node(layout["nodes"][place]["id"])
            self.assertEqual(self.use(node, "GET", path % index, session["token"]), 200)
            self.assertEqual(self.use(node, "DELETE", path % index, session["token"]), 403)
        self.assertEqual(self.use(outside, "GET", path % 0, session["token"]), 421)

        # one is lost, and the fourth takes its place
        lost = layout["extents"][0][1]
        gone = self.cluster.node(layout["nodes"][lost]["id"])
        gone.kill()
        wait_for(lambda: any(shard.startswith(layout["version"]) for shard in outside.shards()), "the repair")

        def moved():
            token = self.cluster.api("PUT", "/sessions/" + session["id"])["token"]
            return self.use(outside, "GET", path % 1, token) == 200
        wait_for(moved, "a renewed token to open the new place")
        gone.start()
        self.cluster.wait_nodes()


class Identity(cluster.TestCase):
    """Who is who, whatever addresses say. A shard that nobody knows is deleted at once here."""
    nodes = 3
    control_options = {"unit": "4KiB", "extent": "64KiB"}
    storage_options = {"scrub-period": "0"}
    tls = False

    def setUp(self):
        self.nodes = self.cluster.nodes
        self.place = {node.id: (node.address, node.port) for node in self.nodes}
        if not self.cluster.api("GET", "/media")["media"]:
            self.cluster.add("film", random.Random(1).randbytes(300 * KIB), redundancy="2+1")
        self.before = {node.id: node.shards() for node in self.nodes}

    def tearDown(self):
        for node in self.nodes:
            node.stop()
            node.port = self.place[node.id][1]
            node.start()
        self.cluster.wait_nodes()
        self.assertEqual(self.deleted(), 0)
        self.assertEqual({node.id: node.shards() for node in self.nodes}, self.before)

    def deleted(self):
        text = self.cluster.request("GET", "/metrics", token=False)[2].decode()
        return int(re.search(r"^pmss_control_deleted_shards_total (\d+)$", text, re.M).group(1))

    def seen(self, node):
        return next(n for n in self.cluster.api("GET", "/nodes")["nodes"] if n["id"] == node.id)

    def wait_seen(self, node, state, reason=""):
        return wait_for(lambda: (s := self.seen(node))["state"] == state and reason in (s["reason"] or "") and s,
                        "node %d to be %s: %s" % (node.id, state, reason))

    def beat(self, node, **more):
        secret = json.loads((node.data / "node.json").read_text())["secret"]
        body = dict({"address": node.address, "port": node.port, "tls": self.tls, "token_formats": [2], "stats": {}}, **more)
        status, _, answer = self.cluster.request(
            "POST", "/api/v1/nodes/%d/heartbeat" % node.id, json.dumps(body),
            {"Authorization": "Bearer " + secret, "Content-Type": "application/json"}, token=False)
        return status, json.loads(answer)

    def test_advertises_another(self):
        """Started with the first one's `advertise`: its shards are not looked for there, and none of the first one's is deleted."""
        first, second = self.nodes[:2]
        second.stop()
        second.start(advertise="127.0.0.1:%d" % first.port)
        self.wait_seen(second, "suspect", "node %d is" % first.id)
        self.assertEqual(self.seen(second)["port"], second.port)
        wait_for(lambda: "node %d is" % first.id in second.tail(), "the second one to be told")
        # the first one is compared with the catalog, and the second one when it says the truth again
        first.stop()
        self.wait_seen(first, "down")
        first.start()
        self.wait_seen(first, "up")
        second.stop()
        second.start()
        self.wait_seen(second, "up")

    def test_heartbeats_of_a_liar(self):
        """It has its own secret and says what it likes."""
        liar, victim = self.nodes[2], self.nodes[0]
        liar.kill()             # the test beats in its place
        spy = Spy()
        self.addCleanup(spy.close)
        spy.to = victim.port
        for place, why in (({"port": victim.port}, "node %d is" % victim.id),
                           ({"address": "LOCALHOST", "port": victim.port}, "LOCALHOST"),
                           ({"port": spy.port}, str(spy.port)), ({"address": "192.0.2.1"}, "192.0.2.1"),
                           ({"port": self.cluster.control.port}, str(self.cluster.control.port))):
            def told():
                status, answer = self.beat(liar, **place)
                self.assertEqual(status, 200)
                # what answers there, or does not, is nothing that a node has to learn from control
                self.assertNotRegex(answer["problem"] or "", "efused|timed out|unreachable|\\b[45][0-9][0-9]\\b|HTTP")
                return why in (answer["problem"] or "")
            wait_for(told, "%s to be refused" % place)
            seen = self.seen(liar)
            self.assertEqual((seen["state"], seen["address"], seen["port"]), ("suspect", liar.address, liar.port), place)
        # nor is another one's secret of use
        other = self.cluster.request("POST", "/api/v1/nodes/%d/heartbeat" % victim.id, json.dumps(
            {"address": liar.address, "port": 1, "tls": self.tls, "stats": {}}),
            {"Authorization": "Bearer " + json.loads((liar.data / "node.json").read_text())["secret"],
             "Content-Type": "application/json"}, token=False)
        self.assertEqual(other[0], 401)

    def test_moves(self):
        """A server that proves to be at its new address is believed."""
        node = self.nodes[1]
        node.stop()
        self.wait_seen(node, "down")
        node.port = 0
        node.start()
        wait_for(lambda: self.seen(node)["port"] == node.port, "the new port")
        self.wait_seen(node, "up")

    def test_copied_folder(self):
        """Two servers with one identity: the first one stays it, also when control is started anew."""
        node = self.nodes[0]
        copy = cluster.Node("copy", node.program, self.cluster.folder, node.options, self.cluster.haste)
        shutil.copytree(node.data, copy.data)
        self.addCleanup(copy.kill)
        copy.start()
        wait_for(lambda: "a copy of its data folder" in copy.tail(), "the copy to be refused")
        seen = self.seen(node)
        self.assertEqual((seen["state"], seen["port"]), ("up", node.port))
        self.assertIn("another server has its identity", seen["warning"])
        # where the copy answers, it is known for one
        listed = json.loads(self.ask(copy, "/v1/shards", self.list_token(node))[2])["instance"]
        self.assertNotEqual(json.loads(self.ask(node, "/v1/shards", self.list_token(node))[2])["instance"], listed)
        self.cluster.restart_control()
        self.wait_seen(node, "up")
        wait_for(lambda: self.seen(node)["warning"], "the copy to be noticed again")
        self.assertEqual(self.seen(node)["port"], node.port)
        copy.stop()

    def ask(self, node, path, token):
        return ask(node.port, "GET", path, headers={"Authorization": "Bearer " + token}, tls=self.cluster.tls)

    def list_token(self, node):
        key = (self.cluster.control.data / "keys" / "token.key").read_text().strip()
        name = (self.cluster.control.data / "keys" / "cluster").read_text().strip()
        return subprocess.run([os.environ["PMSS_TEST_TOOL"], "mint", key, "cid=" + name, "ops=l", "nod=%d" % node.id],
                              check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


class Cleanup(TrustCase):
    """A missing row is no permission to destroy, where it would be a large part of what a node holds."""
    nodes = 2
    control_options = {"unit": "4KiB", "extent": "16KiB", "default-redundancy": "1+1"}
    storage_options = {"scrub-period": "0"}

    def held(self, node):
        return next(n for n in self.cluster.api("GET", "/nodes")["nodes"] if n["id"] == node.id)["held_shards"]

    def forge(self, node, names, count):
        """As many files that no row knows, beside good ones; they come up with the node."""
        node.stop()
        forged = set()
        for number in range(count):
            path = node.shard_path(sorted(names)[number % len(names)])
            name = "%s-%08x.%s" % (path.name[:32], 0x1000 + number, path.name.rsplit(".")[-1])
            shutil.copy(path, path.with_name(name))
            forged.add(name)
        self.cluster.wait_nodes()
        node.start()
        self.cluster.wait_nodes()
        return forged

    def test_large(self):
        node = self.cluster.nodes[0]
        self.cluster.add("film", random.Random(2).randbytes(320 * KIB))
        good = node.shards()
        self.assertEqual(len(good), 20)
        # a few go by themselves
        few = self.forge(node, good, 3)
        wait_for(lambda: not few & node.shards(), "a few orphans to go")
        many = self.forge(node, good, 17)
        wait_for(lambda: self.held(node) == 17, "the clean-up to be held")
        self.assertIn(b"17 shards that nobody knows", self.pmss("node", "ls"))
        self.assertLessEqual(many, node.shards())
        # who has not seen that many has not confirmed them
        self.assert_status(409, self.cluster.api, "PATCH", "/nodes/%d" % node.id, {"confirm_cleanup": 16})
        self.assert_status(409, self.cluster.api, "PATCH", "/nodes/%d" % self.cluster.nodes[1].id, {"confirm_cleanup": 17})
        self.assertLessEqual(many, node.shards())
        self.assertIn(b"17 shards", self.pmss("node", "set", str(node.id), "--confirm-cleanup"))
        wait_for(lambda: node.shards() == good, "the confirmed clean-up")
        wait_for(lambda: self.held(node) == 0, "nothing to be held")
        # once: the next ones are asked for anew
        more = self.forge(node, good, 21)
        wait_for(lambda: self.held(node) == 21, "the next clean-up to be held")
        self.assertLessEqual(more, node.shards())
        # what was confirmed is not used up by a comparison that fails
        node.kill()
        self.pmss("node", "set", str(node.id), "--confirm-cleanup")
        wait_for(lambda: "Cannot reconcile node %d" % node.id in self.cluster.control.tail(), "the comparison to fail")
        self.assertLessEqual(more, node.shards())
        self.cluster.wait_nodes()
        node.start()
        wait_for(lambda: node.shards() == good, "the next clean-up")
        self.assert_disks_clean()


class Ended(TrustCase):
    """A token ends with its session, its login and its user; a storage server knows that through restarts, and without control."""
    nodes = 2
    control_options = {"unit": "4KiB", "extent": "64KiB", "default-redundancy": "1+1", "lease": "5", "max-sessions": "3"}
    storage_options = {"scrub-period": "0"}
    password = "correct horse battery"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.add("film", random.Random(3).randbytes(50 * KIB))
        cls.names = iter(range(1000))

    def viewer(self):
        """A user, and a login of it."""
        name = "viewer%d" % next(self.names)
        self.cluster.api("POST", "/users", {"name": name, "password": self.password, "role": "viewer"}, 201)
        return name, self.cluster.login(name, self.password)

    def send(self, login, method, path, body=None):
        headers = {"Authorization": "Bearer " + login, "Content-Type": "application/json"}
        status, headers, answer = self.cluster.request(method, "/api/v1" + path, json.dumps(body) if body else None, headers)
        return status, headers, json.loads(answer) if answer else None

    def open(self, login):
        status, _, session = self.send(login, "POST", "/sessions", {"medium": "film"})
        self.assertEqual(status, 201, session)
        return session

    def read(self, node, session):
        layout = session["layout"]
        ids = [layout["nodes"][place]["id"] for place in layout["extents"][0]]
        return self.use(node, "GET", "/v1/shards/%s-00000000.%d" % (layout["version"], ids.index(node.id)), session["token"])

    def wait_refused(self, session, why):
        for node in self.cluster.nodes:
            wait_for(lambda: self.read(node, session) == 401, "the token to be refused: " + why)

    def check_read(self, session):
        for node in self.cluster.nodes:
            self.assertEqual(self.read(node, session), 200)

    def test_lapsed(self):
        _, login = self.viewer()
        kept, left = self.open(login), self.open(login)
        self.check_read(left)

        def look():
            self.assertEqual(self.send(login, "PUT", "/sessions/" + kept["id"])[0], 200)
            return self.read(self.cluster.nodes[0], left) == 401
        wait_for(look, "the token of a lapsed lease to be refused")
        self.check_read(kept)
        # it may be opened anew: nobody has ended it
        self.assertEqual(self.send(login, "PUT", "/sessions/" + left["id"])[0], 404)

    def test_login_ends(self):
        name, first = self.viewer()
        second = self.cluster.login(name, self.password)
        sessions = [self.open(first), self.open(second)]
        self.check_read(sessions[0])
        self.assertEqual(self.send(first, "POST", "/logout")[0], 204)
        self.wait_refused(sessions[0], "logout")
        self.check_read(sessions[1])
        self.cluster.api("PUT", "/users/%s/password" % name, {"password": self.password + "s"}, 204)
        self.wait_refused(sessions[1], "another password")
        login = self.cluster.login(name, self.password + "s")
        last = self.open(login)
        self.check_read(last)
        self.cluster.api("DELETE", "/users/" + name, status=204)
        self.wait_refused(last, "no such user")

    def test_cap(self):
        _, login = self.viewer()
        _, other = self.viewer()
        sessions = [self.open(login) for _ in range(3)]
        status, headers, answer = self.send(login, "POST", "/sessions", {"medium": "film"})
        self.assertEqual((status, headers["Retry-After"]), (429, "1"), answer)
        self.open(other)
        self.assertEqual(self.send(login, "DELETE", "/sessions/" + sessions[0]["id"])[0], 204)
        self.open(login)

    def test_flood(self):
        """One who opens and ends sessions as fast as may be: bounded by the second, and on the nodes by number."""
        name, login = self.viewer()
        accepted = 0
        for _ in range(100):
            status, _, session = self.send(login, "POST", "/sessions", {"medium": "film"})
            if status == 429:
                continue
            accepted += 1
            self.send(login, "DELETE", "/sessions/" + session["id"])
        self.assertGreaterEqual(accepted, 6)
        self.assertLess(accepted, 50)

    def test_restarts(self):
        """With control down: who has ended stays out, who has not is served; and who does not know says so."""
        node, other = self.cluster.nodes
        _, login = self.viewer()
        kept, ended = self.open(login), self.open(login)
        self.assertEqual(self.send(login, "DELETE", "/sessions/" + ended["id"])[0], 204)
        self.wait_refused(ended, "ended")
        file = node.data / "revocations.json"
        wait_for(lambda: ended["id"] in file.read_text(), "the file")
        self.cluster.control.kill()
        node.kill()
        node.start()
        self.assertEqual(self.read(node, ended), 401)
        self.assertEqual(self.read(node, kept), 200)
        self.assertEqual(ask(node.port, "GET", "/healthz", tls=self.cluster.tls)[0], 200)
        whole = file.read_bytes()
        for damage in (lambda: file.unlink(), lambda: file.write_bytes(whole[:-20]), lambda: file.write_bytes(b"{}"),
                       lambda: (file.write_bytes(whole), os.utime(file, (0, time.time() - 60))),
                       lambda: (file.write_bytes(whole), os.utime(file, (0, time.time() + 3600)))):
            node.kill()
            damage()
            node.start()
            self.assertEqual(self.read(node, ended), 503)
            self.assertEqual(self.read(node, kept), 503)
            status, _, answer = ask(node.port, "GET", "/healthz", tls=self.cluster.tls)
            self.assertEqual(status, 503)
            self.assertIn("waits for control", json.loads(answer)["status"])
        self.assertEqual(self.read(other, kept), 200)
        self.cluster.control.start()
        wait_for(lambda: self.read(node, ended) == 401, "the node to know again")
        # whose lease could not be renewed while control was down has it still
        self.assertEqual(self.send(login, "PUT", "/sessions/" + kept["id"])[0], 200)
        self.assertEqual(self.read(node, kept), 200)
        self.cluster.wait_nodes()


class StolenTokensTls(WithTls, StolenTokens):
    pass


class EndedTls(WithTls, Ended):
    pass


class IdentityTls(WithTls, Identity):
    tls = True

    def test_without_tls(self):
        """From TLS to none: never."""
        node = self.nodes[1]
        node.stop()
        kept = dict(node.options)
        for name in ("tls-certificate", "tls-key"):
            del node.options[name]
        node.start()
        self.wait_seen(node, "suspect", "no TLS any more")
        self.assertTrue(self.seen(node)["tls"])
        node.options = kept


if __name__ == "__main__":
    unittest.main()
