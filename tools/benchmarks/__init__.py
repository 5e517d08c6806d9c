# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/bench: a file a mode (throughput, ...), and the parts that they share."""
