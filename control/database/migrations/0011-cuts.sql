-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Asked at each start and renewal of a session: until when the user's tokens are revoked.

CREATE INDEX revocation_cut ON revocation (user) WHERE signed_until > 0;
