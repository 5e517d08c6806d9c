-- SPDX-License-Identifier: LGPL-2.1-or-later
-- A link opens one medium to whoever has it. It is a login of its maker that is
-- good for nothing else, so that whatever a login opened ends with it, too.

ALTER TABLE api_token ADD COLUMN link INTEGER NOT NULL DEFAULT 0
  CHECK (link IN (0, 1));

CREATE TABLE link (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL UNIQUE REFERENCES api_token (hash) ON DELETE CASCADE,
  user TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
  medium INTEGER NOT NULL REFERENCES medium (id) ON DELETE CASCADE,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX link_user ON link (user);
CREATE INDEX link_medium ON link (medium);

CREATE TRIGGER link_gone AFTER DELETE ON link
BEGIN
  DELETE FROM api_token WHERE hash = old.hash;
END;

-- who may make no links has none, also when they may again
CREATE TRIGGER link_role AFTER UPDATE OF role ON user
WHEN new.role = 'viewer' AND old.role <> 'viewer'
BEGIN
  DELETE FROM link WHERE user = old.name;
END;
