/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose catalog it is, and how old. On the main thread and, in transactions, on the database thread. */
#include "control/identity.h"

#include "control/database/database.h"
#include "libpmss/pmss-error.h"

#define STARTS "starts"

typedef struct
{
  PmssIdentity *identity;
  const char *cluster;
  guint64 starts;
} Call;

void
pmss_identity_clear (PmssIdentity * identity)
{
  g_clear_pointer (&identity->cluster, g_free);
}

static gboolean
read_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  PmssIdentity *identity = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT cluster, starts, started, restored FROM identity");

  if (pmss_rows_next (rows, &local)) {
    identity->cluster = g_strdup (pmss_rows_text (rows, 0));
    identity->starts = (guint64) pmss_rows_int (rows, 1);
    identity->started = pmss_rows_int (rows, 2);
    identity->restored = pmss_rows_int (rows, 3);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_identity_read (PmssDatabase * database, PmssIdentity * identity,
    GError ** error)
{
  *identity = (PmssIdentity) {
  0};
  return pmss_database_transact (database, read_row, identity, error);
}

gboolean
pmss_identity_read_starts (const char *folder, guint64 * starts,
    GError ** error)
{
  g_autofree char *path = g_build_filename (folder, STARTS, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) local = NULL;

  *starts = 0;
  if (g_file_get_contents (path, &text, NULL, &local)) {
    if (g_ascii_string_to_unsigned (g_strchomp (text), 10, 0, G_MAXINT64,
            starts, error))
      return TRUE;
    g_prefix_error (error, "“%s” is damaged: ", path);
    return FALSE;
  }
  if (g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static char *
describe_start (const PmssIdentity * identity)
{
  g_autoptr (GDateTime) time =
      g_date_time_new_from_unix_local (identity->started);

  return identity->started > 0 && time != NULL ?
      g_date_time_format (time, "%Y-%m-%d %H:%M:%S") : g_strdup ("never");
}

gboolean
pmss_identity_check_cluster (const PmssIdentity * identity,
    const char *cluster, GError ** error)
{
  if (identity->cluster == NULL || g_str_equal (identity->cluster, cluster))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "catalog.db is of the cluster %s, but keys/ is of the cluster %s: put "
      "both back from one backup", identity->cluster, cluster);
  return FALSE;
}

gboolean
pmss_identity_check_age (const PmssIdentity * identity, guint64 starts,
    GError ** error)
{
  g_autofree char *when = NULL;

  if (identity->starts >= starts)
    return TRUE;
  when = describe_start (identity);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "catalog.db is an older copy: it was last started with at %s (start %"
      G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT "). pmss-control "
      "--check-restore says what it does not know, and pmss-control --restore "
      "takes it all the same", when, identity->starts, starts);
  return FALSE;
}

static gboolean
write_starts (const char *folder, guint64 starts, GError ** error)
{
  g_autofree char *path = g_build_filename (folder, STARTS, NULL);
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT "\n", starts);

  return g_file_set_contents_full (path, text, -1,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
      error);
}

static gboolean
count_start (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Call *call = user_data;

  return pmss_database_exec (database, error,
      "INSERT INTO identity (one, cluster, starts, started)"
      " VALUES (1, ?1, 1, unixepoch ()) ON CONFLICT (one) DO UPDATE"
      " SET starts = starts + 1, started = unixepoch ()",
      PMSS_TEXT (call->cluster))
      && read_row (database, call->identity, error);
}

/* The catalog first: killed in between, it is ahead of the folder, which is no fault. */
gboolean
pmss_identity_count_start (PmssDatabase * database, const char *cluster,
    const char *folder, GError ** error)
{
  g_auto (PmssIdentity) identity = { 0 };
  Call call = { &identity, cluster };

  return pmss_database_transact (database, count_start, &call, error)
      && write_starts (folder, identity.starts, error);
}

gboolean
pmss_identity_restore (PmssDatabase * database, const char *cluster,
    guint64 starts, gint64 now, GError ** error)
{
  return pmss_database_exec (database, error,
      "INSERT INTO identity (one, cluster, starts, started, restored)"
      " VALUES (1, ?1, ?2, ?3, ?3) ON CONFLICT (one) DO UPDATE"
      " SET starts = max (starts, ?2), restored = ?3",
      PMSS_TEXT (cluster), PMSS_INT (starts), PMSS_INT (now));
}

gboolean
pmss_identity_end_restore (PmssDatabase * database, GError ** error)
{
  return pmss_database_exec (database, error,
      "UPDATE identity SET restored = 0");
}
