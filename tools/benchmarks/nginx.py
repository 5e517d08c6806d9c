# SPDX-License-Identifier: LGPL-2.1-or-later
"""nginx as one would set it up to serve files: sendfile, no logs."""

import os
import socket
import subprocess
import time

from . import accounting

CONFIG = """
daemon off;
%(user)s
worker_processes auto;
worker_rlimit_nofile 8192;
pid %(folder)s/nginx.pid;
error_log %(folder)s/nginx-error.log warn;
events { worker_connections 4096; }
http {
  include /etc/nginx/mime.types;
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  client_body_temp_path %(folder)s/nginx-temp;
  proxy_temp_path %(folder)s/nginx-temp;
  fastcgi_temp_path %(folder)s/nginx-temp;
  uwsgi_temp_path %(folder)s/nginx-temp;
  scgi_temp_path %(folder)s/nginx-temp;
  server { listen %(address)s:%(port)d; root %(root)s; }
}
"""


class Nginx:
    """Serves @root at @url. @prefix: words to start it with, ("ip", "netns", ...)."""

    def __init__(self, folder, root, address="127.0.0.1", prefix=()):
        self.folder = folder
        self.root = root
        self.address = address
        self.prefix = list(prefix)
        self.process = None
        self.port = 0

    def start(self):
        for _ in range(5):
            self.port = free_port()
            self.launch()
            if self.wait_listening():
                return self
        raise RuntimeError("nginx does not start: " + (self.folder / "nginx-error.log").read_text()[-2000:])

    def launch(self):
        # root, because the files are in a folder of ours that the usual user of the workers may not enter
        user = "user root;" if os.getuid() == 0 else ""
        config = self.folder / "nginx.conf"
        config.write_text(CONFIG % {"user": user, "folder": self.folder, "root": self.root, "address": self.address, "port": self.port})
        self.process = subprocess.Popen([*self.prefix, "nginx", "-c", str(config), "-e", str(self.folder / "nginx-error.log")],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait_listening(self, deadline=10):
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            try:
                socket.create_connection((self.address, self.port), 1).close()
                return True
            except ConnectionRefusedError:
                time.sleep(0.02)
        self.stop()
        return False

    @property
    def url(self):
        return "http://%s:%d" % (self.address, self.port)

    def processes(self):
        return accounting.Processes(lambda: [self.process.pid, *accounting.children(self.process.pid)])

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def free_port():
    """nginx cannot be told to take any port: this one was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
