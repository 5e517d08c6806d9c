#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-storage: shards in and out, names, settings, joining, TLS."""

import http.client
import os
import pathlib
import signal
import socket
import ssl
import stat
import subprocess
import threading
import unittest

from own_address import own_address
from storage_server import (CLUSTER, RNG, STORAGE, WAIT, Case, Keys, Server, read_all, version_id,
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

    def test_ranges(self):
        server = self.serve()
        name, data = next(iter(self.shards(300000, unit=65536).items()))
        self.put(server, name, data)
        size = len(data)
        path = "/v1/shards/" + name
        client = self.client(server)
        cases = [(0, 0), (0, size - 1), (size - 1, size - 1), (128, 65663)]
        cases += [tuple(sorted(RNG.sample(range(size), 2))) for _ in range(100)]
        for first, last in cases:
            answer = server.ask("GET", path, self.all, client=client,
                                Range="bytes=%d-%d" % (first, last))
            self.assertEqual(answer.status, 206)
            self.assertEqual(answer.body, data[first:last + 1])
            self.assertEqual(answer.headers["Content-Range"],
                             "bytes %d-%d/%d" % (first, last, size))
        for text, first, last in (("bytes=5-", 5, size - 1),
                                  ("bytes=-5", size - 5, size - 1),
                                  ("bytes=-%d" % (size * 2), 0, size - 1),
                                  ("bytes=7-%d" % (size * 2), 7, size - 1)):
            answer = server.ask("GET", path, self.all, client=client, Range=text)
            self.assertEqual((answer.status, answer.body), (206, data[first:last + 1]))
        for text, status in (("bytes=%d-" % size, 416), ("bytes=-0", 416),
                             ("bytes=3-2", 400), ("bytes=x-", 400),
                             ("bytes=1-2x", 400), ("pages=1-2", 200)):
            answer = server.ask("GET", path, self.all, client=client, Range=text)
            self.assertEqual(answer.status, status, text)
            if status == 416:
                self.assertEqual(answer.headers["Content-Range"], "bytes */%d" % size)
        # If-Range: the shard is the one that was meant, or all of it is sent
        answer = server.ask("GET", path, self.all, Range="bytes=1-2",
                            If_Range='"%s"' % name)
        self.assertEqual(answer.status, 206)
        answer = server.ask("GET", path, self.all, Range="bytes=1-2", If_Range='"other"')
        self.assertEqual((answer.status, answer.body), (200, data))
        head = server.ask("HEAD", path, self.all, Range="bytes=1-2")
        self.assertEqual((head.status, head.headers["Content-Length"]), (206, "2"))

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
        for _ in range(30):
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
        for limit in (1, 7, 64, 10000):
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
        for query in ("limit=0", "limit=10001", "limit=x", "limit=-1", "after=x",
                      "after=..%2f..", "limit=1&limit=2"):
            self.assertEqual(server.ask("GET", "/v1/shards?" + query, self.all).status, 400)
        metrics = server.metrics()
        self.assertEqual(metrics["shards"], len(names))
        self.assertEqual(metrics["used_bytes"], sum(map(len, names.values())))
        # the count survives a restart
        server.stop()
        server.start()
        wait_for(lambda: server.metrics()["used_bytes"]
                 == sum(map(len, names.values())), "the count at the start")

    def test_what_is_no_shard(self):
        server = self.serve()
        name, data = next(iter(self.shards().items()))
        self.put(server, name, data)
        folder = server.data / "shards" / name[:2]
        secret = self.folder / "secret"
        secret.write_text("secret")
        link = name[:-1] + "9"
        (folder / link).symlink_to(secret)
        pipe = name[:-1] + "8"
        os.mkfifo(folder / pipe)
        for bad in (link, pipe):
            answer = server.ask("GET", "/v1/shards/" + bad, self.all)
            self.assertIn(answer.status, (404, 500))
            self.assertNotIn(b"secret", answer.body)
        for path in ("/v1/shards/", "/v1/shards/..", "/v1/shards/../../node.json",
                     "/v1/shards/%2e%2e%2fnode.json", "/v1/shards/" + name.upper(),
                     "/v1/shards/" + name + "/", "/v1/shards//" + name,
                     "/v1/shards/" + name + "0", "/v1/shards/" + name + ".0",
                     "/v1/shards/%30" + name[1:], "/", "/v1", "/v1/", "/v2/shards",
                     "/v1/shards/" + "a" * 5000):
            for method in ("GET", "PUT", "DELETE"):
                body = b"x" if method == "PUT" else None
                answer = server.ask(method, path, self.all, body)
                self.assertIn(answer.status, (404, 405), path)
        for method in ("POST", "PATCH", "OPTIONS"):
            answer = server.ask(method, "/v1/shards/" + name, self.all)
            self.assertEqual(answer.status, 405)
            self.assertEqual(answer.headers["Allow"], "GET, HEAD, PUT, DELETE")
        self.assertEqual(server.ask("PUT", "/healthz", None, b"x").status, 405)
        self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).body, data)

    def test_modes(self):
        server = self.serve()
        name, data = next(iter(self.shards().items()))
        self.put(server, name, data)
        for path in (server.data / "tmp", server.data / "shards",
                     server.data / "shards" / name[:2] / name):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)


class Tokens(Case):
    def test_coverage(self):
        server = self.serve(node=3)
        shards = self.shards()
        name, data = next(iter(shards.items()))
        version = name[:32]
        path = "/v1/shards/" + name
        asks = {"r": ("GET", path, 200), "w": ("PUT", path, 409),
                "l": ("GET", "/v1/shards", 200)}
        self.assertEqual(self.put(server, name, data).status, 201)
        for op, (method, target, good) in asks.items():
            body = data if method == "PUT" else None
            other = {"r": "w", "w": "r", "l": "rwd"}[op]
            scope = {} if op == "l" else {"ver": version}

            def status(keys=self.keys, **claims):
                claims = {**scope, "ops": op, **claims}
                return server.ask(method, target, keys.mint(**claims), body).status

            self.assertEqual(status(), good)
            self.assertEqual(status(nod=3), good)
            self.assertEqual(status(nod=4), 421)
            self.assertEqual(status(ops=other), 403)
            self.assertEqual(status(ver=version_id(5)), 403)
            if op != "l":
                self.assertEqual(status(shd=name), good)
                self.assertEqual(status(shd=list(shards)[1]), 403)
            self.assertEqual(status(expires=-1), 401)
            self.assertEqual(status(issued=600), 401)
            self.assertEqual(status(cid="f" * 32), 401)
            self.assertEqual(status(keys=Keys()), 401)
        # nothing is told without a token: not even whether a shard is there
        answer = server.ask("GET", path)
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
        self.assertEqual(server.ask("GET", "/v1/shards/" + list(shards)[1]).status, 401)
        # a list is of no one version
        token = self.keys.mint(ops="l", ver=version)
        self.assertEqual(server.ask("GET", "/v1/shards", token).status, 403)
        self.assertGreater(server.metrics()["token_refusals_total"], 20)

    def test_delete_needs_its_own(self):
        server = self.serve()
        name, data = next(iter(self.shards().items()))
        self.put(server, name, data)
        path = "/v1/shards/" + name
        self.assertEqual(server.ask("DELETE", path, self.keys.mint(ops="rwl")).status, 403)
        self.assertEqual(server.ask("DELETE", path, self.keys.mint(ops="d")).status, 204)

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
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
        client = self.client(server)
        for _ in range(3000):
            token = list(good)
            for _ in range(RNG.randint(1, 3)):
                place = RNG.randrange(len(token))
                how = RNG.randrange(3)
                if how == 0:
                    token[place] = RNG.choice(alphabet)
                elif how == 1:
                    del token[place]
                else:
                    token.insert(place, RNG.choice(alphabet))
            token = "".join(token)
            if token == good:
                continue
            answer = server.ask("GET", path, token, client=client)
            self.assertEqual(answer.status, 401, token)
        for token in (good[:-1], good[:20], "v4.public.", "v4.local." + good[10:],
                      good + "." + "x" * 10, good + "=", "x", "a" * 5000):
            self.assertEqual(server.ask("GET", path, token).status, 401, token)
        self.assertEqual(server.ask("GET", path, good).status, 200)
        for scheme in ("Basic ", "Bearer\t", "", "Bearer: "):
            answer = server.ask("GET", path, Authorization=scheme + good)
            self.assertEqual(answer.status, 401, scheme)
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
        key = self.folder / "key"
        key.write_text(self.keys.public)
        alone = ("--public-key=%s" % key, "--cluster=" + CLUSTER, "--node-id=1")
        data = "--data=%s" % (self.folder / "d")
        broken = self.folder / "broken.conf"
        broken.write_text("[storage]\nlissen=x\n")
        other = self.folder / "other.conf"
        other.write_text("[control]\nlisten=x\n")
        for arguments, code, text in (
                (["--nonsense"], 64, "nonsense"), (["x"], 64, "x"), ([], 78, "data"),
                ([data], 78, "join-token"),
                ([data, "--listen=nowhere", *alone], 69, "nowhere"),
                ([data, "--listen=192.0.2.1:0", *alone], 69, "does not have"),
                ([data, "--log-level=loud", *alone], 78, "loud"),
                ([data, "--min-free=lots", *alone], 78, "lots"),
                ([data, "--min-free=101%", *alone], 78, "101%"),
                ([data, "--network-limit=1X", *alone], 78, "1X"),
                ([data, "--max-connections=0", *alone], 78, "max-connections"),
                ([data, "--control=ftp://host", "--join-token=x"], 78, "control"),
                ([data, "--control=http://host/api", "--join-token=x"], 78, "path"),
                ([data, "--advertise=a..b", *alone], 78, "a..b"),
                ([data, "--control=http://h:1", *alone], 78, "public-key"),
                ([data, "--control=http://h:1", "--join-token=x"], 69, "advertise"),
                ([data, *alone[:2]], 78, "node-id"),
                ([data, alone[0], "--cluster=x", alone[2]], 78, "cluster"),
                ([data, "--public-key=%s" % broken, *alone[1:]], 78, "public-key"),
                ([data, "--tls-certificate=x", *alone], 78, "tls-key"),
                ([data, "--tls-certificate=%s" % key, "--tls-key=%s" % key, *alone], 69,
                 "certificate"),
                (["--config=%s" % broken], 78, "lissen"),
                (["--config=%s" % other], 78, "storage"),
                (["--config=/nonexistent"], 78, "nonexistent")):
            # the scrub of an empty folder may say so before the address is looked at
            found = self.run_storage(*arguments, "--scrub-period=0")
            self.assertEqual(found.returncode, code, (arguments, found.stderr))
            self.assertIn(text, found.stderr)
            self.assertTrue(found.stderr.startswith("pmss-storage: "), found.stderr)

    def test_key_file(self):
        (self.folder / "key").write_text(self.keys.public)
        config = self.folder / "storage.conf"
        config.write_text("[storage]\nlisten=127.0.0.1:0\ndata=%s\npublic-key=%s\n"
                          "cluster=%s\nnode-id=7\nmin-free=10 MiB\nnetwork-limit=1G\n"
                          "join-token=\nzone=\n"
                          % (self.folder / "d", self.folder / "key", CLUSTER))
        server = Server(self.folder, config=config)
        # the command line wins
        server.options = {"config": config, "node-id": 8}
        self.servers.append(server)
        server.start()
        self.assertEqual(server.ask("GET", "/healthz").json(), {"status": "ok", "node": 8})

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
