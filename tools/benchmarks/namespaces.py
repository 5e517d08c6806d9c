# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts on this machine: network namespaces with a link each to ours, which may be slow.

We, the calling thread, leave the machine's network for one of our own, which has nothing but a loopback and the links; so nothing of the machine's is touched.
A host's namespace lives as long as one process of ours, which dies with us: there is nothing to clear away, not even after SIGKILL.
"""

import ctypes
import os
import pathlib
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
# the name of a host's end of its link
UPLINK = "uplink"
# the address of the client and of the control server, reachable over every link
HERE = "10.88.0.1"
# A switch's port: bursts of a few packets, a queue of 50 ms.
BURST = "32kb"
LATENCY = "50ms"
CONGESTION_CONTROL = "net.ipv4.tcp_congestion_control"


def leave():
    """From here on this thread, and the processes that it starts, are in a network of their own."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise RuntimeError("a network namespace of our own: %s (needs root, or: unshare --map-root-user %s ...)" %
                           (os.strerror(ctypes.get_errno()), sys.argv[0]))
    ip("link", "set", "lo", "up")
    ip("address", "add", HERE + "/32", "dev", "lo")


def forward():
    """Hosts reach one another, through us."""
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")


def link_bytes(link):
    """(what we have sent over our end of @link, what has come), in bytes, headers included."""
    for line in pathlib.Path("/proc/thread-self/net/dev").read_text(encoding="ascii").splitlines():
        name, _, figures = line.partition(":")
        if name.strip() == link:
            figures = figures.split()
            return int(figures[8]), int(figures[0])
    raise RuntimeError("no link " + link)


def command(*words):
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(words), run.stderr.strip()))


def ip(*words):
    command("ip", *words)


class Host:
    """Host number @number (1..200): its address, and the words with which to start something there."""

    def __init__(self, number):
        self.number = number
        self.link = "h%d" % number
        self.address = "10.88.%d.2" % number
        self.gateway = "10.88.%d.1" % number
        self.holder = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        self.prefix = ["nsenter", "--net=/proc/%d/ns/net" % self.holder.pid]
        try:
            self.wait_apart()
            self.connect()
        except BaseException:
            self.close()
            raise

    def wait_apart(self, deadline=10):
        end = time.monotonic() + deadline
        while os.readlink("/proc/%d/ns/net" % self.holder.pid) == os.readlink("/proc/thread-self/ns/net"):
            if self.holder.poll() is not None or time.monotonic() > end:
                raise RuntimeError("no namespace for host %d" % self.number)
            time.sleep(0.005)

    def connect(self):
        ip("link", "add", self.link, "type", "veth", "peer", "name", UPLINK, "netns", str(self.holder.pid))
        ip("address", "add", self.gateway + "/24", "dev", self.link)
        ip("link", "set", self.link, "up")
        for words in (("link", "set", "lo", "up"), ("address", "add", self.address + "/24", "dev", UPLINK)):
            command(*self.prefix, "ip", *words)
        self.join()

    def cut(self):
        """What is sent to it vanishes, as behind a cable that was pulled out at its end."""
        command(*self.prefix, "ip", "link", "set", UPLINK, "down")

    def join(self):
        command(*self.prefix, "ip", "link", "set", UPLINK, "up")
        command(*self.prefix, "ip", "route", "add", "default", "via", self.gateway)

    def limit_sending(self, megabits):
        """What it sends; 0: no limit."""
        limit(self.prefix, UPLINK, megabits)

    def limit_receiving(self, megabits):
        """What we send to it; 0: no limit."""
        limit([], self.link, megabits)

    def set_congestion_control(self, name):
        """Of TCP connections that this host sends over."""
        command(*self.prefix, "sysctl", "-qw", CONGESTION_CONTROL + "=" + name)

    def get_congestion_control(self):
        return subprocess.run([*self.prefix, "sysctl", "-n", CONGESTION_CONTROL], capture_output=True, text=True, check=True).stdout.strip()

    def close(self):
        if self.holder.poll() is None:
            self.holder.kill()
        self.holder.wait()


def limit(prefix, link, megabits):
    subprocess.run([*prefix, "tc", "qdisc", "del", "dev", link, "root"], capture_output=True, check=False)
    if megabits:
        command(*prefix, "tc", "qdisc", "add", "dev", link, "root", "tbf", "rate", "%gmbit" % megabits, "burst", BURST, "latency", LATENCY)


def make_hosts(context, count):
    hosts = []
    for number in range(1, count + 1):
        hosts.append(Host(number))
        context.on_exit(hosts[-1].close)
    return hosts
