#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the command line says to people: on a terminal, in its help, of a mistake; against a cluster of real servers."""

import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import unittest

import pmss_cli
from cli_case import MIB, CliCase


class Words(CliCase):
    def test_rm_asks(self):
        small = self.path("small")
        small.write_bytes(b"small")
        self.pmss("put", small, "ask/1")
        self.pmss("put", small, "ask/2")
        names = ["ask/1", "ask/2"]
        # nobody to ask
        error = self.pmss("rm", *names, status=64).err
        self.assertIn("--yes", error)
        self.assertIn("2 media would be deleted", error)
        result = self.pmss("rm", "--dry-run", "--json", *names, "ask/3", status=66)
        self.assertEqual(result.json, {"deleted": names, "dry_run": True})
        self.assertEqual(self.on_terminal("rm", *names)[0], 130)
        for answer, status in ((b"\n", 130), (b"no\n", 130), (b"\x04", 130), (b"yessir\n", 130)):
            self.assertEqual(self.on_terminal("rm", *names, typed=answer)[0], status, answer)
        self.assertEqual(self.pmss("ls", "--names", "ask/").out.split(), names)
        self.assertEqual(self.on_terminal("rm", *names, typed=b"y\n")[0], 0)
        self.assertEqual(self.pmss("ls", "--names", "ask/").out, "")

    def test_did_you_mean(self):
        self.assertIn("did you mean “verify”?", self.pmss("verfiy", status=64).err)
        self.assertIn("did you mean “watch”?", self.pmss("job", "wacth", "1", status=64).err)
        self.assertNotIn("mean", self.pmss("frobnicate", status=64).err)
        for command in (["info"], ["get"], ["rm"], ["play"], ["verify"], ["artwork"], ["mv"]):
            with self.subTest(command):
                last = ["x"] if command == ["mv"] else []
                self.assertIn("did you mean “shared/data.bin”?", self.pmss(*command, "share/dta.bin", *last, status=66).err)
        self.assertNotIn("mean", self.pmss("info", "nothing/like/it", status=66).err)

    def test_tables_fit_the_terminal(self):
        """... and are cut nowhere else."""
        small = self.path("small")
        small.write_bytes(b"small")
        name = "wide/" + "long " * 30 + "name"
        self.pmss("put", small, name)
        self.assertIn(name, self.pmss("ls", "wide/").out)
        lines = self.shown(["ls", "wide/"], 60)
        self.assertEqual(len(lines), 2)
        self.assertTrue(all(len(line) <= 60 for line in lines), lines)
        self.assertIn("…", lines[1])

    def test_progress_is_one_line(self):
        """... however narrow the terminal is."""
        large = self.path("a file with a name")
        with open(large, "wb") as file:
            file.truncate(24 * MIB)
        for columns in (20, 40):
            self.pmss("put", large, f"progress/{columns}")
            shown = self.shown(["get", f"progress/{columns}", "/dev/null"], columns, raw=True).decode()
            bars = [part.split("\x1b[K")[0] for part in shown.split("\r") if "\x1b[K" in part]
            self.assertGreater(len(bars), 1)
            self.assertLess(max(map(len, bars)), columns, bars)

    def shown(self, arguments, columns, raw=False):
        """What pmss shows on a terminal of so many columns."""
        master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen([pmss_cli.PMSS, *arguments], env=self.env, stdin=terminal, stdout=terminal, stderr=terminal) as process:
            os.close(terminal)
            shown = b""
            try:
                while part := os.read(master, 65536):
                    shown += part
            except OSError:
                # its other end is closed
                pass
            os.close(master)
            self.assertEqual(process.wait(60), 0, shown)
        return shown if raw else shown.decode().splitlines()

    def test_help(self):
        for command in ("login", "logout", "ls", "info", "put", "get", "play", "verify", "artwork", "mv", "rm", "status", "node ls", "node add",
                        "capacity", "top", "job ls", "job watch", "session ls", "user add", "user passwd", "local up", "local down"):
            with self.subTest(command=command):
                text = self.pmss(*command.split(), "--help").out
                self.assertIn("Example", text)
                self.assertIn(f"pmss {command}", text)
                self.assertLessEqual(max(map(len, text.splitlines())), 80)
                self.assertEqual(self.pmss("help", *command.split()).out, text)
        self.assertIn("put FILE", self.pmss("--help").out)
        self.assertLessEqual(max(map(len, self.pmss("help").out.splitlines())), 80)
        self.pmss("--version")
        self.pmss(status=64)
        self.pmss("fly", status=64)
        self.pmss("get", status=64)
        self.pmss("get", "one", "two", "three", status=64)
        self.pmss("ls", "--wings", status=64)
        self.pmss("--wings", "ls", status=64)
        self.pmss("help", "fly", status=64)
        self.assertIn("media", self.pmss("--json", "--server", self.url, "ls").json)

    def test_every_command_is_written_down(self):
        """... in the man page and in what the shell completes, with its options."""
        data = pathlib.Path(__file__).resolve().parents[2] / "data"
        man = (data / "pmss.1").read_text(encoding="utf-8").replace("\\-", "-").replace("\\fR", "").replace("\\fB", "").replace("\\fI", "")
        completion = (data / "pmss.bash-completion").read_text(encoding="utf-8")
        common = {"--help", "--server", "--ca-file", "--json"}

        def commands(*of):
            return re.findall(r"^  ([a-z-]+) .*", self.pmss(*of, "--help").out.partition("Commands:")[2], re.M)
        groups = ("node", "job", "session", "user", "link", "policy", "local")
        words = [[command, verb] for command in groups for verb in commands(command)]
        words += [[command] for command in commands() if command not in groups]
        self.assertGreater(len(words), 30)
        for command in words:
            with self.subTest(command):
                name = " ".join(command)
                self.assertTrue(re.search(rf"(?m)^{name}\b|, {name}\b|\b{command[0]} \S*\|{command[-1]}\b", man), "not in the man page")
                self.assertTrue(re.search(rf"\b{command[-1]}\b", completion), "not completed")
                options = set(re.findall(r"(?m)^  .*?(--[a-z-]+)", self.pmss(*command, "--help").out.partition("Application Options:")[2]
                                         .partition("\n\n")[0])) - common
                self.assertTrue(options or len(command) > 1 or command[0] in ("logout", "info", "mv", "status", "capacity"))
                self.assertEqual([option for option in options if option not in completion], [])
                self.assertEqual([option for option in options if option not in man], [])

    def test_reader_goes_away(self):
        """As cat does: no complaint when head has had enough."""
        for arguments in (["get", "shared/data.bin", "-"], ["ls", "--json"]):
            read, write = os.pipe()
            os.close(read)
            try:
                process = subprocess.run([pmss_cli.PMSS, *arguments], env=self.env, stdout=write,
                                         stderr=subprocess.PIPE, timeout=60, check=False)
            finally:
                os.close(write)
            self.assertEqual((process.returncode, process.stderr), (-signal.SIGPIPE, b""), arguments)

    def on_terminal(self, *arguments, typed=b"\x03"):
        """pmss with a terminal, which a test types on at its first question: Ctrl-C where nothing else is said."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(pmss_cli.PMSS, ["pmss", *map(str, arguments)], self.env)
        shown = b""
        try:
            while not shown.endswith(b": "):
                self.assertTrue(select.select([terminal], [], [], 60)[0], shown)
                shown += os.read(terminal, 1000)
            os.write(terminal, typed)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), termios.tcgetattr(terminal)[3]
        finally:
            os.close(terminal)

    def test_interrupted_questions(self):
        for arguments in (["login", self.url], ["login", self.url, "--user", "admin"], ["user", "add", "nobody"]):
            with self.subTest(arguments):
                status, modes = self.on_terminal(*arguments)
                self.assertEqual(status, 130)
                self.assertTrue(modes & termios.ECHO, "the terminal shows again what is typed")

    def test_completion(self):
        script = pathlib.Path(__file__).resolve().parents[2] / "data" / "pmss.bash-completion"
        small = self.path("small")
        small.write_bytes(b"x")
        self.pmss("put", small, "complete/with space")

        def complete(*words):
            lines = f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pmss; printf "%s\\n" "${{COMPREPLY[@]}}"'
            path = f"{pmss_cli.PMSS.parent}:{self.env['PATH']}"
            shell = subprocess.run(["bash", "-c", lines, "bash", *words], capture_output=True, timeout=60, check=False,
                                   env=dict(self.env, PATH=path))
            return shell.stdout.decode().split("\n")[:-1]
        self.assertEqual(complete("pmss", "ver"), ["verify"])
        self.assertEqual(complete("pmss", "node", "a"), ["add"])
        self.assertEqual(complete("pmss", "help", "ver"), ["verify"])
        self.assertEqual(complete("pmss", "help", "node", "a"), ["add"])
        self.assertIn("--redundancy", complete("pmss", "put", "--"))
        self.assertEqual(complete("pmss", "info", "complete/"), ["complete/with\\ space"])


if __name__ == "__main__":
    unittest.main()
