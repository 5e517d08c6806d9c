-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Files beside the database that may be deleted, and what this database is.
-- docs/data-model.md says what it means.

-- A file that a committed transaction gave up. It goes after the commit; a
-- file that no row names is never deleted, but set aside.
CREATE TABLE file_deletion (
  folder TEXT NOT NULL CHECK (folder IN ('uploads', 'originals')),
  file TEXT NOT NULL,
  PRIMARY KEY (folder, file)
) STRICT, WITHOUT ROWID;

-- One row: whose catalog this is, how often control was started with it, and
-- since when a restored one keeps what it does not know.
CREATE TABLE identity (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  cluster TEXT NOT NULL CHECK (length(cluster) = 32),
  starts INTEGER NOT NULL CHECK (starts >= 0),
  started INTEGER NOT NULL,
  restored INTEGER NOT NULL DEFAULT 0
) STRICT;
