-- SPDX-License-Identifier: LGPL-2.1-or-later
-- How often pmss-probe began to look at the file and was not seen to end.

ALTER TABLE upload ADD COLUMN probes INTEGER NOT NULL DEFAULT 0
  CHECK (probes >= 0);
