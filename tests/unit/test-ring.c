/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ten minutes, second by second: seconds that are left out, repeated, and far away. */
#include "control/monitor/ring.h"

#include <math.h>

#include "control/monitor/steady-time.h"

static void
add (PmssRing * ring, gint64 second, double first)
{
  const double values[] = { first, 2 * first };

  pmss_ring_add (ring, second, values);
}

static void
test_wrap (void)
{
  PmssRing *ring = pmss_ring_new (2);

  g_assert_true (isnan (pmss_ring_get (ring, 0, 5)));
  for (gint64 s = 1000; s < 1000 + 3 * PMSS_RING_SECONDS; s++)
    add (ring, s, (double) (s % 2 + 1));
  for (gint64 s = 1000 + 2 * PMSS_RING_SECONDS;
      s < 1000 + 3 * PMSS_RING_SECONDS; s++) {
    g_assert_cmpfloat (pmss_ring_get (ring, 0, s), ==, s % 2 + 1);
    g_assert_cmpfloat (pmss_ring_get (ring, 1, s), ==, 2 * (s % 2 + 1));
  }
  g_assert_true (isnan (pmss_ring_get (ring, 0, 999 + 2 * PMSS_RING_SECONDS)));
  g_assert_true (isnan (pmss_ring_get (ring, 0, 1000 + 3 * PMSS_RING_SECONDS)));
  g_assert_true (isnan (pmss_ring_get (ring, 2, 999 + 3 * PMSS_RING_SECONDS)));
  pmss_ring_free (ring);
}

static void
test_gaps (void)
{
  PmssRing *ring = pmss_ring_new (2);

  add (ring, 100, 1);
  add (ring, 103, 4);
  add (ring, 104, NAN);
  g_assert_cmpfloat (pmss_ring_get (ring, 0, 100), ==, 1);
  g_assert_true (isnan (pmss_ring_get (ring, 0, 101)));
  g_assert_true (isnan (pmss_ring_get (ring, 0, 102)));
  g_assert_cmpfloat (pmss_ring_get (ring, 0, 103), ==, 4);
  g_assert_true (isnan (pmss_ring_get (ring, 0, 104)));
  /* what was written first stays */
  add (ring, 103, 8);
  add (ring, 50, 8);
  add (ring, -1, 8);
  g_assert_cmpfloat (pmss_ring_get (ring, 0, 103), ==, 4);
  g_assert_true (isnan (pmss_ring_get (ring, 0, 50)));
  g_assert_true (isnan (pmss_ring_get (ring, 0, -1)));
  /* so far ahead that nothing of before is left */
  add (ring, G_MAXINT64 / 2, 16);
  g_assert_true (isnan (pmss_ring_get (ring, 0, 103)));
  g_assert_true (isnan (pmss_ring_get (ring, 0, G_MAXINT64 / 2 - 1)));
  g_assert_cmpfloat (pmss_ring_get (ring, 0, G_MAXINT64 / 2), ==, 16);
  pmss_ring_free (ring);
}

/* A clock that is disciplined moves no name, one that is set does. */
static void
test_time (void)
{
  const gint64 s = G_USEC_PER_SEC, wall = 1796069041 * s + 700000;
  PmssSteadyTime time = { 0 };

  pmss_steady_time_look (&time, 100 * s, wall);
  g_assert_cmpint (time.offset, ==, 1796069041 + 1 - 100);
  for (gint64 i = 0; i < 1000; i++) {
    pmss_steady_time_look (&time, (100 + i) * s,
        wall + i * s + (i % 3 - 1) * 600000);
    g_assert_cmpint (time.offset, ==, 1796069041 + 1 - 100);
  }
  pmss_steady_time_look (&time, 2000 * s, wall + 1900 * s - 3600 * s);
  g_assert_cmpint (time.offset, ==, 1796069041 + 1 - 100 - 3600);
  pmss_steady_time_look (&time, 2001 * s, 0);
  g_assert_cmpint (time.offset, ==, -2000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ring/wrap", test_wrap);
  g_test_add_func ("/ring/gaps", test_gaps);
  g_test_add_func ("/ring/time", test_time);
  return g_test_run ();
}
