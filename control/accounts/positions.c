/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where viewers left off, as rows. Any thread; blocks. */
#include "control/accounts/positions.h"

#include "control/database/database.h"
#include "libpmss/pmss-error.h"

typedef struct
{
  const char *user, *name;
  gint64 medium, position_ns;
  /* the last one of the page before */
  gint64 after_updated, after_medium;
  guint limit;
  GPtrArray *list;
  char *next;
} PositionCall;

void
pmss_position_free (PmssPosition * position)
{
  g_free (position->medium);
  g_free (position);
}

static gboolean
find_medium (PmssDatabase * database, PositionCall * call, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT id FROM medium WHERE name = ?1 AND state <> 'deleting'",
      PMSS_TEXT (call->name));

  if (pmss_rows_next (rows, &local)) {
    call->medium = pmss_rows_int (rows, 0);
    return TRUE;
  }
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no medium called “%s”", call->name);
  return FALSE;
}

/* --- writing --- */

static gboolean
read_number (PmssDatabase * database, const char *user, gint64 * number,
    GError ** error)
{
  GError *local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT number FROM position_count WHERE user = ?1", PMSS_TEXT (user));

  *number = pmss_rows_next (rows, &local) ? pmss_rows_int (rows, 0) : 0;
  return pmss_rows_end (local, error);
}

static gboolean
forget_oldest (PmssDatabase * database, const char *user, GError ** error)
{
  gint64 number;

  if (!read_number (database, user, &number, error))
    return FALSE;
  return number <= PMSS_MAX_POSITIONS || pmss_database_exec (database, error,
      "DELETE FROM position WHERE user = ?1 AND medium = (SELECT medium"
      " FROM position WHERE user = ?1 ORDER BY updated, medium LIMIT 1)",
      PMSS_TEXT (user));
}

static gboolean
set_position (PmssDatabase * database, gpointer data, GError ** error)
{
  PositionCall *call = data;

  return find_medium (database, call, error)
      && pmss_database_exec (database, error,
      "INSERT INTO position (user, medium, position_ns, updated)"
      " VALUES (?1, ?2, ?3, unixepoch ()) ON CONFLICT (user, medium)"
      " DO UPDATE SET position_ns = excluded.position_ns,"
      " updated = excluded.updated", PMSS_TEXT (call->user),
      PMSS_INT (call->medium), PMSS_INT (call->position_ns))
      && forget_oldest (database, call->user, error);
}

gboolean
pmss_positions_set (PmssDatabase * database, const char *user,
    const char *name, gint64 position_ns, GError ** error)
{
  PositionCall call = {
    .user = user,.name = name,.position_ns = position_ns
  };

  return pmss_database_transact (database, set_position, &call, error);
}

static gboolean
remove_position (PmssDatabase * database, gpointer data, GError ** error)
{
  PositionCall *call = data;

  if (!find_medium (database, call, error)
      || !pmss_database_exec (database, error,
          "DELETE FROM position WHERE user = ?1 AND medium = ?2",
          PMSS_TEXT (call->user), PMSS_INT (call->medium)))
    return FALSE;
  if (pmss_database_get_changes (database) > 0)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "No position in “%s” is known", call->name);
  return FALSE;
}

gboolean
pmss_positions_remove (PmssDatabase * database, const char *user,
    const char *name, GError ** error)
{
  PositionCall call = {.user = user,.name = name };

  return pmss_database_transact (database, remove_position, &call, error);
}

/* --- reading --- */

static gboolean
get_position (PmssDatabase * database, gpointer data, GError ** error)
{
  PositionCall *call = data;
  GError *local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT position_ns FROM position WHERE user = ?1 AND medium = ?2",
      PMSS_TEXT (call->user), PMSS_INT (call->medium));

  call->position_ns = pmss_rows_next (rows, &local) ? pmss_rows_int (rows, 0)
      : -1;
  return pmss_rows_end (local, error);
}

gboolean
pmss_positions_get (PmssDatabase * database, const char *user, gint64 medium,
    gint64 * position_ns, GError ** error)
{
  PositionCall call = {.user = user,.medium = medium };

  if (!pmss_database_read (database, get_position, &call, error))
    return FALSE;
  *position_ns = call.position_ns;
  return TRUE;
}

static PmssPosition *
read_row (PmssRows * rows)
{
  PmssPosition *position = g_new0 (PmssPosition, 1);

  position->id = pmss_rows_int (rows, 0);
  position->medium = g_strdup (pmss_rows_text (rows, 1));
  position->position_ns = pmss_rows_int (rows, 2);
  position->duration_ns = pmss_rows_int_or_unknown (rows, 3);
  position->updated = pmss_rows_int (rows, 4);
  return position;
}

static void
set_next (PositionCall * call)
{
  const PmssPosition *last = g_ptr_array_index (call->list, call->limit - 1);

  call->next = g_strdup_printf ("%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT,
      last->updated, last->id);
}

static gboolean
list_positions (PmssDatabase * database, gpointer data, GError ** error)
{
  PositionCall *call = data;
  GError *local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT m.id, m.name, p.position_ns, m.duration_ns, p.updated"
      " FROM position p JOIN medium m ON m.id = p.medium"
      " WHERE p.user = ?1 AND (p.updated, p.medium) < (?2, ?3)"
      " AND m.state <> 'deleting'"
      " ORDER BY p.updated DESC, p.medium DESC LIMIT ?4",
      PMSS_TEXT (call->user), PMSS_INT (call->after_updated),
      PMSS_INT (call->after_medium), PMSS_INT (call->limit + 1));

  while (pmss_rows_next (rows, &local)) {
    if (call->list->len == call->limit) {
      set_next (call);
      break;
    }
    g_ptr_array_add (call->list, read_row (rows));
  }
  return pmss_rows_end (local, error);
}

static gboolean
parse_after (const char *after, PositionCall * call, GError ** error)
{
  g_auto (GStrv) parts = g_strsplit (after, ".", 2);
  guint64 updated, medium;

  if (g_strv_length (parts) == 2
      && g_ascii_string_to_unsigned (parts[0], 10, 0, G_MAXINT64, &updated,
          NULL)
      && g_ascii_string_to_unsigned (parts[1], 10, 0, G_MAXINT64, &medium,
          NULL)) {
    call->after_updated = (gint64) updated;
    call->after_medium = (gint64) medium;
    return TRUE;
  }
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "after: has to be the next of the page before");
  return FALSE;
}

GPtrArray *
pmss_positions_list (PmssDatabase * database, const char *user,
    const char *after, guint limit, char **next, GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_position_free);
  PositionCall call = {
    .user = user,.limit = MAX (limit, 1),.list = list,
    .after_updated = G_MAXINT64,.after_medium = G_MAXINT64
  };

  if ((after != NULL && !parse_after (after, &call, error))
      || !pmss_database_read (database, list_positions, &call, error))
    return NULL;
  *next = call.next;
  return g_steal_pointer (&list);
}
