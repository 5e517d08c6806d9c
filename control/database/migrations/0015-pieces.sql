-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What is asked for in pieces, or of a part.

-- The pending deletions of a node that was removed go after it, in pieces. So
-- they name a node that is not there any more.
CREATE TABLE pending (
  node INTEGER NOT NULL,
  shard TEXT NOT NULL,
  PRIMARY KEY (node, shard)
) STRICT, WITHOUT ROWID;
INSERT INTO pending (node, shard) SELECT node, shard FROM pending_deletion;
DROP TABLE pending_deletion;
ALTER TABLE pending RENAME TO pending_deletion;
CREATE INDEX pending_deletion_shard ON pending_deletion (shard);

-- small jobs (PMSS_SMALL_JOB) are looked for apart from the others
DROP INDEX job_queued;
CREATE INDEX job_queued ON job (type, total <= 8388608)
  WHERE state = 'queued' AND waiting_for IS NULL;
