/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seconds of a minute become its mean and its largest. Pure. */
#include "control/monitor/minute.h"

#include <string.h>

#include "control/monitor/columns.h"

void
pmss_minute_add (PmssMinute * self, const double *values, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (isnan (values[i]))
      continue;
    self->max[i] = self->number[i] == 0 ? values[i]
        : fmax (self->max[i], values[i]);
    self->sum[i] += values[i];
    self->number[i]++;
  }
}

GBytes *
pmss_minute_take (PmssMinute * self)
{
  GByteArray *bytes = g_byte_array_new ();

  for (guint i = 0; i < PMSS_N_SERIES; i++) {
    const PmssSeriesInfo *info = pmss_series_get_info (i);

    if (self->number[i] == 0)
      continue;
    pmss_columns_append (bytes, 2 * info->number,
        self->sum[i] / self->number[i]);
    if (info->has_max)
      pmss_columns_append (bytes, 2 * info->number + 1, self->max[i]);
  }
  memset (self, 0, sizeof (*self));
  if (bytes->len > 0)
    return g_byte_array_free_to_bytes (bytes);
  g_byte_array_unref (bytes);
  return NULL;
}
