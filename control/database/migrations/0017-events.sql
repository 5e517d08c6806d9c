-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What happened, by whom and from where. docs/data-model.md says what it means.

CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  action TEXT NOT NULL,
  result TEXT NOT NULL CHECK (result IN ('done', 'refused', 'failed')),
  -- not a reference: it outlives its user
  user TEXT,
  address TEXT,
  object TEXT,
  detail TEXT,
  -- of the answer; 0: it was no request
  status INTEGER NOT NULL DEFAULT 0,
  -- of viewers and strangers, or refused: these displace no others
  minor INTEGER NOT NULL CHECK (minor IN (0, 1))
) STRICT;
CREATE INDEX event_user ON event (user) WHERE user IS NOT NULL;
CREATE INDEX event_minor ON event (minor);

-- the newest event when the user was made: a later user of the same name does
-- not read what happened to an earlier one
ALTER TABLE user ADD COLUMN events_after INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER user_added AFTER INSERT ON user
BEGIN
  UPDATE user SET events_after = (SELECT ifnull (max (id), 0) FROM event)
    WHERE name = new.name;
END;
