/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logins that something goes on with: whether they are still good. Any thread; blocks. */
#include "control/accounts/accounts-private.h"

#include <string.h>

#include "control/database/database.h"

typedef struct
{
  PmssLoginCheck *const *logins;
  guint n;
} CheckCall;

guint
pmss_login_check_hash (gconstpointer login)
{
  guint hash;

  memcpy (&hash, ((const PmssLoginCheck *) login)->hash, sizeof (hash));
  return hash;
}

gboolean
pmss_login_check_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (((const PmssLoginCheck *) a)->hash,
      ((const PmssLoginCheck *) b)->hash, PMSS_SECRET_HASH_SIZE) == 0;
}

static gboolean
check_login (PmssDatabase * database, PmssLoginCheck * login, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT u.role, t.expires FROM api_token t JOIN user u ON u.name = t.user"
      " WHERE t.hash = ?1 AND t.link = 0 AND t.expires > unixepoch ()",
      PMSS_BLOB (login->hash, sizeof (login->hash)));

  login->role = PMSS_ROLE_NONE;
  login->expires = 0;
  if (pmss_rows_next (rows, &local)) {
    login->expires = pmss_rows_int (rows, 1);
    return pmss_role_parse (pmss_rows_text (rows, 0), &login->role, error);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
check_all (PmssDatabase * database, gpointer data, GError ** error)
{
  CheckCall *call = data;

  for (guint i = 0; i < call->n; i++)
    if (!check_login (database, call->logins[i], error))
      return FALSE;
  return TRUE;
}

gboolean
pmss_accounts_check_logins (PmssAccounts * self, PmssLoginCheck * const *logins,
    guint n, GError ** error)
{
  CheckCall call = { logins, n };

  return pmss_database_read (self->database, check_all, &call, error);
}
