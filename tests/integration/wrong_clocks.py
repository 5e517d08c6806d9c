# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers whose clocks a test sets."""

import os
import pathlib
import shutil
import struct
import tempfile


class WithClocks:
    """Before a cluster.TestCase among the bases: control's clock and those of `clocked` nodes, which are all that there are, are set by set_clock()."""

    nodes = 0
    clocked = 3

    @classmethod
    def setUpClass(cls):
        cls.clocks = pathlib.Path(tempfile.mkdtemp(prefix="pmss-clocks-"))
        cls.addClassCleanup(shutil.rmtree, cls.clocks)
        nodes = ["node%d" % i for i in range(cls.clocked)]
        for name in ("control", *nodes):
            (cls.clocks / name).write_bytes(bytes(8))
        cls.environment = dict(cls.preload("control"))
        super().setUpClass()
        for name in nodes:
            cls.cluster.add_node(wait=False, prefix=["env", *("%s=%s" % pair for pair in cls.preload(name))])
        cls.cluster.wait_nodes()

    @classmethod
    def preload(cls, name):
        others = os.environ.get("LD_PRELOAD", "").split()
        return (("LD_PRELOAD", " ".join([os.environ["PMSS_WRONG_CLOCK"], *others])), ("WRONG_CLOCK", str(cls.clocks / name)))

    def tearDown(self):
        for path in self.clocks.iterdir():
            self.set_clock(path.name, 0)
        super().tearDown()

    def set_clock(self, name, seconds):
        """@name: "control", "node0"…; how far it is ahead."""
        with open(self.clocks / name, "r+b") as file:
            file.write(struct.pack("q", seconds))
