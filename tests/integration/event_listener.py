# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of GET /api/v1/stream that reads server-sent events."""

import http.client
import json
import time

import cluster


class Message:
    def __init__(self):
        self.id = self.name = None
        self.data = ""

    @property
    def event(self):
        return json.loads(self.data)


class Listener:
    """One stream. @token: None where @headers have a login. @source: the address of this machine that it comes from."""

    def __init__(self, servers, token, topics=None, last_id=None, source=None, headers=None, nodes=None):
        arguments = {"timeout": cluster.DEADLINE, "source_address": (source, 0) if source else None}
        place = (servers.control.address, servers.control.port)
        self.connection = (http.client.HTTPSConnection(*place, context=servers.tls, **arguments)
                           if servers.tls else http.client.HTTPConnection(*place, **arguments))
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        self.connection.request("GET", "/api/v1/stream" + ("?topics=" + topics if topics else "") + ("&nodes=" + nodes if nodes else ""), headers=headers)
        self.answer = self.connection.getresponse()
        self.last_id = last_id

    def next(self):
        """The next message, one without a name too; None when the stream has ended."""
        message = Message()
        while True:
            line = self.answer.readline().decode()
            if not line:
                return None
            if line == "\n":
                self.last_id = message.id or self.last_id
                return message
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "event":
                message.name = value
            elif field == "data":
                message.data += value
            elif field == "id":
                message.id = value

    def wait(self, **members):
        """The next event with these members; raises where the stream ends before."""
        end = time.monotonic() + cluster.DEADLINE
        while time.monotonic() < end:
            message = self.next()
            assert message is not None, "the stream has ended before %s" % members
            if message.name in (None, "start", "reset"):
                continue
            event = message.event
            if all(event[name.rstrip("_")] == value for name, value in members.items()):
                return event
        raise TimeoutError("waited for %s" % members)

    def wait_end(self):
        """Until it ends, in order."""
        while self.next() is not None:
            pass

    def close(self):
        self.connection.close()
        self.answer.close()
