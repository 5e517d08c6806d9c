# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pages' logins: the cookie, what it is good for, and what a page of another origin can do with it, which is nothing."""

import json
import unittest

import authority
import cluster
from event_listener import Listener
from wrong_clocks import WithClocks

PASSWORD = "correct horse"
PLAIN, SECURE = "pmss", "__Host-pmss"


class Case(cluster.TestCase):
    nodes = 0
    kind, other_kind = PLAIN, SECURE

    @property
    def origin(self):
        return self.cluster.url

    def ask(self, method, path, cookie=None, body=None, **fields):
        """Status, header fields and JSON of a request without a token. @fields: "Origin", "X_PMSS"; None: it has none."""
        headers = {"Origin": self.origin, "X-PMSS": "1"}
        headers.update((name.replace("_", "-"), value) for name, value in fields.items())
        headers = {name: value for name, value in headers.items() if value is not None}
        if cookie:
            headers["Cookie"] = cookie
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        status, got, answer = self.cluster.request(method, path, None if body is None else json.dumps(body), headers, token=False)
        return status, got, json.loads(answer) if answer else None

    def user(self, name, role):
        self.cluster.api("POST", "/users", {"name": name, "password": PASSWORD, "role": role}, 201)

    def sign_in(self, name, password=PASSWORD):
        """The Cookie of a browser that has signed in."""
        status, headers, answer = self.ask("POST", "/api/v1/sign-in", body={"user": name, "password": password})
        self.assertEqual(status, 200, answer)
        self.assertNotIn("token", answer)
        return headers["Set-Cookie"].partition(";")[0]

    def me(self, cookie):
        return self.ask("GET", "/api/v1/me", cookie, Origin=None, X_PMSS=None)


class Cookies(Case):
    nodes = 1
    control_options = {"default-redundancy": "1+0"}

    def test_sign_in(self):
        self.user("anna", "operator")
        status, headers, answer = self.ask("POST", "/api/v1/sign-in", body={"user": "anna", "password": PASSWORD})
        self.assertEqual((status, answer["user"], answer["role"]), (200, "anna", "operator"))
        cookie, *attributes = headers["Set-Cookie"].split("; ")
        self.assertRegex(cookie, "^%s=[A-Za-z0-9_-]{43}$" % self.kind)
        self.assertEqual(set(attributes), {"Path=/", "Max-Age=2592000", "HttpOnly", "SameSite=Strict"}
                         | ({"Secure"} if self.kind == SECURE else set()))
        self.assertEqual(headers["Cache-Control"], "no-store")
        self.assertEqual(self.me(cookie)[2]["user"], "anna")
        self.assertEqual(self.me(cookie)[2]["expires"], answer["expires"])
        # it reads, and writes what a page of this server asks for
        self.assertEqual(self.ask("GET", "/api/v1/media", cookie, Origin=None, X_PMSS=None)[0], 200)
        self.assertEqual(self.ask("DELETE", "/api/v1/media/none", cookie)[0], 404)
        # with a token neither is needed, and the cookie does not count
        bearer = {"Authorization": "Bearer " + self.cluster.token}
        self.assertEqual(self.ask("GET", "/api/v1/me", cookie, **bearer)[2]["user"], "admin")
        self.assertEqual(self.ask("DELETE", "/api/v1/media/none", cookie, Origin="https://evil.example", X_PMSS=None, **bearer)[0], 404)
        status, headers, _ = self.ask("POST", "/api/v1/logout", cookie)
        self.assertEqual(status, 204)
        self.assertIn("%s=; " % self.kind, headers["Set-Cookie"])
        self.assertIn("Max-Age=0", headers["Set-Cookie"])
        self.assertEqual(self.me(cookie)[0], 401)
        for wrong in ({"user": "anna", "password": "wrong one"}, {"user": "nobody", "password": PASSWORD}):
            status, headers, _ = self.ask("POST", "/api/v1/sign-in", body=wrong)
            self.assertEqual((status, headers["Set-Cookie"]), (401, None))
        log = self.cluster.control.log.read_text()
        self.assertNotIn(cookie.partition("=")[2], log)
        self.assertIn("action=login result=done user=anna", log)

    def test_ends(self):
        for end in ("removal", "password"):
            self.user("end-" + end, "viewer")
            cookie = self.sign_in("end-" + end)
            self.assertEqual(self.me(cookie)[0], 200)
            if end == "removal":
                self.cluster.api("DELETE", "/users/end-removal", status=204)
            else:
                self.cluster.api("PUT", "/users/end-password/password", {"password": "battery staple"}, 204)
            self.assertEqual(self.me(cookie)[0], 401)
        self.user("demoted", "operator")
        cookie = self.sign_in("demoted")
        self.cluster.api("PATCH", "/users/demoted", {"role": "viewer"})
        self.assertEqual(self.ask("DELETE", "/api/v1/media/none", cookie)[0], 403)
        self.assertEqual(self.me(cookie)[2]["role"], "viewer")

    def test_kinds(self):
        """Only the name that this server gives counts, and that once."""
        self.user("kinds", "viewer")
        cookie = self.sign_in("kinds")
        token = cookie.partition("=")[2]
        for wrong in ("%s=%s" % (self.other_kind, token), "%s; %s" % (cookie, cookie), "%s=planted; %s" % (self.kind, cookie),
                      "%s=" % self.kind, "%s=x" % self.kind, cookie + "x", cookie[:-1], token, "x" + cookie):
            self.assertEqual(self.me(wrong)[0], 401, wrong)
        self.assertEqual(self.me("theme=dark; %s; lang=ko" % cookie)[0], 200)
        self.assertEqual(self.me("%s=%s; %s" % (self.other_kind, token, cookie))[0], 200)

    def test_own_password(self):
        """The login that changes the password stays, others end."""
        self.user("owner", "viewer")
        first, second = self.sign_in("owner"), self.sign_in("owner")
        self.assertEqual(self.ask("PUT", "/api/v1/users/owner/password", first,
                                  {"password": "battery staple", "old_password": PASSWORD})[0], 204)
        self.assertEqual((self.me(first)[0], self.me(second)[0]), (200, 401))

    def test_streams_and_sessions(self):
        """What lasts ends with the login that the cookie is."""
        self.cluster.add("film", b"x" * 1000)
        self.user("watcher", "viewer")
        cookie = self.sign_in("watcher")
        listener = Listener(self.cluster, None, headers={"Cookie": cookie})
        self.addCleanup(listener.close)
        self.assertEqual(listener.next().name, "start")
        session = self.ask("POST", "/api/v1/sessions", cookie, {"medium": "film"})[2]
        self.assertEqual(self.ask("PUT", "/api/v1/sessions/" + session["id"], cookie)[0], 200)
        self.assertEqual(self.ask("POST", "/api/v1/logout", cookie)[0], 204)
        listener.wait_end()
        self.assertNotIn(session["id"], [s["id"] for s in self.cluster.api("GET", "/sessions")["sessions"]])

    def operations(self):
        """Each method and path of the API that asks for a login, places filled in, and that is not a GET."""
        for path, item in self.cluster.api("GET", "/openapi.json")["paths"].items():
            for method, operation in item.items():
                if method != "get" and method != "head" and (operation["x-role"] != "none" or path == "/api/v1/sign-in"):
                    yield method.upper(), path.replace("{name}", "victim").replace("{id}", "1")

    def everything(self):
        api = self.cluster.api
        return [api("GET", path) for path in ("/users", "/media", "/jobs", "/uploads", "/sessions")] + [
            [node["id"] for node in api("GET", "/nodes")["nodes"]]]

    def test_foreign_page(self):
        """A page of another origin sends all that a browser lets it send, to each route, with the cookie of an administrator."""
        self.user("victim", "viewer")
        self.user("boss", "admin")
        cookie = self.sign_in("boss")
        before = self.everything()
        operations = list(self.operations())
        self.assertGreater(len(operations), 20)
        host = self.origin.partition("://")
        foreign = [{"Origin": origin, "X_PMSS": mark} for origin, mark in (
            ("https://evil.example", "1"), ("https://evil.example", None), ("null", "1"), (None, "1"), (None, None), (self.origin, None),
            (self.origin, "0"), (self.origin + "0", "1"), (self.origin + ".evil.example", "1"),
            ("%s://%s" % ("http" if host[0] == "https" else "https", host[2]), "1"))]
        for method, path in operations:
            for fields in foreign:
                for kind, body in (("application/json", {"role": "admin"}), ("text/plain", {"name": "x"}), (None, None)):
                    if method == "DELETE" and body:
                        continue        # no request with that is looked at
                    status = self.ask(method, path, cookie, body, Content_Type=kind, **fields)[0]
                    # sign-in looks at a body first
                    allowed = (403, 400, 415) if path == "/api/v1/sign-in" else (403,)
                    self.assertIn(status, allowed, (method, path, fields, kind))
        credentials = {"user": "boss", "password": PASSWORD}
        for fields in foreign:
            status, headers, _ = self.ask("POST", "/api/v1/sign-in", None, credentials, **fields)
            self.assertEqual((status, headers["Set-Cookie"]), (403, None), fields)
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.me(cookie)[2]["user"], "boss")
        # and reads nothing: no answer lets it
        for path in ("/api/v1/me", "/api/v1/users", "/healthz"):
            headers = self.ask("GET", path, cookie, Origin="https://evil.example", X_PMSS=None)[1]
            self.assertFalse([name for name in headers if name.lower().startswith("access-control-")], path)


class CookiesTls(authority.WithTls, Cookies):
    kind, other_kind = SECURE, PLAIN


class Proxied(Case):
    """Behind a proxy that does TLS."""
    control_options = {"public-url": "https://media.example.org"}
    kind, other_kind = SECURE, PLAIN

    def test_origin(self):
        self.user("anna", "operator")
        status, headers, _ = self.ask("POST", "/api/v1/sign-in", body={"user": "anna", "password": PASSWORD},
                                      Origin="https://media.example.org", Host="media.example.org")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Set-Cookie"].startswith(SECURE + "="))
        self.assertIn("; Secure", headers["Set-Cookie"])
        cookie = headers["Set-Cookie"].partition(";")[0]
        for origin, wanted in (("https://media.example.org", 404), ("http://media.example.org", 403), ("https://evil.example", 403)):
            status = self.ask("DELETE", "/api/v1/media/none", cookie, Origin=origin, Host="media.example.org")[0]
            self.assertEqual(status, wanted, origin)


class Clock(WithClocks, Case):
    clocked = 0
    control_options = {"token-lifetime": "3600"}

    def test_expiry(self):
        """It ends by the clock; what was revoked stays so, wherever the clock is set."""
        self.user("late", "viewer")
        kept, revoked = self.sign_in("late"), self.sign_in("late")
        self.set_clock("control", 3700)
        self.assertEqual(self.me(kept)[0], 401)
        self.set_clock("control", 0)
        self.assertEqual(self.me(kept)[0], 200)
        self.assertEqual(self.ask("POST", "/api/v1/logout", revoked)[0], 204)
        for ahead in (0, -3600, 1000):
            self.set_clock("control", ahead)
            self.assertEqual((self.me(revoked)[0], self.me(kept)[0]), (401, 200), ahead)
        self.set_clock("control", 3700)
        ahead = self.sign_in("late")
        self.set_clock("control", -3600)
        self.assertEqual(self.me(ahead)[0], 200)
        self.assertEqual(self.ask("POST", "/api/v1/logout", ahead)[0], 204)
        self.assertEqual(self.me(ahead)[0], 401)


if __name__ == "__main__":
    unittest.main()
