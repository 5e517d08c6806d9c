# SPDX-License-Identifier: LGPL-2.1-or-later
"""Viewers of a full cluster: they wait until there is room, say when that is, and play all; or say why not."""

import os
import re
import subprocess
import time
import unittest

import test_admission
from authority import WithTls
from pmss_cli import PMSS

# s; what plays now ends within this time, and then there is room
SECONDS = 12
EX_TEMPFAIL = 75


class ViewersCase(test_admission.AdmissionCase):
    def variables(self):
        more = {"PMSS_CA_FILE": str(self.ca)} if hasattr(self, "ca") else {}
        return dict(os.environ, PMSS_URL=self.cluster.url, PMSS_TOKEN=self.cluster.token, LC_ALL="C.UTF-8", GST_REGISTRY_FORK="no",
                    XDG_CONFIG_HOME=str(self.cluster.folder / "config"), GST_REGISTRY_1_0=str(self.cluster.folder / "registry.bin"), **more)

    def start(self, *arguments):
        return subprocess.Popen([str(PMSS), *arguments], env=self.variables(), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class Viewers(ViewersCase):
    seconds = SECONDS

    def test_wait(self):
        """The element itself, a player that takes the session over, and a copy, which waits for nobody."""
        folder = self.cluster.folder
        wanted = test_admission.noise(SECONDS)
        player = folder / "player"
        player.write_text("#!/bin/sh\nprintf %s \"$PMSS_SESSION\" > {0}/session\n"
                          "exec gst-launch-1.0 -q pmsssrc location=\"$1\" ! filesink location={0}/played\n".format(folder))
        player.chmod(0o755)
        filling = self.fill(patience=4)[0]
        begun = time.monotonic()
        waiting = {
            "saved": self.start("play", "--save", str(folder / "saved"), "a.wav"),
            "played": self.start("play", "--player", str(player), "a.wav"),
        }
        copied = self.start("get", "a.wav", str(folder / "copied"))
        told = []
        for process in waiting.values():
            line = process.stderr.readline()
            self.assertRegex(line, r"The servers are full; “.*a\.wav” starts in \d+ s")
            told.append(int(re.search(r"(\d+) s", line).group(1)))
        self.assertEqual(copied.wait(60), 0, copied.stderr.read())
        self.assertEqual((folder / "copied").read_bytes(), wanted)
        self.assertFalse((folder / "played").exists())
        self.assertFalse((folder / "saved").exists() and (folder / "saved").stat().st_size > 0)
        rows = {row["id"]: row["start_in_ns"] for row in self.cluster.api("GET", "/sessions")["sessions"] if row["id"] not in filling}
        self.assertEqual(sum(start > 0 for start in rows.values()), 2, rows)
        for name, process in waiting.items():
            rest = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, rest)
            self.assertEqual((folder / name).read_bytes(), wanted, name)
        self.assertGreaterEqual(time.monotonic() - begun, min(told) - 1)
        # the session that was waited for is the player's
        self.assertIn((folder / "session").read_text().split(" ")[0], rows)
        self.assertEqual((folder / "session").read_text().split(" ")[1], "a.wav")


class Refused(ViewersCase):
    """For as long as the others play."""

    def test_no_wait(self):
        self.fill()
        for arguments in (("--wait", "0"), ("--wait", "1"), ("--wait", "0", "--save", "/dev/null")):
            process = self.start("play", *arguments, "a.wav")
            _, error = process.communicate(timeout=60)
            self.assertEqual(process.returncode, EX_TEMPFAIL, error)
            self.assertRegex(error, r"the network of node \d does not suffice")
            self.assertRegex(error, r"Try again in \d+ s")
            self.assertNotIn("in a moment", error)


class ViewersTls(WithTls, Viewers):
    pass


if __name__ == "__main__":
    unittest.main()
