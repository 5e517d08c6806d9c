/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A clock that is set while the process runs. */
#include "control/sessions/clock-step.h"

#define S G_USEC_PER_SEC
#define EPOCH (G_GINT64_CONSTANT (1700000000) * S)

static void
test_steps (void)
{
  PmssClockStep step = { 0 };

  g_assert_cmpint (pmss_clock_step_note (&step, EPOCH, 10 * S), ==, 0);
  g_assert_cmpint (pmss_clock_step_note (&step, EPOCH + S, 11 * S), ==, 0);
  g_assert_cmpint (pmss_clock_step_note (&step, EPOCH + 122 * S, 12 * S), ==,
      120);
  g_assert_cmpint (pmss_clock_step_note (&step, EPOCH + 123 * S, 13 * S), ==,
      0);
  g_assert_cmpint (pmss_clock_step_note (&step, EPOCH + 4 * S, 14 * S), ==,
      -120);
}

/* Slewing is no step, until it has become one. */
static void
test_slewed (void)
{
  PmssClockStep step = { 0 };
  gint64 sum = 0;

  for (gint64 i = 0; i < 1000; i++)
    sum += pmss_clock_step_note (&step, EPOCH + i * S + i * S / 100, i * S);
  g_assert_cmpint (sum, >=, 8);
  g_assert_cmpint (sum, <=, 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock-step/steps", test_steps);
  g_test_add_func ("/clock-step/slewed", test_slewed);
  return g_test_run ();
}
