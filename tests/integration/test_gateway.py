# SPDX-License-Identifier: LGPL-2.1-or-later
"""Media over plain HTTP: control sends to a gateway, which answers whole media and ranges, byte by byte as they were uploaded."""

import contextlib
import http.client
import random
import sys
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

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.content = random.Random(1).randbytes(SIZE)
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

    def check_ranges(self, url, number):
        connection, target = self.connect(url)
        dice = random.Random(2)
        with contextlib.closing(connection):
            for _ in range(number):
                first = dice.randrange(SIZE)
                last = min(SIZE - 1, first + dice.choice([0, 1, 100, 4096, 70000, SIZE]))
                connection.request("GET", target, headers={"Range": "bytes=%d-%d" % (first, last)})
                answer = Answer(connection.getresponse())
                self.assertEqual(answer.status, 206)
                self.assertEqual(answer.headers["Content-Range"], "bytes %d-%d/%d" % (first, last, SIZE))
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


class Tls(authority.WithTls, GatewayCase):
    """The same behind TLS."""

    def test_ranges(self):
        url = self.sent_to()
        self.assertTrue(url.startswith("https://"), url)
        self.assertEqual(self.fetch(url).body, self.content)
        self.check_ranges(url, 200)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
