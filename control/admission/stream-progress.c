/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far a stream is, by its plan and by its reader. Pure. */
#include "control/admission/stream-progress.h"

guint32
pmss_progress_get_slot (const PmssProgress * self, const PmssStreamPlan * plan,
    guint64 now)
{
  guint64 last = MAX (pmss_stream_plan_get_slots (plan), 1) - 1;
  guint64 passed = now > self->start ? now - self->start : 0;

  return (guint32) MIN (self->skip + MIN (passed, last), last);
}

/* Its place and that of the plan differ by more than its buffer explains. */
static gboolean
is_elsewhere (const PmssProgress * self, const PmssStreamPlan * plan,
    guint64 now, guint64 position)
{
  const PmssEnvelope *envelope = pmss_stream_plan_get_envelope (plan);
  guint32 slot = pmss_progress_get_slot (self, plan, now);
  guint64 buffer = pmss_envelope_get_buffer (envelope);
  guint64 least = pmss_envelope_get_before (envelope, slot);
  guint64 most = pmss_envelope_get_before (envelope, slot + 1);

  return position > most + buffer || position + buffer < least;
}

static PmssProgressStep
note_idle (PmssProgress * self, guint64 now)
{
  if (self->idle_since == 0)
    self->idle_since = now;
  return self->held && now - self->idle_since >= PMSS_PROGRESS_KEPT
      ? PMSS_PROGRESS_RESTS : PMSS_PROGRESS_GOES_ON;
}

PmssProgressStep
pmss_progress_note (PmssProgress * self, const PmssStreamPlan * plan,
    guint64 now, gint64 position, gboolean idle, guint32 * skip)
{
  guint64 size = pmss_envelope_get_bytes (pmss_stream_plan_get_envelope (plan));

  /* nobody moves before the start that was granted */
  if (now < self->start)
    return PMSS_PROGRESS_GOES_ON;
  if (idle)
    return note_idle (self, now);
  self->idle_since = 0;
  if (position < 0) {
    *skip = pmss_progress_get_slot (self, plan, now);
    return self->held ? PMSS_PROGRESS_GOES_ON : PMSS_PROGRESS_MOVES;
  }
  position = MIN (position, (gint64) MIN (size, G_MAXINT64));
  if (self->held && !is_elsewhere (self, plan, now, (guint64) position))
    return PMSS_PROGRESS_GOES_ON;
  *skip = MIN (pmss_stream_plan_find_slot (plan, (guint64) position),
      MAX (pmss_stream_plan_get_slots (plan), 1) - 1);
  return PMSS_PROGRESS_MOVES;
}
