/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How often repair lets itself be driven. Pure. */
#include "control/repair/repair-private.h"

gboolean
pmss_repair_pace_take (PmssRepairPace * self, gint64 now)
{
  gint64 until = MAX (self->spent_until, now) + PMSS_REPAIR_PACE_EVERY;

  if (until - now > PMSS_REPAIR_PACE_BURST * PMSS_REPAIR_PACE_EVERY)
    return FALSE;
  self->spent_until = until;
  return TRUE;
}

void
pmss_repair_pace_give (PmssRepairPace * self)
{
  self->spent_until -= PMSS_REPAIR_PACE_EVERY;
}
