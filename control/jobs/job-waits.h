/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssJobWait:
 *
 * Decides when a waiting job is tried again. That is at once when the awaited thing was missing and
 * is there now. It may seem to be there all the time while the job does not get on. Then it is
 * after a pause that doubles with each attempt. Decides only; the caller gives the time.
 *
 * Lives on the jobs' waiting thread.
 */
typedef struct
{
  gboolean waiting;             /* seen as waiting since it was last tried */
  gboolean ready;               /* the awaited thing was there at the last look */
  guint64 done;                 /* bytes, when it began to wait */
  gint64 pause;                 /* us */
  gint64 due;                   /* monotonic, us */
} PmssJobWait;

#define PMSS_JOB_WAIT_FIRST G_USEC_PER_SEC
#define PMSS_JOB_WAIT_LONGEST (60 * (gint64) G_USEC_PER_SEC)

/* A look at a job that waits, with @done bytes done. @ready: the awaited thing seems to be there.
 * TRUE: let it run; the next look begins another wait. */
gboolean pmss_job_wait_look (PmssJobWait *wait, gboolean ready, guint64 done, gint64 now);

G_END_DECLS
