-- SPDX-License-Identifier: LGPL-2.1-or-later
-- How fast the bytes of media have to come. docs/admission.md says what it means.

CREATE TABLE demand (
  medium INTEGER PRIMARY KEY REFERENCES medium (id) ON DELETE CASCADE,
  -- pmss_envelope_pack()
  envelope BLOB NOT NULL
) STRICT;
