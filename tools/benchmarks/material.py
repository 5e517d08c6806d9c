# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files to stream. They are made once and kept beside the build."""

import hashlib
import os

CHUNK = 1 << 20


def random_file(folder, size):
    """A file of @size bytes that nothing can compress, in the page cache."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ("random-%d.bin" % size)
    if not path.exists() or path.stat().st_size != size:
        partial = path.with_suffix(".partial")
        with open(partial, "wb") as file:
            for at in range(0, size, CHUNK):
                file.write(os.urandom(min(CHUNK, size - at)))
        partial.rename(path)
    sha256(path)
    return path


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def parse_size(text):
    """16M, 1G, 4096: powers of 1024."""
    factors = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    number, factor = (text[:-1], factors[text[-1].upper()]) if text[-1:].upper() in factors else (text, 1)
    size = int(number) * factor
    if size <= 0:
        raise ValueError("a size is more than 0")
    return size
