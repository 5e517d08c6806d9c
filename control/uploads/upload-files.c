/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of uploads: how they are made, and which of them no row needs. On the caller's thread. */
#include "control/uploads/uploads-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "control/folder-sync.h"

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
  if (pmss_folder_sync (pmss_data_files_get_folder (self->files), error))
    return TRUE;
  g_unlink (path);
  return FALSE;
}

void
pmss_upload_files_unmake (PmssUploads * self, const char *id)
{
  g_autofree char *path = pmss_uploads_get_path (self, id);

  if (g_unlink (path) != 0 && errno != ENOENT)
    g_warning ("Cannot delete “%s”: %s", path, g_strerror (errno));
}

gboolean
pmss_upload_files_find (PmssDatabase * database, const char *name,
    PmssDataFile * file, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT received, size FROM upload WHERE id = ?1", PMSS_TEXT (name));

  file->known = pmss_rows_next (rows, &local);
  if (file->known) {
    file->least = (guint64) pmss_rows_int (rows, 0);
    file->most = (guint64) pmss_rows_int (rows, 1);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* A crash came between a new upload's file and its row. */
gboolean
pmss_upload_files_is_spare (const char *name, const GStatBuf * st,
    gpointer user_data)
{
  return st->st_size == 0;
}
