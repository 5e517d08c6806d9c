-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What pages show of media. docs/data-model.md says what it means.

CREATE TABLE artwork (
  medium INTEGER PRIMARY KEY REFERENCES medium (id) ON DELETE CASCADE,
  -- of its URLs: another one each time that it is made
  version TEXT NOT NULL,
  -- the member "artwork" of the medium, as JSON
  summary TEXT NOT NULL,
  tiles TEXT,
  peaks TEXT,
  -- large: behind all that is read without them
  poster BLOB,
  sprite BLOB
) STRICT;
