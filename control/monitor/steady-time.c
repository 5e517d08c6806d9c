/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seconds of the monotonic clock, named by the wall clock. Pure. */
#include "control/monitor/steady-time.h"

/* A clock that is off by more than this was set. */
#define TOLERANCE G_USEC_PER_SEC

void
pmss_steady_time_look (PmssSteadyTime * self, gint64 monotonic, gint64 wall)
{
  gint64 difference = wall - monotonic;

  if (self->begun
      && ABS (difference - self->offset * G_USEC_PER_SEC) <= TOLERANCE)
    return;
  self->begun = TRUE;
  /* half a second is as far as can be from where it would move again */
  self->offset = (difference + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC;
}
