/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs that wait: looked at by a thread of their own, which queues them again. */
#include "control/jobs/job-waits.h"

#include "control/jobs/jobs-private.h"
#include "libpmss/pmss-error.h"

#define LOOK_EVERY (G_USEC_PER_SEC / 2)
#define MAX_LOOKED_AT 1000

/* Deciding */

static void
begin (PmssJobWait * wait, gboolean ready, guint64 done, gint64 now)
{
  if (wait->pause == 0 || done > wait->done)
    wait->pause = PMSS_JOB_WAIT_FIRST;
  else
    wait->pause = MIN (2 * wait->pause, PMSS_JOB_WAIT_LONGEST);
  wait->waiting = TRUE;
  wait->ready = ready;
  wait->done = done;
  wait->due = now + wait->pause;
}

gboolean
pmss_job_wait_look (PmssJobWait * wait, gboolean ready, guint64 done,
    gint64 now)
{
  if (!wait->waiting)
    begin (wait, ready, done, now);
  if (ready && !wait->ready)
    wait->due = now;
  wait->ready = ready;
  if (!ready || now < wait->due)
    return FALSE;
  wait->waiting = FALSE;
  return TRUE;
}

/* Acting */

static PmssJobWait *
get_wait (PmssJobs * self, gint64 id)
{
  PmssJobWait *wait = g_hash_table_lookup (self->waits, &id);

  if (wait == NULL) {
    wait = g_new0 (PmssJobWait, 1);
    g_hash_table_insert (self->waits, g_memdup2 (&id, sizeof id), wait);
  }
  return wait;
}

/* A job that was tried and does not wait again is forgotten, later than it could come back. */
static gboolean
is_over (gpointer id, gpointer value, gpointer now)
{
  PmssJobWait *wait = value;

  return *(gint64 *) now > wait->due + 10 * PMSS_JOB_WAIT_LONGEST;
}

static gboolean
is_ready (PmssJobs * self, const PmssJob * job)
{
  const PmssJobType *type = pmss_job_type_find (job->type);

  return type && (!type->is_ready || type->is_ready (self->context, job));
}

/* Somebody may have paused or cancelled it meanwhile: that stands. */
static gboolean
let_run (PmssJobs * self, const PmssJob * job)
{
  g_autoptr (GError) error = NULL;

  if (pmss_jobs_change_state (self, job->id, PMSS_JOB_QUEUED, NULL, NULL,
          &error))
    return TRUE;
  if (!g_error_matches (error, PMSS_ERROR, PMSS_ERROR_CONFLICT))
    g_warning ("Job %" G_GINT64_FORMAT ": %s", job->id, error->message);
  return FALSE;
}

/* Returns whether there are more to look at. */
static gboolean
look (PmssJobs * self)
{
  PmssJobState waiting = PMSS_JOB_WAITING;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) jobs =
      pmss_jobs_list (self, &waiting, G_MAXINT64, MAX_LOOKED_AT, &error);
  gint64 now = g_get_monotonic_time ();
  gboolean any = FALSE;

  if (jobs == NULL) {
    g_warning ("Cannot look at waiting jobs: %s", error->message);
    return TRUE;
  }
  /* the newest come first, and the oldest are to run first */
  for (guint i = jobs->len; i-- > 0;) {
    const PmssJob *job = g_ptr_array_index (jobs, i);

    if (pmss_job_wait_look (get_wait (self, job->id), is_ready (self, job),
            job->done, now))
      any |= let_run (self, job);
  }
  g_hash_table_foreach_remove (self->waits, is_over, &now);
  if (any)
    pmss_jobs_wake (self);
  return jobs->len > 0;
}

gpointer
pmss_jobs_look_at_waiting (gpointer user_data)
{
  PmssJobs *self = user_data;

  g_mutex_lock (&self->lock);
  while (!self->stopping) {
    gint64 until = g_get_monotonic_time () + LOOK_EVERY;
    gboolean more;

    if (!self->any_waiting) {
      g_cond_wait (&self->cond, &self->lock);
      continue;
    }
    self->any_waiting = FALSE;
    g_mutex_unlock (&self->lock);
    more = look (self);
    g_mutex_lock (&self->lock);
    self->any_waiting |= more;
    while (!self->stopping
        && g_cond_wait_until (&self->cond, &self->lock, until));
  }
  g_mutex_unlock (&self->lock);
  return NULL;
}
