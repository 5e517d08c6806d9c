/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One shard, read past the page cache. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "scrub-private.h"

#define PIECE (256 * 1024)
#define BLOCK 4096              /* what direct reads have to be aligned to, and what a disk loses at a time */
#define MAX_ROWS 1024           /* more bad rows than that are not named */

typedef struct
{
  int fd;
  guint64 size;
  gboolean direct;
  guint8 *buffer;               /* PIECE bytes, aligned */
  guint8 cached[PIECE / BLOCK]; /* of each page of a piece: bit 0, whether others have brought it into memory */
  PmssShardChecker *checker;
  GArray *rows;                 /* bad ones; no more than MAX_ROWS + 1 */
  gboolean unreadable;
  char *failure;                /* nullable: what the disk said first */
} Reading;

void
pmss_scrub_finding_free (PmssScrubFinding * finding)
{
  g_clear_pointer (&finding->rows, g_array_unref);
  g_free (finding->reason);
  g_free (finding);
}

static void
note_row (guint32 row, const guint32 crc[PMSS_MAX_SHARDS], gpointer data)
{
  Reading *reading = data;

  if (!crc && reading->rows->len <= MAX_ROWS)
    g_array_append_val (reading->rows, row);
}

/* --- reading --- */

static void
set_direct (Reading * reading, gboolean direct)
{
  int flags = fcntl (reading->fd, F_GETFL);

  reading->direct = direct && fcntl (reading->fd, F_SETFL,
      flags | O_DIRECT) == 0;
  if (!direct)
    fcntl (reading->fd, F_SETFL, flags & ~O_DIRECT);
  /* Where the page cache cannot be gone round: no more into it than is read. */
  if (!reading->direct)
    posix_fadvise (reading->fd, 0, 0, POSIX_FADV_RANDOM);
}

/* FALSE: the kernel does not tell. */
static gboolean
find_cached (Reading * reading, guint64 offset, gsize length)
{
  void *pages = mmap (NULL, length, PROT_READ, MAP_SHARED, reading->fd, offset);
  gboolean told;

  if (pages == MAP_FAILED)
    return FALSE;
  told = mincore (pages, length, reading->cached) == 0;
  munmap (pages, length);
  return told;
}

/* Page by page: the kernel may have taken single ones back, and that does not make the others ours. */
static void
drop_ours (Reading * reading, guint64 offset, gsize length)
{
  const gsize page = sysconf (_SC_PAGESIZE), pages = (length + page - 1) / page;

  for (gsize first = 0, end; first < pages; first = end) {
    gboolean cached = reading->cached[first] & 1;

    for (end = first + 1; end < pages; end++)
      if ((reading->cached[end] & 1) != cached)
        break;
    if (!cached)
      posix_fadvise (reading->fd, offset + first * page, (end - first) * page,
          POSIX_FADV_DONTNEED);
  }
}

static gssize
read_once (Reading * reading, guint64 offset, gsize length)
{
  gboolean told = !reading->direct && find_cached (reading, offset, length);
  gssize got;

  do
    got = pread (reading->fd, reading->buffer, length, offset);
  while (got < 0 && errno == EINTR);
  if (told && got > 0)
    drop_ours (reading, offset, length);
  return got;
}

/* @offset and @length: in blocks. -1: the disk does not give it. */
static gssize
read_blocks (Reading * reading, guint64 offset, gsize length)
{
  gssize got = read_once (reading, offset, length);

  /* a file system that is not as particular in F_SETFL as in reading */
  if (got < 0 && errno == EINVAL && reading->direct) {
    set_direct (reading, FALSE);
    got = read_once (reading, offset, length);
  }
  /* not the end, and yet no more: what is there cannot be had */
  if (got >= 0 && offset + got < MIN (offset + length, reading->size)
      && got < BLOCK) {
    errno = EIO;
    got = -1;
  }
  if (got < 0 && !reading->failure)
    reading->failure = g_strdup_printf ("at byte %" G_GUINT64_FORMAT ": %s",
        offset, g_strerror (errno));
  return got;
}

/* Nothing is said of a shard that was deleted; and its room is free only when nobody reads it. */
static gboolean
is_deleted (Reading * reading)
{
  struct stat status;

  return fstat (reading->fd, &status) == 0 && status.st_nlink == 0;
}

/* Feeds the checker to the end of the file, or as far as that has a meaning. What cannot be read in large pieces is read by blocks, so that no more rows count as bad than
 * have a part in one that cannot be read. FALSE: told to stop. */
static gboolean
read_through (Reading * reading, PmssScrubPace pace, gpointer data,
    GError ** error)
{
  guint64 at = 0, by_blocks_to = 0;

  while (at < reading->size) {
    guint64 base = at - at % BLOCK;
    gsize length = at < by_blocks_to ? BLOCK : PIECE;
    gssize got;

    if (!pace (MIN (length, reading->size - base), data))
      return FALSE;
    if (is_deleted (reading))
      break;
    got = read_blocks (reading, base, length);
    if (got < 0 && length > BLOCK) {
      by_blocks_to = base + length;
    } else if (got < 0) {
      guint64 left_out = pmss_shard_checker_leave_out (reading->checker);

      reading->unreadable = TRUE;
      if (left_out == 0)
        break;
      at += left_out;
    } else {
      if (!pmss_shard_checker_feed (reading->checker,
              reading->buffer + (at - base), base + got - at, error))
        break;
      at = base + got;
    }
  }
  return TRUE;
}

/* --- the verdict --- */

static PmssScrubFinding *
make_finding (Reading * reading, const char *name, GError * problem)
{
  PmssScrubFinding *finding = g_new0 (PmssScrubFinding, 1);
  gboolean known = pmss_shard_checker_get_header (reading->checker) != NULL
      && reading->rows->len <= MAX_ROWS;

  g_strlcpy (finding->name, name, sizeof finding->name);
  finding->unreadable = reading->unreadable;
  finding->rows = known ? g_array_ref (reading->rows) : NULL;
  finding->reason = g_strdup (reading->unreadable ? reading->failure
      : problem->message);
  return finding;
}

static PmssScrubFinding *
judge (Reading * reading, const char *name, GError * problem)
{
  g_autoptr (GError) end = NULL;

  if (!pmss_shard_checker_finish (reading->checker, &end) && problem == NULL)
    problem = end;
  if (problem != NULL || reading->unreadable)
    return make_finding (reading, name, problem);
  return NULL;
}

static gboolean
check_open_shard (Reading * reading, const char *name, PmssScrubPace pace,
    gpointer data, PmssScrubFinding ** finding)
{
  g_autoptr (GError) problem = NULL;
  gboolean read;

  reading->buffer = aligned_alloc (BLOCK, PIECE);
  g_assert (reading->buffer);
  reading->checker = pmss_shard_checker_new (name);
  reading->rows = g_array_new (FALSE, FALSE, sizeof (guint32));
  pmss_shard_checker_survey (reading->checker, NULL, note_row, reading);
  set_direct (reading, TRUE);
  read = read_through (reading, pace, data, &problem);
  if (read)
    *finding = judge (reading, name, problem);
  /* Whoever looks after it sees the disk, too, and not what is still in memory. */
  if (read && *finding)
    posix_fadvise (reading->fd, 0, 0, POSIX_FADV_DONTNEED);
  pmss_shard_checker_free (reading->checker);
  g_array_unref (reading->rows);
  g_free (reading->failure);
  free (reading->buffer);
  close (reading->fd);
  return read;
}

static PmssScrubFinding *
cannot_open (const char *name, const GError * error)
{
  PmssScrubFinding *finding = g_new0 (PmssScrubFinding, 1);

  g_strlcpy (finding->name, name, sizeof finding->name);
  finding->unreadable = TRUE;
  finding->reason = g_strdup (error->message);
  return finding;
}

gboolean
pmss_scrub_read_shard (PmssStore * store, const char *name,
    PmssScrubPace pace, gpointer user_data, guint64 * bytes,
    PmssScrubFinding ** finding, GError ** error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (PmssScrubFinding) found = NULL;
  Reading reading = { 0 };
  PmssStoreStamp stamp, now;

  *finding = NULL;
  *bytes = 0;
  if (!pmss_store_get_stamp (store, name, &stamp))
    return TRUE;
  reading.fd = pmss_store_open_shard (store, name, &reading.size, &problem);
  if (g_error_matches (problem, PMSS_ERROR, PMSS_ERROR_BUSY)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (problem != NULL)
    found = cannot_open (name, problem);
  else if (!check_open_shard (&reading, name, pace, user_data, &found))
    return FALSE;
  *bytes = reading.size;
  /* Deleted, or deleted and written anew, while we looked: not bad, but gone. */
  if (found != NULL && pmss_store_get_stamp (store, name, &now)
      && pmss_store_stamp_equal (&stamp, &now)) {
    found->stamp = stamp;
    *finding = g_steal_pointer (&found);
  }
  return TRUE;
}
