#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Errors as clients get them: every one of every route is a problem (RFC 9457), and none tells of the server's inside."""

import errno
import json
import os
import re
import unittest

import cluster
import storage_server
from cluster import encode_metadata

# of the inside: SQL, tables, files
INSIDE = re.compile(r"SELECT|INSERT|UPDATE|constraint|api_token|/tmp|/var|/uploads/[0-9a-f]{32}:|\.db\b|errno")
INSTANCE = re.compile(r"urn:uuid:([0-9a-f-]{36})$")


def check(where, status, headers, body):
    """@body is a problem."""
    where = "%s -> %d %r" % (where, status, body[:300])
    assert headers["Content-Type"] == "application/problem+json", where
    problem = json.loads(body)
    assert problem["type"] == "about:blank", where
    assert problem["status"] == status, where
    assert problem["title"] and problem["detail"], where
    assert (status == 401) == (headers["WWW-Authenticate"] is not None), where
    assert status != 405 or headers["Allow"], where
    assert not INSIDE.search(problem["detail"]), where
    assert set(problem) <= {"type", "title", "status", "detail", "instance"}, where
    # with a reason the client knows; without one it gets the number of the log's
    assert ("instance" in problem) == (status == 500), where
    return problem


def bodies():
    """Bodies that no route takes."""
    yield None, {}
    yield b"{", {"Content-Type": "application/json"}
    yield b"{\"none\": 1}", {"Content-Type": "application/json"}
    yield b"[]", {"Content-Type": "application/json"}
    yield b"x", {"Content-Type": "text/plain"}
    yield b" " * 70000, {"Content-Type": "application/json"}
    yield b"x", {"Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0", "Upload-Offset": "x"}
    yield None, {"Tus-Resumable": "1.0.0", "Upload-Length": "x"}


def disk(trigger):
    """A prefix for a server whose disk takes no new files while @trigger is there."""
    return ["env", "LD_PRELOAD=" + " ".join([os.environ["PMSS_BAD_DISK"], *os.environ.get("LD_PRELOAD", "").split()]),
            "NO_NEW_WHILE=%s" % trigger,
            "ASAN_OPTIONS=verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")]


class Control(cluster.TestCase):
    nodes = 1
    control_options = {"default-redundancy": "1+0"}

    def errors(self, method, path, tokens, known=True):
        """The statuses of all that is refused. @known: the route has the method."""
        found = set()
        for token in tokens if known else tokens[:1]:
            for query in ("", "?limit=x&medium=none&rate_limit=x&keep_original=x&state=x&redundancy=x"):
                for body, headers in list(bodies())[:None if known else 2]:
                    headers = dict(headers, **({"Authorization": "Bearer " + token} if token else {}))
                    status, answered, text = self.cluster.request(method, path + query, body, headers, token=False)
                    if status >= 400 and method != "HEAD":
                        check("%s %s" % (method, path + query), status, answered, text)
                    found.add(status)
        return found

    def test_all_routes(self):
        api = self.cluster.api
        api("POST", "/users", {"name": "anna", "password": "correct horse", "role": "viewer"}, 201)
        viewer = self.cluster.login("anna", "correct horse")
        document = api("GET", "/openapi.json")
        for path, item in document["paths"].items():
            real = path.replace("{id}", "999").replace("{name}", "none")
            found = set()
            for method in ("GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD"):
                # not the tokens' own end, and not the tests' user; and nothing that does not end
                tokens = (None, "odd") if path.endswith(("/logout", "/stream")) else (None, "odd", viewer, self.cluster.token)
                found |= self.errors(method, real, tokens, method.lower() in item)
                if method.lower() in item and item[method.lower()]["x-role"] != "none":
                    self.assertIn(401, found, (method, path))
            self.assertTrue({status for status in found if status >= 400}, path)
            self.assertIn(405, found, path)
            self.assertNotIn(500, found, path)
        for path in ("/none", "/api/v1/media/%00", "/api/v1/media?a=1&a=2", "/api/v1/media/a%2fb", "/x" * 4500,
                     "/healthz?" + "&".join("a%d" % i for i in range(70))):
            self.assertTrue(self.errors("GET", path, [self.cluster.token]) <= {400, 404, 414, 413, 415}, path[:50])
        self.assertEqual(self.errors("GET", "/api/v1/media", ["x y"]) - {400}, {401})

    def test_taken(self):
        """What the database refuses."""
        body = {"name": "bert", "password": "correct horse", "role": "viewer"}
        self.cluster.api("POST", "/users", body, 201)
        status, headers, text = self.cluster.request("POST", "/api/v1/users", json.dumps(body), {"Content-Type": "application/json"})
        self.assertEqual(status, 409)
        check("a user twice", status, headers, text)
        self.cluster.add("taken", b"x")
        status, headers, text = self.cluster.request("PUT", "/api/v1/media/taken", b"x")
        self.assertEqual(status, 409)
        check("a medium twice", status, headers, text)


class Disk(cluster.TestCase):
    nodes = 1
    control_options = {"default-redundancy": "1+0"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.trigger = cls.cluster.folder / "broken"
        cls.cluster.control.prefix = disk(cls.trigger)
        cls.cluster.restart_control(kill=False)
        cls.cluster.wait_nodes()

    def upload(self, number):
        """Both ways."""
        tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Metadata": encode_metadata(name="tus%d" % number)}
        yield self.cluster.request("PUT", "/api/v1/media/put%d" % number, b"x")
        yield self.cluster.request("POST", "/api/v1/uploads", None, tus)

    def test_fails(self):
        self.addCleanup(self.trigger.unlink, missing_ok=True)
        for number, code in enumerate((errno.EROFS, errno.EIO)):
            self.trigger.write_text(str(code))
            for status, headers, body in self.upload(number):
                self.assertEqual(status, 500)
                problem = check(errno.errorcode[code], status, headers, body)
                id = INSTANCE.match(problem["instance"])[1]
                self.assertIn(id, problem["detail"])
                line, = (line for line in self.cluster.control.log.read_text().splitlines() if id in line)
                self.assertIn(str(self.cluster.control.data / "uploads"), line)
                self.assertIn(os.strerror(code), line)

    def test_full(self):
        self.addCleanup(self.trigger.unlink, missing_ok=True)
        self.trigger.write_text(str(errno.EDQUOT))
        for status, headers, body in self.upload(10):
            self.assertEqual(status, 507)
            self.assertIn("full", check("a quota", status, headers, body)["detail"])


class Storage(storage_server.Case):
    def test_all_routes(self):
        server = self.serve()
        reader = self.keys.mint(ops="r", nod="2")
        found = set()
        for path in ("/", "/none", "/healthz", "/metrics", "/v1/identity", "/v1/identity?nonce=x&address=y&port=z", "/v1/shards",
                     "/v1/shards?limit=0", "/v1/shards?after=x", "/v1/shards/x", "/v1/shards/%032x-00000000.0" % 1,
                     "/v1/shards/%032x-00000000.0?replace=2" % 1, "/v1/shards/%00", "/v1/shards?a&a"):
            for method in ("GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD"):
                for token in (None, "odd", reader, self.all):
                    for body, headers in bodies():
                        headers = {name.replace("-", "_"): value for name, value in headers.items()}
                        answer = server.ask(method, path, token, body, **headers)
                        if answer.status >= 400 and method != "HEAD":
                            check("%s %s" % (method, path), answer.status, answer.headers, answer.body)
                        found.add(answer.status)
        self.assertTrue({200, 400, 401, 404, 405, 421} <= found, found)
        self.assertNotIn(500, found)


if __name__ == "__main__":
    unittest.main()
