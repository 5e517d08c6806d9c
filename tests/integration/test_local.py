#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss local: a cluster that comes up, changes, goes down, and leaves nothing."""

import json
import os
import signal
import subprocess
import time
import unittest
import urllib.request

import pmss_cli
from pmss_cli import alive

DEADLINE = 60


def wait_until(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {DEADLINE} s until {what}")
        time.sleep(0.02)


def processes_of(folder):
    """The processes that have @folder on their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(pid) != os.getpid() and any(str(folder).encode() in word for word in words):
            found.append(int(pid))
    return found


class Local(pmss_cli.TestCase):
    def setUp(self):
        self.dir = self.folder / self.id().rpartition(".")[2]
        self.addCleanup(self.local, "down", "--purge")

    def local(self, verb, *arguments, **options):
        return self.pmss("local", verb, "--dir", self.dir, *arguments, **options)

    def up(self, nodes=2, *arguments):
        return self.local("up", "--nodes", nodes, "--json", *arguments).json

    def status(self):
        return self.local("status", "--json").json

    def test_object(self):
        """What scripts rely on, key by key."""
        cluster = self.up(3)
        self.assertEqual(list(cluster), ["control", "nodes", "user", "password", "token", "env"])
        self.assertEqual(list(cluster["control"]), ["url", "pid", "dir"])
        self.assertEqual(len(cluster["nodes"]), 3)
        for index, node in enumerate(cluster["nodes"]):
            self.assertEqual(list(node), ["id", "index", "address", "port", "pid", "dir", "state"])
            self.assertEqual((node["index"], node["id"], node["state"], node["address"]),
                             (index, index + 1, "up", "127.0.0.1"))
            self.assertTrue(alive(node["pid"]))
            self.assertTrue(os.path.isdir(node["dir"]))
        self.assertEqual(cluster["env"], {"PMSS_URL": cluster["control"]["url"], "PMSS_TOKEN": cluster["token"]})
        self.assertEqual(self.status(), cluster)

        with urllib.request.urlopen(cluster["control"]["url"] + "/healthz", timeout=10) as answer:
            self.assertEqual(answer.status, 200)
        nodes = self.pmss("node", "ls", "--json", env=cluster["env"]).json["nodes"]
        self.assertEqual([node["port"] for node in nodes], [node["port"] for node in cluster["nodes"]])
        # nobody else is given the port of a server that is stopped for a while
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            first = int(file.read().split()[0])
        if first > 20000:       # else there may be no others
            self.assertLess(max(node["port"] for node in nodes), first)
        self.assertEqual(os.stat(self.dir / "cluster.conf").st_mode & 0o777, 0o600)

    def test_put_with_few_servers(self):
        """The default redundancy is one that the cluster has room for, and what is set goes before it."""
        film = self.folder / "small"
        film.write_bytes(b"film" * 999)
        for nodes, redundancy, more in ((1, "1+0", ()), (3, "2+1", ()),
                                        (3, "1+2", ("--control-set", "default-redundancy=1+2"))):
            env = self.up(nodes, *more)["env"]
            self.pmss("put", film, redundancy, env=env)
            self.assertEqual(self.pmss("info", redundancy, "--json", env=env).json["redundancy"], redundancy)
            self.local("down")

    def test_hls_playlist(self):
        """docs/element.md: a playlist in PMSS plays with uridecodebin, all of it."""
        elements = ("videotestsrc", "x264enc", "mpegtsmux", "hlsdemux", "avdec_h264")
        environment = dict(self.env, GST_REGISTRY_1_0=str(self.folder / "registry.bin"), GST_REGISTRY_FORK="no")
        # what pmss_cli preloads is for our own programs, and would let a sanitizer into GStreamer's
        for name in ("LD_PRELOAD", "ASAN_OPTIONS"):
            environment.pop(name, None)
            if name in os.environ:
                environment[name] = os.environ[name]
        if not all(subprocess.run(["gst-inspect-1.0", "--exists", element], env=environment, check=False).returncode == 0
                   for element in elements):
            self.skipTest("needs " + ", ".join(elements))
        made, raw = self.folder / "hls", self.folder / "raw"
        made.mkdir()

        def launch(*words, **variables):
            subprocess.run(["gst-launch-1.0", "-q", *words], env=dict(environment, **variables), cwd=made, timeout=120, check=True,
                           stdin=subprocess.DEVNULL)
        # piece by piece: hlssink2 can hang where the machine is busy
        for piece in range(3):
            launch("videotestsrc", "num-buffers=30", "!", "video/x-raw,format=I420,width=160,height=120,framerate=30/1", "!",
                   "x264enc", "!", "mpegtsmux", "!", "filesink", "location=seg%d.ts" % piece)
        pieces = "#EXT-X-DISCONTINUITY\n".join("#EXTINF:1,\nseg%d.ts\n" % piece for piece in range(3))
        (made / "list.m3u8").write_text("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n%s#EXT-X-ENDLIST\n" % pieces)
        env = self.up(1)["env"]
        files = sorted(made.iterdir())
        self.assertEqual(len(files), 4)
        for file in files:
            self.pmss("put", file, "hls/" + file.name, env=env)
        uri = self.pmss("play", "--print-uri", "hls/list.m3u8", env=env).out.strip()
        launch("uridecodebin", "uri=" + uri, "!", "video/x-raw,format=I420", "!", "filesink", "location=%s" % raw, **env)
        self.assertEqual(raw.stat().st_size, 90 * 160 * 120 * 3 // 2)

    def test_warning(self):
        """A film that nobody could look into is stored, and that is told."""
        cluster = self.local("up", "--nodes", 1, "--json", env={"PMSS_PROBE": "/bin/false"}).json
        film = self.dir / "film"
        film.write_bytes(b"film")
        env = cluster["env"]
        error = self.pmss("put", film, "film", "--redundancy", "1+0", "--keep-original", env=env).err
        self.assertIn("pmss put: warning: ", error)
        self.assertIn(error.removeprefix("pmss put: warning: ").strip(), self.pmss("job", "ls", env=env).out)
        info = self.pmss("info", "film", env=env).out
        self.assertIn("kept on the control server", info)
        self.assertIn(error.removeprefix("pmss put: warning: ").strip(), info)

    def test_env(self):
        cluster = self.up(1)
        script = f'eval "$({pmss_cli.PMSS} local env --dir {self.dir})"; echo "$PMSS_URL $PMSS_TOKEN"'
        shell = subprocess.run(["sh", "-c", script], capture_output=True, env=self.env, timeout=60, check=True)
        self.assertEqual(shell.stdout.decode().split(), list(cluster["env"].values()))

    def test_survives_the_command(self):
        """The servers are in sessions of their own: a closed terminal does not reach them."""
        cluster = self.up(1)
        for pid in (cluster["control"]["pid"], cluster["nodes"][0]["pid"]):
            self.assertEqual(os.getsid(pid), pid)

    def test_stop_and_start(self):
        before = self.up()["nodes"][1]
        self.local("stop-node", "1")
        self.assertFalse(alive(before["pid"]))
        self.local("stop-node", "1")
        stopped = self.status()["nodes"][1]
        self.assertEqual((stopped["state"], stopped["pid"], stopped["port"]), ("stopped", 0, before["port"]))
        self.local("start-node", "1")
        self.local("start-node", "1")
        after = self.status()["nodes"][1]
        self.assertEqual(dict(after, pid=0), dict(before, pid=0))
        self.assertTrue(alive(after["pid"]))
        self.assertIn("counted from 0 to 1", self.local("stop-node", "2", status=66).err)
        self.local("stop-node", "-1", status=64)
        self.local("stop-node", "one", status=66)

    def test_add_node(self):
        self.up()
        added = self.local("add-node", "--json").json["nodes"][2]
        self.assertEqual((added["index"], added["id"], added["state"]), (2, 3, "up"))

    def test_crash_and_up_again(self):
        cluster = self.up()
        victims = [cluster["control"]["pid"], cluster["nodes"][0]["pid"]]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(alive, victims)), "the servers are dead")
        self.assertEqual([node["state"] for node in self.status()["nodes"]], ["down", "up"])
        again = self.local("up", "--json").json
        self.assertEqual([node["state"] for node in again["nodes"]], ["up", "up"])
        self.assertEqual(again["control"]["url"], cluster["control"]["url"])
        self.assertEqual([node["port"] for node in again["nodes"]], [node["port"] for node in cluster["nodes"]])
        self.assertEqual(again["nodes"][1]["pid"], cluster["nodes"][1]["pid"])

    def test_down(self):
        cluster = self.up()
        self.local("down")
        self.local("down")
        self.assertEqual(processes_of(self.dir), [])
        self.assertEqual({node["state"] for node in self.status()["nodes"]}, {"stopped"})
        again = self.up()
        self.assertEqual(again["token"], cluster["token"])
        self.local("down", "--purge")
        self.assertFalse(self.dir.exists())
        self.local("down", "--purge")
        self.assertIn("There is no local cluster", self.local("status", status=66).err)

    def test_purge_spares_what_is_not_its_own(self):
        self.up(1)
        (self.dir / "mine").write_text("mine")
        self.local("down", "--purge")
        self.assertEqual(os.listdir(self.dir), ["mine"])

    def test_foreign_process_is_not_touched(self):
        """A number that now belongs to another process."""
        self.up(1)
        bystander = subprocess.Popen(["sleep", "300"])
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        self.local("stop-node", "0")
        state = (self.dir / "cluster.conf").read_text()
        head, _, tail = state.partition("[node-0]")
        tail = tail.replace("pid=0", f"pid={bystander.pid}").replace("wanted=false", "wanted=true")
        (self.dir / "cluster.conf").write_text(head + "[node-0]" + tail)
        node = self.status()["nodes"][0]
        self.assertEqual((node["pid"], node["state"]), (0, "down"))
        self.local("stop-node", "0", "--kill")
        self.local("down")
        self.assertIsNone(bystander.poll())

    def fake_build(self, script):
        """A build folder whose pmss-storage is @script."""
        build = self.folder / (self.dir.name + "-build")
        (build / "server").mkdir(parents=True)
        (build / "control").mkdir()
        (build / "control" / "pmss-control").symlink_to(pmss_cli.BUILD / "control" / "pmss-control")
        storage = build / "server" / "pmss-storage"
        storage.write_text(script)
        storage.chmod(0o755)
        return {"PMSS_BUILD_DIR": str(build)}

    def test_failed_start_leaves_nothing(self):
        env = self.fake_build("#!/bin/sh\necho 'the disk is on fire' >&2\nexit 1\n")
        error = self.local("up", env=env, status=70).err
        self.assertIn("node-0 ended instead of starting", error)
        self.assertIn("the disk is on fire", error)
        self.assertFalse(self.dir.exists())
        self.assertEqual(processes_of(self.dir), [])

    def test_interrupted_start_leaves_nothing(self):
        env = self.fake_build("#!/bin/sh\nexec sleep 300 # $2\n")
        process = subprocess.Popen([pmss_cli.PMSS, "local", "up", "--dir", self.dir], env=dict(self.env, **env),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        state = self.dir / "cluster.conf"

        def storage_pid():
            if not state.exists():
                return 0
            return int(state.read_text().partition("[node-0]")[2].partition("pid=")[2].split("\n")[0] or 0)
        wait_until(storage_pid, "the storage server is started")
        pid = storage_pid()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(DEADLINE), 130)
        self.assertFalse(self.dir.exists())
        self.assertFalse(alive(pid))

    def test_settings_reach_the_servers(self):
        self.up(1, "--control-set", "lease=17", "--node-set", "min-rate=99")
        self.assertIn("lease=17", (self.dir / "control.conf").read_text())
        self.assertIn("min-rate=99", (self.dir / "node-0.conf").read_text())
        self.assertNotIn("join-token", (self.dir / "node-0.conf").read_text())
        self.local("up", "--node-set", "nonsense", status=64)

    def test_usage(self):
        self.local("up", "--nodes", "0", status=64)
        self.local("up", "--nodes", "many", status=64)
        self.assertIn("no command", self.pmss("local", "sideways", status=64).err)
        self.assertIn("stop-node", self.pmss("local", "--help").out)
        self.up(2)
        self.assertIn("has 2 storage servers already", self.local("up", "--nodes", "1", status=69).err)
        self.assertEqual(json.loads(self.local("env", "--json").out), self.status()["env"])


if __name__ == "__main__":
    unittest.main()
