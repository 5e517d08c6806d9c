#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real load is seen in the heartbeat's right figure: SOON after the kernel's own tools show it, and within NEAR of what they say.

Each heartbeat is held against what they say when it arrives, over the same seconds.
"""

import collections
import contextlib
import ctypes
import http.client
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import unittest

from fake_control import Control
from storage_server import RNG, WAIT, Case, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

from benchmarks import namespaces  # noqa: E402

SOON = 3                        # seconds
NEAR = 0.1
# Seconds that are added up: what a heartbeat was late by counts for less then.
SPAN = 3
CLONE_NEWNS = 0x00020000
MIB = 1 << 20

Beat = collections.namedtuple("Beat", "time stats kernel")


def tool(*words):
    return subprocess.run(list(map(str, words)), check=True, stdout=subprocess.PIPE, text=True).stdout


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise unittest.SkipTest("%s is not installed (tools/packages)" % program)


def need_root():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root, to make namespaces, disks and links")


def need_mounts():
    if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        raise unittest.SkipTest("needs a mount namespace, whose root is a mount: there is none within a chroot")


def mount_apart():
    """What this thread mounts from here on is seen by it and its children alone, and goes with them."""
    need_mounts()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise unittest.SkipTest("a mount namespace: " + os.strerror(ctypes.get_errno()))
    tool("mount", "--make-rprivate", "/")


def ticks():
    """Of all processors: (busy, user, all)."""
    counts = list(map(int, pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]))
    return sum(counts) - counts[3] - counts[4], counts[0] + counts[1], sum(counts)


def memory():
    """(in use, all, page cache), as free(1) has them, which counts what the kernel can give back of its own to the cache."""
    lines = tool("free", "-b", "-w").splitlines()
    row = dict(zip(lines[0].split(), map(int, lines[1].split()[1:])))
    own = re.search(r"^SReclaimable: +(\d+) kB$", pathlib.Path("/proc/meminfo").read_text(), re.M)
    return row["total"] - row["available"], row["total"], row["cache"] - int(own[1]) * 1024


class Load(Case):
    """A server that beats, and what the kernel says at each heartbeat."""

    address = "127.0.0.1"
    look = staticmethod(lambda: None)       # what the kernel says

    def beating(self, **options):
        self.beats = []
        self.control = Control(self.keys, address=self.address, on_beat=self.on_beat)
        self.addCleanup(self.control.close)
        self.server = self.serve(keys=False, control=self.control.url, join_token="once", scrub_period="0", **options)
        # before what it stands on goes
        self.addCleanup(self.server.stop)
        self.next_beats(2)

    def on_beat(self, body):
        self.beats.append(Beat(time.monotonic(), body["stats"], self.look()))

    def next_beats(self, number):
        """The next ones, and the last one before them."""
        known = len(self.beats)
        wait_for(lambda: len(self.beats) >= known + number, "heartbeats")
        return self.beats[max(known, 1) - 1:known + number]

    def soon(self, begin, kernel, condition, what):
        """The first heartbeat of which @condition is true: SOON after the kernel's figures show the load by @kernel, of the heartbeats at both
        ends of a second. How long the load itself takes to begin is not counted."""
        def pairs():
            return [(before, after) for before, after in itertools.pairwise(list(self.beats)) if after.time > begin]

        try:
            start = wait_for(lambda: next((before.time for before, after in pairs() if kernel(before, after)), None), "the kernel to show " + what)
            beat = wait_for(lambda: next((after for _, after in pairs() if condition(after)), None), what, SOON + 2)
        except AssertionError as error:
            self.fail("%s; the last heartbeat: %s" % (error, self.beats[-1]))
        self.assertLess(beat.time - max(begin, start), SOON, what)
        return beat

    @staticmethod
    def per_second(before, after, number):
        return (after.kernel[number] - before.kernel[number]) / (after.time - before.time)

    @staticmethod
    def is_near(figure, kernel, least=0.0):
        """@least: an error that is none, whatever the figure."""
        return abs(figure - kernel) <= max(NEAR * abs(kernel), least)

    def near(self, figure, kernel, what, least=0.0):
        self.assertTrue(self.is_near(figure, kernel, least), "%s: %s, the kernel says %s" % (what, figure, kernel))

    def over(self, beats, get):
        """The mean of a rate."""
        weights = [after.time - before.time for before, after in itertools.pairwise(beats)]
        return sum(weight * get(beat.stats) for weight, beat in zip(weights, beats[1:])) / sum(weights)

    def grown(self, beats, get):
        """What a counter of the kernel grew by in a second."""
        return (get(beats[-1].kernel) - get(beats[0].kernel)) / (beats[-1].time - beats[0].time)

    def stress(self, *words):
        """Until the test ends."""
        begin = time.monotonic()
        process = subprocess.Popen(["stress-ng", "--quiet", "--timeout", str(WAIT), *words], stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return begin

    @contextlib.contextmanager
    def reading(self, names, tidy=lambda name: None):
        """Somebody reads each of the shards, again and again. @tidy: before each time."""
        stop = threading.Event()

        def read(name):
            while not stop.is_set():
                tidy(name)
                client = http.client.HTTPConnection(self.address_of_server, self.server.port, timeout=WAIT)
                with contextlib.closing(client), contextlib.suppress(OSError, http.client.HTTPException):
                    client.request("GET", "/v1/shards/" + name, headers={"Authorization": "Bearer " + self.all})
                    answer = client.getresponse()
                    while not stop.is_set() and answer.read(MIB):
                        pass

        readers = [threading.Thread(target=read, args=(name,)) for name in names]
        begin = time.monotonic()
        for reader in readers:
            reader.start()
        try:
            yield begin
        finally:
            stop.set()
            for reader in readers:
                reader.join()

    address_of_server = "127.0.0.1"

    def store(self, size):
        """The name of a shard of about @size bytes."""
        name, data = next(iter(self.shards(size, redundancy="1+0", unit=MIB).items()))
        client = http.client.HTTPConnection(self.address_of_server, self.server.port, timeout=WAIT)
        client.request("PUT", "/v1/shards/" + name, data, {"Authorization": "Bearer " + self.all})
        self.assertEqual(client.getresponse().status, 201)
        client.close()
        return name


class Processors(Load):
    look = staticmethod(ticks)

    def test(self):
        need("stress-ng")
        self.beating()
        begin = self.stress("--cpu", str(os.cpu_count()))
        self.soon(begin, lambda before, after: self.per_second(before, after, 0) > 0.9 * self.per_second(before, after, 2),
                  lambda beat: beat.stats["cpu"] > 0.9, "busy processors")
        beats = self.next_beats(SPAN)
        whole = self.grown(beats, lambda kernel: kernel[2])
        self.near(self.over(beats, lambda stats: stats["cpu"]), self.grown(beats, lambda kernel: kernel[0]) / whole, "cpu")
        self.near(self.over(beats, lambda stats: stats["cpu_states"]["user"]),
                  self.grown(beats, lambda kernel: kernel[1]) / whole, "user")


class Memory(Load):
    look = staticmethod(memory)
    size = 512

    def test(self):
        need("stress-ng", "free")
        self.beating()
        before = self.beats[-1]
        begin = self.stress("--vm", "1", "--vm-bytes", "%dM" % self.size, "--vm-keep", "--vm-hang", "0")
        # others take memory, too, between one look and the other
        least = 0.7 * self.size * MIB
        beat = self.soon(begin, lambda _, after: after.kernel[0] - before.kernel[0] > least,
                         lambda beat: beat.stats["memory"] - before.stats["memory"] > least
                         and self.is_near(beat.stats["memory"], beat.kernel[0])
                         and self.is_near(beat.stats["memory"] - before.stats["memory"], beat.kernel[0] - before.kernel[0]), "memory in use")
        self.assertEqual(beat.stats["memory_total"], beat.kernel[1])
        self.near(beat.stats["memory_cached"], beat.kernel[2], "memory_cached", 16 * MIB)


class Link(Load):
    """A link of a host of its own is full."""

    limit = 80                  # Mbit/s
    address = namespaces.HERE

    @classmethod
    def setUpClass(cls):
        need_root()
        need("ip", "tc", "nsenter", "setpriv", "unshare")
        need_mounts()
        super().setUpClass()

    def look(self):
        counts = json.loads(tool(*self.host.prefix, "ip", "-s", "-j", "link", "show", namespaces.UPLINK))[0]["stats64"]
        cpu = pathlib.Path("/proc/%d/stat" % self.server.process.pid).read_text().rpartition(")")[2].split() if self.server else [0] * 20
        return counts["tx"]["bytes"], counts["rx"]["bytes"], (int(cpu[11]) + int(cpu[12])) / os.sysconf("SC_CLK_TCK")

    def test(self):
        self.server = None
        try:
            namespaces.leave()
            self.host = namespaces.Host(1)
            self.addCleanup(self.host.close)
            self.host.limit_sending(self.limit)
        except RuntimeError as error:
            self.skipTest(str(error))
        self.address_of_server = self.host.address
        # the interfaces in /sys are those of the namespace that mounted it
        apart = ["unshare", "--mount", "sh", "-c", 'mount -t sysfs sysfs /sys && exec "$@"', "sh"]
        self.beating(listen=self.host.address + ":0", wrapper=[*self.host.prefix, *apart])
        wanted = self.limit * 1e6 / 8
        with self.reading([self.store(8 * MIB)]) as begin:
            self.soon(begin, lambda before, after: self.per_second(before, after, 0) > (1 - NEAR) * wanted,
                      lambda beat: beat.stats["net_out"] > (1 - NEAR) * wanted, "a busy link")
            beats = self.next_beats(SPAN)
        out = self.grown(beats, lambda kernel: kernel[0])
        self.near(out, wanted, "the link itself")
        self.near(self.over(beats, lambda stats: stats["net_out"]), out, "net_out")
        self.near(self.over(beats, lambda stats: stats["net_in"]), self.grown(beats, lambda kernel: kernel[1]), "net_in")
        card, = beats[-1].stats["interfaces"]
        self.assertEqual(card["name"], namespaces.UPLINK)
        self.near(card["out"], beats[-1].stats["net_out"], "the card", 1)
        self.assertEqual(card["speed"], beats[-1].stats["network_limit"])
        # of the card's bytes, those that are not headers of packets
        self.near(self.over(beats, lambda stats: stats["sent"]), out, "sent")
        self.near(self.over(beats, lambda stats: stats["process_cpu"]), self.grown(beats, lambda kernel: kernel[2]), "process_cpu", 0.05)
        self.assertGreaterEqual(beats[-1].stats["connections"], 1)


class Throttle:
    """A group of processes that get so many bytes a second from a disk."""

    def __init__(self, device, rate):
        one, two = pathlib.Path("/sys/fs/cgroup/blkio"), pathlib.Path("/sys/fs/cgroup")
        name = "pmss-test-%d" % os.getpid()
        if one.is_dir():
            self.folder, limit = one / name, ("blkio.throttle.read_bps_device", "%s %d" % (device, rate))
        elif "io" in (two / "cgroup.controllers").read_text().split():
            (two / "cgroup.subtree_control").write_text("+io")
            self.folder, limit = two / name, ("io.max", "%s rbps=%d" % (device, rate))
        else:
            raise OSError("no control group throttles disks here")
        self.folder.mkdir()
        try:
            (self.folder / limit[0]).write_text(limit[1])
        except OSError:
            self.close()
            raise
        self.prefix = ["sh", "-c", 'echo $$ > %s && exec "$@"' % (self.folder / "cgroup.procs"), "sh"]

    def close(self):
        self.folder.rmdir()


def whole_disk(path):
    """MAJOR:MINOR of the disk that @path is on."""
    number = os.stat(path).st_dev
    device = pathlib.Path("/sys/dev/block/%d:%d" % (os.major(number), os.minor(number)))
    if not device.exists():
        raise OSError("%s is on no disk" % path)
    device = device.resolve()
    return ((device.parent if (device / "partition").exists() else device) / "dev").read_text().strip()


class SlowDisk(Load):
    """A disk in a file; the disk below gives few bytes a second."""

    rate = 4 * MIB              # bytes/s
    size = 64 * MIB

    @classmethod
    def setUpClass(cls):
        need_root()
        need("losetup", "mkfs.ext4", "mount")
        super().setUpClass()

    def look(self):
        return tuple(map(int, self.counters.read_text().split()))

    def make_disk(self):
        file, folder = self.folder / "disk", self.folder / "mounted"
        with file.open("wb") as image:
            image.truncate(self.size)
        folder.mkdir()
        try:
            self.throttle = Throttle(whole_disk(file), self.rate)
            self.addCleanup(self.throttle.close)
            mount_apart()
            device = tool("losetup", "--find", "--show", "--direct-io=on", file).strip()
        except (OSError, subprocess.CalledProcessError) as error:
            self.skipTest("no slow disk can be made here: %s" % error)
        try:
            tool("mkfs.ext4", "-q", "-F", device)
            tool("mount", "-o", "noatime", device, folder)
        finally:
            # as soon as nothing uses it
            tool("losetup", "--detach", device)
        self.addCleanup(tool, "umount", folder)
        self.device = pathlib.Path(device).name
        self.counters = pathlib.Path("/sys/block/%s/stat" % self.device)
        return folder / "data"

    def forget(self, name):
        """What is in memory of a shard."""
        with (self.server.data / "shards" / name[:2] / name).open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def test(self):
        self.beating(data=self.make_disk(), wrapper=self.throttle.prefix)
        self.assertEqual(self.beats[-1].stats["disks"][0]["device"], self.device)
        # the later ones have to wait for the bytes of the first
        with self.reading([self.store(4 * MIB) for _ in range(3)], self.forget) as begin:
            self.soon(begin, lambda before, after: self.per_second(before, after, 9) > 900,
                      lambda beat: beat.stats["disks"][0].get("busy", 0) > 0.9, "a busy disk")
            beats = self.next_beats(SPAN)
        disk = [beat.stats["disks"][0] for beat in beats[1:]]
        read = self.grown(beats, lambda kernel: 512 * kernel[2])
        self.near(self.over(beats, lambda stats: stats["disks"][0]["read"]), read, "read", 65536)
        self.near(self.over(beats, lambda stats: stats["disk_read"]), read, "disk_read", 65536)
        self.near(self.over(beats, lambda stats: stats["disks"][0]["reads"]), self.grown(beats, lambda kernel: kernel[0]), "reads", 1)
        self.near(self.over(beats, lambda stats: stats["disks"][0]["busy"]), self.grown(beats, lambda kernel: kernel[9]) / 1000, "busy")
        ended = [(after.kernel[0] + after.kernel[4] - before.kernel[0] - before.kernel[4],
                  after.kernel[3] + after.kernel[7] - before.kernel[3] - before.kernel[7]) for before, after in itertools.pairwise(beats)]
        waits = [one["latency"] for one in disk if "latency" in one]
        self.assertGreater(max(waits), 0.1)
        # the last requests of an interval may be counted a little before it, or after
        self.near(max(waits), max(time / number for number, time in ended if number) / 1000, "latency", 0.5 * max(waits))
        self.assertGreater(sum(beat.stats["late"] for beat in self.beats[2:]), 0)
        self.assertGreater(sum(beat.stats["cache_misses"] for beat in self.beats[2:]), 0)


class FullDisk(Load):
    @classmethod
    def setUpClass(cls):
        need_root()
        need("mount", "df")
        super().setUpClass()

    def look(self):
        return tuple(map(int, tool("df", "-B1", "--output=size,avail", self.disk).splitlines()[1].split()))

    @staticmethod
    def agrees(beat):
        disk = beat.stats["disks"][0]
        return (disk["total"], disk["free"]) == beat.kernel

    def test(self):
        mount_apart()
        self.disk = self.folder / "small"
        self.disk.mkdir()
        tool("mount", "-t", "tmpfs", "-o", "size=%d" % (32 * MIB), "none", self.disk)
        self.addCleanup(tool, "umount", self.disk)
        begin = time.monotonic()
        self.beating(data=self.disk / "data")
        beat = self.soon(begin, lambda _, after: True, self.agrees, "a small disk")
        self.assertEqual(set(beat.stats["disks"][0]), {"folder", "total", "free"})
        filler = self.disk / "filler"
        begin = time.monotonic()
        with filler.open("wb") as file, contextlib.suppress(OSError):
            while file.write(RNG.randbytes(MIB)):
                file.flush()
        beat = self.soon(begin, lambda _, after: after.kernel[1] < MIB, lambda beat: beat.stats["disks"][0]["free"] < MIB and self.agrees(beat),
                         "a full disk")
        self.assertLess(beat.stats["free"], MIB)
        begin = time.monotonic()
        filler.unlink()
        self.soon(begin, lambda _, after: after.kernel[1] > 30 * MIB,
                  lambda beat: beat.stats["disks"][0]["free"] > 30 * MIB and self.agrees(beat), "an empty disk")


if __name__ == "__main__":
    unittest.main()
