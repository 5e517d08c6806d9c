-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Figures of storage servers as time went by. docs/data-model.md says what it means.

-- what was known of a node in an interval, as it came
CREATE TABLE recent (
  level INTEGER NOT NULL,
  time INTEGER NOT NULL,
  node INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (level, time, node)
) STRICT, WITHOUT ROWID;

-- many intervals of one column of a node; id: pmss_history_block_id(). A table
-- by number, since new rows at its end fill their pages.
CREATE TABLE block (
  id INTEGER PRIMARY KEY,
  data BLOB NOT NULL
) STRICT;
