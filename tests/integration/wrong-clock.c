/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into a server: its clock is as many seconds wrong as the file
 * WRONG_CLOCK says, a gint64 in the machine's order that a test may write at
 * any time. The monotonic clock stays right.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *wrong;

__attribute__((constructor))
     static void open_file (void)
{
  const char *path = getenv ("WRONG_CLOCK");
  int fd = path != NULL ? open (path, O_RDONLY | O_CLOEXEC) : -1;
  void *memory;

  if (fd < 0)
    return;
  memory = mmap (NULL, sizeof *wrong, PROT_READ, MAP_SHARED, fd, 0);
  close (fd);
  if (memory != MAP_FAILED)
    wrong = memory;
}

int
clock_gettime (clockid_t id, struct timespec *now)
{
  int result = syscall (SYS_clock_gettime, id, now);

  if (result == 0 && wrong != NULL
      && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
    now->tv_sec += *wrong;
  return result;
}

int
gettimeofday (struct timeval *restrict now, void *restrict zone)
{
  struct timespec exact;

  clock_gettime (CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t
time (time_t * result)
{
  struct timespec exact;

  clock_gettime (CLOCK_REALTIME, &exact);
  if (result != NULL)
    *result = exact.tv_sec;
  return exact.tv_sec;
}
