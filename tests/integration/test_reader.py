#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""PmssReader against real servers: right bytes whatever is asked, and whatever happens to the nodes."""

import json
import os
import random
import re
import subprocess
import time
import unittest
import urllib.request

import cluster
from cluster import BUILD, PATIENCE, wait_for

UNIT = 4096
EXTENT = 65536
PACE = 8_000_000
# Seconds: nothing that is dead is waited for until its requests give up. How long a viewer stands still, tests/faults measures.
HUNG = 4
# Seconds: far less than a reader waits for what may still come
SOON = min(5 * PATIENCE, 12)


class ReaderCase(cluster.TestCase):
    control_options = {"unit": "4KiB", "extent": "64KiB", "lease": "3"}

    def make(self, name, size, redundancy="4+2", seed=0):
        """A medium of @size bytes; returns the file that it was made from."""
        path = self.cluster.folder / name.replace("/", "_")
        path.write_bytes(random.Random("%s %d" % (name, seed)).randbytes(size))
        with open(path, "rb") as content:
            self.cluster.add(name, content, redundancy=redundancy)
        return path

    def start(self, name, path, *options):
        environment = dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token)
        return subprocess.Popen(
            [BUILD / "tests" / "integration" / "reader-tool", *map(str, options), name, path],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process, timeout=120):
        out, err = process.communicate(timeout=timeout)
        self.assertIn(process.returncode, (0, 1), err)
        return json.loads(out)

    def read(self, name, path, *options):
        result = self.finish(self.start(name, path, *options))
        self.assertTrue(result["ok"], result)
        return result

    def sessions(self, name):
        return [session for session in self.cluster.api("GET", "/sessions")["sessions"]
                if session["medium"] == name]

    def layout(self, name):
        return self.cluster.session(name)["layout"]


class Bytes(ReaderCase):
    """Every size class, and every kind of redundancy, in order and at random."""

    SIZES = (0, 1, UNIT - 1, UNIT, UNIT + 1, 4 * UNIT, 4 * UNIT + 1, EXTENT, EXTENT + 1,
             3 * EXTENT + 2 * UNIT + 77)

    def check_all(self, redundancy, sizes=SIZES[-3:]):
        for size in sizes:
            with self.subTest(size=size):
                name = "%s/%d" % (redundancy, size)
                path = self.make(name, size, redundancy)
                result = self.read(name, path)
                self.assertEqual(result["bytes"], size)
                # but for a node that is late, as on a machine that is busy
                self.assertTrue(result["stats"]["rebuilt"] == 0 or result["stats"]["late"] > 0, result["stats"])
                self.read(name, path, "--random", 200, "--max-read", 3 * UNIT)
                self.read(name, path, "--random", 100, "--max-read", 500, "--async", "--seed", 2)

    def test_4_2(self):
        self.check_all("4+2", self.SIZES)

    def test_1_0(self):
        self.check_all("1+0")

    def test_1_2(self):
        self.check_all("1+2")

    def test_6_0(self):
        self.check_all("6+0")

    def test_3_1(self):
        self.check_all("3+1")


class Ways(ReaderCase):
    """How it goes about it: memory, cancelling, nodes and connections."""

    def test_small_cache(self):
        """With a cache of two rows, jumping about: each block goes and comes again."""
        path = self.make("small-cache", 20 * EXTENT)
        result = self.read("small-cache", path, "--random", 150, "--cache-size", 8 * UNIT,
                           "--max-read", 3 * EXTENT)
        # and a row for what was waited for last
        self.assertLessEqual(result["stats"]["cache-used"], 12 * UNIT)
        self.read("small-cache", path, "--cache-size", 8 * UNIT)

    def sent(self):
        """Bytes that the storage servers have sent so far."""
        total = 0
        for node in self.cluster.nodes:
            with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % node.port, timeout=PATIENCE) as answer:
                total += int(re.search(rb"^pmss_storage_sent_bytes_total (\d+)$", answer.read(), re.M)[1])
        return total

    def test_one_film_twice(self):
        """Two readers a little apart: the storage servers send about one film, though no cache holds it."""
        size = 40 * EXTENT
        path = self.make("twice", size)
        before = self.sent()
        result = self.read("twice", path, "--behind", EXTENT, "--max-read", UNIT, "--cache-size", 5 * EXTENT, "--read-ahead", EXTENT)
        self.assertEqual(result["bytes"], 2 * size)
        self.assertLess(self.sent() - before, 1.3 * size)

    def test_cancel(self):
        path = self.make("cancel", 20 * EXTENT)
        result = self.read("cancel", path, "--random", 400, "--cancel-every", 3,
                           "--cache-size", 16 * UNIT)
        self.assertGreater(result["reads"], 400)
        self.read("cancel", path, "--random", 200, "--cancel-every", 2, "--async",
                  "--cache-size", 16 * UNIT)

    def test_all_nodes_give(self):
        path = self.make("parallel", 30 * EXTENT)
        result = self.read("parallel", path)
        given = [node["bytes"] for node in result["stats"]["nodes"]]
        self.assertEqual(len(given), 6)
        # others give for one that is late
        self.assertTrue(min(given) > max(given) // 2 or result["stats"]["late"] > 0, result["stats"])

    def test_connections_are_kept(self):
        """Far fewer connections than requests."""
        path = self.make("kept", 60 * EXTENT)
        def accepted():
            total = 0
            for node in self.cluster.nodes:
                text = subprocess.run(["curl", "-sS", "http://127.0.0.1:%d/metrics" % node.port],
                                      check=True, stdout=subprocess.PIPE, text=True).stdout
                for line in text.splitlines():
                    if line.startswith("pmss_storage_connections_accepted_total"):
                        total += int(float(line.split()[-1]))
            return total
        before = accepted()
        result = self.read("kept", path)
        # each look at the counters is a connection, too
        opened = accepted() - before - 6
        # those to a node that is late are given up
        self.assertLessEqual(opened, 2 * (6 + result["stats"]["late"]) + 6)
        self.assertGreater(result["stats"]["requests"], 3 * opened)


class Trouble(ReaderCase):
    def nodes_of(self, name, extent, indices):
        layout = self.layout(name)
        return [self.cluster.node(layout["nodes"][layout["extents"][extent][i]]["id"])
                for i in indices]

    def tearDown(self):
        for node in self.cluster.nodes:
            if node.running():
                node.unpause()
            else:
                node.start()
        self.cluster.wait_nodes()

    def test_down_at_start(self):
        path = self.make("down", 10 * EXTENT)
        for node in self.nodes_of("down", 0, (0, 1)):
            node.kill()
        result = self.read("down", path)
        self.assertGreater(result["stats"]["rebuilt"], 0)
        self.read("down", path, "--random", 200)
        # few reads in many orders: each begins with nothing cached, and what
        # one row was rebuilt from may be what the next unit of it needs
        for seed in range(40):
            self.read("down", path, "--random", 30, "--max-read", 9000, "--timeout", 5,
                      "--seed", seed)

    def test_silent_at_start(self):
        path = self.make("silent", 4 * EXTENT)
        for node in self.nodes_of("silent", 0, (1, 2)):
            node.pause()
        result = self.read("silent", path)
        self.assertGreater(result["stats"]["rebuilt"], 0)

    def test_no_redundancy(self):
        """Without parity the error names node and medium, and comes soon."""
        path = self.make("bare", 4 * EXTENT, "6+0")
        node, = self.nodes_of("bare", 0, (3,))
        node.kill()
        begin = time.monotonic()
        result = self.finish(self.start("bare", path))
        self.assertLess(time.monotonic() - begin, SOON)
        self.assertFalse(result["ok"])
        self.assertIn("bare", result["error"])
        self.assertIn("node %d" % node.id, result["error"])
        self.assertIn("refused", result["error"])
        self.assertEqual(result["error"].count("127.0.0.1:%d" % node.port), 1, result["error"])

    def test_too_many_down(self):
        path = self.make("gone", 4 * EXTENT)
        for node in self.nodes_of("gone", 0, (0, 2, 5)):
            node.kill()
        result = self.finish(self.start("gone", path, "--timeout", 5))
        self.assertFalse(result["ok"])
        self.assertIn("needs 4 of its 6 shards", result["error"])

    def test_comes_back_in_time(self):
        """More than m are silent for a while: the reader waits, and goes on."""
        path = self.make("back", 4 * EXTENT)
        nodes = self.nodes_of("back", 0, (0, 1, 2))
        for node in nodes:
            node.pause()
        process = self.start("back", path, "--timeout", 30)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(2)
        for node in nodes:
            node.unpause()
        self.assertTrue(self.finish(process)["ok"])

    def paced(self, name, size, trouble):
        """Reads as a player would, lets @trouble happen on the way."""
        path = self.make(name, size)
        process = self.start(name, path, "--rate", PACE)
        wait_for(lambda: self.sessions(name), "the session")
        time.sleep(random.Random(name).uniform(0.2, 0.8))
        trouble()
        result = self.finish(process)
        self.assertTrue(result["ok"], result)
        return result

    def test_killed_on_the_way(self):
        def trouble():
            self.cluster.nodes[0].kill()
            self.cluster.nodes[3].kill()
        result = self.paced("killed", 4_000_000, trouble)
        self.assertLess(result["longest_gap"], HUNG)

    def test_silenced_on_the_way(self):
        def trouble():
            self.cluster.nodes[1].pause()
            self.cluster.nodes[4].pause()
        result = self.paced("silenced", 4_000_000, trouble)
        self.assertLess(result["longest_gap"], HUNG)

    def test_control_gone(self):
        """Beyond the lease, and with a session that is lost."""
        def trouble():
            self.cluster.control.kill()
        try:
            result = self.paced("lonely", 6_000_000, trouble)
        finally:
            self.cluster.control.start()
        self.assertLess(result["longest_gap"], HUNG)

    def test_lease_lost(self):
        """The lease runs out while the player cannot reach control: a new session, and no gap."""
        def trouble():
            self.cluster.control.pause()
            time.sleep(4)
            self.cluster.control.unpause()
        result = self.paced("lost", 8_000_000, trouble)
        self.assertLess(result["longest_gap"], HUNG)

    def test_measured(self):
        """Control is told where the reader is, what it has ahead, and what comes of which node, since it was told last."""
        path = self.make("measured", 6_000_000)
        self.damage("measured", 0, lambda shard: shard.write_bytes(b"x" * shard.stat().st_size))
        process = self.start("measured", path, "--rate", PACE, "--read-ahead", 4 * EXTENT)

        def told(after):
            return next((session for session in self.sessions("measured")
                         if (session["position"] or 0) > after and session["nodes"]), None)
        first = wait_for(lambda: told(0), "the first measure")
        later = wait_for(lambda: told(first["position"]), "the next one")
        nodes = {entry["id"]: entry for entry in later["nodes"]}
        self.assertLessEqual(set(nodes), {node["id"] for node in self.layout("measured")["nodes"]})
        self.assertLessEqual(later["position"] + later["buffer_bytes"], 6_000_000)
        self.assertGreater(later["buffer_bytes"], 0)
        self.assertGreater(sum(entry["rebuilt"] for entry in nodes.values()), 0)
        # since the first time, not since the start: no more than what was passed and what is ahead, with parity and heads
        fetched = sum(entry["bytes"] for entry in nodes.values())
        self.assertLess(fetched, 2 * (later["position"] - first["position"] + 5 * EXTENT))
        self.assertGreater(max(entry["rate"] for entry in nodes.values()), 0)
        self.assertTrue(self.finish(process)["ok"])

    def test_session_ended(self):
        """An operator ends the session: the player is told."""
        path = self.make("ended", 8_000_000)
        process = self.start("ended", path, "--rate", PACE, "--read-ahead", 4 * EXTENT)
        session, = wait_for(lambda: self.sessions("ended"), "the session")
        self.cluster.api("DELETE", "/sessions/" + session["id"], status=204)
        result = self.finish(process)
        self.assertFalse(result["ok"])
        self.assertIn("session was ended", result["error"])

    def test_token_of_ended_session(self):
        """Each node refuses it soon after, also after a restart, and before it looks for the shard."""
        self.make("replay", EXTENT)
        session = self.cluster.session("replay")
        layout = session["layout"]
        node = self.cluster.node(layout["nodes"][layout["extents"][0][0]]["id"])

        def ask(shard):
            return subprocess.run(
                ["curl", "-sS", "-o", os.devnull, "-w", "%{http_code}",
                 "-H", "Authorization: Bearer " + session["token"],
                 "http://127.0.0.1:%d/v1/shards/%s" % (node.port, shard)],
                check=True, stdout=subprocess.PIPE, text=True).stdout
        there = "%s-00000000.0" % layout["version"]
        self.assertEqual(ask(there), "200")
        self.cluster.api("DELETE", "/sessions/" + session["id"], status=204)
        wait_for(lambda: ask(there) == "401", "the node to hear of it", SOON)
        self.assertEqual(ask("%s-00000077.0" % layout["version"]), "401")
        node.kill()
        node.start()
        wait_for(lambda: ask(there) == "401", "the node to hear of it again", SOON)

    def damage(self, name, index, change):
        layout = self.layout(name)
        for extent in range(len(layout["extents"])):
            node, = self.nodes_of(name, extent, (index,))
            change(node.shard_path("%s-%08x.%d" % (layout["version"], extent, index)))

    def test_flipped_bits(self):
        path = self.make("flipped", 5 * EXTENT)

        def flip(shard):
            data = bytearray(shard.read_bytes())
            for at in range(300, len(data), 3000):
                data[at] ^= 0x10
            shard.write_bytes(data)
        self.damage("flipped", 0, flip)
        self.damage("flipped", 2, flip)
        result = self.read("flipped", path)
        self.assertGreater(result["stats"]["rebuilt"], 0)
        self.assertGreater(result["stats"]["errors"], 0)
        self.damage("flipped", 4, flip)
        result = self.finish(self.start("flipped", path, "--timeout", 3))
        self.assertFalse(result["ok"])

    def test_control_is_told(self):
        """What a reader finds is suspected by control while the film still plays."""
        def bad():
            return sum(node["bad_shards"] for node in self.cluster.api("GET", "/nodes")["nodes"])
        path = self.make("told", 4_000_000)
        before = bad()

        def flip(shard):
            with open(shard, "r+b") as file:
                file.seek(300)
                byte = file.read(1)
                file.seek(300)
                file.write(bytes([byte[0] ^ 0x10]))
        self.damage("told", 0, flip)
        process = self.start("told", path, "--rate", PACE)
        wait_for(lambda: bad() > before, "control to know of a bad shard")
        self.assertTrue(self.finish(process)["ok"])

    def test_cut_shards(self):
        path = self.make("cut", 5 * EXTENT)
        self.damage("cut", 1, lambda shard: os.truncate(shard, shard.stat().st_size // 2))
        self.damage("cut", 3, lambda shard: os.truncate(shard, 0))
        self.read("cut", path)

    def test_missing_shards(self):
        path = self.make("missing", 5 * EXTENT)
        self.damage("missing", 1, os.unlink)
        self.damage("missing", 5, os.unlink)
        self.read("missing", path, "--random", 200)

    def test_swapped_shards(self):
        """A node that gives another extent's shard under the name that was asked for."""
        path = self.make("swapped", 2 * EXTENT)
        layout = self.layout("swapped")
        nodes = self.nodes_of("swapped", 0, (2,)) + self.nodes_of("swapped", 1, (2,))
        shards = [node.shard_path("%s-%08x.2" % (layout["version"], extent))
                  for extent, node in enumerate(nodes)]
        first, second = (shard.read_bytes() for shard in shards)
        shards[0].write_bytes(second)
        shards[1].write_bytes(first)
        result = self.read("swapped", path)
        self.assertGreater(result["stats"]["rebuilt"], 0)


class Whole(ReaderCase):
    """With the sizes that users have."""
    control_options = {}

    def test_thousand_ranges(self):
        path = self.make("films/large.bin", 100 * 1024 * 1024 + 12345)
        result = self.read("films/large.bin", path)
        self.assertEqual(result["bytes"], path.stat().st_size)
        # four rows of four units, and the file's last one
        self.read("films/large.bin", path, "--tail-after", 17)
        self.read("films/large.bin", path, "--random", 1000, "--max-read", 1 << 20)
        self.read("films/large.bin", path, "--random", 1000, "--max-read", 1 << 18, "--seed", 7,
                  "--async", "--cache-size", 8 << 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
