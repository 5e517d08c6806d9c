/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logins as rows that people see. Any thread; blocks. */
#include "control/accounts/logins.h"

#include <string.h>

#include "control/accounts/accounts-private.h"
#include "control/database/database.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-text.h"

#define MAX_CLIENT 255          /* bytes */
#define ID_BYTES ((PMSS_LOGIN_ID_SIZE - 1) / 2)
#define PIECE 200               /* times that are written in one call */

typedef struct
{
  PmssAccounts *accounts;
  const char *user;
  guint8 hash[PMSS_SECRET_HASH_SIZE];   /* of the caller's token */
  gboolean has_token;
  guint8 first[PMSS_SECRET_HASH_SIZE], last[PMSS_SECRET_HASH_SIZE];
  GPtrArray *list;
} LoginsCall;

void
pmss_login_row_free (PmssLoginRow * row)
{
  g_free (row->address);
  g_free (row->client);
  g_free (row);
}

static void
set_token (LoginsCall * call, const char *token)
{
  call->has_token = token != NULL;
  if (token != NULL)
    pmss_secret_hash (token, call->hash);
}

/* --- reading --- */

static void
write_id (const guint8 * hash, char id[PMSS_LOGIN_ID_SIZE])
{
  for (guint i = 0; i < ID_BYTES; i++)
    g_snprintf (id + 2 * i, 3, "%02x", hash[i]);
}

static PmssLoginRow *
read_row (const LoginsCall * call, PmssRows * rows)
{
  PmssLoginRow *row = g_new0 (PmssLoginRow, 1);
  guint8 hash[PMSS_SECRET_HASH_SIZE] = { 0 };
  gsize length;
  const void *blob = pmss_rows_blob (rows, 0, &length);

  memcpy (hash, blob, MIN (length, sizeof (hash)));
  write_id (hash, row->id);
  row->created = pmss_rows_int (rows, 1);
  row->expires = pmss_rows_int (rows, 2);
  row->address = g_strdup (pmss_rows_text (rows, 3));
  row->client = g_strdup (pmss_rows_text (rows, 4));
  row->last_used = MAX (pmss_rows_int (rows, 5),
      pmss_known_tokens_get_used (call->accounts->known, hash));
  row->current = call->has_token && memcmp (hash, call->hash,
      sizeof (hash)) == 0;
  return row;
}

static gboolean
list_logins (PmssDatabase * database, gpointer data, GError ** error)
{
  LoginsCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT t.hash, t.created, t.expires, l.address, l.client,"
      " ifnull (l.used, t.created) FROM api_token t"
      " LEFT JOIN login l ON l.hash = t.hash"
      " WHERE t.user = ?1 AND t.link = 0 AND t.expires > unixepoch ()"
      " ORDER BY t.created DESC LIMIT ?2", PMSS_TEXT (call->user),
      PMSS_INT (PMSS_MAX_LISTED_LOGINS));

  while (pmss_rows_next (rows, &local))
    g_ptr_array_add (call->list, read_row (call, rows));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GPtrArray *
pmss_logins_list (PmssAccounts * accounts, const char *user, const char *token,
    GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_login_row_free);
  LoginsCall call = {.accounts = accounts,.user = user,.list = list };

  set_token (&call, token);
  if (!pmss_database_read (accounts->database, list_logins, &call, error))
    return NULL;
  return g_steal_pointer (&list);
}

/* --- ending --- */

static gboolean
not_found (GError ** error)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "There is no such login, or it has ended");
  return FALSE;
}

/* All hashes that begin so. */
static gboolean
parse_id (const char *id, LoginsCall * call)
{
  memset (call->first, 0, sizeof (call->first));
  memset (call->last, 0xff, sizeof (call->last));
  if (strlen (id) != 2 * ID_BYTES)
    return FALSE;
  for (guint i = 0; i < ID_BYTES; i++) {
    int high = g_ascii_xdigit_value (id[2 * i]);
    int low = g_ascii_xdigit_value (id[2 * i + 1]);

    if (high < 0 || low < 0)
      return FALSE;
    call->first[i] = call->last[i] = (guint8) (high << 4 | low);
  }
  return TRUE;
}

static gboolean
remove_login (PmssDatabase * database, gpointer data, GError ** error)
{
  LoginsCall *call = data;

  if (!pmss_database_exec (database, error,
          "DELETE FROM api_token WHERE hash >= ?1 AND hash <= ?2"
          " AND user = ?3 AND link = 0",
          PMSS_BLOB (call->first, sizeof (call->first)),
          PMSS_BLOB (call->last, sizeof (call->last)), PMSS_TEXT (call->user)))
    return FALSE;
  return pmss_database_get_changes (database) > 0 || not_found (error);
}

gboolean
pmss_logins_remove (PmssAccounts * accounts, const char *user, const char *id,
    GError ** error)
{
  LoginsCall call = {.user = user };

  if (!parse_id (id, &call))
    return not_found (error);
  return pmss_database_transact (accounts->database, remove_login, &call,
      error);
}

static gboolean
remove_others (PmssDatabase * database, gpointer data, GError ** error)
{
  LoginsCall *call = data;

  return pmss_database_exec (database, error,
      "DELETE FROM api_token WHERE user = ?1 AND link = 0 AND hash <> ?2",
      PMSS_TEXT (call->user), PMSS_BLOB (call->hash, sizeof (call->hash)));
}

gboolean
pmss_logins_remove_others (PmssAccounts * accounts, const char *user,
    const char *token, GError ** error)
{
  LoginsCall call = {.user = user };

  set_token (&call, token);
  return pmss_database_transact (accounts->database, remove_others, &call,
      error);
}

/* --- what is known of one --- */

/* What a client calls itself is for people to read. NULL: nothing. */
static char *
clean_client (const char *client)
{
  g_autofree char *clean = client != NULL ? pmss_text_clean (client) : NULL;
  gsize length = clean != NULL ? strlen (clean) : 0;

  if (length == 0)
    return NULL;
  if (length > MAX_CLIENT)
    *g_utf8_find_prev_char (clean, clean + MAX_CLIENT + 1) = '\0';
  return g_steal_pointer (&clean);
}

gboolean
pmss_logins_describe (PmssDatabase * database, const guint8 * hash,
    const char *address, const char *client, GError ** error)
{
  g_autofree char *clean = clean_client (client);

  return pmss_database_exec (database, error,
      "INSERT INTO login (hash, address, client, used)"
      " VALUES (?1, ?2, ?3, unixepoch ())",
      PMSS_BLOB (hash, PMSS_SECRET_HASH_SIZE), PMSS_TEXT (address),
      PMSS_TEXT (clean));
}

typedef struct
{
  const PmssTokenUse *uses;
  guint n;
} Uses;

static gboolean
write_uses (PmssDatabase * database, gpointer data, GError ** error)
{
  const Uses *uses = data;

  for (guint i = 0; i < uses->n; i++)
    if (!pmss_database_exec (database, error,
            "UPDATE login SET used = max (used, ?2) WHERE hash = ?1",
            PMSS_BLOB (uses->uses[i].hash, PMSS_SECRET_HASH_SIZE),
            PMSS_INT (uses->uses[i].used)))
      return FALSE;
  return TRUE;
}

void
pmss_logins_write_uses (PmssAccounts * accounts)
{
  g_autoptr (GArray) uses = pmss_known_tokens_take_uses (accounts->known);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; error == NULL && i < uses->len; i += PIECE) {
    Uses piece = {
      &g_array_index (uses, PmssTokenUse, i), MIN (PIECE, uses->len - i)
    };

    pmss_database_transact (accounts->database, write_uses, &piece, &error);
  }
  if (error != NULL)
    g_warning ("Cannot write when logins were last used: %s", error->message);
}
