/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs as rows: added, listed, paused, resumed, cancelled. Any thread. */
#include "control/jobs/jobs-private.h"

#include <string.h>

#include "libpmss/pmss-error.h"

static const char *const states[] = {
  "queued", "running", "paused", "done", "failed", "cancelled", "waiting"
};

/* allowed[from][to]: the picture in jobs.h */
static const gboolean allowed[7][7] = {
  [PMSS_JOB_QUEUED] = {
        [PMSS_JOB_RUNNING] = TRUE,
        [PMSS_JOB_PAUSED] = TRUE,
      [PMSS_JOB_CANCELLED] = TRUE},
  [PMSS_JOB_RUNNING] = {
        [PMSS_JOB_PAUSED] = TRUE,
        [PMSS_JOB_DONE] = TRUE,
        [PMSS_JOB_FAILED] = TRUE,
        [PMSS_JOB_WAITING] = TRUE,
      [PMSS_JOB_CANCELLED] = TRUE},
  [PMSS_JOB_WAITING] = {
        [PMSS_JOB_QUEUED] = TRUE,
        [PMSS_JOB_PAUSED] = TRUE,
      [PMSS_JOB_CANCELLED] = TRUE},
  [PMSS_JOB_PAUSED] = {
        [PMSS_JOB_QUEUED] = TRUE,
      [PMSS_JOB_CANCELLED] = TRUE},
  [PMSS_JOB_FAILED] = {
        [PMSS_JOB_QUEUED] = TRUE,
      [PMSS_JOB_CANCELLED] = TRUE},
};

static const PmssJobType *const types[] = {
  &pmss_job_type_ingest, &pmss_job_type_delete, &pmss_job_type_verify,
  &pmss_job_type_artwork, &pmss_job_type_repair, &pmss_job_type_original
};

static gint64
now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

const char *
pmss_job_state_to_string (PmssJobState state)
{
  return states[state];
}

gboolean
pmss_job_state_parse (const char *text, PmssJobState * state)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    if (g_str_equal (text, states[i])) {
      *state = i;
      return TRUE;
    }
  }
  return FALSE;
}

const PmssJobType *
pmss_job_type_find (const char *type)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_equal (type, types[i]->type))
      return types[i];
  return NULL;
}

const PmssJobType *
pmss_job_type_at (guint i)
{
  return i < G_N_ELEMENTS (types) ? types[i] : NULL;
}

guint
pmss_job_types_count_running (void)
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    n += types[i]->max_running + types[i]->max_small;
  return n;
}

void
pmss_job_free (PmssJob * job)
{
  g_free (job->type);
  g_free (job->phase);
  g_free (job->medium_name);
  g_free (job->error);
  g_free (job->waiting_for);
  g_free (job->warning);
  g_free (job->user);
  g_free (job);
}

/* Reading */

PmssJob *
pmss_job_read_row (PmssRows * rows)
{
  PmssJob *job = g_new0 (PmssJob, 1);
  const void *version;
  gsize length;

  job->id = pmss_rows_int (rows, 0);
  job->type = g_strdup (pmss_rows_text (rows, 1));
  pmss_job_state_parse (pmss_rows_text (rows, 2), &job->state);
  job->phase = g_strdup (pmss_rows_text (rows, 3));
  job->medium = pmss_rows_int (rows, 4);
  job->medium_name = g_strdup (pmss_rows_text (rows, 5));
  version = pmss_rows_blob (rows, 6, &length);
  job->has_version = version && length == sizeof job->version.bytes;
  if (job->has_version)
    memcpy (job->version.bytes, version, length);
  job->done = pmss_rows_int (rows, 7);
  job->total = pmss_rows_int (rows, 8);
  job->rate_limit = pmss_rows_int (rows, 9);
  job->error = g_strdup (pmss_rows_text (rows, 10));
  job->warning = g_strdup (pmss_rows_text (rows, 11));
  job->user = g_strdup (pmss_rows_text (rows, 12));
  job->created = pmss_rows_int (rows, 13);
  job->updated = pmss_rows_int (rows, 14);
  job->waiting_for = g_strdup (pmss_rows_text (rows, 15));
  job->rate = -1;
  if (job->waiting_for)
    job->state = PMSS_JOB_WAITING;
  return job;
}

PmssJob *
pmss_job_read (PmssDatabase * database, gint64 id, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " PMSS_JOB_COLUMNS " FROM job WHERE id = ?1", PMSS_INT (id));

  if (pmss_rows_next (rows, &local))
    return pmss_job_read_row (rows);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no job %" G_GINT64_FORMAT, id);
  return NULL;
}

typedef struct
{
  gint64 id;                    /* of one; of a list those before it */
  const PmssJobState *state;
  guint limit;
  PmssJob *job;
  GPtrArray *list;
} Read;

static gboolean
read_one (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Read *read = user_data;

  read->job = pmss_job_read (database, read->id, error);
  return read->job != NULL;
}

static gboolean
read_list (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Read *read = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = read->state ? pmss_database_query (database,
      "SELECT " PMSS_JOB_COLUMNS " FROM job WHERE " PMSS_JOB_SHOWN " = ?1 "
      "AND id < ?3 ORDER BY id DESC LIMIT ?2",
      PMSS_TEXT (states[*read->state]), PMSS_INT (read->limit),
      PMSS_INT (read->id)) :
      pmss_database_query (database,
      "SELECT " PMSS_JOB_COLUMNS " FROM job WHERE id < ?2 "
      "ORDER BY id DESC LIMIT ?1", PMSS_INT (read->limit), PMSS_INT (read->id));

  while (pmss_rows_next (rows, &local))
    g_ptr_array_add (read->list, pmss_job_read_row (rows));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* What a run has done since it last wrote it down. */
static void
overlay_progress (PmssJobs * self, PmssJob * job)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->active->len; i++) {
    PmssJobRun *run = g_ptr_array_index (self->active, i);
    if (run->job->id != job->id || job->state != PMSS_JOB_RUNNING)
      continue;
    job->done = MAX (job->done, run->done);
    job->rate = pmss_job_pace_get (&run->pace, run->done,
        g_get_monotonic_time ());
  }
  g_mutex_unlock (&self->lock);
}

PmssJob *
pmss_jobs_get (PmssJobs * self, gint64 id, GError ** error)
{
  Read read = { id };

  if (!pmss_database_read (self->context->database, read_one, &read, error))
    return NULL;
  overlay_progress (self, read.job);
  return read.job;
}

GPtrArray *
pmss_jobs_list (PmssJobs * self, const PmssJobState * state, gint64 before,
    guint limit, GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_job_free);
  Read read = { before, state, limit, NULL, list };

  if (!pmss_database_read (self->context->database, read_list, &read, error))
    return NULL;
  for (guint i = 0; i < list->len; i++)
    overlay_progress (self, g_ptr_array_index (list, i));
  return g_steal_pointer (&list);
}

/* Changing */

typedef struct
{
  const char *type;
  gint64 medium;
  const char *name, *user;
  guint64 total, rate_limit;
  gint64 id;
} Add;

static gboolean
add_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Add *add = user_data;

  if (!pmss_database_exec (database, error,
          "INSERT INTO job (type, state, medium, medium_name, total, "
          "rate_limit, user, created, updated) "
          "VALUES (?1, 'queued', ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
          PMSS_TEXT (add->type),
          add->medium ? PMSS_INT (add->medium) : PMSS_NULL,
          PMSS_TEXT (add->name),
          PMSS_INT (add->total), PMSS_INT (add->rate_limit),
          PMSS_TEXT (add->user), PMSS_INT (now ())))
    return FALSE;
  add->id = pmss_database_get_last_id (database);
  return TRUE;
}

gint64
pmss_jobs_add (PmssJobs * self, const char *type, gint64 medium,
    const char *medium_name, guint64 total, guint64 rate_limit,
    const char *user, GError ** error)
{
  Add add = { type, medium, medium_name, user, total, rate_limit };

  return pmss_database_transact (self->context->database, add_row, &add, error)
      ? add.id : 0;
}

typedef struct
{
  PmssJobs *self;
  PmssJobsBegin begin;
  gpointer user_data;
  gint64 id;
} Begin;

static gboolean
begin_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Begin *begin = user_data;

  begin->id = begin->begin (begin->self->context, begin->user_data, error);
  return begin->id != 0;
}

gint64
pmss_jobs_begin (PmssJobs * self, PmssJobsBegin func, gpointer user_data,
    GError ** error)
{
  Begin begin = { self, func, user_data };

  if (!pmss_database_transact (self->context->database, begin_rows, &begin,
          error))
    return 0;
  pmss_jobs_wake (self);
  return begin.id;
}

typedef struct
{
  PmssJobs *self;
  gint64 id;
  PmssJobState to;
  const char *text;
  PmssJob *job;
} Change;

static gboolean
check_change (const PmssJob * job, const PmssJobType * type, PmssJobState to,
    GError ** error)
{
  if (type == NULL || !allowed[job->state][to]) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "Job %" G_GINT64_FORMAT " is %s: it cannot become %s", job->id,
        states[job->state], states[to]);
    return FALSE;
  }
  if (to == PMSS_JOB_CANCELLED && !type->can_cancel) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "A job of type %s cannot be cancelled", job->type);
    return FALSE;
  }
  return TRUE;
}

/* A waiting job is a queued one with a text of its own. */
static gboolean
write_state (PmssDatabase * database, gint64 id, PmssJobState to,
    const char *text, GError ** error)
{
  gboolean waits = to == PMSS_JOB_WAITING;

  return pmss_database_exec (database, error,
      "UPDATE job SET state = ?2, error = ?3, updated = ?4, waiting_for = ?5, "
      "done = CASE ?2 WHEN 'done' THEN total ELSE done END WHERE id = ?1",
      PMSS_INT (id), PMSS_TEXT (states[waits ? PMSS_JOB_QUEUED : to]),
      PMSS_TEXT (waits ? NULL : text), PMSS_INT (now ()),
      PMSS_TEXT (waits ? text : NULL));
}

static gboolean
change_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Change *change = user_data;
  g_autoptr (PmssJob) job = pmss_job_read (database, change->id, error);
  const PmssJobType *type = job != NULL ? pmss_job_type_find (job->type) : NULL;

  if (job == NULL || !check_change (job, type, change->to, error))
    return FALSE;
  if (type->changes
      && !type->changes (change->self->context, job, change->to, error))
    return FALSE;
  if (!write_state (database, job->id, change->to, change->text, error))
    return FALSE;
  change->job = pmss_job_read (database, job->id, error);
  return change->job != NULL;
}

gboolean
pmss_jobs_change_state (PmssJobs * self, gint64 id, PmssJobState to,
    const char *text, PmssJob ** job, GError ** error)
{
  Change change = { self, id, to, text };
  gboolean changed = pmss_database_transact (self->context->database,
      change_row, &change, error);

  if (changed && job != NULL)
    *job = g_steal_pointer (&change.job);
  g_clear_pointer (&change.job, pmss_job_free);
  return changed;
}

gboolean
pmss_jobs_set_done (PmssJobs * self, gint64 id, GError ** error)
{
  return pmss_jobs_change_state (self, id, PMSS_JOB_DONE, NULL, NULL, error);
}

static PmssJob *
change_and_wake (PmssJobs * self, gint64 id, PmssJobState to, GError ** error)
{
  PmssJob *job = NULL;

  if (pmss_jobs_change_state (self, id, to, NULL, &job, error))
    pmss_jobs_wake (self);
  return job;
}

PmssJob *
pmss_jobs_pause (PmssJobs * self, gint64 id, GError ** error)
{
  return change_and_wake (self, id, PMSS_JOB_PAUSED, error);
}

PmssJob *
pmss_jobs_cancel (PmssJobs * self, gint64 id, GError ** error)
{
  return change_and_wake (self, id, PMSS_JOB_CANCELLED, error);
}

PmssJob *
pmss_jobs_resume (PmssJobs * self, gint64 id, GError ** error)
{
  return change_and_wake (self, id, PMSS_JOB_QUEUED, error);
}

gint64
pmss_jobs_find_open (PmssJobs * self, const char *type, gint64 medium,
    GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (self->context->database,
      "SELECT id FROM job WHERE medium = ?1 AND type = ?2 "
      "AND state IN ('queued', 'running', 'paused')", PMSS_INT (medium),
      PMSS_TEXT (type));

  return pmss_rows_next (rows, error) ? pmss_rows_int (rows, 0) : 0;
}

gint64
pmss_jobs_add_once (PmssJobs * self, const char *type, gint64 medium,
    const char *medium_name, guint64 total, guint64 rate_limit,
    const char *user, GError ** error)
{
  GError *local = NULL;
  gint64 open = pmss_jobs_find_open (self, type, medium, &local);

  if (local != NULL)
    g_propagate_error (error, local);
  return open != 0 || local != NULL ? open : pmss_jobs_add (self, type, medium,
      medium_name, total, rate_limit, user, error);
}

static gboolean
drop_medium_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  gint64 *medium = user_data;

  return pmss_database_exec (database, error,
      "UPDATE job SET state = 'cancelled', waiting_for = NULL, updated = ?2 "
      "WHERE medium = ?1 "
      "AND state IN ('queued', 'running', 'paused', 'failed')",
      PMSS_INT (*medium), PMSS_INT (now ()));
}

gboolean
pmss_jobs_drop_medium (PmssJobs * self, gint64 medium, GError ** error)
{
  return pmss_database_transact (self->context->database, drop_medium_rows,
      &medium, error);
}
