# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-control: requests that mean no good are refused with a 4xx, change nothing, and the server goes on."""

import http.client
import json
import os
import socket
import unittest
import urllib.parse

import cluster
from own_address import own_address


class HostileTest(cluster.TestCase):
    nodes = 0
    control_options = {"max-connections": "200"}

    def tearDown(self):
        self.assertEqual(self.cluster.request("GET", "/healthz", token=False)[0], 200)
        self.assertEqual(self.cluster.api("GET", "/media"), {"media": [], "total": 0, "next": None})
        self.assertTrue(self.cluster.control.running())

    def raw(self, data, port=None):
        """What comes back for these bytes, until the server closes."""
        with socket.create_connection(("127.0.0.1", self.cluster.control.port), timeout=30) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            answer = b""
            try:
                while True:
                    more = s.recv(65536)
                    if not more:
                        break
                    answer += more
            except ConnectionResetError:
                pass
            return answer

    def status_of(self, method, path):
        """The path as it is: http.client would refuse some of them."""
        head = "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n" % (
            method, path, self.cluster.token)
        answer = self.raw(head.encode("latin-1"))
        return int(answer.split()[1]) if answer else 0

    def test_names(self):
        for name in ("..", "../x", "a/../b", "a/..", ".", "a/./b", "%2e%2e", "%2e%2e/x", "a/%2e%2e/b", "a%2f..%2fb", "a%2Fb",
                     "%2f", "a//b", "a/", "/a", "%00", "a%00b", "a%0ab", "a%0d%0aSet-Cookie:%20x", "%7f", "a%5cb", "%c2%80",
                     "%ff", "%c0%ae%c0%ae", "%ed%a0%80", "%", "%2", "%zz", "a%2", "%25%32%65/%", "x" * 256, "a/" * 600 + "a"):
            for method in ("GET", "DELETE"):
                self.assertIn(self.status_of(method, "/api/v1/media/" + name), (400, 404, 414, 431), name[:40])
        for name in ("..", "%2e%2e", "a%2fb"):
            self.assertIn(self.status_of("GET", "/api/v1/media/" + name), (400,), name)
        for path in ("/../etc/passwd", "/api/v1/../../etc/passwd", "/api/v1/users/..%2fadmin", "/api/v1/users/%2e%2e/password",
                     "/api/v1/%6dedia%00", "http://evil/api/v1/media", "*", "", "/api/v1/media\x00", "/api/v1/media?a=%00",
                     "/api/v1/media?limit=1&limit=2"):
            status = self.status_of("GET", path)
            # libmicrohttpd 1.0 may close on a NUL without a word
            self.assertTrue(400 <= status < 500 or (status == 0 and "\x00" in path), (path, status))

    def test_hidden(self):
        """What nobody sees in a new name or a title is refused in both kinds of uploads; joiners that a script needs are taken."""
        def put(name, title=None):
            path = "/api/v1/media/" + cluster.encode_name(name) + ("?title=" + urllib.parse.quote(title) if title else "")
            status, _, body = self.cluster.request("PUT", path, b"x")
            tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "1",
                   "Upload-Metadata": cluster.encode_metadata(**{"name": name, **({"title": title} if title else {})})}
            self.assertEqual(self.cluster.request("POST", "/api/v1/uploads", None, tus)[0], status, (name, title))
            return status, json.loads(body)["detail"]

        for text in ("\u202egpj.exe", "a\u2066b", "a\u200fb", "a\u200bb", "a\ufeffb", "a\u00adb", "a\u2028b", "a\u200db", "a\ufe0f",
                     "\u3164", "a\U000e0041"):
            status, detail = put("films/" + text)
            self.assertEqual(status, 400, text)
            self.assertIn("invisible", detail)
            self.assertEqual(put("films/x", text)[0], 400, text)
        self.assertEqual(put("films/x", "\x1b[31m")[0], 400)
        status, detail = put("films/e\u0301")
        self.assertEqual(status, 400)
        self.assertIn("composed", detail)
        # there is no storage server: that these are refused for, and for nothing else
        for text in ("\u0645\u06cc\u200c\u062e", "\U0001f468\u200d\U0001f469", "\u00e9", "日本語"):
            self.assertEqual(put("films/" + text, text)[0], 507, text)

    def test_queries(self):
        for query in ("limit=0", "limit=-1", "limit=1001", "limit=x", "limit=", "limit=1e3", "limit=+1", "limit=%201",
                      "limit=99999999999999999999"):
            self.assertEqual(self.status_of("GET", "/api/v1/media?" + query), 400, query)
        for prefix in ("'", "%25", "%5f", "';DROP%20TABLE%20medium;--", "%f4%8f%bf%bf"):
            self.assertEqual(self.status_of("GET", "/api/v1/media?prefix=" + prefix), 200, prefix)
            self.assertEqual(self.status_of("GET", "/api/v1/media?after=" + prefix), 200, prefix)

    def login(self, body, **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
        return self.cluster.request("POST", "/api/v1/login", body, headers, token=False)[0]

    def test_documents(self):
        good = {"user": "admin", "password": self.cluster.password}
        self.assertEqual(self.login(good), 200)
        text = json.dumps(good).encode()
        for body in (b"", b"null", b"[]", b"1", b"\"x\"", b"{", b"{}", b"{\"user\":}", text + b"x", text + text, b"\xff" + text,
                     b"{\"user\":\"admin\",\"user\":\"admin\",\"password\":\"x\"}", b"[" * 10000, b"{\"a\":" * 10000,
                     b"{\"user\":" + b"[" * 1000 + b"]" * 1000 + b"}", b"/* */" + text, text[:-1] + b",}", b"{'user':'admin'}",
                     json.dumps(dict(good, user=["admin"])).encode(), json.dumps(dict(good, user={})).encode(),
                     json.dumps(dict(good, password=1)).encode(), json.dumps(dict(good, password=None)).encode(),
                     json.dumps(dict(good, password=True)).encode(), json.dumps(dict(good, more=1)).encode(),
                     json.dumps(dict(good, user="admin\u0000")).encode(), json.dumps(dict(good, user="\ud800")).encode(),
                     json.dumps(dict(good, user="a" * 5000)).encode(), json.dumps(dict(good, password="a" * 5000)).encode()):
            self.assertEqual(self.login(body), 400, body[:60])
        self.assertEqual(self.login(text, **{"Content-Type": "text/plain"}), 415)
        self.assertEqual(self.login(b" " * (65 * 1024) + text), 413)
        self.assertEqual(self.login(b" " * 1024 + text), 200)

    def test_body_where_none_is(self):
        status = self.cluster.request("GET", "/api/v1/media", b"x")[0]
        self.assertEqual(status, 400)

    def test_injection(self):
        for user in ("admin' --", "' OR '1'='1", "admin\"; DROP TABLE user; --", "admin%", "<script>"):
            self.assertIn(self.login({"user": user, "password": "x' OR '1'='1"}), (401, 429), user)
        self.assertEqual(len(self.cluster.api("GET", "/users")["users"]), 1)

    def test_smuggling(self):
        head = b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        tail = b"GET /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + self.cluster.token.encode() + b"\r\n\r\n"
        for fields in (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 2\r\nContent-Length: 3\r\n",
                       b"Transfer-Encoding: chunked\r\n", b"Content-Length: -1\r\n", b"Content-Length: +2\r\n",
                       b"Content-Length: 18446744073709551619\r\n", b"Content-Length : 2\r\n", b"Host: y\r\nContent-Length: 2\r\n"):
            answer = self.raw(head + fields + b"\r\n{}" + tail)
            self.assertTrue(answer == b"" or answer.split()[1].startswith(b"4"), answer[:100])
            self.assertNotIn(b"\"users\"", answer, fields)

    def test_garbage(self):
        for data in (b"\r\n\r\n", b"\x16\x03\x01" + os.urandom(500), os.urandom(2000), b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /healthz HTTP/1.1\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10000 + b"\r\n"):
            answer = self.raw(data)
            self.assertTrue(answer == b"" or int(answer.split()[1]) >= 400, (data[:40], answer[:100]))

    def test_many_connections(self):
        """One address gets half of the connections, however many it wants; another one is served."""
        crowd = []
        try:
            for _ in range(400):
                s = socket.create_connection(("127.0.0.1", self.cluster.control.port), timeout=30)
                crowd.append(s)
                try:
                    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
                except ConnectionError:
                    pass        # refused already
            with socket.create_connection(("127.0.0.1", self.cluster.control.port), timeout=30,
                                          source_address=("127.0.0.2", 0)) as s:
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(b" 200 ", s.recv(1000))
        finally:
            for s in crowd:
                s.close()
        cluster.wait_for(self.serves, "the crowd to be gone")

    def test_too_few_descriptors(self):
        """It refuses to start, rather than end when it needs one more."""
        control = cluster.Server("few", self.cluster.control.program, self.cluster.folder, {}, prefix=["prlimit", "--nofile=64"])
        control.spawn(False, {})
        self.assertEqual(control.process.wait(30), 69)
        self.assertRegex(control.tail(), "may open 64 files.*LimitNOFILE")

    def test_metrics(self):
        """From another machine only with the token: here, by this machine's own address."""
        address = own_address()
        if not address:
            self.skipTest("this machine has no address but loopback")
        for token in (None, "w4tch"):
            control = cluster.Server("watched", self.cluster.control.program, self.cluster.folder,
                                     {"metrics-token": token} if token else {}, address=address)
            control.start()
            try:
                for given, status in ((None, 401), ("wrong", 401), ("", 401), ("w4tch", 200 if token else 401)):
                    connection = http.client.HTTPConnection(address, control.port, timeout=30)
                    connection.request("GET", "/metrics", headers={"Authorization": "Bearer " + given} if given is not None else {})
                    answer = connection.getresponse()
                    self.assertEqual(answer.status, status, given)
                    self.assertEqual(b"pmss_control_nodes" in answer.read(), status == 200)
                    connection.close()
            finally:
                self.assertEqual(control.stop(), 0)
            control.port = 0

    def serves(self):
        try:
            return self.cluster.request("GET", "/healthz", token=False)[0] == 200
        except OSError:
            return False

    def test_orderly_stop(self):
        """Also with connections that say nothing; under a sanitizer a leak would show in the exit code."""
        silent = socket.create_connection(("127.0.0.1", self.cluster.control.port), timeout=30)
        try:
            self.assertEqual(self.cluster.control.stop(), 0)
        finally:
            silent.close()
        self.cluster.control.start()

    def test_second_server(self):
        """Two servers on one folder would be two writers."""
        import subprocess
        program = [str(self.cluster.control.program), "--listen=127.0.0.1:0", "--data=%s" % self.cluster.control.data]
        done = subprocess.run(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("in use by another server", done.stderr)

    def test_command_line(self):
        import subprocess

        def run(*arguments):
            return subprocess.run([str(self.cluster.control.program), *arguments], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=30, text=True)
        folder = str(self.cluster.folder / "never")
        self.assertEqual(run("--version").returncode, 0)
        self.assertIn("--max-upload", run("--help").stdout)
        self.assertEqual(run("--odd").returncode, 64)
        self.assertEqual(run("odd").returncode, 64)
        for setting in ("unit=3000", "unit=1KiB", "default-redundancy=17+1", "default-redundancy=x", "lease=0", "lease=x",
                        "max-upload=-1", "max-upload=1Q", "log-level=loud", "tls-certificate=x", "extent=1GiB"):
            done = run("--listen=127.0.0.1:0", "--data=" + folder, "--" + setting)
            self.assertEqual(done.returncode, 78, setting)
            self.assertNotEqual(done.stderr, "")
        key_file = self.cluster.folder / "bad.conf"
        for text in ("[control]\nlistne=x\n", "[other]\nlisten=x\n", "garbage", "[control]\nlease=x\n"):
            key_file.write_text(text)
            self.assertEqual(run("--config", str(key_file), "--data=" + folder).returncode, 78, text)
        self.assertFalse(os.path.exists(folder))
        for listen in ("127.0.0.1", "127.0.0.1:99999", "no.such.host.invalid:1", "127.0.0.1:%d" % self.cluster.control.port):
            done = run("--listen=" + listen, "--data=" + str(self.cluster.folder / "other"))
            self.assertNotEqual(done.returncode, 0, listen)
            self.assertNotEqual(done.stderr, "", listen)


if __name__ == "__main__":
    unittest.main()
