# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storage servers that only send heartbeats: a thousand of them fit into one process."""

import asyncio
import contextlib
import hashlib
import json
import re
import sqlite3
import threading

# no listener is there: control's own questions are refused at once
NOBODY = 9


class Connection:
    """One that is kept open, as storage servers do."""

    def __init__(self, port):
        self.port = port
        self.streams = None

    async def ask(self, method, path, token=None, body=None):
        """The status and the body of the answer."""
        if not self.streams:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        content = json.dumps(body).encode() if body is not None else b""
        head = "%s %s HTTP/1.1\r\nHost: control\r\n" % (method, path)
        if token:
            head += "Authorization: Bearer %s\r\n" % token
        if content:
            head += "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(content)
        writer.write(head.encode() + b"\r\n" + content)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)\r\n", answer).group(1))
        return int(answer.split(b" ", 2)[1]), await reader.readexactly(length)

    def close(self):
        if self.streams:
            self.streams[1].close()


def register(catalog, count):
    """Nodes 1 to @count as if they had joined, while control is stopped; returns their secrets by their ids."""
    secrets = {i: "secret-of-node-%d" % i for i in range(1, count + 1)}
    with contextlib.closing(sqlite3.connect(catalog)) as database, database:
        database.executemany(
            "INSERT INTO node (id, address, port, tls, zone, capacity, secret, created) VALUES (?, '127.0.0.1', %d, 0, '', 1, ?, 1)" % NOBODY,
            [(i, hashlib.blake2b(secret.encode(), digest_size=32).digest()) for i, secret in secrets.items()])
    return secrets


async def beat(port, id, secret, note, stats=dict):
    """As a storage server does, until it is ended. @note is called with each answer, @stats returns the next figures."""
    connection = Connection(port)
    heartbeat = {"address": "127.0.0.1", "port": NOBODY, "tls": False, "token_formats": [2], "revocations": 0, "instance": "%032x" % id}
    try:
        while True:
            status, answer = await connection.ask("POST", "/api/v1/nodes/%d/heartbeat" % id, secret, dict(heartbeat, stats=stats()))
            if status != 200:
                raise AssertionError("heartbeat of node %d: %d %r" % (id, status, answer))
            answer = json.loads(answer)
            note(answer)
            await asyncio.sleep(answer["interval"])
    finally:
        connection.close()


class Crowd:
    """Nodes whose heartbeats are sent by a thread, until they are silenced. @figures returns the stats of a node by its id."""

    def __init__(self, port, secrets, figures):
        self.tasks = {}
        started = threading.Event()
        self.thread = threading.Thread(target=asyncio.run, args=(self.run(port, secrets, figures, started),))
        self.thread.start()
        started.wait()

    async def run(self, port, secrets, figures, started):
        self.loop = asyncio.get_running_loop()
        for id, secret in secrets.items():
            self.tasks[id] = asyncio.create_task(beat(port, id, secret, lambda answer: None, lambda id=id: figures(id)))
        started.set()
        for result in await asyncio.gather(*self.tasks.values(), return_exceptions=True):
            if not isinstance(result, asyncio.CancelledError):
                raise result

    def silence(self, id):
        self.loop.call_soon_threadsafe(self.tasks[id].cancel)

    def stop(self):
        for id in self.tasks:
            self.silence(id)
        self.thread.join()
