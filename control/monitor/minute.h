/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/monitor/series.h"

G_BEGIN_DECLS

/**
 * PmssMinute:
 *
 * Adds up the seconds of a minute of one node. {0}: none yet. Pure.
 */
typedef struct
{
  double sum[PMSS_N_SERIES];
  double max[PMSS_N_SERIES];
  guint16 number[PMSS_N_SERIES];
} PmssMinute;

/* The first @n of the series; an unknown value counts as no second. */
void    pmss_minute_add  (PmssMinute *minute, const double *values, guint n);
/* The minute as history keeps it (columns.h), and begins anew; NULL: nothing is known. */
GBytes *pmss_minute_take (PmssMinute *minute);

G_END_DECLS
