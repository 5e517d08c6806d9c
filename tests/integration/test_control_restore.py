#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A catalog that is missing, empty, older or of another cluster: nothing is destroyed on a guess."""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import unittest
import urllib.error
import urllib.request

import cluster
from cluster import wait_for
from gst_cluster import EXERCISE, GstCase

SIZE = 300000


def content(seed):
    return bytes((seed + i * 7) % 251 for i in range(SIZE))


class Restore(cluster.TestCase):
    nodes = 1
    control_options = {"unit": "16KiB", "extent": "64KiB", "default-redundancy": "1+0"}

    @property
    def data(self):
        return self.cluster.control.data

    def control(self, *options):
        """Runs pmss-control to its end; returns status and what it said."""
        done = subprocess.run([self.cluster.control.program, "--listen=127.0.0.1:0", "--data=%s" % self.data, *options],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def assert_refused(self, *words):
        status, said = self.control()
        self.assertEqual(status, 69, said)
        for word in words:
            self.assertIn(word, said)

    def files(self):
        return {str(path.relative_to(self.data)): path.read_bytes()
                for folder in ("originals", "uploads") for path in (self.data / folder).rglob("*") if path.is_file()}

    def catalog_files(self):
        return [file for file in self.data.iterdir() if file.name.startswith("catalog.db")]

    def keep_away(self, *paths):
        """Moves them out of the folder; returns a function that puts them back."""
        away = self.cluster.folder / "away"
        away.mkdir()
        for path in paths:
            shutil.move(path, away / path.name)

        def put_back():
            for path in paths:
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.exists():
                    path.unlink()
                shutil.move(away / path.name, path)
            away.rmdir()
        return put_back

    def setUp(self):
        if not self.cluster.control.running():
            self.cluster.control.start()
            self.cluster.wait_nodes()

    def put_original(self, name, seed):
        self.cluster.add(name, content(seed), keep_original="true")

    def unfinished(self, name, bytes_):
        """An upload in pieces of which these bytes came."""
        status, headers, _ = self.cluster.request("POST", "/api/v1/uploads", headers={
            "Tus-Resumable": "1.0.0", "Upload-Length": str(2 * len(bytes_)),
            "Upload-Metadata": cluster.encode_metadata(name=name)})
        self.assertEqual(status, 201)
        status, _, _ = self.cluster.request("PATCH", headers["Location"], bytes_, {
            "Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"})
        self.assertEqual(status, 204)
        return headers["Location"]

    @contextlib.contextmanager
    def rows(self):
        """The catalog of a server that is stopped."""
        with contextlib.closing(sqlite3.connect(self.data / "catalog.db")) as database, database:
            yield database

    def test_missing(self):
        """Without its catalog, or with an empty one, the folder is refused, and not a byte of it changes."""
        self.put_original("missing", 1)
        self.cluster.control.kill()
        before = self.files()
        put_back = self.keep_away(*self.catalog_files())
        self.assert_refused("Is the disk mounted?", "--check-restore")
        (self.data / "catalog.db").touch()
        self.assert_refused("Is the disk mounted?")
        self.assertEqual(self.files(), before)
        self.assertEqual([file.stat().st_size for file in self.catalog_files()], [0])

        # a catalog of nobody: valid, and empty
        (self.data / "catalog.db").unlink()
        shutil.copy(self.fresh() / "catalog.db", self.data / "catalog.db")
        self.assert_refused("is of the cluster")
        self.assertEqual(self.files(), before)
        put_back()

    def fresh(self):
        """The folder of another cluster, stopped."""
        other = cluster.Server("fresh", self.cluster.control.program, self.cluster.folder, {})
        other.start()
        other.stop()
        return other.data

    def test_keys_missing(self):
        """Keys are not made anew beside a catalog: every storage server would refuse them."""
        self.cluster.control.kill()
        put_back = self.keep_away(self.data / "keys")
        self.assert_refused("no keys", "backup")
        self.assertFalse((self.data / "keys").exists())
        put_back()

    def test_keys_open(self):
        self.cluster.control.kill()
        key = self.data / "keys" / "token.key"
        key.chmod(0o644)
        self.assert_refused("chmod")
        key.chmod(0o600)

    def test_unknown_files(self):
        """A file that no row knows is kept."""
        self.cluster.control.stop()
        for folder in ("originals", "uploads"):
            (self.data / folder / "0123").write_bytes(b"who knows")
            (self.data / folder / "lost+found").mkdir(exist_ok=True)
            (self.data / folder / "mine").mkdir(exist_ok=True)
        self.cluster.control.start()
        for folder in ("originals", "uploads"):
            # a folder is none of the server's: it is left alone
            (self.data / folder / "mine").rmdir()
            self.assertEqual((self.data / folder / "set-aside" / "0123").read_bytes(), b"who knows")
            self.assertFalse((self.data / folder / "0123").exists())
            (self.data / folder / "lost+found").rmdir()
        self.assertIn("set-aside/0123", self.cluster.control.tail())

    def test_killed_first_start(self):
        """What a first start had made when it was killed does not keep the next one away."""
        other = cluster.Server("killed", self.cluster.control.program, self.cluster.folder, {})
        other.data.mkdir()
        (other.data / "first-start").touch()
        (other.data / "catalog.db").touch()
        other.start()
        self.assertFalse((other.data / "first-start").exists())
        self.assertTrue((other.data / "admin-password").exists())
        self.assertEqual(other.stop(), 0)

    def test_older(self):
        """A backup put back: refused, then told what it costs, then taken; nothing of what it does not know is deleted until the end is said."""
        c = self.cluster
        self.put_original("old", 2)
        location = self.unfinished("half", content(3))
        c.control.stop()
        backup = c.folder / "backup"
        backup.mkdir()
        for file in self.catalog_files():
            shutil.copy(file, backup / file.name)
        c.control.start()
        self.put_original("new", 4)
        before = c.nodes[0].shards()
        half = location.rsplit("/", 1)[1]
        c.control.stop()
        files = self.files()
        for file in self.catalog_files():
            file.unlink()
        for file in backup.iterdir():
            shutil.copy(file, self.data / file.name)

        self.assert_refused("older copy", "--check-restore", "--restore")
        self.assertEqual(self.files(), files)
        status, said = self.control("--check-restore")
        self.assertEqual(status, 0, said)
        self.assertIn("an older one", said)
        self.assertRegex(said, r"originals: 1 files")
        self.assertIn("ends 1 unfinished uploads", said)
        self.assertEqual(self.files(), files)
        self.assert_refused("older copy")

        with self.rows() as rows:
            for kind in ("repair", "delete"):
                rows.execute("INSERT INTO job (type, medium, medium_name, state, phase, done, total, created, updated)"
                             " VALUES (?, NULL, '', 'queued', '', 0, 0, 1, 1)", (kind,))
        status, said = self.control("--restore")
        self.assertEqual(status, 0, said)
        # a paused repair would keep all others from beginning
        with self.rows() as rows:
            self.assertEqual(dict(rows.execute("SELECT type, state FROM job WHERE created = 1")),
                             {"repair": "queued", "delete": "paused"})
            rows.execute("DELETE FROM job WHERE created = 1")
        c.control.start()
        with self.assertRaises(cluster.Failed):
            c.medium("old")             # all logins have ended
        c.token = c.login("admin", c.password)
        c.wait_nodes()
        self.assertEqual(c.read_back("old"), content(2))
        self.assert_status(404, c.medium, "new")
        kept = {name.rsplit("/", 1)[1]: text for name, text in self.files().items() if "set-aside" in name}
        self.assertIn(content(4), kept.values())
        self.assertEqual(kept[half], content(3))

        # compared, and nothing was deleted though orphan-grace is 0
        wait_for(lambda: self.unknown_shards() > 0, "the comparison")
        self.assertEqual(c.nodes[0].shards(), before)
        # ids that may have been handed out since are not handed out again
        self.assertGreater(c.put("after", b"x" * 10), 1000)
        c.wait_jobs()
        c.control.stop()
        status, said = self.control("--end-restore")
        self.assertEqual(status, 0, said)
        c.control.start()
        wait_for(lambda: len(c.nodes[0].shards()) < len(before), "the unknown shards to go")
        self.assertEqual(c.read_back("old"), content(2))

    def replace_catalog(self, folder):
        for file in self.catalog_files():
            file.unlink()
        for file in folder.iterdir():
            shutil.copy(file, self.data / file.name)

    def copy_catalog(self, name):
        folder = self.cluster.folder / name
        folder.mkdir()
        for file in self.catalog_files():
            shutil.copy(file, folder / file.name)
        return folder

    def check_restore(self):
        status, said = self.control("--check-restore")
        self.assertEqual(status, 0, said)
        return said

    def restore_and_start(self):
        """Takes the catalog that is there; all logins end."""
        status, said = self.control("--restore")
        self.assertEqual(status, 0, said)
        c = self.cluster
        c.control.start()
        c.token = c.login("admin", c.password)
        c.wait_nodes()

    def original_of(self, text):
        """Where the original with that content is."""
        return [name for name, kept in self.files().items() if kept == text and name.startswith("originals/")]

    def test_wrong_backup(self):
        """A backup that is too old sets newer files aside; the right one, put back after it, has them again."""
        c = self.cluster
        c.control.stop()
        wrong = self.copy_catalog("too-old")
        c.control.start()
        self.put_original("newer", 5)
        self.assertEqual(len(self.original_of(content(5))), 1)
        place = self.original_of(content(5))[0]
        c.control.stop()
        right = self.copy_catalog("right")

        self.replace_catalog(wrong)
        self.assertIn("not known to the catalog", self.check_restore())
        self.restore_and_start()
        aside = place.replace("originals/", "originals/set-aside/")
        self.assertEqual(self.original_of(content(5)), [aside])
        c.control.stop()

        self.replace_catalog(right)
        said = self.check_restore()
        self.assertIn("set aside, and goes back: %s" % (self.data / place), said)
        self.assertRegex(said, r"originals: 0 files .* 1 that it names were set aside and go back, 0 are missing")
        self.restore_and_start()
        self.assertEqual(self.original_of(content(5)), [place])
        self.assertEqual(c.read_back("newer"), content(5))
        c.control.stop()
        status, said = self.control("--end-restore")
        self.assertEqual(status, 0, said)
        c.control.start()
        c.wait_nodes()

    def unknown_shards(self):
        _, _, text = self.cluster.request("GET", "/metrics", token=False)
        return sum(int(line.split()[-1]) for line in text.decode().splitlines() if line.startswith("pmss_control_unknown_shards"))

    def test_end_streams(self):
        """What was opened after the backup is nobody's to revoke: on demand all streams end, and who may opens anew."""
        c = self.cluster
        c.add("streamed", content(9))
        c.control.stop()
        backup = self.copy_catalog("backup-of-streams")
        c.control.start()
        c.wait_nodes()
        session = c.session("streamed")
        self.assertEqual(self.read_shard(session), 200)
        c.control.stop()
        self.replace_catalog(backup)
        for wrong in (("--end-streams",), ("--check-restore", "--end-streams"), ("--end-restore", "--end-streams")):
            status, said = self.control(*wrong)
            self.assertEqual(status, 64, said)
        status, said = self.control("--restore", "--end-streams")
        self.assertEqual(status, 0, said)
        self.assertEqual(self.read_shard(session), 200)
        c.control.start()
        wait_for(lambda: self.read_shard(session) == 401, "the stream to end")
        c.token = c.login("admin", c.password)
        wait_for(lambda: self.read_shard(c.session("streamed")) == 200, "a new stream")
        c.control.stop()
        status, said = self.control("--end-restore")
        self.assertEqual(status, 0, said)

    def read_shard(self, session):
        """The status of a read of a shard at its node."""
        request = urllib.request.Request("http://127.0.0.1:%d/v1/shards/%s-00000000.0" % (self.cluster.nodes[0].port, session["layout"]["version"]),
                                         headers={"Authorization": "Bearer " + session["token"]})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def test_one_at_a_time(self):
        """Two commands are none: what is only to be looked at is not restored as well."""
        self.cluster.control.kill()
        for pair in (("--check-restore", "--restore"), ("--restore", "--end-restore")):
            status, said = self.control(*pair)
            self.assertEqual(status, 64, said)
            for option in pair:
                self.assertIn(option, said)

    def test_nothing_to_restore(self):
        folder = self.cluster.folder / "nothing"
        folder.mkdir()
        status, said = self.control("--data=%s" % folder, "--restore")
        self.assertEqual(status, 69, said)
        self.assertIn("nothing to restore", said)
        self.assertEqual(os.listdir(folder), ["lock"])


class Players(GstCase):
    """What viewers notice of a restored catalog."""
    nodes = 3
    control_options = {"unit": "16KiB", "extent": "256KiB", "lease": "3"}
    plugins = ("coreelements", "app")

    def test_end_streams(self):
        """A player that has a password opens anew by itself, and goes on where it was."""
        c = self.cluster
        path = c.folder / "content"
        path.write_bytes(random.Random(1).randbytes(6000000))
        self.add_file("content", path, redundancy="2+1")
        c.api("POST", "/users", {"name": "viewer", "password": "correct-horse", "role": "viewer"}, 201)
        c.control.stop()
        data, backup = c.control.data, c.folder / "backup"
        backup.mkdir()
        for file in data.glob("catalog.db*"):
            shutil.copy(file, backup / file.name)
        c.control.start()
        c.wait_nodes()
        variables = self.variables()
        del variables["PMSS_TOKEN"]
        process = subprocess.Popen([str(EXERCISE), "watch", self.uri("content", "viewer:correct-horse@"), "read-ahead=262144", "cache-size=524288"],
                                   env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "first buffer\n")
        c.control.stop()
        for file in data.glob("catalog.db*"):
            file.unlink()
        for file in backup.iterdir():
            shutil.copy(file, data / file.name)
        for command in ("--restore", "--end-streams"), ("--end-restore",):
            subprocess.run([c.control.program, "--data=%s" % data, *command], check=True, timeout=60, stdout=subprocess.DEVNULL)
        c.control.start()
        c.token = c.login("admin", c.password)
        c.wait_nodes()
        for node in c.nodes:
            wait_for(lambda node=node: '"user":""' in (node.data / "revocations.json").read_text(), "the cut to be told")
        wait_for(lambda: [session["user"] for session in c.api("GET", "/sessions")["sessions"]] == ["viewer"], "the player to open anew")
        out, _ = process.communicate("\n", timeout=60)
        self.assertIn("bytes 6000000\n", out)
        self.assertNotRegex(out, r"(?m)^error ")


class UploadsOfABackup(cluster.TestCase):
    nodes = 1
    control_options = {"default-redundancy": "1+0", "unit": "4KiB", "extent": "16KiB"}

    def test_uploads_belong_to_it(self):
        """What was acknowledged and not striped: without uploads/ its job fails and says why; with them it goes on."""
        node, control = self.cluster.nodes[0], self.cluster.control
        node.stop()
        self.cluster.wait_nodes()
        job = self.cluster.put("waits", b"x" * 99999)
        cluster.wait_for(lambda: self.cluster.job(job)["state"] == "waiting", "the job to wait")
        control.stop()
        backup, uploads = self.cluster.folder / "backup", control.data / "uploads"
        shutil.copytree(uploads, backup)
        for file in backup.iterdir():
            (uploads / file.name).unlink()
        control.start()
        node.start()
        self.cluster.wait_nodes()
        cluster.wait_for(lambda: self.cluster.job(job)["state"] == "failed", "the job to fail")
        self.assertIn("upload's file cannot be read", self.cluster.job(job)["error"])
        for file in backup.iterdir():
            shutil.copy2(file, uploads)
        self.cluster.api("POST", "/jobs/%d/resume" % job)
        self.cluster.wait_job(job)
        self.assertEqual(self.cluster.medium("waits")["state"], "ready")


if __name__ == "__main__":
    unittest.main()
