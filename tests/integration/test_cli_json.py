#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What pmss says to programs: docs/json.md and the table of exit statuses in pmss.1, held against what every command does."""

import fcntl
import hashlib
import json
import pathlib
import re
import signal
import socket
import subprocess
import unittest

import jsonschema

import pmss_cli
from cli_case import MIB, CliCase

TOP = pathlib.Path(__file__).resolve().parents[2]
OPENAPI = json.loads((TOP / "control" / "api" / "openapi.json").read_text(encoding="utf-8"))
GROUPS = ("node", "job", "session", "link", "user", "policy", "local")
PLAIN = {"type": ["string", "number", "boolean", "null"]}


class Shape:
    """What docs/json.md says of a document, as a JSON schema."""

    def __init__(self, text):
        self.tokens = re.findall(r"[{}\[\],:|?]|[\w]+", text)

    def take(self, token):
        assert self.tokens and self.tokens[0] == token, (token, self.tokens)
        return self.tokens.pop(0)

    def parse(self):
        schema = self.parse_one()
        if self.tokens[:2] == ["|", "null"]:
            del self.tokens[:2]
            return {"anyOf": [schema, {"type": "null"}]}
        return schema

    def parse_one(self):
        if self.tokens[0] == "{":
            return self.parse_object()
        if self.tokens[0] == "[":
            self.take("[")
            items = self.parse()
            self.take("]")
            return {"type": "array", "items": items}
        name = self.tokens.pop(0)
        if name in ("any", "string"):
            return {} if name == "any" else {"type": "string"}
        assert name in OPENAPI["components"]["schemas"], name
        return {"$ref": f"#/components/schemas/{name}"}

    def parse_object(self):
        properties, required = {}, []
        self.take("{")
        while self.tokens[0] != "}":
            name = self.tokens.pop(0)
            if self.tokens[0] == "?":
                self.take("?")
            else:
                required.append(name)
            properties[name] = PLAIN
            if self.tokens[0] == ":":
                self.take(":")
                properties[name] = self.parse()
            if self.tokens[0] == ",":
                self.take(",")
        self.take("}")
        # more than the page says is a gap of the page
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def read_page():
    """{command: schema}, None where there is no document."""
    shapes = {}
    for line in (TOP / "docs" / "json.md").read_text(encoding="utf-8").splitlines():
        match = re.match(r"\| (`.*?) \| (?:(none)|`((?:[^`])+)`)", line)
        if match:
            schema = None if match[2] else Shape(match[3].replace("\\|", "|")).parse()
            shapes.update((command, schema) for command in re.findall(r"`([^`]+)`", match[1]))
    return shapes


class Json(CliCase):
    def setUp(self):
        self.shapes = read_page()
        self.seen = set()

    def check(self, row, *command, **options):
        """Runs @command, whose document has to be as @row of the page says."""
        result = self.pmss(*command, "--json", **options)
        self.assertIn(row, self.shapes)
        self.seen.add(row)
        if self.shapes[row] is None:
            return result.raw
        jsonschema.validate(result.json, dict(self.shapes[row], components=OPENAPI["components"]))
        return result.json

    def exercise_media(self):
        file, copy = self.path("file"), self.path("copy")
        file.write_bytes(b"content")
        self.check("put FILE", "put", file, "a/1")
        job = self.check("put --no-wait FILE", "put", "--no-wait", file, "a/2")["job"]
        self.check("job watch", "job", "watch", job)
        self.assertEqual(len(self.check("put FILE FILE… PREFIX/", "put", file, self.file, "b/")["put"]), 2)
        self.assertEqual(len(self.check("put --recursive", "put", "--recursive", file.parent, "c/")["put"]), 1)
        self.check("put --recursive", "put", "--recursive", "--no-wait", file.parent, "d/")
        self.assertGreater(len(self.check("ls", "ls")["media"]), 3)
        self.check("info NAME", "info", "a/1")
        self.check("info NAME NAME…", "info", "a/1", "b/file")
        self.check("get NAME FILE", "get", "a/1", copy)
        self.assertEqual(self.check("get NAME -", "get", "a/1", "-"), b"content")
        self.check("play --print-uri", "play", "--print-uri", "a/1")
        self.check("play --save", "play", "--save", copy, "a/1")
        self.check("verify", "verify", "a/1")
        shown = self.check("artwork", "artwork", "a/1")["artwork"][0]
        self.assertIn("no picture", shown["warning"])
        self.assertEqual((shown["artwork"], shown["error"]), (None, None))
        self.check("mv", "mv", "a/1", "a/3")
        self.assertIsNone(self.check("set", "set", "a/3", "--title", "T")["job"])
        self.check("job watch", "job", "watch", self.check("set", "set", "a/3", "--keep-original")["job"])
        self.assertFalse(self.check("set", "set", "a/3", "--drop-original")["medium"]["keep_original"])
        self.assertEqual(self.check("rm", "rm", "--yes", "a/2", "a/3"), {"deleted": ["a/2", "a/3"], "dry_run": False})

    def exercise_users(self):
        password = self.path("password")
        password.write_text("a good password\n", encoding="ascii")
        self.check("user add", "user", "add", "bob", "--password-file", password)
        self.check("user set", "user", "set", "bob", "--role", "operator")
        self.check("user ls", "user", "ls")
        self.check("user passwd", "user", "passwd", "bob", "--password-file", password)
        self.check("user rm", "user", "rm", "bob")

    def exercise_cluster(self):
        # a machine that is busy may have something to be done
        overview = self.check("status", "status", status=None)
        self.assertIn(overview["health"]["state"], ("ok", "attention"))
        self.assertEqual(len(self.check("top", "top")["nodes"]), 6)
        self.assertEqual(len(self.check("capacity", "capacity")["nodes"]), 6)
        policy = self.check("policy set", "policy", "set", "films", "--names", "films/*", "--max-size", "1MiB", "--unit", "128KiB",
                            "--redundancy", "2+1", "--drop-original", "--order", "3")
        self.assertEqual((policy["order"], policy["match"]["max_size"], policy["unit"]), (3, MIB, 128 * 1024))
        self.assertEqual(self.check("policy ls", "policy", "ls")["policies"], [policy])
        self.assertIn("films/*", self.pmss("policy", "ls").out)
        self.assertEqual(self.check("put FILE", "put", self.file, "films/chosen", "--unit", "64KiB")["redundancy"], "4+2"
                         if self.file.stat().st_size > MIB else "2+1")
        self.check("policy rm", "policy", "rm", "films")
        link = self.check("link add", "link", "--expires", "12h", "shared/data.bin")
        self.assertEqual(self.check("link ls", "link", "ls")["links"][0]["id"], link["id"])
        self.check("link rm", "link", "rm", link["id"])
        first = self.check("events", "events", "--limit", "2")
        self.assertEqual(first["next"], first["events"][0]["id"])
        self.assertIsNone(self.check("events", "events", "--after", first["events"][0]["id"])["next"])
        node = self.check("node ls", "node", "ls")["nodes"][0]
        self.check("node set", "node", "set", node["id"], "--address", f"{node['address']}:{node['port']}")
        self.check("node add", "node", "add")
        job = self.check("job ls", "job", "ls", "--all")["jobs"][-1]["id"]
        self.assertEqual(self.check("job ls", "job", "ls", "--limit", "1")["next"] is None, False)
        with open(self.path("large"), "wb") as file:
            file.truncate(64 * MIB)
        job = self.check("put --no-wait FILE", "put", "--no-wait", self.path("large"), "large")["job"]
        for verb in ("pause", "resume", "cancel"):
            self.check(f"job {verb}", "job", verb, job)
            if verb == "resume":
                self.assertEqual(self.check("job limit", "job", "limit", job, "20M")["rate_limit"], 20000000)
        self.pmss("put", self.file, "streamed")
        with subprocess.Popen([pmss_cli.PMSS, "get", "streamed", "-"], env=self.env, stdout=subprocess.PIPE) as get:
            get.stdout.read(1)
            session = self.check("session ls", "session", "ls")["sessions"][0]["id"]
            self.check("session end", "session", "end", session)
            get.stdout.read()

    def exercise_local(self):
        for command in ("up", "status", "env"):
            self.check(f"local {command}", "local", command, "--dir", self.cluster_dir)
        added = self.check("local add-node", "local", "add-node", "--dir", self.cluster_dir)["nodes"][-1]
        self.check("local stop-node", "local", "stop-node", added["index"], "--dir", self.cluster_dir)
        while self.pmss("node", "ls", "--json").json["nodes"][-1]["state"] != "down":
            pass
        self.check("node repair", "node", "repair", added["id"])
        self.check("node remove", "node", "remove", added["id"])
        self.check("local start-node", "local", "start-node", "0", "--dir", self.cluster_dir)
        self.check("--version", "--version")

    def exercise_logins(self):
        self.check("login", "login", self.url, "--user", "admin", stdin=self.cluster["password"].encode() + b"\n")
        self.check("logout", "logout")
        self.check("local down", "local", "down", "--dir", self.cluster_dir)

    def test_every_command(self):
        commands = re.findall(r"(?m)^  ([a-z-]+) ", self.pmss("--help").out.partition("Commands:")[2])
        words = [command for command in commands if command not in GROUPS]
        for group in GROUPS:
            words += [f"{group} {verb}" for verb in re.findall(r"(?m)^  ([a-z-]+) ",
                                                               self.pmss(group, "--help").out.partition("Commands:")[2])]
        missing = [word for word in words if not any(re.match(rf"{word}\b", row) for row in self.shapes)]
        self.assertEqual(missing, [], "not in docs/json.md")
        self.exercise_media()
        self.exercise_users()
        self.exercise_cluster()
        self.exercise_local()
        self.exercise_logins()
        # what it decodes, and what does not end, are other tests'
        self.assertEqual(set(self.shapes) - self.seen, {"play --discard", "events --follow"})


class Errors(CliCase):
    def refused(self, status, *command, **options):
        """Runs it with and without --json: the same exit status, and JSON on standard error."""
        self.pmss(*command, status=status, **options)
        result = self.pmss("--json", *command, status=status, **options)
        for line in result.err.splitlines():
            error = json.loads(line)["error"]
            self.assertEqual(set(error), {"message", "exit", "hint"})
            self.assertTrue(error["message"])
        self.assertEqual(error["exit"], status)
        self.seen.add(status)
        return error

    def test_exit_statuses(self):
        page = (TOP / "data" / "pmss.1").read_text(encoding="utf-8").partition(".SH EXIT STATUS")[2].partition(".SH ")[0]
        table = {int(code) for code in re.findall(r"(?m)^ ?(\d+) ", page)}
        self.seen = {0}
        nobody = socket.socket()
        self.addCleanup(nobody.close)
        nobody.bind(("127.0.0.1", 0))
        broken = self.path("broken")
        broken.write_text("no certificate", encoding="ascii")

        self.refused(64, "frobnicate")
        self.refused(64, "ls", "--frobnicate")
        self.refused(64, "put", self.file, "x", "--redundancy", "9")
        self.refused(64, "ls", env={"HOME": str(self.path("nowhere"))})
        self.refused(65, "get", "--range", "99999999-", "shared/data.bin", "-")
        self.refused(65, "info", "../x")
        self.refused(65, "ls", "--ca-file", broken)
        self.refused(66, "info", "nothing")
        self.refused(66, "put", self.path("missing"), "x")
        self.refused(66, "ls", "--ca-file", self.path("missing"))
        self.refused(69, "ls", "--server", f"127.0.0.1:{nobody.getsockname()[1]}", env={"PMSS_TOKEN": "x"})
        self.refused(69, "put", self.file, "x", "--redundancy", "7+2")
        self.refused(69, "job", "pause", "1")
        self.refused(73, "put", broken, "shared/data.bin")
        self.refused(73, "get", "shared/data.bin", broken)
        self.refused(74, "get", "shared/data.bin", "/dev/full")
        with open(self.path(f"held.pmss-{hashlib.sha256(self.data).hexdigest()[:12]}"), "wb") as partial:
            fcntl.flock(partial, fcntl.LOCK_EX)
            self.refused(75, "get", "shared/data.bin", self.path("held"))
        self.refused(76, "ls", "--server", self.url.replace("http:", "https:"), env={"PMSS_TOKEN": "x"})
        self.refused(77, "ls", env={"PMSS_TOKEN": "wrong"})
        settings = self.path("home") / ".config" / "pmss" / "credentials"
        settings.parent.mkdir(parents=True)
        settings.write_text("no settings", encoding="ascii")
        settings.chmod(0o600)
        self.refused(78, "ls", env={"HOME": str(self.path("home"))})
        self.interrupted()
        # an error without a better code: there is none that a test can wish for
        self.assertEqual(table - self.seen, {70})

    def interrupted(self):
        with subprocess.Popen([pmss_cli.PMSS, "--json", "put", "-", "x"], env=self.env, stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE) as put:
            put.stdin.write(bytes(MIB))
            put.stdin.flush()
            put.send_signal(signal.SIGINT)
            self.assertEqual(json.loads(put.stderr.read())["error"]["exit"], 130)
            self.assertEqual(put.wait(60), 130)
        self.seen.add(130)

    def test_each_of_several(self):
        """One line for each that failed, and what was done on standard output."""
        result = self.pmss("info", "--json", "no/1", "shared/data.bin", "no/2", status=66)
        self.assertEqual(len([json.loads(line)["error"] for line in result.err.splitlines()]), 2)
        self.assertEqual([medium["name"] for medium in result.json["media"]], ["shared/data.bin"])
        folder = self.path("folder")
        folder.mkdir()
        (folder / "link").symlink_to("nowhere")
        (folder / "file").write_bytes(b"x")
        result = self.pmss("put", "--json", "--recursive", folder, "several/")
        self.assertIn("link", json.loads(result.err)["warning"]["message"])


if __name__ == "__main__":
    unittest.main()
