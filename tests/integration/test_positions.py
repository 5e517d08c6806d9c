#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where viewers left off: each sees and changes what is theirs, and nothing else."""

import json
import unittest

import cluster

PASSWORD = "correct horse"
MOST = (1 << 63) - 1


class Positions(cluster.TestCase):
    nodes = 1
    control_options = {"default-redundancy": "1+0", "unit": "4KiB", "extent": "64KiB"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tokens = {}
        for user in ("anna", "bert"):
            cls.cluster.api("POST", "/users", {"name": user, "password": PASSWORD, "role": "viewer"}, 201)
            cls.tokens[user] = cls.cluster.login(user, PASSWORD)
        for i in range(5):
            cls.cluster.add("films/%d" % i, b"x%d" % i)

    def setUp(self):
        for user in self.tokens:
            for place in self.places(user):
                self.ask(user, "DELETE", "/" + place, None, 204)

    def ask(self, user, method, path, body=None, status=200):
        """@body: JSON, or text that is sent as it is."""
        text = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        got, _, answer = self.cluster.request(method, "/api/v1/me/positions" + path, text, {
            "Authorization": "Bearer " + self.tokens[user], **({"Content-Type": "application/json"} if text is not None else {})})
        self.assertEqual(got, status, (path, body, answer))
        return json.loads(answer) if answer else None

    def put(self, user, name, position, status=204):
        return self.ask(user, "PUT", "/" + name, {"position_ns": position}, status)

    def places(self, user):
        return {place["medium"]: place["position_ns"] for place in self.ask(user, "GET", "?limit=1000")["positions"]}

    def test_each_has_their_own(self):
        self.put("anna", "films/0", 5)
        self.put("anna", "films/1", 6)
        self.put("bert", "films/0", 7)
        self.assertEqual(self.places("anna"), {"films/0": 5, "films/1": 6})
        self.assertEqual(self.places("bert"), {"films/0": 7})
        # nor can one take away what another one has, nor tell that it is there
        refused = self.ask("bert", "DELETE", "/films/1", None, 404)
        self.assertEqual(refused["detail"], self.ask("bert", "DELETE", "/films/1", None, 404)["detail"])
        self.put("bert", "films/1", 1)
        self.ask("bert", "DELETE", "/films/1", None, 204)
        self.assertEqual(self.places("anna"), {"films/0": 5, "films/1": 6})
        # an administrator has places, too, and no others
        self.assertEqual(self.cluster.api("GET", "/me/positions")["positions"], [])
        # what a page begins to play with is the caller's
        for user, position in (("anna", 5), ("bert", 7)):
            status, _, answer = self.cluster.request("POST", "/api/v1/plays", json.dumps({"medium": "films/0"}), {
                "Authorization": "Bearer " + self.tokens[user], "Content-Type": "application/json"})
            self.assertEqual((status, json.loads(answer).get("position_ns")), (201, position))
        status = self.cluster.request("GET", "/api/v1/me/positions", token=False)[0]
        self.assertEqual(status, 401)

    def test_media_that_change(self):
        self.cluster.add("films/going", b"y")
        self.put("anna", "films/going", 5)
        self.cluster.api("POST", "/media/films/going/rename", {"name": "films/gone"})
        self.put("anna", "films/going", 6, 404)
        self.assertEqual(self.places("anna"), {"films/gone": 5})
        self.cluster.delete("films/gone")
        self.assertEqual(self.places("anna"), {})
        self.put("anna", "films/gone", 7, 404)
        self.ask("anna", "DELETE", "/films/gone", None, 404)
        self.cluster.wait_jobs()
        # another medium of that name has nothing of it
        self.cluster.add("films/gone", b"z")
        self.assertEqual(self.places("anna"), {})
        self.cluster.delete("films/gone")
        self.put("anna", "none", 5, 404)

    def test_users_that_go(self):
        self.cluster.api("POST", "/users", {"name": "carl", "password": PASSWORD, "role": "viewer"}, 201)
        self.tokens["carl"] = self.cluster.login("carl", PASSWORD)
        self.put("carl", "films/0", 9)
        self.cluster.api("DELETE", "/users/carl", None, 204)
        self.cluster.api("POST", "/users", {"name": "carl", "password": PASSWORD, "role": "viewer"}, 201)
        self.ask("carl", "GET", "", None, 401)
        self.tokens["carl"] = self.cluster.login("carl", PASSWORD)
        self.assertEqual(self.places("carl"), {})
        self.cluster.api("DELETE", "/users/carl", None, 204)
        del self.tokens["carl"]

    def test_bounds(self):
        for position in (0, 1, MOST):
            self.put("anna", "films/0", position)
            self.assertEqual(self.places("anna"), {"films/0": position})
        for body in ({"position_ns": -1}, {"position_ns": MOST + 1}, {"position_ns": 1.5}, {"position_ns": "1"}, {"position_ns": None},
                     {"position_ns": True}, {}, {"position_ns": 1, "user": "bert"}, [], "", "{", '{"position_ns": 1' + "0" * 400 + "}"):
            self.ask("anna", "PUT", "/films/0", body, 400)
        self.ask("anna", "PUT", "/films/0", '{"position_ns": 1, "x": "%s"}' % ("x" * (1 << 20)), 413)
        self.assertEqual(self.places("anna"), {"films/0": MOST})
        for name in ("a//b", "a/../b", "a%2Fb", "x" * 1025, "a%00b"):
            self.ask("anna", "PUT", "/" + name, {"position_ns": 1}, 400)
        for query in ("?limit=0", "?limit=1001", "?limit=-1", "?limit=x", "?after=", "?after=1", "?after=1.x", "?after=9999999999999999999.1"):
            self.ask("anna", "GET", query, None, 400)

    def test_pages(self):
        for i in range(5):
            self.put("anna", "films/%d" % i, i)
        seen, after = [], ""
        while after is not None:
            page = self.ask("anna", "GET", "?limit=2" + after)
            self.assertLessEqual(len(page["positions"]), 2)
            seen += [place["medium"] for place in page["positions"]]
            after = page["next"] and "&after=" + page["next"]
        self.assertEqual(sorted(seen), ["films/%d" % i for i in range(5)])
        # another one's place in the list says nothing of theirs
        self.put("bert", "films/3", 3)
        first = self.ask("anna", "GET", "?limit=1")["next"]
        self.assertLessEqual({place["medium"] for place in self.ask("bert", "GET", "?after=" + first)["positions"]}, {"films/3"})

    def test_kept(self):
        """Not lost with control."""
        self.put("anna", "films/2", 4)
        self.cluster.restart_control()
        self.cluster.wait_nodes()
        self.assertEqual(self.places("anna"), {"films/2": 4})


if __name__ == "__main__":
    unittest.main(verbosity=2)
