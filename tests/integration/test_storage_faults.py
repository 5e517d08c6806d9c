#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-storage when things break: killed, disk full, disk broken, peers gone."""

import http.client
import os
import signal
import subprocess
import threading
import time
import unittest

from storage_server import Case, Server, read_all, wait_for
from test_storage_attacks import head

FAIL_FSYNC = os.environ["PMSS_FAIL_FSYNC"]


class Kills(Case):
    def test_kill_during_put(self):
        server = self.serve()
        shards = self.shards(3000000, unit=65536, redundancy="3+2")
        (name, data), *others = shards.items()
        for other, content in others[:2]:
            self.assertEqual(self.put(server, other, content).status, 201)
        connections = []
        for part in (1, len(data) // 2, len(data) - 1):
            connection = server.connect()
            self.addCleanup(connection.close)
            connection.sendall(head("PUT", "/v1/shards/" + name, self.all,
                                    "Content-Length: %d" % len(data)) + data[:part])
            connections.append(connection)
        wait_for(lambda: len(list((server.data / "tmp").iterdir())) == 3, "three PUTs run")
        server.stop(signal.SIGKILL)
        server.start()
        self.assertEqual(list((server.data / "tmp").iterdir()), [])
        self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).status, 404)
        for other, content in others[:2]:
            self.assertEqual(server.ask("GET", "/v1/shards/" + other, self.all).body, content)
        self.assertEqual(self.put(server, name, data).status, 201)

    def test_kill_at_any_moment(self):
        """What was answered with 201 is there, whole; nothing else is."""
        server = self.serve()
        shards = self.shards(400000, unit=16384, redundancy="16+4")
        for round_number in range(5):
            acknowledged, stop = [], threading.Event()

            def write():
                for name, data in shards.items():
                    if stop.is_set():
                        return
                    try:
                        if self.put(server, name, data).status in (201, 409):
                            acknowledged.append(name)
                    except (OSError, http.client.HTTPException):
                        return  # killed while we asked

            thread = threading.Thread(target=write)
            thread.start()
            wait_for(lambda: len(acknowledged) > 3 * round_number, "some are written")
            server.stop(signal.SIGKILL)
            stop.set()
            thread.join()
            server.start()
            listed = server.ask("GET", "/v1/shards", self.all).json()["shards"]
            self.assertLessEqual(set(acknowledged), {entry["name"] for entry in listed})
            for entry in listed:
                answer = server.ask("GET", "/v1/shards/" + entry["name"], self.all)
                self.assertEqual(answer.body, shards[entry["name"]])

    def test_peer_goes_away(self):
        server = self.serve(head_timeout=1, min_rate_window=1)
        name, data = next(iter(self.shards(1000000, unit=65536).items()))
        for part in (0, 1, 128, 70000, len(data) - 1):
            with server.connect() as connection:
                connection.sendall(head("PUT", "/v1/shards/" + name, self.all,
                                        "Content-Length: %d" % len(data)) + data[:part])
        wait_for(lambda: not list((server.data / "tmp").iterdir())
                 and server.metrics()["connections"] == 1, "nothing stays")
        self.assertEqual(self.put(server, name, data).status, 201)

    def test_stop_while_sending(self):
        server = self.serve()
        name, data = next(iter(self.shards(40 << 20, unit=1 << 20, redundancy="1+0").items()))
        self.assertEqual(self.put(server, name, data).status, 201)
        reading, hanging = server.connect(), server.connect()
        self.addCleanup(hanging.close)
        for connection in (reading, hanging):
            connection.sendall(head("GET", "/v1/shards/" + name, self.all))
            self.assertTrue(connection.recv(1000))
        before = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        # one that goes on reading gets all of it, one that hangs holds up nobody
        got = read_all(reading)
        reading.close()
        self.assertTrue(got.endswith(data[-1000:]))
        self.assertEqual(server.process.wait(20), 0)
        self.assertLess(time.monotonic() - before, 15)

    def test_stop_idle(self):
        server = self.serve()
        idle = [server.connect() for _ in range(20)]
        server.stop()
        for connection in idle:
            connection.close()


class Disks(Case):
    def test_min_free(self):
        server = self.serve(min_free="100%")
        name, data = next(iter(self.shards().items()))
        answer = self.put(server, name, data)
        self.assertEqual(answer.status, 507)
        self.assertIn("no room", answer.json()["detail"])
        self.assertEqual(list((server.data / "tmp").iterdir()), [])
        self.assertEqual(server.metrics()["free_bytes"], 0)

    def test_disk_full(self):
        mount = self.folder / "small"
        mount.mkdir()
        try:
            done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", mount],
                                  stderr=subprocess.DEVNULL).returncode == 0
        except FileNotFoundError:
            done = False
        if not done:
            self.skipTest("needs root, to mount a small tmpfs")
        self.addCleanup(subprocess.run, ["umount", "-l", mount], check=True)
        server = self.serve(data=mount / "data")
        stored, statuses = {}, []
        for _ in range(12):
            name, data = next(iter(self.shards(1000000, redundancy="1+0",
                                               unit=65536).items()))
            statuses.append(self.put(server, name, data).status)
            if statuses[-1] == 201:
                stored[name] = data
        self.assertEqual(set(statuses), {201, 507})
        self.assertGreaterEqual(len(stored), 5)
        self.assertEqual(list((mount / "data" / "tmp").iterdir()), [])
        for name, data in stored.items():
            self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).body, data)
        # two at once never get more than there is
        name = next(iter(stored))
        self.assertEqual(server.ask("DELETE", "/v1/shards/" + name, self.all).status, 204)
        self.assertEqual(self.put(server, name, stored[name]).status, 201)
        self.assertEqual(server.ask("GET", "/healthz").status, 200)

    def test_no_folder(self):
        (self.folder / "file").write_text("x")
        server = Server(self.folder / "s", self.keys, data=self.folder / "file" / "data")
        server.spawn()
        self.assertEqual(server.process.wait(30), 73)
        self.assertIn("file/data", server.messages())
        server.process.stdout.close()
        server.log.close()

    def broken(self, what):
        """A server whose fsync (or fdatasync) fails as soon as a file is there."""
        trigger = self.folder / "broken"
        server = self.serve(wrapper=[
            "env", "LD_PRELOAD=" + " ".join([FAIL_FSYNC, *os.environ.get("LD_PRELOAD", "").split()]),
            "FAIL_%s_WHILE=%s" % (what, trigger),
            "ASAN_OPTIONS=verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")])
        (first, second, third) = self.shards(30000, redundancy="2+1").items()
        self.assertEqual(self.put(server, *first).status, 201)
        server.may_complain = True
        trigger.touch()
        answer = self.put(server, *second)
        self.assertEqual(answer.status, 500)
        trigger.unlink()
        # from now on nothing is believed, although fsync works again
        self.assertEqual(self.put(server, *second).status, 503)
        self.assertEqual(self.put(server, *third).status, 503)
        path = "/v1/shards/" + first[0]
        self.assertEqual(server.ask("DELETE", path, self.all).status, 503)
        self.assertEqual(server.ask("GET", path, self.all).body, first[1])
        self.assertEqual(server.ask("GET", "/v1/shards/" + second[0], self.all).status, 404)
        health = server.ask("GET", "/healthz")
        self.assertEqual((health.status, health.json()["status"]),
                         (503, "disk failed: read only"))
        self.assertEqual(server.metrics()["writable"], 0)
        self.assertIn("fsync", server.messages())
        server.stop()
        server.wrapper = []
        server.start()
        self.assertEqual(self.put(server, *second).status, 201)

    def test_fdatasync_fails(self):
        self.broken("FDATASYNC")

    def test_fsync_of_folder_fails(self):
        self.broken("FSYNC")


if __name__ == "__main__":
    unittest.main()
