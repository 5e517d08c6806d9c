/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/pmss-types.h"
#include "tools/pmss/local-redundancy.h"

static void
test_fits (void)
{
  PmssRedundancy redundancy;
  g_autoptr (GError) error = NULL;

  for (guint nodes = 1; nodes <= 64; nodes++) {
    g_assert_true (pmss_redundancy_parse (pmss_local_redundancy (nodes),
            &redundancy, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (redundancy.k + redundancy.m, ==, MIN (nodes, 6));
    g_assert_true (nodes == 1 || redundancy.m > 0);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/local-redundancy/fits", test_fits);
  return g_test_run ();
}
