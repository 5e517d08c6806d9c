/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/monitor/series.h"

G_BEGIN_DECLS

/**
 * PmssInterval:
 *
 * Adds up what is known of one node in an interval: the mean of the columns that are means, the
 * largest of the others. {0}: nothing yet. Pure.
 */
typedef struct
{
  double value[PMSS_MAX_COLUMNS];
  guint16 number[PMSS_MAX_COLUMNS];
} PmssInterval;

/* Values of the same second: the first @n of the series. */
void    pmss_interval_add_second (PmssInterval *interval, const double *values, guint n);
/* A shorter interval, as take() gave it; hostile. */
void    pmss_interval_add_bytes  (PmssInterval *interval, const void *data, gsize size);
/* As history keeps it (columns.h); it begins anew. NULL: nothing is known. */
GBytes *pmss_interval_take       (PmssInterval *interval);

G_END_DECLS
