# SPDX-License-Identifier: LGPL-2.1-or-later
"""Films looped for hours while the cluster under them changes: who stands still, what grows, and which sessions nobody has."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import statistics
import struct
import threading
import time

from . import plan, rig, viewer

# s between two looks at the viewers and at control
LOOK = 0.5
# s that a viewer plays before it counts what it holds
WARM_UP = 6
# what may differ between the first and the last third of the looks
MORE_MEMORY = 8 << 20
MORE_DESCRIPTORS = 4
# times as many wake-ups of the reader's thread, and so many more a second
MORE_WAKEUPS, FEW_WAKEUPS = 1.5, 25
# processes that want each processor: a viewer that stands still then says nothing
BUSY_LOAD = 2
# s by which a clock is set
CLOCKS = (7200, -7200)
LEASES = ("3", "4")


def look_at(pid):
    """(bytes of memory, descriptors, wake-ups of the reader's thread so far); None: it is gone."""
    try:
        with open("/proc/%d/statm" % pid) as file:
            memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        wakeups = 0
        for task in os.listdir("/proc/%d/task" % pid):
            folder = "/proc/%d/task/%s/" % (pid, task)
            with open(folder + "comm") as file:
                if file.read() != "pmss-reader\n":
                    continue
            with open(folder + "status") as file:
                wakeups += next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
        return memory, len(os.listdir("/proc/%d/fd" % pid)), wakeups
    except OSError:
        return None


class Looks(threading.Thread):
    """Looks at a viewer, at the sessions and at the machine until it is stopped."""

    def __init__(self, bench, viewers):
        super().__init__(daemon=True)
        self.bench = bench
        self.pids = [one.process.pid for one in viewers]
        self.over = threading.Event()
        self.seen = {pid: [] for pid in self.pids}      # (memory, descriptors, wake-ups a second)
        self.sessions = []                              # (when, how many)
        self.busy = []                                  # when, monotonic

    def run(self):
        before = {}
        while not self.over.wait(LOOK):
            now = time.monotonic()
            for pid in self.pids:
                seen = look_at(pid)
                if seen and pid in before:
                    then, wakeups = before[pid]
                    self.seen[pid].append((seen[0], seen[1], (seen[2] - wakeups) / (now - then)))
                if seen:
                    before[pid] = (now, seen[2])
            self.count_sessions(now)
            if os.getloadavg()[0] / len(os.sched_getaffinity(0)) > BUSY_LOAD:
                self.busy.append(now)

    def count_sessions(self, now):
        try:
            self.sessions.append((now, len(self.bench.cluster.api("GET", "/sessions")["sessions"])))
        except (OSError, self.bench.cluster_module.Failed):
            pass        # control is being started

    def stop(self):
        self.over.set()
        self.join()

    def was_busy(self, at):
        """Whether the machine was, when @at (monotonic, s) something was late. The load is a mean of a minute."""
        return any(abs(at - busy) < 5 for busy in self.busy)


class Bench(rig.Rig):
    """A cluster with a node more than an extent needs, that repairs itself, and whose clocks can be set."""
    spare = 1
    haste = 3

    def control_options(self):
        return dict(super().control_options(), repair="on", **{"repair-limit": "0", "repair-delay": "86400"})

    def clock(self, label):
        path = self.folder / ("clock-" + label)
        if not path.exists():
            path.write_bytes(bytes(8))
        return path

    def preload(self, label):
        return {"LD_PRELOAD": str(self.build / "tests" / "integration" / "libwrong-clock.so"), "WRONG_CLOCK": str(self.clock(label))}

    def control_environment(self):
        return self.preload("control")

    def prefix(self, index):
        return ["env", *("%s=%s" % pair for pair in self.preload("node%d" % (index + 1)).items())]

    def make_small_disk(self):
        """None is needed."""

    def set_clock(self, label, seconds):
        with open(self.clock(label), "r+b") as file:
            file.write(struct.pack("q", seconds))

    def source(self, number):
        return [*super().source(number), "cache-size=%d" % cache_size(self.settings)]

    # what is waited for

    def shards(self):
        """All that lie on the disks of running nodes: [(shard, node)]."""
        return [(shard, node) for node in self.cluster.nodes if node.running() for shard in node.shards()]

    def wait(self, condition, what):
        return self.cluster_module.wait_for(condition, what, 120)

    def wait_whole(self):
        """Until every shard is somewhere, and no repair is at work."""
        wanted = len(self.media) * -(-self.settings.size // self.settings.extent) * self.settings.nodes

        def look():
            there = {shard for shard, _ in self.shards()}
            return len(there) == wanted and not self.cluster.api("GET", "/jobs?state=running")["jobs"]
        self.wait(look, "all %d shards" % wanted)

    def wait_renewed(self):
        """Until each session was renewed twice: its reader knows then where things are."""
        expiries = {}

        def look():
            sessions = self.cluster.api("GET", "/sessions")["sessions"]
            for session in sessions:
                expiries.setdefault(session["id"], set()).add(session["expires"])
            return sessions and all(len(expiries[session["id"]]) > 2 for session in sessions)
        self.wait(look, "the sessions to be renewed")

    def state(self, node):
        return next(one for one in self.cluster.api("GET", "/nodes")["nodes"] if one["id"] == node.id)


# --- what is done; each ends when all is well again ---

def restart(bench, rng):
    """A storage server dies, and is started again."""
    node = rng.choice(bench.cluster.nodes)
    node.kill()
    time.sleep(rng.uniform(0.1, 0.8))
    node.start()


def restart_control(bench, rng):
    bench.cluster.control.kill()
    time.sleep(rng.uniform(0.1, 0.8))
    bench.cluster.control.start()


def lose(bench, rng):
    """Shards vanish from a disk: a viewer's reader tells, and control makes them anew. Parity nobody would miss yet."""
    def data(node):
        return sorted(shard for shard in node.shards() if int(shard.rsplit(".", 1)[1]) < bench.settings.k)
    node = rng.choice([node for node in bench.cluster.nodes if data(node)])
    for shard in rng.sample(data(node), min(3, len(data(node)))):
        node.shard_path(shard).unlink()
    bench.wait_whole()


def move(bench, rng):
    """A storage server is given up: its shards are made anew on the others, and go from it when it comes back."""
    node = rng.choice([node for node in bench.cluster.nodes if node.shards()])
    node.stop()
    bench.cluster.wait_nodes()
    bench.cluster.api("POST", "/nodes/%d/repair" % node.id, None, 202)
    bench.wait_whole()
    node.start()
    bench.cluster.wait_nodes()
    bench.wait(lambda: not node.shards(), "the shards of node %d to go" % node.id)
    bench.wait_renewed()


def readdress(bench, rng):
    """A storage server is at another port from now on."""
    node = rng.choice(bench.cluster.nodes)
    node.stop()
    node.port = 0
    node.start()
    bench.wait(lambda: bench.state(node)["port"] == node.port, "node %d to be at port %d" % (node.id, node.port))
    bench.wait_renewed()


def change_lease(bench, _):
    """Sessions get another lease from now on."""
    control = bench.cluster.control
    control.options["lease"] = next(lease for lease in LEASES if lease != control.options["lease"])
    bench.cluster.restart_control(kill=False)


def set_clock(bench, rng, label):
    def named():
        return any("clock" in (node["reason"] or "") for node in bench.cluster.api("GET", "/nodes")["nodes"])
    bench.set_clock(label, rng.choice(CLOCKS))
    bench.wait(named, "control to name the clock of %s" % label)
    bench.wait_renewed()
    bench.set_clock(label, 0)


def set_clock_of_node(bench, rng):
    set_clock(bench, rng, rng.choice(bench.cluster.nodes).label)


def set_clock_of_control(bench, rng):
    set_clock(bench, rng, "control")


# More moves than redundancy makes up for: who never learns where shards are ends with these.
WORKS = (move, restart, readdress, lose, move, restart_control, change_lease, move, set_clock_of_node, set_clock_of_control, readdress)


def do(bench, rng, deadline, said):
    """All works in a random order, again and again until @deadline; once at least."""
    done = []
    while not done or time.monotonic() < deadline:
        for work in rng.sample(WORKS, len(WORKS)):
            begin = time.monotonic()
            work(bench, rng)
            bench.cluster.wait_nodes()
            bench.wait_whole()
            done.append({"work": work.__name__, "began": begin, "took": time.monotonic() - begin})
            said("%s: %.1f s" % (work.__name__, done[-1]["took"]))
    return done


# --- what is made of it ---

def growth(seen):
    """Of a viewer's looks, (memory, descriptors, wake-ups a second): what is more in their last third than in the first."""
    third = max(1, len(seen) // 3)

    def medians(looks):
        return [statistics.median(look[i] for look in looks) for i in range(3)]
    first, last = medians(seen[:third]), medians(seen[-third:])
    found = []
    if last[0] > first[0] + MORE_MEMORY:
        found.append("memory grew from %.1f to %.1f MiB" % (first[0] / 2**20, last[0] / 2**20))
    if last[1] > first[1] + MORE_DESCRIPTORS:
        found.append("descriptors grew from %d to %d" % (first[1], last[1]))
    if last[2] > MORE_WAKEUPS * first[2] + FEW_WAKEUPS:
        found.append("wake-ups grew from %.0f to %.0f a second" % (first[2], last[2]))
    return found


def phantoms(sessions, viewers):
    """@sessions: of Looks. More than there are viewers, twice in a row: one look may fall between the ways of two."""
    most = max((min(one[1], two[1]) for one, two in zip(sessions, sessions[1:])), default=0)
    return ["%d sessions of %d viewers" % (most, viewers)] if most > viewers else []


def judge(report, digest, was_busy):
    """What a viewer noticed. @digest: of the film."""
    found = []
    if report["error"]:
        found.append("ended: %s" % report["error"])
    elif any(one != digest for one in report["digests"]):
        found.append("wrong bytes")
    for gap in report["gaps"]:
        if gap["late"] / 1e6 > viewer.STALL and not was_busy(gap["came"] / 1e6):
            found.append("stood still for %.2f s at %.1f" % (gap["late"] / 1e6, gap["came"] / 1e6))
    return found


def keep(bench, kept):
    """What tells of a soak that came to a stop: logs, databases, and what control says; without the shards."""
    shutil.rmtree(kept, ignore_errors=True)
    for path in ("/nodes", "/jobs", "/sessions", "/health"):
        with contextlib.suppress(OSError, bench.cluster_module.Failed):
            (bench.folder / (path[1:] + ".json")).write_text(json.dumps(bench.cluster.api("GET", path), indent=1))
    (bench.folder / "shards").write_text("".join("%s on %s\n" % (shard, node.label) for shard, node in sorted(bench.shards(), key=lambda one: one[0])))
    shutil.copytree(bench.folder, kept, ignore=lambda _, names: [name for name in names if bench.cluster_module.SHARD.match(name)])


def run(film, folder, build_dir, seed, hours, said, kept):
    """Returns a document for programs; its member "failed" says what was wrong. @kept: the folder to make where it cannot go on."""
    bench = Bench(film, folder, build_dir, hosts=False)
    try:
        viewers = [bench.start_viewer(number, loop=True) for number in range(film.viewers)]
        for one in viewers:
            one.wait_playing()
        time.sleep(WARM_UP)
        looks = Looks(bench, viewers)
        looks.start()
        done = do(bench, random.Random(seed), time.monotonic() + hours * 3600, said)
        looks.stop()
        failed = phantoms(looks.sessions, len(viewers))
        reports = [one.end() for one in viewers]
        for number, (one, report) in enumerate(zip(viewers, reports)):
            digest = hashlib.sha256(bench.media[number]).hexdigest()
            found = judge(report, digest, looks.was_busy) + growth(looks.seen[one.process.pid])
            failed += ["viewer %d %s" % (number, text) for text in found]
        bench.wait(lambda: not bench.cluster.api("GET", "/sessions")["sessions"], "the sessions to end")
        failed += bench.shut_down()
    except Exception:
        said("seed %s cannot go on; kept: %s" % (seed, kept))
        keep(bench, kept)
        raise
    finally:
        bench.close()
    return {"seed": seed, "hours": hours, "works": done, "failed": failed, "busy": len(looks.busy),
            "viewers": [{"loops": len(report["digests"]), "gaps": report["gaps"], "stats": report["stats"], "looks": looks.seen[one.process.pid],
                         "messages": report["messages"]} for one, report in zip(viewers, reports)]}


def summary(document):
    lines = []
    for number, one in enumerate(document["viewers"]):
        looks = one["looks"]
        gap = max((gap["late"] / 1000 for gap in one["gaps"]), default=0)
        lines.append("viewer %d: %d times, longest gap %.0f ms, %.1f to %.1f MiB, %d to %d descriptors, %.0f wake-ups a second" % (
            number, one["loops"], gap, min(look[0] for look in looks) / 2**20, max(look[0] for look in looks) / 2**20,
            min(look[1] for look in looks), max(look[1] for look in looks), statistics.median(look[2] for look in looks)))
    return lines


def cache_size(settings_of):
    return settings_of.read_ahead * 3 // 2


def settings(viewers):
    """A film that is longer than what a reader keeps, so that each time it is read anew."""
    return plan.Settings(seconds=4, extent=1 << 18, read_ahead=1 << 19, viewers=viewers)
