#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-storage joins a cluster and sends heartbeats, whatever control does."""

import signal
import socket
import stat
import threading
import time
import unittest

from cluster import choose_port
from fake_control import Control
from storage_server import SANITIZED, WAIT, Case, Server, wait_for


class Joining(Case):
    def control(self, port=0):
        control = Control(self.keys, port)
        self.addCleanup(control.close)
        return control

    def test_join_and_beat(self):
        control = self.control()
        server = self.serve(keys=False, control="http://127.0.0.1:%d/"
                            % control.server_port, join_token="once", zone="attic",
                            network_limit="1G")
        control.wait_for_beats(3)
        self.assertEqual(len(control.joins), 1)
        self.assertEqual(len(control.sockets), 1)
        join = control.joins[0]
        self.assertGreater(join.pop("capacity"), 0)
        self.assertEqual(join, {"join_token": "once", "address": "127.0.0.1",
                                "port": server.port, "tls": False, "zone": "attic"})
        secret, beat = control.beats[-1]
        self.assertEqual(secret, "Bearer hush")
        stats = beat.pop("stats")
        self.assertRegex(beat.pop("instance"), "^[0-9a-f]{32}$")
        self.assertRegex(beat.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(beat, {"address": "127.0.0.1", "port": server.port, "tls": False,
                                "gateway": True, "token_formats": [2, 3], "revocations": 0})
        self.assertTrue(0 <= stats["cpu"] <= 1)
        self.assertGreater(stats["memory_total"], stats["memory"])
        self.assertEqual(stats["network_limit"], 10 ** 9)
        for name in ("disk_read", "disk_write", "net_in", "net_out", "connections",
                     "used", "free", "shards"):
            self.assertIsInstance(stats[name], int)
        self.assertEqual(server.ask("GET", "/healthz").json(), {"status": "ok", "node": 12})
        identity = server.data / "node.json"
        self.assertEqual(stat.S_IMODE(identity.stat().st_mode), 0o600)
        name, data = next(iter(self.shards().items()))
        self.assertEqual(self.put(server, name, data).status, 201)
        control.wait_for_beats(len(control.beats) + 2)
        self.assertEqual(control.beats[-1][1]["stats"]["shards"], 1)
        self.assertEqual(control.beats[-1][1]["stats"]["used"], len(data))

        # a connection that control gave up is replaced at once
        control.hangs_up = True
        control.wait_for_beats(len(control.beats) + 3)
        self.assertGreater(len(control.sockets), 1)
        self.assertNotIn("goes on without it", server.messages())

        # started again it is who it was, without a token
        server.stop()
        del server.options["join-token"]
        server.start()
        control.wait_for_beats(len(control.beats) + 1)
        self.assertEqual(len(control.joins), 1)
        self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).body, data)
        self.assertNotIn("hush", server.messages())

    def test_control_comes_late_and_goes(self):
        port = choose_port()
        server = self.serve(keys=False, control="http://127.0.0.1:%d" % port,
                            join_token="once", advertise="node.example:99")
        answer = server.ask("GET", "/healthz")
        self.assertEqual((answer.status, answer.json()["status"]),
                         (503, "has not joined a cluster yet"))
        self.assertEqual(server.ask("GET", "/v1/shards", self.all).status, 503)
        wait_for(lambda: "goes on without it" in server.messages(), "one try at least")
        control = Control(self.keys, port)
        control.wait_for_beats(1)
        self.assertEqual(control.joins[0]["address"], "node.example")
        self.assertEqual(control.joins[0]["port"], 99)
        control.close()
        wait_for(lambda: server.messages().count("goes on without it") == 2,
                 "that control is away is logged")
        self.assertEqual(server.ask("GET", "/v1/shards", self.all).status, 200)
        control = self.control(port)
        control.wait_for_beats(3)
        self.assertEqual(server.messages().count("goes on without it"), 2)
        # one that does not know us is told of once
        control.beat_status = 401
        control.wait_for_beats(len(control.beats) + 3)
        self.assertEqual(server.messages().count("goes on without it"), 3)
        self.assertEqual(server.ask("GET", "/v1/shards", self.all).status, 200)

    def test_many_revocations(self):
        """A node that was away hears of all of them at once, not of a page a second."""
        control = self.control()
        many = 10000 if SANITIZED else 75000
        control.revoked = ["%032x" % number for number in range(many)]
        tokens = [self.keys.mint(ops="l", sid=control.revoked[i]) for i in (0, -1)]
        server = self.serve(keys=False, control="http://127.0.0.1:%d"
                            % control.server_port, join_token="once")
        with control.beaten:
            self.assertTrue(control.beaten.wait_for(
                lambda: control.beats and control.beats[-1][1]["revocations"] == many, WAIT))
        # until it has heard of all it refuses viewers for now, not for good
        wait_for(lambda: server.ask("GET", "/v1/shards", tokens[0]).status != 503, "the node to know")
        for token in tokens:
            self.assertEqual(server.ask("GET", "/v1/shards", token).status, 401)
        self.assertEqual(server.ask("GET", "/v1/shards", self.all).status, 200)

    def test_user_revoked(self):
        """All tokens that were signed for a user up to a time; the others, and other users', are good."""
        control = self.control()
        sid = "%032x" % 7
        mints = {"early": dict(uid="anna", sid=sid, issued=-20), "late": dict(uid="anna", sid=sid, issued=-5),
                 "other": dict(uid="berta", sid=sid, issued=-20)}
        tokens = {name: self.keys.mint(ops="l", **claims) for name, claims in mints.items()}
        control.revoked = [{"user": "anna", "signed_until": int(time.time()) - 10, "until": 1 << 40}]
        server = self.serve(keys=False, control="http://127.0.0.1:%d" % control.server_port, join_token="once")
        wait_for(lambda: control.beats and control.beats[-1][1]["revocations"] == 1, "the revocation to be known")
        control.wait_for_beats(len(control.beats) + 1)

        def statuses():
            return {name: server.ask("GET", "/v1/shards", token).status for name, token in tokens.items()}
        self.assertEqual(statuses(), {"early": 401, "late": 200, "other": 200})
        server.stop()
        server.start()
        self.assertEqual(statuses(), {"early": 401, "late": 200, "other": 200})

    def test_incomplete(self):
        """Control could not look in time: who does not know waits on."""
        control = self.control()
        control.complete = False
        token = self.keys.mint(ops="l", uid="anna", sid="%032x" % 7)
        server = self.serve(keys=False, control="http://127.0.0.1:%d" % control.server_port, join_token="once")
        control.wait_for_beats(3)
        self.assertEqual(server.ask("GET", "/v1/shards", token).status, 503)
        self.assertEqual(server.ask("GET", "/v1/shards", self.all).status, 200)
        control.complete = True
        wait_for(lambda: server.ask("GET", "/v1/shards", token).status == 200, "the node to know")

    def serve_for(self, control):
        server = self.serve(keys=False, control="http://127.0.0.1:%d" % control.server_port, join_token="once")
        control.wait_for_beats(1)
        return server

    def test_leaves(self):
        """An orderly stop is told to control with the last heartbeat, a crash is not."""
        control = self.control()
        server = self.serve_for(control)
        server.stop()
        self.assertEqual([beat.get("leaving") for _, beat in control.beats],
                         [None] * (len(control.beats) - 1) + [True])
        self.assertNotIn("does not know", server.messages_at_end)
        server.start()
        control.wait_for_beats(len(control.beats) + 1)
        server.stop(signal.SIGKILL)
        self.assertNotIn("leaving", control.beats[-1][1])

    def test_leaves_after_the_heartbeat_under_way(self):
        control = self.control()
        server = self.serve_for(control)
        control.stuck.clear()
        control.wait_for_beats(len(control.beats) + 1)
        before = len(control.beats)
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "stopping" in server.messages(), "the stop to begin")
        self.assertEqual(len(control.beats), before)
        control.stuck.set()
        server.stop()
        self.assertTrue(control.beats[-1][1].get("leaving"))

    def test_dead_control_delays_no_stop(self):
        control = self.control()
        server = self.serve_for(control)
        control.stuck.clear()
        control.wait_for_beats(len(control.beats) + 1)
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        # until nobody is let in any more: what comes then is not about control, and takes long in a sanitizer's build
        wait_for(lambda: not self.listens(server), "the listener to be closed")
        taken = time.monotonic() - begun
        control.stuck.set()
        # less than a request's own limit
        self.assertLess(taken, 4)
        server.stop()

    def listens(self, server):
        try:
            server.connect().close()
        except ConnectionError:
            return False
        return True

    def test_refused(self):
        control = self.control()
        control.join_status = 401
        server = Server(self.folder / "s", join_token="spent",
                        control="http://127.0.0.1:%d" % control.server_port)
        server.spawn()
        self.assertEqual(server.process.wait(WAIT), 77)
        self.assertIn("no more of you", server.messages())
        self.assertFalse((server.data / "node.json").exists())
        server.process.stdout.close()
        server.log.close()


if __name__ == "__main__":
    unittest.main()
