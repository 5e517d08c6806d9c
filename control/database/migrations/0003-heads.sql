-- SPDX-License-Identifier: LGPL-2.1-or-later
-- The first bytes of each version (libpmss/pmss-head.h), given to readers while
-- they ask for the rest.

CREATE TABLE head (
  version BLOB PRIMARY KEY REFERENCES version (id) ON DELETE CASCADE,
  head BLOB NOT NULL
) STRICT;
