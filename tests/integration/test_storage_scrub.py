#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss-storage reads its shards through, and tells control what has gone bad."""

import ctypes
import json
import mmap
import os
import signal
import time
import unittest

from storage_server import Case, wait_for
from test_storage_faults import bad_disk, times_open
from test_storage_join import Control

UNIT = 4096
RECORD = 128 + UNIT
PIECE = 256 << 10               # is read at a time
LEAST_RATE = 256 << 10          # bytes/s


def pages_in_memory(path):
    """Of each page of the file, whether it is in the page cache. Without reading: even a read that does not wait makes the kernel read ahead."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as pages:
        there = (ctypes.c_ubyte * -(-len(pages) // mmap.PAGESIZE))()
        first = ctypes.c_char.from_buffer(pages)
        failed = ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(len(pages)), there)
        del first
        if failed:
            raise OSError(ctypes.get_errno(), "mincore", str(path))
        return [page & 1 for page in there]


class ScrubCase(Case):
    def control(self):
        control = Control(self.keys)
        self.addCleanup(control.close)
        return control

    def store(self, count=1, size=20000, redundancy="1+0", **options):
        """A server that does not scrub, stopped, and what it has: {name: bytes}."""
        server = self.serve(scrub_period=0, **options)
        shards = {}
        for _ in range(count):
            for name, data in self.shards(size, redundancy=redundancy, unit=UNIT).items():
                self.assertEqual(self.put(server, name, data).status, 201)
                shards[name] = data
        self.assertNotIn("scrub_bytes_total", server.metrics())
        server.stop()
        self.assertFalse((server.data / "scrub.json").exists())
        return server, dict(sorted(shards.items()))

    def scrub(self, server, control=None, period=3600):
        """Starts it again: scrubbing, and a member of @control's cluster."""
        server.options["scrub-period"] = period
        if control:
            for option in ("public-key", "cluster", "node-id"):
                server.options.pop(option, None)
            server.options.update({"control": "http://127.0.0.1:%d" % control.server_port, "join-token": "once"})
        return server.start()

    def path(self, server, name):
        return server.data / "shards" / name[:2] / name

    def alter(self, server, name, at):
        with open(self.path(server, name), "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 0x20]))

    def mark(self, server):
        return json.loads((server.data / "scrub.json").read_text())

    def wait_for_pass(self, server):
        wait_for(lambda: "were read through" in server.messages(), "a pass to end", 60)

    def findings(self, control):
        with control.beaten:
            return [finding for _, beat in control.beats for finding in beat.get("bad_shards", [])]


class Finds(ScrubCase):
    def test_all_good(self):
        server, shards = self.store(3, 50000, redundancy="2+1")
        control = self.control()
        self.scrub(server, control)
        self.wait_for_pass(server)
        metrics = server.metrics()
        self.assertEqual(metrics["scrub_shards_total"], 9)
        self.assertGreaterEqual(metrics["scrub_bytes_total"], sum(map(len, shards.values())))
        self.assertEqual(metrics["scrub_bad_total"], 0)
        self.assertEqual(metrics["scrub_progress"], 1)
        self.assertLess(abs(metrics["scrub_pass_start_seconds"] - time.time()), 60)
        control.wait_for_beats(len(control.beats) + 1)
        self.assertEqual(self.findings(control), [])

    def test_bad(self):
        """Each kind of damage, with the rows that are gone and no others."""
        server, shards = self.store(8, 10 * UNIT)
        (one, two, cut, longer, header, magic, gone, good) = shards
        self.alter(server, one, 128 + 3 * RECORD + 128 + 77)
        self.alter(server, two, 128 + 0 * RECORD + 128)
        self.alter(server, two, 128 + 9 * RECORD + 20)
        os.truncate(self.path(server, cut), 128 + 7 * RECORD + 1000)
        with open(self.path(server, longer), "ab") as file:
            file.write(b"x")
        self.alter(server, header, 30)
        self.alter(server, magic, 128 + 5 * RECORD)
        os.truncate(self.path(server, gone), 0)
        control = self.control()
        self.scrub(server, control)
        found = wait_for(lambda: len(all_of := self.findings(control)) >= 7 and all_of, "findings")
        rows = {one: [3], two: [0, 9], cut: [7, 8, 9], longer: [], header: None, magic: [5], gone: None}
        self.assertEqual({finding["shard"]: finding["rows"] for finding in found}, rows)
        self.assertEqual({finding["kind"] for finding in found}, {"damaged"})
        self.wait_for_pass(server)
        self.assertEqual(server.metrics()["scrub_bad_total"], 7)
        messages = server.messages()
        self.assertIn("shard %s is damaged, rows 0 9: 2 bad records" % two, messages)
        self.assertIn("8 shards", messages)
        self.assertIn("bad: 7", messages)
        # told once
        control.wait_for_beats(len(control.beats) + 2)
        self.assertEqual(len(self.findings(control)), 7)
        self.assertTrue(self.mark(server)["finished"])

    def test_many_rows(self):
        server, shards = self.store(1, 1100 * UNIT)
        name = next(iter(shards))
        with open(self.path(server, name), "r+b") as file:
            file.seek(128)
            file.write(bytes(1100 * RECORD))
        control = self.control()
        self.scrub(server, control, period=1)
        found = wait_for(lambda: self.findings(control), "the finding")
        self.assertEqual(found[0], {"shard": name, "kind": "damaged", "rows": None})

    def test_many_shards(self):
        """More than go into a heartbeat, and more than wait while control cannot take them."""
        server, shards = self.store(25, 20000, redundancy="2+2")
        for name in shards:
            self.alter(server, name, 128 + 130)
        control = self.control()
        control.beat_status = 503
        self.scrub(server, control, period=1)
        wait_for(lambda: server.metrics()["scrub_bad_total"] == 64, "as many as wait")
        # one was under way
        control.wait_for_beats(len(control.beats) + 3)
        self.assertEqual(server.metrics()["scrub_bad_total"], 64)
        with control.beaten:
            told = [beat["bad_shards"] for _, beat in control.beats if "bad_shards" in beat]
        self.assertEqual(max(map(len, told)), 32)
        self.assertEqual(told[-1], told[-2])
        with control.beaten:
            before = len(control.beats)
            control.beat_status = 200
        wait_for(lambda: {finding["shard"] for finding in self.findings(control)} == set(shards), "all of them")
        with control.beaten:
            later = [finding["shard"] for _, beat in control.beats[before:] for finding in beat.get("bad_shards", [])]
        self.assertGreaterEqual(len(later), 100)
        self.assertIn("are not named here", server.messages())

    def test_control_refuses(self):
        """A control server that cannot take findings does not lose the node over them."""
        server, shards = self.store()
        self.alter(server, next(iter(shards)), 200)
        control = self.control()
        control.beat_status = 400
        self.scrub(server, control)
        wait_for(lambda: self.findings(control), "the finding")
        before = len(control.beats)
        control.wait_for_beats(before + 2)
        self.assertNotIn("bad_shards", control.beats[before + 1][1])
        self.assertIn("does not take a list of bad shards", server.messages())

    def test_alone(self):
        server, shards = self.store(2)
        name = next(iter(shards))
        self.alter(server, name, 200)
        self.scrub(server)
        self.wait_for_pass(server)
        self.assertIn("shard %s is damaged, rows 0" % name, server.messages())
        self.assertEqual(server.metrics()["scrub_bad_total"], 1)


class Disks(ScrubCase):
    def test_unreadable(self):
        """A block that the disk does not give costs the rows that have a part in it."""
        wrapper, fail = bad_disk(self.folder, "FAIL_PREAD")
        server, shards = self.store(1, 100 * UNIT)
        name = next(iter(shards))
        server.wrapper = wrapper
        at = 128 + 70 * RECORD      # row 69 ends in the block that this is in
        fail.write_text("%d %d" % (at, at))
        control = self.control()
        self.scrub(server, control, period=1)
        found = wait_for(lambda: self.findings(control), "the finding")
        self.assertEqual(found[0], {"shard": name, "kind": "unreadable", "rows": [69, 70]})
        self.assertIn("Input/output error", server.messages())

    def test_nothing_readable(self):
        wrapper, fail = bad_disk(self.folder, "FAIL_PREAD")
        server, shards = self.store(2)
        server.wrapper = wrapper
        fail.touch()
        control = self.control()
        self.scrub(server, control, period=1)
        wait_for(lambda: len(self.findings(control)) >= 2, "the findings")
        self.assertEqual([(f["shard"], f["kind"], f["rows"]) for f in self.findings(control)[:2]],
                         [(name, "unreadable", None) for name in shards])

    def hang(self):
        """A server that is just reading a bad shard: it, the shard, and what lets it go on."""
        wrapper, hang = bad_disk(self.folder, "HANG_PREAD")
        server, shards = self.store()
        name, data = next(iter(shards.items()))
        self.alter(server, name, 200)
        server.wrapper = wrapper
        hang.touch()
        self.addCleanup(hang.unlink, missing_ok=True)
        control = self.control()
        self.scrub(server, control, period=1)
        wait_for(lambda: times_open(server, name) == 1, "the shard to be read")
        control.wait_for_beats(1)       # before it has joined it takes no request
        return server, control, name, data, hang

    def test_deleted_meanwhile(self):
        server, control, name, data, hang = self.hang()
        self.assertEqual(server.ask("DELETE", "/v1/shards/" + name, self.all).status, 204)
        hang.unlink()
        self.wait_for_pass(server)
        control.wait_for_beats(len(control.beats) + 1)
        self.assertEqual(self.findings(control), [])
        self.assertEqual(server.metrics()["scrub_bad_total"], 0)

    def test_written_anew_meanwhile(self):
        server, control, name, data, hang = self.hang()
        self.assertEqual(server.ask("DELETE", "/v1/shards/" + name, self.all).status, 204)
        self.assertEqual(self.put(server, name, data).status, 201)
        hang.unlink()
        self.wait_for_pass(server)
        self.assertEqual(self.findings(control), [])

    def test_mended_before_it_was_told(self):
        server, shards = self.store()
        name, data = next(iter(shards.items()))
        self.alter(server, name, 200)
        control = self.control()
        control.stuck.clear()
        self.addCleanup(control.stuck.set)
        self.scrub(server, control)
        wait_for(lambda: server.metrics()["scrub_bad_total"] == 1, "the finding")
        control.wait_for_beats(1)
        self.assertEqual(server.ask("DELETE", "/v1/shards/" + name, self.all).status, 204)
        self.assertEqual(self.put(server, name, data).status, 201)
        before = len(control.beats)
        control.stuck.set()
        control.wait_for_beats(before + 2)
        with control.beaten:
            self.assertNotIn("bad_shards", control.beats[-1][1])

    def test_cache(self):
        """What was in memory is there afterwards, and nothing else is."""
        self.check_cache()

    def test_cache_without_direct_reads(self):
        """Where a file system knows no O_DIRECT, too."""
        wrapper, trigger = bad_disk(self.folder, "NO_DIRECT")
        trigger.touch()
        self.check_cache(wrapper)

    def check_cache(self, wrapper=()):
        """The kernel, too, takes from memory what it likes and when: what is gone in each of some runs the scrub has dropped."""
        kept = []
        for run in range(5):
            kept.append(self.keeps_cached("run%d" % run, wrapper))
            if kept[-1]:
                return
        if not any(run is False for run in kept):
            self.skipTest("the kernel takes files from memory all the time")
        self.fail("a file that was in memory is not any more")

    def keeps_cached(self, name, wrapper):
        """None: it was gone before it was read through."""
        server, shards = self.store(3, 300000, name=name)
        server.wrapper = wrapper
        cold, warm, bad = (self.path(server, shard) for shard in shards)

        def is_cached(path):
            pages = pages_in_memory(path)
            return sum(pages) > len(pages) / 2

        def drop(path, length):
            fd = os.open(path, os.O_RDONLY)
            os.posix_fadvise(fd, 0, length, os.POSIX_FADV_DONTNEED)
            os.close(fd)

        os.sync()
        drop(cold, 0)
        # what is found bad is looked at by others, who are to see the disk
        with open(bad, "r+b") as file:
            data = bytearray(file.read())
            data[1000] ^= 1
            file.seek(0)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # page by page, so that one can go alone: that does not make the others count as not there
        drop(warm, 0)
        with open(warm, "rb", buffering=0) as file:
            while file.read(mmap.PAGESIZE):
                pass
        drop(warm, mmap.PAGESIZE)
        if is_cached(cold):
            self.skipTest("this file system keeps all in memory")
        if not (is_cached(warm) and is_cached(bad)):
            return None
        self.scrub(server)
        self.wait_for_pass(server)
        self.assertFalse(is_cached(cold) or is_cached(bad))
        kept = is_cached(warm)
        server.stop()
        return kept


class Passes(ScrubCase):
    def test_rate(self):
        """Once in a period, and no faster than it takes; then nothing until the next one."""
        server, shards = self.store(64, 60000)
        used, period = sum(map(len, shards.values())), 8
        self.assertGreater(used / period, LEAST_RATE)
        begin = time.monotonic()
        self.scrub(server, period=period)
        while "were read through" not in server.messages():
            done, elapsed = server.metrics()["scrub_bytes_total"], time.monotonic() - begin
            # a second may be made up for, and one that is late is twice as fast at most
            self.assertLessEqual(done, 2 * used / period * (elapsed + 1) + PIECE)
            self.assertLess(elapsed, 4 * period)

    def test_little_to_read(self):
        server, shards = self.store(8, 60000)
        begin = time.monotonic()
        self.scrub(server, period=604800)
        self.wait_for_pass(server)
        used = sum(map(len, shards.values()))
        self.assertGreater(time.monotonic() - begin + 1, (used - PIECE) / LEAST_RATE)
        done = server.metrics()["scrub_bytes_total"]
        self.assertEqual(self.mark(server)["bytes"], used)
        server.stop()
        server.start()
        self.assertEqual(server.metrics()["scrub_bytes_total"], 0)  # it has the rest of the period free
        self.assertLess(done, used + len(shards) * PIECE)

    def test_again(self):
        server, _ = self.store(2)
        self.scrub(server, period=1)
        wait_for(lambda: server.messages().count("were read through") >= 3, "three passes")
        self.assertGreaterEqual(server.metrics()["scrub_shards_total"], 6)

    def test_restart(self):
        """It goes on where it was."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(how=how):
                server, shards = self.store(24, 80000, name="s%d" % how)
                self.scrub(server)
                wait_for(lambda: server.metrics()["scrub_shards_total"] >= 8, "a third")
                read = server.metrics()["scrub_shards_total"]
                server.stop(how)
                if how == signal.SIGTERM:
                    mark = self.mark(server)
                    self.assertFalse(mark["finished"])
                    self.assertGreaterEqual(mark["shards"], read)
                    self.assertEqual(mark["after"], list(shards)[mark["shards"] - 1])
                    left = 24 - mark["shards"]
                else:
                    left = 24       # what was not stored yet is read again
                server.start()
                self.wait_for_pass(server)
                self.assertEqual(server.metrics()["scrub_shards_total"], left)
                self.assertEqual(self.mark(server)["shards"], 24)
                server.stop()

    def test_restart_before_it_was_told(self):
        """What control has not acknowledged is found again."""
        server, shards = self.store(8, 10000)
        bad = list(shards)[3]
        self.alter(server, bad, 200)
        control = self.control()
        control.beat_status = 500
        self.scrub(server, control)
        wait_for(lambda: server.metrics()["scrub_shards_total"] == 8 and self.findings(control), "all to be read")
        self.assertNotIn("were read through", server.messages())
        server.stop()
        mark = self.mark(server)
        self.assertEqual((mark["after"], mark["shards"], mark["bad"], mark["finished"]), (list(shards)[2], 3, 0, False))
        before = len(control.beats)
        control.beat_status = 200
        server.start()
        self.wait_for_pass(server)
        with control.beaten:
            found = [finding["shard"] for _, beat in control.beats[before:] for finding in beat.get("bad_shards", [])]
        self.assertEqual(found, [bad])
        self.assertEqual((self.mark(server)["shards"], self.mark(server)["bad"]), (8, 1))

    def test_stop(self):
        """It waits neither for the pass nor for the next one."""
        server, shards = self.store(1, 32 << 20)
        self.scrub(server)
        wait_for(lambda: server.metrics()["scrub_bytes_total"] > 0, "the first bytes")
        begin = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - begin, 30)   # of 128 s at this rate
        self.assertEqual(self.mark(server)["shards"], 0)

    def test_spoilt_mark(self):
        server, _ = self.store(2)
        for text in ("", "{", "[]", '{"start": 1}', '{"start":1,"after":"../x","bytes":0,"shards":0,"bad":0,"finished":true}'):
            (server.data / "scrub.json").write_text(text)
            self.scrub(server)
            self.wait_for_pass(server)
            self.assertIn("scrubbing begins from the start", server.messages())
            self.assertEqual(server.metrics()["scrub_shards_total"], 2)
            server.stop()

    def test_setting(self):
        server, _ = self.store()
        server.options["scrub-period"] = "-1"
        server.spawn()
        self.assertEqual(server.process.wait(30), 78)
        self.assertIn("scrub-period", server.messages())
        server.process.stdout.close()
        server.log.close()


if __name__ == "__main__":
    unittest.main()
