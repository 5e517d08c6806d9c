/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long a node that does not answer is left alone. Pure. */
#include "control/nodes/avoidance.h"

void
pmss_avoidance_note_answer (PmssAvoidance * self)
{
  *self = (PmssAvoidance) {
  0};
}

/* Requests that time out together count once. */
void
pmss_avoidance_note_timeout (PmssAvoidance * self, gint64 now, gint64 clock)
{
  if (now < self->until)
    return;
  self->pause = CLAMP (2 * self->pause, PMSS_AVOIDANCE_FIRST,
      PMSS_AVOIDANCE_LONGEST);
  self->until = now + self->pause;
  self->noted = clock;
}

gboolean
pmss_avoidance_holds (const PmssAvoidance * self, gint64 now, gint64 up_since)
{
  return now < self->until && up_since <= self->noted;
}
