/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded: fsync() fails while the file that FAIL_FSYNC_WHILE names exists,
 * fdatasync() with FAIL_FDATASYNC_WHILE. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int
fails (const char *variable)
{
  const char *trigger = getenv (variable);

  if (!trigger || access (trigger, F_OK) != 0)
    return 0;
  errno = EIO;
  return 1;
}

int
fsync (int fd)
{
  int (*real) (int) = (int (*) (int)) dlsym (RTLD_NEXT, "fsync");

  return fails ("FAIL_FSYNC_WHILE") ? -1 : real (fd);
}

int
fdatasync (int fd)
{
  int (*real) (int) = (int (*) (int)) dlsym (RTLD_NEXT, "fdatasync");

  return fails ("FAIL_FDATASYNC_WHILE") ? -1 : real (fd);
}
