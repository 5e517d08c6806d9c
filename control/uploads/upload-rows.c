/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What others need of the rows: all of them, and the probes that each has seen. */
#include "control/uploads/uploads-private.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "libpmss/pmss-error.h"

PmssUpload *
pmss_upload_read (PmssRows * rows)
{
  PmssUpload *upload = g_new0 (PmssUpload, 1);

  upload->id = g_strdup (pmss_rows_text (rows, 0));
  upload->medium = pmss_rows_int (rows, 1);
  upload->name = g_strdup (pmss_rows_text (rows, 2));
  upload->user = g_strdup (pmss_rows_text (rows, 3));
  upload->kind = g_str_equal (pmss_rows_text (rows, 4), "tus")
      ? PMSS_UPLOAD_TUS : PMSS_UPLOAD_PUT;
  upload->complete = g_str_equal (pmss_rows_text (rows, 5), "complete");
  upload->size = pmss_rows_int (rows, 6);
  upload->received = pmss_rows_int (rows, 7);
  upload->created = pmss_rows_int (rows, 8);
  upload->expires = pmss_rows_int (rows, 9);
  upload->unit = (guint32) pmss_rows_int (rows, 10);
  upload->extent = (guint32) pmss_rows_int (rows, 11);
  return upload;
}

gboolean
pmss_uploads_each (PmssDatabase * database, PmssUploadFunc func,
    gpointer user_data, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " PMSS_UPLOAD_COLUMNS);

  while (pmss_rows_next (rows, &local)) {
    g_autoptr (PmssUpload) upload = pmss_upload_read (rows);

    func (upload, user_data);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Room */

typedef struct
{
  PmssUploads *self;
  guint64 announced, receiving;
} Room;

static gboolean
read_room (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Room *room = user_data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT count(*) FROM upload WHERE state = 'receiving'");

  if (!pmss_rows_next (rows, error))
    return FALSE;
  room->receiving = (guint64) pmss_rows_int (rows, 0);
  return pmss_uploads_get_announced (room->self, database, &room->announced,
      error);
}

gboolean
pmss_uploads_get_room (PmssUploads * self, guint64 * bytes, guint64 * receiving,
    GError ** error)
{
  const char *folder = pmss_data_files_get_folder (self->files);
  Room room = {.self = self };
  struct statvfs disk;
  guint64 available, kept;

  if (!pmss_database_read (self->database, read_room, &room, error))
    return FALSE;
  if (statvfs (folder, &disk) != 0) {
    pmss_uploads_set_errno (error, errno, folder);
    return FALSE;
  }
  available = (guint64) disk.f_bavail * disk.f_frsize;
  kept = self->config->min_free + room.announced;
  if (self->reserve != NULL)
    kept += pmss_disk_reserve_get_missing (self->reserve);
  *bytes = available - MIN (kept, available);
  *receiving = room.receiving;
  return TRUE;
}

/* Probes */

typedef struct
{
  const char *upload;
  guint most;
  gboolean may;                 /* not so many have begun already */
} Begin;

static gboolean
read_probes (PmssDatabase * database, const char *upload, gint64 * probes,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT probes FROM upload WHERE id = ?1", PMSS_TEXT (upload));

  if (pmss_rows_next (rows, &local)) {
    *probes = pmss_rows_int (rows, 0);
    return TRUE;
  }
  if (local == NULL)
    g_set_error_literal (&local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "The upload is gone: its medium was deleted");
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
begin_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Begin *begin = user_data;
  gint64 probes;

  if (!read_probes (database, begin->upload, &probes, error))
    return FALSE;
  begin->may = probes < begin->most;
  return !begin->may || pmss_database_exec (database, error,
      "UPDATE upload SET probes = probes + 1 WHERE id = ?1",
      PMSS_TEXT (begin->upload));
}

gboolean
pmss_uploads_begin_probe (PmssUploads * self, const char *id, guint most,
    gboolean * may, GError ** error)
{
  Begin begin = { id, most, FALSE };

  if (!pmss_database_transact (self->database, begin_row, &begin, error))
    return FALSE;
  *may = begin.may;
  return TRUE;
}

static gboolean
end_row (PmssDatabase * database, gpointer upload, GError ** error)
{
  return pmss_database_exec (database, error,
      "UPDATE upload SET probes = 0 WHERE id = ?1", PMSS_TEXT (upload));
}

gboolean
pmss_uploads_end_probe (PmssUploads * self, const char *id, GError ** error)
{
  return pmss_database_transact (self->database, end_row, (gpointer) id, error);
}
