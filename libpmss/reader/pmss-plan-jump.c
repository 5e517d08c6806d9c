/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-plan.h"

/* What becomes of requests under way that nobody wants any more. */

/* So is the file's beginning, which demuxers come back to when they have looked
 * at the index at its end. */
static gboolean
stream_is_wanted (PmssPlan * self, PmssCursor * cursor, PmssStream * stream)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  guint64 base = range->geometry.extent * self->rows->rows_per_extent;
  guint64 first = base + pmss_stream_get_row (stream);
  guint64 end = base + range->first_row + range->n_rows;
  guint64 number;

  for (number = first; number < end; number++) {
    if (pmss_waits_is_for (self->waits, number, -1))
      return TRUE;
  }
  return (first < pmss_cursors_get_window_end (self->cursors, cursor)
      && end > cursor->row)
      || first < self->cursors->first_window;
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

/* Its units are not wanted any more, and may be asked again at once. */
static void
end_stream (PmssPlan * self, PmssStream * stream)
{
  const PmssPlanAction action = {.kind = PMSS_PLAN_END,.stream = stream };

  pmss_rows_release (self->rows, stream);
  g_array_append_val (self->actions, action);
}

/* What may finish goes to the part of the cache that is not the window's, and
 * one connection of each link is left for what is wanted now. */
static void
cancel_unwanted_of (PmssPlan * self, PmssCursor * cursor, PmssLink * link,
    gsize * room)
{
  guint finishing = 0;
  guint i;

  for (i = 0; i < link->streams->len; i++) {
    PmssStream *stream = link->streams->pdata[i];
    guint rows = remaining_rows (stream);

    if (stream_is_wanted (self, cursor, stream))
      continue;
    if (is_worth_finishing (link, stream) && rows <= *room
        && finishing + 1 < self->max_connections) {
      finishing++;
      *room -= rows;
    } else {
      end_stream (self, stream);
    }
  }
}

void
pmss_plan_cancel_unwanted (PmssPlan * self, PmssCursor * cursor)
{
  gsize room = self->scene.behind;
  guint i;

  for (i = 0; i < self->links->all->len; i++)
    cancel_unwanted_of (self, cursor, pmss_links_get (self->links, i), &room);
}
