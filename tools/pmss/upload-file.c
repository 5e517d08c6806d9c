/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file as it is sent; reads are in the threads of GIO, one after the other. */
#include "upload-file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libpmss/pmss-error.h>

#include "cli-digest.h"
#include "spool.h"

#define PIECE (1024u * 1024)

struct _PmssUploadFile
{
  char *path;
  gboolean is_input;            /* standard input: has no path to be replaced at */
  int fd;
  struct stat first;            /* as of the opening */

  GMutex lock;                  /* protects what follows */
  PmssCliDigest *digest;        /* nullable */
  guint64 hashed;               /* bytes, from the beginning */
};

static gboolean
fail (GError ** error, const char *what, const char *path)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s %s: %s",
      what, path, g_strerror (code));
  return FALSE;
}

static gboolean
open_path (PmssUploadFile * file, GError ** error)
{
  /* a pipe that nobody writes to must not hold this up */
  file->fd = open (file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  return file->fd >= 0 || fail (error, "Cannot read", file->path);
}

static gboolean
open_input (PmssUploadFile * file, GCancellable * cancellable, GError ** error)
{
  file->fd = pmss_spool_standard_input (cancellable, error);
  return file->fd >= 0;
}

PmssUploadFile *
pmss_upload_file_open (const char *path, gboolean hash,
    GCancellable * cancellable, GError ** error)
{
  g_autoptr (PmssUploadFile) file = g_atomic_rc_box_new0 (PmssUploadFile);

  g_mutex_init (&file->lock);
  file->is_input = g_str_equal (path, "-");
  file->path = g_strdup (file->is_input ? "standard input" : path);
  if (!(file->is_input ? open_input (file, cancellable, error) :
          open_path (file, error)))
    return NULL;
  if (fstat (file->fd, &file->first) != 0) {
    fail (error, "Cannot read", file->path);
    return NULL;
  }
  if (!S_ISREG (file->first.st_mode)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "%s is not a regular file; only files of a known size can be uploaded",
        path);
    return NULL;
  }
  if (hash)
    file->digest = pmss_cli_digest_new ();
  return g_steal_pointer (&file);
}

PmssUploadFile *
pmss_upload_file_ref (PmssUploadFile * file)
{
  return g_atomic_rc_box_acquire (file);
}

static void
clear_file (gpointer data)
{
  PmssUploadFile *file = data;

  if (file->digest)
    g_free (pmss_cli_digest_finish (file->digest));
  if (file->fd >= 0)
    close (file->fd);
  g_mutex_clear (&file->lock);
  g_free (file->path);
}

void
pmss_upload_file_unref (PmssUploadFile * file)
{
  g_atomic_rc_box_release_full (file, clear_file);
}

gboolean
pmss_upload_file_is_input (PmssUploadFile * file)
{
  return file->is_input;
}

guint64
pmss_upload_file_get_size (PmssUploadFile * file)
{
  return (guint64) file->first.st_size;
}

gint64
pmss_upload_file_get_modified (PmssUploadFile * file)
{
  return file->first.st_mtim.tv_sec * G_USEC_PER_SEC +
      file->first.st_mtim.tv_nsec / 1000;
}

static gboolean
is_same (const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
      a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
      a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

gboolean
pmss_upload_file_check (PmssUploadFile * file, GError ** error)
{
  struct stat here, there;

  if (fstat (file->fd, &here) == 0 && is_same (&file->first, &here) &&
      (file->is_input || (stat (file->path, &there) == 0 &&
              is_same (&file->first, &there))))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "%s was changed or replaced while it was sent, and is not stored: "
      "put it again when nothing writes to it any more", file->path);
  return FALSE;
}

/* Lock held. @data: the bytes from @offset on; what was hashed before is not hashed again. */
static void
hash_locked (PmssUploadFile * file, guint64 offset, const guint8 * data,
    gsize length)
{
  guint64 skip = file->hashed - offset;
  g_autoptr (GBytes) bytes = NULL;

  if (!file->digest || offset > file->hashed || skip >= length)
    return;
  bytes = g_bytes_new (data + skip, length - skip);
  pmss_cli_digest_push (file->digest, bytes);
  file->hashed += length - skip;
}

/* At most @length bytes; fewer only before an error. The end is given out only of a file that is still the one that was opened. */
static gssize
read_at (PmssUploadFile * file, guint64 offset, guint8 * buffer, gsize length,
    GError ** error)
{
  guint64 size = pmss_upload_file_get_size (file);
  gssize n;

  length = MIN (length, size - offset);
  if (length == 0)
    return 0;
  do
    n = pread (file->fd, buffer, length, (off_t) offset);
  while (n < 0 && errno == EINTR);
  if (n < 0) {
    fail (error, "Cannot read", file->path);
    return -1;
  }
  if ((n == 0 || offset + (guint64) n == size) &&
      !pmss_upload_file_check (file, error))
    return -1;
  if (n == 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
        "%s ends before its size", file->path);
    return -1;
  }
  g_mutex_lock (&file->lock);
  hash_locked (file, offset, buffer, (gsize) n);
  g_mutex_unlock (&file->lock);
  return n;
}

static guint64
get_hashed (PmssUploadFile * file)
{
  guint64 hashed;

  g_mutex_lock (&file->lock);
  hashed = file->hashed;
  g_mutex_unlock (&file->lock);
  return hashed;
}

gboolean
pmss_upload_file_hash_to (PmssUploadFile * file, guint64 offset,
    GCancellable * cancellable, GError ** error)
{
  g_autofree guint8 *piece = g_malloc (PIECE);
  guint64 at;

  while (file->digest && (at = get_hashed (file)) < offset) {
    if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
        read_at (file, at, piece, MIN (PIECE, offset - at), error) < 0)
      return FALSE;
  }
  return TRUE;
}

char *
pmss_upload_file_get_sum (PmssUploadFile * file)
{
  return pmss_cli_digest_finish (g_steal_pointer (&file->digest));
}

/* --- the stream of one request --- */

typedef struct
{
  GInputStream parent_instance;
  PmssUploadFile *file;
  guint64 offset;
} PmssUploadStream;

typedef GInputStreamClass PmssUploadStreamClass;

static GType pmss_upload_stream_get_type (void);
G_DEFINE_TYPE (PmssUploadStream, pmss_upload_stream, G_TYPE_INPUT_STREAM);

static gssize
stream_read (GInputStream * stream, void *buffer, gsize length,
    GCancellable * cancellable, GError ** error)
{
  PmssUploadStream *self = (PmssUploadStream *) stream;
  gssize n;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return -1;
  n = read_at (self->file, self->offset, buffer, length, error);
  if (n > 0)
    self->offset += (guint64) n;
  return n;
}

static void
stream_finalize (GObject * object)
{
  pmss_upload_file_unref (((PmssUploadStream *) object)->file);
  G_OBJECT_CLASS (pmss_upload_stream_parent_class)->finalize (object);
}

static void
pmss_upload_stream_init (PmssUploadStream * self)
{
}

static void
pmss_upload_stream_class_init (PmssUploadStreamClass * class)
{
  G_OBJECT_CLASS (class)->finalize = stream_finalize;
  class->read_fn = stream_read;
}

GInputStream *
pmss_upload_file_stream (PmssUploadFile * file, guint64 offset)
{
  PmssUploadStream *self = g_object_new (pmss_upload_stream_get_type (), NULL);

  self->file = pmss_upload_file_ref (file);
  self->offset = offset;
  return G_INPUT_STREAM (self);
}
