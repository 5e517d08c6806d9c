#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A medium beyond 2^31 and 2^32 bytes, from upload to the last byte."""

import json
import os
import random
import shutil
import subprocess
import unittest

import cluster
from cluster import BUILD

SIZE = 4 * 1024 ** 3 + 100 * 1024 ** 2 + 12345
NEEDED = 3 * SIZE


@unittest.skipIf(shutil.disk_usage("/tmp").free < NEEDED,
                 "needs %d GB free in /tmp" % (NEEDED // 10 ** 9))
class Large(cluster.TestCase):
    timeout = 580

    def test_large(self):
        path = self.cluster.folder / "large"
        at_random = random.Random(4)
        with open(path, "wb") as file:
            file.truncate(SIZE)
            # holes between islands: quick to make, and no two places are alike
            for offset in [0, 2 ** 31 - 50, 2 ** 32 - 50, SIZE - 100] + [
                    at_random.randrange(SIZE - 5000) for _ in range(2000)]:
                file.seek(offset)
                file.write(at_random.randbytes(100))
            file.truncate(SIZE)
        with open(path, "rb") as content:
            job = self.cluster.put("large", content, redundancy="4+1")
        self.cluster.wait_job(job, deadline=480)
        self.assertEqual(self.cluster.medium("large")["size"], SIZE)

        environment = dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token)
        tool = BUILD / "tests" / "integration" / "reader-tool"
        for options in ([], ["--random", "500"]):
            done = subprocess.run([tool, *options, "large", path], env=environment,
                                  stdout=subprocess.PIPE, text=True, timeout=200)
            result = json.loads(done.stdout)
            self.assertTrue(result["ok"], result)
            if not options:
                self.assertEqual(result["bytes"], SIZE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
