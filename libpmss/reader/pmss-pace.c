/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-pace.h"

void
pmss_pace_begin (PmssPace * pace, guint64 row, gint64 now)
{
  pace->row = row;
  pace->since = now;
  pace->row_time = 0;
}

void
pmss_pace_measure (PmssPace * pace, guint64 row, gint64 now)
{
  if (row <= pace->row)
    return;
  pace->row_time = MAX (1, (now - pace->since) / (gint64) (row - pace->row));
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
