# SPDX-License-Identifier: LGPL-2.1-or-later
"""The log of events: what happened, to what, by whom. Who reads which of it, what is durable when, and what bounds it."""

import json
import re
import unittest

import cluster

PASSWORD = "correct horse"


class Client:
    """One user's requests."""

    def __init__(self, servers, name, role=None):
        self.servers = servers
        self.name = name
        if role:
            servers.api("POST", "/users", {"name": name, "password": PASSWORD, "role": role}, 201)
        self.token = servers.login(name, PASSWORD if role else servers.password)

    def request(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + self.token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, _, answer = self.servers.request(method, "/api/v1" + path, None if body is None else json.dumps(body), headers)
        return status, answer

    def events(self, query=""):
        """All pages from the first event on."""
        found, after = [], 0
        while after is not None:
            status, answer = self.request("GET", "/events?limit=1000&after=%d%s" % (after, query))
            assert status == 200, answer
            page = json.loads(answer)
            found += page["events"]
            after = page["next"]
        return found


def having(events, **members):
    return [e for e in events if all(e[name.rstrip("_")] == value for name, value in members.items())]


class Events(cluster.TestCase):
    nodes = 3
    control_options = {"default-redundancy": "2+1", "unit": "4KiB", "extent": "16KiB"}

    def test_what_happened(self):
        """An event is there as soon as what it tells of is answered."""
        admin = Client(self.cluster, "admin")
        operator = Client(self.cluster, "olga", "operator")
        self.assertTrue(having(admin.events(), action="user add", object="olga", user="admin", result="done", status=201,
                               topic="accounts", from_="127.0.0.1"))
        self.assertTrue(having(admin.events(), action="login", user="olga", result="done"))
        self.assertEqual(operator.request("GET", "/users")[0], 403)
        cluster.wait_for(lambda: having(admin.events(), action="GET /api/v1/users", user="olga", result="refused", status=403),
                         "the refusal")
        job = self.cluster.put("films/a", b"x" * 50000)
        self.assertTrue(having(admin.events(), action="media put", topic="media", object="films/a", user="admin", status=202))
        self.cluster.wait_job(job)
        done = cluster.wait_for(lambda: having(admin.events(), action="job done", topic="jobs", object=str(job)), "the job's end")
        self.assertEqual(done[0]["detail"], "ingest of films/a")
        self.assertEqual((done[0]["user"], done[0]["from"], done[0]["status"]), ("admin", None, None))
        session = self.cluster.session("films/a")
        self.cluster.api("DELETE", "/sessions/" + session["id"], status=204)
        cluster.wait_for(lambda: having(admin.events(), action="session end", topic="sessions"), "the session's end")
        self.cluster.nodes[0].stop()
        self.cluster.wait_nodes()
        cluster.wait_for(lambda: having(admin.events(), action="node down", topic="nodes", object=str(self.cluster.nodes[0].id),
                                        detail="it said that it stops"), "the node's end")
        self.cluster.nodes[0].start()
        self.cluster.wait_nodes()
        self.cluster.delete("films/a")
        self.assertTrue(having(admin.events(), action="media delete", object="films/a", status=204))
        # the journal has the same
        log = self.cluster.control.log.read_text()
        self.assertIn('audit: action="job done" result=done user=admin object=%d detail="ingest of films/a"' % job, log)
        for event in admin.events():
            line = 'action=%s result=%s' % (json.dumps(event["action"]) if " " in event["action"] else event["action"], event["result"])
            self.assertIn(line, log)
        self.assertNotIn(admin.token, json.dumps(admin.events()) + log)

    def test_own(self):
        """Others see what they did, and nothing of what others do, or an earlier user of their name did."""
        viewer = Client(self.cluster, "vera", "viewer")
        other = Client(self.cluster, "otto", "operator")
        for client in (viewer, other):
            seen = client.events()
            self.assertTrue(having(seen, action="login"))
            self.assertEqual({e["user"] for e in seen}, {client.name})
        self.cluster.api("DELETE", "/users/vera", status=204)
        self.assertEqual(viewer.request("GET", "/events")[0], 401)
        again = Client(self.cluster, "vera", "viewer")
        self.assertEqual([e["action"] for e in again.events()], ["login"])
        self.assertEqual(self.cluster.request("GET", "/api/v1/events", token=False)[0], 401)

    def test_pages(self):
        admin = Client(self.cluster, "admin")
        for i in range(5):
            self.cluster.api("POST", "/users", {"name": "page%d" % i, "password": PASSWORD, "role": "viewer"}, 201)
        everything = admin.events()
        ids = [e["id"] for e in everything]
        self.assertEqual(ids, sorted(set(ids)))
        back, before = [], None
        while True:
            page = self.cluster.api("GET", "/events?limit=3" + ("&before=%d" % before if before else ""))
            back = page["events"] + back
            before = page["next"]
            if before is None:
                break
        self.assertEqual([e["id"] for e in back][:len(ids)], ids)

    def test_killed(self):
        """What was answered before a crash is there after it, and the ids go on."""
        admin = Client(self.cluster, "admin")
        last = admin.events()[-1]["id"]
        names = ["kill%d" % i for i in range(10)]
        for name in names:
            self.cluster.api("POST", "/users", {"name": name, "password": PASSWORD, "role": "viewer"}, 201)
        self.cluster.restart_control()
        seen = having(admin.events(), action="user add")
        self.assertEqual([e["object"] for e in seen if e["object"] in names], names)
        self.cluster.api("DELETE", "/users/kill0", status=204)
        self.assertGreater(having(admin.events(), action="user remove", object="kill0")[0]["id"], last + len(names))


class Bound(cluster.TestCase):
    nodes = 0
    control_options = {"max-events": "40"}

    def test_bound(self):
        """Neither refusals nor viewers push out of the log what administrators did."""
        admin = Client(self.cluster, "admin")
        viewer = Client(self.cluster, "vera", "viewer")
        for _ in range(60):
            viewer.request("GET", "/users")
            viewer.request("POST", "/logout")
            viewer.token = self.cluster.login("vera", PASSWORD)
        seen = admin.events()
        self.assertLessEqual(len(seen), 40)
        self.assertTrue(having(seen, action="user add", object="vera"))
        metrics = self.cluster.request("GET", "/metrics", token=False)[2].decode()
        kept = {minor: int(n) for minor, n in re.findall(r'pmss_control_events\{minor="(\w+)"\} (\d+)', metrics)}
        self.assertEqual(kept["yes"], 20)
        self.assertEqual(sum(kept.values()), len(seen))


if __name__ == "__main__":
    unittest.main()
