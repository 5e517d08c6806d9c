/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading: what is in memory, what the disk has to bring, and how often either
 * was so. */
#define _GNU_SOURCE             /* preadv2() */
#include "store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

/* A viewer notices a wait of that length. */
#define LATE (G_USEC_PER_SEC / 5)

static gboolean
byte_is_cached (int fd, guint64 offset)
{
  char byte;
  const struct iovec where = { &byte, 1 };

  /* A file system that cannot tell has to be taken as it comes. */
  return preadv2 (fd, &where, 1, offset, RWF_NOWAIT) >= 0
      || errno == EOPNOTSUPP;
}

gboolean
pmss_store_is_cached (int fd, guint64 first, guint64 length)
{
  return byte_is_cached (fd, first) && byte_is_cached (fd, first + length - 1);
}

gboolean
pmss_store_fetch (int fd, guint64 first, guint64 length, GError ** error)
{
  char byte;
  gssize got;

  posix_fadvise (fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  posix_fadvise (fd, first, length, POSIX_FADV_WILLNEED);
  do
    got = pread (fd, &byte, 1, first);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    pmss_store_set_error (error, errno, "cannot read the shard");
  return got >= 0;
}

void
pmss_store_note_read (PmssStore * store, gboolean cached)
{
  atomic_fetch_add_explicit (cached ? &store->hits : &store->misses, 1,
      memory_order_relaxed);
}

void
pmss_store_note_wait (PmssStore * store, gint64 since)
{
  if (g_get_monotonic_time () - since > LATE)
    atomic_fetch_add_explicit (&store->late, 1, memory_order_relaxed);
}

void
pmss_store_get_reads (PmssStore * store, PmssStoreReads * reads)
{
  reads->hits = atomic_load_explicit (&store->hits, memory_order_relaxed);
  reads->misses = atomic_load_explicit (&store->misses, memory_order_relaxed);
  reads->late = atomic_load_explicit (&store->late, memory_order_relaxed);
}
