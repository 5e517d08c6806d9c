-- SPDX-License-Identifier: LGPL-2.1-or-later
-- However many sessions a user ends, there are 64 revocations of single ones at
-- most (PMSS_MAX_REVOCATIONS). A row here stands for all further ones, until a
-- cut revokes them together.

CREATE TABLE cut_due (
  user TEXT PRIMARY KEY,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO cut_due (user, until)
  SELECT user, max (until) FROM revocation
    WHERE signed_until = 0 AND user <> '' GROUP BY user HAVING count(*) > 64;

-- of a user's: single sessions have a signed_until of 0
DROP INDEX revocation_user;
DROP INDEX revocation_cut;
CREATE INDEX revocation_user ON revocation (user, signed_until);

DROP TRIGGER session_revoked;
CREATE TRIGGER session_revoked AFTER DELETE ON session
WHEN old.token_until > unixepoch ()
BEGIN
  INSERT OR IGNORE INTO revocation (session, until, user, lapsed)
    SELECT old.id, old.token_until, old.user, old.expires <= unixepoch ()
      WHERE NOT EXISTS (SELECT 1 FROM cut_due WHERE user = old.user)
        AND (SELECT count(*) FROM (SELECT 1 FROM revocation
          WHERE user = old.user AND signed_until = 0 LIMIT 64)) < 64;
  INSERT INTO cut_due (user, until) SELECT old.user, old.token_until
    WHERE NOT EXISTS (SELECT 1 FROM revocation WHERE session = old.id)
    ON CONFLICT (user) DO UPDATE SET until = max (until, excluded.until);
END;
