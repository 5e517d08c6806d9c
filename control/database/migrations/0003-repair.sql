-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What is known of nodes' states and of shards that cannot be read, and what
-- repair is writing. docs/data-model.md says what it means.

ALTER TABLE node ADD COLUMN state TEXT NOT NULL DEFAULT 'down'
  CHECK (state IN ('up', 'suspect', 'down'));
-- when it came into that state
ALTER TABLE node ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
-- an administrator does not want to wait; 0 again when it is up
ALTER TABLE node ADD COLUMN repair INTEGER NOT NULL DEFAULT 0
  CHECK (repair IN (0, 1));
-- how many rows of bad_shard name it
ALTER TABLE node ADD COLUMN bad_shards INTEGER NOT NULL DEFAULT 0
  CHECK (bad_shards >= 0);

-- A place that cannot give all of its units: the layout names the node there.
CREATE TABLE bad_shard (
  version BLOB NOT NULL,
  number INTEGER NOT NULL,
  shard INTEGER NOT NULL CHECK (shard BETWEEN 0 AND 19),
  node INTEGER NOT NULL REFERENCES node (id),
  state TEXT NOT NULL CHECK (state IN ('suspected', 'bad')),
  kind TEXT NOT NULL CHECK (kind IN ('missing', 'damaged', 'unreadable')),
  -- ascending little-endian 32-bit numbers; NULL: all, or not known
  bad_rows BLOB CHECK (length(bad_rows) % 4 = 0),
  source TEXT NOT NULL
    CHECK (source IN ('reader', 'scrub', 'list', 'verify', 'repair')),
  -- of the session that told
  user TEXT,
  found INTEGER NOT NULL,
  PRIMARY KEY (version, number, shard),
  FOREIGN KEY (version, number) REFERENCES extent (version, number)
    ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX bad_shard_node ON bad_shard (node);
CREATE INDEX bad_shard_user ON bad_shard (user) WHERE user IS NOT NULL;

CREATE TRIGGER bad_shard_added AFTER INSERT ON bad_shard
BEGIN
  UPDATE node SET bad_shards = bad_shards + 1 WHERE id = new.node;
END;
CREATE TRIGGER bad_shard_gone AFTER DELETE ON bad_shard
BEGIN
  UPDATE node SET bad_shards = bad_shards - 1 WHERE id = old.node;
END;

-- A shard that is being written to `node` and that no layout names yet.
CREATE TABLE rebuilding (
  version BLOB NOT NULL,
  number INTEGER NOT NULL,
  shard INTEGER NOT NULL CHECK (shard BETWEEN 0 AND 19),
  node INTEGER NOT NULL REFERENCES node (id),
  PRIMARY KEY (version, number, shard)
) STRICT, WITHOUT ROWID;
CREATE INDEX rebuilding_node ON rebuilding (node);
