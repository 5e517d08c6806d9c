/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/events/event.h"

G_BEGIN_DECLS

/**
 * PmssEventBounds:
 *
 * How many refusals and frequent events are noted, so that no client can fill the journal or the
 * log with them. All other events are noted. Owned by #PmssEvents, which locks it. Knows no clock.
 */

/* How many refusals are noted at once, and after how many microseconds there is one more. */
#define PMSS_EVENT_BURST 30
#define PMSS_EVENT_REFILL G_USEC_PER_SEC
/* The same for frequent events. */
#define PMSS_EVENT_FREQUENT_BURST 100
#define PMSS_EVENT_FREQUENT_REFILL (G_USEC_PER_SEC / 2)

typedef struct
{
  guint burst;
  gint64 refill;                /* us */
  guint left;                   /* events that may be noted now */
  gint64 refilled;              /* monotonic; 0: not yet */
  guint64 missed;
} PmssEventBucket;

typedef struct
{
  PmssEventBucket refusals, frequent;
} PmssEventBounds;

void     pmss_event_bounds_init (PmssEventBounds *bounds);
/* Whether @event is to be noted at @now (monotonic, microseconds). @missed: (out) how many of its
 * kind (refusals, or frequent events) were left out since the last one. */
gboolean pmss_event_bounds_take (PmssEventBounds *bounds, const PmssEvent *event, gint64 now,
    guint64 *missed);

G_END_DECLS
