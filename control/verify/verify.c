/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The job "verify": reads a medium's shards back. On the job's thread. */
#include "control/verify/verify.h"

#include "control/catalog/catalog-health.h"
#include "control/database/database.h"
#include "control/jobs/jobs.h"
#include "control/verify/verify-extent.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-sha256.h"

#define MAX_LOGGED 20           /* bad shards that the log names */

/* One run of the job. */
typedef struct
{
  PmssJobRun *run;
  PmssControlContext *context;
  PmssMedium *medium;
  PmssVersion version;
  PmssErasure *erasure;
  PmssNodeCalls *calls;
  PmssSha256 *sha256;           /* NULL when there are bytes that cannot be had */
  guint64 done;                 /* bytes of the medium */
  guint bad;                    /* shards */
  guint64 away;                 /* shards that could not be looked at, */
  GArray *away_nodes;           /* guint: the nodes that should have given them, */
  char *away_reason;            /* and why the first one could not */
  guint64 contradictions;       /* rows */
} Verify;

/* What was known of an extent before it was looked at. */
typedef struct
{
  Verify *verify;
  PmssVerifyExtent *extent;
  guint32 known;                /* bit s: something bad was known, or suspected, of shard s */
} Look;

/* Findings */

static gboolean
find_known (Look * look, GError ** error)
{
  Verify *verify = look->verify;
  PmssBadShard after = {.version = verify->version.id,
    .extent = look->extent->geometry.extent
  };
  g_autoptr (GPtrArray) list = NULL;

  /* all that come behind the last shard of the extent before */
  after.shard = PMSS_MAX_SHARDS;
  if (after.extent > 0)
    after.extent--;
  list = pmss_catalog_list_bad_shards (verify->context->catalog,
      &verify->version.id, look->extent->geometry.extent > 0 ? &after : NULL,
      look->extent->n, error);
  for (guint i = 0; list && i < list->len; i++) {
    PmssBadShard *bad = g_ptr_array_index (list, i);

    if (bad->extent == look->extent->geometry.extent)
      look->known |= 1u << bad->shard;
  }
  return list != NULL;
}

static gboolean
add_bad (Look * look, guint index, GError ** error)
{
  const PmssVerifyShard *shard = &look->extent->shards[index];
  PmssBadShard bad = {
    .version = look->verify->version.id,
    .extent = look->extent->geometry.extent,
    .shard = index,
    .node = shard->node,
    .state = PMSS_BAD_KNOWN,
    .kind = shard->look == PMSS_LOOK_MISSING ? PMSS_BAD_MISSING
        : shard->unreadable ? PMSS_BAD_UNREADABLE : PMSS_BAD_DAMAGED,
    .rows = shard->rows,
    .source = PMSS_FOUND_BY_VERIFY,
  };

  return pmss_catalog_add_bad_shard (look->verify->context->catalog, &bad,
      error);
}

/* All of a shard has been seen: what was known of it before does not count any more. */
static gboolean
write_findings (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Look *look = user_data;
  PmssVerifyExtent *extent = look->extent;

  for (guint i = 0; i < extent->n; i++) {
    PmssVerifyShard *shard = &extent->shards[i];

    if (shard->look == PMSS_LOOK_READ && (look->known & 1u << i)
        && !pmss_catalog_clear_bad_shard (look->verify->context->catalog,
            &extent->geometry.version, extent->geometry.extent, i, error))
      return FALSE;
    if ((shard->bad || shard->look == PMSS_LOOK_MISSING)
        && !add_bad (look, i, error))
      return FALSE;
  }
  return TRUE;
}

static void
note_away (Verify * verify, const PmssVerifyShard * shard)
{
  gboolean listed = FALSE;

  verify->away++;
  if (!verify->away_reason)
    verify->away_reason = g_strdup (shard->reason);
  for (guint i = 0; i < verify->away_nodes->len; i++)
    listed |= g_array_index (verify->away_nodes, guint, i) == shard->node;
  if (!listed)
    g_array_append_val (verify->away_nodes, shard->node);
}

static void
note_shard (Verify * verify, guint32 extent, guint index,
    const PmssVerifyShard * shard)
{
  if (shard->look == PMSS_LOOK_AWAY) {
    note_away (verify, shard);
  } else if (shard->look == PMSS_LOOK_MISSING || shard->bad) {
    if (verify->bad++ < MAX_LOGGED)
      g_warning ("%s: extent %u, shard %u on node %u: %s",
          verify->medium->name, extent, index, shard->node, shard->reason);
  }
}

/* The bytes */

static void
take_payload (const guint8 * bytes, gsize length, gpointer user_data)
{
  Verify *verify = user_data;

  if (bytes == NULL)
    g_clear_pointer (&verify->sha256, pmss_sha256_free);
  else if (verify->sha256)
    pmss_sha256_update (verify->sha256, bytes, length);
}

static gboolean
examine_extent (Verify * verify, PmssVerifyExtent * extent, GError ** error)
{
  Look look = { verify, extent };

  if (!find_known (&look, error)
      || !pmss_verify_fetch (extent, verify->calls,
          pmss_job_run_get_cancellable (verify->run), error))
    return FALSE;
  pmss_verify_judge (extent, verify->erasure, take_payload, verify);
  for (guint i = 0; i < extent->n; i++)
    note_shard (verify, extent->geometry.extent, i, &extent->shards[i]);
  verify->contradictions += extent->contradictions;
  return pmss_database_transact (verify->context->database, write_findings,
      &look, error);
}

static gboolean
verify_extent (Verify * verify, const PmssExtent * row, GError ** error)
{
  PmssExtentGeometry geometry;
  PmssVerifyExtent extent;
  gboolean done;

  if (!pmss_version_get_geometry (&verify->version, row->number, &geometry)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "The catalog has an extent %u, behind the end of %s", row->number,
        verify->medium->name);
    return FALSE;
  }
  pmss_verify_extent_init (&extent, &geometry, row->nodes);
  done = examine_extent (verify, &extent, error)
      && pmss_job_run_throttle (verify->run, extent.read, error);
  pmss_verify_extent_clear (&extent);
  verify->done += geometry.payload;
  return done && pmss_job_run_progress (verify->run, verify->done, error);
}

/* Where the shards are is looked up for each extent: a repair may be moving them. */
static gboolean
verify_extents (Verify * verify, GError ** error)
{
  for (guint32 next = 0;; next++) {
    g_autoptr (GArray) extents = pmss_catalog_list_extents
        (verify->context->catalog, &verify->version.id, next, 1, error);

    if (extents == NULL)
      return FALSE;
    if (extents->len == 0)
      return TRUE;
    if (!verify_extent (verify, &g_array_index (extents, PmssExtent, 0), error))
      return FALSE;
  }
}

/* The whole */

static void
G_GNUC_PRINTF (2, 3)
add_remark (GString * text, const char *format, ...)
{
  va_list arguments;

  if (text->len > 0)
    g_string_append (text, "; ");
  va_start (arguments, format);
  g_string_append_vprintf (text, format, arguments);
  va_end (arguments);
}

static void
add_away (Verify * verify, GString * text)
{
  add_remark (text, "%" G_GUINT64_FORMAT
      " shard%s could not be looked at, on node%s", verify->away,
      verify->away == 1 ? "" : "s", verify->away_nodes->len == 1 ? "" : "s");
  for (guint i = 0; i < verify->away_nodes->len; i++)
    g_string_append_printf (text, "%s %u", i > 0 ? "," : "",
        g_array_index (verify->away_nodes, guint, i));
  g_string_append_printf (text, ": %s", verify->away_reason);
}

static gboolean
conclude (Verify * verify, GError ** error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *sha256 = verify->sha256 ?
      pmss_sha256_finish (g_steal_pointer (&verify->sha256)) : NULL;

  if (verify->bad > 0)
    add_remark (text, "%u shard%s bad", verify->bad,
        verify->bad == 1 ? " is" : "s are");
  if (sha256 != NULL && verify->medium->sha256
      && !g_str_equal (sha256, verify->medium->sha256))
    add_remark (text, "the SHA-256 of what the shards hold is not that of the "
        "file that was taken in");
  if (verify->contradictions > 0)
    add_remark (text, "%" G_GUINT64_FORMAT " rows have units that contradict "
        "each other, and nothing tells which are right",
        verify->contradictions);
  if (verify->away > 0)
    add_away (verify, text);
  g_message ("%s was verified: %s", verify->medium->name,
      text->len > 0 ? text->str : "it is whole");
  return text->len == 0
      || pmss_job_run_set_warning (verify->run, text->str, error);
}

static gboolean
open_medium (Verify * verify, GError ** error)
{
  const PmssJob *job = pmss_job_run_get_job (verify->run);

  verify->medium = pmss_catalog_get_medium_by_id (verify->context->catalog,
      job->medium, error);
  if (!verify->medium)
    return FALSE;
  if (!verify->medium->has_version) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT, "%s is not ready",
        verify->medium->name);
    return FALSE;
  }
  return pmss_catalog_get_version (verify->context->catalog,
      &verify->medium->version, &verify->version, error);
}

static gboolean
run_verify (PmssJobRun * run, GError ** error)
{
  Verify verify = {.run = run,.context = pmss_job_run_get_context (run) };
  gboolean done = open_medium (&verify, error)
      && pmss_job_run_set_phase (run, "read", error);

  if (done) {
    verify.erasure = pmss_erasure_new (verify.version.redundancy);
    verify.calls = pmss_node_calls_new (verify.context);
    verify.sha256 = pmss_sha256_new ();
    verify.away_nodes = g_array_new (FALSE, FALSE, sizeof (guint));
    done = verify_extents (&verify, error) && conclude (&verify, error);
  }
  g_clear_pointer (&verify.sha256, pmss_sha256_free);
  g_clear_pointer (&verify.calls, pmss_node_calls_free);
  g_clear_pointer (&verify.erasure, pmss_erasure_unref);
  g_clear_pointer (&verify.medium, pmss_medium_free);
  g_clear_pointer (&verify.away_nodes, g_array_unref);
  g_free (verify.away_reason);
  return done;
}

const PmssJobType pmss_job_type_verify = {
  .type = "verify",
  .max_running = 1,
  .can_cancel = TRUE,
  .run = run_verify,
};

/* Starting */

typedef struct
{
  const char *name, *user;
  guint64 rate_limit;
} Start;

static gint64
start_rows (PmssControlContext * context, gpointer user_data, GError ** error)
{
  Start *start = user_data;
  g_autoptr (PmssMedium) medium = pmss_catalog_get_ready_medium
      (context->catalog, start->name, error);

  return medium == NULL ? 0 : pmss_jobs_add_once (context->jobs,
      pmss_job_type_verify.type, medium->id, medium->name,
      MAX (medium->size, 0), start->rate_limit, start->user, error);
}

gint64
pmss_verify_start (PmssControlContext * context, const char *name,
    guint64 rate_limit, const char *user, GError ** error)
{
  Start start = { name, user, rate_limit };

  return pmss_jobs_begin (context->jobs, start_rows, &start, error);
}
