# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the servers have said of each medium, and so what has to be true of it."""

import dataclasses
import enum
import hashlib
import threading


class State(enum.Enum):
    """What a medium may be once all jobs have ended."""
    UNKNOWN = "there or not"        # asked for, and not answered
    THERE = "there"                 # acknowledged
    GOING = "going or not"          # its end was asked for, and not answered
    GONE = "gone"                   # its end was acknowledged


@dataclasses.dataclass
class Medium:
    name: str
    sha256: str
    size: int
    redundancy: str
    state: State = State.UNKNOWN

    @property
    def m(self):
        return int(self.redundancy.split("+")[1])


class Ledger:
    """Any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.media = {}

    def add(self, name, content, redundancy):
        """Before anything is asked of a server."""
        with self.lock:
            self.media[name] = Medium(name, hashlib.sha256(content).hexdigest(), len(content), redundancy)

    def set(self, name, state):
        with self.lock:
            self.media[name].state = state

    def names(self, *states):
        with self.lock:
            return sorted(medium.name for medium in self.media.values() if medium.state in states)

    def settle(self, there):
        """Afterwards: @there, the names that there are, are all that is expected from now on."""
        with self.lock:
            for name in list(self.media):
                if name in there:
                    self.media[name].state = State.THERE
                else:
                    del self.media[name]
