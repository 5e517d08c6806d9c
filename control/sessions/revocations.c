/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Revocations of sessions' tokens. On the database thread. */
#include "control/sessions/revocations.h"

#include "control/database/database.h"

/* About 180 bytes each, and up to 200 of a user's; a storage server reads answers of up to 64 KiB. */
#define MAX_IN_ANSWER 200

/* Of rows that go, and of users (PMSS_MAX_REVOCATIONS rows each), in one call. */
#define PIECE 500
#define CUTS_IN_PIECE 8

/* What a user's next cut stands for besides the user's rows. */
typedef struct
{
  char *user;
  gint64 until, issued;         /* of the tokens: the last end, the newest */
} Due;

/* One of all tokens so far takes the place of a user's, also of those that a
 * clock signed that was ahead. Those that were signed after the last such row
 * are of the second after it at least. */
static gboolean
cut_user (PmssDatabase * database, const Due * due, GError ** error)
{
  return pmss_database_exec (database, error,
      "INSERT INTO revocation (session, until, user, signed_until)"
      " SELECT lower (hex (randomblob (16))), max (?2, ifnull (max (until), 0)),"
      " ?1, max (unixepoch (), ifnull (max (signed_until), 0) + 1,"
      " ?3, ifnull (max (issued), 0)) FROM revocation WHERE user = ?1",
      PMSS_TEXT (due->user), PMSS_INT (due->until), PMSS_INT (due->issued))
      && pmss_database_exec (database, error,
      "DELETE FROM revocation WHERE user = ?1 AND id < last_insert_rowid ()",
      PMSS_TEXT (due->user))
      && pmss_database_exec (database, error,
      "DELETE FROM cut_due WHERE user = ?1", PMSS_TEXT (due->user));
}

/* The next one that is due. @found: whether there was any. */
static gboolean
cut_next (PmssDatabase * database, gboolean * found, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT user, until, issued FROM cut_due LIMIT 1");

  *found = pmss_rows_next (rows, &local);
  if (*found) {
    g_autofree char *user = g_strdup (pmss_rows_text (rows, 0));
    Due due = { user, pmss_rows_int (rows, 1), pmss_rows_int (rows, 2) };

    return cut_user (database, &due, error);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_revocations_bound (PmssDatabase * database, gboolean * more,
    GError ** error)
{
  gboolean found = TRUE;

  if (!pmss_database_exec (database, error,
          "DELETE FROM revocation WHERE id IN (SELECT id FROM revocation"
          " WHERE until <= unixepoch () LIMIT ?1)", PMSS_INT (PIECE)))
    return FALSE;
  *more = pmss_database_get_changes (database) == PIECE;
  for (guint i = 0; found && i < CUTS_IN_PIECE; i++)
    if (!cut_next (database, &found, error))
      return FALSE;
  *more |= found;
  return TRUE;
}

gboolean
pmss_revocations_get_cut (PmssDatabase * database, const char *user,
    gint64 * signed_until, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT coalesce (max (signed_until), 0) FROM revocation"
      " WHERE user IN (?1, '') AND signed_until > 0"
      " AND signed_until <= unixepoch () + " PMSS_CUT_AHEAD_SQL,
      PMSS_TEXT (user));

  if (!pmss_rows_next (rows, error))
    return FALSE;
  *signed_until = pmss_rows_int (rows, 0);
  return TRUE;
}

gboolean
pmss_revocations_cut_all (PmssDatabase * database, guint lifetime,
    GError ** error)
{
  return pmss_database_exec (database, error,
      "INSERT INTO revocation (session, until, user, signed_until)"
      " VALUES (lower (hex (randomblob (16))), unixepoch () + ?1, '',"
      " unixepoch ())", PMSS_INT (lifetime));
}

gboolean
pmss_revocations_has (PmssDatabase * database, const char *session,
    gboolean * has, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT EXISTS (SELECT 1 FROM revocation WHERE session = ?1"
      " AND lapsed = 0)", PMSS_TEXT (session));

  if (!pmss_rows_next (rows, error))
    return FALSE;
  *has = pmss_rows_int (rows, 0) != 0;
  return TRUE;
}

/* Columns 1, 3, 4: one session and its user, or a user's tokens. */
static void
add_which (PmssJsonWriter * json, PmssRows * rows)
{
  gint64 signed_until = pmss_rows_int (rows, 4);

  pmss_json_writer_set_member_name (json,
      signed_until == 0 ? "session" : "user");
  pmss_json_writer_add_string_value (json, pmss_rows_text (rows,
          signed_until == 0 ? 1 : 3));
  pmss_json_writer_set_member_name (json,
      signed_until == 0 ? "owner" : "signed_until");
  if (signed_until == 0)
    pmss_json_writer_add_string_value (json, pmss_rows_text (rows, 3));
  else
    pmss_json_writer_add_int_value (json, signed_until);
}

gboolean
pmss_revocations_write (PmssDatabase * database, gint64 after,
    PmssJsonWriter * json, gint64 * last, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT id, session, until, user, signed_until FROM revocation"
      " WHERE id > ?1 AND until > unixepoch () ORDER BY id LIMIT ?2",
      PMSS_INT (after), PMSS_INT (MAX_IN_ANSWER));

  *last = after;
  pmss_json_writer_begin_array (json);
  while (pmss_rows_next (rows, &local)) {
    *last = pmss_rows_int (rows, 0);
    pmss_json_writer_begin_object (json);
    add_which (json, rows);
    pmss_json_writer_set_member_name (json, "until");
    pmss_json_writer_add_int_value (json, pmss_rows_int (rows, 2));
    pmss_json_writer_end_object (json);
  }
  pmss_json_writer_end_array (json);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}
