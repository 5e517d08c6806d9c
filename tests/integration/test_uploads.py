#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads by plain PUT and by tus 1.0, against a real control server. What becomes of them afterwards is test_ingest.py's."""

import hashlib
import json
import os
import random
import socket
import sqlite3
import subprocess
import unittest

import cluster
from cluster import encode_metadata, encode_name, wait_for

TYPE = "application/offset+octet-stream"


class Uploads(cluster.TestCase):
    nodes = 3
    control_options = {"unit": "4KiB", "extent": "64KiB", "default-redundancy": "2+1",
                       "max-upload": "64MiB"}

    def tus(self, method, path, body=None, version="1.0.0", **headers):
        headers = {key.replace("_", "-"): str(value) for key, value in headers.items()}
        if version:
            headers["Tus-Resumable"] = version
        if method in ("POST", "PATCH") and body is None:
            headers["Content-Length"] = "0"
        status, answer, text = self.cluster.request(method, path, body, headers)
        return status, answer, text

    def create(self, name, size, **metadata):
        status, headers, text = self.tus("POST", "/api/v1/uploads", Upload_Length=size,
                                         Upload_Metadata=encode_metadata(name=name, **metadata))
        self.assertEqual(status, 201, text)
        self.assertEqual(headers["Tus-Resumable"], "1.0.0")
        return headers["Location"], headers

    def patch(self, path, offset, data, status=204):
        got, headers, text = self.tus("PATCH", path, data, Upload_Offset=offset, Content_Type=TYPE)
        self.assertEqual(got, status, text)
        return headers

    def offset(self, path):
        status, headers, _ = self.tus("HEAD", path)
        self.assertEqual(status, 200)
        self.assertEqual(headers["Cache-Control"], "no-store")
        return int(headers["Upload-Offset"])

    def begin_patch(self, path, offset, length, data, method="PATCH", fields=""):
        """Sends the head and a part of the body, and leaves the rest open."""
        connection = socket.create_connection(("127.0.0.1", self.cluster.control.port))
        head = ("%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                "Tus-Resumable: 1.0.0\r\nUpload-Offset: %d\r\nContent-Type: %s\r\n"
                "%sContent-Length: %d\r\n\r\n"
                % (method, path, self.cluster.token, offset, TYPE, fields, length))
        connection.sendall(head.encode() + data)
        return connection

    def file_of(self, path):
        return self.cluster.control.data / "uploads" / path.rsplit("/", 1)[1]

    # plain PUT

    def test_curl(self):
        source = self.cluster.folder / "source"
        content = random.Random(1).randbytes(200001)
        source.write_bytes(content)
        name = "films/ä b%2F'\"\u00b5.bin"
        answer = subprocess.run(
            ["curl", "-sS", "-f", "-T", str(source), "-H", "Authorization: Bearer " + self.cluster.token,
             self.cluster.url + "/api/v1/media/" + encode_name(name) + "?title=A%20b"],
            check=True, stdout=subprocess.PIPE, timeout=30)
        found = json.loads(answer.stdout)
        self.assertEqual(found["medium"]["name"], name)
        self.assertEqual(found["medium"]["state"], "ingesting")
        self.cluster.wait_job(found["job"])
        medium = self.cluster.medium(name)
        self.assertEqual(medium["state"], "ready")
        self.assertEqual(medium["title"], "A b")
        self.assertEqual(medium["sha256"], hashlib.sha256(content).hexdigest())
        self.assertEqual(self.cluster.read_back(name), content)
        self.assertEqual(list((self.cluster.control.data / "uploads").glob("*")), [])

    def test_put_cut_off(self):
        """A PUT that breaks off leaves neither name nor file."""
        connection = self.begin_patch("/api/v1/media/cut", 0, 1 << 20, bytes(100000), "PUT")
        wait_for(lambda: self.listed("cut"), "the upload")
        self.assert_status(409, self.cluster.put, "cut", b"x")
        connection.close()
        wait_for(lambda: not self.listed("cut"), "the upload to go")
        self.assert_status(404, self.cluster.medium, "cut")
        self.cluster.add("cut", b"x")

    def listed(self, name):
        return [u for u in self.cluster.api("GET", "/uploads")["uploads"] if u["name"] == name]

    def test_put_refused(self):
        self.cluster.add("taken", b"1")
        self.assert_status(409, self.cluster.put, "taken", b"2")
        for name in ("../etc/passwd", "a/../b", "a//b", "a/", ".", "a\\b", "a\u0085b", "x" * 256):
            self.assert_status(400, self.cluster.put, name, b"x")
        for query in ({"redundancy": "9"}, {"redundancy": "17+1"}, {"keep_original": "maybe"},
                      {"content_type": "nothing"}, {"content_type": "a/b\r\nX: y"},
                      {"title": "a\nb"}):
            self.assert_status(400, self.cluster.put, "refused", b"x", **query)
        connection = self.begin_patch("/api/v1/media/large", 0, (64 << 20) + 1, b"", "PUT")
        self.assertIn(b" 413 ", connection.recv(1000))
        connection.close()
        self.assertEqual(self.cluster.request("PUT", "/api/v1/media/x", b"", token=False)[0], 401)

    def test_empty(self):
        medium = self.cluster.add("empty", b"")
        self.assertEqual((medium["size"], medium["state"]), (0, "ready"))
        self.assertEqual(self.cluster.read_back("empty"), b"")

    # tus

    def test_options(self):
        status, headers, _ = self.cluster.request("OPTIONS", "/api/v1/uploads", token=False)
        self.assertEqual(status, 204)
        self.assertEqual(headers["Tus-Version"], "1.0.0")
        self.assertEqual(headers["Tus-Extension"], "creation,termination,expiration")
        self.assertEqual(headers["Tus-Max-Size"], str(64 << 20))

    def test_version(self):
        for version in (None, "0.2.2", "1.0.0 "):
            for method, path in (("POST", "/api/v1/uploads"), ("HEAD", "/api/v1/uploads/x"),
                                 ("PATCH", "/api/v1/uploads/x"), ("DELETE", "/api/v1/uploads/x")):
                if version == "1.0.0 ":
                    continue    # white space around a header's value is not a part of it
                status, headers, _ = self.tus(method, path, version=version)
                self.assertEqual(status, 412, method)
                self.assertEqual(headers["Tus-Version"], "1.0.0")

    def test_pieces(self):
        content = random.Random(2).randbytes(300000)
        path, headers = self.create("pieces/\u00fc.bin", len(content), redundancy="1+2", title="T")
        self.assertIn("Upload-Expires", headers)
        self.assertEqual(self.offset(path), 0)
        at = 0
        for length in (1, 4096, 99999, 0, 150000):
            headers = self.patch(path, at, content[at:at + length])
            at += length
            self.assertEqual(int(headers["Upload-Offset"]), at)
            self.assertEqual(self.offset(path), at)
            self.assertNotIn("Pmss-Job", headers)
        _, headers, _ = self.tus("HEAD", path)
        self.assertEqual(headers["Upload-Length"], str(len(content)))
        self.assertIn(encode_metadata(name="pieces/\u00fc.bin"), headers["Upload-Metadata"])
        headers = self.patch(path, at, content[at:])
        self.cluster.wait_job(int(headers["Pmss-Job"]))
        self.assertEqual(self.cluster.read_back("pieces/\u00fc.bin"), content)
        self.assertEqual(self.cluster.medium("pieces/\u00fc.bin")["redundancy"], "1+2")
        self.assertEqual(self.tus("HEAD", path)[0], 404)

    def test_wrong_patches(self):
        path, _ = self.create("wrong", 1000)
        self.patch(path, 0, bytes(100))
        self.patch(path, 0, bytes(10), 409)
        self.patch(path, 101, bytes(10), 409)
        self.assertEqual(self.tus("PATCH", path, b"x", Upload_Offset=100, Content_Type="text/plain")[0], 415)
        self.assertEqual(self.tus("PATCH", path, b"x", Upload_Offset=100)[0], 415)
        for offset in ("", "-1", "+100", "0x64", "1e2", "99999999999999999999"):
            self.assertEqual(self.tus("PATCH", path, b"x", Upload_Offset=offset, Content_Type=TYPE)[0], 400)
        self.patch(path, 100, bytes(901), 413)
        self.assertEqual(self.offset(path), 100)
        self.patch("/api/v1/uploads/" + "0" * 32, 0, b"x", 404)
        self.assertEqual(self.tus("DELETE", path)[0], 204)

    def test_wrong_creations(self):
        def status(**headers):
            return self.tus("POST", "/api/v1/uploads", **headers)[0]
        good = encode_metadata(name="wrong-creation")
        self.assertEqual(status(Upload_Metadata=good), 400)
        self.assertEqual(status(Upload_Metadata=good, Upload_Length="x"), 400)
        self.assertEqual(status(Upload_Metadata=good, Upload_Defer_Length=1), 400)
        self.assertEqual(status(Upload_Metadata=good, Upload_Length=(64 << 20) + 1), 413)
        for bad in ("", "title eA==", "name", "name ====", "name e", "name eA==,name eA==", "name eA= =",
                    "name e\u00e4==".encode().decode("latin-1"), ",", "name eA== x", "name /w==",
                    "name YQBi", encode_metadata(name="../x"), encode_metadata(name="x", redundancy="0+1"),
                    ",".join("k%d" % i for i in range(40))):
            self.assertEqual(status(Upload_Metadata=bad, Upload_Length=1), 400, bad)

    def test_too_few_nodes(self):
        """What no placement could be found for is refused before a byte is sent; storage servers that are down count."""
        status, _, text = self.tus("POST", "/api/v1/uploads", Upload_Length=1,
                                   Upload_Metadata=encode_metadata(name="wide", redundancy="6+2"))
        self.assertEqual(status, 507)
        self.assertRegex(json.loads(text)["detail"], r"6\+2 needs 8 storage servers, and 3 have joined")
        connection = self.begin_patch("/api/v1/media/wide?redundancy=3%2B1", 0, 1 << 20, b"", "PUT",
                                      "Expect: 100-continue\r\n")
        self.assertIn(b" 507 ", connection.recv(1000))
        connection.close()
        self.assert_status(404, self.cluster.medium, "wide")
        self.cluster.add("wide but empty", b"", redundancy="6+2")

        node = self.cluster.nodes[0]
        node.stop()
        self.cluster.wait_nodes()
        path, _ = self.create("soon", 1)
        self.assertEqual(self.tus("DELETE", path)[0], 204)
        node.start()
        self.cluster.wait_nodes()

    def test_name_is_taken_from_creation(self):
        """Others are told whose it is; one's own that nobody writes to gives way."""
        first, _ = self.create("mine", 10)
        self.patch(first, 0, b"1234")
        admin, password = self.cluster.token, "another password"
        self.cluster.api("POST", "/users", {"name": "other", "password": password, "role": "operator"}, 201)
        self.cluster.token = self.cluster.login("other", password)
        try:
            status, _, text = self.tus("POST", "/api/v1/uploads", Upload_Length=5, Upload_Metadata=encode_metadata(name="mine"))
            self.assertEqual(status, 409)
            self.assertRegex(json.loads(text)["detail"], r"unfinished upload of user “admin”: 4.bytes of 10.bytes are here, kept until 2")
            self.assert_status(409, self.cluster.put, "mine", b"x")
        finally:
            self.cluster.token = admin
        self.assertEqual(self.offset(first), 4)
        writer = self.begin_patch(first, 4, 6, b"5")
        # before that a question of ours could be in the writer's way
        wait_for(lambda: self.file_of(first).stat().st_size == 5, "the writer")
        self.assertEqual(self.tus("PATCH", first, b"x", Upload_Offset=9, Content_Type=TYPE)[0], 423)
        self.assertEqual(self.tus("POST", "/api/v1/uploads", Upload_Length=5,
                                  Upload_Metadata=encode_metadata(name="mine"))[0], 409)
        writer.close()
        wait_for(lambda: self.tus("PATCH", first, b"x", Upload_Offset=9, Content_Type=TYPE)[0] == 409, "the writer to go")
        path, _ = self.create("mine", 10)
        self.assertEqual(self.tus("HEAD", first)[0], 404)
        self.assertFalse(self.file_of(first).exists())
        self.assertEqual(self.cluster.medium("mine")["state"], "uploading")
        self.assertTrue(self.file_of(path).exists())
        self.assertEqual(self.tus("DELETE", path)[0], 204)
        self.assertFalse(self.file_of(path).exists())
        self.assertEqual(self.tus("DELETE", path)[0], 404)
        self.cluster.add("mine", b"x")

    def test_cut_and_restart(self):
        """Cut half-way, then control is killed: what was acknowledged is there, and the upload goes on."""
        content = random.Random(3).randbytes(3 << 20)
        path, _ = self.create("resumed", len(content))
        self.patch(path, 0, content[:1000000])
        connection = self.begin_patch(path, 1000000, 2000000, content[1000000:1500000])
        wait_for(lambda: self.file_of(path).stat().st_size >= 1500000, "the piece")
        connection.close()
        offset = wait_for(lambda: self.offset(path) > 1000000 and self.offset(path), "what came to count")
        self.assertEqual(offset, 1500000)
        self.cluster.restart_control()
        self.assertEqual(self.offset(path), offset)
        self.patch(path, offset, content[offset:2 << 20])
        # killed in the middle of a piece: at least what was acknowledged before
        connection = self.begin_patch(path, 2 << 20, 1 << 20, content[2 << 20:(2 << 20) + 300000])
        wait_for(lambda: self.file_of(path).stat().st_size >= (2 << 20) + 300000, "the piece")
        self.cluster.restart_control()
        connection.close()
        offset = self.offset(path)
        self.assertGreaterEqual(offset, 2 << 20)
        headers = self.patch(path, offset, content[offset:])
        self.cluster.wait_nodes()
        self.cluster.wait_job(int(headers["Pmss-Job"]))
        self.assertEqual(self.cluster.read_back("resumed"), content)

    def test_one_writer(self):
        path, _ = self.create("contended", 100000)
        connection = self.begin_patch(path, 0, 100000, bytes(1000))
        wait_for(lambda: self.file_of(path).stat().st_size >= 1000, "the first writer")
        # what counts is what is on the disk
        self.assertEqual(self.offset(path), 0)
        self.patch(path, 0, b"x" * 10, 423)
        self.assertEqual(self.tus("DELETE", path)[0], 423)
        connection.close()
        wait_for(lambda: self.offset(path) == 1000, "the first writer to end")
        # whoever goes by the offset of before overwrites nothing; what came counts a moment before the first writer has gone
        wait_for(lambda: self.tus("PATCH", path, b"x" * 10, Upload_Offset=0, Content_Type=TYPE)[0] == 409, "a refusal")
        self.assertEqual(self.file_of(path).read_bytes()[:1000], bytes(1000))
        self.assertEqual(self.patch(path, 1000, b"x" * 10)["Upload-Offset"], "1010")
        wait_for(lambda: self.tus("DELETE", path)[0] == 204, "the deletion")

    def test_delete_medium_while_uploading(self):
        path, _ = self.create("deleted", 100000)
        self.patch(path, 0, bytes(1000))
        self.cluster.delete("deleted")
        self.cluster.wait_jobs()
        self.assertEqual(self.tus("HEAD", path)[0], 404)
        self.assertFalse(self.file_of(path).exists())
        self.assert_status(404, self.cluster.delete, "deleted")

    def test_put_killed(self):
        """A plain PUT that control's end cut off is undone at the next start; a tus upload stays."""
        path, _ = self.create("stays", 1000)
        connection = self.begin_patch("/api/v1/media/undone", 0, 1 << 20, bytes(1000), "PUT")
        wait_for(lambda: self.listed("undone"), "the upload")
        (self.cluster.control.data / "uploads" / "stray").write_bytes(b"x")
        self.cluster.restart_control()
        connection.close()
        self.assertEqual([u["name"] for u in self.cluster.api("GET", "/uploads")["uploads"]
                          if u["name"] in ("stays", "undone")], ["stays"])
        self.assertFalse((self.cluster.control.data / "uploads" / "stray").exists())
        self.assertEqual(self.tus("DELETE", path)[0], 204)

    def test_roles(self):
        self.cluster.api("POST", "/users", {"name": "viewer", "password": "correct horse", "role": "viewer"}, 201)
        token = self.cluster.login("viewer", "correct horse")
        headers = {"Authorization": "Bearer " + token}
        for method, path in (("PUT", "/api/v1/media/x"), ("DELETE", "/api/v1/media/x"), ("GET", "/api/v1/uploads"),
                             ("POST", "/api/v1/uploads"), ("GET", "/api/v1/jobs"), ("POST", "/api/v1/jobs/1/cancel")):
            self.assertEqual(self.cluster.request(method, path, headers=dict(headers))[0], 403, path)


class Expiry(cluster.TestCase):
    nodes = 1
    control_options = {"upload-lifetime": "60", "default-redundancy": "1+0"}

    def test_expires(self):
        """An upload whose time is up is unknown at once, and gone after the next start."""
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10",
                   "Upload-Metadata": encode_metadata(name="old"), "Content-Length": "0"}
        status, answer, _ = self.cluster.request("POST", "/api/v1/uploads", None, headers)
        self.assertEqual(status, 201)
        # time passes
        self.cluster.control.stop()
        database = sqlite3.connect(self.cluster.control.data / "catalog.db")
        database.execute("UPDATE upload SET expires = expires - 61")
        database.commit()
        database.close()
        self.cluster.control.start()
        wait_for(lambda: not self.cluster.api("GET", "/uploads")["uploads"], "the expiry")
        self.assertEqual(self.cluster.request("HEAD", answer["Location"], None, {"Tus-Resumable": "1.0.0"})[0], 404)
        self.assertEqual(os.listdir(self.cluster.control.data / "uploads"), [])
        self.assert_status(404, self.cluster.medium, "old")


class Space(cluster.TestCase):
    nodes = 1
    control_options = {"min-free": "1TiB", "default-redundancy": "1+0"}

    def test_no_room(self):
        """What the disk cannot hold is refused before a byte is sent."""
        self.assert_status(507, self.cluster.put, "x", b"x")
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10",
                   "Upload-Metadata": encode_metadata(name="x"), "Content-Length": "0"}
        self.assertEqual(self.cluster.request("POST", "/api/v1/uploads", None, headers)[0], 507)
        self.assert_status(404, self.cluster.medium, "x")

    def test_taken_name(self):
        """... but of a taken name that is what is told: room would be of no use."""
        self.cluster.control.stop()
        self.cluster.control.start(**{"min-free": "0"})
        self.cluster.wait_nodes()
        self.cluster.add("taken", b"x")
        self.cluster.restart_control()
        self.assert_status(409, self.cluster.put, "taken", b"x")
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10",
                   "Upload-Metadata": encode_metadata(name="taken"), "Content-Length": "0"}
        self.assertEqual(self.cluster.request("POST", "/api/v1/uploads", None, headers)[0], 409)


if __name__ == "__main__":
    unittest.main(verbosity=2)
