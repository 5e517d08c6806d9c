/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>

#include "control-fixture.h"
#include "control/config.h"
#include "control/jobs/job-waits.h"
#include "control/jobs/jobs-private.h"
#include "control/nodes/nodes.h"
#include "control/originals/originals.h"
#include "control/uploads/uploads.h"

#define WAIT (20 * G_USEC_PER_SEC)

typedef struct
{
  ControlFixture base;
  PmssControlConfig config;
  PmssControlContext context;
  gint64 job;
  gboolean stopped;
} Fixture;

/* Extents of the medium: so many that the job takes many transactions, and
 * another one always comes in between. */
#define N_EXTENTS "2000"

/* A job that deletes a medium whose shards are lost already: it needs no node,
 * and looks whether it was told to stop. */
static void
setup (Fixture * f, gconstpointer data)
{
  PmssControlContext *context = &f->context;
  g_autoptr (GError) error = NULL;

  control_fixture_init (&f->base);
  f->config.data = f->base.folder;
  context->config = &f->config;
  context->database = f->base.database;
  context->catalog = pmss_catalog_new (context->database);
  context->nodes = pmss_nodes_new (context->database, &error);
  g_assert_no_error (error);
  context->originals = pmss_originals_new (f->config.data, context->database,
      &error);
  g_assert_no_error (error);
  context->uploads = pmss_uploads_new (&f->config, context->database,
      context->catalog, context->originals, &error);
  g_assert_no_error (error);
  control_fixture_exec (&f->base, "INSERT INTO medium (id, name, state, k, m,"
      " created, updated) VALUES (1, 'gone', 'deleting', 1, 0, 1, 1)");
  control_fixture_exec (&f->base, "INSERT INTO version (id, medium, state,"
      " size, k, m, unit, extent, created)"
      " VALUES (zeroblob (16), 1, 'deleting', " N_EXTENTS " * 4096, 1, 0,"
      " 4096, 4096, 1)");
  control_fixture_exec (&f->base, "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL"
      " SELECT i + 1 FROM n WHERE i + 1 < " N_EXTENTS ")"
      " INSERT INTO extent (version, number, state, nodes)"
      " SELECT zeroblob (16), i, 2, zeroblob (4) FROM n");
  context->jobs = pmss_jobs_new (context, &error);
  g_assert_no_error (error);
  f->job = pmss_jobs_add (context->jobs, "delete", 1, "gone", 1, 0, "", &error);
  g_assert_no_error (error);
}

static void
teardown (Fixture * f, gconstpointer data)
{
  g_autofree char *originals = g_build_filename (f->base.folder, "originals",
      NULL);
  g_autofree char *uploads = g_build_filename (f->base.folder, "uploads", NULL);

  g_clear_pointer (&f->context.jobs, pmss_jobs_free);
  pmss_uploads_free (f->context.uploads);
  pmss_originals_free (f->context.originals);
  pmss_nodes_free (f->context.nodes);
  pmss_catalog_free (f->context.catalog);
  g_assert_cmpint (g_rmdir (originals), ==, 0);
  g_assert_cmpint (g_rmdir (uploads), ==, 0);
  control_fixture_clear (&f->base);
}

static PmssJobState
get_state (Fixture * f)
{
  g_autoptr (PmssJob) job = pmss_jobs_get (f->context.jobs, f->job, NULL);

  return job->state;
}

static void
wait_for_state (Fixture * f, PmssJobState state)
{
  gint64 end = g_get_monotonic_time () + WAIT;

  while (get_state (f) != state && g_get_monotonic_time () < end)
    g_usleep (1000);
  g_assert_cmpint (get_state (f), ==, state);
}

static void
test_runs (Fixture * f, gconstpointer data)
{
  pmss_jobs_start (f->context.jobs);
  wait_for_state (f, PMSS_JOB_DONE);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM medium"), ==, 0);
}

/* On the database thread: while this waits, the run waits for it. As a read: a
 * claim that is not committed is nobody's yet. */
static gboolean
stop_what_runs (PmssDatabase * database, gpointer data, GError ** error)
{
  Fixture *f = data;
  PmssJobs *jobs = f->context.jobs;

  g_assert_cmpint (get_state (f), !=, PMSS_JOB_DONE);
  if (get_state (f) != PMSS_JOB_RUNNING)
    return TRUE;
  while (!f->stopped) {
    g_mutex_lock (&jobs->lock);
    for (guint i = 0; i < jobs->active->len; i++) {
      g_cancellable_cancel (((PmssJobRun *)
              g_ptr_array_index (jobs->active, i))->cancellable);
      f->stopped = TRUE;
    }
    g_mutex_unlock (&jobs->lock);
  }
  return TRUE;
}

/* Whoever tells a run to stop has looked at the job before, and may be late:
 * what is still to run is not lost. */
static void
test_stopped_by_mistake (Fixture * f, gconstpointer data)
{
  pmss_jobs_start (f->context.jobs);
  while (!f->stopped)
    g_assert_true (pmss_database_read (f->base.database, stop_what_runs, f,
            NULL));
  wait_for_state (f, PMSS_JOB_DONE);
}

/* What a killed server left running. */
static void
test_goes_on (Fixture * f, gconstpointer data)
{
  control_fixture_exec (&f->base, "UPDATE job SET state = 'running'");
  pmss_jobs_free (f->context.jobs);
  f->context.jobs = pmss_jobs_new (&f->context, NULL);
  g_assert_cmpint (get_state (f), ==, PMSS_JOB_QUEUED);
  pmss_jobs_start (f->context.jobs);
  wait_for_state (f, PMSS_JOB_DONE);
}

/* One that waits holds no worker and is not claimed; it can be paused, and let go on. */
static void
test_waiting_row (Fixture * f, gconstpointer data)
{
  PmssJobState waiting = PMSS_JOB_WAITING, queued = PMSS_JOB_QUEUED;
  g_autoptr (PmssJob) job = NULL;
  g_autoptr (PmssJob) paused = NULL;
  g_autoptr (GPtrArray) among_waiting = NULL;
  g_autoptr (GPtrArray) among_queued = NULL;
  g_autoptr (GError) error = NULL;

  control_fixture_exec (&f->base, "UPDATE job SET state = 'running'");
  pmss_jobs_change_state (f->context.jobs, f->job, PMSS_JOB_WAITING, "rain",
      &job, &error);
  g_assert_no_error (error);
  g_assert_cmpint (job->state, ==, PMSS_JOB_WAITING);
  g_assert_cmpstr (job->waiting_for, ==, "rain");
  g_assert_null (job->error);
  among_waiting =
      pmss_jobs_list (f->context.jobs, &waiting, G_MAXINT64, 9, NULL);
  among_queued = pmss_jobs_list (f->context.jobs, &queued, G_MAXINT64, 9, NULL);
  g_assert_cmpuint (among_waiting->len, ==, 1);
  g_assert_cmpuint (among_queued->len, ==, 0);
  paused = pmss_jobs_pause (f->context.jobs, f->job, &error);
  g_assert_no_error (error);
  g_assert_cmpint (paused->state, ==, PMSS_JOB_PAUSED);
  g_assert_null (paused->waiting_for);
}

/* What waited when the server went down goes on by itself after its next start. */
static void
test_waiting_goes_on (Fixture * f, gconstpointer data)
{
  control_fixture_exec (&f->base, "UPDATE job SET waiting_for = 'rain'");
  pmss_jobs_start (f->context.jobs);
  wait_for_state (f, PMSS_JOB_DONE);
}

/* At once when what it waits for comes back; else after growing pauses, which begin anew when it got on. */
static void
test_wait (void)
{
  PmssJobWait wait = { 0 };
  gint64 now = 1, pause = PMSS_JOB_WAIT_FIRST;

  g_assert_false (pmss_job_wait_look (&wait, FALSE, 10, now));
  g_assert_false (pmss_job_wait_look (&wait, FALSE, 10, now + 10 * pause));
  g_assert_true (pmss_job_wait_look (&wait, TRUE, 10, now + 10 * pause + 1));
  for (guint i = 0; i < 10; i++) {
    pause = MIN (2 * pause, PMSS_JOB_WAIT_LONGEST);
    now += 1000 * pause;
    g_assert_false (pmss_job_wait_look (&wait, TRUE, 10, now));
    g_assert_false (pmss_job_wait_look (&wait, TRUE, 10, now + pause - 1));
    g_assert_true (pmss_job_wait_look (&wait, TRUE, 10, now + pause));
  }
  g_assert_cmpint (pause, ==, PMSS_JOB_WAIT_LONGEST);
  now += 1000 * pause;
  g_assert_false (pmss_job_wait_look (&wait, TRUE, 11, now));
  g_assert_true (pmss_job_wait_look (&wait, TRUE, 11,
          now + PMSS_JOB_WAIT_FIRST));
}

#define PARTS 3
#define STEPS 2000

static gpointer
do_part (gpointer run)
{
  for (guint i = 0; i < STEPS; i++)
    g_assert_true (pmss_job_run_advance (run, 7, NULL));
  return NULL;
}

static void
note_full (gpointer data)
{
  g_atomic_int_set ((gint *) data, TRUE);
}

/* The disk is full when the job is to become @state: that is written as soon as there is room, and nothing is stuck until the next start. */
static void
test_full_disk (Fixture * f, gconstpointer state)
{
  gint64 pages = control_fixture_count (&f->base, "PRAGMA page_count");
  g_autofree char *limit = g_strdup_printf ("PRAGMA max_page_count = %"
      G_GINT64_FORMAT, pages + 100);
  g_autofree char *trigger = g_strdup_printf ("CREATE TRIGGER filler BEFORE"
      " UPDATE OF state ON job WHEN new.state = '%s'"
      " BEGIN INSERT INTO filling VALUES (zeroblob (4000000)); END",
      (const char *) state);
  gint64 end = g_get_monotonic_time () + WAIT;
  gint full = FALSE;

  pmss_database_set_full_func (f->base.database, note_full, &full);
  control_fixture_exec (&f->base, "CREATE TABLE filling (bytes BLOB)");
  control_fixture_exec (&f->base, trigger);
  g_assert_cmpint (control_fixture_count (&f->base, limit), ==, pages + 100);
  pmss_jobs_start (f->context.jobs);
  while (!g_atomic_int_get (&full)) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
  control_fixture_exec (&f->base, "DROP TRIGGER filler");
  wait_for_state (f, PMSS_JOB_DONE);
}

/* Whoever of a run's threads is last, all of their parts count. */
static void
test_parts (Fixture * f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  /* nothing is written to the database */
  PmssJobRun run = {
    .jobs = f->context.jobs,
    .cancellable = cancellable,
    .written_at = G_MAXINT64,
    .done = 5,
  };
  GThread *threads[PARTS];

  for (guint i = 0; i < PARTS; i++)
    threads[i] = g_thread_new ("part", do_part, &run);
  for (guint i = 0; i < PARTS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (pmss_job_run_get_done (&run), ==, 5 + PARTS * STEPS * 7);
  g_cancellable_cancel (cancellable);
  g_assert_false (pmss_job_run_advance (&run, 7, NULL));
}

#define ADD(name, func) \
  g_test_add ("/jobs/" name, Fixture, NULL, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* a full disk is told as a warning */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  ADD ("runs", test_runs);
  ADD ("stopped-by-mistake", test_stopped_by_mistake);
  ADD ("goes-on", test_goes_on);
  ADD ("waiting-row", test_waiting_row);
  ADD ("waiting-goes-on", test_waiting_goes_on);
  g_test_add_func ("/jobs/wait", test_wait);
  ADD ("parts", test_parts);
  g_test_add ("/jobs/full-disk/begin", Fixture, "running", setup,
      test_full_disk, teardown);
  g_test_add ("/jobs/full-disk/end", Fixture, "done", setup, test_full_disk,
      teardown);
  return g_test_run ();
}
