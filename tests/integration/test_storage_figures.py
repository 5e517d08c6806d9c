#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What pmss-storage tells of itself and its machine: in heartbeats, and to Prometheus."""

import calendar
import json
import os
import pathlib
import ssl
import subprocess
import time
import unittest

from authority import Authority
from fake_control import Control
from storage_server import SANITIZED, WAIT, Case, wait_for
from test_storage_faults import bad_disk

PERIOD = 1                      # seconds between heartbeats
HASTE = 5                       # of a disk's silence, too
# Of any machine with /proc that has sent two heartbeats.
ALWAYS = {"cpu", "cpu_states", "processors", "memory", "memory_total", "memory_cached", "process_memory", "process_cpu", "disks",
          "interfaces", "net_in", "net_out", "connections", "requests", "sent", "cache_hits", "cache_misses", "late", "used", "free",
          "shards", "scrub"}
SOMETIMES = {"disk_read", "disk_write"}     # where the folder is on a block device


def numbers(value):
    """All that are somewhere in @value."""
    if isinstance(value, dict):
        return [n for part in value.values() for n in numbers(part)]
    if isinstance(value, list):
        return [n for part in value for n in numbers(part)]
    return [] if isinstance(value, str) else [value]


class Figures(Case):
    def beating(self, **options):
        """A server that has joined, and its control."""
        control = Control(self.keys)
        self.addCleanup(control.close)
        return self.serve(keys=False, control=control.url, join_token="once", **options), control

    def stats(self, control, more=1):
        """Of the heartbeat after @more others."""
        control.wait_for_beats(len(control.beats) + 1 + more)
        return control.beats[-1][1]["stats"]

    def wait_for_stats(self, control, condition, what):
        with control.beaten:
            if not control.beaten.wait_for(lambda: control.beats and condition(control.beats[-1][1]["stats"]), WAIT):
                self.fail("never: %s; last: %s" % (what, control.beats[-1:]))
        return control.beats[-1][1]["stats"]

    def test_refused(self):
        """A server whose figures control refuses goes on without them for a while."""
        server, control = self.beating(wrapper=["env", "PMSS_TEST_HASTE=10"])
        control.wait_for_beats(1)
        control.refuses_figures = True
        self.wait_for_stats(control, lambda stats: not stats, "a heartbeat without figures")
        control.refuses_figures = False
        self.wait_for_stats(control, lambda stats: "cpu" in stats, "figures again")

    def test_all(self):
        server, control = self.beating(network_limit="1G")
        control.wait_for_beats(3)
        # what has no interval to be measured over
        self.assertFalse(ALWAYS - set(control.beats[0][1]["stats"])
                         - {"cpu", "cpu_states", "process_cpu", "net_in", "net_out", "requests", "sent", "cache_hits", "cache_misses", "late"})
        stats = control.beats[-1][1]["stats"]
        self.assertEqual(set(stats) - SOMETIMES, ALWAYS | {"network_limit"})
        self.assertTrue(all(n >= 0 for n in numbers(stats)), stats)
        self.assertEqual(stats["processors"], os.cpu_count())
        self.assertEqual(set(stats["cpu_states"]) - {"iowait"}, {"user", "system", "irq", "steal"})
        self.assertLess(sum(stats["cpu_states"].values()), 1.001)
        self.assertLess(stats["process_memory"], stats["memory_total"])
        self.assertEqual(set(stats["scrub"]), {"progress", "rate", "bad"})
        disk, = stats["disks"]
        self.assertEqual(disk["folder"], str(server.data))
        space = os.statvfs(server.data)
        self.assertEqual(disk["total"], space.f_blocks * space.f_frsize)
        self.assertTrue(disk["free"] <= disk["total"])
        names = [line.split(":")[0].strip() for line in pathlib.Path("/proc/net/dev").read_text().splitlines()[2:]]
        self.assertEqual([card["name"] for card in stats["interfaces"]], [name for name in names if name != "lo"][:16])

    def test_without(self):
        """Neither a scrub nor TLS."""
        _, control = self.beating(scrub_period="0")
        stats = self.stats(control, 2)
        self.assertFalse({"scrub", "certificate"} & set(stats))

    def test_certificate(self):
        authority = Authority(self.folder, "ca")
        options = authority.issue("node", "IP:127.0.0.1")
        server, control = self.beating(**options)
        text = subprocess.run(["openssl", "x509", "-enddate", "-noout", "-in", options["tls-certificate"]],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        end = calendar.timegm(time.strptime(text.strip(), "notAfter=%b %d %H:%M:%S %Y GMT"))
        self.assertEqual(self.stats(control)["certificate"], end)
        server.tls = ssl.create_default_context(cafile=str(authority.certificate))
        self.assertEqual(server.metrics()["certificate_end_seconds"], end)

    def test_reads(self):
        """From memory, from the disk, and from one that takes its time."""
        wrapper, cold, hang = bad_disk(self.folder, "COLD", "HANG_PREAD")
        server, control = self.beating(wrapper=wrapper, scrub_period="0")
        name, data = next(iter(self.shards().items()))
        wait_for(lambda: server.ask("GET", "/healthz").status == 200, "the node to join")
        self.assertEqual(self.put(server, name, data).status, 201)

        def read():
            self.assertEqual(server.ask("GET", "/v1/shards/" + name, self.all).body, data)

        def count(what):
            return server.metrics()[what]

        for _ in range(5):
            read()
        self.wait_for_stats(control, lambda stats: stats.get("cache_hits", 0) > 0, "hits")
        self.assertEqual(count("cache_hits_total"), 5)
        cold.touch()
        for _ in range(3):
            read()
        stats = self.wait_for_stats(control, lambda stats: stats.get("cache_misses", 0) > 0, "misses")
        self.assertGreater(stats["requests"], 0)
        self.assertEqual((count("cache_hits_total"), count("cache_misses_total")), (5, 3))
        if not SANITIZED:
            self.assertEqual(count("late_answers_total"), 0)
        late = count("late_answers_total")
        self.addCleanup(hang.unlink, missing_ok=True)
        hang.touch()
        client = self.client(server)
        client.request("GET", "/v1/shards/" + name, headers={"Authorization": "Bearer " + self.all})
        wait_for(lambda: count("cache_misses_total") == 4, "the request to wait for the disk")
        time.sleep(0.25)        # what it is to be late by
        hang.unlink()
        self.assertEqual(client.getresponse().read(), data)
        self.assertEqual(count("late_answers_total"), late + 1)
        self.wait_for_stats(control, lambda stats: stats.get("late", 0) > 0, "late answers")
        cold.unlink()

    def test_silent_disk(self):
        """Heartbeats and /metrics go on, with what was known last, and say so."""
        wrapper, hang = bad_disk(self.folder, "HANG_FSTATVFS")
        server, control = self.beating(wrapper=["env", "PMSS_TEST_HASTE=%d" % HASTE, *wrapper])
        before = self.stats(control)
        self.assertNotIn("trouble", control.beats[-1][1])
        self.addCleanup(hang.unlink, missing_ok=True)
        hang.touch()
        wait_for(pathlib.Path(str(hang) + ".hangs").exists, "the disk to be looked at")
        with control.beaten:
            self.assertTrue(control.beaten.wait_for(lambda: "trouble" in control.beats[-1][1], WAIT))
        number = len(control.beats)
        control.wait_for_beats(number + 5)
        beat = control.beats[-1][1]
        self.assertIn("does not answer", beat["trouble"])
        self.assertEqual(beat["stats"]["disks"][0]["total"], before["disks"][0]["total"])
        self.assertGreater(server.metrics()["free_bytes"], 0)
        answer = server.ask("GET", "/healthz")
        self.assertEqual(answer.status, 503)
        self.assertIn("does not answer", json.loads(answer.body)["status"])
        hang.unlink()
        with control.beaten:
            self.assertTrue(control.beaten.wait_for(lambda: "trouble" not in control.beats[-1][1], WAIT))
        self.assertEqual(server.ask("GET", "/healthz").status, 200)

    def test_revocation_on_silent_disk(self):
        """It counts at once, heartbeats go on, and it is kept when the disk answers."""
        wrapper, hang = bad_disk(self.folder, "HANG_FSYNC")
        server, control = self.beating(wrapper=["env", "PMSS_TEST_HASTE=%d" % HASTE, *wrapper])
        file = server.data / "revocations.json"
        wait_for(file.exists, "the file")
        session = "%032x" % 7
        token = self.keys.mint(ops="l", sid=session)
        self.assertEqual(server.ask("GET", "/v1/shards", token).status, 200)
        self.addCleanup(hang.unlink, missing_ok=True)
        hang.touch()
        control.revoked = [session]
        wait_for(lambda: server.ask("GET", "/v1/shards", token).status == 401, "the session to have ended")
        wait_for(pathlib.Path(str(hang) + ".hangs").exists, "the file to be written")
        control.wait_for_beats(len(control.beats) + 5)
        with control.beaten:
            self.assertTrue(control.beaten.wait_for(lambda: "trouble" in control.beats[-1][1], WAIT))
        self.assertEqual(control.beats[-1][1]["revocations"], 1)
        self.assertNotIn(session, file.read_text())
        hang.unlink()
        wait_for(lambda: session in file.read_text(), "the file to be kept")
        with control.beaten:
            self.assertTrue(control.beaten.wait_for(lambda: "trouble" not in control.beats[-1][1], WAIT))

    def test_metrics(self):
        server = self.serve()
        metrics = server.metrics()
        modes = [metrics['cpu_seconds_total{mode="%s"}' % mode]
                 for mode in ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")]
        self.assertGreater(sum(modes), 0)
        space = os.statvfs(server.data)
        self.assertEqual(metrics['filesystem_size_bytes{folder="%s"}' % server.data], space.f_blocks * space.f_frsize)
        self.assertEqual(metrics["processors"], os.cpu_count())
        self.assertGreater(metrics["memory_total_bytes"], metrics["memory_available_bytes"])
        self.assertIn("memory_cached_bytes", metrics)
        if not SANITIZED:
            self.assertLess(abs(metrics["process_resident_memory_bytes"] - server.memory()), 8 << 20)
        # counters: they only grow
        for _ in range(50):
            server.ask("GET", "/healthz")
        later = server.metrics()
        for name in set(metrics) & set(later):
            if "_total" in name and "iowait" not in name:
                self.assertGreaterEqual(later[name], metrics[name], name)


if __name__ == "__main__":
    unittest.main()
