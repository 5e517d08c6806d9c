# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-control: first start, logins, roles, limits on guessing, users."""

import contextlib
import http.client
import json
import os
import re
import stat
import subprocess
import threading
import time
import unittest

import authority
import cluster

PASSWORD = "correct horse"
# attempts for one user at once, and seconds until there is one more
BURST, REFILL = 10, 6


class AccountsTest(cluster.TestCase):
    nodes = 0

    def user(self, name, role):
        self.cluster.api("POST", "/users", {"name": name, "password": PASSWORD, "role": role}, 201)
        return self.cluster.login(name, PASSWORD)

    def as_user(self, token, method, path, body=None):
        """The status of a request with another token."""
        headers = {"Authorization": "Bearer " + token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self.cluster.request(method, path, None if body is None else json.dumps(body), headers)[0]

    def test_first_start(self):
        data = self.cluster.control.data
        for name in ("catalog.db", "keys/token.key", "keys/cluster"):
            self.assertEqual(stat.S_IMODE(os.stat(data / name).st_mode), 0o600, name)
        for name in (".", "keys"):
            self.assertEqual(stat.S_IMODE(os.stat(data / name).st_mode), 0o700, name)

    def test_login_answers(self):
        for body in ({"user": "admin", "password": "wrong"}, {"user": "nobody", "password": "wrong"}):
            status, _, answer = self.cluster.request(
                "POST", "/api/v1/login", json.dumps(body), {"Content-Type": "application/json"}, token=False)
            self.assertEqual(status, 401)
            self.assertEqual(json.loads(answer)["detail"], "Wrong user or password")

    def test_without_token(self):
        status, headers, answer = self.cluster.request("GET", "/api/v1/media", token=False)
        self.assertEqual(status, 401)
        self.assertEqual(headers["WWW-Authenticate"], "Bearer")
        self.assertEqual(headers["Content-Type"], "application/problem+json")
        self.assertEqual(json.loads(answer)["status"], 401)
        for token in ("", "x", "A" * 43, "A" * 5000, "ä" * 10, "' OR 1=1 --"):
            got = self.cluster.request("GET", "/api/v1/media",
                                       headers={"Authorization": ("Bearer " + token).encode()})[0]
            self.assertIn(got, (400, 401, 431), token)

    def test_logout(self):
        token = self.user("leaver", "viewer")
        self.assertEqual(self.as_user(token, "GET", "/api/v1/media"), 200)
        self.assertEqual(self.as_user(token, "POST", "/api/v1/logout"), 204)
        self.assertEqual(self.as_user(token, "GET", "/api/v1/media"), 401)

    def test_roles(self):
        """What a route of openapi.json is marked with is what the server wants."""
        tokens = {"viewer": self.user("role-viewer", "viewer"), "operator": self.user("role-operator", "operator")}
        rank = ["none", "viewer", "operator", "admin"]
        paths = self.cluster.api("GET", "/openapi.json")["paths"]
        for path, item in paths.items():
            for method, operation in item.items():
                real = path.replace("{id}", "0" * 32).replace("{name}", "no-such")
                if real.endswith("/logout"):
                    continue
                if real.endswith("/stream"):
                    real += "?topics=none"      # a stream would not end
                for role, token in tokens.items():
                    allowed = rank.index(role) >= rank.index(operation["x-role"])
                    status = self.as_user(token, method.upper(), real)
                    with self.subTest(path=path, method=method, role=role):
                        if allowed:
                            self.assertNotIn(status, (403, 405))
                        else:
                            self.assertEqual(status, 403)
                if operation["x-role"] != "none":
                    status = self.cluster.request(method.upper(), real, token=False)[0]
                    self.assertEqual(status, 401, path)

    def test_users(self):
        api = self.cluster.api
        token = self.user("anna", "operator")
        self.assert_status(409, api, "POST", "/users", {"name": "anna", "password": PASSWORD, "role": "viewer"}, 201)
        names = [u["name"] for u in api("GET", "/users")["users"]]
        self.assertEqual(names, sorted(names))
        self.assertIn("anna", names)
        api("DELETE", "/users/anna", status=204)
        self.assertEqual(self.as_user(token, "GET", "/api/v1/media"), 401)
        self.assert_status(404, api, "DELETE", "/users/anna", None, 204)
        self.assert_status(409, api, "DELETE", "/users/admin", None, 204)
        for bad in ({}, {"name": "x"}, {"name": "x", "password": "short", "role": "viewer"},
                    {"name": "x y", "password": PASSWORD, "role": "viewer"},
                    {"name": "x", "password": PASSWORD, "role": "root"},
                    {"name": "x", "password": PASSWORD, "role": "viewer", "more": 1},
                    {"name": 1, "password": PASSWORD, "role": "viewer"},
                    {"name": None, "password": PASSWORD, "role": "viewer"},
                    {"name": "x\u0000y", "password": PASSWORD, "role": "viewer"}):
            self.assert_status(400, api, "POST", "/users", bad, 201)

    def test_role_changes(self):
        """Logins have the new role with their next request; sessions of the old one are over."""
        api = self.cluster.api
        token = self.user("climber", "viewer")
        path = "/api/v1/users"
        self.assertEqual(self.as_user(token, "GET", path), 403)
        self.assertEqual(self.as_user(token, "PATCH", path + "/climber", {"role": "admin"}), 403)
        self.assertEqual(api("PATCH", "/users/climber", {"role": "admin"})["role"], "admin")
        self.assertEqual(self.as_user(token, "GET", path), 200)
        # one's own, as long as another is left
        self.assertEqual(self.as_user(token, "PATCH", path + "/climber", {"role": "operator"}), 200)
        self.assertEqual(self.as_user(token, "GET", path), 403)
        self.assertEqual(self.as_user(token, "GET", "/api/v1/jobs"), 200)
        # the last one is neither demoted nor removed, by whatever name it is asked
        status, _, answer = self.cluster.request("PATCH", path + "/%61dmin", json.dumps({"role": "viewer"}),
                                                 {"Content-Type": "application/json"})
        self.assertEqual(status, 409)
        self.assertIn("last administrator", json.loads(answer)["detail"])
        self.assert_status(409, api, "DELETE", "/users/admin", None, 204)
        self.assertEqual(api("PATCH", "/users/admin", {"role": "admin"})["role"], "admin")
        self.assert_status(404, api, "PATCH", "/users/none", {"role": "viewer"})
        for bad in ({}, {"role": "root"}, {"role": 1}, {"role": "viewer", "name": "x"}):
            self.assert_status(400, api, "PATCH", "/users/climber", bad)

    def test_administrators_demote_each_other(self):
        """However they meet, one is left."""
        tokens = {name: self.user(name, "admin") for name in ("left", "right")}
        self.cluster.api("PATCH", "/users/admin", {"role": "viewer"})
        both = threading.Barrier(2)
        got = {}

        def demote(mine, other):
            both.wait(30)
            got[mine] = self.as_user(tokens[mine], "PATCH", "/api/v1/users/" + other, {"role": "viewer"})
        threads = [threading.Thread(target=demote, args=pair) for pair in (("left", "right"), ("right", "left"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(got.values())[0], 200)
        self.assertIn(sorted(got.values())[1], (403, 409))
        winner = min(got, key=got.get)
        self.assertEqual(self.as_user(tokens[winner], "PATCH", "/api/v1/users/admin", {"role": "admin"}), 200)
        self.cluster.api("DELETE", "/users/left", status=204)
        self.cluster.api("DELETE", "/users/right", status=204)

    def test_slow_body(self):
        """What a body ends that took its time is done with the rights of then, not with those of its head."""
        for end in ("logout", "removal", "role"):
            with self.subTest(end=end):
                name = "slow-" + end
                token = self.user(name, "admin")
                body = json.dumps({"name": "made-" + end, "password": PASSWORD, "role": "admin"}).encode()
                connection = http.client.HTTPConnection("127.0.0.1", self.cluster.control.port, timeout=20)
                self.addCleanup(connection.close)
                connection.putrequest("POST", "/api/v1/users")
                for field, value in (("Authorization", "Bearer " + token), ("Content-Type", "application/json"),
                                     ("Content-Length", str(len(body)))):
                    connection.putheader(field, value)
                connection.endheaders(body[:-1])
                time.sleep(1.1)         # a look at the rights is good for a second
                if end == "logout":
                    self.assertEqual(self.as_user(token, "POST", "/api/v1/logout"), 204)
                elif end == "removal":
                    self.cluster.api("DELETE", "/users/" + name, status=204)
                else:
                    self.cluster.api("PATCH", "/users/" + name, {"role": "viewer"})
                connection.send(body[-1:])
                answer = connection.getresponse()
                self.assertEqual(answer.status, 403 if end == "role" else 401)
                self.assertEqual(json.loads(answer.read())["status"], answer.status)
                names = {user["name"] for user in self.cluster.api("GET", "/users")["users"]}
                self.assertNotIn("made-" + end, names)
                if name in names:
                    self.cluster.api("DELETE", "/users/" + name, status=204)

    def audit(self, *parts):
        """The audit log's lines that have all of @parts, once there is one."""
        def find():
            lines = [line for line in self.cluster.control.log.read_text().splitlines() if "audit: " in line]
            return [line for line in lines if all(part in line for part in parts)]
        return cluster.wait_for(find, "an audit line with %s" % (parts,))

    def test_audit(self):
        """Who did what from where, and what was refused: a line each, without secrets, however they call themselves."""
        api, request = self.cluster.api, self.cluster.request
        token = self.user("audrey", "operator")
        self.audit("action=login result=done user=audrey from=127.0.0.1 status=200")
        self.audit('action="user add" result=done user=admin from=127.0.0.1 object=audrey detail=operator status=201')
        typed = "a password where the name belongs"
        for name, user in (("audrey", "user=audrey"), (typed, 'user="(unknown)"'), ("x\naudit: forged", 'user="(unknown)"')):
            request("POST", "/api/v1/login", json.dumps({"user": name, "password": "wrong guess"}),
                    {"Content-Type": "application/json"}, token=False)
            self.audit("action=login result=refused", user, "status=401")
        self.assertEqual(self.as_user(token, "GET", "/api/v1/users"), 403)
        self.audit('action="GET /api/v1/users" result=refused user=audrey', "status=403")
        self.assertEqual(self.as_user(token, "DELETE", "/api/v1/media/none%22%20user=root"), 404)
        self.audit('action="media delete" result=failed user=audrey', r'object="none\" user=root" status=404')
        api("PATCH", "/users/audrey", {"role": "viewer"})
        self.audit('action="user set" result=done user=admin', "object=audrey detail=viewer")
        self.assertEqual(self.as_user(token, "PUT", "/api/v1/users/audrey/password",
                                      {"password": "battery staple", "old_password": PASSWORD}), 204)
        self.audit('action="user password" result=done user=audrey')
        join = api("POST", "/nodes/join-tokens", {}, 201)["join_token"]
        node = api("POST", "/nodes/join", {"join_token": join, "address": "127.0.0.1", "port": 1, "tls": False,
                                           "capacity": 1}, 201)
        self.audit('action="node add" result=done user=admin')
        self.audit('action="node join" result=done user=- from=127.0.0.1 object=%d detail="127.0.0.1 port 1"' % node["id"])
        tus = {"Tus-Resumable": "1.0.0", "Authorization": "Bearer " + self.cluster.token}
        _, headers, _ = request("POST", "/api/v1/uploads", None, dict(tus, **{
            "Upload-Length": "9", "Upload-Metadata": cluster.encode_metadata(name="films/a b", redundancy="1+0")}))
        upload = headers["Location"].rpartition("/")[2]
        self.audit('action="upload begin" result=done user=admin from=127.0.0.1 object="films/a b" detail=%s' % upload)
        request("DELETE", "/api/v1/uploads/" + upload, headers=tus)
        self.audit('action="upload remove" result=done user=admin from=127.0.0.1 object=' + upload)
        api("DELETE", "/nodes/%d" % node["id"], status=204)
        self.audit('action="node remove" result=done user=admin from=127.0.0.1 object=%d' % node["id"])
        api("DELETE", "/users/audrey", status=204)
        self.audit('action="user remove" result=done user=admin from=127.0.0.1 object=audrey')
        # a flood of refusals is bounded; what is done is written all the same
        for _ in range(100):
            request("GET", "/api/v1/media", headers={"Authorization": "Bearer nobody"})
        cluster.wait_for(lambda: request("GET", "/api/v1/jobs", headers={"Authorization": "Bearer nobody"})[0] == 401
                         and "refusals before the next one" in self.cluster.control.log.read_text(), "a line about the rest")
        text = self.cluster.control.log.read_text()
        self.assertLess(len(re.findall('action="GET /api/v1/media" result=refused', text)), 100)
        self.assertFalse([line for line in text.splitlines() if line.startswith("audit:")])
        for secret in (token, join, node["secret"], PASSWORD, "battery staple", "wrong guess", typed):
            self.assertNotIn(secret, text)

    def test_passwords(self):
        api = self.cluster.api
        token = self.user("berta", "viewer")
        other = self.cluster.login("berta", PASSWORD)
        path = "/api/v1/users/berta/password"
        new = "battery staple"
        self.assertEqual(self.as_user(token, "PUT", path, {"password": new}), 400)
        self.assertEqual(self.as_user(token, "PUT", path, {"password": new, "old_password": "wrong one"}), 403)
        self.assertEqual(self.as_user(token, "PUT", "/api/v1/users/admin/password", {"password": new}), 403)
        self.assertEqual(self.as_user(token, "PUT", path, {"password": new, "old_password": PASSWORD}), 204)
        self.assertEqual(self.as_user(token, "GET", "/api/v1/media"), 200)
        self.assertEqual(self.as_user(other, "GET", "/api/v1/media"), 401)
        self.cluster.login("berta", new)
        # an administrator need not know the old one
        api("PUT", "/users/berta/password", {"password": PASSWORD}, 204)
        self.assertEqual(self.as_user(token, "GET", "/api/v1/media"), 401)
        self.cluster.login("berta", PASSWORD)

    def test_too_many_attempts(self):
        self.user("target", "viewer")
        body = json.dumps({"user": "target", "password": "guessed wrong"})
        begin, attempts = time.monotonic(), 0

        def refused_for():
            nonlocal attempts
            status, headers, _ = self.cluster.request(
                "POST", "/api/v1/login", body, {"Content-Type": "application/json"}, token=False)
            self.assertIn(status, (401, 429))
            attempts += status == 401
            return int(headers["Retry-After"]) if status == 429 else 0
        # with time enough for what follows
        cluster.wait_for(lambda: refused_for() > REFILL / 2, "a refusal")
        # where hashing takes long, some come back meanwhile
        self.assertGreaterEqual(attempts, BURST)
        self.assertLessEqual(attempts, BURST + 1 + (time.monotonic() - begin) / REFILL)
        # the right password does not help now, and others are not concerned
        self.assert_status(429, self.cluster.login, "target", PASSWORD)
        self.cluster.login("admin", self.cluster.password)


    def log_in_from(self, source, user, password):
        """The status of a login from another address of this machine."""
        connection = http.client.HTTPConnection(self.cluster.control.address, self.cluster.control.port, timeout=60,
                                                source_address=(source, 0))
        self.addCleanup(connection.close)
        connection.request("POST", "/api/v1/login", json.dumps({"user": user, "password": password}),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def test_stranger_guesses(self):
        """Who guesses at the administrator's password is stopped, and the administrator is not: neither where they were nor anywhere else."""
        cluster.wait_for(lambda: self.log_in_from("127.0.0.2", "admin", "guessed wrong") == 429, "a refusal")
        self.assertEqual(self.log_in_from("127.0.0.2", "admin", self.cluster.password), 429)
        self.cluster.login("admin", self.cluster.password)
        self.assertEqual(self.log_in_from("127.0.0.3", "admin", self.cluster.password), 200)


class LoginCrowdTest(cluster.TestCase):
    nodes = 0
    quick_passwords = False
    CROWD = 40

    def log_in_from(self, source, user, password):
        c = self.cluster
        with contextlib.closing(
                http.client.HTTPSConnection(c.control.address, c.control.port, timeout=60, source_address=(source, 0), context=c.tls)
                if self.ca else
                http.client.HTTPConnection(c.control.address, c.control.port, timeout=60, source_address=(source, 0))) as connection:
            connection.request("POST", "/api/v1/login", json.dumps({"user": user, "password": password}),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def test_many_addresses(self):
        """A crowd of logins from as many addresses holds up strangers alone, and those that find no place are told at once."""
        self.cluster.login("admin", self.cluster.password)
        answers, stop = [], threading.Event()

        def guess(number):
            # until what is looked for was seen
            while not stop.is_set():
                answers.append(self.log_in_from("127.0.1.%d" % number, "nobody%d" % number, "guessed wrong"))
        threads = [threading.Thread(target=guess, args=(number,)) for number in range(1, self.CROWD + 1)]
        for thread in threads:
            thread.start()
        try:
            cluster.wait_for(lambda: any(b"Too many logins at once" in body for _, _, body in answers), "a refusal")
            for _ in range(3):
                self.cluster.login("admin", self.cluster.password)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        refused = [headers for status, headers, body in answers if b"Too many logins at once" in body]
        self.assertEqual({headers["Retry-After"] for headers in refused}, {"1"})
        self.assertIn(401, [status for status, _, _ in answers])
        self.assertLessEqual({status for status, _, _ in answers}, {401, 429})


class LoginCrowdTlsTest(authority.WithTls, LoginCrowdTest):
    CROWD = 25


class Untouched(cluster.Cluster):
    """With the password of the first start."""

    def choose_password(self):
        pass

    def wait_nodes(self):
        """There are none, and who has only the one-time password is not told."""


class OneTimePasswordTest(cluster.TestCase):
    nodes = 0
    make_cluster = Untouched

    def test_first_start(self):
        """It is in its file and nowhere else, opens nothing but its own change, and ends with that."""
        c = self.cluster
        file = c.control.data / "admin-password"
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        c.restart_control(kill=False)
        self.assertEqual(file.read_text().strip(), c.password)
        log = c.control.log.read_text()
        self.assertNotIn(c.password, log)
        self.assertEqual(log.count(str(file)), 1)

        # a log-out, to be told who it is, and no more
        other = c.login("admin", c.password)
        headers = {"Authorization": "Bearer " + other}
        self.assertEqual(c.request("POST", "/api/v1/logout", None, headers)[0], 204)
        self.assertEqual(c.request("GET", "/api/v1/media", None, headers)[0], 401)
        for path, item in json.loads(c.request("GET", "/api/v1/openapi.json", token=False)[2])["paths"].items():
            for method, operation in item.items():
                real = path.replace("{id}", "0" * 32).replace("{name}", "no-such")
                if operation["x-role"] == "none" or real.endswith(("/logout", "/me")):
                    continue
                status, _, body = c.request(method.upper(), real, "{}" if real.endswith("/password") else None,
                                            {"Content-Type": "application/json"} if real.endswith("/password") else None)
                with self.subTest(path=path, method=method):
                    self.assertIn(status, (400, 403) if real.endswith("/password") else (403,), body)
        users = self.assert_status(403, c.api, "POST", "/users", {"name": "x", "password": PASSWORD, "role": "admin"}, 201)
        self.assertIn(b"pmss user passwd", users)
        # nor those of others, nor to the same
        body = {"password": PASSWORD, "old_password": c.password}
        self.assert_status(403, c.api, "PUT", "/users/other/password", body, 204)
        self.assert_status(400, c.api, "PUT", "/users/admin/password", dict(body, password=c.password), 204)
        self.assert_status(403, c.api, "PUT", "/users/admin/password", dict(body, old_password="wrong guess"), 204)

        c.api("PUT", "/users/admin/password", body, 204)
        self.assertFalse(file.exists())
        c.api("GET", "/users")
        c.restart_control()
        self.assertFalse(file.exists())
        c.login("admin", PASSWORD)
        self.assert_status(401, c.login, "admin", c.password)

    def test_login(self):
        """`pmss login` changes it at once; without a new one nothing is stored."""
        c = Untouched(0)
        self.addCleanup(c.close)
        home = c.folder / "home"
        env = {key: value for key, value in os.environ.items() if not key.startswith(("PMSS_TOKEN", "PMSS_URL", "XDG_CONFIG"))}

        def pmss(*arguments, stdin=""):
            return subprocess.run([cluster.BUILD / "tools" / "pmss", *arguments], input=stdin, text=True, capture_output=True,
                                  env=dict(env, HOME=str(home)), timeout=60)
        said = pmss("login", c.url, "--user", "admin", stdin=c.password + "\n")
        self.assertNotEqual(said.returncode, 0)
        self.assertIn("--new-password-file", said.stderr)
        self.assertFalse((home / ".config/pmss/credentials").exists())
        said = pmss("login", c.url, "--user", "admin", stdin="%s\n%s\n" % (c.password, PASSWORD))
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(pmss("user", "ls").returncode, 0)
        c.login("admin", PASSWORD)

    def test_terminal(self):
        """Started by a person it says it to that person, once."""
        server = cluster.Server("person", self.cluster.control.program, self.cluster.folder, {})
        main, terminal = os.openpty()
        self.addCleanup(os.close, main)
        for start in range(2):
            process = subprocess.Popen([server.program, "--listen=127.0.0.1:0", "--data=%s" % server.data],
                                       stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.DEVNULL)
            said = b""
            while b"listening on" not in said:
                said += os.read(main, 1000)
            process.terminate()
            self.assertEqual(process.wait(30), 0)
            password = (server.data / "admin-password").read_bytes().strip()
            self.assertEqual(said.count(password), 1 if start == 0 else 0)
        os.close(terminal)


if __name__ == "__main__":
    unittest.main()
