/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The job "original": a medium's file, from its shards. On the job's thread. */
#include "control/importance/importance.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "control/catalog/catalog.h"
#include "control/database/database.h"
#include "control/jobs/jobs.h"
#include "control/originals/originals.h"
#include "control/uploads/uploads.h"
#include "control/verify/verify-extent.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-sha256.h"

/* One run. */
typedef struct
{
  PmssJobRun *run;
  PmssControlContext *context;
  PmssMedium *medium;
  PmssVersion version;
  char *file;                   /* its name, */
  char *path;                   /* and where it is being made */
  int fd;
  PmssErasure *erasure;
  PmssNodeCalls *calls;
  PmssSha256 *sha256;
  guint64 written;              /* bytes */
  guint64 lacking;              /* of the extent at hand: bytes that its shards do not give */
  int failure;                  /* errno of a write; 0: none */
} Making;

/* Writing */

static gboolean
write_all (int fd, const guint8 * bytes, gsize length)
{
  while (length > 0) {
    gssize n = write (fd, bytes, length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    bytes += n;
    length -= (gsize) n;
  }
  return TRUE;
}

static void
take_payload (const guint8 * bytes, gsize length, gpointer user_data)
{
  Making *making = user_data;

  if (bytes == NULL) {
    making->lacking += length;
    return;
  }
  if (making->lacking > 0 || making->failure != 0)
    return;
  if (write_all (making->fd, bytes, length))
    pmss_sha256_update (making->sha256, bytes, length);
  else
    making->failure = errno;
}

/* The reason is for clients, the path for the log. */
static gboolean
fail_to_write (Making * making, int code, GError ** error)
{
  gboolean full = code == ENOSPC || code == EDQUOT || code == EFBIG;

  g_warning ("%s: %s", making->path, g_strerror (code));
  g_set_error (error, PMSS_ERROR, full ? PMSS_ERROR_NO_SPACE
      : PMSS_ERROR_FAILED, "The original cannot be written: %s. Make room on "
      "the control server's disk, then resume this job", g_strerror (code));
  return FALSE;
}

static gboolean
check_room (Making * making, GError ** error)
{
  guint64 room, receiving, left = making->version.size - making->written;
  g_autofree char *need = g_format_size (left), *have = NULL;

  if (!pmss_uploads_get_room (making->context->uploads, &room, &receiving,
          error))
    return FALSE;
  if (room >= left)
    return TRUE;
  have = g_format_size (room);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE,
      "The control server's disk has no room for the original: it needs %s, "
      "and %s are free for it. Make room, then resume this job", need, have);
  return FALSE;
}

/* Reading */

static guint
count_away (const PmssVerifyExtent * extent, const char **reason)
{
  guint away = 0;

  for (guint i = 0; i < extent->n; i++) {
    if (extent->shards[i].look != PMSS_LOOK_AWAY)
      continue;
    away++;
    *reason = extent->shards[i].reason;
  }
  return away;
}

/* What is away may come back: the job waits. */
static gboolean
fail_to_read (Making * making, const PmssVerifyExtent * extent, GError ** error)
{
  const char *reason = NULL;
  guint away = count_away (extent, &reason);

  if (away > 0) {
    g_autofree char *what = g_strdup_printf ("%u of %u shards of extent %u "
        "cannot be had: %s", away, extent->n, extent->geometry.extent, reason);

    pmss_job_run_wait (making->run, what);
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE, what);
    return FALSE;
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "%" G_GUINT64_FORMAT " bytes of extent %u are lost: too few of its "
      "shards are good. Have the medium verified and repaired, then resume "
      "this job", making->lacking, extent->geometry.extent);
  return FALSE;
}

static gboolean
copy_extent (Making * making, PmssVerifyExtent * extent, GError ** error)
{
  if (!pmss_verify_fetch (extent, making->calls,
          pmss_job_run_get_cancellable (making->run), error))
    return FALSE;
  making->lacking = 0;
  pmss_verify_judge (extent, making->erasure, take_payload, making);
  if (making->failure != 0)
    return fail_to_write (making, making->failure, error);
  if (making->lacking > 0)
    return fail_to_read (making, extent, error);
  making->written += extent->geometry.payload;
  return pmss_job_run_throttle (making->run, extent->read, error)
      && pmss_job_run_progress (making->run, making->written, error);
}

static gboolean
make_extent (Making * making, const PmssExtent * row, GError ** error)
{
  PmssExtentGeometry geometry;
  PmssVerifyExtent extent;
  gboolean made;

  if (!pmss_version_get_geometry (&making->version, row->number, &geometry)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "The catalog has an extent %u, behind the end of %s", row->number,
        making->medium->name);
    return FALSE;
  }
  pmss_verify_extent_init (&extent, &geometry, row->nodes);
  made = check_room (making, error) && copy_extent (making, &extent, error);
  pmss_verify_extent_clear (&extent);
  return made;
}

/* Where the shards are is looked up for each extent: a repair may be moving them. */
static gboolean
make_extents (Making * making, GError ** error)
{
  for (guint32 next = 0;; next++) {
    g_autoptr (GArray) extents = pmss_catalog_list_extents
        (making->context->catalog, &making->version.id, next, 1, error);

    if (extents == NULL)
      return FALSE;
    if (extents->len == 0)
      return TRUE;
    if (!make_extent (making, &g_array_index (extents, PmssExtent, 0), error))
      return FALSE;
  }
}

/* The end */

static gboolean
check_sum (Making * making, GError ** error)
{
  g_autofree char *sha256 =
      pmss_sha256_finish (g_steal_pointer (&making->sha256));

  if (making->written == making->version.size
      && g_strcmp0 (sha256, making->medium->sha256) == 0)
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "The SHA-256 of what the shards hold is not that of the file that was "
      "taken in: nothing is kept. Have the medium verified");
  return FALSE;
}

static gboolean
commit_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Making *making = user_data;

  return pmss_catalog_set_keep_original (making->context->catalog,
      making->medium->id, TRUE, error)
      && pmss_originals_add (making->context->originals, making->medium->id,
      making->file, making->version.size, error)
      && pmss_jobs_set_done (making->context->jobs,
      pmss_job_run_get_job (making->run)->id, error);
}

/* The second name is durable before the row counts it. */
static gboolean
commit (Making * making, GError ** error)
{
  PmssOriginals *originals = making->context->originals;

  if (fsync (making->fd) != 0)
    return fail_to_write (making, errno, error);
  if (!pmss_originals_link (originals, making->path, making->file, error))
    return FALSE;
  if (pmss_database_transact (making->context->database, commit_rows, making,
          error))
    return TRUE;
  pmss_originals_unlink (originals, making->file);
  return FALSE;
}

/* The whole */

static gboolean
open_medium (Making * making, GError ** error)
{
  const PmssJob *job = pmss_job_run_get_job (making->run);

  making->medium = pmss_catalog_get_medium_by_id (making->context->catalog,
      job->medium, error);
  if (!making->medium)
    return FALSE;
  if (!making->medium->has_version || making->medium->sha256 == NULL) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT, "%s is not ready",
        making->medium->name);
    return FALSE;
  }
  return pmss_catalog_get_version (making->context->catalog,
      &making->medium->version, &making->version, error);
}

static gboolean
open_file (Making * making, GError ** error)
{
  making->file = g_strdup_printf ("rebuilt-%" G_GINT64_FORMAT,
      pmss_job_run_get_job (making->run)->id);
  making->path = pmss_originals_begin (making->context->originals,
      making->file, error);
  if (making->path == NULL)
    return FALSE;
  making->fd = g_open (making->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
      | O_NOFOLLOW, 0600);
  return making->fd >= 0 || fail_to_write (making, errno, error);
}

static gboolean
make_file (Making * making, GError ** error)
{
  making->erasure = pmss_erasure_new (making->version.redundancy);
  making->calls = pmss_node_calls_new (making->context);
  making->sha256 = pmss_sha256_new ();
  return pmss_job_run_set_phase (making->run, "rebuild", error)
      && make_extents (making, error) && check_sum (making, error)
      && commit (making, error);
}

static void
making_clear (Making * making)
{
  if (making->fd >= 0)
    close (making->fd);
  /* its bytes have another name, or are of no use */
  if (making->path != NULL && g_unlink (making->path) != 0 && errno != ENOENT)
    g_warning ("%s: %s", making->path, g_strerror (errno));
  g_clear_pointer (&making->sha256, pmss_sha256_free);
  g_clear_pointer (&making->calls, pmss_node_calls_free);
  g_clear_pointer (&making->erasure, pmss_erasure_unref);
  g_clear_pointer (&making->medium, pmss_medium_free);
  g_free (making->file);
  g_free (making->path);
}

static gboolean
run_original (PmssJobRun * run, GError ** error)
{
  Making making = {.run = run,.context = pmss_job_run_get_context (run),
    .fd = -1
  };
  gboolean done = open_medium (&making, error) && open_file (&making, error)
      && make_file (&making, error);

  making_clear (&making);
  return done;
}

const PmssJobType pmss_job_type_original = {
  .type = "original",
  .max_running = 1,
  .can_cancel = TRUE,
  .run = run_original,
};
