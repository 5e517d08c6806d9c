# SPDX-License-Identifier: LGPL-2.1-or-later
"""Links: what they open, for whom, until when, and that they open nothing else."""

import http.client
import json
import os
import re
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

import cluster
import pmss_cli
from wrong_clocks import WithClocks

PASSWORD = "correct horse"
CONTENT = bytes(range(256)) * 500
NAME, OTHER = "films/a b.webm", "films/other"


class Case(cluster.TestCase):
    nodes = 1
    control_options = {"default-redundancy": "1+0", "unit": "4KiB", "extent": "64KiB"}

    def user(self, name, role="operator"):
        self.cluster.api("POST", "/users", {"name": name, "password": PASSWORD, "role": role}, 201)
        return self.cluster.login(name, PASSWORD)

    def as_user(self, token, method, path, body=None):
        headers = {"Authorization": "Bearer " + token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, _, answer = self.cluster.request(method, "/api/v1" + path, None if body is None else json.dumps(body), headers)
        return status, json.loads(answer) if answer else None

    def link(self, token=None, name=NAME, **more):
        status, link = self.as_user(token or self.cluster.token, "POST", "/links", dict(more, medium=name))
        self.assertEqual(status, 201, link)
        return link

    @staticmethod
    def secret(link):
        return urllib.parse.parse_qs(urllib.parse.urlsplit(link["url"]).query)["link"][0]

    def open(self, secret, name=NAME, headers=None):
        """The status of GET /media/NAME?link=…, and where it leads."""
        status, got, _ = self.cluster.request("GET", "/media/%s?link=%s" % (cluster.encode_name(name), urllib.parse.quote(secret, safe="")),
                                              headers=headers, token=False)
        return status, got["Location"]

    def fetch(self, url):
        """What a gateway answers: the status, and the bytes; no bytes where its right ended in the middle of them."""
        try:
            with urllib.request.urlopen(url, timeout=cluster.DEADLINE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None
        except http.client.IncompleteRead:
            return 200, None


class Links(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.add(NAME, CONTENT)
        cls.cluster.add(OTHER, CONTENT[::-1])

    def test_plays(self):
        link = self.link()
        self.assertEqual((link["user"], link["medium"]), ("admin", NAME))
        self.assertEqual(link["url"], "%s/media/%s?link=%s" % (self.cluster.url, cluster.encode_name(NAME), self.secret(link)))
        # a player follows
        self.assertEqual(self.fetch(link["url"]), (200, CONTENT))
        self.assertEqual(self.cluster.request("HEAD", link["url"][len(self.cluster.url):], token=False)[0], 307)

    def test_opens_nothing_else(self):
        token = self.user("maker")
        link = self.link(token)
        secret = self.secret(link)
        for name in (OTHER, "none", NAME + "x", "films"):
            self.assertEqual(self.open(secret, name)[0], 403, name)
        for wrong in ("", "x", secret[:-1], secret + "A", secret.swapcase(), token, self.cluster.token, "' OR 1=1 --", "A" * 43):
            self.assertEqual(self.open(wrong)[0], 403, wrong)
        self.assertEqual(self.open(secret, headers={"Authorization": "Bearer none"})[0], 307)
        # it is no login
        bearer = {"Authorization": "Bearer " + secret}
        for method, path in (("GET", "/api/v1/media"), ("GET", "/api/v1/me"), ("GET", "/media/" + cluster.encode_name(NAME)),
                             ("POST", "/api/v1/logout"), ("GET", "/api/v1/stream"), ("GET", "/api/v1/links")):
            self.assertEqual(self.cluster.request(method, path, headers=bearer)[0], 401, path)
            self.assertEqual(self.cluster.request(method, path, headers={"Cookie": "pmss=" + secret, "X-PMSS": "1",
                                                                         "Origin": self.cluster.url}, token=False)[0], 401, path)
        for path in ("/api/v1/media/" + cluster.encode_name(NAME), "/api/v1/me", "/api/v1/links"):
            self.assertEqual(self.cluster.request("GET", "%s?link=%s" % (path, secret), token=False)[0], 401, path)
        self.assertEqual(self.open(secret)[0], 307)

    def test_who_makes_them(self):
        viewer, first, second = self.user("viewer", "viewer"), self.user("first"), self.user("second")
        # a viewer's are shorter, and fewer
        week = 7 * 86400
        self.assertEqual(self.as_user(viewer, "POST", "/links", {"medium": NAME, "lifetime": week + 1})[0], 400)
        small = self.as_user(viewer, "POST", "/links", {"medium": NAME, "lifetime": week})[1]
        self.assertEqual(self.open(self.secret(small))[0], 307)
        for _ in range(99):
            self.assertEqual(self.as_user(viewer, "POST", "/links", {"medium": NAME})[0], 201)
        self.assertEqual(self.as_user(viewer, "POST", "/links", {"medium": NAME})[0], 409)
        self.assertEqual(self.as_user(viewer, "DELETE", "/links/%d" % small["id"])[0], 204)
        self.assertEqual(self.open(self.secret(small))[0], 403)
        self.assertEqual(self.as_user(viewer, "POST", "/links", {"medium": NAME})[0], 201)
        mine, theirs = self.link(first), self.link(second)

        def seen(token):
            return {link["id"] for link in self.as_user(token, "GET", "/links")[1]["links"]}
        self.assertEqual((seen(first), seen(second)), ({mine["id"]}, {theirs["id"]}))
        self.assertLessEqual({mine["id"], theirs["id"]}, seen(self.cluster.token))
        self.assertEqual(self.as_user(first, "DELETE", "/links/%d" % theirs["id"])[0], 404)
        self.assertEqual(self.as_user(viewer, "DELETE", "/links/%d" % mine["id"])[0], 404)
        self.assertEqual(self.as_user(self.cluster.token, "DELETE", "/links/%d" % theirs["id"])[0], 204)
        self.assertEqual((self.open(self.secret(theirs))[0], self.open(self.secret(mine))[0]), (403, 307))
        for body in ({"medium": "none"}, {"medium": NAME, "lifetime": 0}, {"medium": NAME, "lifetime": 1 << 40}, {"medium": "/x"}, {}):
            self.assertIn(self.as_user(first, "POST", "/links", body)[0], (400, 404), body)

    def test_ends(self):
        """With its removal, its maker, the maker's right and password, and its medium; what it plays ends, too."""
        for end in ("removal", "maker", "demotion", "password", "medium"):
            name = "films/" + end
            self.cluster.add(name, CONTENT)
            token = self.user("ends-" + end)
            link = self.link(token, name)
            status, place = self.open(self.secret(link), name)
            self.assertEqual((status, self.fetch(place)), (307, (200, CONTENT)), end)
            if end == "removal":
                self.assertEqual(self.as_user(token, "DELETE", "/links/%d" % link["id"])[0], 204)
            elif end == "maker":
                self.cluster.api("DELETE", "/users/ends-maker", status=204)
                self.user("ends-maker")
            elif end == "demotion":
                self.cluster.api("PATCH", "/users/ends-demotion", {"role": "viewer"})
                self.assertEqual(self.open(self.secret(link), name)[0], 403)
                self.cluster.api("PATCH", "/users/ends-demotion", {"role": "operator"})
            elif end == "password":
                self.cluster.api("PUT", "/users/ends-password/password", {"password": "battery staple"}, 204)
            else:
                self.cluster.delete(name)
                self.cluster.wait_jobs()
                self.cluster.add(name, CONTENT)
            self.assertEqual(self.open(self.secret(link), name)[0], 403, end)
            # the gateway hears of it from control
            cluster.wait_for(lambda: self.fetch(place)[0] in (401, 403), "the end of what it played, by " + end)
            self.assertNotIn(link["id"], [x["id"] for x in self.cluster.api("GET", "/links")["links"]])

    def test_follows_its_medium(self):
        """A medium that gets another name is the same; one that takes the name over is not."""
        self.cluster.add("films/before", CONTENT)
        link = self.link(name="films/before")
        self.cluster.api("POST", "/media/films/before/rename", {"name": "films/after"})
        self.cluster.add("films/before", b"another one")
        self.assertEqual(self.open(self.secret(link), "films/before")[0], 403)
        status, place = self.open(self.secret(link), "films/after")
        self.assertEqual((status, self.fetch(place)), (307, (200, CONTENT)))

    def test_is_told_once(self):
        """No log, no list and no event has the secret, and the database a hash of it."""
        link = self.link()
        secret = self.secret(link)
        self.open(secret)
        self.open(secret, OTHER)
        self.open(secret[:-1])
        events = cluster.wait_for(lambda: [e for e in self.cluster.api("GET", "/events?limit=1000")["events"]
                                           if e["action"].startswith("GET /media") and e["object"] == OTHER], "the refusal")
        self.assertEqual(events[0]["result"], "refused")
        self.assertTrue([e for e in self.cluster.api("GET", "/events?limit=1000")["events"]
                         if (e["action"], e["topic"], e["object"], e["detail"]) == ("link add", "media", NAME, str(link["id"]))])
        kept = json.dumps([self.cluster.api("GET", path) for path in ("/links", "/events?limit=1000", "/sessions")])
        for server in (self.cluster.control, *self.cluster.nodes):
            kept += server.log.read_text()
        self.assertNotIn(secret[:-1], kept)
        for file in self.cluster.control.data.glob("catalog.db*"):
            self.assertNotIn(secret.encode(), file.read_bytes(), file)

    def test_command(self):
        def pmss(*arguments, status=0):
            done = subprocess.run([pmss_cli.PMSS, "link", *arguments], capture_output=True, text=True, timeout=60,
                                  env=dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token))
            self.assertEqual(done.returncode, status, done.stderr)
            return done.stdout
        url = pmss(NAME, "--expires", "12h").strip()
        self.assertEqual(self.fetch(url), (200, CONTENT))
        row = next(line for line in pmss("ls").splitlines() if NAME in line)
        pmss("rm", re.match(r" *(\d+)", row)[1])
        self.assertEqual(self.fetch(url)[0], 403)
        self.assertEqual(self.fetch(pmss("add", OTHER).strip()), (200, CONTENT[::-1]))
        for wrong in ("12", "h", "-1h", "1w", "1.5h", ""):
            pmss(NAME, "--expires=" + wrong, status=64)
        pmss("none", status=66)


class Clock(WithClocks, Case):
    clocked = 1
    nodes = 0

    def test_expiry(self):
        self.cluster.add(NAME, CONTENT)
        kept, short = self.link(lifetime=7200), self.link(lifetime=600)
        self.set_clock("control", 700)
        self.assertEqual(self.open(self.secret(short))[0], 403)
        # the storage server's clock is another one now, so that it may be of no use
        self.assertIn(self.open(self.secret(kept))[0], (307, 503))
        self.assertNotIn(short["id"], [x["id"] for x in self.cluster.api("GET", "/links")["links"]])
        self.set_clock("control", 0)
        self.cluster.api("DELETE", "/links/%d" % kept["id"], status=204)
        for ahead in (0, -3600, 3600):
            self.set_clock("control", ahead)
            self.assertEqual(self.open(self.secret(kept))[0], 403, ahead)


if __name__ == "__main__":
    unittest.main()
