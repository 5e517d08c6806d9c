#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-storage when things break: killed, disk full, disk broken, peers gone."""

import concurrent.futures
import errno
import http.client
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import threading
import time
import unittest

from authority import Authority
from storage_server import WAIT, Case, Server, read_all, wait_for
from test_storage_attacks import head

BAD_DISK = os.environ["PMSS_BAD_DISK"]


class Peers(Case):
    """Killed, or told to stop, with peers at hand; and peers that go."""

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


class PeersTls(Peers):
    """The same, behind TLS."""

    def serve(self, keys=True, name="s", **options):
        if not shutil.which("openssl"):
            self.skipTest("openssl is not installed")
        ours = Authority(self.folder, "ours")
        server = super().serve(keys, name, **ours.issue("server", "IP:127.0.0.1"), **options)
        server.tls = ssl.create_default_context(cafile=str(ours.certificate))
        return server


class Kills(Case):
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


def bad_disk(folder, *troubles):
    """What to run a server with whose disk has each of @troubles (see bad-disk.c) while a file is there, and the files."""
    triggers = [folder / trouble for trouble in troubles]
    return ["env", "LD_PRELOAD=" + " ".join([BAD_DISK, *os.environ.get("LD_PRELOAD", "").split()]),
            *("%s_WHILE=%s" % pair for pair in zip(troubles, triggers)),
            "ASAN_OPTIONS=verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")], *triggers


def times_open(server, name):
    def target(link):
        try:
            return os.readlink(link)
        except FileNotFoundError:   # closed meanwhile
            return ""

    folder = pathlib.Path("/proc/%d/fd" % server.process.pid)
    return sum(target(link).endswith("/" + name) for link in folder.iterdir())


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
        # a shard that is being read takes its room for a moment longer than it is there
        server = self.serve(data=mount / "data", scrub_period=0)
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

    def serve_from_bad_disk(self, *troubles, **options):
        """A server whose disk has each of @troubles, and that reads only what it is asked for: returns it and the files."""
        wrapper, *triggers = bad_disk(self.folder, *troubles)
        return self.serve(wrapper=wrapper, scrub_period=0, **options), *triggers

    def test_cold(self):
        """What has to come from the disk is read by others than those who serve: one of these is enough for all, whatever the disk does."""
        server, cold, hang = self.serve_from_bad_disk("COLD", "HANG_PREAD", threads=1)
        (name, data), (other, other_data), *_ = self.shards(3000000, redundancy="2+1", unit=262144).items()
        self.assertEqual(self.put(server, name, data).status, 201)
        self.assertEqual(self.put(server, other, other_data).status, 201)
        path, other_path = "/v1/shards/" + name, "/v1/shards/" + other
        cold.touch()
        self.assertEqual(server.ask("GET", path, self.all).body, data)
        self.assertEqual(server.ask("GET", path, self.all, Range="bytes=-1").body, data[-1:])
        hang.touch()
        self.addCleanup(hang.unlink, missing_ok=True)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            waiting = [pool.submit(server.ask, "GET", path, self.all, Range="bytes=%d-%d" % (at, at + 300000)) for at in (0, 5, 400000)]
            waiting.append(pool.submit(server.ask, "GET", path, self.all))
            wait_for(lambda: times_open(server, name) == 4, "all to wait for the disk")
            # no bytes are asked for, or they are in memory; and a write waits for no read
            self.assertEqual(server.ask("HEAD", path, self.all).status, 200)
            self.assertEqual(server.ask("GET", path, self.all, Range="bytes=9999999-").status, 416)
            cold.unlink()
            self.assertEqual(server.ask("GET", other_path, self.all).body, other_data)
            self.assertEqual(server.ask("DELETE", other_path, self.all).status, 204)
            self.assertFalse(any(answer.done() for answer in waiting))
            hang.unlink()
            for at, answer in zip((0, 5, 400000), waiting):
                got = answer.result(WAIT)
                self.assertEqual((got.status, got.body), (206, data[at:at + 300001]))
                self.assertEqual(got.headers["Content-Range"], "bytes %d-%d/%d" % (at, at + 300000, len(data)))
            self.assertEqual(waiting[-1].result(WAIT).body, data)

    def test_cold_peer_gone(self):
        """Whoever does not wait for the disk leaves no descriptor behind."""
        server, cold, hang = self.serve_from_bad_disk("COLD", "HANG_PREAD")
        name, data = next(iter(self.shards(300000).items()))
        self.assertEqual(self.put(server, name, data).status, 201)
        before = server.descriptors()
        cold.touch()
        hang.touch()
        for _ in range(20):
            with server.connect() as connection:
                connection.sendall(("GET /v1/shards/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n" % (name, self.all)).encode())
        hang.unlink()
        wait_for(lambda: server.descriptors() <= before, "the descriptors to be closed")
        self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).body, data)

    def test_read_fails(self):
        server, cold, fail = self.serve_from_bad_disk("COLD", "FAIL_PREAD")
        name, data = next(iter(self.shards().items()))
        self.assertEqual(self.put(server, name, data).status, 201)
        cold.touch()
        fail.touch()
        answer = server.ask("GET", "/v1/shards/" + name, self.all, Range="bytes=0-99")
        self.assertEqual((answer.status, answer.headers["Content-Range"]), (500, None))
        id = answer.json()["instance"].removeprefix("urn:uuid:")
        self.assertNotIn("cannot read", answer.json()["detail"])
        self.assertRegex(server.messages(), id + ": GET .*: cannot read the shard")
        fail.unlink()
        self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).body, data)

    def broken(self, what):
        """A server whose fsync (or fdatasync) fails as soon as a file is there."""
        server, trigger = self.serve_from_bad_disk("FAIL_" + what)
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
        self.assertEqual(health.status, 503)
        self.assertIn("its disk failed", health.json()["status"])
        self.assertEqual(server.metrics()["writable"], 0)
        self.assertIn("fsync", server.messages())
        server.stop()
        server.wrapper = []
        server.start()
        self.assertEqual(self.put(server, *second).status, 201)

    def test_read_only(self):
        """A disk that takes no writes any more, for whatever reason, ends writing at the first one; what is there is sent."""
        for code in (errno.EROFS, errno.EIO, errno.EACCES, errno.ESTALE):
            with self.subTest(errno.errorcode[code]):
                server, trigger = self.serve_from_bad_disk("READ_ONLY")
                first, second, third = self.shards(30000, redundancy="2+1").items()
                self.assertEqual(self.put(server, *first).status, 201)
                server.may_complain = True
                trigger.write_text(str(code))
                self.assertEqual(self.put(server, *second).status, 500)
                self.assertEqual(self.put(server, *third).status, 503)
                path = "/v1/shards/" + first[0]
                self.assertEqual(server.ask("DELETE", path, self.all).status, 503)
                self.assertEqual(server.ask("GET", path, self.all).body, first[1])
                health = server.ask("GET", "/healthz")
                self.assertEqual(health.status, 503)
                self.assertIn(os.strerror(code), health.json()["status"])
                self.assertEqual(server.metrics()["writable"], 0)
                trigger.unlink()
                server.stop()

    def test_read_only_at_deletion(self):
        server, trigger = self.serve_from_bad_disk("READ_ONLY")
        name, data = next(iter(self.shards().items()))
        self.assertEqual(self.put(server, name, data).status, 201)
        server.may_complain = True
        trigger.touch()
        self.assertEqual(server.ask("DELETE", "/v1/shards/" + name, self.all).status, 500)
        self.assertEqual(server.ask("GET", "/healthz").status, 503)
        self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).body, data)
        trigger.unlink()

    def test_quota(self):
        """What the file system's numbers do not show is full all the same, for a while; and no failure."""
        server, trigger = self.serve_from_bad_disk("READ_ONLY")
        first, second, *_ = self.shards(30000, redundancy="2+1").items()
        self.assertEqual(self.put(server, *first).status, 201)
        trigger.write_text(str(errno.EDQUOT))
        self.assertEqual(self.put(server, *second).status, 507)
        self.assertEqual(server.metrics()["free_bytes"], 0)
        self.assertEqual(server.ask("GET", "/healthz").status, 200)
        trigger.unlink()
        self.assertEqual(server.ask("DELETE", "/v1/shards/" + first[0], self.all).status, 204)
        self.assertEqual(self.put(server, *second).status, 201)

    def test_fdatasync_fails(self):
        self.broken("FDATASYNC")

    def test_fsync_of_folder_fails(self):
        self.broken("FSYNC")


if __name__ == "__main__":
    unittest.main()
