/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes that can be read at any place. On its callers' threads. */
#include "control/striping/byte-source.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-sha256.h"

#define BLOCK (1024 * 1024)

struct _PmssByteSource
{
  PmssByteSourceFuncs funcs;
  gpointer user_data;
  guint64 size;
};

PmssByteSource *
pmss_byte_source_new (const PmssByteSourceFuncs * funcs, gpointer user_data,
    guint64 size)
{
  PmssByteSource *self = g_new0 (PmssByteSource, 1);

  self->funcs = *funcs;
  self->user_data = user_data;
  self->size = size;
  return self;
}

void
pmss_byte_source_free (PmssByteSource * self)
{
  if (self->funcs.free)
    self->funcs.free (self->user_data);
  g_free (self);
}

gboolean
pmss_byte_source_read (PmssByteSource * self, guint64 offset, guint8 * to,
    gsize length, GError ** error)
{
  if (offset <= self->size && length <= self->size - offset)
    return self->funcs.read (self->user_data, offset, to, length, error);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_RANGE,
      "Bytes from %" G_GUINT64_FORMAT " on were asked for, of %"
      G_GUINT64_FORMAT, offset, self->size);
  return FALSE;
}

char *
pmss_byte_source_hash (PmssByteSource * self, GCancellable * cancellable,
    GError ** error)
{
  PmssSha256 *sum = pmss_sha256_new ();
  g_autofree guint8 *block = g_malloc (BLOCK);

  for (guint64 offset = 0; offset < self->size; offset += BLOCK) {
    gsize length = MIN (BLOCK, self->size - offset);

    if (g_cancellable_set_error_if_cancelled (cancellable, error)
        || !pmss_byte_source_read (self, offset, block, length, error)) {
      pmss_sha256_free (sum);
      return NULL;
    }
    pmss_sha256_update (sum, block, length);
  }
  return pmss_sha256_finish (sum);
}

/* --- a file --- */

typedef struct
{
  int fd;
  char *path, *what;
} File;

static gboolean
fail_errno (const File * file, GError ** error)
{
  int code = errno;

  g_warning ("%s: %s", file->path, g_strerror (code));
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED, "%s cannot be read: %s",
      file->what, g_strerror (code));
  return FALSE;
}

static gboolean
read_file (gpointer user_data, guint64 offset, guint8 * to, gsize length,
    GError ** error)
{
  File *file = user_data;

  while (length > 0) {
    gssize n = pread (file->fd, to, length, (off_t) offset);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail_errno (file, error);
    if (n == 0) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
          "%s is shorter than it was", file->what);
      return FALSE;
    }
    to += n;
    offset += n;
    length -= n;
  }
  return TRUE;
}

static void
free_file (gpointer user_data)
{
  File *file = user_data;

  if (file->fd >= 0)
    close (file->fd);
  g_free (file->path);
  g_free (file->what);
  g_free (file);
}

static gboolean
check_size (const File * file, guint64 size, GError ** error)
{
  struct stat st;

  if (file->fd < 0 || fstat (file->fd, &st) != 0)
    return fail_errno (file, error);
  if ((guint64) st.st_size == size)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT, "%s has %"
      G_GINT64_FORMAT " bytes instead of %" G_GUINT64_FORMAT, file->what,
      (gint64) st.st_size, size);
  return FALSE;
}

PmssByteSource *
pmss_byte_source_new_file (const char *path, guint64 size, const char *what,
    GError ** error)
{
  static const PmssByteSourceFuncs funcs = { read_file, free_file };
  File *file = g_new0 (File, 1);

  file->path = g_strdup (path);
  file->what = g_strdup (what);
  file->fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  if (!check_size (file, size, error)) {
    free_file (file);
    return NULL;
  }
  posix_fadvise (file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return pmss_byte_source_new (&funcs, file, size);
}
