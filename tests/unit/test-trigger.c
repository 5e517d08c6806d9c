/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/monitor/bad-growth.h"
#include "control/monitor/trigger.h"

#define S G_TIME_SPAN_SECOND
#define MINUTE G_TIME_SPAN_MINUTE
#define START (1000 * S)

/* Begins after 10 s above, ends after 30 s below. */
static gboolean
step (PmssTrigger * trigger, int where, gint64 now)
{
  return pmss_trigger_step (trigger, where > 0, where < 0, 10 * S, 30 * S, now);
}

static void
test_begin (void)
{
  PmssTrigger trigger = { 0 };

  g_assert_false (step (&trigger, 1, START));
  g_assert_false (step (&trigger, 1, START + 9 * S));
  /* a moment between begins it anew */
  g_assert_false (step (&trigger, 0, START + 10 * S));
  g_assert_false (step (&trigger, 1, START + 11 * S));
  g_assert_false (step (&trigger, 1, START + 20 * S));
  g_assert_true (step (&trigger, 1, START + 21 * S));
  g_assert_true (trigger.lasts);
  g_assert_cmpint (trigger.began, ==, START + 21 * S);
  g_assert_false (step (&trigger, 1, START + 22 * S));
}

static void
test_end (void)
{
  PmssTrigger trigger = { 0 };

  step (&trigger, 1, START);
  step (&trigger, 1, START + 10 * S);
  g_assert_false (step (&trigger, -1, START + 20 * S));
  g_assert_false (step (&trigger, 0, START + 40 * S));
  g_assert_false (step (&trigger, -1, START + 50 * S));
  g_assert_true (trigger.lasts);
  g_assert_true (step (&trigger, -1, START + 80 * S));
  g_assert_false (trigger.lasts);
}

/* What goes up and down each second cannot fill a log. */
static void
test_rest (void)
{
  PmssTrigger trigger = { 0 };
  guint changes = 0;

  for (guint i = 0; i < 3600; i++)
    changes += pmss_trigger_step (&trigger, i % 2 == 0, i % 2 == 1, 0, 0,
        START + i * S);
  g_assert_cmpuint (changes, <=, 2 * 60);
  g_assert_cmpuint (changes, >=, 100);
}

static void
test_drop (void)
{
  PmssTrigger trigger = { 0 };

  g_assert_false (pmss_trigger_drop (&trigger, START));
  step (&trigger, 1, START);
  step (&trigger, 1, START + 10 * S);
  g_assert_true (pmss_trigger_drop (&trigger, START + 11 * S));
  g_assert_false (pmss_trigger_drop (&trigger, START + 12 * S));
  /* and then it has to hold, and rest, as ever */
  g_assert_false (step (&trigger, 1, START + 13 * S));
  g_assert_false (step (&trigger, 1, START + 23 * S));
  g_assert_true (step (&trigger, 1, START + 71 * S));
}

static void
test_growth (void)
{
  PmssBadGrowth growth = { 0 };
  gint64 now = START;

  /* those that are there at the beginning are not new */
  g_assert_cmpfloat (pmss_bad_growth_note (&growth, 7, now), ==, 0);
  g_assert_true (pmss_bad_growth_rests (&growth, now));
  g_assert_cmpfloat (pmss_bad_growth_note (&growth, 9, now + S), ==, 2);
  g_assert_false (pmss_bad_growth_rests (&growth, now + S));
  /* repaired, and others */
  g_assert_cmpfloat (pmss_bad_growth_note (&growth, 0, now + 2 * S), ==, 0);
  g_assert_cmpfloat (pmss_bad_growth_note (&growth, 3, now + 3 * S), ==, 3);
  for (guint i = 0; i < 54; i++)
    g_assert_cmpfloat (pmss_bad_growth_note (&growth, 3, now + i * MINUTE),
        ==, 3);
  /* within five minutes of the hour they are forgotten */
  g_assert_cmpfloat (pmss_bad_growth_note (&growth, 3, now + 61 * MINUTE), ==,
      0);
  g_assert_false (pmss_bad_growth_rests (&growth, now + 60 * MINUTE));
  g_assert_true (pmss_bad_growth_rests (&growth, now + 61 * MINUTE));
}

/* One an hour is none of it. */
static void
test_slow_growth (void)
{
  PmssBadGrowth growth = { 0 };

  for (guint i = 0; i < 240; i++)
    g_assert_cmpfloat (pmss_bad_growth_note (&growth, i / 60,
            START + i * MINUTE), <=, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/trigger/begin", test_begin);
  g_test_add_func ("/trigger/end", test_end);
  g_test_add_func ("/trigger/rest", test_rest);
  g_test_add_func ("/trigger/drop", test_drop);
  g_test_add_func ("/trigger/growth", test_growth);
  g_test_add_func ("/trigger/slow-growth", test_slow_growth);
  return g_test_run ();
}
