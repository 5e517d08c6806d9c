-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Searches for one or two characters, by what three characters in a row begin with
-- them. So that something follows the last two of a text, two ends of lines do.
UPDATE medium_indexed SET text = text || char (10) || char (10);
INSERT INTO medium_text (medium_text) VALUES ('delete-all');
INSERT INTO medium_text (rowid, text) SELECT medium, text FROM medium_indexed;

-- a row for each three characters that there are, and medium that has them
CREATE VIRTUAL TABLE medium_three USING fts5vocab (medium_text, instance);
