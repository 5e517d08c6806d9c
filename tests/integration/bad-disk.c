/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded: a disk that is bad while certain files exist. fsync() fails while
 * the one does that FAIL_FSYNC_WHILE names, fdatasync() with
 * FAIL_FDATASYNC_WHILE, pread() with FAIL_PREAD_WHILE (of all bytes;
 * where that file says "FIRST LAST", of these in each file, and sendfile()
 * then, too). With COLD_WHILE nothing is in memory, with HANG_PREAD_WHILE
 * pread() does not return, nor fsync() with HANG_FSYNC_WHILE, fdatasync() with
 * HANG_FDATASYNC_WHILE, and fstatvfs() with HANG_FSTATVFS_WHILE, which
 * say so in a file of that name with ".hangs", with NO_DIRECT_WHILE nobody gets round the page
 * cache, with READ_ONLY_WHILE no file can be made or deleted by its folder (EROFS, or the errno
 * that the file holds), with NO_NEW_WHILE none can be made by its path (the same), and with
 * FLIP_WRITE_WHILE a bit of what is written to a file is lost on the way. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

static int
is_on (const char *variable)
{
  const char *trigger = getenv (variable);

  return trigger && access (trigger, F_OK) == 0;
}

static int
fails (const char *variable)
{
  if (!is_on (variable))
    return 0;
  errno = EIO;
  return 1;
}

/* Tells that somebody hangs, once for each. */
static void
hang_while (const char *variable)
{
  char path[4096];
  int told;

  if (!is_on (variable))
    return;
  snprintf (path, sizeof (path), "%s.hangs", getenv (variable));
  told = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (told >= 0)
    close (told);
  while (is_on (variable))
    usleep (1000);
}

int
fsync (int fd)
{
  int (*real) (int) = (int (*)(int)) dlsym (RTLD_NEXT, "fsync");

  hang_while ("HANG_FSYNC_WHILE");
  return fails ("FAIL_FSYNC_WHILE") ? -1 : real (fd);
}

int
fdatasync (int fd)
{
  int (*real) (int) = (int (*)(int)) dlsym (RTLD_NEXT, "fdatasync");

  hang_while ("HANG_FDATASYNC_WHILE");
  return fails ("FAIL_FDATASYNC_WHILE") ? -1 : real (fd);
}

int
fstatvfs64 (int fd, struct statvfs64 *disk)
{
  int (*real) (int, struct statvfs64 *) =
      (int (*)(int, struct statvfs64 *)) dlsym (RTLD_NEXT, "fstatvfs64");

  hang_while ("HANG_FSTATVFS_WHILE");
  return real (fd, disk);
}

/* TRUE: FAIL_PREAD_WHILE is on for these bytes alone. */
static int
get_bad_range (long long *first, long long *last)
{
  FILE *trigger = fopen (getenv ("FAIL_PREAD_WHILE"), "r");
  int n = 0;

  if (trigger != NULL) {
    n = fscanf (trigger, "%lld %lld", first, last);
    fclose (trigger);
  }
  return n == 2;
}

static int
is_bad_range (off64_t offset, size_t length)
{
  long long first, last;

  return !get_bad_range (&first, &last)
      || (offset <= last && offset + (long long) length > first);
}

/* Sends what is before the bad bytes, and fails at them. */
ssize_t
sendfile64 (int out, int in, off64_t * offset, size_t count)
{
  ssize_t (*real) (int, int, off64_t *, size_t) =
      (ssize_t (*)(int, int, off64_t *, size_t)) dlsym (RTLD_NEXT,
      "sendfile64");
  long long first, last;

  if (offset != NULL && is_on ("FAIL_PREAD_WHILE")
      && get_bad_range (&first, &last)) {
    if (*offset >= first && *offset <= last) {
      errno = EIO;
      return -1;
    }
    if (*offset < first && count > (size_t) (first - *offset))
      count = first - *offset;
  }
  return real (out, in, offset, count);
}

ssize_t
pread64 (int fd, void *to, size_t length, off64_t offset)
{
  ssize_t (*real) (int, void *, size_t, off64_t) =
      (ssize_t (*)(int, void *, size_t, off64_t)) dlsym (RTLD_NEXT, "pread64");

  while (is_on ("HANG_PREAD_WHILE"))
    usleep (1000);
  if (is_on ("NO_DIRECT_WHILE") && (fcntl (fd, F_GETFL) & O_DIRECT)) {
    errno = EINVAL;
    return -1;
  }
  if (is_on ("FAIL_PREAD_WHILE") && is_bad_range (offset, length)) {
    errno = EIO;
    return -1;
  }
  return real (fd, to, length, offset);
}

ssize_t
preadv64v2 (int fd, const struct iovec *to, int n, off64_t offset, int flags)
{
  ssize_t (*real) (int, const struct iovec *, int, off64_t, int) =
      (ssize_t (*)(int, const struct iovec *, int, off64_t, int))
      dlsym (RTLD_NEXT, "preadv64v2");

  if ((flags & RWF_NOWAIT) && is_on ("COLD_WHILE")) {
    errno = EAGAIN;
    return -1;
  }
  return real (fd, to, n, offset, flags);
}

/* The errno of a disk that takes no writes; 0: it does. */
/* 0: new files can be made. */
static int
read_only (const char *variable)
{
  const char *trigger = getenv (variable);
  FILE *file = trigger != NULL ? fopen (trigger, "r") : NULL;
  int code = EROFS;

  if (file == NULL)
    return 0;
  if (fscanf (file, "%d", &code) != 1)
    code = EROFS;
  fclose (file);
  return code;
}

int
open64 (const char *path, int flags, ...)
{
  int (*real) (const char *, int, ...) =
      (int (*)(const char *, int, ...)) dlsym (RTLD_NEXT, "open64");
  va_list arguments;
  int mode = 0, code = flags & O_CREAT ? read_only ("NO_NEW_WHILE") : 0;

  if (code) {
    errno = code;
    return -1;
  }
  if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {
    va_start (arguments, flags);
    mode = va_arg (arguments, int);
    va_end (arguments);
  }
  return real (path, flags, mode);
}

int
openat64 (int folder, const char *path, int flags, ...)
{
  int (*real) (int, const char *, int, ...) =
      (int (*)(int, const char *, int, ...)) dlsym (RTLD_NEXT, "openat64");
  va_list arguments;
  int mode = 0, code = flags & O_CREAT ? read_only ("READ_ONLY_WHILE") : 0;

  if (code) {
    errno = code;
    return -1;
  }
  if (flags & O_CREAT) {
    va_start (arguments, flags);
    mode = va_arg (arguments, int);
    va_end (arguments);
  }
  return real (folder, path, flags, mode);
}

int
unlinkat (int folder, const char *path, int flags)
{
  int (*real) (int, const char *, int) =
      (int (*)(int, const char *, int)) dlsym (RTLD_NEXT, "unlinkat");
  int code = read_only ("READ_ONLY_WHILE");

  if (!code)
    return real (folder, path, flags);
  errno = code;
  return -1;
}

/* Of large pieces: the log is a file, too. */
ssize_t
write (int fd, const void *from, size_t length)
{
  ssize_t (*real) (int, const void *, size_t) =
      (ssize_t (*)(int, const void *, size_t)) dlsym (RTLD_NEXT, "write");
  unsigned char *copy;
  struct stat status;
  ssize_t written;

  if (length < 1024 || !is_on ("FLIP_WRITE_WHILE")
      || fstat (fd, &status) != 0 || !S_ISREG (status.st_mode)
      || !(copy = malloc (length)))
    return real (fd, from, length);
  memcpy (copy, from, length);
  copy[length - 1] ^= 1;
  written = real (fd, copy, length);
  free (copy);
  return written;
}
