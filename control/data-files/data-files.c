/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of one folder against the catalog's rows. On the caller's thread. */
#include "control/data-files/data-files.h"

#include <errno.h>
#include <string.h>

#include "control/data-files/set-aside.h"
#include "control/folder-sync.h"
#include "libpmss/pmss-error.h"

struct _PmssDataFiles
{
  PmssDatabase *database;
  PmssDataFilesFuncs funcs;
  char *name, *folder;
};

static gboolean
fail_errno (GError ** error, const char *path)
{
  int code = errno;

  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED, "%s: %s", path,
      g_strerror (code));
  return FALSE;
}

const char *
pmss_data_files_get_folder (PmssDataFiles * self)
{
  return self->folder;
}

char *
pmss_data_files_get_path (PmssDataFiles * self, const char *name)
{
  return g_build_filename (self->folder, name, NULL);
}

/* Files that were given up */

typedef struct
{
  PmssDataFiles *self;
  GPtrArray *names;
} Names;

gboolean
pmss_data_files_give_up (PmssDataFiles * self, const char *name,
    GError ** error)
{
  return pmss_database_exec (self->database, error,
      "INSERT OR IGNORE INTO file_deletion (folder, file) VALUES (?1, ?2)",
      PMSS_TEXT (self->name), PMSS_TEXT (name));
}

static gboolean
list_given_up (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Names *list = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT file FROM file_deletion WHERE folder = ?1",
      PMSS_TEXT (list->self->name));

  while (pmss_rows_next (rows, &local))
    g_ptr_array_add (list->names, g_strdup (pmss_rows_text (rows, 0)));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
forget_given_up (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Names *list = user_data;

  for (guint i = 0; i < list->names->len; i++)
    if (!pmss_database_exec (database, error,
            "DELETE FROM file_deletion WHERE folder = ?1 AND file = ?2",
            PMSS_TEXT (list->self->name),
            PMSS_TEXT (g_ptr_array_index (list->names, i))))
      return FALSE;
  return TRUE;
}

static gboolean
unlink_file (PmssDataFiles * self, const char *name)
{
  g_autofree char *path = pmss_data_files_get_path (self, name);

  if (g_unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  g_warning ("Cannot delete “%s”: %s", path, g_strerror (errno));
  return FALSE;
}

/* Notes go when their files are gone for good: a file that came back after a crash, and had no note
 * any more, would be one that nobody knows. */
static gboolean
delete_given_up (PmssDataFiles * self, GError ** error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  Names list = { self, names };

  if (!pmss_database_transact (self->database, list_given_up, &list, error))
    return FALSE;
  if (names->len == 0)
    return TRUE;
  for (guint i = 0; i < names->len;) {
    if (unlink_file (self, g_ptr_array_index (names, i)))
      i++;
    else
      g_ptr_array_remove_index_fast (names, i);
  }
  return pmss_folder_sync (self->folder, error)
      && pmss_database_transact (self->database, forget_given_up, &list, error);
}

void
pmss_data_files_delete (PmssDataFiles * self)
{
  g_autoptr (GError) error = NULL;

  if (!delete_given_up (self, &error))
    g_warning ("Files that may go are left for later: %s", error->message);
}

/* Rows */

typedef struct
{
  PmssDataFiles *self;
  const char *name;
  PmssDataFile file;
} Find;

static gboolean
find_in_transaction (PmssDatabase * database, gpointer user_data,
    GError ** error)
{
  Find *find = user_data;

  memset (&find->file, 0, sizeof find->file);
  return find->self->funcs.find (database, find->name, &find->file, error);
}

static gboolean
find_row (PmssDataFiles * self, const char *name, PmssDataFile * file,
    GError ** error)
{
  Find find = { self, name };

  if (!pmss_database_transact (self->database, find_in_transaction, &find,
          error))
    return FALSE;
  *file = find.file;
  return TRUE;
}

/* Files without a row */

/* One that cannot be moved does no harm where it is: that is no reason not to start. */
static void
set_aside (PmssDataFiles * self, const char *name)
{
  g_autoptr (GError) error = NULL;

  if (!pmss_set_aside_put (self->folder, name, &error))
    g_warning ("%s: it is left for the next start", error->message);
}

/* Directories are none of ours: lost+found, and what people put there. */
static gboolean
sweep_file (PmssDataFiles * self, const char *name, gpointer user_data,
    GError ** error)
{
  g_autofree char *path = pmss_data_files_get_path (self, name);
  PmssDataFile file;
  GStatBuf st;

  if (g_lstat (path, &st) != 0)
    return fail_errno (error, path);
  if (S_ISDIR (st.st_mode))
    return TRUE;
  if (!find_row (self, name, &file, error))
    return FALSE;
  if (file.known)
    return TRUE;
  if (S_ISREG (st.st_mode) && self->funcs.is_spare (name, &st, user_data))
    unlink_file (self, name);
  else
    set_aside (self, name);
  return TRUE;
}

gboolean
pmss_data_files_sweep (PmssDataFiles * self, gpointer user_data,
    GError ** error)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (dir == NULL)
    return FALSE;
  /* before anything moves: a folder that changes may be read twice or not at all */
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  for (guint i = 0; i < names->len; i++)
    if (!sweep_file (self, g_ptr_array_index (names, i), user_data, error))
      return FALSE;
  return TRUE;
}

/* Files that were set aside and that a row names: another catalog than the one that did not know them */

static gboolean
put_back_file (PmssDataFiles * self, const char *aside, GError ** error)
{
  g_autofree char *name = pmss_set_aside_get_name (aside);
  g_autofree char *path = pmss_data_files_get_path (self, name);
  g_autoptr (GError) local = NULL;
  PmssDataFile file;

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!find_row (self, name, &file, error))
    return FALSE;
  if (file.known
      && pmss_set_aside_fits (self->folder, aside, file.least, file.most)
      && !pmss_set_aside_take (self->folder, aside, name, &local))
    g_warning ("%s: its medium has no file until the next start",
        local->message);
  return TRUE;
}

static gboolean
put_back (PmssDataFiles * self, GError ** error)
{
  g_autoptr (GPtrArray) list = pmss_set_aside_list (self->folder);

  for (guint i = 0; i < list->len; i++)
    if (!put_back_file (self, g_ptr_array_index (list, i), error))
      return FALSE;
  return TRUE;
}

/* One of which it cannot be told has a row, to be sure. */
static gboolean
is_named (const char *name, gpointer user_data)
{
  PmssDataFile file;
  g_autoptr (GError) error = NULL;

  if (find_row (user_data, name, &file, &error))
    return file.known;
  g_warning ("Cannot look for “%s”: %s", name, error->message);
  return TRUE;
}

gboolean
pmss_data_files_expire (PmssDataFiles * self, guint grace, gint64 now,
    gint64 up)
{
  return pmss_set_aside_expire (self->folder, grace, now, up, is_named, self);
}

/* The start */

PmssDataFiles *
pmss_data_files_new (const char *data, const char *name,
    PmssDatabase * database, const PmssDataFilesFuncs * funcs, GError ** error)
{
  PmssDataFiles *self = g_new0 (PmssDataFiles, 1);

  self->database = database;
  self->funcs = *funcs;
  self->name = g_strdup (name);
  self->folder = g_build_filename (data, name, NULL);
  if (g_mkdir_with_parents (self->folder, 0700) != 0)
    fail_errno (error, self->folder);
  else if (pmss_folder_sync (data, error) && delete_given_up (self, error)
      && put_back (self, error))
    return self;
  pmss_data_files_free (self);
  return NULL;
}

void
pmss_data_files_free (PmssDataFiles * self)
{
  g_free (self->name);
  g_free (self->folder);
  g_free (self);
}
