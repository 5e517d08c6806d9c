/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded: SIGKILL in front of a call that changes what is on the disk. The
 * file KILL_AT holds an int32_t, which others may change at any time: so many
 * calls are made until the one that is not; 0: none is counted. A server that
 * dies between any two of them must be able to go on: random times hit the
 * long phases again and again, and these hardly ever. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int32_t *calls_left;

__attribute__((constructor))
     static void find_counter (void)
{
  const char *path = getenv ("KILL_AT");
  int fd = path != NULL ? open (path, O_RDWR | O_CLOEXEC) : -1;
  void *map = fd >= 0 ? mmap (NULL, sizeof *calls_left, PROT_READ | PROT_WRITE,
      MAP_SHARED, fd, 0) : MAP_FAILED;

  if (map != MAP_FAILED)
    calls_left = map;
  if (fd >= 0)
    close (fd);
  /* what the server starts is not meant */
  unsetenv ("KILL_AT");
  unsetenv ("LD_PRELOAD");
}

static void
count (void)
{
  int32_t left =
      calls_left ? __atomic_load_n (calls_left, __ATOMIC_SEQ_CST) : 0;

  while (left > 0 && !__atomic_compare_exchange_n (calls_left, &left, left - 1,
          0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  if (left == 1)
    kill (getpid (), SIGKILL);
}

#define COUNTED(type, name, parameters, arguments) \
type \
name parameters \
{ \
  static type (*real) parameters; \
\
  if (!real) \
    real = (type (*) parameters) dlsym (RTLD_NEXT, #name); \
  count (); \
  return real arguments; \
}

COUNTED (int, fsync, (int fd), (fd))
COUNTED (int, fdatasync, (int fd), (fd))
COUNTED (int, unlink, (const char *path), (path))
COUNTED (int, unlinkat, (int folder, const char *path, int flags), (folder,
        path, flags))
COUNTED (int, link, (const char *from, const char *to), (from, to))
COUNTED (int, linkat, (int from_folder, const char *from, int to_folder,
        const char *to, int flags), (from_folder, from, to_folder, to, flags))
COUNTED (int, rename, (const char *from, const char *to), (from, to))
COUNTED (int, renameat2, (int from_folder, const char *from, int to_folder,
        const char *to, unsigned int flags), (from_folder, from, to_folder, to,
        flags))
COUNTED (ssize_t, pwrite64, (int fd, const void *from, size_t length,
        off64_t offset), (fd, from, length, offset))
COUNTED (int, ftruncate64, (int fd, off64_t length), (fd, length))
COUNTED (int, fallocate64, (int fd, int mode, off64_t offset, off64_t length),
    (fd, mode, offset, length))
