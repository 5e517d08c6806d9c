/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of uploads and originals against the catalog's rows. On the caller's thread. */
#include "control/uploads/uploads-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/folder-sync.h"
#include "control/uploads/set-aside.h"

gboolean
pmss_upload_files_make (PmssUploads * self, const char *id, GError ** error)
{
  g_autofree char *path = pmss_uploads_get_path (self, id);
  int fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  if (fd < 0) {
    pmss_uploads_set_errno (error, errno, path);
    return FALSE;
  }
  close (fd);
  if (pmss_folder_sync (self->folder, error))
    return TRUE;
  g_unlink (path);
  return FALSE;
}

static gboolean
unlink_file (const char *path)
{
  if (g_unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  g_warning ("Cannot delete “%s”: %s", path, g_strerror (errno));
  return FALSE;
}

void
pmss_upload_files_unmake (PmssUploads * self, const char *id)
{
  g_autofree char *path = pmss_uploads_get_path (self, id);

  unlink_file (path);
}

/* Files that rows say may go */

typedef struct
{
  gboolean original;
  char *name;
} Given;

static void
free_given (gpointer data)
{
  Given *given = data;

  g_free (given->name);
  g_free (given);
}

static const char *
get_folder (PmssUploads * self, const Given * given)
{
  return given->original ? self->originals : self->folder;
}

static gboolean
list_given_up (PmssDatabase * database, gpointer user_data, GError ** error)
{
  GPtrArray *list = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT folder = 'originals', file FROM file_deletion");

  while (pmss_rows_next (rows, &local)) {
    Given *given = g_new0 (Given, 1);

    given->original = pmss_rows_int (rows, 0) != 0;
    given->name = g_strdup (pmss_rows_text (rows, 1));
    g_ptr_array_add (list, given);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
forget_given_up (PmssDatabase * database, gpointer user_data, GError ** error)
{
  GPtrArray *list = user_data;

  for (guint i = 0; i < list->len; i++) {
    const Given *given = g_ptr_array_index (list, i);

    if (!pmss_database_exec (database, error,
            "DELETE FROM file_deletion WHERE folder = ?1 AND file = ?2",
            PMSS_TEXT (given->original ? "originals" : "uploads"),
            PMSS_TEXT (given->name)))
      return FALSE;
  }
  return TRUE;
}

/* Rows go when their files are gone for good: a file that came back after a crash, and had no row any more, would be one that nobody knows. */
static gboolean
delete_given_up (PmssUploads * self, GError ** error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (free_given);

  if (!pmss_database_transact (self->database, list_given_up, list, error))
    return FALSE;
  if (list->len == 0)
    return TRUE;
  for (guint i = 0; i < list->len;) {
    const Given *given = g_ptr_array_index (list, i);
    g_autofree char *path = g_build_filename (get_folder (self, given),
        given->name, NULL);

    if (unlink_file (path))
      i++;
    else
      g_ptr_array_remove_index_fast (list, i);
  }
  return pmss_folder_sync (self->folder, error)
      && pmss_folder_sync (self->originals, error)
      && pmss_database_transact (self->database, forget_given_up, list, error);
}

void
pmss_uploads_delete_files (PmssUploads * self)
{
  g_autoptr (GError) error = NULL;

  if (!delete_given_up (self, &error))
    g_warning ("Files that may go are left for later: %s", error->message);
}

/* Files without a row */

typedef struct
{
  gboolean original;
  const char *name;
  gboolean known;
  guint64 least, most;          /* bytes that it has, where it is known */
} Known;

static gboolean
find_known (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Known *known = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = known->original ?
      pmss_database_query (database,
      "SELECT size, size FROM original WHERE file = ?1",
      PMSS_TEXT (known->name)) : pmss_database_query (database,
      "SELECT received, size FROM upload WHERE id = ?1",
      PMSS_TEXT (known->name));

  known->known = pmss_rows_next (rows, &local);
  if (known->known) {
    known->least = (guint64) pmss_rows_int (rows, 0);
    known->most = (guint64) pmss_rows_int (rows, 1);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Whether no byte is lost with this name: a crash came between a new upload's file and its row, or between the second name of an upload that becomes an
 * original and the row of that. */
static gboolean
is_spare (PmssUploads * self, const Known * known, const GStatBuf * st)
{
  g_autofree char *upload = pmss_uploads_get_path (self, known->name);
  GStatBuf other;

  if (!known->original)
    return st->st_size == 0;
  return g_lstat (upload, &other) == 0 && other.st_ino == st->st_ino
      && other.st_dev == st->st_dev;
}

/* One that cannot be moved does no harm where it is: that is no reason not to start. */
static void
set_aside (const char *folder, const char *name)
{
  g_autoptr (GError) error = NULL;

  if (!pmss_set_aside_put (folder, name, &error))
    g_warning ("%s: it is left for the next start", error->message);
}

/* Directories are none of ours: lost+found, and what people put there. */
static gboolean
sweep_file (PmssUploads * self, const char *folder, Known * known,
    GError ** error)
{
  g_autofree char *path = g_build_filename (folder, known->name, NULL);
  GStatBuf st;

  if (g_lstat (path, &st) != 0) {
    pmss_uploads_set_errno (error, errno, path);
    return FALSE;
  }
  if (S_ISDIR (st.st_mode))
    return TRUE;
  if (!pmss_database_transact (self->database, find_known, known, error))
    return FALSE;
  if (known->known)
    return TRUE;
  if (S_ISREG (st.st_mode) && is_spare (self, known, &st))
    unlink_file (path);
  else
    set_aside (folder, known->name);
  return TRUE;
}

static gboolean
sweep_folder (PmssUploads * self, gboolean original, GError ** error)
{
  const char *folder = original ? self->originals : self->folder;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (dir == NULL)
    return FALSE;
  /* before anything moves: a folder that changes may be read twice or not at all */
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  for (guint i = 0; i < names->len; i++) {
    Known known = { original, g_ptr_array_index (names, i) };

    if (!sweep_file (self, folder, &known, error))
      return FALSE;
  }
  return TRUE;
}

/* Files that were set aside and that a row names: another catalog than the one that did not know them */

static gboolean
put_back_file (PmssUploads * self, const char *folder, gboolean original,
    const char *aside, GError ** error)
{
  g_autofree char *name = pmss_set_aside_get_name (aside);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  Known known = { original, name };
  g_autoptr (GError) local = NULL;

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!pmss_database_transact (self->database, find_known, &known, error))
    return FALSE;
  if (known.known
      && pmss_set_aside_fits (folder, aside, known.least, known.most)
      && !pmss_set_aside_take (folder, aside, name, &local))
    g_warning ("%s: its medium has no file until the next start",
        local->message);
  return TRUE;
}

static gboolean
put_back (PmssUploads * self, gboolean original, GError ** error)
{
  const char *folder = original ? self->originals : self->folder;
  g_autoptr (GPtrArray) list = pmss_set_aside_list (folder);

  for (guint i = 0; i < list->len; i++)
    if (!put_back_file (self, folder, original, g_ptr_array_index (list, i),
            error))
      return FALSE;
  return TRUE;
}

typedef struct
{
  PmssUploads *uploads;
  gboolean original;
} Aside;

/* One of which it cannot be told has a row, to be sure. */
static gboolean
is_named (const char *name, gpointer user_data)
{
  const Aside *aside = user_data;
  Known known = { aside->original, name };
  g_autoptr (GError) error = NULL;

  if (pmss_database_transact (aside->uploads->database, find_known, &known,
          &error))
    return known.known;
  g_warning ("Cannot look for “%s”: %s", name, error->message);
  return TRUE;
}

gboolean
pmss_upload_files_expire (PmssUploads * self, gint64 now, gint64 up)
{
  Aside upload = { self, FALSE }, original = { self, TRUE };
  guint grace = self->config->set_aside_grace;
  gboolean all = pmss_set_aside_expire (self->folder, grace, now, up,
      is_named, &upload);

  return pmss_set_aside_expire (self->originals, grace, now, up, is_named,
      &original) && all;
}

/* Originals first: one that is a second name of an upload is no loss while the upload has the first. */
gboolean
pmss_upload_files_sweep (PmssUploads * self, GError ** error)
{
  return delete_given_up (self, error)
      && put_back (self, TRUE, error) && put_back (self, FALSE, error)
      && sweep_folder (self, TRUE, error) && sweep_folder (self, FALSE, error);
}
