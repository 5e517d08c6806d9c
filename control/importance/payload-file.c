/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A medium's bytes, from its shards to a file. On a job's thread. */
#include "control/importance/payload-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "control/uploads/uploads.h"
#include "control/verify/verify-extent.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-sha256.h"

/* One run. */
typedef struct
{
  PmssJobRun *run;
  PmssControlContext *context;
  const PmssMedium *medium;
  const char *path, *what;
  int fd;
  PmssVersion version;
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
gboolean
pmss_payload_file_fail (const char *path, const char *what, int code,
    GError ** error)
{
  gboolean full = code == ENOSPC || code == EDQUOT || code == EFBIG;

  g_warning ("%s: %s", path, g_strerror (code));
  g_set_error (error, PMSS_ERROR, full ? PMSS_ERROR_NO_SPACE
      : PMSS_ERROR_FAILED, "Control cannot write %s: %s. Make room on the "
      "control server's disk, then resume this job", what, g_strerror (code));
  return FALSE;
}

gboolean
pmss_payload_file_check_room (PmssControlContext * context, guint64 size,
    const char *what, GError ** error)
{
  guint64 room, receiving;
  g_autofree char *need = g_format_size (size), *have = NULL;

  if (!pmss_uploads_get_room (context->uploads, &room, &receiving, error))
    return FALSE;
  if (room >= size)
    return TRUE;
  have = g_format_size (room);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE,
      "The control server's disk has no room for %s: it needs %s, and %s are "
      "free for it. Make room, then try again", what, need, have);
  return FALSE;
}

int
pmss_payload_file_open (const char *path, const char *what, GError ** error)
{
  int fd = g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
      0600);

  if (fd < 0)
    pmss_payload_file_fail (path, what, errno, error);
  return fd;
}

void
pmss_payload_file_unlink (const char *path)
{
  if (g_unlink (path) != 0 && errno != ENOENT)
    g_warning ("%s: %s", path, g_strerror (errno));
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
    return pmss_payload_file_fail (making->path, making->what, making->failure,
        error);
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
  made = pmss_payload_file_check_room (making->context,
      making->version.size - making->written, making->what, error)
      && copy_extent (making, &extent, error);
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

/* The whole */

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
      "taken in. Have the medium verified");
  return FALSE;
}

static gboolean
open_version (Making * making, GError ** error)
{
  if (making->medium->has_version && making->medium->sha256 != NULL)
    return pmss_catalog_get_version (making->context->catalog,
        &making->medium->version, &making->version, error);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT, "%s is not ready",
      making->medium->name);
  return FALSE;
}

gboolean
pmss_payload_file_write (PmssJobRun * run, const PmssMedium * medium, int fd,
    const char *path, const char *what, GError ** error)
{
  Making making = {.run = run,.context = pmss_job_run_get_context (run),
    .medium = medium,.path = path,.what = what,.fd = fd
  };
  gboolean made;

  if (!open_version (&making, error))
    return FALSE;
  making.erasure = pmss_erasure_new (making.version.redundancy);
  making.calls = pmss_node_calls_new (making.context);
  making.sha256 = pmss_sha256_new ();
  made = make_extents (&making, error) && check_sum (&making, error);
  g_clear_pointer (&making.sha256, pmss_sha256_free);
  pmss_node_calls_free (making.calls);
  pmss_erasure_unref (making.erasure);
  return made;
}
