# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which machine this is, and what else it did while we measured."""

import os
import platform
import time

from . import accounting

TICK = os.sysconf("SC_CLK_TCK")


def describe():
    return {"cpu": cpu_model(), "cores": len(os.sched_getaffinity(0)), "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "kernel": platform.release(), "system": system_name(), "governor": governor()}


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def system_name():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def governor():
    try:
        with open("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


def busy_seconds():
    """CPU time of all processors that was not idle, stolen time included, since boot."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, idle, wait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICK


class Watch:
    """From its making on: load averages, and CPU that neither we nor our children nor @processes (an accounting.Processes) used."""

    def __init__(self, processes):
        self.processes = processes
        self.load_before = os.getloadavg()
        self.begin = time.monotonic()
        self.busy = busy_seconds()
        self.ours = self.our_seconds()

    def our_seconds(self):
        return time.process_time() + accounting.child_cpu() + self.processes.cpu()

    def report(self):
        seconds = time.monotonic() - self.begin
        others = busy_seconds() - self.busy - (self.our_seconds() - self.ours)
        return {"seconds": seconds, "load_before": self.load_before, "load_after": os.getloadavg(), "other_cpus": max(0.0, others / seconds)}
