/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another rate limit for a job, running or not. Any thread. */
#include "control/jobs/jobs-private.h"

#include "libpmss/pmss-error.h"

typedef struct
{
  gint64 id;
  guint64 rate_limit;
} Limit;

static gboolean
set_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  const Limit *limit = user_data;
  g_autoptr (PmssJob) job = pmss_job_read (database, limit->id, error);

  if (job == NULL)
    return FALSE;
  if (job->state != PMSS_JOB_DONE && job->state != PMSS_JOB_CANCELLED)
    return pmss_database_exec (database, error,
        "UPDATE job SET rate_limit = ?2 WHERE id = ?1", PMSS_INT (limit->id),
        PMSS_INT (limit->rate_limit));
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "Job %" G_GINT64_FORMAT " is %s: its rate limits nothing any more",
      job->id, pmss_job_state_to_string (job->state));
  return FALSE;
}

void
pmss_job_run_take_limit (PmssJobRun * run, guint64 rate_limit)
{
  g_mutex_lock (&run->jobs->lock);
  run->rate_limit = rate_limit;
  /* what a lower one has put off */
  run->due = 0;
  g_mutex_unlock (&run->jobs->lock);
}

static void
tell_run (PmssJobs * self, const Limit * limit)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->active->len; i++) {
    PmssJobRun *run = g_ptr_array_index (self->active, i);

    if (run->job->id == limit->id) {
      run->rate_limit = limit->rate_limit;
      run->due = 0;
    }
  }
  g_mutex_unlock (&self->lock);
}

PmssJob *
pmss_jobs_set_limit (PmssJobs * self, gint64 id, guint64 rate_limit,
    GError ** error)
{
  Limit limit = { id, rate_limit };

  if (!pmss_database_transact (self->context->database, set_row, &limit, error))
    return NULL;
  tell_run (self, &limit);
  return pmss_jobs_get (self, id, error);
}
