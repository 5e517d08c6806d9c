/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands around an older catalog. On the main thread and, in transactions, on the database thread. */
#include "control/restore.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "control/config.h"
#include "control/data-folder.h"
#include "control/data-files/set-aside.h"
#include "control/database/database.h"
#include "control/identity.h"
#include "control/keys.h"
#include "control/originals/originals.h"
#include "control/sessions/revocations.h"
#include "control/uploads/uploads.h"
#include "daemon/pmss-daemon.h"
#include "libpmss/pmss-error.h"

/* Open jobs wait for somebody to look. Not so repair: a paused one would keep all others from beginning, and lost shards stay lost meanwhile. */
#define PAUSED "state IN ('queued', 'running') AND type <> 'repair'"

typedef struct
{
  PmssControlConfig *config;
  PmssKeys *keys;
  PmssDatabase *database;
  PmssIdentity identity;
  guint64 starts;               /* of the folder */
  gboolean end_streams;
} Restore;

/* What one of the folders uploads and originals has against the rows that name its files. */
typedef struct
{
  GHashTable *rows;             /* file -> Named */
  guint unknown, lacking, aside;
  guint64 unknown_bytes;
} Files;

/* What a row says of its file. */
typedef struct
{
  char *medium;
  guint64 least, most;          /* bytes */
  gboolean aside;               /* it was set aside, and goes back */
} Named;

typedef struct
{
  gint64 media, nodes, unfinished, jobs, logins;
} Counts;

static void
count_unfinished (const PmssUpload * upload, gpointer user_data)
{
  Counts *counts = user_data;

  counts->unfinished += !upload->complete;
}

static gboolean
count_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Counts *counts = user_data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT (SELECT count (*) FROM medium WHERE state = 'ready'),"
      " (SELECT count (*) FROM node),"
      " (SELECT count (*) FROM job WHERE " PAUSED "),"
      " (SELECT count (*) FROM api_token)");

  if (!pmss_rows_next (rows, error))
    return FALSE;
  counts->media = pmss_rows_int (rows, 0);
  counts->nodes = pmss_rows_int (rows, 1);
  counts->jobs = pmss_rows_int (rows, 2);
  counts->logins = pmss_rows_int (rows, 3);
  counts->unfinished = 0;
  return pmss_uploads_each (database, count_unfinished, counts, error);
}

/* Files */

static void
free_named (gpointer data)
{
  Named *named = data;

  g_free (named->medium);
  g_free (named);
}

static void
add_named (GHashTable * table, const char *file, const char *medium,
    guint64 least, guint64 most)
{
  Named *named = g_new0 (Named, 1);

  named->medium = g_strdup (medium);
  named->least = least;
  named->most = most;
  g_hash_table_insert (table, g_strdup (file), named);
}

static void
add_upload (const PmssUpload * upload, gpointer rows)
{
  add_named (rows, upload->id, upload->name, upload->received, upload->size);
}

static gboolean
list_uploads (PmssDatabase * database, gpointer user_data, GError ** error)
{
  return pmss_uploads_each (database, add_upload, user_data, error);
}

static void
add_original (const char *file, const char *medium, guint64 size, gpointer rows)
{
  add_named (rows, file, medium, size, size);
}

static gboolean
list_originals (PmssDatabase * database, gpointer user_data, GError ** error)
{
  return pmss_originals_each (database, add_original, user_data, error);
}

static void
tell_unknown (const char *path, Files * files)
{
  g_autofree char *size = NULL;
  GStatBuf st;

  if (g_lstat (path, &st) != 0)
    return;
  files->unknown++;
  files->unknown_bytes += (guint64) st.st_size;
  size = g_format_size ((guint64) st.st_size);
  g_print ("  not known to the catalog: %s (%s)\n", path, size);
}

static void
find_aside (const char *folder, Files * files)
{
  g_autoptr (GPtrArray) list = pmss_set_aside_list (folder);

  for (guint i = 0; i < list->len; i++) {
    const char *aside = g_ptr_array_index (list, i);
    g_autofree char *name = pmss_set_aside_get_name (aside);
    Named *named = g_hash_table_lookup (files->rows, name);

    if (named != NULL)
      named->aside |= pmss_set_aside_fits (folder, aside, named->least,
          named->most);
  }
}

static void
tell_lacking (const char *path, const Named * named, Files * files)
{
  if (named->aside) {
    files->aside++;
    g_print ("  set aside, and goes back: %s, of the medium “%s”\n", path,
        named->medium);
  } else {
    files->lacking++;
    g_print ("  missing: %s, of the medium “%s”\n", path, named->medium);
  }
}

static void
compare_folder (const char *folder, Files * files)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  GHashTableIter iter;
  gpointer file, named;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    if (!g_hash_table_contains (files->rows, name)
        && g_file_test (path, G_FILE_TEST_IS_REGULAR))
      tell_unknown (path, files);
  }
  find_aside (folder, files);
  g_hash_table_iter_init (&iter, files->rows);
  while (g_hash_table_iter_next (&iter, &file, &named)) {
    g_autofree char *path = g_build_filename (folder, file, NULL);

    if (!g_file_test (path, G_FILE_TEST_EXISTS))
      tell_lacking (path, named, files);
  }
}

static gboolean
check_files (Restore * self, const char *name, PmssDatabaseFunc list,
    GError ** error)
{
  g_autofree char *folder = g_build_filename (self->config->data, name, NULL);
  g_autoptr (GHashTable) rows = g_hash_table_new_full (g_str_hash, g_str_equal,
      g_free, free_named);
  Files files = {.rows = rows };
  g_autofree char *bytes = NULL;

  if (!pmss_database_transact (self->database, list, rows, error))
    return FALSE;
  compare_folder (folder, &files);
  bytes = g_format_size (files.unknown_bytes);
  g_print ("%s: %u files (%s) are not known to the catalog and will be set "
      "aside; %u that it names were set aside and go back, %u are missing\n",
      name, files.unknown, bytes, files.aside, files.lacking);
  return TRUE;
}

/* The steps */

static gboolean
check (Restore * self, GError ** error)
{
  g_autoptr (GDateTime) time =
      g_date_time_new_from_unix_local (self->identity.started);
  g_autofree char *when = g_date_time_format (time, "%Y-%m-%d %H:%M:%S");
  Counts counts;

  if (!pmss_database_transact (self->database, count_rows, &counts, error))
    return FALSE;
  g_print ("catalog: start %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
      " of this folder, at %s: %s\n", self->identity.starts, self->starts,
      self->identity.started > 0 ? when : "an unknown time",
      self->identity.starts < self->starts ? "an older one"
      : "the newest that is known");
  g_print ("media: %" G_GINT64_FORMAT " ready; any that came later are not "
      "known, any that were deleted later are listed and cannot be read\n",
      counts.media);
  if (!check_files (self, "originals", list_originals, error)
      || !check_files (self, "uploads", list_uploads, error))
    return FALSE;
  g_print ("--restore ends %" G_GINT64_FORMAT " unfinished uploads and %"
      G_GINT64_FORMAT " logins, and pauses %" G_GINT64_FORMAT " jobs\n",
      counts.unfinished, counts.logins, counts.jobs);
  g_print ("storage servers: %" G_GINT64_FORMAT " known; any that joined later "
      "have to join anew. Shards that the catalog does not know stay until "
      "--end-restore\n", counts.nodes);
  return TRUE;
}

static void
add_unfinished (const PmssUpload * upload, gpointer ids)
{
  if (!upload->complete)
    g_ptr_array_add (ids, g_strdup (upload->id));
}

static gboolean
list_unfinished (PmssDatabase * database, gpointer user_data, GError ** error)
{
  return pmss_uploads_each (database, add_unfinished, user_data, error);
}

static gboolean
set_aside_unfinished (Restore * self, GPtrArray * unfinished, GError ** error)
{
  g_autofree char *folder = g_build_filename (self->config->data, "uploads",
      NULL);

  for (guint i = 0; i < unfinished->len; i++) {
    const char *file = g_ptr_array_index (unfinished, i);
    g_autofree char *path = g_build_filename (folder, file, NULL);

    if (g_file_test (path, G_FILE_TEST_EXISTS)
        && !pmss_set_aside_put (folder, file, error))
      return FALSE;
  }
  return TRUE;
}

/* Node ids are in tokens and extents, numbers of revocations are what nodes ask by: none of them may mean two things. */
static gboolean
restore_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Restore *self = user_data;

  return pmss_database_exec (database, error,
      "INSERT INTO sqlite_sequence (name, seq) SELECT name, 0"
      " FROM sqlite_schema WHERE type = 'table'"
      " AND sql LIKE '%AUTOINCREMENT%'"
      " AND name NOT IN (SELECT name FROM sqlite_sequence)")
      && pmss_database_exec (database, error,
      "UPDATE sqlite_sequence SET seq = seq + iif (name = 'node', 1000,"
      " 1000000)")
      && pmss_database_exec (database, error,
      "UPDATE job SET state = 'paused', waiting_for = NULL" " WHERE " PAUSED)
      && pmss_database_exec (database, error,
      "DELETE FROM medium WHERE state = 'uploading'")
      && pmss_database_exec (database, error, "DELETE FROM file_deletion")
      && pmss_database_exec (database, error, "DELETE FROM session")
      && pmss_database_exec (database, error, "DELETE FROM join_token")
      && pmss_database_exec (database, error, "DELETE FROM api_token")
      && (!self->end_streams || pmss_revocations_cut_all (database,
          self->config->stream_lifetime, error))
      && pmss_identity_restore (database, pmss_keys_get_cluster (self->keys),
      self->starts, g_get_real_time () / G_USEC_PER_SEC, error);
}

static gboolean
restore (Restore * self, GError ** error)
{
  g_autoptr (GPtrArray) unfinished = g_ptr_array_new_with_free_func (g_free);

  if (!pmss_database_transact (self->database, list_unfinished, unfinished,
          error)
      || !set_aside_unfinished (self, unfinished, error)
      || !pmss_database_transact (self->database, restore_rows, self, error))
    return FALSE;
  g_print ("The catalog is restored: start the server. Shards that it does not "
      "know stay on the storage servers; look at them with pmss status and "
      "/metrics, then stop the server and run pmss-control --end-restore\n");
  return TRUE;
}

static gboolean
end_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  return pmss_identity_end_restore (database, error);
}

static gboolean
run_step (Restore * self, PmssRestoreStep step, GError ** error)
{
  switch (step) {
    case PMSS_RESTORE_CHECK:
      return check (self, error);
    case PMSS_RESTORE_END_STREAMS:
      self->end_streams = TRUE;
      return restore (self, error);
    case PMSS_RESTORE:
      return restore (self, error);
    case PMSS_RESTORE_END:
      if (!pmss_database_transact (self->database, end_rows, NULL, error))
        return FALSE;
      g_print ("Shards that the catalog does not know are deleted again, after "
          "orphan-grace\n");
      return TRUE;
  }
  g_return_val_if_reached (FALSE);
}

static gboolean
open_folder (Restore * self, GError ** error)
{
  const char *data = self->config->data;
  g_autofree char *keys = g_build_filename (data, "keys", NULL);
  g_autofree char *file = g_build_filename (data, "catalog.db", NULL);

  if (!pmss_data_folder_check (data, error)
      || (self->keys = pmss_keys_open (keys, FALSE, error)) == NULL)
    return FALSE;
  pmss_disk_reserve_make_room (data, self->config->catalog_reserve);
  if ((self->database = pmss_database_open (file, error)) == NULL
      || !pmss_identity_read (self->database, &self->identity, error)
      || !pmss_identity_read_starts (data, &self->starts, error))
    return FALSE;
  return pmss_identity_check_cluster (&self->identity,
      pmss_keys_get_cluster (self->keys), error);
}

gboolean
pmss_restore_run (PmssControlConfig * config, PmssRestoreStep step,
    GError ** error)
{
  Restore self = {.config = config };
  int lock = pmss_daemon_lock_folder (config->data, error);
  gboolean done;

  if (lock < 0)
    return FALSE;
  done = open_folder (&self, error) && run_step (&self, step, error);
  g_clear_pointer (&self.database, pmss_database_close);
  g_clear_pointer (&self.keys, pmss_keys_free);
  pmss_identity_clear (&self.identity);
  close (lock);
  return done;
}
