/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells when the clock was set. Pure. */
#include "control/sessions/clock-step.h"

/* µs: less is the time between two readings, or a clock that is slewed. */
#define NOTABLE (2 * G_USEC_PER_SEC)

gint64
pmss_clock_step_note (PmssClockStep * step, gint64 real, gint64 monotonic)
{
  gint64 offset = real - monotonic;
  gint64 moved = step->known ? offset - step->offset : 0;

  if (step->known && ABS (moved) < NOTABLE)
    return 0;
  step->known = TRUE;
  step->offset = offset;
  return moved / G_USEC_PER_SEC;
}
