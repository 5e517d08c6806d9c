/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-engine.h"
#include "libpmss/reader/pmss-wait.h"

/* What comes in: records into rows, failures to whom they concern. */

/* HTTP's status of a node that could not read what it has. */
#define INTERNAL_SERVER_ERROR 500

static PmssRow *
stream_row (PmssEngine * engine, PmssStream * stream, guint32 row)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);

  return pmss_rows_get (&engine->rows,
      range->geometry.extent * engine->rows.rows_per_extent + row);
}

/* Lock held: a record has come, good or bad. */
static void
count_record (PmssLink * link, PmssStream * stream, guint32 row)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);

  link->counters.bytes += PMSS_RECORD_HEADER_SIZE +
      pmss_extent_geometry_unit_length (&range->geometry, row, range->index);
  pmss_link_note_record (link, stream);
}

/* Says of each unit in @rebuilt whose it was. */
static void
count_rebuilt (PmssEngine * engine, PmssRow * row, guint32 rebuilt)
{
  guint i;

  for (i = 0; i < engine->rows.redundancy.k; i++) {
    PmssLink *link = pmss_links_get_shard_link (&engine->links, row->extent, i);

    if (rebuilt & (1u << i))
      ++ * (link != NULL ? &link->counters.rebuilt : &engine->rebuilt_lost);
  }
}

/* Whether others than those that it was made from are asked in their place. */
static gboolean
begin_anew (PmssEngine * engine, PmssRow * row, const GError * error)
{
  if (!g_error_matches (error, PMSS_ERROR, PMSS_ERROR_CORRUPT)
      || !pmss_rows_disbelieve (&engine->rows, row))
    return FALSE;
  pmss_engine_kick (engine);
  return TRUE;
}

/* In the rebuilder's thread. */
static void
row_rebuilt (PmssRowJob * job, gpointer user_data)
{
  PmssEngine *engine = user_data;
  guint64 number = pmss_row_job_get_row (job);
  GError *error = NULL;
  guint32 rebuilt, spared;
  GList *ended = NULL;
  PmssRow *row;

  g_mutex_lock (&engine->lock);
  rebuilt = pmss_row_job_end (job, &engine->rows, &spared, &error);
  row = pmss_rows_get (&engine->rows, number);
  if (rebuilt != 0)
    count_rebuilt (engine, row, rebuilt & ~spared);
  if (error != NULL && begin_anew (engine, row, error)) {
    g_clear_error (&error);
  } else if (error != NULL) {
    pmss_error_get_details (error)->medium = g_strdup (engine->medium);
    g_clear_error (&row->error);
    row->error = error;
  } else if (row != NULL && row->missing != 0) {
    /* more than it was when this began, or it has changed */
    pmss_engine_kick (engine);
  }
  if (pmss_waits_is_for (&engine->waits, number, -1))
    ended = pmss_wait_check (engine, pmss_loop_now (engine->loop));
  g_mutex_unlock (&engine->lock);
  pmss_wait_answer (ended);
}

void
pmss_engine_rebuild (PmssEngine * engine, PmssRowJob * job, gboolean is_awaited)
{
  if (engine->rebuilder == NULL)
    engine->rebuilder = pmss_rebuilder_new (engine->loop, engine->erasure,
        row_rebuilt, engine);
  pmss_rebuilder_push (engine->rebuilder, job, is_awaited);
}

/* A unit of @row has come. */
static void
try_rebuild (PmssEngine * engine, PmssRow * row, gboolean is_awaited)
{
  PmssRowJob *job = pmss_row_job_try_begin (&engine->rows, row, engine->pool);

  if (job != NULL)
    pmss_engine_rebuild (engine, job, is_awaited);
}

static guint32
bad_units (PmssEngine * engine, PmssRow * row)
{
  guint i, n = engine->rows.redundancy.k + engine->rows.redundancy.m;
  guint32 bad = 0;

  for (i = 0; i < n; i++)
    bad |= (guint32) (row->slots[i].state == PMSS_UNIT_BAD) << i;
  return bad;
}

/* Whether @block's record says of the row what the others do. Those that are
 * not believed are told of. */
static gboolean
check_record (PmssEngine * engine, PmssRow * row, PmssBlock * block)
{
  guint32 bad = bad_units (engine, row);
  guint i;

  if (pmss_rows_check_crc (&engine->rows, row, block))
    return TRUE;
  bad = bad_units (engine, row) & ~bad;
  for (i = 0; bad != 0; i++, bad >>= 1) {
    PmssLink *link = pmss_links_get_shard_link (&engine->links, row->extent, i);

    if ((bad & 1) && link != NULL)
      pmss_engine_report (engine, link, row->extent, i, row->row,
          PMSS_REPORT_WRONG);
  }
  return FALSE;
}

/* A record of it came. */
static void
shard_good (PmssEngine * engine, PmssStream * stream)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  PmssLink *link = pmss_stream_get_owner (stream);
  guint32 extent = range->geometry.extent;

  pmss_places_prove (&engine->links.places, extent, range->index,
      (gint) link->index);
  if (pmss_bad_shards_forget (engine->links.bad_shards, extent, range->index,
          pmss_stream_get_started (stream)))
    pmss_reports_forget (engine->reports, extent, range->index);
}

static void
record_came (PmssStream * stream, guint32 row_number, PmssBlock * block,
    gpointer user_data)
{
  PmssEngine *engine = user_data;
  PmssLink *link = pmss_stream_get_owner (stream);
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  guint index = range->index;
  gboolean is_awaited;
  GList *ended = NULL;
  PmssRow *row;

  g_mutex_lock (&engine->lock);
  count_record (link, stream, row_number);
  link->counters.units++;
  pmss_engine_link_good (engine, link);
  shard_good (engine, stream);
  pmss_pass_note_taken (&link->pass, pmss_stream_get_token (stream),
      engine->authorization, engine->links.token_number);
  row = stream_row (engine, stream, row_number);
  if (row == NULL || row->slots[index].state != PMSS_UNIT_ASKED
      || row->slots[index].stream != stream) {
    link->counters.wasted++;
    pmss_block_unref (block);
  } else if (!check_record (engine, row, block)) {
    link->counters.errors++;
    pmss_block_unref (block);
    pmss_engine_kick (engine);
  } else {
    pmss_rows_set_ready (&engine->rows, row, index, block);
    is_awaited = pmss_waits_is_for (&engine->waits, row->number, -1);
    try_rebuild (engine, row, is_awaited);
    if (is_awaited)
      ended = pmss_wait_check (engine, pmss_stream_get_progress (stream));
  }
  if (pmss_link_made_room (stream, row_number))
    pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
  pmss_wait_answer (ended);
}

static void
record_damaged (PmssStream * stream, guint32 row_number, const GError * error,
    gpointer user_data)
{
  PmssEngine *engine = user_data;
  PmssLink *link = pmss_stream_get_owner (stream);
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  gboolean elsewhere;
  PmssRow *row;

  g_message ("node %u (%s), extent %u, shard %u: %s", link->node.id,
      link->peer, range->geometry.extent, range->index, error->message);
  g_mutex_lock (&engine->lock);
  count_record (link, stream, row_number);
  link->counters.errors++;
  row = stream_row (engine, stream, row_number);
  elsewhere = pmss_places_fail (&engine->links.places, range->geometry.extent,
      range->index, (gint) link->index);
  if (row != NULL && row->slots[range->index].stream == stream)
    pmss_rows_set_empty (&engine->rows, row, range->index, elsewhere ?
        PMSS_UNIT_NONE : PMSS_UNIT_BAD);
  pmss_engine_report (engine, link, range->geometry.extent, range->index,
      row_number, PMSS_REPORT_CHECKSUM);
  pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
}

/* What an error says of a shard: it is left alone for a while, and control is
 * told, or not: it is not ours, or its node has no time for it now. */
typedef struct
{
  PmssError code;
  gboolean is_told;
  PmssReportKind kind;
} Verdict;

static const Verdict verdicts[] = {
  {PMSS_ERROR_NOT_FOUND, TRUE, PMSS_REPORT_MISSING},
  {PMSS_ERROR_RANGE, TRUE, PMSS_REPORT_LENGTH},
  {PMSS_ERROR_PROTOCOL, TRUE, PMSS_REPORT_WRONG},
  {PMSS_ERROR_FORBIDDEN, FALSE},
  {PMSS_ERROR_BUSY, FALSE},
};

/* The rest of the disk may be well. */
static const Verdict unreadable = {
  PMSS_ERROR_FAILED, TRUE, PMSS_REPORT_UNREADABLE
};

/* Only an answer can speak about the shard: a name that does not resolve, a
 * connection that ends or what is no HTTP at all are the node's trouble: NULL. */
static const Verdict *
judge_shard (const GError * error)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);
  guint i;

  if (details == NULL || details->http_status == 0)
    return NULL;
  if (details->http_status == INTERNAL_SERVER_ERROR)
    return &unreadable;
  for (i = 0; i < G_N_ELEMENTS (verdicts); i++) {
    if (verdicts[i].code == (PmssError) error->code)
      return &verdicts[i];
  }
  return NULL;
}

/* Lock held: an answer that speaks for the node, and against its shard. */
static void
shard_failed (PmssEngine * engine, PmssLink * link, PmssStream * stream,
    const Verdict * verdict, const GError * error)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  guint32 extent = range->geometry.extent;
  gboolean is_placed;

  if (pmss_bad_shards_get_tries (engine->links.bad_shards, extent,
          range->index) == 0)
    g_message ("node %u (%s), extent %u, shard %u: %s", link->node.id,
        link->peer, extent, range->index, error->message);
  link->counters.errors++;
  pmss_engine_link_good (engine, link);
  /* where it was before, it need not be any more */
  is_placed = pmss_places_get (&engine->links.places, extent, range->index) ==
      (gint) link->index;
  if (!pmss_places_fail (&engine->links.places, extent, range->index,
          (gint) link->index))
    pmss_bad_shards_note (engine->links.bad_shards, extent, range->index,
        pmss_loop_now (engine->loop));
  if (verdict->is_told && is_placed)
    pmss_engine_report (engine, link, extent, range->index, -1, verdict->kind);
}

/* Lock held: what an error says: about the node, the shard, or the token. */
static void
stream_failed (PmssEngine * engine, PmssLink * link, PmssStream * stream,
    const GError * error)
{
  const Verdict *verdict = judge_shard (error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED))
    pmss_engine_link_refused (engine, link, stream, error);
  else if (verdict != NULL)
    shard_failed (engine, link, stream, verdict, error);
  else
    pmss_engine_link_failed (engine, link, pmss_stream_get_started (stream),
        error);
}

static void
stream_done (PmssStream * stream, const GError * error, gpointer user_data)
{
  PmssEngine *engine = user_data;
  PmssLink *link = pmss_stream_get_owner (stream);

  g_mutex_lock (&engine->lock);
  g_ptr_array_remove_fast (link->streams, stream);
  engine->links.n_streams--;
  pmss_link_note_timing (link, stream);
  pmss_rows_release (&engine->rows, stream);
  if (error != NULL) {
    pmss_link_note_given_up (link, stream, pmss_loop_now (engine->loop));
    stream_failed (engine, link, stream, error);
  } else {
    pmss_link_note_end (link, stream);
  }
  pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
}

static const PmssStreamFuncs stream_funcs = {
  record_came, record_damaged, stream_done
};

void
pmss_engine_send (PmssEngine * engine, PmssStream * stream, gint priority)
{
  PmssLink *link = pmss_stream_get_owner (stream);
  guint token;
  const char *authorization = pmss_pass_choose (&link->pass,
      engine->authorization, engine->links.token_number, &token);

  pmss_stream_set_token (stream, token);
  pmss_stream_send (stream, engine->transport, link->base, authorization,
      priority, engine->pool, &stream_funcs, engine);
}

void
pmss_engine_cancel_streams (PmssEngine * engine, PmssLink * link, GQuark domain,
    int code, const char *reason)
{
  guint i;

  for (i = 0; i < link->streams->len; i++)
    pmss_stream_cancel (link->streams->pdata[i], domain, code, reason);
}
