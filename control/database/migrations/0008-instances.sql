-- SPDX-License-Identifier: LGPL-2.1-or-later
-- The id that a storage server made at its last start: a copy of its data
-- folder has another one, also where control was started anew in between.

ALTER TABLE node ADD COLUMN instance TEXT NOT NULL DEFAULT '';
