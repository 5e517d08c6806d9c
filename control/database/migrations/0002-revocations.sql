-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Sessions that were ended before their tokens expire. Storage servers are told
-- of them with the answer to their heartbeats, and refuse those tokens.

CREATE TABLE revocation (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session TEXT NOT NULL UNIQUE CHECK (length(session) = 32),
  until INTEGER NOT NULL
) STRICT;
CREATE INDEX revocation_until ON revocation (until);

-- until when a token of this session may be valid
ALTER TABLE session ADD COLUMN token_until INTEGER NOT NULL DEFAULT 0;

-- whatever ends a session: its user, an operator, the end of its medium or user
CREATE TRIGGER session_revoked AFTER DELETE ON session
WHEN old.token_until > unixepoch ()
BEGIN
  INSERT OR IGNORE INTO revocation (session, until)
    VALUES (old.id, old.token_until);
END;
