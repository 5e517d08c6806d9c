-- SPDX-License-Identifier: LGPL-2.1-or-later
-- A viewer is offered up to three gateways, so that a player that can go on has
-- where to. `node` is the one that comes first.

ALTER TABLE ticket ADD COLUMN second INTEGER REFERENCES node (id)
  ON DELETE SET NULL;
ALTER TABLE ticket ADD COLUMN third INTEGER REFERENCES node (id)
  ON DELETE SET NULL;
CREATE INDEX ticket_second ON ticket (second) WHERE second IS NOT NULL;
CREATE INDEX ticket_third ON ticket (third) WHERE third IS NOT NULL;
