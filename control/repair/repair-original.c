/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/repair/repair-private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "control/database/database.h"
#include "control/uploads/uploads.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-sha256.h"
#include "libpmss/format/pmss-striper.h"

#define BLOCK (1024 * 1024)

typedef struct
{
  gint64 medium;
  char *file;                   /* NULL: none was kept */
  char *sha256;                 /* of the medium; nullable */
} Original;

static gboolean
find_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Original *original = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT file, sha256 FROM original JOIN medium ON medium.id = medium"
      " WHERE medium = ?1", PMSS_INT (original->medium));

  if (pmss_rows_next (rows, &local)) {
    original->file = g_strdup (pmss_rows_text (rows, 0));
    original->sha256 = g_strdup (pmss_rows_text (rows, 1));
  }
  if (!local)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
none (GError ** error, const char *why)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND, "%s", why);
  return FALSE;
}

/* Exactly @length bytes. */
static gboolean
read_at (int fd, guint64 offset, guint8 * to, gsize length, GError ** error)
{
  while (length > 0) {
    gssize n = pread (fd, to, length, (off_t) offset);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return none (error, n < 0 ? "the original cannot be read"
          : "the original is shorter than it was");
    to += n;
    offset += n;
    length -= n;
  }
  return TRUE;
}

static gboolean
hash_file (PmssRepairWork * work, int fd, char **sha256, GError ** error)
{
  GCancellable *cancellable = pmss_job_run_get_cancellable (work->repair->run);
  PmssSha256 *sum = pmss_sha256_new ();
  g_autofree guint8 *block = g_malloc (BLOCK);
  guint64 size = work->version.size;

  for (guint64 offset = 0; offset < size; offset += BLOCK) {
    gsize length = MIN (BLOCK, size - offset);

    if (g_cancellable_set_error_if_cancelled (cancellable, error)
        || !read_at (fd, offset, block, length, error)) {
      pmss_sha256_free (sum);
      return FALSE;
    }
    pmss_sha256_update (sum, block, length);
  }
  *sha256 = pmss_sha256_finish (sum);
  return TRUE;
}

static gboolean
check_file (PmssRepairWork * work, const char *path, const char *wanted,
    GError ** error)
{
  g_autofree char *sha256 = NULL;
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  gboolean hashed;

  if (fd < 0) {
    g_warning ("%s: %s", path, g_strerror (errno));
    return none (error, "the original cannot be opened");
  }
  hashed = hash_file (work, fd, &sha256, error);
  close (fd);
  if (!hashed)
    return FALSE;
  return g_strcmp0 (sha256, wanted) == 0
      || none (error, "the original is not what it was");
}

static gboolean
check_original (PmssRepairWork * work, char **path, GError ** error)
{
  PmssControlContext *context = work->repair->context;
  Original original = {.medium = work->version.medium };
  gboolean good;

  if (!pmss_database_transact (context->database, find_row, &original, error))
    return FALSE;
  if (original.file)
    *path = g_build_filename (pmss_uploads_get_originals (context->uploads),
        original.file, NULL);
  good = *path ? check_file (work, *path, original.sha256, error)
      : none (error, "no original was kept");
  if (!good)
    g_clear_pointer (path, g_free);
  g_free (original.file);
  g_free (original.sha256);
  return good;
}

/* Once a run for each medium, whatever comes of it. */
static gboolean
find_original (PmssRepairWork * work, char **path, GError ** error)
{
  GHashTable *originals = work->repair->originals;
  gint64 medium = work->version.medium;
  g_autoptr (GError) local = NULL;
  gpointer known;

  if (g_hash_table_lookup_extended (originals, &medium, NULL, &known)) {
    *path = g_strdup (known);
    return known || none (error, "there is no good original");
  }
  check_original (work, path, &local);
  if (local && !g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  g_hash_table_insert (originals, g_memdup2 (&medium, sizeof medium),
      g_strdup (*path));
  if (!local)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_repair_restore (PmssRepairWork * work, GBytes * shards[PMSS_MAX_SHARDS],
    GError ** error)
{
  guint64 offset = (guint64) work->extent.number * work->version.extent;
  gsize length = work->geometry.payload;
  g_autofree guint8 *payload = NULL;
  g_autofree char *path = NULL;
  gboolean got;
  int fd;

  g_mutex_lock (&work->repair->originals_lock);
  got = find_original (work, &path, error);
  g_mutex_unlock (&work->repair->originals_lock);
  if (!got)
    return FALSE;
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return none (error, "the original cannot be opened");
  payload = g_malloc (length);
  got = read_at (fd, offset, payload, length, error);
  close (fd);
  if (!got)
    return FALSE;
  g_message ("%s: extent %u is restored from the original", work->medium,
      work->extent.number);
  pmss_striper_run (work->worker->erasure, &work->geometry, payload, shards);
  return TRUE;
}
