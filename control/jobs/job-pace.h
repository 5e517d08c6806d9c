/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssJobPace:
 *
 * How fast a job gets on, over the last minute. Pure: the caller gives the time. {0} has not begun.
 */
#define PMSS_JOB_PACE_SPAN (60 * (gint64) G_USEC_PER_SEC)
#define PMSS_JOB_PACE_STEP (2 * (gint64) G_USEC_PER_SEC)
/* of a span, one before it, and one to come */
#define PMSS_JOB_PACE_MARKS 34

typedef struct
{
  gint64 at;                    /* monotonic, us */
  guint64 done;                 /* bytes */
} PmssJobPaceMark;

typedef struct
{
  PmssJobPaceMark marks[PMSS_JOB_PACE_MARKS];   /* a ring: the newest PMSS_JOB_PACE_MARKS */
  guint n;                      /* that there ever were */
} PmssJobPace;

/* @done bytes of all are done. Where that is less than before, the job has begun anew. */
void   pmss_job_pace_note     (PmssJobPace *pace, guint64 done, gint64 now);
/* Bytes a second; -1: not known yet. */
gint64 pmss_job_pace_get      (const PmssJobPace *pace, guint64 done, gint64 now);
/* How long the rest takes at @rate, in ns; -1: not known. */
gint64 pmss_job_pace_get_left (guint64 done, guint64 total, gint64 rate);

G_END_DECLS
