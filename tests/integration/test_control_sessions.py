# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-control: sessions, their leases and tokens, through restarts and crashes. The catalog is filled by hand: no storage server is needed."""

import base64
import contextlib
import json
import secrets
import sqlite3
import struct
import unittest

import cluster

K, M, UNIT, EXTENT = 2, 1, 4096, 16384
SIZE = 2 * EXTENT + 5
PASSWORD = "correct horse"


def claims_of(token):
    """What a v4.public token says; its signature is 64 bytes at the end."""
    body = token[len("v4.public."):]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))[:-64])


class SessionsTest(cluster.TestCase):
    nodes = 0
    # longer than control takes to stop and to start, whatever it was built with
    control_options = {"lease": "10"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        api = cls.cluster.api
        for name, role in (("anna", "viewer"), ("berta", "viewer"), ("otto", "operator")):
            api("POST", "/users", {"name": name, "password": PASSWORD, "role": role}, 201)
        cls.tokens = {name: cls.cluster.login(name, PASSWORD) for name in ("anna", "berta", "otto")}
        cls.ids = [cls.join(port) for port in (1001, 1002, 1003, 1004)]
        cls.fill_catalog()

    @classmethod
    def join(cls, port):
        api = cls.cluster.api
        token = api("POST", "/nodes/join-tokens", {}, 201)["join_token"]
        return api("POST", "/nodes/join", {"join_token": token, "address": "127.0.0.1", "port": port,
                                           "tls": False, "zone": "", "capacity": 1}, 201)["id"]

    @classmethod
    def fill_catalog(cls):
        cls.cluster.control.stop()
        with contextlib.closing(sqlite3.connect(cls.cluster.control.data / "catalog.db")) as database, database:
            for id, name, state in ((1, "films/ä b%.webm", "ready"), (2, "failed", "failed"), (3, "films/other", "ready")):
                database.execute("INSERT INTO medium (id, name, state, size, k, m, peak_bitrate_1s, created, updated)"
                                 " VALUES (?, ?, ?, ?, ?, ?, 8000000, 1, 1)", (id, name, state, SIZE, K, M))
            version = bytes(range(16))
            for medium, id, size in ((1, version, SIZE), (3, bytes(16), 0)):
                database.execute("INSERT INTO version (id, medium, state, size, k, m, unit, extent, created)"
                                 " VALUES (?, ?, 'ready', ?, ?, ?, ?, ?, 1)",
                                 (id, medium, size, K, M, UNIT, EXTENT))
            for number in range(3):
                nodes = [cls.ids[(number + i) % 4] for i in range(K + M)]
                database.execute("INSERT INTO extent (version, number, state, nodes) VALUES (?, ?, 2, ?)",
                                 (version, number, struct.pack("<3I", *nodes)))
                for node in nodes:
                    database.execute("UPDATE node SET shards = shards + 1 WHERE id = ?", (node,))
        cls.cluster.control.start()

    def as_user(self, user, method, path, body=None):
        headers = {"Authorization": "Bearer " + self.tokens[user]}
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, _, answer = self.cluster.request(
            method, "/api/v1" + path, None if body is None else json.dumps(body), headers)
        return status, json.loads(answer) if answer else None

    def open(self, user="anna"):
        status, session = self.as_user(user, "POST", "/sessions", {"medium": "films/ä b%.webm"})
        self.assertEqual(status, 201, session)
        return session

    def alive(self):
        return {s["id"] for s in self.as_user("otto", "GET", "/sessions")[1]["sessions"]}

    def test_create(self):
        session = self.open()
        layout = session["layout"]
        self.assertEqual(session["lease"], 10)
        self.assertEqual(session["user"], "anna")
        self.assertEqual(session["medium"]["name"], "films/ä b%.webm")
        self.assertEqual((layout["size"], layout["k"], layout["m"], layout["unit"], layout["extent"]),
                         (SIZE, K, M, UNIT, EXTENT))
        places = [[layout["nodes"][i]["id"] for i in extent] for extent in layout["extents"]]
        self.assertEqual(places, [[self.ids[(number + i) % 4] for i in range(3)] for number in range(3)])
        claims = claims_of(session["token"])
        self.assertEqual(claims["ops"], "r")
        self.assertEqual(claims["ver"], layout["version"])
        self.assertEqual(claims["shd"], "")
        # the layout's nodes and no others
        self.assertEqual(claims["nod"], "%d-%d" % (self.ids[0], self.ids[3]))
        self.assertEqual(claims["med"], "films/ä b%.webm")
        self.assertEqual((claims["uid"], claims["sid"]), ("anna", session["id"]))
        self.assertEqual(claims["rate"], 8000000)
        self.assertEqual(claims["cid"], self.cluster.api("GET", "/cluster")["cluster"])

    def test_lapsed_is_told(self):
        """A session that nobody renews ends with an event, as one that somebody ends does."""
        # with no lines used up by other tests
        self.cluster.restart_control()
        ended = self.open("berta")["id"]
        id = self.open("berta")["id"]
        self.assertEqual(self.as_user("otto", "DELETE", "/sessions/" + ended)[0], 204)

        def lapses(session):
            events = self.cluster.api("GET", "/events?limit=1000")["events"]
            return [e for e in events if e["action"] == "session lapse" and e["detail"] == session]
        self.assertEqual(lapses(id), [])
        (told,) = cluster.wait_for(lambda: lapses(id), "the end of the lease")
        self.assertEqual(lapses(ended), [])
        self.assertNotIn(id, self.alive())
        self.assertEqual((told["topic"], told["result"], told["user"], told["from"], told["object"], told["status"]),
                         ("sessions", "done", "berta", "127.0.0.1", "films/ä b%.webm", None))
        log = self.cluster.control.log.read_text()
        self.assertIn('audit: action="session lapse" result=done user=berta from=127.0.0.1 object="films/ä b%.webm" detail=' + id, log)

    def test_audit(self):
        """Who watched something, and who ended it, is in the log."""
        # with no lines used up by other tests
        self.cluster.restart_control()
        id = self.open("berta")["id"]
        self.assertEqual(self.as_user("otto", "DELETE", "/sessions/" + id)[0], 204)

        def lines():
            return [line for line in self.cluster.control.log.read_text().splitlines() if id in line and "audit:" in line]
        begin, end = cluster.wait_for(lambda: lines() if len(lines()) == 2 else None, "both lines")
        self.assertIn('action="session begin" result=done user=berta from=127.0.0.1 object="films/ä b%.webm" detail=' + id, begin)
        self.assertIn('action="session end" result=done user=otto from=127.0.0.1 object=' + id, end)
        # asking again begins nothing
        session = self.open("berta")
        self.assertEqual(self.ask("berta", session["id"])[0], 200)
        self.assertNotIn("status=200", "".join(line for line in self.cluster.control.log.read_text().splitlines() if session["id"] in line))

    def ask(self, user, id, medium="films/ä b%.webm", **more):
        return self.as_user(user, "POST", "/sessions", {"id": id, "medium": medium, **more})

    def test_client_makes_the_id(self):
        """The same request again is the same session: nothing is left over when an answer is lost."""
        id = secrets.token_hex(16)
        status, session = self.ask("anna", id)
        self.assertEqual((status, session["id"], claims_of(session["token"])["sid"]), (201, id, id))
        before = self.alive()
        for options in ({}, {"class": "bulk"}, {"class": "stream"}):
            status, again = self.ask("anna", id, **options)
            self.assertEqual((status, again["id"], again["layout"]), (200, id, session["layout"]))
        self.assertEqual(self.alive(), before)
        self.cluster.restart_control(kill=True)
        self.assertEqual(self.ask("anna", id)[0], 200)
        # nobody else's, and of no other medium
        self.assertEqual(self.ask("berta", id)[0], 409)
        self.assertEqual(self.ask("anna", id, "films/other")[0], 409)
        self.assertIn(id, self.alive())
        self.assertEqual(self.as_user("anna", "PUT", "/sessions/" + id)[0], 200)
        # ended is ended: an id is good for one session, and its tokens stay revoked
        self.assertEqual(self.as_user("anna", "DELETE", "/sessions/" + id)[0], 204)
        self.assertEqual(self.ask("anna", id)[0], 403)
        self.assertEqual(self.ask("berta", id)[0], 409)
        self.assertNotIn(id, self.alive())

    def test_asking_again_renews(self):
        """Who asks again and again keeps the session; an id whose lease has run out is used up."""
        kept, left = secrets.token_hex(16), secrets.token_hex(16)
        for id in (kept, left):
            self.assertEqual(self.ask("anna", id)[0], 201)

        def look():
            self.assertEqual(self.ask("anna", kept)[0], 200)
            return left not in self.alive()
        cluster.wait_for(look, "a session that nobody asks for again to end")
        self.assertEqual(self.ask("anna", left)[0], 409)
        self.assertIn(kept, self.alive())

    def test_generation(self):
        """A node's new address is heard of with the next renewal, and asked for as a change; what is one's own is nobody else's."""
        session = self.open()
        path = "/sessions/" + session["id"]
        before = session["layout"]["generation"]
        told = self.as_user("anna", "PUT", path)[1]["layout"]
        self.assertEqual(told, {"version": session["layout"]["version"], "generation": before})
        for port in (2001, 1001):
            self.cluster.api("PATCH", "/nodes/%d" % self.ids[0], {"address": "127.0.0.1", "port": port, "tls": False})
            told = self.as_user("anna", "PUT", path)[1]["layout"]["generation"]
            status, part = self.as_user("anna", "GET", path + "/layout?since=%d" % before)
            self.assertEqual((status, part["generation"], part["numbers"], part["extents"]), (200, told, [], []))
            self.assertGreater(told, before)
            self.assertEqual({node["id"] for node in part["nodes"]}, set(self.ids))
            self.assertEqual([node["port"] for node in part["nodes"] if node["id"] == self.ids[0]], [port])
            before = told
        pages = [self.as_user("anna", "GET", path + "/layout?first=%d&count=1" % first)[1] for first in range(4)]
        self.assertEqual([len(page["extents"]) for page in pages], [1, 1, 1, 0])
        self.assertEqual(self.as_user("anna", "GET", path + "/layout?since=%d" % (told + 1))[1]["first"], 0)
        self.assertEqual(self.as_user("berta", "GET", path + "/layout")[0], 404)
        self.assertEqual(self.as_user("otto", "GET", path + "/layout")[0], 404)

    def test_malformed_ids(self):
        for id in ("", "x", "0" * 31, "0" * 33, "A" * 32, "g" * 32, 7, ["0" * 32]):
            self.assertEqual(self.ask("anna", id)[0], 400, id)
        self.assertEqual(self.ask("anna", "0" * 32, **{"class": "fast"})[0], 400)

    def test_refused(self):
        for medium, status in (("none", 404), ("failed", 409), ("../x", 400), ("/x", 400), ("", 400), ("a//b", 400),
                               ("a\u0000b", 400), ("x" * 2000, 400), (7, 400), (None, 400), (["a"], 400)):
            got, answer = self.as_user("anna", "POST", "/sessions", {"medium": medium})
            self.assertEqual(got, status, (medium, answer))

    def test_whose(self):
        session = self.open("anna")
        path = "/sessions/" + session["id"]
        self.assertEqual(self.as_user("berta", "PUT", path)[0], 404)
        self.assertEqual(self.as_user("berta", "DELETE", path)[0], 404)
        self.assertEqual(self.as_user("berta", "GET", "/sessions")[0], 403)
        self.assertEqual(self.as_user("otto", "PUT", path)[0], 404)
        self.assertIn(session["id"], self.alive())
        self.assertEqual(self.as_user("otto", "DELETE", path)[0], 204)
        self.assertEqual(self.as_user("anna", "PUT", path)[0], 403)
        session = self.open("anna")
        self.assertEqual(self.as_user("anna", "DELETE", "/sessions/" + session["id"])[0], 204)
        self.assertNotIn(session["id"], self.alive())
        for bad in ("x", "0" * 31, "0" * 33, "G" * 32, "%27", "0" * 32):
            self.assertEqual(self.as_user("otto", "DELETE", "/sessions/" + bad)[0], 404)

    def test_lease(self):
        kept, left = self.open(), self.open()

        def look():
            status, answer = self.as_user("anna", "PUT", "/sessions/" + kept["id"])
            self.assertEqual(status, 200)
            self.assertEqual(set(answer), {"lease", "expires", "token", "layout", "measured"})
            self.assertEqual(claims_of(answer["token"])["sid"], kept["id"])
            return left["id"] not in self.alive()
        cluster.wait_for(look, "a session that nobody renews to end")
        self.assertIn(kept["id"], self.alive())
        self.assertEqual(self.as_user("anna", "PUT", "/sessions/" + left["id"])[0], 404)

    def test_crash(self):
        """What was answered is there after a crash at the next moment."""
        for kill in (True, False):
            session = self.open()
            self.cluster.restart_control(kill=kill)
            status, answer = self.as_user("anna", "PUT", "/sessions/" + session["id"])
            self.assertEqual(status, 200, answer)

    def test_acknowledged_is_kept(self):
        """Killed at any moment while users are made: each one that was answered with 201 is there."""
        import threading
        made, stop = [], threading.Event()

        def make():
            for i in range(1000):
                name = "user%d-%d" % (len(made), i)
                try:
                    self.cluster.api("POST", "/users", {"name": name, "password": PASSWORD, "role": "viewer"}, 201)
                except OSError:
                    break
                made.append(name)
                if stop.is_set():
                    break
        for count in (1, 3, 6):
            thread = threading.Thread(target=make)
            thread.start()
            cluster.wait_for(lambda: len(made) >= count, "some users to be made")
            self.cluster.control.kill()
            stop.set()
            thread.join()
            stop.clear()
            self.cluster.control.start()
            names = {u["name"] for u in self.cluster.api("GET", "/users")["users"]}
            self.assertLessEqual(set(made), names)

    def test_removed_user(self):
        self.cluster.api("POST", "/users", {"name": "gone", "password": PASSWORD, "role": "viewer"}, 201)
        self.tokens["gone"] = self.cluster.login("gone", PASSWORD)
        session = self.open("gone")
        self.assertIn(session["id"], self.alive())
        self.cluster.api("DELETE", "/users/gone", status=204)
        self.assertNotIn(session["id"], self.alive())

    def test_node_with_shards_stays(self):
        self.assert_status(409, self.cluster.api, "DELETE", "/nodes/%d" % self.ids[0], None, 204)


if __name__ == "__main__":
    unittest.main()
