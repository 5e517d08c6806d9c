/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fault that begins and ends by two conditions. Pure. */
#include "control/monitor/trigger.h"

static gboolean
has_held (PmssTrigger * trigger, gboolean condition, gint64 hold, gint64 now)
{
  if (!condition) {
    trigger->held = 0;
    return FALSE;
  }
  if (trigger->held == 0)
    trigger->held = now;
  return now - trigger->held >= hold;
}

gboolean
pmss_trigger_drop (PmssTrigger * trigger, gint64 now)
{
  gboolean lasted = trigger->lasts;

  trigger->held = 0;
  trigger->lasts = FALSE;
  if (lasted)
    trigger->ended = now;
  return lasted;
}

gboolean
pmss_trigger_step (PmssTrigger * trigger, gboolean begins, gboolean ends,
    gint64 hold_begin, gint64 hold_end, gint64 now)
{
  if (trigger->lasts)
    return has_held (trigger, ends, hold_end, now)
        && pmss_trigger_drop (trigger, now);
  if (!has_held (trigger, begins, hold_begin, now)
      || (trigger->ended != 0 && now - trigger->ended < PMSS_TRIGGER_REST))
    return FALSE;
  trigger->lasts = TRUE;
  trigger->began = now;
  trigger->held = 0;
  return TRUE;
}
