#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pmss verify and what it says of health, with real damage."""

import os
import pathlib
import time
import unittest

from cli_case import MIB, CliCase


class Verify(CliCase):
    def shard(self, name, extent, index):
        """The file of a shard."""
        version = self.pmss("info", "--json", name).json["version"]
        return next(pathlib.Path(self.cluster_dir).rglob("%s-%08x.%d" % (version, extent, index)))

    def flip(self, name, extent, index, row):
        with open(self.shard(name, extent, index), "r+b") as file:
            file.seek(128 + row * (128 + 65536) + 128)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))

    def test_verify(self):
        self.assertEqual(self.pmss("verify", "shared/data.bin").out,
                         "shared/data.bin: whole: every shard of 6 extents is good\n")
        result = self.pmss("verify", "--json", "shared/data.bin").json["verified"]
        self.assertEqual([(r["name"], r["state"], r["warning"], r["bad_shards"]) for r in result],
                         [("shared/data.bin", "whole", None, [])])
        self.assertEqual(self.pmss("job", "watch", "--json", result[0]["job"]).json["type"], "verify")
        self.pmss("verify", status=64)
        self.pmss("verify", "--all", "shared/data.bin", status=64)
        self.pmss("verify", "--rate-limit=-1", "shared/data.bin", status=64)

    def test_verify_all(self):
        for name in ("all/1", "all/2"):
            self.pmss("put", self.file, name)
        out = self.pmss("verify", "--all", "--rate-limit", "100000000000", status=None).out
        for name in ("all/1", "all/2", "shared/data.bin"):
            self.assertIn(name + ": whole", out)

    def test_verify_mends_nothing_and_tells(self):
        """One that can be mended: by the time that it is told it may be."""
        self.pmss("put", self.file, "flipped.bin", "--redundancy", "4+2")
        self.flip("flipped.bin", 2, 5, 1)
        result = self.pmss("verify", "flipped.bin", "shared/data.bin", status=65)
        self.assertRegex(result.out, "flipped.bin: (degraded: all of it can be read|doubtful)")
        self.assertIn("shared/data.bin: whole", result.out)
        self.assertIn("warning: 1 shard is bad", result.err)
        self.assertIn("1 of 2 media verified are not whole", result.err)

    def test_verify_damaged(self):
        """Exactly the bytes that are lost."""
        self.pmss("put", self.file, "damaged.bin", "--redundancy", "4+2")
        for shard in (0, 1, 5):
            self.flip("damaged.bin", 1, shard, 2)
        self.flip("damaged.bin", 1, 2, 3)
        result = self.pmss("verify", "--json", "damaged.bin", status=65).json["verified"][0]
        self.assertEqual((result["state"], result["warning"]), ("damaged", "4 shards are bad"))
        begin = MIB + 2 * 4 * 65536
        self.assertEqual(result["health"]["damaged"], [{"offset": begin, "length": 2 * 65536}])
        out = self.pmss("verify", "damaged.bin", status=65).out
        self.assertIn("damaged.bin: damaged: bytes are lost (1 of 6 extents)", out)
        self.assertIn("  bytes %d to %d are lost\n" % (begin, begin + 2 * 65536 - 1), out)
        self.assertRegex(out, r"  extent 1, shard 0 on node \d+: damaged, row 2\n")
        self.pmss("rm", "damaged.bin")

    def test_verify_with_a_node_down(self):
        self.pmss("put", self.file, "degraded.bin", "--redundancy", "4+2")
        self.pmss("local", "stop-node", "0", "--dir", self.cluster_dir)
        self.addCleanup(self.pmss, "local", "start-node", "0", "--dir", self.cluster_dir)
        result = self.pmss("verify", "degraded.bin", status=65)
        self.assertIn("degraded.bin: degraded: all of it can be read", result.out)
        self.assertIn("  down: node %d\n" % self.cluster["nodes"][0]["id"], result.out)
        self.assertIn("6 shards could not be looked at, on node %d: " % self.cluster["nodes"][0]["id"], result.err)

    def test_health_with_a_node_down(self):
        self.pmss("put", self.file, "health.bin", "--redundancy", "4+2")
        self.pmss("put", self.file, "thin.bin", "--redundancy", "6+0")
        self.assertIn("whole: every shard is there", self.pmss("info", "health.bin").out)
        self.pmss("local", "stop-node", "0", "--dir", self.cluster_dir)
        self.addCleanup(self.pmss, "local", "start-node", "0", "--dir", self.cluster_dir)
        id = self.cluster["nodes"][0]["id"]
        text = self.pmss("info", "health.bin").out
        self.assertIn("degraded: every byte can be read", text)
        self.assertIn(f"storage servers that are down: {id}\n", text)
        self.assertEqual(self.pmss("info", "health.bin", "--json").json["health"]["nodes_down"], [id])
        self.assertIn("unavailable: bytes cannot be read until", self.pmss("info", "thin.bin").out)


if __name__ == "__main__":
    unittest.main()
