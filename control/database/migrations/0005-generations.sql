-- SPDX-License-Identifier: LGPL-2.1-or-later
-- A version's generation grows with each change of a place in its layout:
-- what was derived from the layout holds as long as it is the same.

ALTER TABLE version ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;

CREATE TRIGGER extent_moved AFTER UPDATE OF nodes ON extent
WHEN old.nodes <> new.nodes
BEGIN
  UPDATE version SET generation = generation + 1 WHERE id = new.version;
END;
