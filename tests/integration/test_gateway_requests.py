# SPDX-License-Identifier: LGPL-2.1-or-later
"""A gateway among hostile parties, further ones: odd URLs and heads, media that are pages, and a control server that lies."""

import contextlib
import http.client
import http.server
import json
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

import authority
import cluster
from cluster import wait_for
from test_gateway_hostile import MIB, HostileCase, secret_of, token_of


class Requests(HostileCase):
    """What is in a URL or a head, and how a medium of somebody else is sent."""

    def test_names(self):
        names = ["a;b", "a%2fb", "%2e%2e", "..a", "a..", "..;a/b", "a?b#c", "a&t=x", "t=", "+ +", "%00", "%", "'\"<b>", "ünï/çödé", "日本語", "\U0001f3ac",
                 "a b/c d", "~!$&'()*,:@", "/".join(4 * ["x" * 255]), "/".join(4 * ['"' * 255]), "/".join(4 * ["é" * 127]), "{name+}", "v1/media/x", "javascript:alert(1)"]
        for number, name in enumerate(names):
            body = b"medium %d" % number
            self.cluster.add(name, body)
            url = self.sent_to(name)
            self.assertRegex(url, r"^https?://127\.0\.0\.1:\d+/v1/media/[-A-Za-z0-9._~!$&'()*+,;=:@%/]+\?t=[-\w.]+$")
            answer = self.fetch(url)
            self.assertEqual((answer.status, answer.body), (200, body), name)

    def test_odd_targets(self):
        """Nothing but the medium's own name opens it, and nothing opens anything else."""
        url = self.sent_to()
        parts = urllib.parse.urlsplit(url)
        name = parts.path[len("/v1/media/"):]
        odd = ["", "/", "..", "../media/" + name, "./" + name, "//" + name, name + "/", name + "/..", name + "%00", name + "%00.mp4", "%2e%2e%2f" + name,
               name.replace("%", "%25"), name + ";x", name + "%3ft=x", name.upper(), name + "%c0%af", "%ff", "%ed%a0%80", "%", "%zz", "a" * 7000,
               "a" * 20000, name + "%0d%0aX-A:%20b", "%0a", "%7f", "..%5c..%5cetc", "shards", "/../../../etc/passwd"]
        for target in odd:
            client = self.dial(url)
            client.sendall(("GET /v1/media/%s?%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % (target, parts.query)).encode())
            heard = b"".join(iter(lambda: client.recv(65536), b""))
            status = int(heard.split(b" ", 2)[1]) if heard else 0
            self.assertIn(status, (0, 400, 403, 404, 414, 431), target)
            self.assertNotIn(b"root:", heard)
            self.assertNotIn(b"X-A:", heard)
        for target in odd:
            connection, _ = self.connect(self.cluster.url)
            with contextlib.closing(connection):
                connection.request("GET", "/media/" + target, headers={"Authorization": "Bearer " + self.cluster.token})
                answer = connection.getresponse()
                self.assertIn(answer.status, (400, 404, 414, 431), target)
                self.assertIsNone(answer.headers["Location"])

    def test_odd_ranges(self):
        url = self.sent_to()
        connection, target = self.connect(url)
        # what is asked for, and what the answer may be
        size = len(self.content)
        bad = ["bytes=5-4", "bytes=-", "bytes=a-b", "bytes=1-2x", "bytes= 1-2", "bytes=+1-2", "bytes=0x1-2", "bytes=1--2", "bytes=--2", "bytes=1",
               "bytes=99999999999999999999-", "bytes=0-99999999999999999999", "bytes=-99999999999999999999", "bytes=%d-0" % (1 << 63)]
        none = ["bytes=%d-" % size, "bytes=-0", "bytes=%d-%d" % (1 << 60, (1 << 60) + 1), "bytes=0-0,1-1", "bytes=" + ",".join("%d-" % n for n in range(1000))]
        with contextlib.closing(connection):
            for header, statuses in [(b, (400, 416)) for b in bad] + [(n, (416,)) for n in none]:
                connection.request("GET", target, headers={"Range": header})
                answer = connection.getresponse()
                body = answer.read()
                self.assertIn(answer.status, statuses, header)
                self.assertLess(len(body), 1000)
            for header in ("lines=1-2", "x", "bytes", ""):
                connection.request("HEAD", target, headers={"Range": header})
                answer = connection.getresponse()
                answer.read()
                self.assertIn(answer.status, (200, 400), header)
            for condition in ('"x"', 'W/"x"', "x", "Mon, 01 Jan 2024 00:00:00 GMT", "", "*"):
                connection.request("HEAD", target, headers={"Range": "bytes=0-0", "If-Range": condition})
                answer = connection.getresponse()
                answer.read()
                self.assertEqual((answer.status, answer.headers["Content-Length"]), (200, str(size)), condition)
        client = self.raw(url, "Range: bytes=0-0\r\nRange: bytes=1-1\r\n")
        self.assertIn(b" 400 ", client.recv(1024))
        # it may be cut before all of it is sent
        with contextlib.suppress(OSError):
            client = self.raw(url, "".join("X-%d: y\r\n" % n for n in range(5000)))
            self.assertIn(client.recv(1024)[:12], (b"HTTP/1.1 431", b"HTTP/1.1 400", b""))
        self.assertEqual(self.fetch(url).body, self.content)

    def test_pages(self):
        """A medium that is a page or a script runs nothing, whatever type it has."""
        page = b"<!DOCTYPE html><script>document.title = 'ran'</script><body onload=\"document.title = 'ran'\"><form action=/>"
        picture = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>document.title = 'ran'</script></svg>"
        for number, (kind, body) in enumerate([("text/html", page), ("image/svg+xml", picture), ("application/xhtml+xml", page), ("text/javascript", b"x"),
                                               ("text/html;charset=utf-7", page), ("application/pdf", b"%PDF-"), ("multipart/x-mixed-replace;boundary=x", page),
                                               ("video/mp4", page), ("text/html;\u00a0x", None), ("text/html\r\nX-A: b", None), ("", page)]):
            name = "page%d" % number
            if body is None:
                self.assert_status(400, self.cluster.put, name, page, content_type=kind)
                continue
            self.cluster.add(name, body, **({"content_type": kind} if kind else {}))
            for headers in ({}, {"Range": "bytes=0-0"}, {"Range": "bytes=99999-"}):
                answer = self.fetch(self.sent_to(name), headers=headers)
                self.assertIn(answer.status, (200, 206, 416))
                if answer.status != 416:
                    self.assertEqual(answer.headers["Content-Type"], kind or answer.headers["Content-Type"])
                    self.assertTrue(answer.headers["Content-Type"])
                    self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
                    policy = answer.headers["Content-Security-Policy"]
                    self.assertIn("default-src 'none'", policy)
                    self.assertRegex(policy, r"sandbox(;|$)")
                    self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
                else:
                    self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
                self.assertIsNone(answer.headers["X-A"])
                self.assertIsNone(answer.headers["Access-Control-Allow-Origin"])

    def show(self, url):
        """What Chromium makes of a page."""
        chromium = shutil.which("chromium")
        if not chromium or cluster.PATIENCE > 1:
            self.skipTest("chromium is not installed, or a sanitizer makes it too slow")
        with tempfile.TemporaryDirectory() as profile:
            done = subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", "--user-data-dir=" + profile,
                                   "--dump-dom", url],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
        return done.stdout.decode()

    def url_of_page(self, origin, host=None, **more):
        """Where control sends a page at @origin, which it takes for its own where it was asked as @host."""
        headers = {"Host": host or urllib.parse.urlsplit(origin).netloc}
        return self.sent_to(headers=headers | ({"Origin": origin} if origin else {}), **more)

    def allowed(self, url, origin, method="GET", **headers):
        answer = self.fetch(url, method, {"Origin": origin} | headers)
        self.assertIn("Origin", answer.headers["Vary"])
        return answer.status, answer.headers["Access-Control-Allow-Origin"], answer

    def test_origins(self):
        """A page of the control server reads the answers, and no other page does."""
        scheme = self.cluster.url.split(":")[0]
        other_scheme = "http" if self.cluster.tls else "https"
        ours = scheme + "://pmss.example:8470"
        url = self.url_of_page(ours)
        status, allowed, answer = self.allowed(url, ours, Range="bytes=0-9")
        self.assertEqual((status, allowed, answer.body), (206, ours, self.content[:10]))
        exposed = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
        self.assertLessEqual({"Accept-Ranges", "Content-Length", "Content-Range", "ETag"}, exposed)
        self.assertIsNone(answer.headers["Access-Control-Allow-Credentials"])
        self.assertEqual(self.allowed(url, ours, "HEAD")[:2], (200, ours))
        self.assertEqual(self.allowed(url, ours, Range="bytes=%d-" % len(self.content))[:2], (416, ours))
        preflight = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-range,range"}
        status, allowed, answer = self.allowed(url, ours, "OPTIONS", **preflight)
        self.assertEqual((status, allowed, answer.body), (204, ours, b""))
        self.assertEqual(answer.headers["Access-Control-Allow-Methods"], "GET, HEAD")
        self.assertEqual(answer.headers["Access-Control-Allow-Headers"], "Range, If-Range")
        self.assertGreaterEqual(int(answer.headers["Access-Control-Max-Age"]), 600)
        for other in (scheme + "://pmss.example", other_scheme + "://pmss.example:8470", ours + "0", ours + ".evil.example", "null", "*",
                      "http://evil.example", "https://evil.example", ours + "/", ours.upper(), ours + ", http://evil.example"):
            self.assertEqual(self.allowed(url, other, Range="bytes=0-0")[:2], (206, None), other)
            status, allowed, answer = self.allowed(url, other, "OPTIONS", **preflight)
            self.assertEqual((status, allowed, answer.headers["Access-Control-Allow-Headers"]), (204, None, None), other)
        # no token: nothing is said of any origin
        for wrong in (url.split("?")[0], url[:-3]):
            for method in ("GET", "OPTIONS"):
                answer = self.fetch(wrong, method, {"Origin": ours})
                self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (401, None))
        # asked by a page of another server: it plays, but is not read
        for foreign in (scheme + "://evil.example", "null"):
            url = self.url_of_page(foreign, "pmss.example:8470")
            for origin in (foreign, ours):
                self.assertEqual(self.allowed(url, origin)[:2], (200, None))
        # a video element says no origin to control, and one to the gateway
        for host in ("192.0.2.7", "[2001:db8::7]:8470"):
            origin = "%s://%s" % (scheme, host)
            self.assertEqual(self.allowed(self.sent_to(headers={"Host": host}), origin)[:2], (200, origin))

    def test_origins_in_a_browser(self):
        """As Chromium has it, with a preflight: a page of control's origin gets the bytes, one of another gets none."""
        pages = {}

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = pages.get(self.path, b"")
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass
        servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) for _ in range(2)]
        for server in servers:
            if self.cluster.tls:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(self.certificate["tls-certificate"], self.certificate["tls-key"])
                server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
        ours, other = ("%s://127.0.0.1:%d" % (self.cluster.url.split(":")[0], server.server_port) for server in servers)
        url = self.url_of_page(ours)
        etag = self.fetch(url, "HEAD").headers["ETag"]
        pages["/"] = ("""<!DOCTYPE html><p id=p></p><script>
            let said = "nothing";
            try {
              const x = new XMLHttpRequest();
              x.open("GET", %s, false);
              x.setRequestHeader("Range", "bytes=5-9");
              x.setRequestHeader("If-Range", %s);
              x.overrideMimeType("text/plain; charset=x-user-defined");
              x.send();
              said = [x.status, x.getResponseHeader("Content-Range"), ...[...x.response].map(c => c.charCodeAt(0) & 255)].join(" ");
            } catch (error) { }
            document.getElementById("p").textContent = said;</script>""" % (json.dumps(url), json.dumps(etag))).encode()
        whole = "206 bytes 5-9/%d %s" % (len(self.content), " ".join(map(str, self.content[5:10])))
        self.assertIn(">%s<" % whole, self.show(ours + "/"))
        self.assertIn(">nothing<", self.show(other + "/"))

    def test_pages_in_a_browser(self):
        """The same, as Chromium has it; a page of our own shows that it runs scripts at all."""
        script = b"document.documentElement.setAttribute('data-ran', 'yes')"
        page = b"<!DOCTYPE html><html><body><script>" + script + b"</script><p>read</p></body></html>"
        picture = b"<svg xmlns='http://www.w3.org/2000/svg'><script>" + script + b"</script><text>read</text></svg>"
        self.cluster.add("page", page, content_type="text/html")
        self.cluster.add("picture", picture, content_type="image/svg+xml")
        own = self.cluster.folder / "own.html"
        own.write_bytes(page)
        self.assertIn('data-ran="yes"', self.show("file://%s" % own))
        for name in ("page", "picture"):
            dom = self.show(self.sent_to(name))
            self.assertIn("read", dom)
            self.assertNotIn("data-ran=", dom)

    def test_refused_to_people(self):
        """A browser shows a page, in which nothing of the request becomes markup; a program gets what it can read."""
        browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
        programs = [{}, {"Accept": "*/*"}, {"Accept": "application/json, text/html"}, {"Accept": "text/html;q=0"}, {"Accept": "video/*"},
                    {"Accept": "text/htmlx"}, {"Accept": "application/problem+json"}]

        def assert_page(status, fields, body, text):
            self.assertEqual(fields["Content-Type"], "text/html; charset=utf-8")
            self.assertIn("Accept", ",".join(fields.get_all("Vary")))
            self.assertIn("default-src 'none'", fields["Content-Security-Policy"])
            self.assertEqual(fields["Referrer-Policy"], "no-referrer")
            self.assertIn(b"<title>%s</title>" % text.encode(), body)
            self.assertNotIn(b"<b>", body)
            self.assertNotIn(b"v4.public", body)

        def assert_problem(status, fields, body):
            self.assertEqual(fields["Content-Type"], "application/problem+json")
            self.assertEqual(json.loads(body)["status"], status)
        control = self.cluster.request
        odd = "/media/" + urllib.parse.quote("<b>\"'&amp;")
        for path, more, status, text in ((odd, {}, 404, "Not Found"), (odd + "?link=x", {}, 403, "Forbidden")):
            answer = control("GET", path, headers=browser | more)
            self.assertEqual(answer[0], status)
            assert_page(*answer, text)
            for accept in programs:
                answer = control("GET", path, headers=accept | more)
                self.assertEqual(answer[0], status)
                assert_problem(*answer)
        # led to sign in, and back
        for headers in (browser, browser | {"Cookie": "pmss=x"}):
            status, fields, body = control("GET", odd, headers=headers, token=False)
            self.assertEqual((status, body, fields["Cache-Control"]), (303, b"", "no-store"))
            parts = urllib.parse.urlsplit(fields["Location"])
            self.assertEqual((parts.scheme, parts.netloc, parts.path), ("", "", "/sign-in"))
            self.assertEqual(urllib.parse.parse_qs(parts.query), {"next": [odd]})
        self.assertEqual(control("GET", odd, headers=browser | {"Authorization": "Bearer x"}, token=False)[0], 401)
        for accept in programs:
            answer = control("GET", odd, headers=accept, token=False)
            self.assertEqual((answer[0], answer[1]["Location"]), (401, None))
            assert_problem(*answer)
        # the rest of the API is for programs
        assert_problem(*control("GET", "/api/v1/media/none", headers=browser))
        # at the gateway
        url = self.sent_to()
        wrong = url.replace("/v1/media/", "/v1/media/" + urllib.parse.quote("<b>"))
        for target, status, text in ((wrong, 403, "Forbidden"), (url[:-3], 401, "Unauthorized"), (url.split("?")[0], 401, "Unauthorized")):
            answer = self.fetch(target, headers=browser)
            self.assertEqual(answer.status, status)
            assert_page(status, answer.headers, answer.body, text)
            for accept in programs:
                answer = self.fetch(target, headers=accept)
                self.assertEqual(answer.status, status)
                assert_problem(status, answer.headers, answer.body)
        self.assertEqual(self.fetch(url, headers=browser).body, self.content)

    def test_nothing_is_told(self):
        """No token in any log, and none in the log of events."""
        token = self.user("hanna")
        url = self.url_for(token)
        self.assertEqual(self.fetch(url, headers={"Authorization": "Bearer " + token, "Referer": url}).status, 200)
        self.assertEqual(self.fetch(url[:-2]).status, 401)
        self.assertEqual(self.fetch(url.replace("/films", "/other")).status, 403)
        self.assertEqual(self.fetch(url, headers={"Range": "bytes=x-"}).status, 400)
        answer = self.cluster.request("GET", "/media/none?t=%s" % token_of(url), headers={"Authorization": "Bearer " + token, "Referer": url})
        self.assertEqual(answer[0], 404)
        self.assertNotIn(token_of(url).encode(), answer[2])
        self.ask("POST", "/logout", token)
        wait_for(lambda: self.fetch(url, "HEAD").status in (401, 403), "the URL to be refused")
        told = [server.log.read_text(errors="replace") for server in (self.cluster.control, *self.cluster.nodes)]
        told.append(json.dumps(self.cluster.api("GET", "/events?limit=1000")))
        for text in told:
            self.assertNotIn(token, text)
            self.assertNotIn(token_of(url)[:60], text)
            for node in self.cluster.nodes:
                self.assertNotIn(secret_of(node), text)


class RequestsTls(authority.WithTls, Requests):
    """The same behind TLS."""


class Relay(http.server.ThreadingHTTPServer):
    """Stands before control for the storage servers. What it answers to a gateway that opens a session is up to the test."""

    daemon_threads = True
    lie = None                      # (status, headers, body) -> the same; body may be an iterator that does not end
    control = None

    def __init__(self):
        super().__init__(("127.0.0.1", 0), RelayHandler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class RelayHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.control.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            status, fields, content = answer.status, {"Content-Type": answer.headers["Content-Type"] or "text/plain"}, answer.read()
        if self.path.startswith("/api/v1/tickets/") and self.server.lie:
            status, fields, content = self.server.lie(status, fields, content)
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        if isinstance(content, bytes):
            content = [content]
            self.send_header("Content-Length", str(len(content[0])))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        with contextlib.suppress(OSError):
            for piece in content:
                self.wfile.write(piece)

    do_GET = do_PUT = do_DELETE = do_POST = do_PATCH = pass_on


class Relayed(cluster.Cluster):
    """Whose storage servers speak to control through a relay."""

    relay = None

    def __init__(self, *arguments, **more):
        self.relay = Relay()
        super().__init__(*arguments, **more)

    @property
    def url(self):
        self.relay.control = self.control
        return "http://127.0.0.1:%d" % self.relay.server_port

    def close(self, keep=False):
        self.relay.shutdown()
        self.relay.server_close()
        super().close(keep)


class Liar(HostileCase):
    """A control server that lies, or somebody in its place: no wrong byte, no end, no growth."""

    nodes = 3
    make_cluster = Relayed

    def lies(self):
        def changed(change):
            def lie(status, fields, content):
                answer = json.loads(content)
                change(answer)
                return status, fields, json.dumps(answer).encode()
            return lie

        def endless(status, fields, content):
            def pieces():
                yield content[:-1]
                while True:
                    yield b" " * 65536
            return status, fields, pieces()

        def layout(**values):
            return changed(lambda answer: answer["layout"].update(values))
        yield "an endless answer", endless
        yield "half an answer", lambda s, f, c: (s, f, c[:len(c) // 2])
        yield "no JSON", lambda s, f, c: (s, {"Content-Type": "text/html"}, b"<html>")
        yield "nothing", lambda s, f, c: (s, f, b"")
        yield "deep JSON", lambda s, f, c: (s, f, b"[" * 100000)
        yield "another status", lambda s, f, c: (204, {}, b"")
        yield "another server", lambda s, f, c: (307, {"Location": "http://127.0.0.1:%d/" % self.spy.server_port}, b"")
        yield "no token", changed(lambda a: a.pop("token"))
        yield "another token", changed(lambda a: a.update(token="x"))
        yield "a token with a line", changed(lambda a: a.update(token="x\r\nX-A: b"))
        yield "a token that is too long", changed(lambda a: a.update(token="A" * 100000))
        yield "a lease of nothing", changed(lambda a: a.update(lease=0))
        yield "a type with a line", changed(lambda a: a["medium"].update(content_type="text/html\r\nX-A: b"))
        for values in ({"k": 0}, {"k": 255, "m": 255}, {"k": -1}, {"unit": 0}, {"unit": 1 << 60}, {"unit": 3}, {"extent": 1}, {"size": -1},
                       {"size": 1 << 62}, {"size": 1}, {"extents": []}, {"extents": [[0, 0, 0]]}, {"extents": [[1 << 31] * 3]}, {"nodes": []}, {"version": "x"},
                       {"nodes": [{"id": 1, "address": "127.0.0.1", "port": 1, "tls": False}] * 3}, {"first": 1 << 31}):
            yield "layout %s" % values, layout(**values)

    def test_lies(self):
        self.spy = Relay()
        self.spy.control = self.cluster.control
        self.addCleanup(self.spy.server_close)
        self.addCleanup(self.spy.shutdown)
        heard = []
        self.spy.lie = None
        self.spy.RequestHandlerClass = type("Spy", (RelayHandler,), {"parse_request": lambda handler: heard.append(handler.raw_requestline) and False})
        relay = self.cluster.relay
        for number, (what, lie) in enumerate(self.lies()):
            name = "film%d" % number
            self.cluster.add(name, self.content[:300000])
            url = self.sent_to(name)
            node = self.gateway_of(url)
            memory = self.usage(node)[0]
            relay.lie = lie
            begun = time.monotonic()
            try:
                answer = self.fetch(url)
            except http.client.IncompleteRead as short:
                self.assertEqual(short.partial, self.content[:len(short.partial)], what)
                self.assertLess(len(short.partial), 300000, what)
            else:
                self.assertIsNone(answer.headers["X-A"], what)
                self.assertIn(answer.status, (200, 502, 503), what)
                if answer.status == 200:
                    self.assertEqual(answer.body, self.content[:len(answer.body)], what)
            finally:
                relay.lie = None
            self.assertLess(time.monotonic() - begun, 15 * cluster.PATIENCE, what)
            self.assertLess(self.usage(node)[0] - memory, 64 * MIB * cluster.PATIENCE, what)
            self.assertTrue(node.running(), what)
        self.assertEqual(heard, [])
        self.cluster.add("last", self.content)
        self.assertEqual(self.fetch(self.sent_to("last")).body, self.content)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
