/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a number of bad shards grows. Pure. */
#include "control/monitor/bad-growth.h"

#define SLOT (PMSS_BAD_GROWTH_TIME / PMSS_BAD_GROWTH_SLOTS)

double
pmss_bad_growth_note (PmssBadGrowth * growth, double shards, gint64 now)
{
  gint64 number = now / SLOT + 1;
  guint at = (guint) (number % PMSS_BAD_GROWTH_SLOTS);
  double least = shards;

  if (growth->known && shards > growth->last)
    growth->grew = now;
  if (growth->slots[at].number != number) {
    growth->slots[at].number = number;
    /* what was there when this time began counts for it, too */
    growth->slots[at].least = growth->known ? MIN (growth->last, shards)
        : shards;
  }
  growth->slots[at].least = MIN (growth->slots[at].least, shards);
  growth->last = shards;
  growth->known = TRUE;
  for (guint i = 0; i < PMSS_BAD_GROWTH_SLOTS; i++)
    if (growth->slots[i].number != 0
        && number - growth->slots[i].number < PMSS_BAD_GROWTH_SLOTS)
      least = MIN (least, growth->slots[i].least);
  return shards - least;
}

gboolean
pmss_bad_growth_rests (const PmssBadGrowth * growth, gint64 now)
{
  return growth->grew == 0 || now - growth->grew >= PMSS_BAD_GROWTH_TIME;
}
