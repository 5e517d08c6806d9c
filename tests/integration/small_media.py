# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small media of kinds that no encoder on the machine writes: one sample of 64 bytes, played in each fourth row of a module."""

import struct

ROWS = 64
CHANNELS = 4
# a triangle, signed
SAMPLE = bytes((i if i < 32 else 64 - i) * 7 - 112 & 255 for i in range(64))


def module():
    """ProTracker: MOD."""
    samples = b"".join(b"".ljust(22, b"\0") + struct.pack(">HBBHH", length // 2, 0, volume, 0, length // 2 or 1)
                       for length, volume in [(len(SAMPLE), 64)] + 30 * [(0, 0)])
    note = struct.pack(">HH", 428, 0x1000)
    rows = b"".join(note + bytes(12) if row % 4 == 0 else bytes(16) for row in range(ROWS))
    return b"small".ljust(20, b"\0") + samples + bytes([1, 127]) + bytes(128) + b"M.K." + rows + SAMPLE


def extended_module():
    """FastTracker 2: XM."""
    rows = b"".join(b"\x83\x31\x01" + b"\x80" * 3 if row % 4 == 0 else b"\x80" * 4 for row in range(ROWS))
    pattern = struct.pack("<IBHH", 9, 0, ROWS, len(rows)) + rows
    extra = struct.pack("<I", 40) + bytes(96 + 48 + 48 + 14 + 4)
    instrument = b"".ljust(23, b"\0") + struct.pack("<H", 1) + extra
    instrument = struct.pack("<I", 4 + len(instrument)) + instrument
    sample = struct.pack("<IIIBbBBbB", len(SAMPLE), 0, len(SAMPLE), 64, 0, 1, 128, 0, 0) + bytes(22)
    deltas = bytes(value - before & 255 for value, before in zip(SAMPLE, b"\0" + SAMPLE))
    header = struct.pack("<IHHHHHHHH", 276, 1, 0, CHANNELS, 1, 1, 1, 6, 125) + bytes(256)
    return (b"Extended Module: " + b"small".ljust(20) + b"\x1a" + b"small".ljust(20) + struct.pack("<H", 0x104)
            + header + pattern + instrument + sample + deltas)


def core_audio():
    """Apple's CAF, with PCM."""
    data = SAMPLE * 256
    description = struct.pack(">d4sIIIII", 44100, b"lpcm", 0, 2, 1, 1, 16)
    return (b"caff" + struct.pack(">HH4sq", 1, 0, b"desc", len(description)) + description
            + struct.pack(">4sqI", b"data", len(data) + 4, 0) + data)


ALL = {"small.mod": module, "small.xm": extended_module, "small.caf": core_audio}
