#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line against a cluster of real servers."""

import hashlib
import http.server
import json
import os
import re
import socket
import subprocess
import threading
import unittest

import pmss_cli
from cli_case import MIB, CliCase


class Cli(CliCase):
    def test_login(self):
        secret = self.path("secret")
        secret.write_text(self.cluster["password"] + "\n")
        env = {"HOME": str(self.path("home"))}
        answer = self.pmss("login", self.url.removeprefix("http://"), "--user", "admin", "--password-file", secret,
                           "--json", env=env).json
        self.assertEqual((answer["url"], answer["user"]), (self.url, "admin"))
        stored = self.path("home") / ".config/pmss/credentials"
        self.assertEqual(stored.stat().st_mode & 0o777, 0o600)
        self.assertNotIn(self.cluster["password"], stored.read_text())
        self.pmss("ls", env=env)
        self.pmss("logout", env=env)
        self.assertIn("No control server is known", self.pmss("ls", env=env, status=64).err)
        self.assertIn("pmss login", self.pmss("ls", "--server", self.url, env=env, status=77).err)

    def test_wrong_login(self):
        env = {"HOME": str(self.path("home"))}
        error = self.pmss("login", self.url, "--user", "admin", stdin=b"wrong password\n", env=env, status=77).err
        self.assertIn("Wrong user or password", error)
        self.assertEqual(len(error.splitlines()), 1, "advice to log in is none here")
        self.pmss("login", self.url, "--user", "admin", stdin=b"", env=env, status=65)
        self.pmss("login", self.url, stdin=b"x\n", env=env, status=64)
        self.pmss("login", "ftp://nowhere", "--user", "a", stdin=b"x\n", env=env, status=65)
        self.pmss("ls", env=dict(env, PMSS_URL=self.url, PMSS_TOKEN="forged"), status=77)

    def test_login_that_has_expired(self):
        """The address stays known, and the server judges: the clock here may be wrong."""
        env = {"HOME": str(self.path("home"))}
        self.pmss("login", self.url, "--user", "admin", stdin=self.cluster["password"].encode() + b"\n", env=env)
        stored = self.path("home") / ".config/pmss/credentials"
        text = stored.read_text()
        stored.write_text(re.sub(r"expires=.*", "expires=2020-01-01T00:00:00Z", text))
        self.pmss("ls", env=env)
        stored.write_text(re.sub(r"token=.*", "token=expired", stored.read_text()))
        self.assertIn(f"pmss login {self.url}", self.pmss("ls", env=env, status=77).err)
        self.assertIn(self.url.removeprefix("http://"),
                      self.pmss("login", "--user", "admin", stdin=b"wrong\n", env=env, status=77).err)
        self.assertIn(self.url, self.pmss("logout", env=env).out)

    def test_urls(self):
        env = {"HOME": str(self.path("home")), "PMSS_TOKEN": self.cluster["token"]}
        port = self.url.rpartition(":")[2]
        for text in (f"localhost.:{port}", f"http://LOCALHOST:{port}/", f"pmss://127.0.0.1:{port}", f"127.0.0.1:{port}"):
            self.pmss("ls", "--server", text, env=env)
        for text, uri in ((f"http://localhost.:{port}", f"pmss://localhost:{port}/x"), ("https://host", "pmsss://host:443/x"),
                          ("http://host", "pmss://host:80/x"), ("host", "pmss://host:8470/x"), ("::1", "pmss://[::1]:8470/x")):
            self.assertEqual(self.pmss("play", "--print-uri", "x", env=dict(env, PMSS_URL=text)).out.strip(), uri)
        for text, why in (("http://host/api", "path"), ("http://ann:secret@host", "user or password"), ("http://a..b", "host")):
            error = self.pmss("play", "--print-uri", "x", env=dict(env, PMSS_URL=text), status=65).err
            self.assertIn(why, error)
            self.assertNotIn("secret", error)

    def test_locales(self):
        """What is typed is taken as it is, whatever the locale says."""
        folder = self.path("ä")
        folder.mkdir()
        file = folder / "Größe.bin"
        file.write_bytes(b"x" * 1000)
        for n, locale in enumerate(("C", "C.UTF-8", "")):
            env = {"LC_ALL": locale}
            self.pmss("put", file, f"locales/Größe {n}", "--title", "Amélie", env=env)
            self.assertEqual(self.pmss("info", f"locales/Größe {n}", "--json", env=env).json["title"], "Amélie")
            self.pmss("get", f"locales/Größe {n}", folder / "Übung", "--force", env=env)
            self.assertEqual((folder / "Übung").read_bytes(), file.read_bytes())
        error = self.pmss("put", file, "locales/x", "--title", os.fsdecode(b"Am\xe9lie"), status=64).err
        self.assertIn("--title is not UTF-8", error)

    def test_long_names(self):
        for name in ("n" * 255, "n" * 244, "ü" * 127, "a" + "ü" * 127):
            self.pmss("put", self.file, f"long/{name}")
            folder = self.path(str(len(name)))
            folder.mkdir()
            self.pmss("get", f"long/{name}", folder)
            self.assertEqual(os.listdir(folder), [name])
            self.assertEqual((folder / name).read_bytes(), self.data)

    def test_environment(self):
        self.pmss("ls", env=dict(self.cluster["env"], HOME=str(self.path("home"))))

    def test_unreachable(self):
        # nobody listens there, and nobody else can
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        error = self.pmss("ls", "--server", f"127.0.0.1:{port}", env={"PMSS_TOKEN": "x"}, status=69).err
        self.assertIn(f"127.0.0.1:{port}", error)
        self.assertIn("Check that the server runs", error)

    # media

    def test_put_get(self):
        name = "put/a name with 'quotes', %41 and ü.bin"
        stored = self.pmss("put", self.file, name, "--title", "A title", "--json").json
        self.assertEqual(stored["state"], "ready")
        self.assertEqual(stored["sha256"], hashlib.sha256(self.data).hexdigest())
        self.assertEqual(stored["title"], "A title")
        copy = self.path("copy")
        self.pmss("get", name, copy)
        self.assertEqual(copy.read_bytes(), self.data)
        self.assertEqual(self.pmss("get", name, "-").raw, self.data)
        self.assertEqual(os.listdir(copy.parent), ["copy"])
        # the same once more, as after an end that was lost; and another file of the same length
        self.assertIn("there already", self.pmss("put", self.file, name).out)
        self.assertEqual(self.pmss("put", self.file, name, "--json").json["sha256"], stored["sha256"])
        other = self.path("other")
        other.write_bytes(self.data[:-1] + bytes([self.data[-1] ^ 1]))
        self.assertIn(name, self.pmss("put", other, name, status=73).err)
        self.assertIn(name, self.pmss("put", self.file, name, "--no-wait", status=73).err)

    def test_sizes(self):
        for size in (0, 1, 65536, 65537, 4 * 65536, MIB, MIB + 1):
            with self.subTest(size=size):
                file = self.path(f"{size}.bin")
                file.write_bytes(self.data[:size])
                self.pmss("put", file, "sizes/", "--redundancy", "2+1")
                self.assertEqual(self.pmss("get", f"sizes/{size}.bin", "-").raw, self.data[:size])

    def test_get_targets(self):
        folder = self.path("folder")
        folder.mkdir()
        self.pmss("get", "shared/data.bin", folder)
        copy = folder / "data.bin"
        self.assertEqual(copy.read_bytes(), self.data)
        self.assertIn("--force", self.pmss("get", "shared/data.bin", copy, status=73).err)
        copy.write_bytes(b"old")
        self.pmss("get", "--force", "shared/data.bin", copy)
        self.assertEqual(copy.read_bytes(), self.data)
        self.pmss("get", "shared/nothing", self.path("nothing"), status=66)
        self.pmss("get", "shared/data.bin", self.path("no") / "such" / "folder", status=66)
        self.assertEqual(sorted(os.listdir(self.path("x").parent)), ["folder"])

    def test_stats(self):
        result = self.pmss("get", "shared/data.bin", "/dev/null", "--json").json
        self.assertTrue(result["verified"])
        # The last answers may still be on their way to the counters.
        self.assertGreater(result["stats"]["bytes"], len(self.data) // 2)
        nodes = result["stats"]["nodes"]
        self.assertEqual({node["node"] for node in nodes}, {node["id"] for node in self.cluster["nodes"]})
        text = self.pmss("get", "--stats", "shared/data.bin", "/dev/null").out
        self.assertIn(f"127.0.0.1:{self.cluster['nodes'][0]['port']}", text)

    def test_ls_info_rm(self):
        small = self.path("small")
        small.write_bytes(b"small")
        for i in range(3):
            self.pmss("put", small, f"list/{i}")
        listed = self.pmss("ls", "list/", "--json").json["media"]
        self.assertEqual([medium["name"] for medium in listed], ["list/0", "list/1", "list/2"])
        self.assertEqual(self.pmss("ls", "--names", "list/").out.split(), ["list/0", "list/1", "list/2"])
        table = self.pmss("ls", "list/").out.splitlines()
        self.assertEqual(len(table), 4)
        self.assertTrue(table[0].startswith("NAME"))
        self.assertEqual(len({line.index("B  ") for line in table[1:]}), 1, "the columns are aligned")
        self.assertIn(hashlib.sha256(b"small").hexdigest(), self.pmss("info", "list/1").out)
        for names, status in ((["list/1", "list/2"], 0), (["list/1", "list/none"], 66)):
            result = self.pmss("info", "--json", *names, status=status)
            self.assertEqual([medium["name"] for medium in result.json["media"]], [name for name in names if "none" not in name])
        self.assertEqual(self.pmss("info", "list/0", "list/1").out.count("SHA-256"), 2)
        self.pmss("rm", "--yes", "list/0", "list/1")
        self.assertEqual(self.pmss("ls", "--names", "list/").out.split(), ["list/2"])
        self.pmss("rm", "list/0", status=66)
        self.pmss("info", "list/0", status=66)
        self.assertIn("“no such prefix”", self.pmss("ls", "no such prefix").out)

    def test_one_that_fails_keeps_no_other(self):
        small = self.path("small")
        small.write_bytes(b"small")
        self.pmss("put", small, "several/1")
        self.pmss("put", small, "several/2")
        result = self.pmss("verify", "several/1", "several/none", "several/2", "several/nor this", status=66)
        self.assertEqual(len(result.out.splitlines()), 2)
        self.assertEqual(result.err.count("There is no medium called"), 2)
        listed = self.pmss("verify", "--json", "several/none", "several/2", status=66).json["verified"]
        self.assertEqual([entry["state"] for entry in listed], [None, "whole"])
        self.pmss("rm", "--yes", "several/1", "several/none", "several/2", status=66)
        self.assertEqual(self.pmss("ls", "--names", "several/").out, "")

    def test_artwork(self):
        film, text = self.path("film.webm"), self.path("text")
        subprocess.run(["gst-launch-1.0", "-q", *("videotestsrc num-buffers=60 ! video/x-raw,width=320,height=180,framerate=10/1 ! "
                       "vp8enc keyframe-max-dist=10 ! webmmux ! filesink location=%s" % film).split()], check=True, timeout=60)
        text.write_text("no pictures\n", encoding="ascii")
        self.pmss("put", film, "art/film")
        self.pmss("put", text, "art/text")
        # those that the upload began may be under way: then these are waited for
        self.assertEqual(self.pmss("artwork", "art/film").out, "art/film: a poster, small pictures along the time\n")
        result = self.pmss("artwork", "art/text")
        self.assertEqual(result.out, "art/text: nothing to show\n")
        self.assertIn("warning: It has no picture", result.err)
        before = self.pmss("info", "--json", "art/film").json["artwork"]
        shown = self.pmss("artwork", "--json", "art/film", "art/none", status=66)
        self.assertEqual([entry["artwork"] is not None for entry in shown.json["artwork"]], [True, False])
        self.assertIn("no medium called", shown.json["artwork"][1]["error"])
        self.assertNotEqual(shown.json["artwork"][0]["artwork"]["version"], before["version"])
        # those without pictures and sound are in neither
        for option, names in (("--all", ["art/film"]), ("--missing", [])):
            shown = self.pmss("artwork", option, "--json").json["artwork"]
            self.assertEqual([entry["name"] for entry in shown if entry["name"].startswith("art/")], names)
        for wrong in ([], ["--all", "art/film"], ["--all", "--missing"]):
            self.pmss("artwork", *wrong, status=64)
        self.pmss("rm", "--yes", "art/film", "art/text")

    def test_mv(self):
        small = self.path("small")
        small.write_bytes(b"small")
        self.pmss("put", small, "mv/1")
        self.pmss("put", small, "mv/2")
        self.assertEqual(self.pmss("mv", "mv/1", "mv/a b").out, "mv/1 is mv/a b now.\n")
        self.assertEqual(self.pmss("get", "mv/a b", "-").raw, b"small")
        self.assertIn("already", self.pmss("mv", "mv/a b", "mv/2", status=73).err)
        moved = self.pmss("mv", "--json", "mv/a b", "mv/2", "mv/deeper/").json["media"]
        self.assertEqual([medium["name"] for medium in moved], ["mv/deeper/a b", "mv/deeper/2"])
        self.assertEqual(self.pmss("ls", "--names", "mv/").out.splitlines(), ["mv/deeper/2", "mv/deeper/a b"])
        self.assertIn("mv/deeper/2", self.pmss("job", "ls").out)
        self.pmss("mv", "mv/1", "x", status=66)
        self.pmss("mv", "mv/deeper/2", "../x", status=65)
        self.pmss("mv", "a", "b", "c", status=64)

    def test_mv_while_it_is_read(self):
        """A stream holds the medium, not its name."""
        self.pmss("put", self.file, "moving")
        read, write = os.pipe()
        with subprocess.Popen([pmss_cli.PMSS, "get", "moving", "-"], env=self.env, stdout=write) as get:
            os.close(write)
            with os.fdopen(read, "rb") as pipe:
                data = pipe.read(1)
                self.pmss("mv", "moving", "moved")
                data += pipe.read()
            self.assertEqual(get.wait(60), 0)
        self.assertEqual(data, self.data)

    def test_status(self):
        # a machine that is busy may have something to be done
        result = self.pmss("status", "--json", status=None)
        overview = result.json
        self.assertEqual(overview["nodes"], {"total": 6, "up": 6, "suspect": 0, "down": 0})
        self.assertEqual(overview["health"]["state"], {0: "ok", 1: "attention"}[result.status])
        self.assertEqual(overview["health"]["state"] == "ok", not overview["health"]["items"])
        self.assertTrue(self.pmss("status", status=None).out.startswith("All 6 storage servers are up"))
        self.pmss("local", "stop-node", "5", "--dir", self.cluster_dir)
        self.addCleanup(self.pmss, "local", "start-node", "5", "--dir", self.cluster_dir)
        node = self.cluster["nodes"][5]["id"]
        while (overview := self.pmss("status", "--json", status=None).json)["nodes"]["down"] == 0:
            pass
        self.assertEqual(overview["health"]["state"], "attention")
        said = self.pmss("status", status=1).out
        self.assertRegex(said, "^1 of 6 storage servers is down, .* something to do")
        self.assertRegex(said, f"Storage server {node} is down.*\n.*pmss node repair {node}")
        self.assertIn("needs 6 storage servers, and 5 are up", said)

    def test_hostile_names(self):
        small = self.path("small")
        small.write_bytes(b"x")
        self.assertIn("\\x1b", self.pmss("put", small, "evil/\x1b[31m", status=65).err)
        for name in ("../up", "/absolute", "a//b", "a/../b", "a\nb", "back\\slash"):
            self.pmss("put", small, name, status=65)
            self.pmss("info", name, status=65)
        self.assertIn("U+202E", self.pmss("put", small, "evil/\u202etxt.exe", status=65).err)

    def test_hostile_server(self):
        """Whatever a server says, no character of it moves the cursor or hides."""
        text = "a\x1b[31m\u202eb\u200bc"
        medium = dict.fromkeys(("name", "title", "state", "sha256", "content_type", "container", "redundancy", "created"), text)
        medium.update(size=5, job=1, streams=[dict.fromkeys(("type", "codec"), text)], health={"state": text})
        job = dict.fromkeys(("type", "state", "phase", "medium", "error", "waiting_for", "warning", "user", "created"), text)
        node = dict.fromkeys(("address", "zone", "state", "since", "reason", "warning"), text)
        answers = {
            "/media": {"media": [medium], "next": None}, "/media/x": medium, "/jobs": {"jobs": [dict(job, id=1)], "next": None},
            "/jobs/1": dict(job, id=1), "/nodes": {"nodes": [dict(node, id=1, port=1, bad_shards=1, held_shards=1)]},
            "/sessions": {"sessions": [dict.fromkeys(("id", "user", "created", "medium"), text)]},
            "/users": {"users": [dict.fromkeys(("name", "role", "created"), text)]}, "/cluster": {"defaults": {"redundancy": text}},
            "/overview": {"health": {"sentence": text, "items": [dict.fromkeys(("kind", "subject", "text", "advice"), text),
                                                                 {"kind": "node-down", "subject": text, "text": text, "action": {}}]}},
        }

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = answers.get(self.path.removeprefix("/api/v1").partition("?")[0])
                body = json.dumps(found or {"detail": text}, ensure_ascii=False).encode()
                self.send_response(200 if found else 400)
                self.send_header("Content-Type", "application/json" if found else "application/problem+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_DELETE = do_GET

            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = {"PMSS_URL": f"http://127.0.0.1:{server.server_port}", "PMSS_TOKEN": "x"}
        for command, status in ((["ls"], 0), (["ls", "--names"], 0), (["info", "x"], 0), (["job", "ls"], 0), (["node", "ls"], 0),
                                (["session", "ls"], 0), (["user", "ls"], 0), (["status"], 1), (["top"], 0), (["info", "y"], 65), (["rm", "y"], 65),
                                (["mv", "y", "z"], 65), (["verify", "y"], 65), (["put", self.file, "y"], 65)):
            with self.subTest(command):
                result = self.pmss(*command, env=env, status=status)
                self.assertNotRegex(result.out + result.err, "[\x1b\u202e\u200b]")
                # libpmss has taken them out of errors already
                self.assertRegex(result.out + result.err, r"\\u202eb\\u200bc" if status < 64 else r"\[31mbc")

    def test_get_here(self):
        folder = self.path("here")
        folder.mkdir()
        process = subprocess.run([pmss_cli.PMSS, "get", "shared/data.bin"], env=self.env, cwd=folder, timeout=120,
                                 capture_output=True, check=True)
        self.assertTrue(process.stdout.startswith(b"data.bin: "))
        self.assertEqual((folder / "data.bin").read_bytes(), self.data)

    # playing

    def test_play_uri(self):
        uri = self.pmss("play", "--print-uri", "a b/ü.webm").out.strip()
        self.assertEqual(uri, self.url.replace("http:", "pmss:") + "/a%20b/%C3%BC.webm")

    def test_play_save(self):
        copy = self.path("copy")
        result = self.pmss("play", "--save", copy, "--stats", "--json", "shared/data.bin").json
        self.assertEqual(copy.read_bytes(), self.data)
        self.assertGreater(result["stats"]["bytes"], len(self.data) // 2)
        self.assertEqual(len(result["stats"]["nodes"]), 6)
        self.pmss("play", "--save", copy, "shared/nothing", status=66)

    def test_play_discard(self):
        film = self.path("film.webm")
        made = subprocess.run(
            ["gst-launch-1.0", "-q", "videotestsrc", "num-buffers=50", "!", "vp8enc", "deadline=1", "!", "webmmux", "!",
             "filesink", f"location={film}"], capture_output=True, timeout=120, check=False)
        if made.returncode != 0:
            self.skipTest("GStreamer's vp8enc or webmmux is not installed")
        self.pmss("put", film, "film.webm")
        self.assertIn("VP8", self.pmss("info", "film.webm").out)
        self.assertIn("Played to the end", self.pmss("play", "--discard", "film.webm").out)

    def test_play_player(self):
        player = self.path("player")
        player.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
        player.chmod(0o755)
        out = self.pmss("play", "--player", player, "shared/data.bin", "--", "--volume=0").out.split()
        self.assertEqual(out, ["--volume=0", self.url.replace("http:", "pmss:") + "/shared/data.bin"])
        self.assertIn("cannot be started", self.pmss("play", "--player", "/nonexistent", "shared/data.bin", status=66).err)
        # Known before a player is started, which would tell it in its own way and end with 0.
        self.assertIn("no medium called “x”", self.pmss("play", "--player", player, "x", status=66).err)

    # administration

    def test_users_and_roles(self):
        self.pmss("user", "add", "vera", "--json", stdin=b"vera's password\n")
        self.pmss("user", "add", "vera", stdin=b"vera's password\n", status=73)
        self.assertIn("viewer", [line for line in self.pmss("user", "ls").out.splitlines() if "vera" in line][0])
        env = {"HOME": str(self.path("home"))}
        self.pmss("login", self.url, "--user", "vera", stdin=b"vera's password\n", env=env)
        self.pmss("ls", env=env)
        self.assertEqual(self.pmss("get", "shared/data.bin", "-", env=env).raw, self.data)
        self.assertIn("role", self.pmss("put", self.file, "forbidden", env=env, status=77).err)
        self.pmss("user", "ls", env=env, status=77)
        self.assertEqual(self.pmss("user", "set", "vera", "--role", "admin", "--json").json["role"], "admin")
        self.pmss("user", "ls", env=env)
        self.assertIn("vera is a viewer now", self.pmss("user", "set", "vera", "--role=viewer").out)
        self.assertIn("--role", self.pmss("user", "set", "vera", status=64).err)
        self.assertIn("root", self.pmss("user", "set", "vera", "--role", "root", status=64).err)
        self.assertIn("last administrator", self.pmss("user", "set", "admin", "--role", "viewer", status=None).err)
        self.pmss("user", "set", "nobody", "--role", "viewer", status=66)
        old, new = self.path("old"), self.path("new")
        old.write_text("vera's password\n")
        new.write_text("another password\n")
        self.pmss("user", "passwd", "vera", "--password-file", new, "--old-password-file", new, env=env, status=77)
        for own in ([], ["vera"]):
            self.assertIn("--old-password-file",
                          self.pmss("user", "passwd", *own, "--password-file", new, env=env, status=64).err)
        self.pmss("user", "passwd", "--password-file", new, "--old-password-file", old, env=env)
        self.pmss("login", self.url, "--user", "vera", "--password-file", new, env=env)
        self.pmss("user", "passwd", "vera", stdin=b"by the admin\n")
        self.pmss("login", self.url, "--user", "vera", stdin=b"by the admin\n", env=env)
        self.pmss("user", "rm", "vera")
        self.pmss("user", "rm", "vera", status=66)

    def test_nodes(self):
        self.assertEqual(len(self.pmss("node", "ls").out.splitlines()), 7)
        how = self.pmss("node", "add", "--zone", "rack2").out
        self.assertIn(f"--control={self.url}", how)
        self.assertIn("--zone=rack2", how)
        self.assertIn("this machine only", how)
        self.assertTrue(self.pmss("node", "add", "--json").json["join_token"])
        self.assertIn("stays", self.pmss("node", "remove", "1", status=None).err)
        self.pmss("node", "remove", "999", status=66)
        self.pmss("node", "remove", "x", status=64)
        self.assertLessEqual(max(map(len, self.pmss("node", "ls").out.splitlines())), 80)

    def test_nodes_in_words(self):
        self.pmss("local", "stop-node", "5", "--dir", self.cluster_dir)
        self.addCleanup(self.pmss, "local", "start-node", "5", "--dir", self.cluster_dir)
        lines = self.pmss("node", "ls").out.splitlines()
        self.assertRegex(lines[-1], r"^Storage server \d+ is down for \d+ s: it said that it stops\.$")

    def test_jobs(self):
        file = self.path("job.bin")
        file.write_bytes(self.data)
        job = self.pmss("put", file, "job.bin", "--no-wait", "--json").json["job"]
        self.assertEqual(self.pmss("job", "watch", job, "--json").json["state"], "done")
        self.assertIn("job.bin", self.pmss("job", "ls").out)
        self.assertEqual(len(self.pmss("job", "ls", "--json", "--limit", 1).json["jobs"]), 1)
        listed = self.pmss("job", "ls", "--json", "--state", "done").json["jobs"]
        self.assertIn(job, [entry["id"] for entry in listed])
        self.pmss("job", "pause", job, status=None)
        self.pmss("job", "watch", "999999", status=66)
        self.pmss("job", "cancel", "all", status=64)

    def test_jobs_are_paged(self):
        """... and a list that is cut says so."""
        small = self.path("small")
        small.write_bytes(b"small")
        for i in range(3):
            self.pmss("put", small, f"paged/{i}")
        every = self.pmss("job", "ls", "--json", "--all").json
        ids = [job["id"] for job in every["jobs"]]
        self.assertEqual(ids, sorted(ids, reverse=True))
        self.assertEqual(ids[-1], 1)
        self.assertIsNone(every["next"])
        page = self.pmss("job", "ls", "--json", "--limit", "2").json
        self.assertEqual([job["id"] for job in page["jobs"]], ids[:2])
        self.assertEqual(page["next"], ids[1])
        self.assertIn("the newest 2; there are older ones", self.pmss("job", "ls", "--limit", "2").out)
        self.assertNotIn("older ones", self.pmss("job", "ls", "--all").out)
        self.pmss("job", "ls", "--limit", "0", status=64)

    def test_sessions(self):
        self.pmss("session", "ls")
        self.pmss("session", "ls", "--json")
        self.pmss("session", "end", "0" * 32, status=66)

    # the shell


if __name__ == "__main__":
    unittest.main()
