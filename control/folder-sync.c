/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fsync of a folder; on the caller's thread. */
#include "control/folder-sync.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

gboolean
pmss_folder_sync (const char *path, GError ** error)
{
  int fd = g_open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  gboolean good = fd >= 0 && fsync (fd) == 0;
  int code = errno;

  if (!good && (code == ENOSPC || code == EDQUOT))
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE,
        "The disk of the control server is full");
  else if (!good)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "Cannot make changes in “%s” durable: %s", path, g_strerror (code));
  if (fd >= 0)
    close (fd);
  return good;
}
