/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the text of a refusal says. */
#include <gio/gio.h>

#include "libpmss/client/pmss-busy.h"
#include "libpmss/pmss-error.h"

#define SECOND G_GINT64_CONSTANT (1000000000)

static void
test_time (void)
{
  static const struct
  {
    gint64 ns;
    const char *text;
  } cases[] = {
    {0, "0 s"}, {1, "1 s"}, {8 * SECOND, "8 s"}, {8 * SECOND + 1, "9 s"},
    {60 * SECOND, "1 min"}, {250 * SECOND, "4 min 10 s"},
    {7500 * SECOND, "2 h 5 min"}, {G_MAXINT64, "2562047 h 47 min"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = pmss_busy_format_time (cases[i].ns);

    g_assert_cmpstr (text, ==, cases[i].text);
  }
}

static void
assert_explained (const char *text, const char *resource, guint node,
    guint retry_after, gint64 start_in, const char *wanted)
{
  g_autoptr (GError) error = g_error_new_literal (PMSS_ERROR, PMSS_ERROR_BUSY,
      text);
  PmssErrorDetails *details = pmss_error_get_details (error);

  details->resource = g_strdup (resource);
  details->node = node;
  details->retry_after = retry_after;
  details->start_in = start_in;
  pmss_busy_explain (error);
  g_assert_cmpstr (error->message, ==, wanted);
}

static void
test_explained (void)
{
  assert_explained ("full", NULL, 0, 0, -1, "full");
  assert_explained ("full", "disk", 0, 5, -1,
      "full; what does not suffice is the disk; try again in 5 s");
  assert_explained ("full", "cpu", 7, 5, 90 * SECOND,
      "full; what does not suffice is the cpu of storage server 7; "
      "try again in 1 min 30 s");
  /* what is told later counts */
  assert_explained ("full", NULL, 0, 5, SECOND, "full; try again in 5 s");
  /* it has said so itself */
  assert_explained ("the disk of node 1. Try again in 4 s", "disk", 1, 4, 0,
      "the disk of node 1. Try again in 4 s");
}

static void
test_unknown (void)
{
  g_autoptr (GError) error = g_error_new (PMSS_ERROR, PMSS_ERROR_BUSY, "full");
  g_autoptr (GError) other = g_error_new (G_IO_ERROR, G_IO_ERROR_BUSY, "busy");

  g_assert_cmpint (pmss_busy_get_wait (error), ==, -1);
  g_assert_cmpint (pmss_busy_get_wait (other), ==, -1);
  pmss_error_get_details (error)->start_in = 0;
  g_assert_cmpint (pmss_busy_get_wait (error), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/busy/time", test_time);
  g_test_add_func ("/busy/explained", test_explained);
  g_test_add_func ("/busy/unknown", test_unknown);
  return g_test_run ();
}
