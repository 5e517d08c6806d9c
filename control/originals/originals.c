/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files that media were made from. On the caller's thread. */
#include "control/originals/originals.h"

#include <errno.h>
#include <unistd.h>

#include "control/data-files/data-files.h"
#include "control/folder-sync.h"
#include "libpmss/pmss-error.h"

struct _PmssOriginals
{
  PmssDatabase *database;
  PmssDataFiles *files;
  char *making;                 /* folder of files that are being made */
};

/* Beside the folder of the originals. */
#define MAKING "rebuilt"

/* Rows */

static gboolean
find_file (PmssDatabase * database, const char *name, PmssDataFile * file,
    GError ** error)
{
  GError *local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT size FROM original WHERE file = ?1", PMSS_TEXT (name));

  file->known = pmss_rows_next (rows, &local);
  if (file->known)
    file->least = file->most = (guint64) pmss_rows_int (rows, 0);
  return pmss_rows_end (local, error);
}

gboolean
pmss_originals_each (PmssDatabase * database, PmssOriginalFunc func,
    gpointer user_data, GError ** error)
{
  GError *local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT original.file, medium.name, original.size"
      " FROM original JOIN medium ON medium.id = original.medium");

  while (pmss_rows_next (rows, &local))
    func (pmss_rows_text (rows, 0), pmss_rows_text (rows, 1),
        (guint64) pmss_rows_int (rows, 2), user_data);
  return pmss_rows_end (local, error);
}

typedef struct
{
  PmssOriginals *self;
  gint64 medium;
  const char *add;              /* the file to add */
  guint64 size;
  char *file;                   /* found; NULL: none was kept */
  char *sha256;                 /* of the medium; nullable */
} Call;

static gboolean
add_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Call *call = user_data;

  return pmss_database_exec (database, error,
      "INSERT INTO original (medium, file, size) VALUES (?1, ?2, ?3)",
      PMSS_INT (call->medium), PMSS_TEXT (call->add), PMSS_INT (call->size));
}

gboolean
pmss_originals_add (PmssOriginals * self, gint64 medium, const char *file,
    guint64 size, GError ** error)
{
  Call call = { self, medium, file, size };

  return pmss_database_transact (self->database, add_row, &call, error);
}

static gboolean
find_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Call *call = user_data;
  GError *local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT file, sha256 FROM original JOIN medium ON medium.id = medium"
      " WHERE medium = ?1", PMSS_INT (call->medium));

  if (pmss_rows_next (rows, &local)) {
    call->file = g_strdup (pmss_rows_text (rows, 0));
    call->sha256 = g_strdup (pmss_rows_text (rows, 1));
  }
  return pmss_rows_end (local, error);
}

static void
clear_call (Call * call)
{
  g_free (call->file);
  g_free (call->sha256);
}

static gboolean
drop_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Call *call = user_data;

  return find_row (database, call, error) && (call->file == NULL
      || (pmss_data_files_give_up (call->self->files, call->file, error)
          && pmss_database_exec (database, error,
              "DELETE FROM original WHERE medium = ?1",
              PMSS_INT (call->medium))));
}

gboolean
pmss_originals_drop (PmssOriginals * self, gint64 medium, GError ** error)
{
  Call call = { self, medium };
  gboolean dropped = pmss_database_transact (self->database, drop_row, &call,
      error);

  clear_call (&call);
  return dropped;
}

char *
pmss_originals_find (PmssOriginals * self, gint64 medium, char **sha256,
    GError ** error)
{
  Call call = { self, medium };
  char *path = NULL;

  if (!pmss_database_transact (self->database, find_row, &call, error))
    return NULL;
  if (call.file != NULL) {
    path = pmss_data_files_get_path (self->files, call.file);
    *sha256 = g_steal_pointer (&call.sha256);
  } else {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "no original was kept");
  }
  clear_call (&call);
  return path;
}

/* Files */

/* A crash came between the second name of an upload that becomes an original and the row of that: no
 * byte is lost while the upload has the first. */
static gboolean
is_second_name_in (const char *folder, const char *name, const GStatBuf * st)
{
  g_autofree char *first = g_build_filename (folder, name, NULL);
  GStatBuf other;

  return g_lstat (first, &other) == 0 && other.st_ino == st->st_ino
      && other.st_dev == st->st_dev;
}

/* The same of a file that was made from shards: it can be made again. */
static gboolean
is_second_name (const char *name, const GStatBuf * st, gpointer uploads)
{
  g_autofree char *data = g_path_get_dirname (uploads);
  g_autofree char *making = g_build_filename (data, MAKING, NULL);

  return is_second_name_in (uploads, name, st)
      || is_second_name_in (making, name, st);
}

char *
pmss_originals_begin (PmssOriginals * self, const char *file, GError ** error)
{
  if (g_mkdir_with_parents (self->making, 0700) == 0)
    return g_build_filename (self->making, file, NULL);
  g_warning ("%s: %s", self->making, g_strerror (errno));
  g_set_error (error, PMSS_ERROR, errno == ENOSPC ? PMSS_ERROR_NO_SPACE :
      PMSS_ERROR_FAILED, "The original cannot be made: %s", g_strerror (errno));
  return NULL;
}

/* What a crash left: its jobs begin anew. */
static void
empty_making (PmssOriginals * self)
{
  g_autoptr (GDir) folder = g_dir_open (self->making, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *path = g_build_filename (self->making, name, NULL);

    if (g_unlink (path) != 0)
      g_warning ("Cannot delete “%s”: %s", path, g_strerror (errno));
  }
}

gboolean
pmss_originals_link (PmssOriginals * self, const char *path, const char *file,
    GError ** error)
{
  g_autofree char *second = pmss_data_files_get_path (self->files, file);
  g_autoptr (GError) local = NULL;

  if (link (path, second) != 0 && errno != EEXIST) {
    int code = errno;

    /* the error is for clients to read, the path for the log */
    g_warning ("%s: %s", second, g_strerror (code));
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "The original cannot be kept: %s", g_strerror (code));
    return FALSE;
  }
  if (pmss_folder_sync (pmss_data_files_get_folder (self->files), &local))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "The original cannot be kept: %s", local->message);
  return FALSE;
}

void
pmss_originals_unlink (PmssOriginals * self, const char *file)
{
  g_autofree char *second = pmss_data_files_get_path (self->files, file);
  g_autoptr (GError) error = NULL;

  if (g_unlink (second) != 0 && errno != ENOENT)
    g_warning ("Cannot delete “%s”: %s", second, g_strerror (errno));
  else if (!pmss_folder_sync (pmss_data_files_get_folder (self->files), &error))
    g_warning ("“%s” may be back after a crash: %s", second,
        error->message);
}

void
pmss_originals_delete_files (PmssOriginals * self)
{
  pmss_data_files_delete (self->files);
}

gboolean
pmss_originals_sweep (PmssOriginals * self, const char *uploads,
    GError ** error)
{
  if (!pmss_data_files_sweep (self->files, (gpointer) uploads, error))
    return FALSE;
  empty_making (self);
  return TRUE;
}

gboolean
pmss_originals_expire (PmssOriginals * self, guint grace, gint64 now, gint64 up)
{
  return pmss_data_files_expire (self->files, grace, now, up);
}

/* The start */

PmssOriginals *
pmss_originals_new (const char *data, PmssDatabase * database, GError ** error)
{
  static const PmssDataFilesFuncs funcs = { find_file, is_second_name };
  PmssDataFiles *files = pmss_data_files_new (data, "originals", database,
      &funcs, error);
  PmssOriginals *self;

  if (files == NULL)
    return NULL;
  self = g_new0 (PmssOriginals, 1);
  self->database = database;
  self->files = files;
  self->making = g_build_filename (data, MAKING, NULL);
  return self;
}

void
pmss_originals_free (PmssOriginals * self)
{
  pmss_data_files_free (self->files);
  g_free (self->making);
  g_free (self);
}
