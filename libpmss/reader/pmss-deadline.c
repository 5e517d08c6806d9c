/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-cursors.h"

/* When does somebody need a unit?
 *
 * The consumer goes on from where it is, at its pace: as measured, or as the
 * medium is to be played, whichever is faster, because a player that has filled
 * its queues goes on at the latter. Whoever waits needs it now, and as long as
 * nothing is known of the pace everything is needed now. */

/* us that a row lasts the consumer; 0: not known. */
static gint64
get_row_time (const PmssCursors * self, const PmssCursor * cursor)
{
  gint64 measured = cursor->pace.row_time;
  gint64 played = self->played;

  if (played == 0 || measured == 0)
    return MAX (played, measured);
  return MIN (measured, played);
}

gint64
pmss_cursors_get_deadline (const PmssCursors * self, const PmssWaits * waits,
    guint64 row, guint index)
{
  const PmssCursor *cursor = self->active;
  guint64 k = self->k;
  gint64 units;

  if (pmss_waits_is_for (waits, row, -1))
    return 0;
  if (cursor == NULL || row < cursor->row)
    return G_MAXINT64;
  /* Parity is needed for any unit of its row. */
  units = (row - cursor->row) * k + (index < k ? index : 0);
  return cursor->entered + MAX (0, units - (gint64) cursor->entered_index) *
      get_row_time (self, cursor) / (gint64) k;
}
