-- SPDX-License-Identifier: LGPL-2.1-or-later
-- A viewer who plays through a gateway has a ticket for one medium. The gateway
-- opens a session by it while bytes flow, and another one when they flow again.

CREATE TABLE ticket (
  id TEXT PRIMARY KEY CHECK (length(id) = 32),
  user TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
  login BLOB NOT NULL REFERENCES api_token (hash) ON DELETE CASCADE,
  medium INTEGER NOT NULL REFERENCES medium (id) ON DELETE CASCADE,
  address TEXT NOT NULL,
  node INTEGER NOT NULL REFERENCES node (id) ON DELETE CASCADE,
  created INTEGER NOT NULL,
  -- without a session it ends then
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ticket_viewer ON ticket (login, medium, address);
CREATE INDEX ticket_until ON ticket (until);
CREATE INDEX ticket_user ON ticket (user);
CREATE INDEX ticket_medium ON ticket (medium);
CREATE INDEX ticket_node ON ticket (node);

ALTER TABLE session ADD COLUMN ticket TEXT REFERENCES ticket (id)
  ON DELETE CASCADE;
CREATE INDEX session_ticket ON session (ticket) WHERE ticket IS NOT NULL;

-- a viewer who has paused may go on for an hour
CREATE TRIGGER ticket_rests AFTER DELETE ON session WHEN old.ticket IS NOT NULL
BEGIN
  UPDATE ticket SET until = unixepoch () + 3600 WHERE id = old.ticket;
END;

-- with the sessions of the old role
CREATE TRIGGER ticket_role AFTER UPDATE OF role ON user
WHEN new.role <> old.role
BEGIN
  DELETE FROM ticket WHERE user = old.name;
END;
