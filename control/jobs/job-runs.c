/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The threads that run jobs, and their choice of the next one. */
#include "control/jobs/jobs-private.h"

#include "control/events/events.h"
#include "control/jobs/job-waits.h"
#include "daemon/pmss-daemon.h"
#include "libpmss/pmss-error.h"
#include "control/nodes/nodes.h"

#define NODES_PATIENCE (10 * G_USEC_PER_SEC)
#define NODES_LOOK_EVERY (G_USEC_PER_SEC / 4)
#define TRY_EVERY G_USEC_PER_SEC

/* Claiming: what to run next */

static gboolean
contains (GArray * array, gint64 value)
{
  for (guint i = 0; i < array->len; i++)
    if (g_array_index (array, gint64, i) == value)
      return TRUE;
  return FALSE;
}

/* What jobs are counted by: those of a type, the small ones apart. */
static gconstpointer
lane_of (const PmssJobType * type, gboolean small)
{
  return small && type->max_small > 0 ? (gconstpointer) & type->max_small
      : type;
}

static gboolean
is_runnable (PmssJobClaim * claim, const PmssJob * job)
{
  return !contains (claim->busy_jobs, job->id)
      && !contains (claim->busy_media, job->medium);
}

/* The oldest one that may run, among the @small ones or the others. Those that wait for their medium are few: it has one that runs. */
static gboolean
find_in_lane (PmssDatabase * database, PmssJobClaim * claim,
    const PmssJobType * type, gboolean small, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " PMSS_JOB_COLUMNS " FROM job WHERE type = ?1 "
      "AND state = 'queued' AND waiting_for IS NULL "
      "AND (total <= " G_STRINGIFY (PMSS_SMALL_JOB) ") = ?2 ORDER BY id",
      PMSS_TEXT (type->type), PMSS_INT (small));
  gboolean found = FALSE;

  while (!found && pmss_rows_next (rows, &local)) {
    g_autoptr (PmssJob) job = pmss_job_read_row (rows);

    found = is_runnable (claim, job);
    if (found && (!claim->job || job->id < claim->job->id)) {
      g_clear_pointer (&claim->job, pmss_job_free);
      claim->job = g_steal_pointer (&job);
    }
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
has_place (PmssJobClaim * claim, const PmssJobType * type, gboolean small)
{
  gconstpointer lane = lane_of (type, small);
  guint running = GPOINTER_TO_UINT (g_hash_table_lookup (claim->counts, lane));

  return running < (lane == type ? type->max_running : type->max_small);
}

/* The oldest of all lanes that have a place free. */
gboolean
pmss_job_claim_row (PmssDatabase * database, gpointer user_data,
    GError ** error)
{
  PmssJobClaim *claim = user_data;
  const PmssJobType *type;

  for (guint i = 0; (type = pmss_job_type_at (i)) != NULL; i++)
    for (guint small = FALSE; small <= TRUE; small++)
      if (has_place (claim, type, small)
          && !find_in_lane (database, claim, type, small, error))
        return FALSE;
  if (!claim->job)
    return TRUE;
  claim->job->state = PMSS_JOB_RUNNING;
  return pmss_database_exec (database, error,
      "UPDATE job SET state = 'running', error = NULL WHERE id = ?1",
      PMSS_INT (claim->job->id));
}

static void
note_active (PmssJobs * self, PmssJobClaim * claim)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->active->len; i++) {
    PmssJobRun *run = g_ptr_array_index (self->active, i);
    gpointer lane = (gpointer) lane_of (run->type,
        run->job->total <= PMSS_SMALL_JOB);
    guint count = GPOINTER_TO_UINT (g_hash_table_lookup (claim->counts, lane));

    g_array_append_val (claim->busy_jobs, run->job->id);
    if (run->job->medium != 0)
      g_array_append_val (claim->busy_media, run->job->medium);
    g_hash_table_insert (claim->counts, lane, GUINT_TO_POINTER (count + 1));
  }
  g_mutex_unlock (&self->lock);
}

static PmssJobRun *
run_new (PmssJobs * self, PmssJob * job)
{
  PmssJobRun *run = g_new0 (PmssJobRun, 1);

  run->jobs = self;
  run->job = job;
  run->type = pmss_job_type_find (job->type);
  run->cancellable = g_cancellable_new ();
  run->done = job->done;
  run->rate_limit = job->rate_limit;
  pmss_job_pace_note (&run->pace, run->done, g_get_monotonic_time ());
  return run;
}

static void
run_free (PmssJobRun * run)
{
  g_object_unref (run->cancellable);
  pmss_job_free (run->job);
  g_free (run->waiting_for);
  g_free (run);
}

/* @failed: it could not be looked. */
static PmssJobRun *
claim_run (PmssJobs * self, gboolean * failed)
{
  g_autoptr (GArray) jobs = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) media = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GHashTable) counts = g_hash_table_new (NULL, NULL);
  g_autoptr (GError) error = NULL;
  PmssJobClaim claim = { jobs, media, counts };
  PmssJobRun *run = NULL;

  g_mutex_lock (&self->claim_lock);
  note_active (self, &claim);
  *failed =
      !pmss_database_transact (self->context->database, pmss_job_claim_row,
      &claim, &error);
  if (*failed) {
    if (!self->blind)
      g_warning ("Cannot look for jobs, which is tried again: %s",
          error->message);
    g_clear_pointer (&claim.job, pmss_job_free);
  }
  self->blind = *failed;
  if (claim.job) {
    run = run_new (self, claim.job);
    g_mutex_lock (&self->lock);
    g_ptr_array_add (self->active, run);
    if (self->stopping)
      g_cancellable_cancel (run->cancellable);
    g_mutex_unlock (&self->lock);
  }
  g_mutex_unlock (&self->claim_lock);
  return run;
}

/* Running */

/* Between two tries to write what cannot be written, as on a full disk. FALSE: the server stops. */
static gboolean
wait_to_try (PmssJobs * self)
{
  gint64 until = g_get_monotonic_time () + TRY_EVERY;
  gboolean going;

  g_mutex_lock (&self->lock);
  while (!self->stopping
      && g_cond_wait_until (&self->cond, &self->lock, until));
  going = !self->stopping;
  g_mutex_unlock (&self->lock);
  return going;
}

typedef struct
{
  PmssJobState to;
  const char *text;             /* nullable */
} End;

/* Somebody else may have paused or cancelled it while it ended: theirs stands then. */
static gboolean
write_end (PmssJobRun * run, const End * end, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssJob) job = pmss_jobs_get (run->jobs, run->job->id, &local);

  if (job != NULL && (job->state != PMSS_JOB_RUNNING
          || pmss_jobs_change_state (run->jobs, job->id, end->to, end->text,
              NULL, &local)))
    return TRUE;
  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)
      || g_error_matches (local, PMSS_ERROR, PMSS_ERROR_CONFLICT))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
requeue_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  PmssJobRun *run = user_data;

  return pmss_database_exec (database, error,
      "UPDATE job SET state = 'queued' WHERE id = ?1 AND state = 'running'",
      PMSS_INT (run->job->id));
}

/* Told to stop by who saw the state that it had before this run, as when many pause and resume it at once: what still is to run runs again. */
static gboolean
requeue_unless_ended (PmssJobRun * run, const End * end, GError ** error)
{
  return pmss_database_transact (run->jobs->context->database, requeue_row,
      run, error);
}

/* A row that stays `running` without a run would be stuck until the next start, and with a repair all others. */
static void
write_surely (PmssJobRun * run, gboolean (*write) (PmssJobRun * run,
        const End * end, GError ** error), const End * end)
{
  gboolean told = FALSE;

  do {
    g_autoptr (GError) error = NULL;

    if (write (run, end, &error))
      return;
    if (!told)
      g_warning ("Job %" G_GINT64_FORMAT ": its end cannot be written, which "
          "is tried again: %s", run->job->id, error->message);
    told = TRUE;
  } while (wait_to_try (run->jobs));
}

static void
end_state (PmssJobRun * run, PmssJobState to, const char *text)
{
  const End end = { to, text };

  write_surely (run, write_end, &end);
}

/* @why: nullable. */
static void
note (PmssJobRun * run, const char *action, PmssEventResult result,
    const char *why)
{
  const PmssJob *job = run->job;
  g_autofree char *object = g_strdup_printf ("%" G_GINT64_FORMAT, job->id);
  g_autofree char *detail = g_strconcat (job->type,
      *job->medium_name ? " of " : "", job->medium_name,
      why != NULL ? ": " : NULL, why, NULL);
  const PmssEvent event = {
    .action = action,.result = result,.object = object,.detail = detail,
    .user = *job->user ? job->user : NULL,
    /* one that is tried again and again displaces nobody's deeds */
    .minor = !g_str_equal (action, "job done") && result == PMSS_EVENT_DONE
  };

  pmss_events_note (run->jobs->context->events, &event);
}

static void
execute (PmssJobRun * run)
{
  g_autoptr (GError) error = NULL;
  gboolean done;

  note (run, "job begin", PMSS_EVENT_DONE, NULL);
  done = run->type->run (run, &error);

  if (done) {
    end_state (run, PMSS_JOB_DONE, NULL);
    note (run, "job done", PMSS_EVENT_DONE, NULL);
  } else if (g_cancellable_is_cancelled (run->cancellable)) {
    write_surely (run, requeue_unless_ended, NULL);
    note (run, "job stop", PMSS_EVENT_DONE, NULL);
  } else if (run->waiting_for) {
    end_state (run, PMSS_JOB_WAITING, run->waiting_for);
    note (run, "job wait", PMSS_EVENT_DONE, run->waiting_for);
  } else {
    end_state (run, PMSS_JOB_FAILED, error->message);
    note (run, "job fail", PMSS_EVENT_FAILED, error->message);
  }
}

static gboolean
has_heard_of_all (PmssJobs * self)
{
  g_autoptr (GPtrArray) infos = pmss_nodes_list (self->context->nodes, NULL);

  for (guint i = 0; infos && i < infos->len; i++)
    if (((PmssNodeInfo *) g_ptr_array_index (infos, i))->last_seen == 0)
      return FALSE;
  return TRUE;
}

/* After a start all nodes count as down until they are heard of: nobody is to conclude anything from that. */
static void
wait_for_nodes (PmssJobs * self)
{
  gint64 deadline = g_get_monotonic_time () + NODES_PATIENCE;
  gboolean stopping = FALSE;

  while (!stopping && g_get_monotonic_time () < deadline
      && !has_heard_of_all (self)) {
    gint64 until = g_get_monotonic_time () + NODES_LOOK_EVERY;

    g_mutex_lock (&self->lock);
    while (!self->stopping
        && g_cond_wait_until (&self->cond, &self->lock, until));
    stopping = self->stopping;
    g_mutex_unlock (&self->lock);
  }
}

static gpointer
work (gpointer user_data)
{
  PmssJobs *self = user_data;

  wait_for_nodes (self);
  g_mutex_lock (&self->lock);
  while (!self->stopping) {
    guint64 generation = self->generation;
    gboolean failed;
    PmssJobRun *run;

    g_mutex_unlock (&self->lock);
    run = claim_run (self, &failed);
    if (run != NULL)
      execute (run);
    else if (failed)
      wait_to_try (self);
    g_mutex_lock (&self->lock);
    if (run != NULL) {
      gboolean run_waits = run->waiting_for != NULL;

      g_ptr_array_remove (self->active, run);
      run_free (run);
      /* what waited for this one's medium, or for its kind, may go now */
      self->generation++;
      self->any_waiting |= run_waits;
      g_cond_broadcast (&self->cond);
    }
    while (!self->stopping && !failed && generation == self->generation)
      g_cond_wait (&self->cond, &self->lock);
  }
  g_mutex_unlock (&self->lock);
  return NULL;
}

static GArray *
list_active (PmssJobs * self)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < self->active->len; i++) {
    PmssJobRun *run = g_ptr_array_index (self->active, i);
    g_array_append_val (ids, run->job->id);
  }
  return ids;
}

static void
stop_run (PmssJobs * self, gint64 id)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->active->len; i++) {
    PmssJobRun *run = g_ptr_array_index (self->active, i);
    if (run->job->id == id)
      g_cancellable_cancel (run->cancellable);
  }
  g_mutex_unlock (&self->lock);
}

void
pmss_jobs_wake (PmssJobs * self)
{
  g_autoptr (GArray) ids = NULL;

  g_mutex_lock (&self->lock);
  self->generation++;
  g_cond_broadcast (&self->cond);
  ids = list_active (self);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < ids->len; i++) {
    gint64 id = g_array_index (ids, gint64, i);
    g_autoptr (GError) error = NULL;
    g_autoptr (PmssJob) job = pmss_jobs_get (self, id, &error);

    if (job != NULL ? job->state != PMSS_JOB_RUNNING
        : g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
      stop_run (self, id);
  }
}

/* The whole */

static gboolean
requeue_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  return pmss_database_exec (database, error,
      "UPDATE job SET state = 'queued' WHERE " PMSS_JOB_SHOWN " = 'running'");
}

PmssJobs *
pmss_jobs_new (PmssControlContext * context, GError ** error)
{
  PmssJobs *self;

  if (!pmss_database_transact (context->database, requeue_rows, NULL, error))
    return NULL;
  self = g_new0 (PmssJobs, 1);
  self->context = context;
  self->workers = g_ptr_array_new ();
  self->active = g_ptr_array_new ();
  self->waits = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
      g_free);
  self->any_waiting = TRUE;
  g_mutex_init (&self->claim_lock);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  return self;
}

void
pmss_jobs_start (PmssJobs * self)
{
  /* no kind of job waits for another one */
  for (guint i = pmss_job_types_count_running (); i > 0; i--)
    g_ptr_array_add (self->workers, pmss_daemon_thread_new ("job", work, self));
  g_ptr_array_add (self->workers, pmss_daemon_thread_new ("jobs-waiting",
          pmss_jobs_look_at_waiting, self));
}

void
pmss_jobs_free (PmssJobs * self)
{
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_cond_broadcast (&self->cond);
  for (guint i = 0; i < self->active->len; i++) {
    PmssJobRun *run = g_ptr_array_index (self->active, i);
    g_cancellable_cancel (run->cancellable);
  }
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < self->workers->len; i++)
    g_thread_join (g_ptr_array_index (self->workers, i));
  g_ptr_array_unref (self->workers);
  g_ptr_array_unref (self->active);
  g_hash_table_unref (self->waits);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->claim_lock);
  g_free (self);
}
