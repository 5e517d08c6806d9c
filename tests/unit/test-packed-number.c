/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers in 16 bits: how near they come back. */
#include "control/monitor/packed-number.h"

#include <glib.h>
#include <math.h>

#define PRECISION 0.0005

static double
pass (double value)
{
  return pmss_packed_number_unpack (pmss_packed_number_pack (value));
}

static void
test_precision (void)
{
  double worst = 0;

  for (double value = 0x1p-25; value < 0x1p60; value *= 1.00037) {
    double error = fabs (pass (value) / value - 1);

    worst = fmax (worst, error);
  }
  g_assert_cmpfloat (worst, <, PRECISION);
  /* and no better than 16 bits can be, or this measures nothing */
  g_assert_cmpfloat (worst, >, PRECISION / 2);
}

static void
test_bounds (void)
{
  g_assert_cmpfloat (pass (0), ==, 0);
  g_assert_cmpfloat (pass (1), ==, 1);
  g_assert_cmpfloat (pass (1e-12), ==, 0);
  g_assert_cmpfloat (pass (-3), ==, 0);
  g_assert_cmpfloat (pass (-INFINITY), ==, 0);
  g_assert_cmpfloat (pass (1e30), >, 0x1p60);
  g_assert_cmpfloat (pass (INFINITY), ==, pass (1e30));
  g_assert_true (isfinite (pass (INFINITY)));
  g_assert_true (isnan (pass (NAN)));
  g_assert_cmpuint (pmss_packed_number_pack (NAN), ==, PMSS_PACKED_GAP);
}

/* Each number is its own, and larger ones are larger. */
static void
test_all (void)
{
  double before = -1;

  for (guint packed = 0; packed < PMSS_PACKED_GAP; packed++) {
    double value = pmss_packed_number_unpack ((guint16) packed);

    g_assert_cmpfloat (value, >, before);
    g_assert_cmpuint (pmss_packed_number_pack (value), ==, packed);
    before = value;
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/packed-number/precision", test_precision);
  g_test_add_func ("/packed-number/bounds", test_bounds);
  g_test_add_func ("/packed-number/all", test_all);
  return g_test_run ();
}
