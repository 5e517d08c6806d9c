-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Where viewers left off, and what is known of a login besides its right.
-- docs/data-model.md says what it means.

CREATE TABLE position (
  user TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
  medium INTEGER NOT NULL REFERENCES medium (id) ON DELETE CASCADE,
  position_ns INTEGER NOT NULL CHECK (position_ns >= 0),
  updated INTEGER NOT NULL,
  PRIMARY KEY (user, medium)
) STRICT, WITHOUT ROWID;
CREATE INDEX position_newest ON position (user, updated, medium);
CREATE INDEX position_medium ON position (medium);

-- how many a user has, without counting them
CREATE TABLE position_count (
  user TEXT PRIMARY KEY REFERENCES user (name) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number >= 0)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER position_added AFTER INSERT ON position
BEGIN
  INSERT INTO position_count (user, number) VALUES (new.user, 1)
    ON CONFLICT (user) DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER position_gone AFTER DELETE ON position
BEGIN
  UPDATE position_count SET number = number - 1 WHERE user = old.user;
END;

-- Not in api_token: whoever remembers what a token is good for is told of each
-- change of that table.
CREATE TABLE login (
  hash BLOB PRIMARY KEY REFERENCES api_token (hash) ON DELETE CASCADE,
  address TEXT NOT NULL,
  -- User-Agent, where it said one
  client TEXT,
  used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_token_newest ON api_token (user, created) WHERE link = 0;
