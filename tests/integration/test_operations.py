#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What docs/operations.md tells administrators to do: the recipe for a reverse proxy and the systemd units."""

import http.client
import os
import pathlib
import random
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

import cluster
from cluster import BUILD, wait_for

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "operations.md"
# 12: "systemd-analyze security rates them at 1.1 and 1.2"
EXPOSURE = "12"

CONFIG = """
daemon off;
%(user)s
pid nginx.pid;
error_log error.log warn;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
%(server)s
}
"""


def free_port():
    """nginx cannot be told to take any port: this one was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@unittest.skipUnless(shutil.which("nginx") and shutil.which("openssl"), "needs nginx and openssl")
class Proxy(cluster.TestCase):
    nodes = 3
    control_options = {"unit": "4KiB", "extent": "64KiB", "default-redundancy": "2+1",
                       "public-url": "https://media.example.org"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = None
        cls.proxy_folder = cls.cluster.folder / "nginx"
        cls.proxy_folder.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "media.key", "-out", "media.crt"],
                       cwd=cls.proxy_folder, check=True, stderr=subprocess.DEVNULL)
        for _ in range(5):
            cls.start_proxy()
            if wait_for(cls.answers_or_ended, "nginx") == "answers":
                return
        raise RuntimeError((cls.proxy_folder / "error.log").read_text())

    @classmethod
    def tearDownClass(cls):
        if cls.proxy and cls.proxy.poll() is None:
            cls.proxy.terminate()
            cls.proxy.wait(30)
        super().tearDownClass()

    @classmethod
    def start_proxy(cls):
        """With the recipe as it stands in the docs, but for addresses and files."""
        recipe = re.search(r"```\n(server \{.*?\n\})\n```", DOCS.read_text(), re.S)[1]
        cls.port = free_port()
        for of_docs, here in (("listen 443 ssl;", "listen 127.0.0.1:%d ssl;" % cls.port),
                              ("/etc/ssl/media.crt", "media.crt"), ("/etc/ssl/media.key", "media.key"),
                              ("http://127.0.0.1:8470", "http://127.0.0.1:%d" % cls.cluster.control.port),
                              ("/var/log/nginx/media.log", "access.log"), ("/var/log/nginx/media.error", "media.error")):
            assert of_docs in recipe, of_docs
            recipe = recipe.replace(of_docs, here)
        user = "user root;" if os.getuid() == 0 else ""
        log_format = re.search(r"```\n(log_format .*;)\n```", DOCS.read_text())[1]
        (cls.proxy_folder / "nginx.conf").write_text(CONFIG % {"user": user, "server": log_format + "\n" + recipe})
        cls.proxy = subprocess.Popen(["nginx", "-p", str(cls.proxy_folder), "-c", "nginx.conf", "-e", "error.log"],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @classmethod
    def answers_or_ended(cls):
        if cls.proxy.poll() is not None:
            return "ended"
        try:
            cls.connect().close()
        except OSError:
            return None
        return "answers"

    @classmethod
    def connect(cls):
        context = ssl.create_default_context(cafile=cls.proxy_folder / "media.crt")
        plain = socket.create_connection(("127.0.0.1", cls.port), 30)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def pmss(self, *arguments, **variables):
        environment = {**os.environ, "PMSS_URL": "https://127.0.0.1:%d" % self.port, "PMSS_TOKEN": self.cluster.token,
                       "GST_REGISTRY_1_0": str(self.cluster.folder / "registry.bin"), "GST_REGISTRY_FORK": "no",
                       "XDG_CONFIG_HOME": str(self.cluster.folder / "config"), **variables}
        return subprocess.run([str(BUILD / "tools" / "pmss"), *map(str, arguments), "--ca-file",
                               str(self.proxy_folder / "media.crt")], env=environment, check=True,
                              stdout=subprocess.PIPE, timeout=100).stdout

    def test_command_line(self):
        """Login is by token here; upload (tus), list and reading go through the proxy, the media do not."""
        source = self.cluster.folder / "source"
        target = self.cluster.folder / "target"
        source.write_bytes(random.Random(1).randbytes(5000001))
        self.pmss("put", source, "films/ä b.bin")
        self.assertIn("films/ä b.bin", self.pmss("ls").decode())
        self.pmss("get", "films/ä b.bin", target)
        self.assertEqual(target.read_bytes(), source.read_bytes())
        uri = self.pmss("play", "--print-uri", "films/ä b.bin").decode()
        self.assertTrue(uri.startswith("pmsss://127.0.0.1:%d/films/" % self.port), uri)
        self.pmss("play", "films/ä b.bin", "--save=%s" % target)
        self.assertEqual(target.read_bytes(), source.read_bytes())

    def test_links(self):
        """Links are of the public URL, work through the proxy, and are in none of its logs."""
        self.cluster.add("linked", b"x" * 1000)
        url = self.cluster.api("POST", "/links", {"medium": "linked"}, 201)["url"]
        base = "https://media.example.org"
        self.assertTrue(url.startswith(base + "/media/linked?link="), url)
        self.assertEqual(self.get(url[len(base):])[0], 307)
        self.assertEqual(self.get(url[len(base):] + "x")[0], 403)
        secret = url.partition("link=")[2]
        wait_for(lambda: (self.proxy_folder / "access.log").read_text().count("/media/linked") >= 2, "the proxy's log")
        for file in self.proxy_folder.iterdir():
            if file.is_file():
                self.assertNotIn(secret.encode(), file.read_bytes(), file)

    def get(self, path, headers=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=ssl.create_default_context(
            cafile=self.proxy_folder / "media.crt"))
        self.addCleanup(connection.close)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def test_metrics_stay_in(self):
        """Control gives them to its own machine, and the proxy is there; however they are spelt."""
        self.assertEqual(self.cluster.request("GET", "/metrics", token=False)[0], 200)
        self.assertEqual(self.get("/healthz")[0], 200)
        for path in ("/metrics", "/metrics?x=1", "//metrics", "/./metrics", "/%6detrics", "/api/../metrics", "/metrics/"):
            status, text = self.get(path)
            self.assertIn(status, (400, 404), path)
            self.assertNotIn(b"pmss_control_", text, path)

    def test_public_url(self):
        """It is what other machines are told; a URL is a host's, and a path behind it is refused."""
        self.assertIn("--control=https://media.example.org ", self.pmss("node", "add").decode())
        self.assertEqual(self.cluster.api("GET", "/cluster")["public_url"], "https://media.example.org")
        self.assertEqual(self.get("/api/v1/media")[0], 401)
        done = subprocess.run([str(BUILD / "tools" / "pmss"), "--server=https://127.0.0.1:%d/pmss" % self.port, "ls"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertIn("a path after host and port", done.stderr)

    def test_login(self):
        """By password, over the proxy, and remembered with the authority."""
        secret = self.cluster.folder / "secret"
        secret.write_text(self.cluster.password)
        self.pmss("login", "https://127.0.0.1:%d" % self.port, "--user=admin", "--password-file=%s" % secret)
        self.assertIn(b"admin", self.pmss("user", "ls", PMSS_TOKEN=""))

    def test_put_is_passed_on(self):
        """A large body goes on while it comes, and is not kept by the proxy first."""
        size = 8 << 20
        head = ("PUT /api/v1/media/large HTTP/1.1\r\nHost: media.example.org\r\nAuthorization: Bearer %s\r\n"
                "Content-Length: %d\r\nConnection: close\r\n\r\n" % (self.cluster.token, size))
        with self.connect() as connection:
            connection.sendall(head.encode() + bytes(size // 2))
            uploads = self.cluster.control.data / "uploads"
            wait_for(lambda: any(f.stat().st_size > size // 4 for f in uploads.iterdir()), "the first half")
            connection.sendall(bytes(size // 2))
            self.assertIn(b" 202 ", connection.recv(4096))
        self.cluster.wait_jobs()
        self.assertEqual(self.cluster.medium("large")["state"], "ready")


@unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
class Units(unittest.TestCase):
    def check(self, name):
        unit = (BUILD / "data" / (name + ".service")).read_text()
        folder = tempfile.TemporaryDirectory(prefix="pmss-units-")
        self.addCleanup(folder.cleanup)
        # the programs are not installed
        changed = re.sub(r"(?m)^ExecStart=\S+/(\S+)", "ExecStart=/bin/true", unit)
        self.assertNotEqual(changed, unit)
        path = pathlib.Path(folder.name) / (name + ".service")
        path.write_text(changed)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=" + EXPOSURE, str(path)],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout[-300:] + done.stderr)

    def test_control(self):
        self.check("pmss-control")

    def test_storage(self):
        self.check("pmss-storage")


if __name__ == "__main__":
    unittest.main()
