# SPDX-License-Identifier: LGPL-2.1-or-later
"""iperf3 from, or to, several hosts at once: what the links carry."""

import json
import subprocess
import time

PORT = 5201


class Servers:
    """One iperf3 server on each of @hosts."""

    def __init__(self, hosts):
        self.hosts = hosts
        self.processes = []

    def start(self):
        for host in self.hosts:
            self.processes.append(subprocess.Popen([*host.prefix, "iperf3", "-s", "-p", str(PORT)], stdin=subprocess.DEVNULL,
                                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return self

    def pids(self):
        return [process.pid for process in self.processes]

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


def measure(hosts, seconds, to_us=True, prefix=()):
    """Bytes/s that arrive in all, without the first second, in which TCP finds its pace. @prefix: words to start the clients with, where they are not to be here."""
    command = [*prefix, "iperf3", "-J", "-p", str(PORT), "-t", str(seconds), "-O", "1", *(["-R"] if to_us else [])]
    clients = [subprocess.Popen([*command, "-c", host.address], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) for host in hosts]
    deadline = time.monotonic() + seconds + 30
    try:
        results = [json.loads(client.communicate(timeout=max(1, deadline - time.monotonic()))[0]) for client in clients]
    finally:
        for client in clients:
            client.kill()
            client.wait()
            client.stdout.close()
    failures = [r["error"] for r in results if "error" in r]
    if failures:
        raise RuntimeError("iperf3: " + failures[0])
    return sum(r["end"]["sum_received"]["bits_per_second"] for r in results) / 8
