# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench-relay (relay.c): loopback as far away as a distant network."""

import subprocess


class Relay:
    """In front of @targets (host:port); ports[i] is that of target i. @slow_start: connections begin as TCP's do."""

    def __init__(self, build, delay_ms, targets, slow_start=False):
        program = str(build / "tools" / "benchmarks" / "bench-relay")
        self.process = subprocess.Popen([program, *(["--slow-start"] if slow_start else []), "%g" % delay_ms, *targets],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = [int(port) for port in self.process.stdout.readline().split()]
        if len(self.ports) != len(targets):
            self.stop()
            raise RuntimeError("bench-relay does not start")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
