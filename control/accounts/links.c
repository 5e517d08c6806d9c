/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links as rows. Any thread; blocks. */
#include "control/accounts/links.h"

#include "control/database/database.h"
#include "libpmss/pmss-error.h"

#define COLUMNS "l.id, l.user, m.name, l.created, t.expires"
#define TABLES "link l JOIN api_token t ON t.hash = l.hash" \
  " JOIN medium m ON m.id = l.medium"
/* A medium that is being deleted has lost its name. */
#define GOOD "t.expires > unixepoch () AND m.state = 'ready'"

typedef struct
{
  const char *user;             /* nullable where all of them count */
  guint max;                    /* links that the user may have */
  const char *name;
  guint8 hash[PMSS_SECRET_HASH_SIZE];
  guint lifetime;
  gint64 id, medium;
  PmssLink *link;
  PmssUser *maker;
  GPtrArray *list;
  char *removed;
} LinkCall;

void
pmss_link_free (PmssLink * link)
{
  g_free (link->user);
  g_free (link->medium);
  g_free (link);
}

static PmssLink *
read_row (PmssRows * rows)
{
  PmssLink *link = g_new0 (PmssLink, 1);

  link->id = pmss_rows_int (rows, 0);
  link->user = g_strdup (pmss_rows_text (rows, 1));
  link->medium = g_strdup (pmss_rows_text (rows, 2));
  link->created = pmss_rows_int (rows, 3);
  link->expires = pmss_rows_int (rows, 4);
  return link;
}

/* FALSE: an error, or no row: @code with @text. */
static gboolean
expect_row (PmssRows * rows, PmssError code, const char *text, GError ** error)
{
  g_autoptr (GError) local = NULL;

  if (pmss_rows_next (rows, &local))
    return TRUE;
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error_literal (error, PMSS_ERROR, code, text);
  return FALSE;
}

/* --- making one --- */

guint
pmss_links_get_max (PmssRole role)
{
  return role >= PMSS_ROLE_OPERATOR ? 1000 : 100;
}

guint
pmss_links_get_max_lifetime (PmssRole role)
{
  return (role >= PMSS_ROLE_OPERATOR ? 366 : 7) * 86400;
}

static gboolean
find_medium (PmssDatabase * database, LinkCall * call, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT id, state = 'ready' FROM medium"
      " WHERE name = ?1 AND state <> 'deleting'", PMSS_TEXT (call->name));

  if (!expect_row (rows, PMSS_ERROR_NOT_FOUND, "There is no such medium",
          error))
    return FALSE;
  call->medium = pmss_rows_int (rows, 0);
  if (pmss_rows_int (rows, 1))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT, "“%s” is not ready",
      call->name);
  return FALSE;
}

static gboolean
check_number (PmssDatabase * database, const LinkCall * call, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT count(*) FROM link WHERE user = ?1", PMSS_TEXT (call->user));

  if (!pmss_rows_next (rows, error))
    return FALSE;
  if (pmss_rows_int (rows, 0) < call->max)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "“%s” has %u links, as many as are allowed: remove one", call->user,
      call->max);
  return FALSE;
}

static gboolean
read_link (PmssDatabase * database, LinkCall * call, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " COLUMNS " FROM " TABLES " WHERE l.id = ?1",
      PMSS_INT (call->id));

  if (!expect_row (rows, PMSS_ERROR_NOT_FOUND, "There is no such link", error))
    return FALSE;
  call->link = read_row (rows);
  return TRUE;
}

static gboolean
add_link (PmssDatabase * database, gpointer data, GError ** error)
{
  LinkCall *call = data;

  if (!find_medium (database, call, error)
      || !check_number (database, call, error)
      || !pmss_database_exec (database, error,
          "INSERT INTO api_token (hash, user, created, expires, link)"
          " VALUES (?1, ?2, unixepoch (), unixepoch () + ?3, 1)",
          PMSS_BLOB (call->hash, sizeof (call->hash)), PMSS_TEXT (call->user),
          PMSS_INT (call->lifetime))
      || !pmss_database_exec (database, error,
          "INSERT INTO link (hash, user, medium, created)"
          " VALUES (?1, ?2, ?3, unixepoch ())",
          PMSS_BLOB (call->hash, sizeof (call->hash)), PMSS_TEXT (call->user),
          PMSS_INT (call->medium)))
    return FALSE;
  call->id = pmss_database_get_last_id (database);
  return read_link (database, call, error);
}

PmssLink *
pmss_links_add (PmssDatabase * database, const PmssUser * user,
    const char *name, guint lifetime, char **secret, GError ** error)
{
  LinkCall call = {.user = user->name,.name = name,.lifetime = lifetime,
    .max = pmss_links_get_max (user->role)
  };
  g_autofree char *made = pmss_secret_new ();

  pmss_secret_hash (made, call.hash);
  if (!pmss_database_transact (database, add_link, &call, error)) {
    g_clear_pointer (&call.link, pmss_link_free);
    return NULL;
  }
  *secret = g_steal_pointer (&made);
  return call.link;
}

/* --- those that are there --- */

static gboolean
list_links (PmssDatabase * database, gpointer data, GError ** error)
{
  LinkCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = call->user != NULL ?
      pmss_database_query (database, "SELECT " COLUMNS " FROM " TABLES
      " WHERE l.user = ?1 AND " GOOD " ORDER BY l.id", PMSS_TEXT (call->user)) :
      pmss_database_query (database, "SELECT " COLUMNS " FROM " TABLES
      " WHERE " GOOD " ORDER BY l.id");

  while (pmss_rows_next (rows, &local))
    g_ptr_array_add (call->list, read_row (rows));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GPtrArray *
pmss_links_list (PmssDatabase * database, const char *user, GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_link_free);
  LinkCall call = {.user = user,.list = list };

  if (!pmss_database_read (database, list_links, &call, error))
    return NULL;
  return g_steal_pointer (&list);
}

static gboolean
remove_link (PmssDatabase * database, gpointer data, GError ** error)
{
  LinkCall *call = data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT m.name FROM link l JOIN medium m ON m.id = l.medium"
      " WHERE l.id = ?1 AND (?2 IS NULL OR l.user = ?2)", PMSS_INT (call->id),
      PMSS_TEXT (call->user));

  if (!expect_row (rows, PMSS_ERROR_NOT_FOUND, "There is no such link", error))
    return FALSE;
  call->removed = g_strdup (pmss_rows_text (rows, 0));
  g_clear_pointer (&rows, pmss_rows_free);
  return pmss_database_exec (database, error,
      "DELETE FROM link WHERE id = ?1", PMSS_INT (call->id));
}

gboolean
pmss_links_remove (PmssDatabase * database, const char *user, gint64 id,
    char **medium, GError ** error)
{
  LinkCall call = {.user = user,.id = id };
  gboolean removed = pmss_database_transact (database, remove_link, &call,
      error);

  *medium = call.removed;
  return removed;
}

/* --- its use --- */

static gboolean
find_maker (PmssDatabase * database, gpointer data, GError ** error)
{
  LinkCall *call = data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT u.name FROM " TABLES " JOIN user u ON u.name = l.user"
      " WHERE l.hash = ?1 AND t.link AND m.name = ?2 AND " GOOD,
      PMSS_BLOB (call->hash, sizeof (call->hash)), PMSS_TEXT (call->name));

  if (!expect_row (rows, PMSS_ERROR_FORBIDDEN,
          "The link is none of this medium, or it has ended", error))
    return FALSE;
  call->maker = g_new0 (PmssUser, 1);
  call->maker->name = g_strdup (pmss_rows_text (rows, 0));
  call->maker->role = PMSS_ROLE_VIEWER;
  return TRUE;
}

PmssUser *
pmss_links_open (PmssDatabase * database, const char *secret, const char *name,
    GError ** error)
{
  LinkCall call = {.name = name };

  pmss_secret_hash (secret, call.hash);
  if (!pmss_database_read (database, find_maker, &call, error))
    return NULL;
  return call.maker;
}
