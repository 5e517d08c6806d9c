/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows PmssLate what the engine has under way, and does what it says. On the I/O thread. */
#include "libpmss/reader/pmss-engine.h"

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
    *deadline = pmss_cursors_get_deadline (&engine->cursors, &engine->waits,
        base + i, range->index);
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

    if (!pmss_waits_is_for (&engine->waits, row->number, -1))
      continue;
    index = pmss_links_get_link_shard (&engine->links, link, row->extent);
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

/* Since when @link keeps somebody waiting whom others may not be asked to help:
 * when that is too long it is not asked any more, and they are asked once. */
static gint64
get_denied_since (PmssEngine * engine, PmssLink * link)
{
  gint64 since = G_MAXINT64, deadline;

  for (guint i = 0; i < link->streams->len; i++) {
    PmssStream *stream = link->streams->pdata[i];
    PmssRow *row = find_needed (engine, stream, &deadline);

    if (row != NULL && row->denied)
      since = MIN (since, MAX (pmss_stream_get_awaited_since (stream),
              deadline));
  }
  return since;
}

static PmssLateView
view_link (PmssEngine * engine, PmssLink * link, gint64 now)
{
  PmssLateView view = {.is_busy = link->streams->len > 0,
    .is_up = link->state == PMSS_LINK_UP,.last_record = link->last_record,
    .record_time = link->record_time,.rtt = link->rtt,
    .least_rtt = link->least_rtt
  };

  if (!view.is_busy)
    return view;
  view.wait = pmss_link_get_wait (link, now);
  view.silence = pmss_link_get_silence (link, now);
  if (view.is_up)
    view.needed = get_deadline (engine, link);
  else
    view.denied_since = get_denied_since (engine, link);
  return view;
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

static void
follow (PmssEngine * engine, PmssLink * link, const PmssLateView * view,
    PmssLateVerdict verdict, gint64 now)
{
  /* A lost one, too, may have a connection that only says nothing. */
  if (view->is_busy && !view->is_up)
    take_back (engine, link);
  if (verdict == PMSS_LATE_WAIT)
    return;
  if (verdict == PMSS_LATE_IS_LATE) {
    g_debug ("node %u (%s) is late: a record that is needed in %"
        G_GINT64_FORMAT " ms is awaited for %" G_GINT64_FORMAT " ms",
        link->node.id, link->peer, (view->needed - now) / 1000,
        view->wait / 1000);
    pmss_link_note_late (link, now);
    pmss_lease_hurry (engine->lease);
    pmss_engine_kick (engine);
    return;
  }
  if (link->state == PMSS_LINK_LATE)
    pmss_link_note_late (link, now);
  pmss_engine_cancel_streams (engine, link, G_IO_ERROR, G_IO_ERROR_CANCELLED,
      "late");
}

void
pmss_engine_check_late (PmssEngine * engine, gint64 now)
{
  guint n = engine->links.all->len;
  g_autofree PmssLateView *views = g_new (PmssLateView, n + 1);
  g_autofree PmssLateVerdict *verdicts = g_new (PmssLateVerdict, n + 1);

  for (guint i = 0; i < n; i++)
    views[i] = view_link (engine, pmss_links_get (&engine->links, i), now);
  pmss_late_judge (&engine->late, now, engine->rows.redundancy, views, n,
      verdicts);
  for (guint i = 0; i < n; i++)
    follow (engine, pmss_links_get (&engine->links, i), &views[i], verdicts[i],
        now);
}
