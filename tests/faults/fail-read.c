/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded: a disk that reads no more. While the file that FAIL_READ_WHILE
 * names exists, sendfile() and pread() fail with EIO; only what lies on the
 * disk is read with these. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>

static int
fails (void)
{
  const char *trigger = getenv ("FAIL_READ_WHILE");

  if (trigger == NULL || access (trigger, F_OK) != 0)
    return 0;
  errno = EIO;
  return 1;
}

ssize_t
sendfile64 (int out, int in, off64_t * offset, size_t count)
{
  ssize_t (*real) (int, int, off64_t *, size_t) =
      (ssize_t (*)(int, int, off64_t *, size_t)) dlsym (RTLD_NEXT,
      "sendfile64");

  return fails ()? -1 : real (out, in, offset, count);
}

ssize_t
pread64 (int fd, void *memory, size_t count, off64_t offset)
{
  ssize_t (*real) (int, void *, size_t, off64_t) =
      (ssize_t (*)(int, void *, size_t, off64_t)) dlsym (RTLD_NEXT, "pread64");

  return fails ()? -1 : real (fd, memory, count, offset);
}
