# SPDX-License-Identifier: LGPL-2.1-or-later
"""Admission with real servers: the calendar fills up, says what binds and when it fits, and forgets nothing."""

import http.client
import io
import json
import os
import random
import secrets
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse
import wave

import cluster
import pmss_cli
from authority import WithTls
from cluster import wait_for
from wrong_clocks import WithClocks

RATE = 48000            # bytes/s of what is played
OPTIONS = {"unit": "4KiB", "extent": "16KiB", "default-redundancy": "2+1", "max-sessions": "0"}
# bytes/s of each node: about eight streams
LIMIT = {"network-limit": "2M"}


def noise(seconds, seed=14):
    """A medium whose times are in the file: sound of a constant rate."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(RATE)
        file.writeframes(random.Random(seed).randbytes(RATE * seconds))
    return out.getvalue()


class AdmissionCase(cluster.TestCase):
    nodes = 3
    control_options = OPTIONS
    storage_options = LIMIT
    seconds = 120
    timeout = 120

    prepared = False

    def setUp(self):
        super().setUp()
        if not self.prepared:
            self.cluster.add("a.wav", noise(self.seconds))
            self.wait_capacity()
            type(self).prepared = True

    def tearDown(self):
        for row in self.cluster.api("GET", "/sessions")["sessions"]:
            self.end(row["id"])
        super().tearDown()

    @classmethod
    def wait_capacity(cls, limited=True):
        """Until the heartbeats have told what each node can send."""
        wait_for(lambda: all((node["capacity"] is not None) == limited for node in cls.capacity()["nodes"]), "the nodes' capacities")

    @classmethod
    def capacity(cls, medium=None):
        return cls.cluster.api("GET", "/capacity" + ("?medium=" + medium if medium else ""))

    def ask(self, medium="a.wav", **more):
        """Status, Retry-After and answer."""
        status, headers, body = self.cluster.request("POST", "/api/v1/sessions", json.dumps(dict(medium=medium, **more)),
                                                     {"Content-Type": "application/json"})
        return status, headers["Retry-After"], json.loads(body)

    def fill(self, medium="a.wav", patience=20):
        """As many as there is room for: their ids, and the refusal of the next one. Streams that begin at the same moment have their highest rates together: one that does not fit now may do so a few seconds later, and is let in for then."""
        ids = []
        while True:
            status, after, answer = self.ask(medium, max_wait_ns=patience * 10 ** 9)
            if status != 201:
                self.assertEqual(status, 503, answer)
                return ids, after, answer
            ids.append(answer["id"])
            self.assertLess(len(ids), 200)

    def end(self, id):
        self.cluster.api("DELETE", "/sessions/" + id, status=204)

    def events(self, action):
        return [e for e in self.cluster.api("GET", "/events?limit=500")["events"] if e["action"] == action]


class Fills(AdmissionCase):

    def test_fills_up(self):
        ids, after, refusal = self.fill()
        # of the nodes' 705 kB/s nine tenths are given out; a stream takes 49 kB/s; and the loss of a node is to be borne
        self.assertGreaterEqual(len(ids), 6)
        self.assertLessEqual(len(ids), 13)
        self.assertEqual(refusal["binds"]["resource"], "network")
        self.assertIn(refusal["binds"]["node"], [node.id for node in self.cluster.nodes])
        self.assertGreaterEqual(int(after), 1)
        self.assertIn("network of node", refusal["detail"])
        self.assertIn("a.wav", refusal["detail"])
        # as long as those that are there play, and not longer
        self.assertGreater(refusal["start_in_ns"], 60e9)
        self.assertLess(refusal["start_in_ns"], 125e9)
        # others are told another second
        self.assertEqual(len({self.ask()[1] for _ in range(5)}), 5)
        self.end(ids[3])
        self.assertEqual(self.ask(max_wait_ns=int(20e9))[0], 201)
        self.assertEqual(self.ask(max_wait_ns=int(20e9))[0], 503)
        refused = wait_for(lambda: self.events("session refuse"), "the event")[0]
        self.assertEqual((refused["result"], refused["object"], refused["user"]), ("failed", "a.wav", "admin"))

    def test_counts(self):
        more = self.capacity("a.wav")["medium"]
        ids, _, _ = self.fill()
        self.assertGreaterEqual(more["more"], 4)
        self.assertLessEqual(more["more"], len(ids))
        self.assertLessEqual(more["after_node"], more["more"])
        self.assertLessEqual(more["after_zone"], more["after_node"])
        full = self.capacity("a.wav")
        self.assertEqual(full["medium"]["more"], 0)
        self.assertEqual((full["streams"], full["policy"]), (len(ids), "on"))
        for node in full["nodes"]:
            self.assertEqual(node["resource"], "network")
            self.assertAlmostEqual(node["capacity"], 1.88e6, delta=0.2e6)
            self.assertGreater(node["promised"], 0.3e6)
            self.assertLess(node["promised"], node["capacity"])
        self.assert_status(404, self.capacity, "nothing")

    def test_bulk(self):
        """Nothing is promised to who takes what is left over; and what does not play for a time is such."""
        self.fill()
        self.assertEqual(self.ask(**{"class": "bulk"})[0], 201)
        self.cluster.add("a.zip", b"PK" + bytes(5000))
        self.assertEqual(self.ask("a.zip")[0], 201)
        self.assertIsNone(self.capacity("a.zip")["medium"]["more"])

    def test_starts_later(self):
        ids, _, refusal = self.fill()
        late = secrets.token_hex(16)
        status, _, answer = self.ask(id=late, max_wait_ns=int(300e9))
        self.assertEqual(status, 201, answer)
        self.assertLessEqual(abs(answer["start_in_ns"] - refusal["start_in_ns"]), 4e9)
        self.assertNotIn("token", answer)
        # asked again, it is the same promise, and a shorter time; a renewal has no token either
        status, _, again = self.ask(id=late, max_wait_ns=0)
        self.assertEqual(status, 200)
        self.assertLess(again["start_in_ns"], answer["start_in_ns"])
        renewed = self.cluster.api("PUT", "/sessions/" + late, {"position": 0, "idle": False})
        self.assertNotIn("token", renewed)
        self.assertGreater(renewed["start_in_ns"], 0)
        rows = {row["id"]: row["start_in_ns"] for row in self.cluster.api("GET", "/sessions")["sessions"]}
        self.assertGreater(rows[late], 0)
        self.assertEqual(rows[ids[0]], 0)
        self.assertGreaterEqual(self.capacity()["waiting"], 1)
        # longer than control holds a start, and nonsense
        self.assertEqual(self.ask(max_wait_ns=-1)[0], 400)
        self.assertEqual(self.ask(max_wait_ns="1")[0], 400)

    def test_seek(self):
        """Who was let in goes elsewhere whatever is free; those that come after see it."""
        ids, _, _ = self.fill()
        size = self.cluster.medium("a.wav")["size"]
        self.cluster.api("PUT", "/sessions/" + ids[0], {"position": size * 9 // 10, "idle": False})
        # its end is nearer than the others'
        self.assertLess(self.ask()[2]["start_in_ns"], 30e9)
        for position in (0, 2**62, size // 2, size):
            self.cluster.api("PUT", "/sessions/" + ids[1], {"position": position})

    def test_restart(self):
        """Control is killed: it knows all that it has promised, and promises nothing twice."""
        ids, _, before = self.fill()
        late = secrets.token_hex(16)
        later = self.ask(id=late, max_wait_ns=int(300e9))[2]["start_in_ns"]
        self.cluster.restart_control()
        status, _, refusal = self.ask()
        self.assertEqual(status, 503)
        self.assertEqual(refusal["binds"]["resource"], "network")
        self.assertEqual(self.capacity()["streams"], len(ids) + 1)
        self.assertGreaterEqual(self.capacity()["waiting"], 1)
        status, _, again = self.ask(id=late)
        self.assertEqual(status, 200)
        self.assertLess(abs(again["start_in_ns"] - later), 15e9)
        self.assertIn("token", self.cluster.api("PUT", "/sessions/" + ids[0], {"position": 0}))
        self.assertEqual(self.ask(max_wait_ns=int(20e9))[0], 503)
        self.end(late)
        self.end(ids[0])
        self.assertEqual(self.ask(max_wait_ns=int(20e9))[0], 201)
        self.assertEqual(self.ask(max_wait_ns=int(20e9))[0], 503)

    def test_loop(self):
        """Refusals without end cost little, and hold nobody up."""
        ids, _, _ = self.fill()
        begin = time.monotonic()
        for _ in range(200):
            self.assertEqual(self.ask()[0], 503)
        each = (time.monotonic() - begin) / 200
        print("a refusal took %.2f ms" % (each * 1e3), file=sys.stderr)
        self.assertLess(each, 0.05 * cluster.PATIENCE)
        begin = time.monotonic()
        self.cluster.api("PUT", "/sessions/" + ids[0], {"position": 0})
        self.assertLess(time.monotonic() - begin, 1 * cluster.PATIENCE)


class FillsTls(WithTls, Fills):
    pass


class Many(AdmissionCase):
    """At once, of all kinds: no more get in than fit."""

    def test_crowd(self):
        got = []
        def run():
            for _ in range(10):
                got.append(self.ask())
        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({status for status, _, _ in got}, {201, 503})
        let_in = [answer["id"] for status, _, answer in got if status == 201]
        for id in let_in:
            self.end(id)
        alone, _, _ = self.fill()
        self.assertLessEqual(len(let_in), len(alone))
        self.assertGreaterEqual(len(let_in), 4)


    def test_killed(self):
        """Control is killed while many open sessions: what it knows afterwards is what the rows say, and no more than fits."""
        end = threading.Event()

        def run():
            while not end.is_set():
                try:
                    self.ask(max_wait_ns=int(5e9))
                except (OSError, http.client.HTTPException, ValueError):
                    end.wait(0.01)
        for pause in (0.005, 0.05, 0.15):
            end.clear()
            threads = [threading.Thread(target=run) for _ in range(6)]
            for thread in threads:
                thread.start()
            time.sleep(pause)
            self.cluster.control.kill()
            end.set()
            for thread in threads:
                thread.join()
            self.cluster.control.start()
            rows = self.cluster.api("GET", "/sessions")["sessions"]
            known = self.capacity()
            self.assertEqual(known["streams"], len(rows))
            for node in known["nodes"]:
                self.assertLessEqual(node["promised"], node["capacity"] * 0.9)
            self.fill()
            self.assertEqual(self.capacity("a.wav")["medium"]["more"], 0)
            for row in self.cluster.api("GET", "/sessions")["sessions"]:
                self.end(row["id"])


class Leases(AdmissionCase):
    control_options = dict(OPTIONS, lease="3")

    def test_vanished(self):
        """What a client held that went away is free when its lease has ended."""
        ids, _, _ = self.fill()
        begin = time.monotonic()
        wait_for(lambda: self.ask(max_wait_ns=0)[0] == 201, "room", 15 * cluster.PATIENCE)
        self.assertLess(time.monotonic() - begin, 6 * cluster.PATIENCE)

    def test_user_removed(self):
        """Sessions that end with their user leave no promise behind."""
        self.cluster.api("POST", "/users", {"name": "bob", "password": "a-long-password", "role": "viewer"}, 201)
        admin, self.cluster.token = self.cluster.token, self.cluster.login("bob", "a-long-password")
        try:
            ids, _, _ = self.fill()
        finally:
            self.cluster.token = admin
        self.cluster.api("DELETE", "/users/bob", status=204)
        wait_for(lambda: self.capacity()["streams"] == 0, "the promises to end", 15 * cluster.PATIENCE)
        self.assertEqual(self.ask()[0], 201)


class Gateway(AdmissionCase):
    """A viewer with nothing but HTTP is told the same by the storage server that plays for it."""

    storage_options = dict(LIMIT, gateway="on")

    def get(self):
        url = wait_for(lambda: self.cluster.request("GET", "/media/a.wav")[1]["Location"], "a gateway")
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            connection.request("GET", parts.path + "?" + parts.query, headers={"Range": "bytes=0-9"})
            answer = connection.getresponse()
            return answer.status, answer.headers["Retry-After"], answer.read()
        finally:
            connection.close()

    def test_refused(self):
        ids, _, refusal = self.fill()
        begin = time.monotonic()
        status, after, text = self.get()
        self.assertEqual(status, 503, text)
        self.assertGreaterEqual(int(after), refusal["start_in_ns"] // 10 ** 9 - 10)
        self.assertIn(b"network of node", text)
        self.assertLess(time.monotonic() - begin, 5 * cluster.PATIENCE)
        for id in ids:
            self.end(id)
        status, _, text = self.get()
        self.assertEqual((status, len(text)), (206, 10))


class Command(AdmissionCase):

    def pmss(self, *arguments):
        done = subprocess.run([pmss_cli.PMSS, *arguments], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_capacity(self):
        self.assertRegex(self.pmss("capacity", "a.wav"), r"a\.wav: [4-9] more streams now, \d+ after the loss of a storage server, \d+ after that of a zone")
        ids, _, _ = self.fill()
        self.ask(max_wait_ns=int(300e9))
        text = self.pmss("capacity")
        self.assertIn("network", text)
        self.assertIn("%d streams have a promise" % (len(ids) + 1), text)
        self.assertIn("wait for their start", text)
        self.assertIn("a.wav: 0 more streams now", self.pmss("capacity", "a.wav"))
        self.assertEqual(json.loads(self.pmss("capacity", "--json", "a.wav"))["medium"]["more"], 0)
        sessions = self.pmss("session", "ls")
        self.assertIn("reads", sessions)
        self.assertIn("begins in", sessions)


class Policies(AdmissionCase):
    control_options = dict(OPTIONS, admission="off")

    def test_off(self):
        for _ in range(40):
            self.assertEqual(self.ask()[0], 201)
        self.assertEqual(self.capacity()["policy"], "off")
        # all of it is known nevertheless, and told
        wait_for(lambda: any(node["fell"] for node in self.capacity()["nodes"]), "the nodes to be full", 30 * cluster.PATIENCE)
        event = wait_for(lambda: self.events("capacity fell"), "the event")[0]
        self.assertEqual(event["result"], "failed")
        self.assertIn("network", event["detail"])


class Peak(AdmissionCase):
    control_options = dict(OPTIONS, admission="peak")

    def test_peak(self):
        ids, _, refusal = self.fill()
        # its first two seconds are twice the rest
        self.assertGreaterEqual(len(ids), 2)
        self.assertLessEqual(len(ids), 6)
        self.assertEqual(refusal["binds"]["resource"], "network")
        self.cluster.api("PUT", "/sessions/" + ids[0], {"position": 5000000})
        self.assertEqual(self.capacity()["policy"], "peak")


class NoLimit(AdmissionCase):
    """On loopback nothing is known of a limit, and nobody is refused."""
    storage_options = {}

    @classmethod
    def wait_capacity(cls):
        super().wait_capacity(limited=False)

    def test_no_limit(self):
        for _ in range(40):
            self.assertEqual(self.ask()[0], 201)
        self.assertEqual(self.capacity("a.wav")["medium"]["more"], 1000)


class Clocks(WithClocks, AdmissionCase):
    """Control's clock is set: promises go by another one."""
    clocked = 3
    control_options = OPTIONS

    def test_clock_is_set(self):
        ids, _, before = self.fill()
        for seconds in (86400, -86400):
            self.set_clock("control", seconds)
            status, _, refusal = self.ask(max_wait_ns=int(20e9))
            self.assertEqual(status, 503)
            self.assertLess(abs(refusal["start_in_ns"] - before["start_in_ns"]), 30e9)
            self.assertIn("token", self.cluster.api("PUT", "/sessions/" + ids[0], {"position": 0}))
        self.set_clock("control", 0)
        self.end(ids[0])
        self.assertEqual(self.ask(max_wait_ns=int(20e9))[0], 201)


class Figures(AdmissionCase):
    """Heartbeats that the test sends with the nodes' own secrets, in their place."""

    storage_options = {}
    # figures are smoothed over a number of them
    haste = 10
    usual = {"network_limit": int(100e6)}

    @classmethod
    def wait_capacity(cls):
        super().wait_capacity(limited=False)

    def setUp(self):
        super().setUp()
        self.assertFalse(self.capacity()["streams"])
        self.secrets = {node.id: json.loads((node.data / "node.json").read_text())["secret"] for node in self.cluster.nodes}
        self.stats = dict(self.usual)
        self.end_of_beats = threading.Event()
        for node in self.cluster.nodes:
            node.pause()
        self.beater = threading.Thread(target=self.beat)
        self.beater.start()

    def tearDown(self):
        self.end_of_beats.set()
        self.beater.join()
        for node in self.cluster.nodes:
            node.unpause()
        super().tearDown()

    def beat(self):
        while not self.end_of_beats.wait(0.1):
            for node in self.cluster.nodes:
                body = {"address": "127.0.0.1", "port": node.port, "tls": False, "token_formats": [2], "stats": self.stats}
                self.cluster.request("POST", "/api/v1/nodes/%d/heartbeat" % node.id, json.dumps(body), token=False,
                                     headers={"Content-Type": "application/json", "Authorization": "Bearer " + self.secrets[node.id]})

    def wait_bind(self, resource):
        wait_for(lambda: all(node["resource"] == resource for node in self.capacity()["nodes"]), resource + " to bind", 60 * cluster.PATIENCE)

    def assert_binds(self, resource, **stats):
        self.stats = dict(self.usual, **stats)
        self.wait_bind(resource)
        # what is smoothed has come to its end
        capacity = None
        while capacity != (capacity := [round(node["capacity"], -5) for node in self.capacity()["nodes"]]):
            time.sleep(1 * cluster.PATIENCE)
        ids, _, refusal = self.fill()
        self.assertEqual(refusal["binds"]["resource"], resource)
        self.assertIn("%s of node" % resource, refusal["detail"])

    def test_cpu(self):
        self.assert_binds("cpu", cpu=1, processors=2, process_cpu=0.5, sent=1000000)

    def test_disk(self):
        disk = {"folder": "/data", "busy": 1, "read": 1000000}
        self.assert_binds("disk", disks=[disk], disk_read=1000000, disk_write=0, sent=1000000, cache_hits=0, cache_misses=50)

    def test_memory(self):
        self.assert_binds("memory", memory_total=1000000000, memory=990000000, sent=100000)

    def results(self):
        return {event["result"] for event in self.events("capacity fell")}

    def test_falls(self):
        """What was promised goes on, nobody else is let in, and an event begins and ends."""
        self.wait_bind("network")
        ids = [self.ask()[2]["id"] for _ in range(20)]
        self.stats = {"network_limit": 1000000}
        wait_for(lambda: all(node["fell"] for node in self.capacity()["nodes"]), "the capacity to fall", 30 * cluster.PATIENCE)
        status, after, refusal = self.ask()
        self.assertEqual((status, refusal["binds"]["resource"]), (503, "network"))
        for id in ids:
            self.assertIn("token", self.cluster.api("PUT", "/sessions/" + id, {"position": 0}))
        wait_for(lambda: self.results() == {"failed"}, "the event")
        self.stats = dict(self.usual)
        wait_for(lambda: not any(node["fell"] for node in self.capacity()["nodes"]), "the capacity to come back", 60 * cluster.PATIENCE)
        wait_for(lambda: self.results() == {"failed", "done"}, "the event")
        self.assertEqual(self.ask()[0], 201)

    def test_lies(self):
        """A node that says that it carries all of the world's traffic, or none, hurts but itself."""
        self.wait_bind("network")
        self.stats = {"network_limit": int(1e15), "sent": 1e14, "net_out": 1e14, "process_cpu": 65536, "processors": 1, "cpu": 1,
                      "cache_hits": 1e9, "cache_misses": 1e9, "disk_read": 1e14, "disk_write": 1e14}
        for _ in range(30):
            self.assertIn(self.ask()[0], (201, 503))
            time.sleep(0.05)
        self.stats = {"network_limit": 1}
        self.wait_bind("network")
        wait_for(lambda: self.ask()[0] == 503, "a refusal", 30 * cluster.PATIENCE)


if __name__ == "__main__":
    unittest.main()
