#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A thousand storage servers and a crowd of strangers, while something holds control's database thread."""

import asyncio
import functools
import os
import re
import unittest

import cluster
from cluster import wait_for
from simulated_nodes import Connection, beat, register

NODES = 1000
STRANGERS = 32
# seconds: what a silence of a node lasts until it is suspect, and how long the database is held
SUSPECT, HELD = 3, 4.5


class Busy(cluster.TestCase):
    nodes = 0
    # all of them come from one address
    control_options = {"max-connections": "4000", "max-connections-per-address": "3000"}
    haste = 1
    # a disk that others write to as well takes a minute for what a thousand nodes bring
    make_cluster = functools.partial(cluster.Cluster, folder="/dev/shm" if os.path.isdir("/dev/shm") else None)

    @classmethod
    def setUpClass(cls):
        cls.trigger = None
        super().setUpClass()
        control = cls.cluster.control
        cls.trigger = cls.cluster.folder / "hang"
        cls.hangs = cls.cluster.folder / "hang.hangs"
        control.environment.update(
            LD_PRELOAD=" ".join([os.environ["PMSS_BAD_DISK"], *os.environ.get("LD_PRELOAD", "").split()]),
            HANG_FDATASYNC_WHILE=str(cls.trigger))
        control.stop()
        cls.secrets = register(control.data / "catalog.db", NODES)
        control.start()

    async def beat(self, id, told):
        """@told: how often it was told that it is up."""
        def note(answer):
            told[id] = told.get(id, 0) + (answer["state"] == "up")
        # not all in one moment
        await asyncio.sleep(id / NODES)
        await beat(self.cluster.control.port, id, self.secrets[id], note)

    async def ask_metrics(self, answers, number):
        """A stranger: it has no login, and asks as fast as it is answered."""
        connection = Connection(self.cluster.control.port)
        try:
            while True:
                status, answer = await connection.ask("GET", "/metrics")
                self.assertEqual(status, 200)
                answers[number] = answers.get(number, 0) + 1
                # one core is for control
                await asyncio.sleep(0.05)
        finally:
            connection.close()

    async def count(self, connection):
        """Nodes by state, as /metrics says."""
        _, text = await connection.ask("GET", "/metrics")
        return {state.decode(): int(number) for state, number in re.findall(rb'^pmss_control_nodes\{state="(\w+)"\} (\d+)$', text, re.M)}

    async def wait(self, condition, what, deadline=cluster.DEADLINE):
        async def look():
            while not await condition():
                await asyncio.sleep(cluster.POLL)
        try:
            await asyncio.wait_for(look(), deadline)
        except asyncio.TimeoutError:
            raise TimeoutError("waited for " + what) from None

    async def hold(self, viewer):
        """A viewer's request that writes, and does not come back."""
        self.trigger.touch()
        asked = asyncio.create_task(viewer.ask("POST", "/api/v1/users", self.cluster.token,
                                               {"name": "somebody", "password": "correct horse battery", "role": "viewer"}))

        async def hangs():
            return self.hangs.exists()
        await self.wait(hangs, "the database to be held")
        return asked

    async def play(self):
        told, answers = {}, {}
        tasks = [asyncio.create_task(self.beat(id, told)) for id in self.secrets]
        watcher, viewer, reader = (Connection(self.cluster.control.port) for _ in range(3))
        try:
            async def all_up():
                for task in tasks:
                    if task.done():
                        task.result()
                return (await self.count(watcher)).get("up") == NODES
            await self.wait(all_up, "all nodes to be up")
            asked = await self.hold(viewer)
            seen = asyncio.create_task(reader.ask("GET", "/api/v1/media", self.cluster.token))
            tasks += [asyncio.create_task(self.ask_metrics(answers, number)) for number in range(STRANGERS)]
            before, end = dict(told), asyncio.get_running_loop().time() + HELD

            async def over():
                self.assertEqual(await self.count(watcher), {"up": NODES, "suspect": 0, "down": 0})
                return (asyncio.get_running_loop().time() > end and len(answers) == STRANGERS and min(answers.values()) >= 5
                        and all(told[id] > before[id] + 1 for id in told))
            await self.wait(over, "each node and each stranger to be answered again and again")
            # no stranger and no node has stood in the line that these two stand in
            self.assertFalse(asked.done() or seen.done())
            self.trigger.unlink()
            self.assertEqual([(await task)[0] for task in (asked, seen)], [201, 200])
            # nor do they beside a database that works
            begun = sum(answers.values())
            for _ in range(20):
                self.assertEqual((await reader.ask("GET", "/api/v1/media", self.cluster.token))[0], 200)
            self.assertLess(sum(answers.values()) - begun, 20 * STRANGERS)
            self.assertEqual((await self.count(watcher))["up"], NODES)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for connection in (watcher, viewer, reader):
                connection.close()

    def test_thousand_nodes(self):
        """None is suspect, however long the database takes; and strangers at /metrics are in no viewer's way."""
        self.assertGreater(HELD, SUSPECT)
        self.addCleanup(lambda: self.trigger.unlink(missing_ok=True))
        asyncio.run(asyncio.wait_for(self.play(), 100))
        # and the database has the last of it
        wait_for(lambda: all(node["last_seen"] for node in self.cluster.api("GET", "/nodes")["nodes"]), "the nodes")


if __name__ == "__main__":
    unittest.main()
