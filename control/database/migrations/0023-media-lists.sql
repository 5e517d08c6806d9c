-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Media in other orders than that of their names, of one folder, and by words.
-- docs/data-model.md says which question each index answers.

-- with the slash at its end; '' at the top
ALTER TABLE medium ADD COLUMN folder TEXT
  GENERATED ALWAYS AS (rtrim (name, replace (name, '/', ''))) VIRTUAL;
-- by which a list of titles is ordered: a medium without one has its file's name
ALTER TABLE medium ADD COLUMN label TEXT GENERATED ALWAYS AS (lower (
  coalesce (nullif (title, ''), substr (name, length (folder) + 1)))) VIRTUAL;
-- unknown ones come first
ALTER TABLE medium ADD COLUMN sort_size INTEGER
  GENERATED ALWAYS AS (ifnull (size, -1)) VIRTUAL;
ALTER TABLE medium ADD COLUMN sort_duration INTEGER
  GENERATED ALWAYS AS (ifnull (duration_ns, -1)) VIRTUAL;

CREATE INDEX medium_folder ON medium (folder, name) WHERE state <> 'deleting';
CREATE INDEX medium_label ON medium (label, id) WHERE state <> 'deleting';
CREATE INDEX medium_created ON medium (created, id) WHERE state <> 'deleting';
CREATE INDEX medium_size ON medium (sort_size, id) WHERE state <> 'deleting';
CREATE INDEX medium_duration ON medium (sort_duration, id)
  WHERE state <> 'deleting';

-- Which media have three characters in a row somewhere in name or title. Control
-- writes it with each change: a trigger may use no virtual table here.
CREATE VIRTUAL TABLE medium_text USING fts5 (text, content = '',
  detail = none, columnsize = 0, tokenize = 'trigram');
-- the text that it has of each, without which none can be taken out of it
CREATE TABLE medium_indexed (
  medium INTEGER PRIMARY KEY,
  text TEXT NOT NULL
) STRICT;
INSERT INTO medium_indexed (medium, text)
  SELECT id, name || char (10) || ifnull (title, '') FROM medium
  WHERE state <> 'deleting';
INSERT INTO medium_text (rowid, text) SELECT medium, text FROM medium_indexed;
