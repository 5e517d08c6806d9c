# SPDX-License-Identifier: LGPL-2.1-or-later
"""What processes use: a command from its start to its end, and servers that go on running."""

import contextlib
import dataclasses
import os
import resource
import signal
import subprocess
import tempfile
import time

# The lower bits of a clock id of the kernel: the CPU time of a process, threads that have ended included, in nanoseconds.
CPUCLOCK_SCHED = 2


class CommandFailed(RuntimeError):
    pass


def cpu_seconds(pid):
    """What a living process has used so far, user and system, all threads; /proc/PID/stat knows it in steps of 10 ms only."""
    return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)


def peak_memory(pid):
    """The most that was resident, in bytes."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def threads(pid):
    return os.listdir("/proc/%d/task" % pid)


def children(pid):
    found = []
    for task in threads(pid):
        with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as file:
            found += map(int, file.read().split())
    return found


class Processes:
    """Some running processes that are counted together. @pids is a function, because a server may have been started again meanwhile."""

    def __init__(self, pids):
        self.pids = pids

    def cpu(self):
        return sum(cpu_seconds(pid) for pid in self.pids())

    def memory(self):
        return max(peak_memory(pid) for pid in self.pids())


@dataclasses.dataclass
class Usage:
    seconds: float
    cpu: float
    memory: int
    output: str
    errors: str


def run(command, env=None, timeout=600, accept=(0,), words=""):
    """Runs a command to its end, which reads @words. Raises CommandFailed with what it said.

    It is started by time(1): a process begins with the peak of whoever forked it, and that one is small.
    """
    with tempfile.NamedTemporaryFile("r", prefix="pmss-bench-") as report:
        begin = time.monotonic()
        process = None
        try:
            with deferred_interrupts():
                process = subprocess.Popen(["time", "-q", "-f", "%M", "-o", report.name, *map(str, command)], env=env, text=True, errors="replace",
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
            before = child_cpu()
            output, errors = process.communicate(words, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise CommandFailed("%s did not end within %g s" % (describe(command), timeout)) from None
        finally:
            if process:
                end_group(process)
                for pipe in (process.stdin, process.stdout, process.stderr):
                    pipe.close()
        seconds = time.monotonic() - begin
        if process.returncode not in accept:
            raise CommandFailed("%s ended with %d: %s" % (describe(command), process.returncode, (errors or output)[-2000:]))
        return Usage(seconds, child_cpu() - before, int(report.read().split()[-1]) * 1024, output, errors)


@contextlib.contextmanager
def deferred_interrupts():
    """An interruption while a process is being started waits until it is known: nobody else could end it."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    pending = []
    handlers = {number: signal.signal(number, lambda *arguments: pending.append(arguments)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for arguments in pending:
        handlers[arguments[0]](*arguments)


def child_cpu():
    """Of all children that have been waited for. Commands run one after the other: what is new belongs to the last."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def describe(command):
    return " ".join(map(str, command))[:300]


def end_group(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
