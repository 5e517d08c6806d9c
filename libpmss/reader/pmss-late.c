/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-engine.h"
#include "libpmss/reader/pmss-wait.h"

/* Who is late?
 *
 * A node that will not give in time what somebody needs: silent, or so slow that
 * it comes to the same. Others are asked in its place, as in Dean and Barroso,
 * "The Tail at Scale" (CACM 56(2), 2013): a request is hedged when it takes
 * longer than almost all do, and the share of such requests is bounded
 * (pmss-budget.h). But not before it is needed: a unit's deadline is known
 * (pmss-deadline.c), and as long as others could still give it in time the node
 * may catch up. So a node is late when
 *
 * - its record takes longer than it takes almost all nodes: four times the
 *   median, which of times that are distributed exponentially 94 % keep to;
 * - no more than that is left until somebody needs it;
 * - it is the exception. Where all nodes wait alike it is the client's own
 *   network, and asking others only makes it worse: there may be no more such
 *   nodes than redundancy makes up for, and others must have given theirs. Only
 *   of one that says nothing at all for a second nobody asks that.
 */

#define OVERDUE 4
/* A node may be far away, and the client's network may be full; but that a node
 * takes longer than it did, and longer than others, buys it no time. */
#define MIN_PATIENCE (50 * G_TIME_SPAN_MILLISECOND)
#define MAX_PATIENCE (2 * G_TIME_SPAN_SECOND)
/* As long as nothing is known of any node. */
#define FIRST_PATIENCE (250 * G_TIME_SPAN_MILLISECOND)
#define MAX_SILENCE (1 * G_TIME_SPAN_SECOND)
/* What is needed now, and may not be asked for twice, is taken from a late node
 * after so long. */
#define GIVE_UP (250 * G_TIME_SPAN_MILLISECOND)

/* Of all nodes, in us; 0: nothing is known. */
typedef struct
{
  gint64 now;
  gint64 record_time;
  gint64 rtt;
} Usual;

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a, second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

static gint64
find_median (GArray * times)
{
  if (times->len == 0)
    return 0;
  g_array_sort (times, compare_times);
  return g_array_index (times, gint64, times->len / 2);
}

static Usual
find_usual (PmssEngine * engine, gint64 now)
{
  g_autoptr (GArray) records = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) rtts = g_array_new (FALSE, FALSE, sizeof (gint64));
  Usual usual = {.now = now };
  guint i;

  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    if (link->record_time > 0)
      g_array_append_val (records, link->record_time);
    if (link->rtt > 0)
      g_array_append_val (rtts, link->rtt);
  }
  usual.record_time = find_median (records);
  usual.rtt = find_median (rtts);
  return usual;
}

/* us that almost all answers take, from nodes that are @rtt away. */
static gint64
get_patience (const Usual * usual, gint64 rtt)
{
  if (usual->rtt == 0)
    return FIRST_PATIENCE;
  return MAX (CLAMP (OVERDUE * rtt, MIN_PATIENCE, MAX_PATIENCE),
      OVERDUE * usual->record_time);
}

static gint64
get_link_patience (PmssLink * link, const Usual * usual)
{
  return get_patience (usual, MAX (link->least_rtt, MIN (link->rtt,
              usual->rtt)));
}

static gboolean
is_overdue (PmssLink * link, const Usual * usual)
{
  return pmss_link_get_wait (link, usual->now) >=
      get_link_patience (link, usual);
}

/* The first row that somebody needs and @stream is to bring, and when: what it
 * receives now the consumer may have passed already, with the others' help. */
static PmssRow *
find_needed (PmssEngine * engine, PmssStream * stream, gint64 * deadline)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  guint64 base = range->geometry.extent * engine->rows.rows_per_extent;
  guint32 i;

  for (i = pmss_stream_get_row (stream); i < range->first_row + range->n_rows;
      i++) {
    PmssRow *row = pmss_rows_get (&engine->rows, base + i);

    if (row == NULL || row->slots[range->index].state != PMSS_UNIT_ASKED
        || row->slots[range->index].stream != stream)
      continue;
    *deadline = pmss_deadline_get (engine, base + i, range->index);
    if (*deadline < G_MAXINT64)
      return row;
  }
  return NULL;
}

/* Whether somebody waits for what @link could not even be asked for, because it
 * has all the requests that it may have: of what nobody waits for any more. */
static gboolean
is_blocked (PmssEngine * engine, PmssLink * link)
{
  GHashTableIter iter;
  gpointer value;

  if (pmss_link_has_room (link, engine->settings.max_connections, TRUE))
    return FALSE;
  g_hash_table_iter_init (&iter, engine->rows.table);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    PmssRow *row = value;
    gint index;

    if (!pmss_wait_is_for (engine, row->number, -1))
      continue;
    index = pmss_engine_get_link_shard (engine, link, row->extent);
    if (index >= 0 && row->slots[index].wanted
        && row->slots[index].state == PMSS_UNIT_NONE)
      return TRUE;
  }
  return FALSE;
}

/* When the first of what it is to give is needed. */
static gint64
get_deadline (PmssEngine * engine, PmssLink * link)
{
  gint64 first = G_MAXINT64, deadline;
  guint i;

  for (i = 0; i < link->streams->len; i++) {
    if (find_needed (engine, link->streams->pdata[i], &deadline) != NULL)
      first = MIN (first, deadline);
  }
  if (first > 0 && is_blocked (engine, link))
    first = 0;
  return first;
}

/* The share of the nodes that redundancy makes up for. */
static gboolean
are_exceptions (PmssEngine * engine, guint n_overdue)
{
  PmssRedundancy redundancy = engine->rows.redundancy;

  return n_overdue * (redundancy.k + redundancy.m) <=
      redundancy.m * engine->links->len;
}

/* Whether a node other than @link has given all that was asked of it, or at
 * least something meanwhile. */
static gboolean
are_others_well (PmssEngine * engine, PmssLink * link, const Usual * usual)
{
  gint64 since = usual->now - pmss_link_get_wait (link, usual->now);
  guint i;

  /* Of replicas only one is asked. */
  if (engine->rows.redundancy.k == 1)
    return TRUE;
  for (i = 0; i < engine->links->len; i++) {
    PmssLink *other = engine->links->pdata[i];

    if (other != link && other->state == PMSS_LINK_UP && other->last_record > 0
        && !is_overdue (other, usual)
        && (other->streams->len == 0 || other->last_record > since))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_silent (PmssLink * link, const Usual * usual)
{
  return pmss_link_get_silence (link, usual->now) >
      MAX (MAX_SILENCE, get_link_patience (link, usual));
}

static void
check_link (PmssEngine * engine, PmssLink * link, const Usual * usual,
    guint n_overdue)
{
  gint64 patience = get_link_patience (link, usual);
  gint64 wait = pmss_link_get_wait (link, usual->now);
  gint64 left = get_deadline (engine, link) - usual->now;

  if (wait < patience || left > engine->hedge_time) {
    /* When both will be so, if nothing comes. */
    if (left < G_MAXINT64 / 2)
      engine->look_at = MIN (engine->look_at, usual->now +
          MAX (patience - wait, left - engine->hedge_time));
    return;
  }
  if (!is_silent (link, usual) && !(are_exceptions (engine, n_overdue)
          && are_others_well (engine, link, usual)))
    return;
  g_debug ("node %u (%s) is late: a record that is needed in %" G_GINT64_FORMAT
      " ms is awaited for %" G_GINT64_FORMAT " ms", link->node.id, link->peer,
      left / 1000, wait / 1000);
  pmss_link_note_late (link, usual->now);
  pmss_engine_kick (engine);
}

/* Whether @link keeps somebody waiting whom others may not be asked to help:
 * then it is not asked any more, and they are asked once. */
static gboolean
is_to_be_given_up (PmssEngine * engine, PmssLink * link, gint64 now)
{
  gint64 deadline;
  guint i;

  for (i = 0; i < link->streams->len; i++) {
    PmssStream *stream = link->streams->pdata[i];
    PmssRow *row = find_needed (engine, stream, &deadline);

    if (row != NULL && row->denied && deadline <= now
        && now - MAX (pmss_stream_get_awaited_since (stream), deadline) >=
        GIVE_UP)
      return TRUE;
  }
  return FALSE;
}

/* What a late node sends now, others have given meanwhile: the rest of that
 * request is taken back, so that it need not be asked for twice, too, and the
 * node is not kept busy with it. */
static void
take_back (PmssEngine * engine, PmssLink * link)
{
  guint i;

  for (i = 0; i < link->streams->len; i++) {
    PmssStream *stream = link->streams->pdata[i];
    const PmssStreamRange *range = pmss_stream_get_range (stream);
    PmssRow *row = pmss_rows_get (&engine->rows, range->geometry.extent *
        engine->rows.rows_per_extent + pmss_stream_get_row (stream));

    if (row == NULL || row->slots[range->index].stream != stream)
      pmss_stream_cancel (stream, G_IO_ERROR, G_IO_ERROR_CANCELLED, "late");
  }
}

void
pmss_late_check (PmssEngine * engine, gint64 now)
{
  const Usual usual = find_usual (engine, now);
  guint i, n_overdue = 0;

  engine->hedge_time = get_patience (&usual, usual.rtt);
  engine->look_at = G_MAXINT64;
  for (i = 0; i < engine->links->len; i++)
    n_overdue += is_overdue (engine->links->pdata[i], &usual);
  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    if (link->streams->len == 0)
      continue;
    if (link->state == PMSS_LINK_UP) {
      check_link (engine, link, &usual, n_overdue);
    } else {
      /* A lost one, too, may have a connection that only says nothing. */
      take_back (engine, link);
      if (!is_to_be_given_up (engine, link, now))
        continue;
      if (link->state == PMSS_LINK_LATE)
        pmss_link_note_late (link, now);
      pmss_engine_cancel_streams (engine, link, G_IO_ERROR,
          G_IO_ERROR_CANCELLED, "late");
    }
  }
}
