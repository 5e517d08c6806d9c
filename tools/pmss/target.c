/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file that pmss get writes; the main thread. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <libpmss/pmss-error.h>

/* Digits of the content's sum in the partial file's name. */
#define SUM_DIGITS 12

struct _PmssTarget
{
  char *path;                   /* NULL: standard output */
  char *partial;                /* NULL: written in place (a device, a pipe) */
  gboolean resumable;           /* the partial file can be found again */
  char *keep_as;                /* of a part: what it is called when it can be; else NULL */
  int fd;                       /* -1: not open */
  guint64 kept;                 /* bytes of earlier */
  guint64 written;              /* bytes in the partial file */
};

static gboolean
fail (GError ** error, const char *what, const char *path)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s %s: %s",
      what, path, g_strerror (code));
  return FALSE;
}

PmssTarget *
pmss_target_new (const char *file, const char *name, gboolean overwrite,
    GError ** error)
{
  g_autoptr (PmssTarget) target = g_new0 (PmssTarget, 1);
  struct stat status;

  target->fd = -1;
  if (g_str_equal (file, "-"))
    return g_steal_pointer (&target);
  if (g_file_test (file, G_FILE_TEST_IS_DIR)) {
    g_autofree char *base = g_path_get_basename (name);

    target->path = g_str_equal (file, ".") ? g_steal_pointer (&base) :
        g_build_filename (file, base, NULL);
  } else {
    target->path = g_strdup (file);
  }
  if (!overwrite && stat (target->path, &status) == 0 &&
      S_ISREG (status.st_mode)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_EXISTS,
        "%s exists; --force replaces it", target->path);
    return NULL;
  }
  return g_steal_pointer (&target);
}

void
pmss_target_free (PmssTarget * target)
{
  if (target->partial && target->fd >= 0 &&
      (!target->resumable || target->written == 0))
    g_unlink (target->partial);
  if (target->fd > STDERR_FILENO)
    close (target->fd);
  g_free (target->path);
  g_free (target->partial);
  g_free (target->keep_as);
  g_free (target);
}

/* Beside @path and called like it, as far as a file's name may be long. */
static char *
partial_name (const char *path, const char *suffix)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *name = NULL;
  gsize length = MIN (strlen (base), NAME_MAX - strlen (suffix));

  /* not in the middle of a character: some file systems take none but UTF-8 */
  while (length > 0 && ((guchar) base[length] & 0xc0) == 0x80)
    length--;
  base[length] = '\0';
  name = g_strconcat (base, suffix, NULL);
  return g_build_filename (folder, name, NULL);
}

/* Whether the path is still that of the file that is open: who had it before may have given it its name meanwhile. */
static gboolean
is_at_path (PmssTarget * target)
{
  struct stat here, there;

  return fstat (target->fd, &here) == 0 &&
      lstat (target->partial, &there) == 0 && here.st_dev == there.st_dev &&
      here.st_ino == there.st_ino;
}

/* One that another user made could be changed by that user after it was checked. */
static gboolean
is_own (PmssTarget * target, struct stat *status)
{
  return fstat (target->fd, status) == 0 && S_ISREG (status->st_mode) &&
      status->st_uid == geteuid ();
}

/* FALSE without @error: it cannot be that file. */
static gboolean
open_partial (PmssTarget * target, GError ** error)
{
  struct stat status;

  target->fd = open (target->partial, O_RDWR | O_CLOEXEC | O_NOFOLLOW |
      O_NONBLOCK | (target->keep_as != NULL ? 0 : O_CREAT), 0666);
  if (target->fd < 0)
    return errno == ELOOP || errno == EACCES || errno == ENXIO
        || (errno == ENOENT && target->keep_as != NULL) ? FALSE :
        fail (error, "Cannot create", target->path);
  if (!is_own (target, &status)) {
    g_clear_pointer (&target->keep_as, g_free);
    return FALSE;
  }
  if (flock (target->fd, LOCK_EX | LOCK_NB) != 0 || !is_at_path (target)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_BUSY,
        "Another 'pmss get' is writing %s", target->path);
    return FALSE;
  }
  target->kept = target->written = (guint64) status.st_size;
  target->resumable = TRUE;
  return lseek (target->fd, 0, SEEK_END) >= 0 ||
      fail (error, "Cannot write", target->partial);
}

/* A file with a name that no other one has, open. */
static int
make_temporary (PmssTarget * target, char **name, GError ** error)
{
  int fd;

  *name = partial_name (target->path, ".pmss-XXXXXX");
  fd = g_mkstemp_full (*name, O_RDWR | O_CLOEXEC, 0666);
  if (fd < 0)
    fail (error, "Cannot create", target->path);
  return fd;
}

/* What is written from now on is not synced: its file is not to be found. */
static gboolean
hide_partial (PmssTarget * target, GError ** error)
{
  g_autofree char *hidden = NULL;
  int fd = make_temporary (target, &hidden, error);

  if (fd < 0)
    return FALSE;
  close (fd);
  if (g_rename (target->partial, hidden) != 0) {
    fail (error, "Cannot rename", target->partial);
    g_unlink (hidden);
    return FALSE;
  }
  g_free (target->partial);
  target->partial = g_steal_pointer (&hidden);
  target->resumable = FALSE;
  return TRUE;
}

static gboolean
open_resumable (PmssTarget * target, const char *content, const char *part,
    GError ** error)
{
  g_autofree char *suffix = g_strdup_printf (".pmss-%.*s%s%s", SUM_DIGITS,
      content, part != NULL ? "-" : "", part != NULL ? part : "");
  g_autoptr (GError) local = NULL;

  target->partial = partial_name (target->path, suffix);
  if (part != NULL)
    target->keep_as = g_strdup (target->partial);
  if (open_partial (target, &local)
      && (part == NULL || hide_partial (target, &local)))
    return TRUE;
  if (target->fd >= 0)
    close (target->fd);
  target->fd = -1;
  g_clear_pointer (&target->partial, g_free);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
open_temporary (PmssTarget * target, GError ** error)
{
  target->fd = make_temporary (target, &target->partial, error);
  return target->fd >= 0;
}

gboolean
pmss_target_open (PmssTarget * target, const char *content, const char *part,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  struct stat status;

  if (!target->path) {
    target->fd = STDOUT_FILENO;
    return TRUE;
  }
  if (stat (target->path, &status) == 0 && !S_ISREG (status.st_mode)) {
    target->fd = open (target->path, O_WRONLY | O_CLOEXEC);
    return target->fd >= 0 || fail (error, "Cannot write", target->path);
  }
  if (content != NULL && open_resumable (target, content, part, &local))
    return TRUE;
  if (local == NULL)
    return open_temporary (target, error);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

guint64
pmss_target_get_kept (PmssTarget * target)
{
  return target->kept;
}

GBytes *
pmss_target_read (PmssTarget * target, guint64 offset, gsize length,
    GError ** error)
{
  g_autofree guint8 *buffer = g_malloc (length);
  gsize done = 0;

  while (done < length) {
    gssize n = pread (target->fd, buffer + done, length - done,
        (off_t) (offset + done));

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      fail (error, "Cannot read", target->partial);
      return NULL;
    }
    if (n == 0)
      break;
    done += (gsize) n;
  }
  return g_bytes_new_take (g_steal_pointer (&buffer), done);
}

gboolean
pmss_target_restart (PmssTarget * target, GError ** error)
{
  if (ftruncate (target->fd, 0) != 0 || lseek (target->fd, 0, SEEK_SET) != 0)
    return fail (error, "Cannot write", target->partial);
  target->kept = target->written = 0;
  return TRUE;
}

/* A pipe or terminal that somebody else has set not to block is full. */
static gboolean
wait_writable (PmssTarget * target, GCancellable * cancellable, GError ** error)
{
  GPollFD fds[2] = { {target->fd, G_IO_OUT, 0} };
  gboolean two = g_cancellable_make_pollfd (cancellable, &fds[1]);

  g_poll (fds, two ? 2 : 1, -1);
  if (two)
    g_cancellable_release_fd (cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

gboolean
pmss_target_write (PmssTarget * target, GBytes * bytes,
    GCancellable * cancellable, GError ** error)
{
  gsize left;
  const char *p = g_bytes_get_data (bytes, &left);

  while (left > 0) {
    gssize n = write (target->fd, p, left);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN) {
      if (!wait_writable (target, cancellable, error))
        return FALSE;
      continue;
    }
    if (n < 0)
      return fail (error, "Cannot write",
          target->path ? target->path : "standard output");
    p += n;
    left -= (gsize) n;
    target->written += (guint64) n;
  }
  return TRUE;
}

gboolean
pmss_target_commit (PmssTarget * target, GError ** error)
{
  if (!target->partial)
    return TRUE;
  if (fsync (target->fd) != 0)
    return fail (error, "Cannot write", target->partial);
  if (g_rename (target->partial, target->path) != 0)
    return fail (error, "Cannot create", target->path);
  g_clear_pointer (&target->partial, g_free);
  return TRUE;
}

void
pmss_target_discard (PmssTarget * target)
{
  target->resumable = FALSE;
  g_clear_pointer (&target->keep_as, g_free);
}

const char *
pmss_target_keep (PmssTarget * target)
{
  if (target->keep_as != NULL && target->written > 0
      && fsync (target->fd) == 0
      && g_rename (target->partial, target->keep_as) == 0) {
    g_free (target->partial);
    target->partial = g_steal_pointer (&target->keep_as);
    target->resumable = TRUE;
  }
  return target->resumable && target->written > 0 ? target->partial : NULL;
}

const char *
pmss_target_get_path (PmssTarget * target)
{
  return target->path;
}
