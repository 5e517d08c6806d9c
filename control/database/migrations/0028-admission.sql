-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What was promised to sessions. docs/admission.md says what it means.

-- Seconds since 1970 at which the plan of the stream begins, or would have begun where it was moved
-- to another place since. NULL: nothing is promised to it.
ALTER TABLE session ADD COLUMN begun INTEGER;
UPDATE session SET begun = created;

-- What each storage server could send when control looked last: where control starts anew it counts
-- until the server is heard of.
CREATE TABLE node_capacity (
  node INTEGER PRIMARY KEY REFERENCES node (id) ON DELETE CASCADE,
  -- of a slot of two seconds
  bytes INTEGER NOT NULL,
  -- PmssResource
  resource INTEGER NOT NULL
) STRICT;
