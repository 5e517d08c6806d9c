#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss top and pmss status: on a terminal, without one, and while the control server is away."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

import cluster
from cluster import BUILD, PATIENCE, wait_for

PMSS = BUILD / "tools" / "pmss"
ENTER, LEAVE = b"\x1b[?1049h\x1b[?25l", b"\x1b[?25h\x1b[?1049l"
SHOWN = 20 * PATIENCE


class Terminal:
    """pmss on a terminal of @columns and @rows."""

    def __init__(self, env, *arguments, columns=80, rows=24):
        self.master, slave = pty.openpty()
        self.resize(columns, rows, self.master)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen([PMSS, *arguments], env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        self.slave = slave
        self.output = b""

    def resize(self, columns, rows, terminal=None):
        fcntl.ioctl(terminal or self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, wanted, what):
        """Reads on until @wanted (a pattern) is in what comes from now on, and returns that."""
        end, got = time.monotonic() + SHOWN, b""
        while not re.search(wanted, got):
            ready, _, _ = select.select([self.master], [], [], max(end - time.monotonic(), 0))
            if not ready:
                raise TimeoutError("waited for %s; shown was %r" % (what, self.output[-3000:]))
            piece = os.read(self.master, 65536)
            got += piece
            self.output += piece
        return got

    def screen(self):
        """The lines that are drawn next, whole."""
        text = self.read(rb"(?s)\x1b\[H.*\x1b\[H", "two drawings")
        drawn = text.split(b"\x1b[H")[1]
        return [line.replace("\x1b[K", "").replace("\x1b[J", "") for line in drawn.decode().split("\r\n")]

    def end(self):
        """Its exit status, and whether the terminal is as it was."""
        status = self.process.wait(SHOWN)
        while select.select([self.master], [], [], 0)[0]:
            self.output += os.read(self.master, 65536)
        return status, termios.tcgetattr(self.slave) == self.before and self.output.endswith(LEAVE)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class Top(cluster.TestCase):
    nodes = 3
    control_options = {"unit": "16KiB", "extent": "256KiB"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = dict(os.environ, PMSS_URL=cls.cluster.url, PMSS_TOKEN=cls.cluster.token, TERM="xterm", LC_ALL="C.UTF-8")
        cls.cluster.add("films/a name that is far too long for a line of a terminal of eighty columns.webm", b"f" * 100_000,
                        redundancy="1+1")

    def setUp(self):
        self.cluster.wait_nodes()

    def run_pmss(self, *arguments):
        return subprocess.run([PMSS, *arguments], env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SHOWN,
                              check=False)

    def open(self, *arguments, **options):
        terminal = Terminal(self.env, *arguments, **options)
        self.addCleanup(terminal.close)
        return terminal

    def test_once(self):
        """Without a terminal, and with --once on one: no character moves the cursor."""
        result = self.run_pmss("top")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertNotIn("\x1b", result.stdout)
        rows = [line.split() for line in result.stdout.splitlines()]
        self.assertIn(["NODE", "STATE", "CPU", "MEM", "DISK", "IN", "OUT", "LINK", "FREE"], rows)
        for node in self.cluster.nodes:
            self.assertTrue([row for row in rows if row[:2] == [str(node.id), "up"]])
        terminal = self.open("top", "--once")
        self.assertIn(b"NODE", terminal.read(rb"\r\n\r\n(?s:.*)\n$", "the tables"))
        self.assertEqual(terminal.process.wait(SHOWN), 0)
        self.assertNotIn(b"\x1b", terminal.output)

    def test_json(self):
        answer = json.loads(self.run_pmss("top", "--json").stdout)
        self.assertEqual(set(answer), {"overview", "nodes", "sessions"})
        self.assertEqual([node["id"] for node in answer["nodes"]], sorted(node.id for node in self.cluster.nodes))
        self.assertEqual(answer["overview"]["nodes"]["total"], 3)

    def test_live(self):
        """It shows what changes, and fits the terminal, also when that becomes smaller."""
        self.cluster.session(self.cluster.api("GET", "/media")["media"][0]["name"])
        terminal = self.open("top")
        lines = terminal.screen()
        self.assertTrue(terminal.output.startswith(ENTER))
        self.assertLessEqual(max(map(len, lines)), 80, lines)
        self.assertTrue([line for line in lines if line.startswith("admin") and "…" in line], lines)
        down = self.cluster.nodes[2]
        down.stop()
        terminal.read(rb"\n *%d +down" % down.id, "the server that is down")
        terminal.resize(80, 5)
        wait_for(lambda: len(lines := terminal.screen()) <= 5 and "more lines" in lines[-1], "few lines")
        down.start()
        self.cluster.wait_nodes()
        os.write(terminal.master, b"xq")
        self.assertEqual(terminal.end(), (0, True))

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                terminal = self.open("top")
                terminal.screen()
                terminal.process.send_signal(number)
                self.assertEqual(terminal.end(), (0, True))

    def test_dumb(self):
        """A terminal that cannot move its cursor has it once."""
        self.env["TERM"] = "dumb"
        self.addCleanup(self.env.update, TERM="xterm")
        terminal = self.open("top")
        self.assertEqual(terminal.process.wait(SHOWN), 0)

    def test_control_away(self):
        """It is waited for, and told; what it said last is shown."""
        terminal = self.open("top")
        terminal.screen()
        self.cluster.control.kill()
        terminal.read(rb"The control server is waited for: ", "that control is away")
        terminal.read(rb"What it said last:(?s:.*)\n *%d +up" % self.cluster.nodes[0].id, "what it said last")
        # without a terminal it is an error
        result = self.run_pmss("top")
        self.assertEqual((result.returncode, result.stdout), (69, ""))
        self.assertEqual(self.run_pmss("status").returncode, 69)
        self.cluster.control.start()
        # all are down at first, and then up
        terminal.read(rb"\x1b\[H(?:All|\d of) 3 storage servers", "control again")
        os.write(terminal.master, b"q")
        self.assertEqual(terminal.end(), (0, True))

    def test_status(self):
        """Its exit status says how the cluster is: 1 and 2 when servers are down."""
        def status():
            return self.run_pmss("status").returncode
        self.assertIn(status(), (0, 1))
        stopped = self.cluster.nodes[:2]
        for node in self.cluster.nodes:
            node.stop()
        wait_for(lambda: status() == 2, "nothing to be playable")
        for node in self.cluster.nodes:
            node.start()
        self.cluster.wait_nodes()
        stopped[0].stop()
        wait_for(lambda: status() == 1, "something to be done")
        stopped[0].start()
        self.cluster.wait_nodes()

    def test_refused(self):
        """A login that is not good is not waited for, and the terminal is as it was."""
        self.env["PMSS_TOKEN"] = "forged"
        self.addCleanup(self.env.update, PMSS_TOKEN=self.cluster.token)
        terminal = self.open("top")
        self.assertEqual(terminal.process.wait(SHOWN), 77)
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)


if __name__ == "__main__":
    unittest.main()
