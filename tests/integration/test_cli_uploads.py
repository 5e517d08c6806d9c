#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss put: what it refuses, and uploads that break."""

import functools
import http.client
import http.server
import json
import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest
import urllib.parse
import urllib.request

import pmss_cli
from cli_case import MIB, CliCase
from tcp_relay import Relay


class Gateway(http.server.ThreadingHTTPServer):
    """Stands before the control server as a proxy does, and says 502 or 503 where it is told to."""

    daemon_threads = True

    def __init__(self, target):
        self.target = target
        self.refusals = []              # [method, part of the path, status, how often, whether the server gets the request]
        self.refused = []               # method and path of each
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), GatewayRequest)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def find_refusal(self, method, path):
        with self.lock:
            for refusal in self.refusals:
                if refusal[0] == method and refusal[1] in path and refusal[3] > 0:
                    refusal[3] -= 1
                    self.refused.append((method, path))
                    return refusal
        return None


class GatewayRequest(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        refusal = self.server.find_refusal(self.command, self.path)
        if refusal is None or refusal[4]:
            connection = http.client.HTTPConnection(*self.server.target, timeout=60)
            connection.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k != "Expect"})
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
        if refusal is not None:
            self.send_response(refusal[2])
            text = b"<html>try later</html>"
            self.send_header("Content-Type", "text/html")
        else:
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                if key not in ("Connection", "Date", "Server", "Content-Length", "Transfer-Encoding"):
                    self.send_header(key, value)
        if self.command != "HEAD" and (refusal is not None or answer.status != 204):
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = forward

    def log_message(self, *_):
        pass


class Uploads(CliCase):
    def test_put_refuses(self):
        self.pmss("put", self.path("missing"), "x", status=66)
        self.assertIn("--recursive", self.pmss("put", self.folder, "x", status=64).err)
        for redundancy in ("17+1", "9", "lots"):
            self.pmss("put", self.file, "x", "--redundancy", redundancy, status=64)
        self.pmss("put", self.file, "x", "--transfers", "0", status=64)

    def test_put_several(self):
        for name in ("one", "two"):
            self.path(name).write_bytes(name.encode())
        files = self.path("one"), self.path("missing"), self.path("two")
        self.assertIn("“several”", self.pmss("put", *files, "several", status=64).err)
        result = self.pmss("put", *files, "put several/", status=66)
        self.assertIn("missing", result.err)
        self.assertEqual(self.pmss("ls", "--names", "put several/").out.splitlines(),
                         ["put several/one", "put several/two"])

    def tree(self):
        root = self.path("tree")
        for name in ("a.txt", "b/c.txt", "b/d/e e.txt", "b/d/f"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(name.encode())
        (root / "b" / "link.txt").symlink_to("c.txt")
        (root / "b" / "loop").symlink_to("..")
        os.mkfifo(root / "b" / "pipe")
        return root, ["a.txt", "b/c.txt", "b/d/e e.txt", "b/d/f", "b/link.txt"]

    def test_put_folders(self):
        root, names = self.tree()
        result = self.pmss("put", "--recursive", root, "folders")
        for left_out in ("b/loop", "b/pipe"):
            self.assertIn(f"left out: {root}/{left_out} is not a regular file", result.err)
        self.assertIn("All 5 files are stored.", result.out)
        self.assertEqual(self.pmss("ls", "--names", "folders/").out.splitlines(), [f"folders/tree/{name}" for name in names])
        self.assertEqual(self.pmss("get", "folders/tree/b/d/f", "-").raw, b"b/d/f")
        # with a slash: what is in it
        self.pmss("put", "-R", f"{root}/", "contents/")
        self.assertEqual(self.pmss("ls", "--names", "contents/").out.splitlines(), [f"contents/{name}" for name in names])

    def test_put_folders_again(self):
        """What is there already is left alone, what is new is stored, and what differs is named."""
        root, names = self.tree()
        self.pmss("put", "-R", f"{root}/", "again/")
        (root / "new").write_bytes(b"new")
        (root / "a.txt").write_bytes(b"other content")
        result = self.pmss("put", "-R", "--json", f"{root}/", "again/", status=73)
        puts = {put["name"]: put for put in result.json["put"]}
        self.assertEqual(list(puts), [f"again/{name}" for name in sorted(names + ["new"])])
        self.assertEqual([put["there_already"] for put in puts.values()], [False] + [True] * 4 + [False])
        self.assertEqual(puts["again/new"]["medium"]["state"], "ready")
        self.assertIsNone(puts["again/new"]["error"])
        self.assertEqual(puts["again/a.txt"]["error"]["exit"], 73)
        self.assertIn("again/a.txt", json.loads(result.err.splitlines()[-1])["error"]["message"])

    def test_put_one_name_twice(self):
        for folder in ("one", "two"):
            (self.path(folder)).mkdir()
            (self.path(folder) / "same").write_bytes(folder.encode())
        self.assertIn("would both be called “twice/same”",
                      self.pmss("put", self.path("one") / "same", self.path("two") / "same", "twice/", status=64).err)

    def test_put_several_at_once(self):
        """As many uploads as are asked for are on their way before the first one ends."""
        files = []
        for i in range(6):
            files.append(self.path(f"file{i}"))
            files[i].write_bytes(b"x")
        gateway, env = self.gateway()
        barrier = threading.Barrier(3)
        find_refusal = gateway.find_refusal

        def meet(method, path):
            if method == "PATCH":
                barrier.wait(60)
            return find_refusal(method, path)
        gateway.find_refusal = meet
        result = self.pmss("put", "--transfers", "3", *files, "at once/", env=env)
        self.assertIn("All 6 files are stored.", result.out)
        self.assertFalse(barrier.broken)

    def test_put_stops_where_all_would_fail(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            env = {"PMSS_URL": f"http://127.0.0.1:{nobody.getsockname()[1]}", "PMSS_TOKEN": "x"}
            files = [self.path(f"file{i}") for i in range(40)]
            for file in files:
                file.write_bytes(b"x")
            result = self.pmss("put", "--transfers", "2", *files, "nowhere/", env=env, status=69)
        failed, untried = map(int, re.search(r"0 of 40 files are stored, (\d+) failed, (\d+) were not tried", result.err).groups())
        self.assertEqual(failed + untried, 40)
        # how many are on their way when the first fails is a matter of speed
        self.assertGreater(untried, 10)

    def test_put_standard_input(self):
        data = self.data[:3 * MIB + 5]
        self.assertIn("SHA-256 as the file's", self.pmss("put", "-", "input/piped", stdin=data).out)
        self.assertEqual(self.pmss("get", "input/piped", "-").raw, data)
        # a file is read where it is
        with open(self.file, "rb") as file:
            subprocess.run([str(pmss_cli.PMSS), "put", "-", "input/file"], stdin=file, env=self.env, check=True,
                           stdout=subprocess.DEVNULL, timeout=pmss_cli.COMMAND_TIMEOUT)
        self.assertEqual(self.pmss("get", "input/file", "-").raw, self.data)
        for arguments in (["-"], ["-", "input/"], ["-", self.file, "input/"]):
            self.assertIn("put - films", self.pmss("put", *arguments, status=64).err)
        self.assertIn("TMPDIR", self.pmss("put", "-", "input/nowhere", stdin=b"x", env={"TMPDIR": "/nowhere"}, status=66).err)

    def test_put_that_cannot_be_striped(self):
        small = self.path("small")
        small.write_bytes(b"small")
        self.assertRegex(self.pmss("put", small, "too wide", "--redundancy", "7+2", status=69).err,
                         "needs 9 storage servers, and 6 have joined")
        self.pmss("info", "too wide", status=66)

    def test_put_waits_for_a_storage_server(self):
        """It says what for, once, as others do who look; when the server is back it goes on by itself."""
        small = self.path("small")
        small.write_bytes(b"small")
        self.pmss("local", "stop-node", "0", "--dir", self.cluster_dir)
        self.addCleanup(self.pmss, "local", "start-node", "0", "--dir", self.cluster_dir)
        with subprocess.Popen([str(pmss_cli.PMSS), "put", small, "too few", "--redundancy", "4+2"], env=self.env, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as put:
            try:
                lines = iter(put.stderr.readline, "")
                self.assertRegex(next((line for line in lines if " waits" in line), "nothing"),
                                 "goes on by itself: .*6 storage servers.*is down")
                job = self.pmss("info", "too few", "--json").json["job"]
                self.assertRegex(self.pmss("info", "too few").out, "Job waits for.*6 storage servers")
                listing = self.pmss("job", "ls", "--state", "waiting").out.splitlines()
                self.assertLessEqual(max(map(len, listing[:listing.index("")])), 80)
                self.assertTrue(any(line.startswith(f"Job {job} waiting: ") for line in listing))
                self.pmss("local", "start-node", "0", "--dir", self.cluster_dir)
                self.assertFalse([line for line in lines if " waits" in line])
                self.assertEqual(put.wait(pmss_cli.COMMAND_TIMEOUT), 0)
            finally:
                put.kill()
        self.pmss("rm", "too few")

    def test_put_of_a_name_that_is_taken_hashes_nothing(self):
        """The answer is there at once, however large the file is: to hash it all would take many seconds of CPU."""
        large = self.path("large")
        with open(large, "wb") as file:
            file.truncate(6 << 30)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertIn("already", self.pmss("put", large, "shared/data.bin", status=73).err)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertLess(after.ru_utime - before.ru_utime, 3)

    # uploads that break

    def relay(self, limit, **options):
        host, port = self.url.removeprefix("http://").split(":")
        relay = Relay((host, int(port)), limit, **options)
        self.addCleanup(relay.close)
        return relay, {"PMSS_URL": f"http://127.0.0.1:{relay.port}", "PMSS_TOKEN": self.cluster["token"]}

    def test_broken_upload_goes_on_by_itself(self):
        relay, env = self.relay(2 * MIB)
        self.pmss("put", self.file, "broken/once.bin", env=env)
        self.assertTrue(relay.cut)
        self.assertEqual(self.pmss("get", "broken/once.bin", "-").raw, self.data)

    def upload_path(self):
        """Of the only upload that is not done yet."""
        kept, = (self.folder / "home/.local/state/pmss/uploads").iterdir()
        return urllib.parse.urlsplit(kept.read_text().strip()).path

    def wait_for_upload(self, server, more_than=0):
        """Until the control server says that it has more than so much of that upload; returns how much."""
        path = self.upload_path()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            request = urllib.request.Request(f"http://{server[0]}:{server[1]}{path}", method="HEAD", headers={
                "Authorization": f"Bearer {self.cluster['token']}", "Tus-Resumable": "1.0.0"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                offset = int(answer.headers["Upload-Offset"])
                if offset > more_than:
                    return offset
            time.sleep(0.02)
        self.fail("nothing of the upload arrived")

    def test_broken_upload_goes_on_in_another_run(self):
        relay, env = self.relay(3 * MIB, then_refuse=True)
        first = subprocess.Popen([pmss_cli.PMSS, "put", self.file, "broken/twice.bin"], env=dict(self.env, **env),
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertTrue(relay.has_cut.wait(60))
        self.wait_for_upload(relay.target)
        # It tries again and again now, until its user has had enough.
        first.send_signal(signal.SIGINT)
        self.assertIn(b"the same command goes on", first.communicate(timeout=60)[0])
        self.assertEqual(first.returncode, 130)
        relay.then_refuse = False
        self.assertIn("Going on with an earlier upload", self.pmss("put", self.file, "broken/twice.bin", env=env).out)
        self.assertEqual(self.pmss("get", "broken/twice.bin", "-").raw, self.data)

    def test_offset_that_is_told_too_late(self):
        """What the server says that it has is less than what it has a moment later, when it has taken in what a broken
        connection brought: the upload goes on from there."""
        relay, env = self.relay(3 * MIB, then_refuse=True)
        first = subprocess.Popen([pmss_cli.PMSS, "put", self.file, "broken/late.bin"], env=dict(self.env, **env),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertTrue(relay.has_cut.wait(60))
        first.send_signal(signal.SIGINT)
        first.wait(60)
        relay.then_refuse = False
        have = self.wait_for_upload(relay.target)
        old = socket.create_connection(relay.target)
        old.sendall(f"PATCH {self.upload_path()} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.cluster['token']}\r\n"
                    f"Tus-Resumable: 1.0.0\r\nUpload-Offset: {have}\r\nContent-Length: {len(self.data) - have}\r\n"
                    "Content-Type: application/offset+octet-stream\r\n\r\n".encode() + self.data[have:have + 1000])

        def end_old():
            old.close()
            self.wait_for_upload(relay.target, have)

        relay.before_answer = end_old
        self.assertIn("Going on with an earlier upload", self.pmss("put", self.file, "broken/late.bin", env=env).out)
        self.assertIsNone(relay.before_answer)
        self.assertEqual(self.pmss("get", "broken/late.bin", "-").raw, self.data)

    # a proxy in front

    def gateway(self, *refusals):
        host, port = self.url.removeprefix("http://").split(":")
        gateway = Gateway((host, int(port)))
        self.addCleanup(gateway.server_close)
        self.addCleanup(gateway.shutdown)
        gateway.refusals = [list(refusal) for refusal in refusals]
        return gateway, {"PMSS_URL": f"http://127.0.0.1:{gateway.server_port}", "PMSS_TOKEN": self.cluster["token"]}

    def test_proxy_that_says_later(self):
        """... to any request, whether the server got it or not: put asks again, and gets there."""
        for n, (name, reaches) in enumerate((("not passed on", False), ("passed on", True))):
            refusals = [("POST", "/uploads", 502, 2, reaches), ("PATCH", "/uploads", 503, 1, False), ("HEAD", "/uploads", 502, 2, reaches),
                        ("GET", "/jobs/", 502, 1, reaches), ("GET", "/jobs/", 503, 2, reaches), ("GET", "/media/", 502, 2, reaches)]
            gateway, env = self.gateway(*refusals)
            result = self.pmss("put", self.file, f"later/{name}", env=env)
            self.assertNotIn("not striped", result.out + result.err)
            self.assertEqual([refusal[3] for refusal in gateway.refusals], [0] * len(refusals))
            self.assertEqual(self.pmss("get", f"later/{name}", "-").raw, self.data)

    def test_last_answer_is_lost(self):
        """The upload is whole, and the proxy says 502: the catalog tells that it is there."""
        gateway, env = self.gateway(("PATCH", "/uploads", 502, 1, True))
        self.pmss("put", self.file, "later/last", env=env)
        self.assertEqual(len(gateway.refused), 1)
        self.assertEqual(self.pmss("get", "later/last", "-").raw, self.data)

    def test_what_cannot_be_asked_goes_on(self):
        """No word about the job is no word that it failed."""
        _, env = self.gateway(("GET", "/jobs/", 403, 1, False))
        error = self.pmss("put", self.file, "later/unknown", env=env, status=77).err
        self.assertNotIn("not striped", error)
        self.assertRegex(error, r"goes on being striped, 'pmss job watch \d+' shows it")

    # files that change

    def test_file_that_changes(self):
        """Nothing becomes of it: neither a cut medium nor a name that is taken."""
        size = 24 * MIB

        def grow(file):
            with open(file, "ab") as more:
                more.write(b"more")

        def overwrite(file):
            with open(file, "r+b") as same:
                same.write(b"other")

        def replace(file):
            other = file.with_suffix(".other")
            other.write_bytes(bytes(size))
            os.replace(other, file)

        for change, *options in ((grow,), (lambda file: os.truncate(file, size // 2), "--no-wait"), (overwrite,),
                                 (replace, "--no-wait"), (os.unlink,)):
            file = self.path("changing")
            file.write_bytes(bytes(size))
            relay, env = self.relay(4 * MIB, at_limit=functools.partial(change, file))
            result = self.pmss("put", file, "changing", *options, env=env, status=69)
            self.assertTrue(relay.has_cut.is_set())
            self.assertIn("was changed or replaced while it was sent", result.err)
            self.pmss("info", "changing", status=66)
            relay.close()
        self.pmss("put", self.file, "changing")
        self.assertEqual(self.pmss("get", "changing", "-").raw, self.data)

    def test_name_of_an_unfinished_upload(self):
        """It is told whose; its owner's next file takes the name, from whichever machine."""
        relay, env = self.relay(3 * MIB, then_refuse=True)
        first = subprocess.Popen([pmss_cli.PMSS, "put", self.file, "unfinished"], env=dict(self.env, **env),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertTrue(relay.has_cut.wait(60))
        self.wait_for_upload(relay.target)
        first.send_signal(signal.SIGINT)
        first.wait(60)
        self.pmss("user", "add", "other", "--role", "operator", stdin=b"other password\n")
        env = {"HOME": str(self.path("home"))}
        self.pmss("login", self.url, "--user", "other", stdin=b"other password\n", env=env)
        error = self.pmss("put", self.file, "unfinished", env=env, status=73).err
        self.assertIn("unfinished upload of user “admin”", error)
        other = self.path("other")
        other.write_bytes(b"another file")
        self.pmss("put", other, "unfinished", env={"XDG_STATE_HOME": str(self.path("state"))})
        self.assertEqual(self.pmss("get", "unfinished", "-").raw, b"another file")
        self.pmss("user", "rm", "other")
        # what the first one was to go on with
        for kept in (self.folder / "home/.local/state/pmss/uploads").iterdir():
            kept.unlink()


if __name__ == "__main__":
    unittest.main()
