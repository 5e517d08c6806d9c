/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long a shard that a node does not give is left alone. */
#include "libpmss/reader/pmss-bad-shards.h"

#define SECOND G_TIME_SPAN_SECOND
#define START (1000 * SECOND)
#define DAY (24 * 3600 * SECOND)

/* us until shard 1 of extent 7 becomes due, to 10 ms. */
static gint64
wait_until_due (PmssBadShards * bad, gint64 from, gboolean urgent)
{
  gint64 now = from;

  while (pmss_bad_shards_is_bad (bad, 7, 1)) {
    now += 10 * G_TIME_SPAN_MILLISECOND;
    g_assert_cmpint (now - from, <, DAY);
    pmss_bad_shards_release (bad, now, urgent);
  }
  return now - from;
}

/* Never for ever, and exponentially more seldom. */
static void
test_pace (void)
{
  const gint64 pauses[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
  PmssBadShards *bad = pmss_bad_shards_new ();
  gint64 now = START;

  for (guint i = 0; i < G_N_ELEMENTS (pauses); i++) {
    pmss_bad_shards_note (bad, 7, 1, now);
    g_assert_true (pmss_bad_shards_is_bad (bad, 7, 1));
    g_assert_cmpuint (pmss_bad_shards_get_tries (bad, 7, 1), ==, i + 1);
    g_assert_cmpint (wait_until_due (bad, now, FALSE), ==, pauses[i] * SECOND);
    now += 100 * SECOND;
  }
  pmss_bad_shards_free (bad);
}

static void
test_urgent (void)
{
  const gint64 pauses[] = { 100, 200, 300, 300 };       /* ms */
  PmssBadShards *bad = pmss_bad_shards_new ();
  gint64 now = START;

  for (guint i = 0; i < G_N_ELEMENTS (pauses); i++) {
    gint64 pause = pauses[i] * G_TIME_SPAN_MILLISECOND;

    pmss_bad_shards_note (bad, 7, 1, now);
    g_assert_cmpint (pmss_bad_shards_get_retry (bad, 7, 1), ==, now + pause);
    g_assert_cmpint (wait_until_due (bad, now, TRUE), ==, pause);
    g_assert_cmpint (pmss_bad_shards_get_retry (bad, 7, 1), ==, G_MAXINT64);
    now += pause;
  }
  pmss_bad_shards_free (bad);
}

/* What was asked before it was known is no second try. */
static void
test_together (void)
{
  PmssBadShards *bad = pmss_bad_shards_new ();

  pmss_bad_shards_note (bad, 7, 1, START);
  pmss_bad_shards_note (bad, 7, 1, START + 1);
  g_assert_cmpuint (pmss_bad_shards_get_tries (bad, 7, 1), ==, 1);
  pmss_bad_shards_free (bad);
}

static void
test_forgotten (void)
{
  PmssBadShards *bad = pmss_bad_shards_new ();

  g_assert_false (pmss_bad_shards_forget (bad, 7, 1, START));
  pmss_bad_shards_note (bad, 7, 1, START);
  pmss_bad_shards_note (bad, 7, 2, START);
  /* asked for before it was gone */
  g_assert_false (pmss_bad_shards_forget (bad, 7, 1, START));
  g_assert_true (pmss_bad_shards_forget (bad, 7, 1, START + 1));
  g_assert_false (pmss_bad_shards_is_bad (bad, 7, 1));
  g_assert_true (pmss_bad_shards_is_bad (bad, 7, 2));
  /* and begins anew */
  pmss_bad_shards_note (bad, 7, 1, START);
  g_assert_cmpuint (pmss_bad_shards_get_tries (bad, 7, 1), ==, 1);
  pmss_bad_shards_free (bad);
}

/* A reader that goes through a medium of many extents keeps no more of them than
 * an hour's. */
static void
test_old (void)
{
  PmssBadShards *bad = pmss_bad_shards_new ();

  for (guint i = 0; i < 100; i++)
    pmss_bad_shards_note (bad, i, 1, START);
  pmss_bad_shards_release (bad, START + SECOND, FALSE);
  g_assert_cmpuint (pmss_bad_shards_get_tries (bad, 99, 1), ==, 1);
  pmss_bad_shards_note (bad, 100, 1, START + 3600 * SECOND);
  pmss_bad_shards_release (bad, START + 3602 * SECOND, FALSE);
  g_assert_cmpuint (pmss_bad_shards_get_tries (bad, 99, 1), ==, 0);
  g_assert_cmpuint (pmss_bad_shards_get_tries (bad, 100, 1), ==, 1);
  pmss_bad_shards_free (bad);
}

/* Of one extent alone, and what was tried so far still counts. */
static void
test_hurried (void)
{
  PmssBadShards *bad = pmss_bad_shards_new ();

  pmss_bad_shards_note (bad, 7, 1, START);
  pmss_bad_shards_note (bad, 8, 1, START);
  pmss_bad_shards_hurry (bad, 7);
  pmss_bad_shards_release (bad, START, FALSE);
  g_assert_false (pmss_bad_shards_is_bad (bad, 7, 1));
  g_assert_true (pmss_bad_shards_is_bad (bad, 8, 1));
  g_assert_cmpuint (pmss_bad_shards_get_tries (bad, 7, 1), ==, 1);
  pmss_bad_shards_release (bad, START + SECOND, FALSE);
  g_assert_false (pmss_bad_shards_is_bad (bad, 8, 1));
  pmss_bad_shards_free (bad);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bad-shards/pace", test_pace);
  g_test_add_func ("/bad-shards/urgent", test_urgent);
  g_test_add_func ("/bad-shards/together", test_together);
  g_test_add_func ("/bad-shards/forgotten", test_forgotten);
  g_test_add_func ("/bad-shards/old", test_old);
  g_test_add_func ("/bad-shards/hurried", test_hurried);
  return g_test_run ();
}
