# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages as files: which addresses have them, in which form, with which header fields, and what a server without pages says."""

import gzip
import http.client
import json
import re
import unittest

import cluster

PAGES = ("/", "/sign-in", "/library", "/library?q=a%2Bb", "/about/films/a.webm", "/watch/films/a.webm", "/account", "/admin/overview", "/admin/media/films/a.webm")
FIELDS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin"}


class Pages(cluster.TestCase):
    nodes = 1
    control_options = {"default-redundancy": "1+0"}

    def ask(self, path, method="GET", **fields):
        return self.cluster.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()}, token=False)

    def index(self, **fields):
        return self.ask("/", **fields)

    def built(self):
        """Whether this build has pages; a test of them is skipped where not."""
        if b'id="app"' not in self.index()[2]:
            self.skipTest("this build has no pages (npm)")

    def sign_in(self):
        status, headers, _ = self.cluster.request(
            "POST", "/api/v1/sign-in", json.dumps({"user": "admin", "password": self.cluster.password}),
            {"Content-Type": "application/json", "Origin": self.cluster.url, "X-PMSS": "1"}, token=False)
        self.assertEqual(status, 200)
        return headers["Set-Cookie"].partition(";")[0]

    def test_addresses(self):
        wanted = self.index()[2]
        for path in PAGES:
            status, headers, body = self.ask(path)
            self.assertEqual((status, body), (200, wanted), path)
            self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")
            self.assertEqual(headers["Cache-Control"], "no-cache")
            self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
            for name, value in FIELDS.items():
                self.assertEqual(headers[name], value)
        status, headers, body = self.ask("/", "HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(int(headers["Content-Length"]), len(wanted))
        self.assertEqual(self.ask("/library", "POST")[0], 405)
        # a browser that is lost gets a page, a program a problem
        status, headers, body = self.ask("/nowhere", Accept="text/html,*/*;q=0.8")
        self.assertEqual((status, headers["Content-Type"]), (404, "text/html; charset=utf-8"))
        for path, accept in (("/nowhere", "*/*"), ("/api/v1/nowhere", "text/html")):
            status, headers, _ = self.ask(path, Accept=accept)
            self.assertEqual((status, headers["Content-Type"]), (404, "application/problem+json"), path)
        # what is no page is as it was
        self.assertEqual(self.ask("/healthz", Accept="text/html")[1]["Content-Type"], "application/json")
        self.assertEqual(self.ask("/media/films/a.webm")[0], 401)

    def test_without_pages(self):
        """Who is led to sign in is told how, where there is no page for it."""
        if b'id="app"' in self.index()[2]:
            self.skipTest("this build has pages")
        status, headers, _ = self.ask("/media/film", Accept="text/html")
        self.assertEqual((status, headers["Location"]), (303, "/sign-in?next=%2Fmedia%2Ffilm"))
        status, headers, body = self.ask(headers["Location"], Accept="text/html")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        for words in (b"pmss login", b"pmss link NAME", b"-Dweb=enabled"):
            self.assertIn(words, body)

    def test_forms(self):
        self.built()
        plain = self.index()
        self.assertIsNone(plain[1]["Content-Encoding"])
        status, headers, body = self.index(Accept_Encoding="gzip, deflate")
        self.assertEqual((status, headers["Content-Encoding"], gzip.decompress(body)), (200, "gzip", plain[2]))
        self.assertIn("Accept-Encoding", headers["Vary"])
        self.assertEqual(self.index(Accept_Encoding="gzip, br")[1]["Content-Encoding"], "br")
        self.assertIsNone(self.index(Accept_Encoding="gzip;q=0")[1]["Content-Encoding"])

    def test_again(self):
        self.built()
        etag = self.index()[1]["ETag"]
        status, headers, body = self.index(If_None_Match='"x", ' + etag)
        self.assertEqual((status, body, headers["ETag"]), (304, b"", etag))
        # a cache would take it for the length of the page
        self.assertIsNone(headers["Content-Length"])
        connection = http.client.HTTPConnection(self.cluster.control.address, self.cluster.control.port, timeout=30)
        self.addCleanup(connection.close)
        for _ in range(3):
            connection.request("GET", "/", headers={"If-None-Match": "*"})
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.read(), answer.headers["Connection"]), (304, b"", None))
            # the next one goes over the same connection
            connection.auto_open = 0
        self.assertEqual(self.index(If_None_Match='"x"')[0], 200)

    def test_assets(self):
        self.built()
        names = re.findall(r'(?:src|href)="(/assets/[^"]+)"', self.index()[2].decode())
        self.assertEqual(len(names), 4)
        for name in names:
            status, headers, body = self.ask(name, Accept_Encoding="gzip")
            self.assertEqual((status, headers["Content-Encoding"]), (200, "gzip"), name)
            self.assertEqual(headers["Cache-Control"], "public, max-age=31536000, immutable")
            self.assertEqual(gzip.decompress(body), self.ask(name)[2])
            self.assertNotEqual(headers["ETag"], self.ask(name)[1]["ETag"])
            self.assertEqual(self.ask(name, If_None_Match=self.ask(name)[1]["ETag"])[0], 304)
            for name_, value in FIELDS.items():
                self.assertEqual(headers[name_], value)
        for name in ("/assets/none.js", names[0] + ".gz", "/assets/..%2findex.html", "/assets/%2e%2e/index.html", "/assets/../index.html", "/assets/"):
            self.assertIn(self.ask(name)[0], (400, 404), name)

    def test_nodes_are_told_to_users(self):
        """The policy lets a page fetch from the storage servers. Strangers do not hear of them."""
        node = "http://127.0.0.1:%d" % self.cluster.nodes[0].port
        stranger = self.index()
        self.assertNotIn(node, stranger[1]["Content-Security-Policy"])
        cookie = self.sign_in()
        status, headers, _ = self.index(Cookie=cookie)
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";") if " " in part.strip())
        self.assertEqual(policy["connect-src"].split(), ["'self'", node])
        self.assertEqual(policy["media-src"].split(), ["'self'", "blob:", node])
        self.assertEqual(policy["script-src"], "'self'")
        self.assertNotIn(node, self.index(Cookie=cookie + "x")[1]["Content-Security-Policy"])
        if stranger[1]["ETag"]:
            # a browser that has the page hears of the new policy
            self.assertEqual(self.index(Cookie=cookie, If_None_Match=stranger[1]["ETag"])[0], 200)

    def test_first_load(self):
        """What the library needs to be drawn, compressed: 100 KiB at most."""
        self.built()
        seen, waiting, size = set(), ["/"], 0
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            size += len(self.ask(path, Accept_Encoding="gzip")[2])
            text = self.ask(path)[2].decode()
            waiting += re.findall(r'(?:src|href)="(/assets/[^"]+)"', text)
            # what a module imports at once; import() is for later
            waiting += ["/assets/" + name for name in re.findall(r'(?:from|import)"\./([^"]+)"', text)]
        self.assertGreater(len(seen), 4)
        self.assertLess(size, 100 * 1024)
        print("first load: %d bytes in %d files" % (size, len(seen)))


if __name__ == "__main__":
    unittest.main()
