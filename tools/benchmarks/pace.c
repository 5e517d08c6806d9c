/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pace.h"

gint64
bench_pace_take (BenchPace * pace, gsize bytes)
{
  gint64 now = g_get_monotonic_time ();
  gint64 due;

  if (pace->first == 0)
    pace->first = now;
  due = pace->first + pace->bytes / pace->bytes_per_second * G_USEC_PER_SEC;
  pace->bytes += bytes;
  if (now < due)
    g_usleep (due - now);
  return MAX (0, now - due);
}

void
bench_pace_slip (BenchPace * pace, gint64 late)
{
  pace->first += late;
}
