/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers in 16 bits. Pure. */
#include "control/monitor/packed-number.h"

#include <math.h>

#define STEPS 768.0             /* in an octave */
#define FIRST -25.0             /* octave of 1 */
#define LARGEST (PMSS_PACKED_GAP - 1)
#define MAX_TEXT 32

guint16
pmss_packed_number_pack (double value)
{
  double place;

  if (isnan (value))
    return PMSS_PACKED_GAP;
  if (value <= 0)
    return 0;
  place = round ((log2 (value) - FIRST) * STEPS) + 1;
  return place < 1 ? 0 : (guint16) MIN (place, LARGEST);
}

static double
unpack (guint packed)
{
  if (packed == PMSS_PACKED_GAP)
    return NAN;
  return packed == 0 ? 0 : exp2 ((packed - 1) / STEPS + FIRST);
}

/* Charts unpack millions: a quarter of a MiB is faster than as many powers. */
static gpointer
make_table (gpointer data)
{
  float *table = g_new (float, PMSS_PACKED_GAP + 1);

  for (guint i = 0; i <= PMSS_PACKED_GAP; i++)
    table[i] = (float) unpack (i);
  return table;
}

double
pmss_packed_number_unpack (guint16 packed)
{
  static GOnce once = G_ONCE_INIT;

  return ((const float *) g_once (&once, make_table, NULL))[packed];
}

void
pmss_packed_number_write (double value, PmssJsonWriter * json)
{
  char text[MAX_TEXT];

  if (isnan (value))
    pmss_json_writer_add_null_value (json);
  else
    pmss_json_writer_add_json (json, g_ascii_formatd (text, sizeof (text),
            "%.5g", value), -1);
}
