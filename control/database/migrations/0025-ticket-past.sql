-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Gateways that a viewer was offered, and that have given their place to others.
-- The viewer may go on there.

CREATE TABLE ticket_past (
  ticket TEXT NOT NULL REFERENCES ticket (id) ON DELETE CASCADE,
  node INTEGER NOT NULL REFERENCES node (id) ON DELETE CASCADE,
  PRIMARY KEY (ticket, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX ticket_past_node ON ticket_past (node);
