-- SPDX-License-Identifier: LGPL-2.1-or-later
-- A session ends with the login that opened it. Revocations are bounded for each
-- user: many of one user's become one, of all tokens signed up to a time.

ALTER TABLE session ADD COLUMN login BLOB;
CREATE INDEX session_login ON session (login) WHERE login IS NOT NULL;

-- logout, a changed password, a deleted user, the end of the login's lifetime
CREATE TRIGGER login_ended AFTER DELETE ON api_token
BEGIN
  DELETE FROM session WHERE login = old.hash;
END;

-- of a user's: `signed_until` is not 0, and `session` is no session's
ALTER TABLE revocation ADD COLUMN user TEXT NOT NULL DEFAULT '';
ALTER TABLE revocation ADD COLUMN signed_until INTEGER NOT NULL DEFAULT 0;
-- nobody ended it: its lease ran out
ALTER TABLE revocation ADD COLUMN lapsed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX revocation_user ON revocation (user) WHERE signed_until = 0;

DROP TRIGGER session_revoked;
CREATE TRIGGER session_revoked AFTER DELETE ON session
WHEN old.token_until > unixepoch ()
BEGIN
  INSERT OR IGNORE INTO revocation (session, until, user, lapsed)
    VALUES (old.id, old.token_until, old.user, old.expires <= unixepoch ());
END;
