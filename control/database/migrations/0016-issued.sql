-- SPDX-License-Identifier: LGPL-2.1-or-later
-- A cut counts for what was signed up to its time. A clock that was ahead may
-- have signed later than that, and then been set back: so the cut's time is not
-- before the newest token that it stands for.

-- when the newest token of a session was signed; 0: before this was noted
ALTER TABLE session ADD COLUMN issued INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revocation ADD COLUMN issued INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cut_due ADD COLUMN issued INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER session_revoked;
CREATE TRIGGER session_revoked AFTER DELETE ON session
WHEN old.token_until > unixepoch ()
BEGIN
  INSERT OR IGNORE INTO revocation (session, until, user, lapsed, issued)
    SELECT old.id, old.token_until, old.user, old.expires <= unixepoch (),
        old.issued
      WHERE NOT EXISTS (SELECT 1 FROM cut_due WHERE user = old.user)
        AND (SELECT count(*) FROM (SELECT 1 FROM revocation
          WHERE user = old.user AND signed_until = 0 LIMIT 64)) < 64;
  INSERT INTO cut_due (user, until, issued)
    SELECT old.user, old.token_until, old.issued
    WHERE NOT EXISTS (SELECT 1 FROM revocation WHERE session = old.id)
    ON CONFLICT (user) DO UPDATE SET until = max (until, excluded.until),
      issued = max (issued, excluded.issued);
END;
