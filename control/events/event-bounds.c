/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which events are too many. Its owner's lock. */
#include "control/events/event-bounds.h"

void
pmss_event_bounds_init (PmssEventBounds * bounds)
{
  bounds->refusals = (PmssEventBucket) {
  PMSS_EVENT_BURST, PMSS_EVENT_REFILL, PMSS_EVENT_BURST};
  bounds->frequent = (PmssEventBucket) {
  PMSS_EVENT_FREQUENT_BURST, PMSS_EVENT_FREQUENT_REFILL,
        PMSS_EVENT_FREQUENT_BURST};
}

static void
refill (PmssEventBucket * bucket, gint64 now)
{
  gint64 more = (now - bucket->refilled) / bucket->refill;

  if (bucket->refilled == 0)
    bucket->refilled = now;
  else if (more > 0) {
    bucket->left = (guint) MIN (bucket->left + more, bucket->burst);
    bucket->refilled += more * bucket->refill;
  }
}

gboolean
pmss_event_bounds_take (PmssEventBounds * bounds, const PmssEvent * event,
    gint64 now, guint64 * missed)
{
  PmssEventBucket *bucket;

  *missed = 0;
  /* the server's own failures are no client's to cause at will */
  if (event->status < 400 && !event->frequent)
    return TRUE;
  bucket = event->status < 400 ? &bounds->frequent : &bounds->refusals;
  refill (bucket, now);
  if (bucket->left == 0) {
    bucket->missed++;
    return FALSE;
  }
  bucket->left--;
  *missed = bucket->missed;
  bucket->missed = 0;
  return TRUE;
}
