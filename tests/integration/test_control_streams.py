# SPDX-License-Identifier: LGPL-2.1-or-later
"""Live events: who hears what, what a client learns that was away, and when a stream ends."""

import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
import unittest

import cluster
import pmss_cli
from event_listener import Listener

PASSWORD = "correct horse"
# streams at once, where there are descriptors for both of their ends
CROWD, ADDRESSES, AT_ONCE, WARM = 5000, 50, 50, 200


class Case(cluster.TestCase):
    nodes = 0

    def user(self, name, role):
        self.cluster.api("POST", "/users", {"name": name, "password": PASSWORD, "role": role}, 201)
        return self.cluster.login(name, PASSWORD)

    def listen(self, token=None, **more):
        listener = Listener(self.cluster, token or self.cluster.token, **more)
        self.addCleanup(listener.close)
        self.assertEqual(listener.answer.status, 200)
        return listener

    def started(self, token=None, **more):
        listener = self.listen(token, **more)
        self.assertEqual(listener.next().name, "start")
        return listener

    def raw(self, token, source="127.0.0.1", buffer=None):
        client = socket.socket()
        self.addCleanup(client.close)
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(cluster.DEADLINE)
        client.bind((source, 0))
        client.connect((self.cluster.control.address, self.cluster.control.port))
        client.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n" % token.encode())
        return client


class Streams(Case):
    nodes = 3
    control_options = {"default-redundancy": "2+1", "unit": "4KiB", "extent": "16KiB"}

    def test_hears_what_it_may(self):
        admin = self.started()
        self.assertEqual(admin.answer.headers["Content-Type"], "text/event-stream")
        self.assertEqual(admin.answer.headers["Cache-Control"], "no-store")
        operator, viewer = (self.started(self.user(role[:5], role)) for role in ("operator", "viewer"))
        for name in ("opera", "viewe"):
            admin.wait(action="login", topic="accounts", user=name)
        job = self.cluster.put("films/a", b"x" * 200000)
        for listener in (admin, operator):
            self.assertIsNotNone(listener.wait(action="media put", topic="media", object="films/a")["id"])
            listener.wait(action="job done", topic="jobs", object=str(job))
        self.cluster.nodes[0].stop()
        for listener in (admin, operator):
            # health is told at once, and an event when it is durable: which comes first is not said
            heard = set()
            while heard != {"node down", "health change"}:
                event = listener.wait()
                if event["action"] == "node down" and event["object"] == str(self.cluster.nodes[0].id):
                    heard.add("node down")
                elif event["action"] == "health change" and " down=1 " in event["detail"]:
                    self.assertIsNone(event["id"])
                    heard.add("health change")
        # a viewer hears of its own session, and of nothing of all that before
        viewer_token = self.cluster.login("viewe", PASSWORD)
        status, _, answer = self.cluster.request("POST", "/api/v1/sessions", json.dumps({"medium": "films/a"}),
                                                 {"Authorization": "Bearer " + viewer_token, "Content-Type": "application/json"})
        self.assertEqual(status, 201)
        heard = [viewer.wait(user="viewe")]
        while heard[-1]["action"] != "session begin":
            heard.append(viewer.wait())
        self.assertEqual({e["user"] for e in heard}, {"viewe"})
        self.assertEqual(heard[-1]["detail"], json.loads(answer)["id"])
        operator.wait(action="session count", id=None, detail="1")
        self.cluster.nodes[0].start()
        self.cluster.wait_nodes()

    def test_topics(self):
        nodes, jobs = self.started(topics="nodes,health"), self.started(topics="jobs")
        job = self.cluster.put("films/b", b"x" * 50000)
        self.cluster.wait_job(job)
        self.cluster.nodes[1].stop()
        self.assertIn(nodes.wait()["topic"], ("nodes", "health"))
        self.assertEqual(jobs.wait(action="job done")["topic"], "jobs")
        self.cluster.nodes[1].start()
        self.cluster.wait_nodes()
        for topics in ("nodes,none", "", "nodes,"):
            status = self.cluster.request("GET", "/api/v1/stream?topics=" + topics)[0]
            self.assertEqual(status, 400, topics)
        self.assertEqual(self.cluster.request("GET", "/api/v1/stream", token=False)[0], 401)
        self.assertEqual(self.cluster.request("HEAD", "/api/v1/stream")[0], 200)


class Ways(Case):
    def add_users(self, prefix, n):
        for i in range(n):
            self.cluster.api("POST", "/users", {"name": "%s%d" % (prefix, i), "password": PASSWORD, "role": "viewer"}, 201)

    def test_goes_on(self):
        """A client that was away hears what it missed, once; or that it has missed something."""
        listener = self.started()
        self.add_users("a", 1)
        listener.wait(action="user add", object="a0")
        listener.close()
        self.add_users("b", 5)
        again = self.listen(last_id=listener.last_id)
        self.assertEqual([again.next().event["object"] for _ in range(5)], ["b%d" % i for i in range(5)])
        self.assertIsNone(again.next().name)
        for other in ("0" * 12 + "-1", "x", again.last_id.rpartition("-")[0] + "-99999999", "-1", "ä"):
            self.assertEqual(self.listen(last_id=other).next().name, "reset", other)
        token = self.user("patched", "viewer")
        for i in range(1030):
            self.cluster.api("PATCH", "/users/patched", {"role": ("operator", "viewer")[i % 2]})
        self.assertEqual(self.listen(last_id=again.last_id).next().name, "reset")
        # what others do makes a quiet client miss nothing, as long as it knows the number
        mine = self.listen(token, last_id=self.started(token).last_id)
        self.assertIsNone(mine.next().name)
        self.cluster.restart_control()
        self.assertEqual(self.listen(last_id=again.last_id).next().name, "reset")

    def test_ends_with_its_login(self):
        for end in ("logout", "removal", "password", "role"):
            token = self.user("user-" + end, "operator")
            stream, other = self.started(token), self.started()
            if end == "logout":
                self.cluster.request("POST", "/api/v1/logout", headers={"Authorization": "Bearer " + token})
            elif end == "removal":
                self.cluster.api("DELETE", "/users/user-removal", status=204)
            elif end == "password":
                self.cluster.api("PUT", "/users/user-password/password", {"password": "battery staple"}, 204)
            else:
                self.cluster.api("PATCH", "/users/user-role", {"role": "viewer"})
            begin = time.monotonic()
            stream.wait_end()
            self.assertLess(time.monotonic() - begin, 5 * cluster.PATIENCE)
            self.add_users("after-" + end, 1)
            other.wait(action="user add", object="after-%s0" % end)
            other.close()

    def test_follow(self):
        """pmss events --follow prints each event once, over a restart of control, and ends with its login."""
        token = self.cluster.login("admin", self.cluster.password)
        self.add_users("before", 1)
        with subprocess.Popen([pmss_cli.PMSS, "events", "--follow", "--json", "--limit", "1"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True,
                              env=dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=token)) as follow:
            self.assertEqual(json.loads(follow.stdout.readline())["object"], "before0")
            self.add_users("one", 3)
            self.cluster.restart_control()
            self.add_users("two", 3)
            heard = [json.loads(follow.stdout.readline()) for _ in range(6)]
            self.assertEqual([e["object"] for e in heard], ["one0", "one1", "one2", "two0", "two1", "two2"])
            self.cluster.request("POST", "/api/v1/logout", headers={"Authorization": "Bearer " + token})
            self.assertEqual(follow.wait(cluster.DEADLINE), 77, follow.stderr.read())

    def test_stop(self):
        """A server that stops ends them at once."""
        listeners = [self.started() for _ in range(20)]
        begin = time.monotonic()
        self.assertEqual(self.cluster.control.stop(), 0)
        self.assertLess(time.monotonic() - begin, 4 * cluster.PATIENCE)
        for listener in listeners:
            listener.wait_end()
        self.cluster.control.start()

    def users_places(self):
        """Connections of users, the one that asks not among them."""
        text = self.cluster.request("GET", "/metrics", token=False)[2].decode()
        return int(re.search(r'pmss_control_http_places\{class="user"\} (\d+)', text)[1])

    def test_slow(self):
        """One that does not read is cut, and the others hear all."""
        quick = self.started(topics="accounts")
        self.raw(self.cluster.token, buffer=2048)
        self.add_users("slow", 1)
        cluster.wait_for(lambda: self.users_places() == 2, "both")
        end, n = time.monotonic() + cluster.DEADLINE, 0
        while self.users_places() != 1:
            role = ("operator", "viewer")[n % 2]
            self.cluster.api("PATCH", "/users/slow0", {"role": role})
            self.assertEqual(quick.wait(action="user set")["detail"], role)
            n += 1
            self.assertLess(time.monotonic(), end, "not cut after %d events" % n)


class Crowd(Case):
    control_options = {"max-connections": "9800", "max-connections-per-address": "9800"}

    def memory(self):
        """Anonymous memory of control, in bytes, and its CPU time in seconds."""
        with open("/proc/%d/smaps_rollup" % self.cluster.control.process.pid, encoding="ascii") as file:
            kib = next(int(line.split()[1]) for line in file if line.startswith("Anonymous:"))
        with open("/proc/%d/stat" % self.cluster.control.process.pid, encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return kib * 1024, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def connect(self, n, tokens):
        """A few at a time, so that it is streams that are measured and not requests."""
        clients = []
        while len(clients) < n:
            clients += self.connect_some(min(AT_ONCE, n - len(clients)), tokens)
        return clients

    def connect_some(self, n, tokens):
        clients = [self.raw(tokens[i % len(tokens)], "127.0.1.%d" % (1 + i % ADDRESSES)) for i in range(n)]
        for client in clients:
            text = b""
            while b"event: start" not in text:
                piece = client.recv(4096)
                self.assertTrue(piece, text)
                text += piece
        return clients

    def test_idle(self):
        """They cost memory, and next to nothing else; and all of them hear what happens."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        crowd = min(CROWD, hard - 500)
        tokens = [self.user("crowd%d" % i, "admin") for i in range(4)]
        clients = self.connect(WARM, tokens)
        before, _ = self.memory()
        clients += self.connect(crowd - WARM, tokens)
        after, cpu = self.memory()
        time.sleep(5)
        idle = (self.memory()[1] - cpu) / 5
        self.cluster.api("POST", "/users", {"name": "heard", "password": PASSWORD, "role": "viewer"}, 201)
        begin = time.monotonic()
        for client in clients:
            text = b""
            while b'"object":"heard"' not in text:
                piece = client.recv(65536)
                self.assertTrue(piece, "it was cut")
                text += piece
        each = (after - before) / (crowd - WARM)
        print("%d streams: %.0f bytes each, %.1f %% of a processor, all heard within %.2f s"
              % (crowd, each, 100 * idle, time.monotonic() - begin), file=sys.stderr)
        self.assertLess(each, 16384)
        self.assertLess(idle, 0.2)
        begin = time.monotonic()
        self.assertEqual(self.cluster.control.stop(), 0)
        self.assertLess(time.monotonic() - begin, 5)
        self.cluster.control.start()


if __name__ == "__main__":
    unittest.main()
