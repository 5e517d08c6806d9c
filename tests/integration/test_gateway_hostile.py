# SPDX-License-Identifier: LGPL-2.1-or-later
"""A gateway among hostile parties: tokens that are not what they should be, viewers that take nothing or vanish, storage servers that want what is not
theirs, and what has ended."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import socket
import sys
import threading
import time
import unittest
import urllib.parse

import authority
import cluster
from cluster import wait_for
from test_gateway import GatewayCase, NAME

PASSWORD = "correct horse"
# viewers at once that take nothing, and answers to each of them
CROWD, EACH, ADDRESSES = 50, 6, 30
MIB = 1024 * 1024


def token_of(url):
    return urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["t"][0]


def ticket_of(url):
    body = token_of(url)[len("v4.public."):]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))[:-64])["sid"]


def secret_of(node):
    """With which a storage server speaks to control."""
    return json.loads((node.data / "node.json").read_text())["secret"]


class HostileCase(GatewayCase):
    def user(self, name, role="viewer"):
        """A new user's login."""
        self.cluster.api("POST", "/users", {"name": name, "password": PASSWORD, "role": role}, 201)
        self.addCleanup(self.cluster.request, "DELETE", "/api/v1/users/" + name)
        return self.cluster.login(name, PASSWORD)

    def url_for(self, token, name=NAME):
        return self.sent_to(name, headers={"Authorization": "Bearer " + token})

    def ask(self, method, path, bearer, body=None):
        headers = {"Authorization": "Bearer " + bearer}
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, _, answer = self.cluster.request(method, "/api/v1" + path, json.dumps(body) if body is not None else None, headers)
        return status, json.loads(answer) if answer else None

    def dial(self, url, source="127.0.0.1", buffer=None):
        """A connection to the server of @url, through which nothing was sent."""
        client = socket.socket()
        self.addCleanup(client.close)
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(cluster.DEADLINE)
        client.bind((source, 0))
        client.connect(("127.0.0.1", urllib.parse.urlsplit(url).port))
        if self.cluster.tls:
            client = self.cluster.tls.wrap_socket(client, server_hostname="127.0.0.1")
            self.addCleanup(client.close)
        return client

    def raw(self, url, head="", source="127.0.0.1", buffer=None):
        """A request without any client in between; what is answered is left to the caller."""
        _, target = self.connect(url)
        client = self.dial(url, source, buffer)
        client.sendall(("GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (target, head)).encode())
        return client

    def usage(self, node):
        """Resident memory (bytes), threads and descriptors."""
        status = pathlib.Path("/proc/%d/status" % node.process.pid).read_text()
        return (int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024, int(re.search(r"Threads:\s+(\d+)", status)[1]),
                len(os.listdir("/proc/%d/fd" % node.process.pid)))

    def use(self, node, shard, token):
        connection, _ = self.connect("%s://127.0.0.1:%d" % ("https" if self.cluster.tls else "http", node.port))
        with contextlib.closing(connection):
            connection.request("GET", "/v1/shards/" + shard, headers={"Authorization": "Bearer " + token})
            return connection.getresponse().status


class Tokens(HostileCase):
    def test_forged(self):
        url = self.sent_to()
        token = token_of(url)
        place = url.split("?")[0]
        dice = random.Random(3)
        head, body = token[:len("v4.public.")], token[len("v4.public."):]
        forged = ["", "x", head, token[:-1], token + "A", token.upper(), "v3" + token[2:], "v4.local." + body, " " + token, token + "%00"]
        forged += [token[:n] for n in range(0, len(token), 37)]
        for _ in range(200):
            raw = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
            forged.append(head + base64.urlsafe_b64encode(raw).decode().rstrip("="))
        connection, target = self.connect(place)
        with contextlib.closing(connection):
            for wrong in forged:
                connection.request("GET", target + "?t=" + urllib.parse.quote(wrong, safe="%"))
                answer = connection.getresponse()
                self.assertNotIn(self.content[:64], answer.read())
                self.assertIn(answer.status, (400, 401), wrong)
        # a second one does not hide the first
        self.assertEqual(self.fetch("%s?t=%s&t=x" % (place, token)).status, 400)
        self.assertEqual(self.fetch("%s?t=x&t=%s" % (place, token)).status, 400)
        # shown in another way it opens nothing
        self.assertEqual(self.fetch(place, headers={"Authorization": "Bearer " + token}).status, 401)
        self.assertEqual(self.fetch("%s?T=%s" % (place, token)).status, 401)
        self.assertEqual(self.fetch("%s?t=%s" % (place, self.cluster.token)).status, 401)
        for method in ("PUT", "DELETE", "PATCH", "POST"):
            self.assertEqual(self.fetch(url, method).status, 405, method)
        self.assertEqual(self.fetch(url).status, 200)

    def test_elsewhere(self):
        """A URL is of one gateway, one medium, one cluster."""
        self.cluster.add("other", b"another medium")
        url, other = self.sent_to(), self.sent_to("other")
        self.assertEqual(self.fetch("%s?t=%s" % (url.split("?")[0], token_of(other))).status, self.other_status(url, other))
        port = urllib.parse.urlsplit(url).port
        for node in self.cluster.nodes:
            if node.port != port:
                answer = self.fetch(url.replace(":%d/" % port, ":%d/" % node.port))
                self.assertEqual(answer.status, 421)
                self.assertNotIn(b"v4.public", answer.body)
        foreign = cluster.Cluster(3, self.control_options, self.storage_options, ca=self.ca)
        try:
            foreign.add(NAME, b"not ours")
            status, headers, _ = foreign.request("GET", "/media/" + cluster.encode_name(NAME))
            self.assertEqual(status, 307)
            self.assertEqual(self.fetch("%s?t=%s" % (url.split("?")[0], token_of(headers["Location"]))).status, 401)
        finally:
            self.assertEqual(foreign.shut_down(), [])
            foreign.close()

    @staticmethod
    def other_status(url, other):
        return 403 if urllib.parse.urlsplit(url).netloc == urllib.parse.urlsplit(other).netloc else 421

    def test_redeemed_by_another(self):
        """A storage server redeems its own tickets, and touches its own viewers' sessions."""
        token = self.user("anna")
        url = self.url_for(token)
        ticket = ticket_of(url)
        mine = self.gateway_of(url)
        _, fields, _ = self.cluster.request("GET", "/media/" + cluster.encode_name(NAME), headers={"Authorization": "Bearer " + token})
        offered = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)/", " ".join([fields["Location"], fields["Link"] or ""]))}
        other = next(node for node in self.cluster.nodes if node.port not in offered)
        path, body = "/tickets/%s/sessions" % ticket, {"id": "ab" * 16}
        self.assertEqual(self.ask("POST", path, secret_of(other), body)[0], 403)
        for bearer in (token, self.cluster.token, token_of(url), "x"):
            self.assertEqual(self.ask("POST", path, bearer, body)[0], 401)
        for odd in ({"id": "AB" * 16}, {"id": ""}, {}, {"id": 1}, {"id": "ab" * 16, "medium": NAME}):
            self.assertEqual(self.ask("POST", path, secret_of(mine), odd)[0], 400, odd)
        for wrong in ("00" * 16, "x", "%2e%2e", ticket[:-1], ticket.upper().replace("0", "o")):
            self.assertEqual(self.ask("POST", "/tickets/%s/sessions" % wrong, secret_of(mine), body)[0], 403, wrong)
        # the viewer's own session beside it
        status, own = self.ask("POST", "/sessions", token, {"medium": NAME})
        self.assertEqual(status, 201)
        self.assertEqual(self.ask("POST", path, secret_of(mine), {"id": own["id"]})[0], 409)
        for method, more, sent in (("PUT", "", None), ("GET", "/layout", None), ("DELETE", "", None), ("POST", "/reports", {"reports": []})):
            self.assertEqual(self.ask(method, "/sessions/%s%s" % (own["id"], more), secret_of(mine), sent)[0], 404, method)
        self.assertEqual(self.ask("PUT", "/sessions/" + own["id"], token)[0], 200)
        # the gateway's
        status, session = self.ask("POST", path, secret_of(mine), body)
        self.assertEqual(status, 201)
        self.assertEqual(self.ask("POST", "/sessions", token, {"medium": NAME, "id": session["id"]})[0], 409)
        self.assertEqual(self.ask("PUT", "/sessions/" + session["id"], secret_of(other))[0], 404)
        self.assertEqual(self.ask("DELETE", "/sessions/" + session["id"], secret_of(other))[0], 404)
        self.assertEqual(self.ask("PUT", "/sessions/" + session["id"], secret_of(mine))[0], 200)
        # it is a viewer's right, and no more than that
        for method, more in (("GET", "/sessions"), ("GET", "/media"), ("GET", "/events"), ("GET", "/users"), ("POST", "/nodes/join-tokens")):
            self.assertEqual(self.ask(method, more, secret_of(mine), {} if method == "POST" else None)[0], 401, more)

    def test_asked_for_by_the_thousand(self):
        """One viewer has one ticket for a medium, and one session."""
        token = self.user("berta")
        bearer = {"Authorization": "Bearer " + token}
        connection, _ = self.connect(self.cluster.url)
        tickets = set()
        with contextlib.closing(connection):
            for _ in range(300):
                connection.request("GET", "/media/" + cluster.encode_name(NAME), headers=bearer)
                answer = connection.getresponse()
                answer.read()
                self.assertEqual(answer.status, 307)
                tickets.add(ticket_of(answer.headers["Location"]))
        self.assertEqual(len(tickets), 1)
        # a storage server that opens session after session has one of them, and is slowed down
        (ticket,), node = tickets, self.gateway_of(self.url_for(token))
        answers = [self.ask("POST", "/tickets/%s/sessions" % ticket, secret_of(node), {"id": "%032x" % n})[0] for n in range(60)]
        self.assertIn(429, answers)
        self.assertLessEqual(set(answers), {201, 429})
        self.assertEqual(len([s for s in self.cluster.api("GET", "/sessions")["sessions"] if s["user"] == "berta"]), 1)


class Ended(HostileCase):
    """A gateway that has all of a medium in its memory asks no storage server for it, and still ends with its viewer's right."""

    size = 8 * MIB
    # the session is renewed too late to tell
    control_options = {"default-redundancy": "2+1", "unit": "64KiB", "extent": "1MiB", "lease": "600"}

    def begin(self, token, name="film"):
        url = self.url_for(token, name)
        self.assertEqual(self.fetch(url).body, self.content)
        client = self.raw(url, buffer=4096)
        client.recv(1024)
        return url, client

    def assert_ends(self, url, client):
        wait_for(lambda: self.fetch(url, "HEAD").status in (401, 403), "the URL to be refused", 15 * cluster.PATIENCE)
        got = 0
        with contextlib.suppress(ConnectionError):
            while chunk := client.recv(65536):
                got += len(chunk)
        self.assertLess(got, self.size - MIB)
        self.assertIn(self.fetch(url, headers={"Range": "bytes=0-9"}).status, (401, 403))

    def setUp(self):
        super().setUp()
        self.cluster.add("film", self.content, content_type="video/webm")

    def tearDown(self):
        self.cluster.request("DELETE", "/api/v1/media/film")
        wait_for(lambda: self.cluster.request("GET", "/api/v1/media/film")[0] == 404, "the medium to be gone")
        super().tearDown()

    def test_logout(self):
        token = self.user("anna")
        url, client = self.begin(token)
        self.assertEqual(self.ask("POST", "/logout", token)[0], 204)
        self.assert_ends(url, client)

    def test_demoted(self):
        url, client = self.begin(self.user("berta", "operator"))
        self.cluster.api("PATCH", "/users/berta", {"role": "viewer"}, 200)
        self.assert_ends(url, client)

    def test_deleted_user(self):
        url, client = self.begin(self.user("clara"))
        self.cluster.api("DELETE", "/users/clara", status=204)
        self.assert_ends(url, client)
        self.user("clara")
        self.assertIn(self.fetch(url).status, (401, 403))

    def test_replaced_medium(self):
        url, client = self.begin(self.user("dora"))
        self.cluster.delete("film")
        wait_for(lambda: self.cluster.request("GET", "/api/v1/media/film")[0] == 404, "the medium to be gone")
        self.cluster.add("film", self.content[::-1])
        self.assert_ends(url, client)

    def test_session(self):
        token = self.user("emma")
        url, client = self.begin(token)
        (session,) = [s for s in self.cluster.api("GET", "/sessions")["sessions"] if s["user"] == "emma"]
        self.cluster.api("DELETE", "/sessions/" + session["id"], status=204)
        self.assert_ends(url, client)

    def test_others_go_on(self):
        """That many of a user's sessions end ends no other one."""
        token = self.user("frida", "admin")
        url, client = self.begin(token)
        got = 1024
        for _ in range(70):
            status, session = self.ask("POST", "/sessions", token, {"medium": "film"})
            self.assertEqual(status, 201)
            self.assertEqual(self.ask("DELETE", "/sessions/" + session["id"], token)[0], 204)
            got += len(client.recv(8192))
        # storage servers have heard of it
        own = self.ask("POST", "/sessions", token, {"medium": "film"})[1]
        self.assertEqual(self.ask("DELETE", "/sessions/" + own["id"], token)[0], 204)
        node, shard = self.gateway_of(url), "%s-%08x.0" % (own["layout"]["version"], 0)
        wait_for(lambda: self.use(node, shard, own["token"]) == 401, "the revocations")
        while got < self.size and (chunk := client.recv(65536)):
            got += len(chunk)
        self.assertGreaterEqual(got, self.size)


class TokensTls(authority.WithTls, Tokens):
    """The same behind TLS."""


class EndedTls(authority.WithTls, Ended):
    """The same behind TLS."""


class Viewers(HostileCase):
    """Viewers that take nothing, that vanish, that ask for much at once, and a server that stops among them."""

    nodes = 3
    size = 16 * MIB
    control_options = {"default-redundancy": "2+1", "unit": "64KiB", "extent": "1MiB"}
    storage_options = {"min-rate-window": "2"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.logins = [cls.cluster.login("admin", cls.cluster.password) for _ in range(CROWD)]

    def crowd(self, node, number):
        """Requests of @number viewers of gateway @node, and what they come by."""
        dice = random.Random(4)
        clients = []
        for login in self.logins[:number]:
            _, headers, _ = self.cluster.request("GET", "/media/" + cluster.encode_name(NAME), headers={"Authorization": "Bearer " + login})
            urls = [headers["Location"], *re.findall("<([^>]*)>", headers["Link"] or "")]
            url = next(url for url in urls if self.gateway_of(url) is node)
            clients += [self.raw(url, "Range: bytes=%d-\r\n" % dice.randrange(self.size // 2), "127.0.1.%d" % (1 + len(clients) % ADDRESSES), 2048)
                        for _ in range(EACH)]
        return clients

    def test_take_nothing(self):
        """They are cut, others are served meanwhile, and nothing stays of them."""
        url = self.sent_to()
        node = self.gateway_of(url)
        self.assertEqual(self.fetch(url).body, self.content)
        _, threads, files = self.usage(node)
        memory = self.usage(node)[0]
        others = self.user("ida")
        crowd = self.crowd(node, CROWD)
        wait_for(lambda: self.metric(node, "gateway_readers") >= CROWD, "the readers")
        most = self.usage(node)
        # a reader's least is a row or two; an answer has a unit, and what the listener copies
        self.assertLess(most[0] - memory, CROWD * (2 + EACH / 4) * MIB * cluster.PATIENCE)
        self.assertLessEqual(most[1], threads + 4)
        self.assertEqual(self.fetch(self.url_for(others)).body, self.content)
        wait_for(lambda: self.metric(node, "gateway_answers") == 0, "the crowd to be cut")
        for client in crowd:
            client.close()
        wait_for(lambda: self.usage(node)[2] <= files + 12, "the descriptors to be closed")
        self.assertLessEqual(self.usage(node)[1], threads + 4)
        self.assertEqual(self.fetch(url).body, self.content)

    def test_vanish(self):
        url = self.sent_to()
        node = self.gateway_of(url)
        for kind in range(4):
            for client in self.crowd(node, 8):
                if kind == 1:
                    client.recv(100)
                if kind == 2:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                if kind == 3:
                    client.shutdown(socket.SHUT_WR)
                client.close()
        wait_for(lambda: self.metric(node, "gateway_answers") == 0, "all answers to end")
        self.assertEqual(self.fetch(url).body, self.content)

    def test_pipeline(self):
        """Requests in a row on one connection, all at once: each gets its own bytes, in order."""
        url = self.sent_to()
        _, target = self.connect(url)
        dice = random.Random(5)
        places = [dice.randrange(self.size - 1000) for _ in range(60)]
        client = self.raw(url, "Range: bytes=0-9\r\n")
        client.sendall("".join("GET %s HTTP/1.1\r\nHost: x\r\nRange: bytes=%d-%d\r\n%s\r\n" % (target, at, at + 999,
                       "Connection: close\r\n" if n == len(places) - 1 else "") for n, at in enumerate(places)).encode())
        stream = client.makefile("rb")
        for at, length in [(0, 10)] + [(at, 1000) for at in places]:
            self.assertIn(b" 206 ", stream.readline())
            while stream.readline().strip():
                pass
            self.assertEqual(stream.read(length), self.content[at:at + length])
        self.assertEqual(stream.read(), b"")

    def test_stop(self):
        """Within its grace, whatever is under way: bytes that nobody takes, and bytes that do not come."""
        url = self.sent_to()
        node = self.gateway_of(url)
        silent = [n for n in self.cluster.nodes if n is not node][:2]
        self.crowd(node, 5)
        self.cluster.add("slow", self.content)
        status, headers, _ = self.cluster.request("HEAD", "/media/slow")
        later = next(url for url in [headers["Location"], *re.findall("<([^>]*)>", headers["Link"])] if self.gateway_of(url) is node)
        self.assertEqual(self.fetch(later, "HEAD").status, 200)
        for other in silent:
            other.pause()
        try:
            for first in (0, 5 * MIB, 10 * MIB):
                self.assertEqual(self.raw(later, "Range: bytes=%d-\r\n" % first).recv(12), b"HTTP/1.1 206")
            begun = time.monotonic()
            self.assertEqual(node.stop(), 0)
            self.assertLess(time.monotonic() - begun, 8 * cluster.PATIENCE)
        finally:
            for other in silent:
                other.unpause()
            node.start()
        self.cluster.wait_nodes()
        self.assertEqual(self.fetch(self.sent_to()).body, self.content)


class ViewersTls(authority.WithTls, Viewers):
    """The same behind TLS."""


class Few(HostileCase):
    """A gateway that may open few files, of which its connections to others take a part."""

    FILES, PLAYS, CONNECTIONS = 160, 5, 35
    nodes = 6
    size = 16 * MIB
    control_options = {"default-redundancy": "4+2", "unit": "64KiB", "extent": "1MiB"}
    storage_options = {"gateway": "off"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = cls.cluster.add_node(gateway="on", prefix=["prlimit", "--nofile=%d" % cls.FILES])
        cls.logins = [cls.cluster.login("admin", cls.cluster.password) for _ in range(cls.PLAYS + 1)]

    def connections(self):
        """How many the gateway has to other storage servers."""
        folder = "/proc/%d/" % self.gateway.process.pid
        mine = set()
        for name in os.listdir(folder + "fd"):
            with contextlib.suppress(FileNotFoundError):
                mine.add(os.readlink(folder + "fd/" + name))
        ports = {"0100007F:%04X" % node.port for node in self.cluster.nodes if node is not self.gateway}
        rows = [line.split() for line in pathlib.Path(folder + "net/tcp").read_text().splitlines()[1:]]
        return sum(row[2] in ports and "socket:[%s]" % row[9] in mine for row in rows)

    def test_viewers(self):
        """As many as there are files for, each of whom gets all bytes; one more is told to come again."""
        urls = [self.url_for(login) for login in self.logins]
        got = [None] * self.PLAYS

        def play(number):
            got[number] = self.fetch(urls[number]).body
        for trial in range(3):
            threads = [threading.Thread(target=play, args=(number,)) for number in range(self.PLAYS)]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                self.assertLessEqual(self.connections(), self.CONNECTIONS)
            for thread in threads:
                thread.join()
            self.assertEqual(got, [self.content] * self.PLAYS)
            # of another one no cache has anything
            self.cluster.add("film%d" % trial, self.content)
            urls = [self.url_for(login, "film%d" % trial) for login in self.logins]
        held = [self.raw(url, buffer=2048) for url in urls[:self.PLAYS]]
        wait_for(lambda: self.metric(self.gateway, "gateway_answers") == self.PLAYS, "the answers")
        refused = self.fetch(urls[-1])
        self.assertEqual((refused.status, refused.headers["Retry-After"]), (503, "1"))
        for client in held:
            client.close()
        wait_for(lambda: self.fetch(urls[-1]).body == self.content, "a place")
        self.assertNotIn("Too many open files", self.gateway.tail(1000))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
