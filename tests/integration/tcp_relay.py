# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stands between a client and a server, and does something to a connection at a certain point."""

import socket
import threading


class Relay:
    """Passes connections on to @target, and cuts the first one that has sent
    @limit bytes; with @then_refuse, every later one at once."""

    def __init__(self, target, limit=float("inf"), then_refuse=False, port=0, at_limit=None):
        self.target, self.limit, self.then_refuse = target, limit, then_refuse
        self.at_limit = at_limit        # called there instead of cutting
        self.cut = False
        self.has_cut = threading.Event()
        self.before_request = None      # (how the request begins, what is called once before it is passed on)
        self.before_answer = None       # called once, when the first answer has come and is not passed on yet
        self.hold_at = float("inf")     # each connection that has sent so many bytes waits there for release
        self.release = threading.Event()
        self.passed = 0                 # bytes to the server, of all connections
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.cut and self.then_refuse:
                client.close()
                continue
            server = socket.create_connection(self.target)
            threading.Thread(target=self.forward, args=(client, server), daemon=True).start()
            threading.Thread(target=self.back, args=(server, client), daemon=True).start()

    def forward(self, client, server):
        sent = 0
        try:
            while data := client.recv(65536):
                sent += len(data)
                if sent > self.hold_at:
                    self.release.wait()
                if not self.cut and sent > self.limit:
                    self.cut = True
                    if not self.at_limit:
                        self.has_cut.set()
                        break
                    self.at_limit()
                    self.has_cut.set()
                if self.before_request and data.startswith(self.before_request[0]):
                    action, self.before_request = self.before_request[1], None
                    action()
                server.sendall(data)
                self.passed += len(data)
        except OSError:
            pass
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def back(self, server, client):
        try:
            while data := server.recv(65536):
                action, self.before_answer = self.before_answer, None
                if action:
                    action()
                client.sendall(data)
        except OSError:
            pass
        client.close()
        server.close()

    def close(self):
        self.listener.close()
