/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes the bytes of one upload. On a handler's thread. */
#include "control/uploads/uploads-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

/* A long PATCH loses no more than this to a crash. */
#define SYNC_EVERY (G_GUINT64_CONSTANT (64) << 20)
/* How often to look whether others fill the disk, too. */
#define CHECK_EVERY (G_GUINT64_CONSTANT (16) << 20)

struct _PmssUploadWriter
{
  PmssUploads *uploads;
  char *id;
  int fd;
  guint64 size;
  guint64 received;             /* synced and committed */
  guint64 written;              /* >= received */
  guint64 check_at;             /* offset of the next look at the disk */
  gint64 expires;
};

static gboolean
check_offset (const PmssUpload * upload, guint64 offset, GError ** error)
{
  if (upload->complete) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The upload is complete");
    return FALSE;
  }
  if (upload->received != offset) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The upload goes on at offset %" G_GUINT64_FORMAT ", not at %"
        G_GUINT64_FORMAT, upload->received, offset);
    return FALSE;
  }
  return TRUE;
}

static int
open_file (PmssUploads * uploads, const PmssUpload * upload, GError ** error)
{
  g_autofree char *path = pmss_uploads_get_path (uploads, upload->id);
  int fd = g_open (path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0);
  struct stat st;

  if (fd < 0 || fstat (fd, &st) != 0) {
    pmss_uploads_set_errno (error, errno, path);
  } else if ((guint64) st.st_size < upload->received) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "The upload's file is shorter than what was received: delete it and "
        "begin anew");
  } else {
    return fd;
  }
  if (fd >= 0)
    close (fd);
  return -1;
}

PmssUploadWriter *
pmss_upload_writer_open (PmssUploads * uploads, const char *id, guint64 offset,
    GError ** error)
{
  g_autoptr (PmssUpload) upload = NULL;
  PmssUploadWriter *writer;
  int fd = -1;

  if (!pmss_uploads_take (uploads, id)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_BUSY,
        "Somebody else is writing to this upload");
    return NULL;
  }
  upload = pmss_uploads_get (uploads, id, error);
  if (upload != NULL && check_offset (upload, offset, error))
    fd = open_file (uploads, upload, error);
  if (fd < 0) {
    pmss_uploads_give_back (uploads, id);
    return NULL;
  }

  writer = g_new0 (PmssUploadWriter, 1);
  writer->uploads = uploads;
  writer->id = g_strdup (id);
  writer->fd = fd;
  writer->size = upload->size;
  writer->received = writer->written = writer->check_at = offset;
  writer->expires = upload->expires;
  return writer;
}

/* The bytes beyond what the row counts are on the disk: nobody has to reserve them any more. */
static void
tell_unsynced (PmssUploadWriter * writer)
{
  pmss_uploads_set_unsynced (writer->uploads, writer->id,
      writer->written - writer->received);
}

static gboolean
write_all (PmssUploadWriter * writer, const guint8 * data, gsize length,
    GError ** error)
{
  while (length > 0) {
    gssize n = pwrite (writer->fd, data, length, writer->written);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      pmss_uploads_set_errno (error, errno, "Cannot keep the upload");
      return FALSE;
    }
    writer->written += n;
    data += n;
    length -= n;
  }
  return TRUE;
}

gboolean
pmss_upload_writer_write (PmssUploadWriter * writer, const void *data,
    gsize length, GError ** error)
{
  gboolean written;

  if (length > writer->size - writer->written) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_RANGE,
        "More bytes than the upload's size");
    return FALSE;
  }
  if (writer->written >= writer->check_at) {
    if (!pmss_uploads_check_space (writer->uploads, length, 0, error))
      return FALSE;
    writer->check_at = writer->written + CHECK_EVERY;
  }
  written = write_all (writer, data, length, error);
  tell_unsynced (writer);
  if (!written)
    return FALSE;
  if (writer->written - writer->received >= SYNC_EVERY)
    return pmss_upload_writer_sync (writer, error);
  return TRUE;
}

static gboolean
commit (PmssDatabase * database, gpointer user_data, GError ** error)
{
  PmssUploadWriter *writer = user_data;

  if (!pmss_database_exec (database, error,
          "UPDATE upload SET received = ?2, expires = ?3 WHERE id = ?1 "
          "AND state = 'receiving'", PMSS_TEXT (writer->id),
          PMSS_INT (writer->written), PMSS_INT (writer->expires)))
    return FALSE;
  if (pmss_database_get_changes (database) == 1) {
    /* a transaction behind this one, before its answer, counts no byte twice */
    pmss_uploads_set_unsynced (writer->uploads, writer->id, 0);
    return TRUE;
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "The upload is gone: its medium was deleted");
  return FALSE;
}

static gboolean
sync_written (PmssUploadWriter * writer, GError ** error)
{
  gint64 expires = g_get_real_time () / G_USEC_PER_SEC
      + writer->uploads->config->upload_lifetime;

  if (writer->written == writer->received)
    return TRUE;
  /* After a failed sync the pages may count as clean though they are not on the disk: what came since the last good one is written anew, by whoever goes on. */
  if (fdatasync (writer->fd) != 0) {
    pmss_uploads_set_errno (error, errno, "Cannot keep the upload");
    writer->written = writer->received;
    return FALSE;
  }
  writer->expires = expires;
  if (!pmss_database_transact (writer->uploads->database, commit, writer,
          error))
    return FALSE;
  writer->received = writer->written;
  return TRUE;
}

gboolean
pmss_upload_writer_sync (PmssUploadWriter * writer, GError ** error)
{
  gboolean good = sync_written (writer, error);

  tell_unsynced (writer);
  return good;
}

guint64
pmss_upload_writer_get_received (PmssUploadWriter * writer)
{
  return writer->received;
}

gint64
pmss_upload_writer_get_expires (PmssUploadWriter * writer)
{
  return writer->expires;
}

gboolean
pmss_upload_writer_close (PmssUploadWriter * writer, GError ** error)
{
  gboolean good = pmss_upload_writer_sync (writer, error);

  pmss_upload_writer_abandon (writer);
  return good;
}

void
pmss_upload_writer_abandon (PmssUploadWriter * writer)
{
  close (writer->fd);
  pmss_uploads_give_back (writer->uploads, writer->id);
  g_free (writer->id);
  g_free (writer);
}
