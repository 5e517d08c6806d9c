/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of jobs regularly visits the rows that it is about; old jobs are forgotten in pieces. */
#include <stdlib.h>

#include "control/jobs/jobs-private.h"
#include "plans-fixture.h"

static void
test_list (PlansFixture * f, gconstpointer data)
{
  PmssJobs *jobs = f->context.jobs;

  for (PmssJobState state = PMSS_JOB_QUEUED; state <= PMSS_JOB_WAITING; state++) {
    g_autoptr (GPtrArray) list =
        pmss_jobs_list (jobs, &state, G_MAXINT64, 50, NULL);

    g_assert_cmpuint (list->len, ==, state == PMSS_JOB_QUEUED
        || state == PMSS_JOB_DONE ? 50 : 0);
  }
  {
    g_autoptr (GPtrArray) all =
        pmss_jobs_list (jobs, NULL, G_MAXINT64, 50, NULL);

    g_assert_cmpuint (all->len, ==, 50);
  }
  g_assert_true (pmss_jobs_drop_medium (jobs, 12, NULL));
  pmss_jobs_prune (jobs);
  plans_fixture_expect_no_scan (f, "DELETE FROM job");
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job"), ==, atoi (PLANS_ROWS));
}

/* Many that are small keep nobody from finding that there is none that is large; each is found at once. */
static void
test_claims (PlansFixture * f, gconstpointer data)
{
  g_autoptr (GArray) busy = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GHashTable) counts = g_hash_table_new (NULL, NULL);
  gint64 steps;

  for (guint i = 1; i <= 20; i++) {
    PmssJobClaim claim = { busy, busy, counts, NULL };

    g_assert_true (pmss_database_transact (f->base.database,
            pmss_job_claim_row, &claim, NULL));
    g_assert_cmpint (claim.job->id, ==, 2 * i);
    pmss_job_free (claim.job);
  }
  steps = plans_fixture_get_cost (f, "FROM job WHERE type").steps;
  g_assert_cmpint (steps, >, 0);
  g_assert_cmpint (steps, <, 20 * 400);
  plans_fixture_expect_no_scan (f, "FROM job WHERE type");
}

/* A list goes on where it was, whatever is forgotten beneath it meanwhile. */
static void
test_list_pruned (PlansFixture * f, gconstpointer data)
{
  PmssJobs *jobs = f->context.jobs;
  gint64 before = G_MAXINT64;
  guint left = atoi (PLANS_ROWS);

  control_fixture_exec (&f->base, "UPDATE job SET state = 'done', updated = 1");
  while (left > 1) {
    g_autoptr (GPtrArray) page = pmss_jobs_list (jobs, NULL, before, 50, NULL);

    /* until no more than the newest of its kind is there */
    if (page->len == 0)
      break;
    for (guint i = 0; i < page->len; i++) {
      PmssJob *job = g_ptr_array_index (page, i);

      g_assert_cmpint (job->id, <, before);
      before = job->id;
    }
    pmss_jobs_prune (jobs);
    left = (guint) control_fixture_count (&f->base, "SELECT count(*) FROM job");
  }
  g_assert_cmpuint (left, ==, 1);
}

/* Those that ended long ago go, a thousand at a time; what may still be wanted stays. */
static void
test_pruning (PlansFixture * f, gconstpointer data)
{
  PmssJobs *jobs = f->context.jobs;

  control_fixture_exec (&f->base, "UPDATE job SET updated = 1");
  control_fixture_exec (&f->base, "UPDATE job SET state = 'failed'"
      " WHERE id % 10 = 1");
  control_fixture_exec (&f->base, "UPDATE job SET medium = NULL"
      " WHERE id % 20 = 1");
  pmss_jobs_prune (jobs);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job"), ==, 2000);
  pmss_jobs_prune (jobs);
  /* 1,500 queued, 150 failed ones of a medium */
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job"), ==, 1650);
  pmss_jobs_prune (jobs);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job WHERE state = 'done'"), ==, 0);

  /* the newest of its kind stays, and nothing goes where nothing is to */
  control_fixture_exec (&f->base, "INSERT INTO job (type, state, medium_name,"
      " created, updated) VALUES ('repair', 'done', '', 1, 1),"
      " ('repair', 'done', '', 1, 1)");
  f->config.job_lifetime = 0;
  pmss_jobs_prune (jobs);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job WHERE type = 'repair'"), ==, 2);
  f->config.job_lifetime = 1000;
  pmss_jobs_prune (jobs);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job WHERE type = 'repair'"), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/plans-jobs/" name, PlansFixture, NULL, \
      plans_fixture_setup, func, plans_fixture_teardown)
  ADD ("list", test_list);
  ADD ("claims", test_claims);
  ADD ("list-pruned", test_list_pruned);
  ADD ("pruning", test_pruning);
  return g_test_run ();
}
