/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening and closing. On the thread that does it, before the database thread begins and after it has ended. */
#include "control/database/database-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <glib/gstdio.h>

#include "libpmss/pmss-error.h"

#define CHECKPOINT_PAGES 1000   /* SQLite's own number */

void
pmss_database_set_full_func (PmssDatabase * self, PmssDatabaseFullFunc func,
    gpointer user_data)
{
  self->full_data = user_data;
  self->full = func;
}

int
pmss_database_get_schema_version (PmssDatabase * self)
{
  return self->schema_version;
}

/* In place of SQLite's own, which forgets the error of a checkpoint: a sync that fails there has to end the process like any other. What is not fatal (a full
 * disk) leaves the commits in the log; the next one tries again. */
static int
checkpoint (void *data, sqlite3 * handle, const char *name, int pages)
{
  PmssDatabase *self = data;
  g_autoptr (GError) error = NULL;
  int code;

  if (pages < CHECKPOINT_PAGES)
    return SQLITE_OK;
  code = sqlite3_wal_checkpoint_v2 (handle, name, SQLITE_CHECKPOINT_PASSIVE,
      NULL, NULL);
  if (code != SQLITE_OK) {
    pmss_database_set_error (self, code, "checkpoint", &error);
    if (!self->log_grows)
      g_warning ("%s: the log grows until it can be carried over",
          error->message);
  }
  self->log_grows = code != SQLITE_OK;
  return SQLITE_OK;
}

/* One connection and no other: with the exclusive lock the log's index is in memory, another process cannot get in between, and SQLite's
 * reset of the log with two connections (wrong before 3.51.3) cannot happen. */
static gboolean
configure (PmssDatabase * self, GError ** error)
{
  sqlite3_extended_result_codes (self->handle, 1);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_wal_hook (self->handle, checkpoint, self);
  return pmss_database_run_script (self,
      "PRAGMA locking_mode = EXCLUSIVE;"
      "PRAGMA journal_mode = WAL;" "PRAGMA synchronous = FULL;"
      /* the counters of tally.c */
      "PRAGMA temp_store = MEMORY;"
      "PRAGMA foreign_keys = ON;" "PRAGMA cell_size_check = ON;", error);
}

static void
dispose (PmssDatabase * self)
{
  g_clear_pointer (&self->statements, g_hash_table_unref);
  if (self->handle != NULL && sqlite3_close (self->handle) != SQLITE_OK)
    g_critical ("The database has open statements");
  pmss_tally_clear (self);
  pmss_calls_clear (self);
  g_free (self);
}

/* Before it is ever opened, so that there is no moment in which others can read it. */
static gboolean
create_private (const char *path, GError ** error)
{
  int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "Cannot open %s: %s", path, g_strerror (errno));
    return FALSE;
  }
  return g_close (fd, error);
}

/* SQLITE_OPEN_NOFOLLOW refuses links anywhere in a path. The folder may be below one; only the file itself may be none. */
static char *
resolve (const char *path, GError ** error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  char *real = realpath (folder, NULL);
  char *resolved;

  if (real == NULL) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "Cannot open %s: %s", folder, g_strerror (errno));
    return NULL;
  }
  resolved = g_build_filename (real, name, NULL);
  free (real);
  if (!g_file_test (resolved, G_FILE_TEST_IS_SYMLINK))
    return resolved;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "%s is a symbolic link, and SQLite keeps its log beside the link: "
      "make the folder a link to where the file is, or move the file here",
      resolved);
  g_free (resolved);
  return NULL;
}

PmssDatabase *
pmss_database_open (const char *path, GError ** error)
{
  static const PmssDatabaseKind catalog = {
    "database", "/org/pmss/control/migrations/", TRUE
  };

  return pmss_database_open_kind (&catalog, path, error);
}

PmssDatabase *
pmss_database_open_kind (const PmssDatabaseKind * kind, const char *path,
    GError ** error)
{
  PmssDatabase *self;
  g_autofree char *resolved = resolve (path, error);

  if (resolved == NULL || !create_private (resolved, error))
    return NULL;
  self = g_new0 (PmssDatabase, 1);
  self->kind = kind;
  pmss_calls_init (self);
  pmss_tally_init (self);
  self->statements = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      pmss_database_statement_free);
  if (sqlite3_open_v2 (resolved, &self->handle, SQLITE_OPEN_READWRITE
          | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED, "Cannot open %s: %s",
        path, self->handle != NULL ? sqlite3_errmsg (self->handle) : "memory");
    dispose (self);
    return NULL;
  }
  if (!configure (self, error) || !pmss_database_migrate (self, error)
      || (kind->vital && !pmss_tally_start (self, error))) {
    g_prefix_error (error, "%s: ", path);
    dispose (self);
    return NULL;
  }
  self->serving = TRUE;
  if (pmss_calls_start (self, error))
    return self;
  dispose (self);
  return NULL;
}

void
pmss_database_close (PmssDatabase * self)
{
  pmss_calls_stop (self);
  dispose (self);
}
