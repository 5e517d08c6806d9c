/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-plan.h"
#include "libpmss/reader/pmss-wait.h"

/* What becomes of requests under way that nobody wants any more. */

/* So is the file's beginning, which demuxers come back to when they have looked
 * at the index at its end. */
static gboolean
stream_is_wanted (PmssEngine * engine, PmssCursor * cursor, PmssStream * stream)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  guint64 base = range->geometry.extent * engine->rows.rows_per_extent;
  guint64 first = base + pmss_stream_get_row (stream);
  guint64 end = base + range->first_row + range->n_rows;
  guint64 number;

  for (number = first; number < end; number++) {
    if (pmss_wait_is_for (engine, number, -1))
      return TRUE;
  }
  return (first < pmss_cursor_get_window_end (engine, cursor)
      && end > cursor->row)
      || first < engine->first_window;
}

/* Cancelling costs the connection, and a round trip for a new one: what comes
 * within that time may as well come. */
static gboolean
is_worth_finishing (PmssLink * link, PmssStream * stream)
{
  guint64 soon = link->rate * link->rtt / G_TIME_SPAN_SECOND;

  return pmss_stream_get_remaining (stream) <= CLAMP (soon, PMSS_DEFAULT_UNIT,
      PMSS_LINK_ALMOST_THROUGH);
}

/* Rows that it has yet to bring. */
static guint
remaining_rows (PmssStream * stream)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);

  return range->first_row + range->n_rows - pmss_stream_get_row (stream);
}

/* What may finish goes to the part of the cache that is not the window's, and
 * one connection of each link is left for what is wanted now. */
static void
cancel_unwanted_of (PmssEngine * engine, PmssCursor * cursor, PmssLink * link,
    gsize * room)
{
  guint finishing = 0;
  guint i;

  for (i = 0; i < link->streams->len; i++) {
    PmssStream *stream = link->streams->pdata[i];
    guint rows = remaining_rows (stream);

    if (stream_is_wanted (engine, cursor, stream))
      continue;
    if (is_worth_finishing (link, stream) && rows <= *room
        && finishing + 1 < engine->settings.max_connections) {
      finishing++;
      *room -= rows;
    } else {
      pmss_engine_drop_stream (engine, stream);
    }
  }
}

void
pmss_plan_cancel_unwanted (PmssEngine * engine, PmssCursor * cursor)
{
  gsize room = pmss_engine_get_behind (engine);
  guint i;

  for (i = 0; i < engine->links->len; i++)
    cancel_unwanted_of (engine, cursor, engine->links->pdata[i], &room);
}
