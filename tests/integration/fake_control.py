# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of a control server as a storage server speaks to."""

import http.server
import json
import socket
import threading

from storage_server import CLUSTER, WAIT


class Control(http.server.ThreadingHTTPServer):
    """As much of a control server as a node speaks to."""

    daemon_threads = True

    def __init__(self, keys, port=0, address="127.0.0.1", on_beat=None):
        """@on_beat: called with each heartbeat before it is answered."""
        self.keys = keys
        self.on_beat = on_beat
        self.joins, self.beats = [], []
        self.join_status = 201
        self.beat_status = 200
        self.stuck = threading.Event()  # until it is set no heartbeat is answered
        self.stuck.set()
        self.refuses_figures = False
        self.complete = True
        self.revoked = []       # sessions, numbered from 1
        self.hangs_up = False   # after each heartbeat, without having said so
        self.beaten = threading.Condition()
        self.sockets = []
        super().__init__((address, port), ControlHandler)
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self.thread.start()

    def get_request(self):
        connection, address = super().get_request()
        self.sockets.append(connection)
        return connection, address

    def handle_error(self, request, address):
        pass                    # a node that was stopped hangs up

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()
        # connections that are kept alive end with a server, too
        for connection in self.sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass            # closed already

    @property
    def url(self):
        return "http://%s:%d" % self.server_address

    def wait_for_beats(self, number):
        with self.beaten:
            if not self.beaten.wait_for(lambda: len(self.beats) >= number, WAIT):
                raise AssertionError("%d heartbeats only" % len(self.beats))


class ControlHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        if self.path == "/api/v1/nodes/join":
            server.joins.append(body)
            self.answer(server.join_status, {
                "id": 12, "secret": "hush", "cluster": CLUSTER,
                "public_key": server.keys.public, "detail": "no more of you"})
        elif self.path == "/api/v1/nodes/12/heartbeat":
            if server.on_beat:
                server.on_beat(body)
            with server.beaten:
                server.beats.append((self.headers["Authorization"], body))
                status = 400 if server.refuses_figures and body["stats"] else server.beat_status
                server.beaten.notify_all()
            server.stuck.wait(WAIT)
            known = body["revocations"]
            page = server.revoked[known:known + 500]
            self.answer(status, {
                "state": "up", "interval": 1, "complete": server.complete, "revocations": known + len(page),
                "revoked": [s if isinstance(s, dict) else {"session": s, "until": 1 << 40} for s in page]})
            self.close_connection |= server.hangs_up
        else:
            self.answer(404, {})
