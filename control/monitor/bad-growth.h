/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssBadGrowth:
 *
 * By how much a node's number of bad shards has grown within an hour. A value, cleared to zeros;
 * pure.
 */
#define PMSS_BAD_GROWTH_SLOTS 12
#define PMSS_BAD_GROWTH_TIME G_TIME_SPAN_HOUR

typedef struct
{
  struct
  {
    gint64 number;              /* of the five minutes, from the beginning of the clock, + 1 */
    double least;
  } slots[PMSS_BAD_GROWTH_SLOTS];
  double last;
  gboolean known;               /* `last` is */
  gint64 grew;                  /* us, when it grew last; 0: never */
} PmssBadGrowth;

/* @shards: at @now (us). Returns the growth. */
double   pmss_bad_growth_note (PmssBadGrowth *growth, double shards, gint64 now);
/* Whether it has not grown for an hour. */
gboolean pmss_bad_growth_rests (const PmssBadGrowth *growth, gint64 now);

G_END_DECLS
