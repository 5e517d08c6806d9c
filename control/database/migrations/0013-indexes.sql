-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What is asked for regularly is found without a scan. docs/data-model.md says
-- which question each of them answers.

CREATE INDEX pending_deletion_shard ON pending_deletion (shard);

-- all states, so that counting them at the start reads no rows
DROP INDEX medium_state;
CREATE INDEX medium_state ON medium (state);

-- the state that is shown: a queued job that waits is waiting
DROP INDEX job_open;
CREATE INDEX job_shown
  ON job (CASE WHEN waiting_for IS NULL THEN state ELSE 'waiting' END);
CREATE INDEX job_type ON job (type);
CREATE INDEX job_queued ON job (type)
  WHERE state = 'queued' AND waiting_for IS NULL;
-- those that are forgotten some day
CREATE INDEX job_ended ON job (updated)
  WHERE state IN ('done', 'cancelled') OR (state = 'failed' AND medium IS NULL);

CREATE INDEX upload_receiving ON upload (id) WHERE state = 'receiving';
CREATE INDEX bad_shard_found ON bad_shard (found);
CREATE INDEX bad_shard_told ON bad_shard (source = 'reader', found)
  WHERE source <> 'repair';
