/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-engine.h"

#include "libpmss/reader/pmss-wait.h"

/* When does somebody need a unit?
 *
 * The consumer goes on from where it is, at its pace: as measured, or as the
 * medium is to be played, whichever is faster, because a player that has filled
 * its queues goes on at the latter. Whoever waits needs it now, and as long as
 * nothing is known of the pace everything is needed now. */

gint64
pmss_deadline_get_played (PmssEngine * engine)
{
  const PmssSession *session = engine->session;
  guint64 rate = MAX (session->avg_bitrate, session->peak_bitrate);
  guint64 bits = 8 * (guint64) engine->rows.redundancy.k * engine->rows.unit;

  return rate == 0 ? 0 : MAX (1, bits * G_TIME_SPAN_SECOND / rate);
}

/* us that a row lasts the consumer; 0: not known. */
static gint64
get_row_time (PmssEngine * engine, PmssCursor * cursor)
{
  gint64 measured = cursor->pace.row_time;
  gint64 played = pmss_deadline_get_played (engine);

  if (played == 0 || measured == 0)
    return MAX (played, measured);
  return MIN (measured, played);
}

gint64
pmss_deadline_get (PmssEngine * engine, guint64 row, guint index)
{
  PmssCursor *cursor = engine->active;
  guint64 k = engine->rows.redundancy.k;
  gint64 units;

  if (pmss_wait_is_for (engine, row, -1))
    return 0;
  if (cursor == NULL || row < cursor->row)
    return G_MAXINT64;
  /* Parity is needed for any unit of its row. */
  units = (row - cursor->row) * k + (index < k ? index : 0);
  return cursor->entered + MAX (0, units - (gint64) cursor->entered_index) *
      get_row_time (engine, cursor) / (gint64) k;
}
