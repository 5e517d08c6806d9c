# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fills a catalog with media that nobody ever uploaded: rows as control would have written them, and no shard anywhere."""

import hashlib
import itertools
import json
import random
import sqlite3

K, M = 4, 2
UNIT = 256 << 10
EXTENT = 16 << 20
FOLDERS = 1000
CHUNK = 10000
STREAMS = json.dumps([{"type": "video", "codec": "H.264", "width": 1920, "height": 1080, "frame_rate": "25/1", "bitrate": 8000000},
                      {"type": "audio", "codec": "AAC", "channels": 2, "sample_rate": 48000, "language": "en"}])
TAGS = json.dumps({"artist": "Nobody", "date": "2024", "genre": "Documentary"})


def name(i):
    """Of the @i-th medium, from 0; in no order of their numbers."""
    return "films/%03d/film-%07d.mkv" % (i * 7919 % FOLDERS, i)


def title(i):
    """One in 100,000 has a character of its own, in Korean too."""
    return "Film %d%s" % (i, " Q\uc601\ud654" if i % 100000 == 77777 else "")


def version(i):
    """Its version's id. Those of real versions are random, too."""
    return hashlib.blake2b(b"%d" % i, digest_size=16).digest()


def fill(path, media, extents):
    """@path: the catalog.db of a control server that was started once and is not running."""
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA temp_store = FILE; BEGIN")
    nodes = add_nodes(database)
    size = extents * EXTENT - 12345
    for first in range(0, media, CHUNK):
        part = range(first, min(media, first + CHUNK))
        database.executemany(
            "INSERT INTO medium (id, name, state, title, content_type, size, sha256, k, m, container, duration_ns, avg_bitrate, peak_bitrate_1s,"
            " peak_bitrate_10s, streams, tags, created, updated) VALUES (?, ?, 'ready', ?, 'video/x-matroska', ?, ?, ?, ?, 'Matroska', 3600000000000,"
            " 8000000, 12000000, 10000000, ?, ?, ?, 1700000000)",
            ((i + 1, name(i), title(i), size, hashlib.sha256(b"%d" % i).hexdigest(), K, M, STREAMS, TAGS, 1700000000 + i * 7919 % media)
             for i in part))
    index_texts(database)
    # in the order of the primary key, or each row would touch another page
    database.executemany("INSERT INTO version (id, medium, state, size, k, m, unit, extent, created) VALUES (?, ?, 'ready', ?, ?, ?, ?, ?, 1700000000)",
                         ((id, i + 1, size, K, M, UNIT, EXTENT) for id, i in sorted((version(i), i) for i in range(media))))
    add_places(database, nodes)
    database.execute("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)"
                     " INSERT INTO extent (version, number, state, nodes)"
                     " SELECT v.id, n.i, 2, p.nodes FROM version v CROSS JOIN n CROSS JOIN place p"
                     " WHERE p.i = (v.medium * 13 + n.i) % (SELECT count(*) FROM place) ORDER BY v.id, n.i", (extents,))
    database.execute("UPDATE node SET shards = ?", (media * extents,))
    database.execute("COMMIT")
    database.close()


def index_texts(database):
    """As control does with each medium, for its searches."""
    database.execute("INSERT INTO medium_indexed SELECT id, name || char (10) || title || char (10, 10) FROM medium")
    database.execute("INSERT INTO medium_text (rowid, text) SELECT medium, text FROM medium_indexed")


def add_nodes(database):
    """As many as a version has shards, so that each has one of every extent. They do not run."""
    for i in range(K + M):
        database.execute("INSERT INTO node (address, port, tls, zone, capacity, secret, created) VALUES ('192.0.2.%d', 8471, 0, '', 1 << 50,"
                         " zeroblob (32), 1700000000)" % (i + 1))
    return [id for id, in database.execute("SELECT id FROM node ORDER BY id DESC LIMIT ?", (K + M,))]


def add_places(database, nodes):
    database.execute("CREATE TEMP TABLE place (i INTEGER PRIMARY KEY, nodes BLOB)")
    some = random.Random(1).sample(list(itertools.permutations(nodes)), 97)
    database.executemany("INSERT INTO place VALUES (?, ?)",
                         ((i, b"".join(id.to_bytes(4, "little") for id in order)) for i, order in enumerate(some)))
