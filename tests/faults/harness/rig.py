# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cluster of real servers with media on it, and viewers in front of it: what the faults are done to. It belongs to one thread."""

import hashlib
import importlib
import math
import os
import random
import subprocess
import time

from benchmarks import build, namespaces, servers

from . import disks, viewer
from .disks import Unavailable

NAME = "faults/%d"
# so that sessions are renewed while they are watched
LEASE = 3
# times what all viewers of a round take of one host
SPARE = 2
SMALL_DISK = 64 << 20


class Rig:
    """@hosts: each storage server on a host of its own, behind a link; otherwise all on loopback. @tls: with certificates; needs hosts."""
    spare = 0               # nodes beyond those that an extent needs
    haste = 1               # of Cluster

    def __init__(self, settings, folder, build_dir, hosts, tls=False):
        self.settings = settings
        self.build = build_dir
        self.folder = folder
        self.cluster_module = servers.fixture(build_dir)
        self.hosts = []
        self.authority = None
        self.cluster = None
        self.small, self.no_small = None, "only on loopback"
        self.complaints = []
        self.viewers = []
        self.aborted = False
        folder.mkdir()
        self.log = open(folder / "players.log", "wb")
        try:
            if tls:
                self.make_authority()
            self.set_up(hosts)
        except BaseException:
            self.close()
            raise

    def set_up(self, hosts):
        s = self.settings
        self.link_rate = SPARE * s.viewers * s.rate / 1e6 / s.k
        if hosts:
            self.make_hosts()
        else:
            self.make_small_disk()
        self.cluster = self.cluster_module.Cluster(
            nodes=0, folder=self.folder, address=namespaces.HERE if hosts else "127.0.0.1",
            ca=self.authority.certificate if self.authority else None,
            control_options=self.control_options(), environment=self.control_environment(), haste=self.haste)
        for index in range(s.nodes + self.spare):
            self.add_node(index)
        self.cluster.wait_nodes()
        self.env = self.environment()
        self.add_media()
        for host in self.hosts:
            host.limit_sending(self.link_rate)

    def control_options(self):
        s = self.settings
        return {"log-level": "message", "lease": str(LEASE), "unit": s.unit, "extent": s.extent, "default-redundancy": "%d+%d" % (s.k, s.m),
                **self.certificate("control", namespaces.HERE, "node-ca")}

    def control_environment(self):
        return {}

    def prefix(self, index):
        """Words to start a storage server on loopback with."""
        shim = self.build / "tests" / "faults" / "libfail-read.so"
        return ["env", "LD_PRELOAD=%s" % shim, "FAIL_READ_WHILE=%s" % self.read_trigger(index)]

    def make_authority(self):
        folder = self.folder / "authority"
        folder.mkdir()
        try:
            # beside the cluster's module
            self.authority = importlib.import_module("authority").Authority(folder, "ours")
        except OSError as error:
            raise Unavailable("faults with TLS: openssl: %s" % error) from error

    def certificate(self, name, address, trusted):
        """Options of a server: its certificate, and @trusted for those of the servers that it speaks to."""
        if not self.authority:
            return {}
        return dict(self.authority.issue(name, "IP:" + address), **{trusted: str(self.authority.certificate)})

    def make_hosts(self):
        try:
            namespaces.leave()
        except (RuntimeError, OSError) as error:
            raise Unavailable("faults of links: %s" % error) from error
        for number in range(1, self.settings.nodes + 1):
            self.hosts.append(namespaces.Host(number))

    def make_small_disk(self):
        small = self.folder / "small"
        try:
            disks.mount_small(small, SMALL_DISK + 2 * self.settings.viewers * self.settings.size // self.settings.k)
            self.small = small
        except (Unavailable, OSError) as error:
            self.no_small = str(error)

    def add_node(self, index):
        data = self.small / "data" if self.small and index == 0 else None
        if self.hosts:
            host = self.hosts[index]
            self.cluster.add_node(wait=False, address=host.address, prefix=host.prefix, **self.certificate("node%d" % index, host.address, "control-ca"))
        else:
            self.cluster.add_node(wait=False, data=data, prefix=self.prefix(index))

    def read_trigger(self, index):
        return self.folder / ("fail-read-%d" % index)

    def environment(self):
        """For players: GStreamer's core and our plugin, and nothing else, so that their registry is made at once."""
        plugins = self.folder / "plugins"
        plugins.mkdir()
        where = subprocess.run(["pkg-config", "--variable=pluginsdir", "gstreamer-1.0"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        (plugins / "libgstcoreelements.so").symlink_to(os.path.join(where, "libgstcoreelements.so"))
        trusted = {"PMSS_TEST_CA": str(self.authority.certificate)} if self.authority else {}
        return dict(build.environment(self.build, self.folder), **trusted, PMSS_TOKEN=self.cluster.token, GST_PLUGIN_SYSTEM_PATH_1_0=str(plugins),
                    GST_REGISTRY_FORK="no")

    def add_media(self):
        self.media = []
        self.versions = {}
        for number in range(self.settings.viewers):
            content = random.Random(number).randbytes(self.settings.size)
            medium = self.cluster.add(NAME % number, content)
            self.versions[medium["version"]] = number
            self.media.append(content)
        # the registry is made before it counts
        self.play([self.start_viewer(0, ["fakesrc", "name=source", "num-buffers=1"])])

    def targets(self, plan):
        return [self.cluster.nodes[i] for i in plan.targets]

    def in_order(self, extents):
        """Names of extents in the order of media and places: of two clusters, too."""
        known = [name for name in extents if name.split("-")[0] in self.versions]
        return sorted(known, key=lambda name: (self.versions[name.split("-")[0]], name.split("-")[1]))

    def wait_room(self, size):
        """Until control has heard that each node has room for so much."""
        def look():
            return all(node["free"] >= size for node in self.cluster.api("GET", "/nodes")["nodes"])
        self.cluster_module.wait_for(look, "room on all nodes")

    def complain(self, text):
        self.complaints.append(text)

    # viewers

    def source(self, number):
        return ["pmsssrc", "name=source", "location=" + servers.uri(self.cluster, NAME % number), "read-ahead=%d" % self.settings.read_ahead]

    def start_viewer(self, number, source=None, loop=False):
        if self.aborted:
            raise RuntimeError("interrupted")
        one = viewer.Viewer(self.build / "tests" / "faults" / "fault-player", source or self.source(number), self.settings, self.env, self.log, loop)
        self.viewers.append(one)
        return one

    def play(self, viewers):
        """Until all have ended; returns their reports."""
        try:
            for one in viewers:
                one.wait_playing()
            return [one.report() for one in viewers]
        finally:
            for one in viewers:
                one.close()

    def start_viewers(self, plan):
        begin = time.monotonic()
        viewers = []
        try:
            for number, start in enumerate(plan.starts):
                time.sleep(max(0, begin + start - time.monotonic()))
                viewers.append(self.start_viewer(number))
            for one in viewers:
                one.wait_playing()
        except BaseException:
            for one in viewers:
                one.close()
            raise
        return viewers

    def run(self, fault, plan):
        """One round; returns its trials."""
        self.complaints = []
        self.viewers = []
        viewers = self.start_viewers(plan)
        try:
            time.sleep(plan.moment)
            struck = time.monotonic()
            with fault.strike(self, plan):
                if plan.back is not None:
                    time.sleep(max(0, struck + plan.back - time.monotonic()))
                else:
                    reports = [one.report() for one in viewers]
            if plan.back is not None:
                reports = [one.report() for one in viewers]
        finally:
            for one in viewers:
                one.close()
        self.cluster.wait_nodes()
        return [self.judge(number, report, struck) for number, report in enumerate(reports)]

    def judge(self, number, report, struck):
        content, unit = self.media[number], self.settings.unit
        return viewer.judge(report, lambda size: hashlib.sha256(content[:size]).hexdigest(), len(content), math.ceil(len(content) / unit), struck)

    # the end

    def abort(self):
        """Any thread: no viewer goes on, so that what is under way fails soon."""
        self.aborted = True
        for one in list(self.viewers):
            one.process.kill()

    def shut_down(self):
        """In order; what the servers' ends and logs have to complain of."""
        return self.cluster.shut_down()

    def close(self):
        if self.cluster:
            self.cluster.close()
        for host in self.hosts:
            host.close()
        self.log.close()
