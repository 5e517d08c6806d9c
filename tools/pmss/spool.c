/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Standard input, kept until all of it is there: the protocol of uploads wants the size first; the main thread. */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <libpmss/pmss-error.h>

#define PIECE (256u * 1024)

static gboolean
fail (GError ** error, const char *what, const char *path)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
      "%s %s: %s", what, path, g_strerror (code));
  return FALSE;
}

static void
fail_to_keep (GError ** error, const char *folder)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
      "Standard input cannot be kept in %s until its end: %s; TMPDIR names "
      "another folder", folder, g_strerror (code));
}

/* A whole file, from its beginning. */
static gboolean
is_file (void)
{
  struct stat status;

  return fstat (STDIN_FILENO, &status) == 0 && S_ISREG (status.st_mode) &&
      lseek (STDIN_FILENO, 0, SEEK_CUR) == 0;
}

static const char *
get_folder (void)
{
  const char *folder = g_getenv ("TMPDIR");

  return folder && *folder ? folder : "/var/tmp";
}

static int
open_copy (const char *folder, GError ** error)
{
  g_autofree char *path = g_build_filename (folder, "pmss-put-XXXXXX", NULL);
  int fd = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);

  if (fd < 0)
    fail_to_keep (error, folder);
  else
    g_unlink (path);
  return fd;
}

static gboolean
write_all (int fd, const guint8 * data, gsize length)
{
  while (length > 0) {
    gssize n = write (fd, data, length);

    if (n < 0 && errno != EINTR)
      return FALSE;
    if (n > 0) {
      data += n;
      length -= (gsize) n;
    }
  }
  return TRUE;
}

/* Returns what read() does; -1 with @error. Waits for input in vain no longer than until @cancellable. */
static gssize
read_piece (guint8 * buffer, GCancellable * cancellable, GError ** error)
{
  for (;;) {
    GPollFD fds[2] = { {STDIN_FILENO, G_IO_IN | G_IO_HUP, 0}
    };
    gboolean two = g_cancellable_make_pollfd (cancellable, &fds[1]);
    gssize n;

    g_poll (fds, two ? 2 : 1, -1);
    if (two)
      g_cancellable_release_fd (cancellable);
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return -1;
    n = read (STDIN_FILENO, buffer, PIECE);
    if (n >= 0)
      return n;
    if (errno != EINTR && errno != EAGAIN) {
      fail (error, "Cannot read", "standard input");
      return -1;
    }
  }
}

static gboolean
copy (int fd, const char *folder, GCancellable * cancellable, GError ** error)
{
  g_autofree guint8 *buffer = g_malloc (PIECE);
  gssize n;

  while ((n = read_piece (buffer, cancellable, error)) > 0) {
    if (!write_all (fd, buffer, (gsize) n)) {
      fail_to_keep (error, folder);
      return FALSE;
    }
  }
  return n == 0;
}

int
pmss_spool_standard_input (GCancellable * cancellable, GError ** error)
{
  const char *folder = get_folder ();
  int fd;

  if (is_file ()) {
    fd = fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd < 0)
      fail (error, "Cannot read", "standard input");
    return fd;
  }
  if (isatty (STDIN_FILENO)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "Standard input is a terminal: give it a file or a pipe");
    return -1;
  }
  fd = open_copy (folder, error);
  if (fd >= 0 && !copy (fd, folder, cancellable, error)) {
    close (fd);
    fd = -1;
  }
  return fd;
}
