/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-pace.h"

/* us of a row: no more than makes sense, so that no sum runs over. */
#define MAX_PLAYED (24 * 3600 * G_TIME_SPAN_SECOND)

void
pmss_pace_begin (PmssPace * pace, guint64 row, gint64 now)
{
  pace->row = row;
  pace->since = now;
  pace->row_time = pace->lead = 0;
}

void
pmss_pace_measure (PmssPace * pace, guint64 row, gint64 now, gint64 played)
{
  gint64 rows, time = now - pace->since;

  if (row <= pace->row)
    return;
  rows = row - pace->row;
  pace->row_time = MAX (1, time / rows);
  if (played > 0)
    pace->lead = MAX (0, pace->lead + rows * MIN (played, MAX_PLAYED) - time);
  pace->row = row;
  pace->since = now;
}

guint64
pmss_pace_get_rows (const PmssPace * pace, gint64 time)
{
  if (time == 0 || pace->row_time == 0)
    return G_MAXUINT64;
  return (time + pace->row_time - 1) / pace->row_time;
}
