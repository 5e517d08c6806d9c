-- SPDX-License-Identifier: LGPL-2.1-or-later
-- The whole data model; docs/data-model.md says what it means. Times are seconds since 1970, sizes bytes, rates bit/s.

CREATE TABLE user (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
  password TEXT NOT NULL,
  one_time INTEGER NOT NULL DEFAULT 0 CHECK (one_time IN (0, 1)),
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_token (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
  user TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_token_user ON api_token (user);
CREATE INDEX api_token_expires ON api_token (expires);

CREATE TABLE node (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  address TEXT NOT NULL,
  port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
  tls INTEGER NOT NULL CHECK (tls IN (0, 1)),
  zone TEXT NOT NULL DEFAULT '',
  capacity INTEGER NOT NULL CHECK (capacity >= 0),
  secret BLOB NOT NULL CHECK (length(secret) = 32),
  shards INTEGER NOT NULL DEFAULT 0 CHECK (shards >= 0),
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE join_token (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
  zone TEXT,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE medium (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('uploading', 'ingesting', 'ready', 'failed', 'deleting')),
  title TEXT,
  content_type TEXT,
  size INTEGER CHECK (size >= 0),
  sha256 TEXT CHECK (length(sha256) = 64),
  k INTEGER NOT NULL CHECK (k BETWEEN 1 AND 16),
  m INTEGER NOT NULL CHECK (m BETWEEN 0 AND 4),
  keep_original INTEGER NOT NULL DEFAULT 0 CHECK (keep_original IN (0, 1)),
  container TEXT,
  duration_ns INTEGER,
  avg_bitrate INTEGER,
  peak_bitrate_1s INTEGER,
  peak_bitrate_10s INTEGER,
  streams TEXT,
  tags TEXT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
) STRICT;
-- A name is taken from the moment an upload begins until its medium is being deleted.
CREATE UNIQUE INDEX medium_name ON medium (name) WHERE state <> 'deleting';
CREATE INDEX medium_state ON medium (state) WHERE state <> 'ready';

CREATE TABLE version (
  id BLOB PRIMARY KEY CHECK (length(id) = 16),
  medium INTEGER NOT NULL REFERENCES medium (id),
  state TEXT NOT NULL CHECK (state IN ('writing', 'ready', 'deleting')),
  size INTEGER NOT NULL CHECK (size >= 0),
  k INTEGER NOT NULL,
  m INTEGER NOT NULL,
  unit INTEGER NOT NULL,
  extent INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX version_medium ON version (medium);
-- Readers are sent to one version.
CREATE UNIQUE INDEX version_ready ON version (medium) WHERE state = 'ready';
CREATE INDEX version_state ON version (state) WHERE state <> 'ready';

CREATE TABLE extent (
  version BLOB NOT NULL REFERENCES version (id),
  number INTEGER NOT NULL CHECK (number BETWEEN 0 AND 4294967295),
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  nodes BLOB NOT NULL CHECK (length(nodes) % 4 = 0),
  PRIMARY KEY (version, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE pending_deletion (
  node INTEGER NOT NULL REFERENCES node (id),
  shard TEXT NOT NULL,
  PRIMARY KEY (node, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE upload (
  id TEXT PRIMARY KEY CHECK (length(id) = 32),
  medium INTEGER NOT NULL UNIQUE REFERENCES medium (id) ON DELETE CASCADE,
  user TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('put', 'tus')),
  state TEXT NOT NULL CHECK (state IN ('receiving', 'complete')),
  size INTEGER NOT NULL CHECK (size >= 0),
  received INTEGER NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND size),
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_expires ON upload (expires);

CREATE TABLE original (
  medium INTEGER PRIMARY KEY REFERENCES medium (id),
  file TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL
) STRICT;

CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'done', 'failed', 'cancelled')),
  phase TEXT,
  medium INTEGER REFERENCES medium (id) ON DELETE SET NULL,
  medium_name TEXT NOT NULL,
  version BLOB,
  done INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0,
  rate_limit INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  warning TEXT,
  user TEXT NOT NULL DEFAULT '',
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
) STRICT;
CREATE INDEX job_open ON job (state) WHERE state IN ('queued', 'running', 'paused');
CREATE INDEX job_medium ON job (medium);

CREATE TABLE session (
  id TEXT PRIMARY KEY CHECK (length(id) = 32),
  user TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
  medium INTEGER NOT NULL REFERENCES medium (id) ON DELETE CASCADE,
  version BLOB NOT NULL REFERENCES version (id),
  address TEXT NOT NULL,
  rate INTEGER NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_expires ON session (expires);
CREATE INDEX session_medium ON session (medium);
CREATE INDEX session_version ON session (version);
CREATE INDEX session_user ON session (user);
