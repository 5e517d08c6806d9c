/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One run of a job: its progress, its rate, its wait. On the job's thread. */
#include "control/jobs/jobs-private.h"

#include "control/events/events.h"

#define WRITE_EVERY G_USEC_PER_SEC
/* Another rate limit is seen after so long. */
#define LIMIT_LOOK_EVERY (G_USEC_PER_SEC / 2)

PmssControlContext *
pmss_job_run_get_context (PmssJobRun * run)
{
  return run->jobs->context;
}

const PmssJob *
pmss_job_run_get_job (PmssJobRun * run)
{
  return run->job;
}

GCancellable *
pmss_job_run_get_cancellable (PmssJobRun * run)
{
  return run->cancellable;
}

typedef struct
{
  PmssJobRun *run;
  const char *phase, *warning;
  const PmssVersionId *version;
  const guint64 *total, *rate_limit;
  guint64 done;
} Update;

static gboolean
update_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Update *update = user_data;
  PmssJobRun *run = update->run;

  if (!pmss_database_exec (database, error,
          "UPDATE job SET done = ?2, phase = coalesce(?3, phase), "
          "warning = coalesce(?4, warning), version = coalesce(?5, version), "
          "total = coalesce(?7, total), "
          "rate_limit = coalesce(?8, rate_limit), updated = ?6 "
          "WHERE id = ?1 AND state = 'running'",
          PMSS_INT (run->job->id), PMSS_INT (update->done),
          PMSS_TEXT (update->phase), PMSS_TEXT (update->warning),
          update->version ? PMSS_BLOB (update->version->bytes, 16) : PMSS_NULL,
          PMSS_INT (g_get_real_time () / G_USEC_PER_SEC),
          update->total ? PMSS_INT (*update->total) : PMSS_NULL,
          update->rate_limit ? PMSS_INT (*update->rate_limit) : PMSS_NULL))
    return FALSE;
  if (pmss_database_get_changes (database) == 1)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
      "The job is no longer running");
  return FALSE;
}

/* A row that is no longer running: pmss_jobs_wake() is about to say so, but the run need not wait for that. */
static gboolean
update (PmssJobRun * run, Update * values, GError ** error)
{
  g_autoptr (GError) local = NULL;

  values->run = run;
  g_mutex_lock (&run->jobs->lock);
  values->done = run->done;
  g_mutex_unlock (&run->jobs->lock);
  if (pmss_database_transact (run->jobs->context->database, update_row, values,
          &local))
    return TRUE;
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_cancellable_cancel (run->cancellable);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_job_run_set_phase (PmssJobRun * run, const char *phase, GError ** error)
{
  Update values = {.phase = phase };

  if (!update (run, &values, error))
    return FALSE;
  g_free (run->job->phase);
  run->job->phase = g_strdup (phase);
  return TRUE;
}

gboolean
pmss_job_run_set_version (PmssJobRun * run, const PmssVersionId * version,
    GError ** error)
{
  Update values = {.version = version };

  if (!update (run, &values, error))
    return FALSE;
  run->job->has_version = TRUE;
  run->job->version = *version;
  return TRUE;
}

gboolean
pmss_job_run_set_warning (PmssJobRun * run, const char *warning,
    GError ** error)
{
  Update values = {.warning = warning };

  return update (run, &values, error);
}

void
pmss_job_run_wait (PmssJobRun * run, const char *what)
{
  g_free (run->waiting_for);
  run->waiting_for = g_strdup (what);
}

gboolean
pmss_job_run_set_total (PmssJobRun * run, guint64 total, GError ** error)
{
  Update values = {.total = &total };

  return update (run, &values, error);
}

gboolean
pmss_job_run_set_rate_limit (PmssJobRun * run, guint64 rate_limit,
    GError ** error)
{
  Update values = {.rate_limit = &rate_limit };

  if (!update (run, &values, error))
    return FALSE;
  pmss_job_run_take_limit (run, rate_limit);
  return TRUE;
}

/* Whether it is time to write it down. The jobs' lock held. */
static gboolean
note_done (PmssJobRun * run, guint64 done)
{
  gint64 time = g_get_monotonic_time ();
  gboolean write = time - run->written_at >= WRITE_EVERY;

  run->done = done;
  pmss_job_pace_note (&run->pace, done, time);
  if (write)
    run->written_at = time;
  return write;
}

/* To those who look on, as often as it is written. */
static void
tell_done (PmssJobRun * run)
{
  const PmssJob *job = run->job;
  char object[24], detail[48];
  const PmssEvent event = {.action = "job progress",.object = object,
    .detail = detail,.user = *job->user ? job->user : NULL
  };

  g_snprintf (object, sizeof (object), "%" G_GINT64_FORMAT, job->id);
  g_snprintf (detail, sizeof (detail), "%" G_GUINT64_FORMAT "/%"
      G_GUINT64_FORMAT, pmss_job_run_get_done (run), job->total);
  pmss_events_tell (run->jobs->context->events, &event);
}

static gboolean
write_done (PmssJobRun * run, GError ** error)
{
  Update values = { NULL };

  tell_done (run);
  return update (run, &values, error);
}

gboolean
pmss_job_run_progress (PmssJobRun * run, guint64 done, GError ** error)
{
  gboolean write;

  if (g_cancellable_set_error_if_cancelled (run->cancellable, error))
    return FALSE;
  g_mutex_lock (&run->jobs->lock);
  write = note_done (run, done);
  g_mutex_unlock (&run->jobs->lock);
  return !write || write_done (run, error);
}

gboolean
pmss_job_run_advance (PmssJobRun * run, guint64 bytes, GError ** error)
{
  gboolean write;

  g_mutex_lock (&run->jobs->lock);
  write = note_done (run, run->done + bytes);
  g_mutex_unlock (&run->jobs->lock);
  return !g_cancellable_set_error_if_cancelled (run->cancellable, error)
      && (!write || write_done (run, error));
}

guint64
pmss_job_run_get_done (PmssJobRun * run)
{
  guint64 done;

  g_mutex_lock (&run->jobs->lock);
  done = run->done;
  g_mutex_unlock (&run->jobs->lock);
  return done;
}

guint64
pmss_job_run_get_rate_limit (PmssJobRun * run)
{
  guint64 rate_limit;

  g_mutex_lock (&run->jobs->lock);
  rate_limit = run->rate_limit;
  g_mutex_unlock (&run->jobs->lock);
  return rate_limit;
}

/* When the rate limit allows what follows @bytes more; it may become earlier. */
static gint64
spend (PmssJobRun * run, gsize bytes)
{
  gint64 time = g_get_monotonic_time ();
  gint64 due;

  g_mutex_lock (&run->jobs->lock);
  if (run->rate_limit > 0 && bytes > 0)
    run->due = MAX (run->due, time)
        + (gint64) (bytes * 8.0 * G_USEC_PER_SEC / run->rate_limit);
  due = run->rate_limit > 0 ? run->due : 0;
  g_mutex_unlock (&run->jobs->lock);
  return due;
}

static gboolean
wait_a_little (GCancellable * cancellable, gint64 left, GError ** error)
{
  GPollFD fd;

  if (!g_cancellable_make_pollfd (cancellable, &fd)) {
    g_usleep (MIN (left, G_USEC_PER_SEC / 10));
  } else {
    g_poll (&fd, 1, left / 1000 + 1);
    g_cancellable_release_fd (cancellable);
  }
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

gboolean
pmss_job_run_throttle (PmssJobRun * run, gsize bytes, GError ** error)
{
  gint64 left = spend (run, bytes) - g_get_monotonic_time ();

  while (left > 0) {
    if (!wait_a_little (run->cancellable, MIN (left, LIMIT_LOOK_EVERY), error))
      return FALSE;
    left = spend (run, 0) - g_get_monotonic_time ();
  }
  return TRUE;
}
