/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may take an administrator away: another role, removal. One always stays. On the database
 * thread, each in one transaction, so that two administrators cannot take each other's away. */
#include "control/accounts/accounts-private.h"

#include "control/database/database.h"
#include "libpmss/pmss-error.h"

typedef struct
{
  const char *name;
  PmssRole role;                /* NONE: the user goes */
  PmssUser *user;               /* as it was */
} RoleCall;

static gboolean
count_other_admins (PmssDatabase * database, const char *name, gint64 * count,
    GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT count(*) FROM user WHERE role = 'admin' AND name <> ?1",
      PMSS_TEXT (name));

  if (!pmss_rows_next (rows, error))
    return FALSE;
  *count = pmss_rows_int (rows, 0);
  return TRUE;
}

static gboolean
check_not_last (PmssDatabase * database, const RoleCall * call, GError ** error)
{
  gint64 others;

  if (call->user->role != PMSS_ROLE_ADMIN || call->role == PMSS_ROLE_ADMIN)
    return TRUE;
  if (!count_other_admins (database, call->name, &others, error))
    return FALSE;
  if (others > 0)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "“%s” is the last administrator: give another user the role admin first",
      call->name);
  return FALSE;
}

static gboolean
change (PmssDatabase * database, gpointer data, GError ** error)
{
  RoleCall *call = data;

  call->user = pmss_accounts_read_user (database, call->name, error);
  if (call->user == NULL || !check_not_last (database, call, error))
    return FALSE;
  if (call->role == PMSS_ROLE_NONE)
    return pmss_database_exec (database, error,
        "DELETE FROM user WHERE name = ?1", PMSS_TEXT (call->name));
  /* sessions of the old role end by a trigger */
  return pmss_database_exec (database, error,
      "UPDATE user SET role = ?2 WHERE name = ?1", PMSS_TEXT (call->name),
      PMSS_TEXT (pmss_role_to_string (call->role)));
}

static gboolean
run (PmssAccounts * self, RoleCall * call, GError ** error)
{
  gboolean ok = pmss_database_transact (self->database, change, call, error);

  g_clear_pointer (&call->user, pmss_user_free);
  return ok;
}

gboolean
pmss_accounts_remove_user (PmssAccounts * self, const char *name,
    GError ** error)
{
  RoleCall call = {.name = name,.role = PMSS_ROLE_NONE };

  return run (self, &call, error);
}

gboolean
pmss_accounts_set_role (PmssAccounts * self, const char *name, PmssRole role,
    GError ** error)
{
  RoleCall call = {.name = name,.role = role };

  g_return_val_if_fail (role != PMSS_ROLE_NONE, FALSE);
  return run (self, &call, error);
}
