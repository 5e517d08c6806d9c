/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shards of an extent from the kept original. On a repair worker's thread. */
#include "control/repair/repair-private.h"

#include "control/originals/originals.h"
#include "control/striping/striping.h"
#include "libpmss/pmss-error.h"

static gboolean
fail_not_found (GError ** error, const char *why)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND, "%s", why);
  return FALSE;
}

/* The bytes of the original at @path; errors are PMSS_ERROR_NOT_FOUND. */
static PmssByteSource *
open_original (PmssRepairWork * work, const char *path, GError ** error)
{
  g_autoptr (GError) local = NULL;
  PmssByteSource *source = pmss_byte_source_new_file (path, work->version.size,
      "the original", &local);

  if (source == NULL)
    fail_not_found (error, local->message);
  return source;
}

static gboolean
check_file (PmssRepairWork * work, const char *path, const char *wanted,
    GError ** error)
{
  g_autoptr (PmssByteSource) source = open_original (work, path, error);
  g_autofree char *sha256 = NULL;
  g_autoptr (GError) local = NULL;

  if (source == NULL)
    return FALSE;
  sha256 = pmss_byte_source_hash (source,
      pmss_job_run_get_cancellable (work->repair->run), &local);
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (sha256 == NULL)
    return fail_not_found (error, local->message);
  return g_strcmp0 (sha256, wanted) == 0
      || fail_not_found (error, "the original is not what it was");
}

static gboolean
check_original (PmssRepairWork * work, char **path, GError ** error)
{
  g_autofree char *sha256 = NULL;

  *path = pmss_originals_find (work->repair->context->originals,
      work->version.medium, &sha256, error);
  if (*path && check_file (work, *path, sha256, error))
    return TRUE;
  g_clear_pointer (path, g_free);
  return FALSE;
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
    return known || fail_not_found (error, "there is no good original");
  }
  check_original (work, path, &local);
  if (local != NULL
      && !g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  g_hash_table_insert (originals, g_memdup2 (&medium, sizeof medium),
      g_strdup (*path));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_repair_restore (PmssRepairWork * work, GBytes * shards[PMSS_MAX_SHARDS],
    GError ** error)
{
  guint64 offset = (guint64) work->extent.number * work->version.extent;
  g_autoptr (PmssByteSource) source = NULL;
  g_autoptr (GError) local = NULL;
  g_autofree char *path = NULL;
  gboolean found;

  g_mutex_lock (&work->repair->originals_lock);
  found = find_original (work, &path, error);
  g_mutex_unlock (&work->repair->originals_lock);
  if (!found || !(source = open_original (work, path, error)))
    return FALSE;
  if (!pmss_striping_compute (source, work->worker->erasure, &work->geometry,
          offset, shards, &local))
    return fail_not_found (error, local->message);
  g_message ("%s: extent %u is restored from the original", work->medium,
      work->extent.number);
  return TRUE;
}
