# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of pmss share: a local cluster, somebody who has logged in, a file."""

import random

import pmss_cli

MIB = 1 << 20


class CliCase(pmss_cli.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster_dir = cls.folder / "cluster"
        cls.addClassCleanup(cls.pmss, "local", "down", "--purge", "--dir", cls.cluster_dir)
        cls.cluster = cls.pmss("local", "up", "--nodes", 6, "--dir", cls.cluster_dir, "--json",
                               "--control-set", "unit=64KiB", "--control-set", "extent=1MiB",
                               # nobody is to find what verify is to find
                               "--node-set", "scrub-period=0").json
        cls.url = cls.cluster["control"]["url"]
        cls.login()
        cls.data = random.Random(1).randbytes(5 * MIB + 12345)
        cls.file = cls.folder / "data.bin"
        cls.file.write_bytes(cls.data)
        cls.pmss("put", cls.file, "shared/data.bin")

    @classmethod
    def login(cls):
        cls.pmss("login", cls.url, "--user", "admin", stdin=cls.cluster["password"].encode() + b"\n")

    def path(self, name):
        folder = self.folder / self.id().rpartition(".")[2]
        folder.mkdir(exist_ok=True)
        return folder / name

