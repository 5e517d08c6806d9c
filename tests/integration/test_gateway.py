# SPDX-License-Identifier: LGPL-2.1-or-later
"""Media over plain HTTP: control sends to a gateway, which answers whole media and ranges, byte by byte as they were uploaded."""

import contextlib
import http.client
import math
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

SIZE = 3 * 1024 * 1024 + 4321
NAME = "films/ä b%?#&+.webm"


class Answer:
    def __init__(self, answer):
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()


class GatewayCase(cluster.TestCase):
    nodes = 4
    control_options = {"default-redundancy": "2+1", "unit": "4KiB", "extent": "64KiB"}
    size = SIZE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.nodes > 0:
            cls.fill()

    @classmethod
    def fill(cls):
        cls.content = random.Random(1).randbytes(cls.size)
        cls.cluster.add(NAME, cls.content, content_type="video/webm")
        cls.cluster.add("empty", b"")

    def sent_to(self, name=NAME, method="GET", **more):
        """Where control sends for the medium."""
        status, headers, body = self.cluster.request(method, "/media/" + cluster.encode_name(name), **more)
        self.assertEqual((status, body), (307, b""))
        return headers["Location"]

    def connect(self, url):
        """A connection to the gateway of @url, and the target to ask it for."""
        parts = urllib.parse.urlsplit(url)
        target = parts.path + ("?" + parts.query if parts.query else "")
        if parts.scheme == "https":
            return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=60, context=self.cluster.tls), target
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=60), target

    def fetch(self, url, method="GET", headers=None):
        connection, target = self.connect(url)
        with contextlib.closing(connection):
            connection.request(method, target, headers=headers or {})
            return Answer(connection.getresponse())

    def gateway_of(self, url):
        port = urllib.parse.urlsplit(url).port
        return next(node for node in self.cluster.nodes if node.port == port)

    def metric(self, node, name):
        scheme = "https" if self.cluster.tls else "http"
        text = self.fetch("%s://127.0.0.1:%d/metrics" % (scheme, node.port)).body.decode()
        return float(re.search(r"^pmss_storage_%s (\S+)$" % name, text, re.M)[1])

    def check_ranges(self, url, number):
        connection, target = self.connect(url)
        dice = random.Random(2)
        with contextlib.closing(connection):
            for _ in range(number):
                first = dice.randrange(self.size)
                last = min(self.size - 1, first + dice.choice([0, 1, 100, 4096, 70000, SIZE]))
                connection.request("GET", target, headers={"Range": "bytes=%d-%d" % (first, last)})
                answer = Answer(connection.getresponse())
                self.assertEqual(answer.status, 206)
                self.assertEqual(answer.headers["Content-Range"], "bytes %d-%d/%d" % (first, last, self.size))
                self.assertEqual(answer.body, self.content[first:last + 1])


class Plain(GatewayCase):
    def test_whole(self):
        url = self.sent_to()
        answer = self.fetch(url, headers={"Authorization": "Bearer for.control"})
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body, self.content)
        self.assertEqual(answer.headers["Content-Length"], str(SIZE))
        self.assertEqual(answer.headers["Content-Type"], "video/webm")
        self.assertEqual(answer.headers["Accept-Ranges"], "bytes")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertIn("sandbox", answer.headers["Content-Security-Policy"])
        head = self.fetch(url, "HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        for name in ("Content-Length", "Content-Type", "ETag"):
            self.assertEqual(head.headers[name], answer.headers[name])
        self.assertEqual(self.fetch(self.sent_to(method="HEAD")).body, self.content)
        empty = self.fetch(self.sent_to("empty"))
        self.assertEqual((empty.status, empty.body), (200, b""))
        self.assertEqual(self.fetch(url, "POST").status, 405)

    def test_ranges(self):
        self.check_ranges(self.sent_to(), 1000)

    def test_conditions(self):
        url = self.sent_to()
        etag = self.fetch(url, "HEAD").headers["ETag"]
        part = self.fetch(url, headers={"Range": "bytes=5-9", "If-Range": etag})
        self.assertEqual((part.status, part.body), (206, self.content[5:10]))
        whole = self.fetch(url, headers={"Range": "bytes=5-9", "If-Range": '"other"'})
        self.assertEqual((whole.status, whole.body), (200, self.content))
        end = self.fetch(url, headers={"Range": "bytes=-7"})
        self.assertEqual((end.status, end.body), (206, self.content[-7:]))
        rest = self.fetch(url, headers={"Range": "bytes=%d-" % (SIZE - 3)})
        self.assertEqual((rest.status, rest.body), (206, self.content[-3:]))
        beyond = self.fetch(url, headers={"Range": "bytes=%d-" % SIZE})
        self.assertEqual((beyond.status, beyond.headers["Content-Range"]), (416, "bytes */%d" % SIZE))

    def test_refused(self):
        request = self.cluster.request
        self.assertEqual(request("GET", "/media/" + cluster.encode_name(NAME), token=False)[0], 401)
        self.assertEqual(request("GET", "/media/none")[0], 404)
        self.assertEqual(request("GET", "/media/../x")[0], 400)
        url = self.sent_to()
        parts = urllib.parse.urlsplit(url)
        token = urllib.parse.parse_qs(parts.query)["t"][0]
        self.assertEqual(self.fetch(url.split("?")[0]).status, 401)
        self.assertEqual(self.fetch(url[:-3]).status, 401)
        self.assertEqual(self.fetch(url.replace("/v1/media/films", "/v1/media/other")).status, 403)
        for node in self.cluster.nodes:
            if node.port != parts.port:
                self.assertEqual(self.fetch(url.replace(parts.netloc, "127.0.0.1:%d" % node.port)).status, 421)
        # it opens no shard, and a viewer's token no URL
        session = self.cluster.session(NAME)
        shard = "%s-%08x.0" % (session["layout"]["version"], 0)
        gateway = "http://%s" % parts.netloc
        self.assertEqual(self.fetch("%s/v1/shards/%s" % (gateway, shard), headers={"Authorization": "Bearer " + token}).status, 403)
        self.assertEqual(self.fetch("%s?t=%s" % (url.split("?")[0], session["token"])).status, 403)


class Sessions(GatewayCase):
    """The session behind an answer: one for a viewer and a medium, as long as bytes flow, and no longer than the viewer may."""

    # let go after 6 s
    haste = 10
    control_options = {"default-redundancy": "2+1", "unit": "64KiB", "extent": "1MiB", "lease": "5"}
    # more than the kernel takes of an answer that nobody reads
    size = 32 * 1024 * 1024

    def sessions(self):
        return self.cluster.api("GET", "/sessions")["sessions"]

    def tearDown(self):
        for session in self.sessions():
            self.cluster.api("DELETE", "/sessions/" + session["id"], None, 204)
        super().tearDown()

    def begin(self, url):
        """An answer of which little was read: the rest waits for somebody who reads it."""
        connection, target = self.connect(url)
        self.addCleanup(connection.close)
        connection.request("GET", target)
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        return answer

    def read_slowly(self, answer, until):
        """Reads on and on, but not to the end, until something is true."""
        read = bytearray()

        def look():
            read.extend(answer.read(1024))
            return until()
        cluster.wait_for(look, "a slow viewer")
        return bytes(read)

    def test_bounded(self):
        """Each answer that is not taken holds memory: a viewer has a few at a time."""
        url = self.sent_to()
        answers = [self.begin(url) for _ in range(6)]
        refused = self.fetch(url)
        self.assertEqual((refused.status, refused.headers["Retry-After"]), (503, "1"))
        self.assertEqual(answers[0].read(), self.content)
        cluster.wait_for(lambda: self.fetch(url, "HEAD").status == 200, "an answer's place")

    def test_one_for_all_ranges(self):
        url = self.sent_to()
        for i in range(5):
            self.assertEqual(self.fetch(self.sent_to(), headers={"Range": "bytes=%d-%d" % (i, i)}).body, self.content[i:i + 1])
            self.assertEqual(self.fetch(url, headers={"Range": "bytes=%d-%d" % (i, i)}).body, self.content[i:i + 1])
        (session,) = self.sessions()
        self.assertEqual((session["user"], session["medium"], session["address"]), ("admin", NAME, "127.0.0.1"))
        self.fetch(self.sent_to("empty"))
        self.assertEqual(len(self.sessions()), 2)

    def test_renewed_and_let_go(self):
        url = self.sent_to()
        answer = self.begin(url)
        seen = {}

        def renewed():
            (session,) = self.sessions()
            seen.setdefault(session["id"], set()).add(session["expires"])
            return len(seen[session["id"]]) >= 4
        read = self.read_slowly(answer, renewed)
        self.assertEqual(len(seen), 1)
        self.assertEqual(read + answer.read(), self.content)
        cluster.wait_for(lambda: not self.sessions(), "the session to be let go")
        # the viewer comes back with the same URL
        self.assertEqual(self.fetch(url).body, self.content)
        (session,) = self.sessions()
        self.assertNotIn(session["id"], seen)

    def assert_ends(self, url, answer):
        """The URL opens nothing any more, and the answer that was under way ends short."""
        cluster.wait_for(lambda: self.fetch(url, "HEAD").status == 403, "the URL to be refused")
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            answer.read()
        self.assertEqual(self.fetch(url).status, 403)

    def test_ended(self):
        url = self.sent_to()
        answer = self.begin(url)
        (session,) = self.sessions()
        self.cluster.api("DELETE", "/sessions/" + session["id"], None, 204)
        self.assert_ends(url, answer)
        self.assertEqual(self.fetch(self.sent_to()).body, self.content)

    def test_logged_out(self):
        api = self.cluster.api
        api("POST", "/users", {"name": "anna", "password": "correct horse", "role": "viewer"}, 201)
        bearer = {"Authorization": "Bearer " + self.cluster.login("anna", "correct horse")}
        url = self.sent_to(headers=bearer)
        answer = self.begin(url)
        self.assertEqual([s["user"] for s in self.sessions()], ["anna"])
        self.assertEqual(self.cluster.request("POST", "/api/v1/logout", headers=bearer)[0], 204)
        self.assert_ends(url, answer)

    def test_deleted_medium(self):
        self.cluster.add("gone", self.content)
        url = self.sent_to("gone")
        answer = self.begin(url)
        self.cluster.delete("gone")
        self.assert_ends(url, answer)
        # a name that is used again is not what the URL was for
        self.cluster.add("gone", b"another")
        self.assertEqual(self.fetch(url).status, 403)

    def test_control_is_away(self):
        url, other = self.sent_to(), self.sent_to("empty")
        answer = self.begin(url)
        self.cluster.control.kill()
        try:
            self.assertEqual(answer.read(), self.content)
            # a seek of somebody who plays
            self.assertEqual(self.fetch(url, headers={"Range": "bytes=9-"}).body, self.content[9:])
            refused = self.fetch(other)
            self.assertEqual((refused.status, refused.headers["Retry-After"]), (503, "1"))
        finally:
            self.cluster.control.start()
        self.cluster.wait_nodes()
        self.assertEqual(self.fetch(url).body, self.content)
        self.assertEqual(self.fetch(other).status, 200)


class Trouble(GatewayCase):
    """Storage servers behind the gateway that are killed, silent, or give other bytes: no wrong byte, and no end."""

    nodes = 6
    control_options = {"default-redundancy": "4+2", "unit": "64KiB", "extent": "1MiB"}
    size = 48 * 1024 * 1024

    def others(self, url):
        """The nodes that are not the gateway of @url."""
        return [node for node in self.cluster.nodes if node.port != urllib.parse.urlsplit(url).port]

    def play(self, url, trouble):
        """Reads all of it; trouble begins on the way."""
        connection, target = self.connect(url)
        with contextlib.closing(connection):
            connection.request("GET", target)
            answer = connection.getresponse()
            read = answer.read(1024 * 1024)
            trouble()
            self.assertEqual(read + answer.read(), self.content)

    def test_killed_and_silent(self):
        url = self.sent_to()
        killed, silent = self.others(url)[:2]
        try:
            self.play(url, lambda: (killed.kill(), silent.pause()))
            # seeks of the same viewer
            self.check_ranges(url, 50)
        finally:
            silent.unpause()
            killed.start()
        self.cluster.wait_nodes()

    def test_gateway_killed(self):
        """A player that goes on elsewhere does so with another URL of the same answer; one that asks control again is sent elsewhere."""
        path = "/media/" + cluster.encode_name(NAME)
        _, headers, _ = self.cluster.request("GET", path)
        url, more = headers["Location"], re.findall("<([^>]*)>; rel=duplicate", headers["Link"])
        self.assertEqual(len({urllib.parse.urlsplit(u).port for u in [url, *more]}), 3)
        self.assertEqual(self.fetch(url, headers={"Range": "bytes=0-9"}).body, self.content[:10])
        before = self.cluster.api("GET", "/sessions")["sessions"]
        gateway = next(node for node in self.cluster.nodes if node.port == urllib.parse.urlsplit(url).port)
        gateway.kill()
        try:
            self.assertEqual(self.fetch(more[0], headers={"Range": "bytes=10-"}).body, self.content[10:])
            after = self.cluster.api("GET", "/sessions")["sessions"]
            self.assertEqual(len(after), len(before))
            self.assertNotEqual({s["id"] for s in after}, {s["id"] for s in before})
            cluster.wait_for(lambda: self.sent_to() != url and urllib.parse.urlsplit(self.sent_to()).port != gateway.port, "another gateway")
            self.assertEqual(self.fetch(self.sent_to()).body, self.content)
        finally:
            gateway.start()
        self.cluster.wait_nodes()

    def test_moves_on(self):
        """A viewer who has moved from gateway to gateway may go on by each URL that it was given."""
        for session in self.cluster.api("GET", "/sessions")["sessions"]:
            self.cluster.api("DELETE", "/sessions/" + session["id"], None, 204)
        path = "/media/" + cluster.encode_name(NAME)
        urls = {}

        def offered():
            _, headers, _ = self.cluster.request("GET", path)
            now = [headers["Location"], *re.findall("<([^>]*)>; rel=duplicate", headers["Link"])]
            self.assertEqual(len(now), 3)
            urls.update({self.gateway_of(url).id: url for url in now})
            return [self.gateway_of(url) for url in now]
        self.assertEqual(self.fetch(self.sent_to(), headers={"Range": "bytes=0-9"}).body, self.content[:10])
        gone = []
        try:
            for _ in range(2):
                gone.append(offered()[0])
                gone[-1].kill()
                cluster.wait_for(lambda: gone[-1] not in offered(), "another gateway")
        finally:
            for node in gone:
                node.start()
        self.cluster.wait_nodes()
        self.assertTrue(set(gone).isdisjoint(offered()))
        self.assertEqual(len(urls), 5)
        for at, url in enumerate([*urls.values(), *urls.values()]):
            answer = self.fetch(url, headers={"Range": "bytes=%d-%d" % (at, at + 9)})
            self.assertEqual((answer.status, answer.body), (206, self.content[at:at + 10]))
            # a gateway that was left ends the session's reader, and with it whatever would be read there
            cluster.wait_for(lambda: sum(self.metric(node, "gateway_readers") for node in self.cluster.nodes) <= 1, "the gateways that were left to know")
            self.assertEqual(len([s for s in self.cluster.api("GET", "/sessions")["sessions"] if s["medium"] == NAME]), 1)

    def test_lying(self):
        self.cluster.add("lies", self.content)
        url = self.sent_to("lies")
        for node in self.others(url)[:2]:
            for shard in node.shards():
                with open(node.shard_path(shard), "r+b") as file:
                    file.seek(300)
                    file.write(bytes(60000))
        self.play(url, lambda: None)
        self.check_ranges(url, 50)


class Own(GatewayCase):
    """What the gateway stores itself it reads from its disk, with the same care."""

    nodes = 3
    control_options = {"default-redundancy": "2+1", "unit": "64KiB", "extent": "1MiB", "repair": "on"}
    size = 24 * 1024 * 1024

    def test_from_disk(self):
        url = self.sent_to()
        node = self.gateway_of(url)
        before = self.metric(node, "requests_total")
        self.assertEqual(self.fetch(url).body, self.content)
        # a third of all shards; those of parity are read where that is faster
        self.assertGreater(self.metric(node, "gateway_own_bytes_total"), self.size // 12)
        # it did not ask itself: there are ours
        self.assertLess(self.metric(node, "requests_total") - before, 10)

    def test_damaged(self):
        """A shard that is lost, spoiled or short on the gateway's disk is masked, told to control, and made anew."""
        def cut(path):
            with open(path, "r+b") as file:
                file.truncate(path.stat().st_size // 2)

        def spoil(path):
            with open(path, "r+b") as file:
                file.seek(300)
                file.write(bytes(20000))
        for number, damage in enumerate((pathlib.Path.unlink, spoil, cut)):
            old = {node.id: set(node.shards()) for node in self.cluster.nodes}
            name = "film%d" % number
            self.cluster.add(name, self.content)
            url = self.sent_to(name)
            node = self.gateway_of(url)
            paths = [pathlib.Path(node.shard_path(shard)) for shard in sorted(set(node.shards()) - old[node.id]) if shard[-1] != "2"][:4]
            whole = [path.read_bytes() for path in paths]
            self.assertEqual(len(whole), 4)
            for path in paths:
                damage(path)
            self.assertEqual(self.fetch(url).body, self.content, damage)
            cluster.wait_for(lambda: all(path.exists() and path.read_bytes() == content for path, content in zip(paths, whole)), "the shards to be repaired")

    def test_ended(self):
        """An ended session opens no shard on the gateway's own disk either."""
        url = self.sent_to()
        connection, target = self.connect(url)
        with contextlib.closing(connection):
            connection.request("GET", target, headers={"Range": "bytes=0-9"})
            self.assertEqual(connection.getresponse().read(), self.content[:10])
        for session in self.cluster.api("GET", "/sessions")["sessions"]:
            self.cluster.api("DELETE", "/sessions/" + session["id"], None, 204)
        cluster.wait_for(lambda: self.fetch(url, "HEAD").status == 403, "the URL to be refused")
        before = self.metric(self.gateway_of(url), "gateway_own_bytes_total")
        self.assertEqual(self.fetch(url).status, 403)
        self.assertEqual(self.metric(self.gateway_of(url), "gateway_own_bytes_total"), before)


class Pulse(threading.Thread):
    """Tells how late a thread is that wants to run: with it the machine, not what is under test."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.worst = 0
        self.start()

    def run(self):
        before = time.monotonic()
        while not self.ended.wait(0.02):
            now = time.monotonic()
            self.worst = max(self.worst, now - before - 0.02)
            before = now


class Paced(GatewayCase):
    """A viewer who takes bytes at a steady pace while storage servers behind the gateway fail: none comes more than a second late."""

    nodes = 6
    control_options = {"default-redundancy": "4+2", "unit": "64KiB", "extent": "1MiB"}
    # more than the gateway has read ahead when the trouble begins
    size = 48 * 1024 * 1024
    # bytes/s: of two processors that other tests use, too
    RATE = 4 * 1024 * 1024
    TRIALS = 4
    STALL = 1
    BUSY = 0.2                      # the machine was, if a thread had to wait so long

    def play(self, name, trouble):
        """How late the latest byte comes (for ever, where the answer ends early), and how late the machine let a thread run."""
        pulse = Pulse()
        url = self.sent_to(name)
        connection, target = self.connect(url)
        late, read, begun, threads = 0, bytearray(), None, []
        with contextlib.closing(connection):
            connection.connect()
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            connection.request("GET", target)
            answer = connection.getresponse()
            while len(read) < self.size:
                at = len(read)
                piece = answer.read(64 * 1024)
                if not piece:
                    late = math.inf
                    break
                begun = begun or time.monotonic()
                late = max(late, time.monotonic() - begun - at / self.RATE)
                read += piece
                if trouble:
                    # beside the viewer, who waits for nobody
                    threads.append(threading.Thread(target=trouble, args=(self.gateway_of(url),)))
                    threads[0].start()
                    trouble = None
                time.sleep(max(0, begun + len(read) / self.RATE - time.monotonic()))
        pulse.ended.set()
        for thread in threads:
            thread.join()
        self.assertEqual(read, self.content[:len(read)] if late == math.inf else self.content)
        return late, pulse.worst

    def check(self, trouble, mend=lambda: None):
        """Each trial with a medium of its own, which no cache has."""
        for trial in range(self.TRIALS):
            name = "%s-%d" % (self.id(), trial)
            self.cluster.add(name, self.content)
            try:
                late, busy = self.play(name, trouble)
            finally:
                mend()
                self.cluster.wait_nodes()
            if late <= self.STALL or busy < self.BUSY:
                self.assertLessEqual(late, self.STALL)
                return
        self.skipTest("the machine is too busy to tell")

    def others(self, gateway):
        return [node for node in self.cluster.nodes if node is not gateway]

    def test_killed(self):
        down = []

        def trouble(gateway):
            down[:] = self.others(gateway)[:2]
            for node in down:
                node.kill()
        self.check(trouble, lambda: [node.start() for node in down])

    def test_silent(self):
        silent = []

        def trouble(gateway):
            silent[:] = self.others(gateway)[:2]
            for node in silent:
                node.pause()
        self.check(trouble, lambda: [node.unpause() for node in silent])

    def test_lying(self):
        def trouble(gateway):
            for node in self.others(gateway)[:2]:
                for shard in node.shards():
                    with open(node.shard_path(shard), "r+b") as file:
                        file.seek(300)
                        file.write(bytes(60000))
        self.check(trouble)

    def test_beyond_redundancy(self):
        """Nothing can be shown then: so the viewer does notice what is done. Whom a silent server has given nothing yet is told soon."""
        silent = []

        def trouble(gateway):
            silent[:] = self.others(gateway)[:3]
            for node in silent:
                node.pause()
            time.sleep(8)
            for node in silent:
                node.unpause()
        self.cluster.add("beyond", self.content)
        self.assertGreater(self.play("beyond", trouble)[0], self.STALL)
        self.cluster.wait_nodes()


class PacedTls(authority.WithTls, Paced):
    """The same behind TLS."""


class Tls(authority.WithTls, GatewayCase):
    """The same behind TLS."""

    def test_ranges(self):
        url = self.sent_to()
        self.assertTrue(url.startswith("https://"), url)
        self.assertEqual(self.fetch(url).body, self.content)
        self.check_ranges(url, 200)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
