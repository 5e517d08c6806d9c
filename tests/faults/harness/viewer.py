# SPDX-License-Identifier: LGPL-2.1-or-later
"""One viewer: a process with a real pmsssrc and a paced sink (../player.c), and what it told."""

import json
import subprocess

STALL = 1.0                         # s that a viewer has in hand
PATIENCE = 25                       # s beyond the length of the medium; more than pmsssrc's own timeout
COUNTERS = ("units", "requests", "rebuilt", "hedged", "late", "errors", "wasted")


class Viewer:
    """@loop: until end()."""

    def __init__(self, program, source, settings, env, log, loop=False):
        self.process = subprocess.Popen([str(program), " ".join(source), "%g" % (settings.rate / 8), "%d" % (settings.seconds + PATIENCE),
                                         *(["loop"] if loop else [])], env=env, stdin=subprocess.PIPE if loop else subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=log, text=True)

    def wait_playing(self):
        """Also when it failed to begin: that is in its report."""
        self.line = self.process.stdout.readline()

    def report(self):
        line = self.line if not self.line.startswith("playing") else self.process.stdout.readline()
        self.process.wait()
        self.process.stdout.close()
        if self.process.returncode != 0 or not line:
            raise RuntimeError("the player ended with %d" % self.process.returncode)
        return json.loads(line)

    def end(self):
        """After this time; its report."""
        self.process.stdin.close()
        return self.report()

    def close(self):
        if self.process.stdin:
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def judge(report, content_hash, size, needed, struck):
    """A trial's figures. @content_hash (bytes): of the medium's first bytes; @needed: units of the medium; @struck: monotonic, in s."""
    def longest(gaps):
        return max((gap["late"] / 1e6 for gap in gaps), default=0.0)
    after = [gap for gap in report["gaps"] if gap["came"] / 1e6 >= struck]
    stats = {key: report["stats"].get(key, 0) for key in COUNTERS}
    return {"stalls": sum(gap["late"] / 1e6 > STALL for gap in after), "gap": longest(after),
            "before": longest(gap for gap in report["gaps"] if gap["came"] / 1e6 < struck),
            "wrong": report["sha256"] != content_hash(report["bytes"]), "unfinished": report["bytes"] < size, "error": report["error"],
            "times": [time["took"] / 1e6 for time in report["times"] if time["came"] / 1e6 >= struck],
            "extra": stats["units"] / needed - 1, "stats": stats,
            "messages": [dict(message, at=message["at"] / 1e6 - struck) for message in report["messages"]]}
