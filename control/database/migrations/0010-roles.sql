-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What was opened in another role is to be opened anew, if it still may be.

CREATE TRIGGER role_changed AFTER UPDATE OF role ON user
WHEN old.role <> new.role
BEGIN
  DELETE FROM session WHERE user = old.name;
END;
