/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seconds, and shorter intervals, become a mean and a largest. Pure. */
#include "control/monitor/interval.h"

#include <string.h>

#include "control/monitor/columns.h"
#include "control/monitor/packed-number.h"

/* Even columns are means, odd ones the largest. A column is newer than this control, or one of its
 * own. */
static void
add (PmssInterval * self, guint column, double value)
{
  if (isnan (value) || column >= PMSS_MAX_COLUMNS
      || self->number[column] == G_MAXUINT16)
    return;
  if (column % 2 == 0)
    self->value[column] += value;
  else
    self->value[column] = fmax (self->value[column], value);
  self->number[column]++;
}

void
pmss_interval_add_second (PmssInterval * self, const double *values, guint n)
{
  for (guint i = 0; i < n; i++) {
    const PmssSeriesInfo *info = pmss_series_get_info (i);

    add (self, 2 * info->number, values[i]);
    if (info->has_max)
      add (self, 2 * info->number + 1, values[i]);
  }
}

void
pmss_interval_add_bytes (PmssInterval * self, const void *data, gsize size)
{
  PmssColumnsIter iter;
  guint column;
  guint16 packed;

  pmss_columns_iter_init (&iter, data, size);
  while (pmss_columns_iter_next (&iter, &column, &packed))
    add (self, column, pmss_packed_number_unpack (packed));
}

GBytes *
pmss_interval_take (PmssInterval * self)
{
  GByteArray *bytes = g_byte_array_new ();

  for (guint i = 0; i < PMSS_MAX_COLUMNS; i++)
    if (self->number[i] > 0)
      pmss_columns_append (bytes, i, i % 2 == 0 ?
          self->value[i] / self->number[i] : self->value[i]);
  memset (self, 0, sizeof (*self));
  if (bytes->len > 0)
    return g_byte_array_free_to_bytes (bytes);
  g_byte_array_unref (bytes);
  return NULL;
}
