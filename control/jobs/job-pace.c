/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How fast a job gets on. Pure. */
#include "control/jobs/job-pace.h"

#define NS 1000000000.0

static const PmssJobPaceMark *
get_mark (const PmssJobPace * self, guint number)
{
  return &self->marks[number % PMSS_JOB_PACE_MARKS];
}

void
pmss_job_pace_note (PmssJobPace * self, guint64 done, gint64 now)
{
  const PmssJobPaceMark *last = self->n > 0 ? get_mark (self, self->n - 1)
      : NULL;

  if (last != NULL && done < last->done)
    self->n = 0;
  else if (last != NULL && now - last->at < PMSS_JOB_PACE_STEP)
    return;
  self->marks[self->n % PMSS_JOB_PACE_MARKS] = (PmssJobPaceMark) {
  now, done};
  self->n++;
}

/* The last mark that is a span old. There may be none: then the oldest one. */
static const PmssJobPaceMark *
find_base (const PmssJobPace * self, gint64 now)
{
  guint first = self->n > PMSS_JOB_PACE_MARKS ? self->n - PMSS_JOB_PACE_MARKS
      : 0;

  for (guint i = self->n - 1; i > first; i--)
    if (now - get_mark (self, i)->at >= PMSS_JOB_PACE_SPAN)
      return get_mark (self, i);
  return get_mark (self, first);
}

gint64
pmss_job_pace_get (const PmssJobPace * self, guint64 done, gint64 now)
{
  const PmssJobPaceMark *base;
  gint64 elapsed;

  if (self->n == 0)
    return -1;
  base = find_base (self, now);
  elapsed = now - base->at;
  if (elapsed < PMSS_JOB_PACE_STEP || done < base->done)
    return -1;
  elapsed = MIN (elapsed, PMSS_JOB_PACE_SPAN + PMSS_JOB_PACE_STEP);
  return (gint64) ((double) (done - base->done) * G_USEC_PER_SEC
      / (double) elapsed);
}

gint64
pmss_job_pace_get_left (guint64 done, guint64 total, gint64 rate)
{
  double left;

  if (rate <= 0 || done >= total)
    return -1;
  left = (double) (total - done) / (double) rate *NS;
  return left < (double) G_MAXINT64 / 2 ? (gint64) left : -1;
}
