# SPDX-License-Identifier: LGPL-2.1-or-later
"""control/api/openapi.json against the running server: every operation is called, and every answer on the way has to be as the document says."""

import base64
import json
import pathlib
import re
import secrets
import subprocess
import tempfile
import unittest

import jsonschema

import cluster
from event_listener import Listener

CONTENT = bytes(range(256)) * 300
PASSWORD = "correct horse"


def launch(description):
    subprocess.run(["gst-launch-1.0", "-q", *description.split()], check=True, timeout=60, stdout=subprocess.DEVNULL)


def claims_of(token):
    """What a v4.public token says; its signature is 64 bytes at the end."""
    body = token[len("v4.public."):]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))[:-64])


def strict(schema):
    """The same with nothing else allowed: what the server says more than the document is a gap of the document."""
    if isinstance(schema, dict):
        out = {key: strict(value) for key, value in schema.items()}
        if "properties" in schema and isinstance(schema.get("required"), list):
            out["additionalProperties"] = False
        return out
    if isinstance(schema, list):
        return [strict(value) for value in schema]
    return schema


class Checker:
    """Knows the document; told of every exchange."""

    def __init__(self, document):
        self.document = document
        self.components = strict(document["components"])
        self.succeeded = set()
        self.patterns = []
        for path in document["paths"]:
            pattern = re.escape(path).replace(r"\{name\}", "(?:[^/]+)" if "/users/" in path or "/policies/" in path else "(?:.+)")
            self.patterns.append((re.compile(pattern.replace(r"\{id\}", "[^/]+") + "$"), path))

    def operations(self):
        return {(method, path) for path, item in self.document["paths"].items() for method in item}

    def find(self, path, method):
        # the fixed one goes before the one with a place; "films/a/verify" may be a medium, but nothing is posted to one
        found = [p for pattern, p in self.patterns if pattern.match(path)]
        return min(found, key=lambda p: ("{" in p, method not in self.document["paths"][p], p)) if found else None

    def methods(self, path, real):
        """Those that @real, an instance of @path, has as an instance of others, too."""
        same = [p for pattern, p in self.patterns if pattern.match(real) and ("{" in p) == ("{" in path)]
        return {method for p in same for method in self.document["paths"][p]}

    def check(self, method, target, status, headers, body):
        path = self.find(target.split("?")[0], method.lower())
        where = "%s %s -> %d %r" % (method, target, status, body[:200])
        assert path is not None, where
        operation = self.document["paths"][path][method.lower()]
        assert str(status) in operation["responses"], "not documented: " + where
        response = operation["responses"][str(status)]
        for name, header in response.get("headers", {}).items():
            if header["required"]:
                assert headers[name] is not None, name + " is missing: " + where
        content = response.get("content")
        if not content or method == "HEAD":
            assert not body, "unexpected body: " + where
        else:
            kind = headers["Content-Type"].split(";")[0]
            assert kind in content, kind + ": " + where
            if kind.endswith("json"):
                self.validate(content[kind]["schema"], json.loads(body))
        if status < 400:
            self.succeeded.add((method.lower(), path))

    def validate(self, schema, value):
        schema = dict(strict(schema), components=self.components)
        jsonschema.Draft202012Validator(
            schema, format_checker=jsonschema.FormatChecker()).validate(value)


class OpenApiTest(cluster.TestCase):
    nodes = 3
    control_options = {"default-redundancy": "2+1", "unit": "4KiB", "extent": "16KiB"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.checker = Checker(cls.cluster.api("GET", "/openapi.json"))
        request = cls.cluster.request

        def checked(method, path, *arguments, **more):
            status, headers, body = request(method, path, *arguments, **more)
            cls.checker.check(method, path, status, headers, body)
            return status, headers, body
        cls.cluster.request = checked

    def test_document(self):
        document = self.checker.document
        self.assertEqual(document["openapi"], "3.1.0")
        ids = [o["operationId"] for item in document["paths"].values() for o in item.values()]
        self.assertEqual(len(ids), len(set(ids)))
        for schema in document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)
        for reference in set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document))):
            self.assertIn(reference, document["components"]["schemas"])

    def test_other_methods(self):
        """What the document does not have the server does not, either."""
        request = self.cluster.request.__closure__ and cluster.Cluster.request
        for path in self.checker.document["paths"]:
            real = path.replace("{id}", "1").replace("{name}", "x")
            methods = self.checker.methods(path, real)
            for method in ("GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"):
                if method.lower() not in methods:
                    status, headers, _ = request(self.cluster, method, real, token=False)
                    self.assertEqual(status, 405, (method, path))
                    self.assertEqual({m.lower() for m in headers["Allow"].split(", ")}, methods)
        # "/" is a page
        for path in ("/api", "/api/v1", "/api/v1/", "/api/v1/none", "/api/v2/media", "/api/v1/media/", "/api/v1/jobs/1/2",
                     "/api/v1//media", "/healthz/", "/API/v1/media"):
            self.assertEqual(request(self.cluster, "GET", path, token=False)[0], 404, path)

    def exercise_accounts(self):
        api = self.cluster.api
        api("POST", "/users", {"name": "anna", "password": PASSWORD, "role": "viewer"}, 201)
        self.assert_status(409, api, "POST", "/users", {"name": "anna", "password": PASSWORD, "role": "viewer"}, 201)
        self.assert_status(400, api, "POST", "/users", {}, 201)
        api("GET", "/users")
        api("PATCH", "/users/anna", {"role": "operator"})
        api("PATCH", "/users/anna", {"role": "viewer"})
        self.assert_status(400, api, "PATCH", "/users/anna", {"role": "root"})
        self.assert_status(404, api, "PATCH", "/users/none", {"role": "viewer"})
        self.assert_status(409, api, "PATCH", "/users/admin", {"role": "viewer"})
        token = self.cluster.login("anna", PASSWORD)
        self.assert_status(401, self.cluster.login, "anna", "wrong")
        bearer = {"Authorization": "Bearer " + token}
        self.assertEqual(self.cluster.request("GET", "/api/v1/nodes", headers=bearer)[0], 403)
        logins = api("GET", "/users/anna/logins")["logins"]
        self.assertEqual([row["current"] for row in logins], [False])
        self.assert_status(404, api, "DELETE", "/users/anna/logins?id=%s" % ("0" * 16), None, 204)
        self.assert_status(404, api, "GET", "/users/none/logins")
        api("DELETE", "/users/anna/logins?id=" + logins[0]["id"], None, 204)
        self.assertEqual(self.cluster.request("GET", "/api/v1/media", headers=bearer)[0], 401)
        bearer = {"Authorization": "Bearer " + self.cluster.login("anna", PASSWORD)}
        api("PUT", "/users/anna/password", {"password": PASSWORD + "s"}, 204)
        self.assertEqual(self.cluster.request("GET", "/api/v1/media", headers=bearer)[0], 401)
        token = self.cluster.login("anna", PASSWORD + "s")
        bearer = {"Authorization": "Bearer " + token}
        self.assertEqual(self.cluster.request("POST", "/api/v1/logout", headers=bearer)[0], 204)
        api("DELETE", "/users/anna", None, 204)
        self.assertEqual(api("GET", "/me")["user"], "admin")
        body = json.dumps({"user": "admin", "password": self.cluster.password})
        page = {"Content-Type": "application/json", "Origin": self.cluster.url, "X-PMSS": "1"}
        self.assertEqual(self.cluster.request("POST", "/api/v1/sign-in", body, page, token=False)[0], 200)
        page.pop("X-PMSS")
        self.assertEqual(self.cluster.request("POST", "/api/v1/sign-in", body, page, token=False)[0], 403)

    def exercise_media(self):
        api = self.cluster.api
        self.cluster.add("films/a b%ä.bin", CONTENT)
        self.assert_status(409, self.cluster.put, "films/a b%ä.bin", b"x")
        self.assert_status(404, self.cluster.medium, "none")
        api("GET", "/media")
        page = api("GET", "/media?prefix=films&limit=1")
        self.assertEqual([m["state"] for m in page["media"]], ["ready"])
        session = self.cluster.session("films/a b%ä.bin")
        node = session["layout"]["nodes"][session["layout"]["extents"][0][0]]["id"]
        path = "/sessions/%s/reports" % session["id"]
        reports = {"reports": [{"extent": 0, "index": 0, "unit": 0, "node": node, "kind": "checksum"}]}
        api("POST", path, reports, 204)
        headers = {"Content-Type": "application/json"}
        cluster.wait_for(lambda: self.cluster.request("POST", "/api/v1" + path, json.dumps(reports), headers)[0] == 429,
                         "a second report within a second")
        self.assert_status(400, api, "POST", path, {"reports": []}, 204)
        self.assertEqual(len(api("GET", "/sessions")["sessions"]), 1)
        api("PUT", "/sessions/" + session["id"])
        told = {"position": 5, "buffer_bytes": 6, "idle": False, "nodes": [{"id": node, "bytes": 1000, "units": 2, "late": 1, "rtt_ns": 9}]}
        self.assertTrue(api("PUT", "/sessions/" + session["id"], told)["measured"])
        row = api("GET", "/sessions")["sessions"][0]
        self.assertEqual((row["position"], row["buffer_bytes"], row["nodes"][0]["bytes"], row["nodes"][0]["late"]), (5, 6, 1000, 1))
        self.assertGreater(row["nodes"][0]["rate"], 0)
        self.assertEqual([(c["user"], c["sessions"], c["late"]) for c in api("GET", "/clients")["clients"]], [("admin", 1, 1)])
        for bad in ({"position": -1}, {"more": 1}, {"nodes": [{}]}, {"nodes": [{"id": 0}]}, {"nodes": [1]}, {"nodes": [{"id": 1}] * 257}):
            self.assert_status(400, api, "PUT", "/sessions/" + session["id"], bad)
        for query in ("", "?first=1&count=2", "?since=1"):
            api("GET", "/sessions/%s/layout%s" % (session["id"], query))
        for query in ("?count=0", "?count=4097", "?first=-1", "?since=x"):
            self.assert_status(400, api, "GET", "/sessions/%s/layout%s" % (session["id"], query))
        self.assert_status(404, api, "GET", "/sessions/%s/layout" % ("0" * 32))
        api("DELETE", "/sessions/" + session["id"], None, 204)
        self.assert_status(403, api, "PUT", "/sessions/" + session["id"])
        self.assert_status(404, self.cluster.session, "none")
        self.cluster.wait_job(api("POST", "/media/films/a%20b%25%C3%A4.bin/verify?rate_limit=0", None, 202)["job"])
        self.assert_status(404, api, "POST", "/media/none/verify", None, 202)
        self.cluster.add("taken", b"x")
        self.assertEqual(api("POST", "/media/films/a%20b%25%C3%A4.bin/rename", {"name": "films/other"})["name"], "films/other")
        self.assert_status(404, api, "POST", "/media/films/a%20b%25%C3%A4.bin/rename", {"name": "x"})
        self.assert_status(409, api, "POST", "/media/films/other/rename", {"name": "taken"})
        for body in ({"name": "/a"}, {"name": "a//b"}, {"name": "a\nb"}, {"name": "x" * 1025}, {"name": 1}, {}, {"name": "a", "b": 1}):
            self.assert_status(400, api, "POST", "/media/films/other/rename", body)
        api("POST", "/media/films/other/rename", {"name": "films/a b%ä.bin"})
        self.assertEqual(api("GET", "/layouts/films/a%20b%25%C3%A4.bin?first=1&count=2")["next"], 3)
        self.assert_status(404, api, "GET", "/layouts/none")
        self.assertEqual(api("PATCH", "/media/films/a%20b%25%C3%A4.bin", {"title": "T"})["title"], "T")
        self.cluster.wait_job(api("PATCH", "/media/films/a%20b%25%C3%A4.bin", {"keep_original": True}, 202)["job"])
        self.assert_status(404, api, "PATCH", "/media/none", {"title": "T"})
        self.assert_status(400, api, "PATCH", "/media/taken", {})
        api("GET", "/bad-shards?medium=films/a%20b%25%C3%A4.bin&limit=1")
        self.assert_status(404, api, "GET", "/bad-shards?medium=none")
        self.assert_status(400, api, "GET", "/bad-shards?medium=none&after=x")
        session = self.cluster.session("films/a b%ä.bin")
        self.cluster.delete("films/a b%ä.bin")
        self.assert_status(403, api, "PUT", "/sessions/" + session["id"])
        self.assert_status(404, self.cluster.medium, "films/a b%ä.bin")

    def exercise_lists(self):
        api = self.cluster.api
        for query in ("q=a%20b", "q=", "sort=-created&limit=1", "folder=&state=ready", "folder=films", "sort=title&prefix=f"):
            api("GET", "/media?" + query)
        for query in ("q=" + "x" * 257, "sort=odd", "sort=", "state=deleting", "folder=/a", "folder=a/", "sort=size&after=x"):
            self.assert_status(400, api, "GET", "/media?" + query)

    def exercise_artwork(self):
        """A still picture is enough for a poster, a tone for peaks; the cluster's own films are elsewhere (test_artwork)."""
        api = self.cluster.api
        folder = tempfile.TemporaryDirectory(prefix="pmss-artwork-")
        self.addCleanup(folder.cleanup)
        film = pathlib.Path(folder.name) / "film.webm"
        launch("videotestsrc num-buffers=60 ! video/x-raw,width=320,height=180,framerate=10/1 ! vp8enc keyframe-max-dist=10 ! webmmux ! "
               "filesink location=%s" % film)
        launch("audiotestsrc num-buffers=200 ! vorbisenc ! oggmux ! filesink location=%s" % film.with_suffix(".ogg"))
        self.cluster.add("art/film.webm", film.read_bytes(), keep_original="true")
        self.cluster.add("art/tone.ogg", film.with_suffix(".ogg").read_bytes())
        self.cluster.wait_jobs()
        art = self.cluster.medium("art/film.webm")["artwork"]
        self.assertEqual((art["poster"], art["sprite"], art["peaks"]), (True, True, False))
        for path in ("posters", "sprites"):
            status, headers, body = self.cluster.request("GET", "/api/v1/%s/art/film.webm?v=%s" % (path, art["version"]))
            self.assertEqual((status, headers["Content-Type"], body[:3]), (200, "image/jpeg", b"\xff\xd8\xff"))
            self.assertIn("immutable", headers["Cache-Control"])
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            again = self.cluster.request("GET", "/api/v1/%s/art/film.webm" % path, headers={"If-None-Match": headers["ETag"]})
            self.assertEqual((again[0], again[2], again[1]["Cache-Control"]), (304, b"", "private, no-cache"))
            self.assert_status(404, api, "GET", "/%s/art/tone.ogg" % path)
        times = [tile["time_ns"] for tile in api("GET", "/tiles/art/film.webm")["tiles"]]
        self.assertEqual(times, sorted(set(times)))
        self.assertGreater(len(times), 3)
        self.assertGreater(max(api("GET", "/peaks/art/tone.ogg")["peaks"]), 0.5)
        self.cluster.wait_job(api("POST", "/media/art/film.webm/artwork", None, 202)["job"])
        self.assertNotEqual(self.cluster.medium("art/film.webm")["artwork"]["version"], art["version"])
        self.cluster.wait_job(api("POST", "/media/art/tone.ogg/artwork", None, 202)["job"])
        self.assert_status(404, api, "POST", "/media/none/artwork", None, 202)

    def exercise_viewer(self):
        api = self.cluster.api
        play = api("POST", "/plays", {"medium": "played"}, 201)
        self.assertIsNone(play["position_ns"])
        for body, status in (({}, 400), ({"medium": 1}, 400), ({"medium": "/x"}, 400), ({"medium": "none"}, 404)):
            self.assert_status(status, api, "POST", "/plays", body, 201)
        api("PUT", "/me/positions/played", {"position_ns": 5}, 204)
        self.assertEqual(api("POST", "/plays", {"medium": "played"}, 201)["position_ns"], 5)
        self.assertEqual([p["medium"] for p in api("GET", "/me/positions?limit=1")["positions"]], ["played"])
        for body in ({}, {"position_ns": -1}, {"position_ns": 1 << 63}, {"position_ns": 1, "x": 1}):
            self.assert_status(400, api, "PUT", "/me/positions/played", body, 204)
        self.assert_status(404, api, "PUT", "/me/positions/none", {"position_ns": 5}, 204)
        self.assert_status(400, api, "GET", "/me/positions?after=x")
        api("DELETE", "/me/positions/played", None, 204)
        self.assert_status(404, api, "DELETE", "/me/positions/played", None, 204)
        self.cluster.login("admin", self.cluster.password)
        logins = api("GET", "/me/logins")["logins"]
        other = next(x for x in logins if not x["current"])
        self.assertEqual(other["address"], "127.0.0.1")
        api("DELETE", "/me/logins/" + other["id"], None, 204)
        self.assert_status(404, api, "DELETE", "/me/logins/" + other["id"], None, 204)
        api("DELETE", "/me/logins", None, 204)
        self.assertEqual([x["current"] for x in api("GET", "/me/logins")["logins"]], [True])

    def exercise_gateway(self):
        self.cluster.add("played", CONTENT)
        self.exercise_viewer()
        status, headers, _ = self.cluster.request("GET", "/media/played")
        self.assertEqual(status, 307)
        ticket = claims_of(headers["Location"].split("?t=")[1])["sid"]
        node = self.cluster.node(int(claims_of(headers["Location"].split("?t=")[1])["nod"]))
        secret = json.loads((node.data / "node.json").read_text())["secret"]
        bearer = {"Authorization": "Bearer " + secret, "Content-Type": "application/json"}
        path = "/api/v1/tickets/%s/sessions" % ticket
        ask = self.cluster.request
        id = secrets.token_hex(16)
        for status in (201, 200):
            self.assertEqual(ask("POST", path, json.dumps({"id": id}), bearer)[0], status)
        # the gateway uses the session as its viewer does
        self.assertEqual(ask("PUT", "/api/v1/sessions/" + id, headers=bearer)[0], 200)
        self.assertEqual(ask("GET", "/api/v1/sessions/%s/layout" % id, headers=bearer)[0], 200)
        self.assertEqual(ask("DELETE", "/api/v1/sessions/" + id, headers=bearer)[0], 204)
        for body, wanted in (({"id": id}, 403), ({"id": "x"}, 400), ({}, 400)):
            self.assertEqual(ask("POST", path, json.dumps(body), bearer)[0], wanted, body)
        self.assertEqual(ask("POST", path, json.dumps({"id": id}), dict(bearer, Authorization="Bearer x"))[0], 401)
        self.assertEqual(ask("POST", path.replace(ticket, "0" * 32), json.dumps({"id": id}), bearer)[0], 403)
        # another's session is none of the gateway's, nor is anything else
        other = self.cluster.session("played")["id"]
        self.assertEqual(ask("PUT", "/api/v1/sessions/" + other, headers=bearer)[0], 404)
        self.assertEqual(ask("GET", "/api/v1/media", headers=bearer)[0], 401)

    def exercise_uploads(self):
        tus = {"Tus-Resumable": "1.0.0"}
        request = self.cluster.request

        def create(name, size):
            status, headers, _ = request("POST", "/api/v1/uploads", None, dict(tus, **{
                "Upload-Length": str(size), "Upload-Metadata": cluster.encode_metadata(name=name)}))
            self.assertEqual(status, 201)
            return re.search("/api/v1/uploads/[0-9a-f]+$", headers["Location"]).group(0)

        request("OPTIONS", "/api/v1/uploads")
        given_up, upload = create("b", 10), create("c", len(CONTENT))
        self.cluster.api("GET", "/uploads")
        self.assertEqual(request("DELETE", given_up, headers=tus)[0], 204)
        self.assertEqual(request("HEAD", given_up, headers=tus)[0], 404)
        offset, job = 0, None
        while offset < len(CONTENT):
            self.assertEqual(int(request("HEAD", upload, headers=tus)[1]["Upload-Offset"]), offset)
            status, headers, _ = request("PATCH", upload, CONTENT[offset:offset + 30000], dict(tus, **{
                "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}))
            self.assertEqual(status, 204)
            offset, job = int(headers["Upload-Offset"]), headers["Pmss-Job"]
        self.cluster.wait_job(int(job))

    def exercise_jobs(self):
        api = self.cluster.api
        job = self.cluster.put("big", CONTENT * 400)
        api("POST", "/jobs/%d/pause" % job)
        api("POST", "/jobs/%d/resume" % job)
        self.assertEqual(api("POST", "/jobs/%d/limit" % job, {"rate_limit": 8})["rate_limit"], 8)
        for body in ({}, {"rate_limit": -1}, {"rate_limit": "8"}, {"rate_limit": 8, "more": 1}):
            self.assert_status(400, api, "POST", "/jobs/%d/limit" % job, body)
        api("POST", "/jobs/%d/cancel" % job)
        self.assert_status(409, api, "POST", "/jobs/%d/pause" % job)
        self.assert_status(409, api, "POST", "/jobs/%d/limit" % job, {"rate_limit": 0})
        self.assert_status(404, api, "POST", "/jobs/99999/limit", {"rate_limit": 0})
        self.assert_status(404, api, "GET", "/jobs/99999")
        self.assertIn(job, [j["id"] for j in api("GET", "/jobs?state=cancelled")["jobs"]])
        page = api("GET", "/jobs?limit=1")
        self.assertEqual(page["next"], page["jobs"][0]["id"])
        self.assertLess(api("GET", "/jobs?limit=1&before=%d" % page["next"])["jobs"][0]["id"], page["next"])
        self.assertIsNone(api("GET", "/jobs?before=2")["next"])
        self.assert_status(400, api, "GET", "/jobs?state=odd")

    def exercise_nodes(self):
        api = self.cluster.api
        zone = api("POST", "/nodes/join-tokens", {"zone": "z"}, 201)["join_token"]
        body = {"join_token": zone, "address": "127.0.0.1", "port": 1, "tls": False, "zone": "", "capacity": 1}
        joined = api("POST", "/nodes/join", body, 201)
        self.assert_status(401, api, "POST", "/nodes/join", body, 201)
        body = json.dumps({"address": "127.0.0.1", "port": 1, "tls": False, "token_formats": [2], "stats": {"cpu": 0.5}})
        headers = {"Authorization": "Bearer " + joined["secret"], "Content-Type": "application/json"}
        path = "/api/v1/nodes/%d/heartbeat" % joined["id"]
        self.assertEqual(self.cluster.request("POST", path, body, headers)[0], 200)
        states = [n["state"] for n in api("GET", "/nodes")["nodes"]]
        self.assertEqual(states, ["up"] * 4)
        self.assert_status(409, api, "POST", "/nodes/join", {
            "join_token": zone, "address": "127.0.0.1", "port": 1, "tls": False, "capacity": 1}, 201)
        patch = "/nodes/%d" % joined["id"]
        moved = api("PATCH", patch, {"address": "127.0.0.1", "port": 2, "tls": False})
        self.assertEqual((moved["port"], moved["held_shards"]), (2, 0))
        api("PATCH", patch, {"address": "127.0.0.1", "port": 1, "tls": False})
        self.assert_status(409, api, "PATCH", patch, {"confirm_cleanup": 1})
        self.assert_status(400, api, "PATCH", patch, {"confirm_cleanup": 0})
        for part in ({"address": "127.0.0.1"}, {"port": 2}, {"tls": True}):
            self.assert_status(400, api, "PATCH", patch, part)
        self.assert_status(400, api, "PATCH", patch, {"state": "up"})
        self.assert_status(404, api, "PATCH", "/nodes/999", {})
        repair = "/nodes/%d/repair" % joined["id"]
        self.assert_status(409, api, "POST", repair, None, 202)
        body = json.dumps(dict(json.loads(body), leaving=True))
        self.assertEqual(self.cluster.request("POST", path, body, headers)[0], 200)
        self.assertTrue(api("POST", repair, None, 202)["repair"])
        api("DELETE", "/nodes/%d" % joined["id"], None, 204)
        self.assert_status(404, api, "DELETE", "/nodes/%d" % joined["id"], None, 204)

    def exercise_policies(self):
        api = self.cluster.api
        api("PUT", "/policies/films", {"match": {"names": "x/*"}, "unit": 4096})
        self.assert_status(400, api, "PUT", "/policies/films", {})
        self.assertEqual(len(api("GET", "/policies")["policies"]), 1)
        self.assertEqual(api("POST", "/policies/choose", {"name": "x/y", "size": 5})["why"]["unit"], "policy films")
        api("DELETE", "/policies/films", None, 204)
        self.assert_status(404, api, "DELETE", "/policies/films", None, 204)

    def exercise_events(self):
        api = self.cluster.api
        page = api("GET", "/events?limit=2")
        self.assertEqual(page["next"], page["events"][0]["id"])
        api("GET", "/events?before=%d" % page["next"])
        self.assertIsNone(api("GET", "/events?after=%d" % page["events"][1]["id"])["next"])
        for query in ("?limit=0", "?limit=1001", "?after=x", "?after=-1", "?before=1&after=1"):
            self.assert_status(400, api, "GET", "/events" + query)

    def exercise_links(self):
        api = self.cluster.api
        self.cluster.add("films/linked", b"x")
        link = api("POST", "/links", {"medium": "films/linked", "lifetime": 60}, 201)
        self.assertEqual([x["id"] for x in api("GET", "/links")["links"]], [link["id"]])
        for body, status in (({}, 400), ({"medium": "none"}, 404), ({"medium": "films/linked", "lifetime": 0}, 400)):
            self.assert_status(status, api, "POST", "/links", body, 201)
        api("DELETE", "/links/%d" % link["id"], None, 204)
        self.assert_status(404, api, "DELETE", "/links/%d" % link["id"], None, 204)

    def exercise_stream(self):
        listener = Listener(self.cluster, self.cluster.token, topics="jobs,nodes")
        self.assertEqual(listener.next().name, "start")
        self.checker.check("GET", "/api/v1/stream", listener.answer.status, listener.answer.headers, b"a start")
        listener.close()
        self.assert_status(400, self.cluster.api, "GET", "/stream?topics=x")

    def test_every_operation(self):
        self.exercise_accounts()
        self.exercise_nodes()
        self.exercise_media()
        self.exercise_lists()
        self.exercise_artwork()
        self.exercise_gateway()
        self.exercise_uploads()
        self.exercise_jobs()
        self.exercise_policies()
        self.exercise_events()
        self.exercise_stream()
        self.exercise_links()
        self.cluster.api("GET", "/cluster")
        self.cluster.api("GET", "/overview")
        self.cluster.api("GET", "/history?series=cpu,sent,disk_latency,control_cpu&nodes=0,1")
        self.cluster.api("GET", "/capacity")
        self.cluster.api("GET", "/openapi.json")
        for path in ("/healthz", "/metrics"):
            self.cluster.request("GET", path, token=False)
        self.assertEqual(self.checker.operations() - self.checker.succeeded, set())


if __name__ == "__main__":
    unittest.main()
