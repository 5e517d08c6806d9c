# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that are killed at random moments of their work. docs/reliability.md explains; ../run is the program."""

import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[3]
# what tools/bench and the integration tests have is used, not written again
for folder in (TOP / "tools", TOP / "tests" / "integration"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
