#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-storage: shards in and out, names, settings, joining, TLS."""

import http.client
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import unittest

from own_address import own_address
from storage_server import (CLUSTER, RNG, STORAGE, WAIT, Case, Server, read_all, version_id,
                            wait_for)


class Shards(Case):
    def test_metrics(self):
        """From another machine only with the token: here, by this machine's own address."""
        address = own_address()
        if not address:
            self.skipTest("this machine has no address but loopback")
        server = self.serve(listen=address + ":0", metrics_token="w4tch")
        for given, status in ((None, 401), ("wrong", 401), ("w4tch", 200)):
            client = http.client.HTTPConnection(address, server.port, timeout=WAIT)
            answer = server.ask("GET", "/metrics", given, client=client)
            client.close()
            self.assertEqual(answer.status, status, given)
            self.assertEqual(b"pmss_storage_connections" in answer.body, status == 200)

    def test_round_trip(self):
        server = self.serve()
        shards = self.shards()
        client = self.client(server)
        for name, data in shards.items():
            answer = server.ask("PUT", "/v1/shards/" + name, self.all, data, client)
            self.assertEqual(answer.status, 201)
        for name, data in shards.items():
            path = "/v1/shards/" + name
            answer = server.ask("GET", path, self.all, client=client)
            self.assertEqual((answer.status, answer.body), (200, data))
            self.assertEqual(answer.headers["ETag"], '"%s"' % name)
            self.assertEqual(answer.headers["Accept-Ranges"], "bytes")
            self.assertEqual(answer.headers["Content-Type"], "application/octet-stream")
            head = server.ask("HEAD", path, self.all, client=client)
            self.assertEqual((head.status, head.body), (200, b""))
            self.assertEqual(int(head.headers["Content-Length"]), len(data))
        # all of that on one connection
        self.assertEqual(server.metrics()["connections_total"], 2)
        name = next(iter(shards))
        self.assertEqual(server.ask("DELETE", "/v1/shards/" + name, self.all).status, 204)
        self.assertEqual(server.ask("DELETE", "/v1/shards/" + name, self.all).status, 404)
        self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).status, 404)
        self.assertEqual(list((server.data / "tmp").iterdir()), [])

    def test_replace(self):
        """What is there stays until the new one can take its place; it is one shard all the time."""
        server = self.serve()
        name, data = next(iter(self.shards().items()))
        path = "/v1/shards/" + name
        place = server.data / "shards" / name[:2] / name
        self.assertEqual(self.put(server, name, data).status, 201)
        place.write_bytes(data[:1000])
        self.assertEqual(server.ask("PUT", path, self.all, data).status, 409)
        # without the right to delete, not the shard, or not asked for like this
        some = self.keys.mint(ops="rw", ver=name[:32])
        self.assertEqual(server.ask("PUT", path + "?replace=1", some, data).status, 403)
        self.assertEqual(server.ask("PUT", path + "?replace=2", self.all, data).status, 400)
        self.assertEqual(server.ask("PUT", path + "?replace=1", self.all, data[:-1] + b"x").status, 400)
        self.assertEqual(place.read_bytes(), data[:1000])
        self.assertEqual(list((server.data / "tmp").iterdir()), [])
        for _ in range(2):
            self.assertEqual(server.ask("PUT", path + "?replace=1", self.all, data).status, 201)
            self.assertEqual(server.ask("GET", path, self.all).body, data)
        self.assertEqual(server.metrics()["shards"], 1)
        place.unlink()
        self.assertEqual(server.ask("PUT", path + "?replace=1", self.all, data).status, 201)
        self.assertEqual(list((server.data / "tmp").iterdir()), [])

    def test_put_refused(self):
        server = self.serve()
        shards = self.shards()
        (name, data), (other, _), _ = shards.items()
        path = "/v1/shards/" + name
        wrong = bytearray(data)
        wrong[200] ^= 1
        for body in (bytes(wrong), data[:-1], data + b"x", b"", data[:128], b"x" * 500,
                     shards[other]):
            answer = self.put(server, name, body)
            self.assertEqual(answer.status, 400, len(body))
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(self.put(server, name, data).status, 201)
        self.assertEqual(self.put(server, name, data).status, 409)
        self.assertEqual(self.put(server, name, bytes(wrong)).status, 409)
        self.assertEqual(server.ask("GET", path, self.all).body, data)
        # with Expect the refusal comes before the body
        connection = server.connect()
        connection.sendall((
            "PUT %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            "Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
            % (path, self.all, len(data))).encode())
        self.assertIn(b"HTTP/1.1 409 ", read_all(connection))
        connection.close()
        connection = server.connect()
        connection.sendall((
            "PUT /v1/shards/%s HTTP/1.1\r\nHost: x\r\n"
            "Authorization: Bearer %s\r\nContent-Length: %d\r\n"
            "Connection: close\r\n\r\n" % (other, self.all, 10 << 30)).encode())
        self.assertIn(b"HTTP/1.1 413 ", connection.recv(4096))
        connection.close()
        connection = server.connect()
        connection.sendall((
            "PUT /v1/shards/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
            "Connection: close\r\n\r\n" % (other, self.all)).encode())
        self.assertIn(b"HTTP/1.1 411 ", read_all(connection))
        connection.close()
        self.assertEqual(list((server.data / "tmp").iterdir()), [])
        self.assertEqual(server.metrics()["shards"], 1)

    def test_two_writers(self):
        server = self.serve()
        name, data = next(iter(self.shards(2000000, unit=65536).items()))
        statuses = []

        def write():
            statuses.append(self.put(server, name, data).status)

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(statuses), [201] + [409] * 7)
        self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).body, data)
        self.assertEqual(list((server.data / "tmp").iterdir()), [])

    def test_deleted_on_the_way(self):
        """A shard that is deleted while it is sent does not come afterwards: nobody would know of it."""
        server = self.serve()
        name, data = next(iter(self.shards(400000).items()))
        path = "/v1/shards/" + name
        client = self.client(server)
        client.putrequest("PUT", path)
        client.putheader("Authorization", "Bearer " + self.all)
        client.putheader("Content-Length", str(len(data)))
        client.endheaders(data[:len(data) // 2])
        unfinished = server.data / "tmp"
        wait_for(lambda: any(unfinished.iterdir()), "the shard's first bytes")
        self.assertEqual(server.ask("DELETE", path, self.all).status, 404)
        client.send(data[len(data) // 2:])
        answer = client.getresponse()
        self.assertEqual(answer.status, 404)
        self.assertIn("deleted while it was sent", answer.read().decode())
        self.assertEqual(server.ask("GET", path, self.all).status, 404)
        self.assertEqual(list(unfinished.iterdir()), [])
        # and again, as anybody may
        self.assertEqual(self.put(server, name, data).status, 201)
        self.assertEqual(server.ask("GET", path, self.all).body, data)

    def test_list(self):
        server = self.serve()
        names = {}
        for _ in range(4):
            version = version_id(RNG.random())
            for number in range(2):
                names.update(self.shards(5000, version, number=number))
        # one version with many extents: all in one folder
        version = version_id(1)
        names.update(self.shards(5000, version, redundancy="8+4"))
        client = self.client(server)
        for name, data in names.items():
            server.ask("PUT", "/v1/shards/" + name, self.all, data, client)
        wanted = [{"name": name, "size": len(names[name])} for name in sorted(names)]
        for limit in (7, 10000):
            found, after = [], None
            while True:
                path = "/v1/shards?limit=%d" % limit
                if after:
                    path += "&after=" + after
                page = server.ask("GET", path, self.all, client=client).json()
                self.assertLessEqual(len(page["shards"]), limit)
                found += page["shards"]
                after = page["next"]
                if not after:
                    break
                self.assertEqual(after, found[-1]["name"])
            self.assertEqual(found, wanted)
        self.assertEqual(server.ask("GET", "/v1/shards", self.all).json()["shards"], wanted)
        metrics = server.metrics()
        self.assertEqual(metrics["shards"], len(names))
        self.assertEqual(metrics["used_bytes"], sum(map(len, names.values())))
        # the count survives a restart
        server.stop()
        server.start()
        wait_for(lambda: server.metrics()["used_bytes"]
                 == sum(map(len, names.values())), "the count at the start")


class Tokens(Case):
    def test_expiry_of_known_token(self):
        server = self.serve()
        name, data = next(iter(self.shards().items()))
        self.put(server, name, data)
        token = self.keys.mint(ops="r", expires=5)
        path = "/v1/shards/" + name
        self.assertEqual(server.ask("GET", path, token).status, 200)
        wait_for(lambda: server.ask("GET", path, token).status == 401, "expiry")

    def test_mutations(self):
        server = self.serve()
        name, data = next(iter(self.shards().items()))
        self.put(server, name, data)
        path = "/v1/shards/" + name
        good = self.keys.mint(ops="r")
        client = self.client(server)
        for _ in range(300):
            place = RNG.randrange(len(good) - 1)
            answer = server.ask("GET", path, good[:place] + good[place + 1:], client=client)
            self.assertEqual(answer.status, 401)
        for token in (good[:-1], good[:20], "v4.public.", "v4.local." + good[10:],
                      good + "." + "x" * 10, good + "=", "x", "a" * 5000):
            self.assertEqual(server.ask("GET", path, token).status, 401, token)
        self.assertEqual(server.ask("GET", path, good).status, 200)
        self.assertEqual(server.ask("GET", path, Authorization="bearer " + good).status, 200)
        self.assertNotIn(good, server.messages())
        # as many different tokens as the memory of them holds, and more
        self.assert_memory(server, 100 << 20)


class Settings(Case):
    def run_storage(self, *arguments):
        return subprocess.run([STORAGE, *map(str, arguments)], timeout=WAIT,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_help_and_version(self):
        found = self.run_storage("--help")
        self.assertEqual(found.returncode, 0)
        for word in ("--listen", "--join-token", "--min-free", "--max-connections"):
            self.assertIn(word, found.stdout)
        self.assertRegex(self.run_storage("--version").stdout, r"^pmss-storage \d")

    def test_wrong(self):
        """What shows only when it starts; the rest is in unit-storage-config."""
        key = self.folder / "key"
        key.write_text(self.keys.public)
        alone = ("--public-key=%s" % key, "--cluster=" + CLUSTER, "--node-id=1")
        data = "--data=%s" % (self.folder / "d")
        broken = self.folder / "broken.conf"
        broken.write_text("[storage]\nlissen=x\n")
        for arguments, code, text in (
                (["--nonsense"], 64, "nonsense"), ([], 78, "data"), ([data], 78, "join-token"),
                ([data, "--listen=nowhere", *alone], 78, "nowhere"),
                ([data, "--listen=192.0.2.1:0", *alone], 69, "does not have"),
                ([data, "--control=http://h:1", "--join-token=x"], 69, "advertise"),
                ([data, alone[0], "--cluster=x", alone[2]], 78, "cluster"),
                ([data, "--public-key=%s" % broken, *alone[1:]], 78, "public-key"),
                ([data, "--tls-certificate=%s" % key, "--tls-key=%s" % key, *alone], 78,
                 "certificate"),
                (["--config=/nonexistent"], 78, "nonexistent")):
            # the scrub of an empty folder may say so before the address is looked at
            found = self.run_storage(*arguments, "--scrub-period=0")
            self.assertEqual(found.returncode, code, (arguments, found.stderr))
            self.assertIn(text, found.stderr)
            self.assertTrue(found.stderr.startswith("pmss-storage: "), found.stderr)

    def test_second_start(self):
        first = self.serve()
        found = self.run_storage("--listen=127.0.0.1:0", "--data=%s" % first.data,
                                 "--public-key=%s" % first.options["public-key"],
                                 "--cluster=" + CLUSTER, "--node-id=1")
        self.assertEqual(found.returncode, 73)
        self.assertIn("in use by another server", found.stderr)
        port = self.run_storage("--listen=127.0.0.1:%d" % first.port,
                                "--data=%s" % (self.folder / "d"),
                                "--public-key=%s" % first.options["public-key"],
                                "--cluster=" + CLUSTER, "--node-id=1")
        self.assertEqual(port.returncode, 69)
        self.assertIn("another server has this port", port.stderr)
        self.assertEqual(first.ask("GET", "/healthz").status, 200)

    def test_signals(self):
        server = self.serve()
        server.process.send_signal(signal.SIGHUP)
        server.process.send_signal(signal.SIGPIPE)
        self.assertEqual(server.ask("GET", "/healthz").status, 200)
        self.assertEqual(server.stop(signal.SIGINT), 0)

    def test_ipv6(self):
        if not pathlib.Path("/proc/net/if_inet6").exists():
            self.skipTest("no IPv6 here")
        server = self.serve(listen="[::]:0")
        self.assertEqual(server.ask("GET", "/healthz").status, 200)
        with socket.create_connection(("::1", server.port), WAIT) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
                               b"Connection: close\r\n\r\n")
            self.assertIn(b" 200 ", read_all(connection))


class Tls(Case):
    def test_tls(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=x",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.folder / "k.pem",
             "-out", self.folder / "c.pem"], check=True, stderr=subprocess.DEVNULL)
        server = Server(self.folder / "s", self.keys,
                        tls_certificate=self.folder / "c.pem",
                        tls_key=self.folder / "k.pem")
        self.servers.append(server)
        server.start()
        server.tls = ssl.create_default_context(cafile=self.folder / "c.pem")
        name, data = next(iter(self.shards(2000000, unit=65536).items()))
        self.assertEqual(self.put(server, name, data).status, 201)
        self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).body, data)
        answer = server.ask("GET", "/v1/shards/" + name, self.all, Range="bytes=5-99999")
        self.assertEqual((answer.status, answer.body), (206, data[5:100000]))
        self.assertEqual(self.put(server, name, data).status, 409)
        old = ssl.create_default_context(cafile=self.folder / "c.pem")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            old.wrap_socket(socket.create_connection(("127.0.0.1", server.port), WAIT),
                            server_hostname="127.0.0.1")
        # plain HTTP and noise on the TLS port
        for noise in (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", RNG.randbytes(5000)):
            with socket.create_connection(("127.0.0.1", server.port), WAIT) as plain:
                plain.sendall(noise)
                self.assertNotIn(b" 200 ", read_all(plain))
        self.assertEqual(server.ask("GET", "/healthz").status, 200)


if __name__ == "__main__":
    unittest.main()
