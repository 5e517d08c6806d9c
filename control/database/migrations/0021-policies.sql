-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Rules by which uploads that do not say get their redundancy, unit, extent
-- size, and whether the original is kept. docs/data-model.md says what it means.

CREATE TABLE policy (
  name TEXT PRIMARY KEY,
  place INTEGER NOT NULL,
  -- what it is about; NULL: anything
  names TEXT,
  types TEXT,
  min_size INTEGER CHECK (min_size >= 0),
  max_size INTEGER CHECK (max_size >= 0),
  -- what it says; NULL: nothing
  k INTEGER CHECK (k BETWEEN 1 AND 16),
  m INTEGER CHECK (m BETWEEN 0 AND 4),
  unit INTEGER CHECK (unit > 0),
  extent INTEGER CHECK (extent > 0),
  keep_original INTEGER CHECK (keep_original IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX policy_place ON policy (place, name);

-- of the version that is made of it
ALTER TABLE upload ADD COLUMN unit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE upload ADD COLUMN extent INTEGER NOT NULL DEFAULT 0;
