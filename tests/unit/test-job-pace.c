/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/jobs/job-pace.h"

#define S ((gint64) G_USEC_PER_SEC)
#define START (1000 * S)

/* Notes a job of @rate bytes/s each @step from @from to @to; returns its bytes. */
static guint64
go_on (PmssJobPace * pace, guint64 done, guint64 rate, gint64 from, gint64 to,
    gint64 step)
{
  for (gint64 at = from; at < to; at += step) {
    done += rate * (guint64) step / G_USEC_PER_SEC;
    pmss_job_pace_note (pace, done, at + step);
  }
  return done;
}

static void
test_begins (void)
{
  PmssJobPace pace = { 0 };
  guint64 done;

  g_assert_cmpint (pmss_job_pace_get (&pace, 0, START), ==, -1);
  pmss_job_pace_note (&pace, 500, START);
  g_assert_cmpint (pmss_job_pace_get (&pace, 500, START), ==, -1);
  g_assert_cmpint (pmss_job_pace_get (&pace, 600, START + S), ==, -1);
  done = go_on (&pace, 500, 100, START, START + 10 * S, S / 10);
  g_assert_cmpint (pmss_job_pace_get (&pace, done, START + 10 * S), ==, 100);
}

/* The last minute counts, and no more. */
static void
test_window (void)
{
  PmssJobPace pace = { 0 };
  guint64 done;

  pmss_job_pace_note (&pace, 0, START);
  done = go_on (&pace, 0, 1000, START, START + 600 * S, S / 4);
  g_assert_cmpint (pmss_job_pace_get (&pace, done, START + 600 * S), ==, 1000);
  done = go_on (&pace, done, 100, START + 600 * S, START + 664 * S, S / 4);
  g_assert_cmpint (pmss_job_pace_get (&pace, done, START + 664 * S), ==, 100);
  /* it stands still: half a minute, and a whole one */
  g_assert_cmpint (pmss_job_pace_get (&pace, done, START + 694 * S), <=, 55);
  g_assert_cmpint (pmss_job_pace_get (&pace, done, START + 694 * S), >=, 45);
  g_assert_cmpint (pmss_job_pace_get (&pace, done, START + 730 * S), ==, 0);
}

static void
test_rare (void)
{
  PmssJobPace pace = { 0 };
  guint64 done;

  pmss_job_pace_note (&pace, 0, START);
  done = go_on (&pace, 0, 10, START, START + 900 * S, 45 * S);
  g_assert_cmpint (pmss_job_pace_get (&pace, done, START + 900 * S), >=, 10);
  g_assert_cmpint (pmss_job_pace_get (&pace, done, START + 900 * S), <=, 15);
}

static void
test_anew (void)
{
  PmssJobPace pace = { 0 };
  guint64 done;

  pmss_job_pace_note (&pace, 1000000, START);
  done = go_on (&pace, 0, 100, START, START + 20 * S, S);
  g_assert_cmpint (pmss_job_pace_get (&pace, done, START + 20 * S), ==, 100);
}

static void
test_left (void)
{
  g_assert_cmpint (pmss_job_pace_get_left (0, 100, -1), ==, -1);
  g_assert_cmpint (pmss_job_pace_get_left (0, 100, 0), ==, -1);
  g_assert_cmpint (pmss_job_pace_get_left (100, 100, 10), ==, -1);
  g_assert_cmpint (pmss_job_pace_get_left (200, 100, 10), ==, -1);
  g_assert_cmpint (pmss_job_pace_get_left (50, 100, 10), ==, 5000000000);
  g_assert_cmpint (pmss_job_pace_get_left (0, G_MAXINT64, 1), ==, -1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/job-pace/begins", test_begins);
  g_test_add_func ("/job-pace/window", test_window);
  g_test_add_func ("/job-pace/rare", test_rare);
  g_test_add_func ("/job-pace/anew", test_anew);
  g_test_add_func ("/job-pace/left", test_left);
  return g_test_run ();
}
