-- SPDX-License-Identifier: LGPL-2.1-or-later
-- A reader that knows a layout asks for what has changed since. docs/data-model.md
-- says what it means.

-- of its version's, when its places changed last or a bad shard of it was mended; 0: never
ALTER TABLE extent ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
CREATE INDEX extent_changed ON extent (version, generation)
  WHERE generation > 0;

DROP TRIGGER extent_moved;
CREATE TRIGGER extent_moved AFTER UPDATE OF nodes ON extent
WHEN old.nodes <> new.nodes
BEGIN
  UPDATE version SET generation = generation + 1 WHERE id = new.version;
  UPDATE extent
    SET generation = (SELECT generation FROM version WHERE id = new.version)
    WHERE version = new.version AND number = new.number;
END;

-- written anew in its place: who gave it up may ask again
CREATE TRIGGER bad_shard_mended AFTER DELETE ON bad_shard
WHEN old.state = 'bad' AND EXISTS
  (SELECT 1 FROM extent WHERE version = old.version AND number = old.number)
BEGIN
  UPDATE version SET generation = generation + 1 WHERE id = old.version;
  UPDATE extent
    SET generation = (SELECT generation FROM version WHERE id = old.version)
    WHERE version = old.version AND number = old.number;
END;

-- How often an address of a node changed. It is a part of every layout's
-- generation: no version is written when a node moves.
ALTER TABLE identity ADD COLUMN addresses INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER node_moved AFTER UPDATE OF address, port, tls ON node
WHEN old.address <> new.address OR old.port <> new.port OR old.tls <> new.tls
BEGIN
  UPDATE identity SET addresses = addresses + 1;
END;
