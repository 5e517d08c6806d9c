/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How connections share the limit of descriptors. */
#include "daemon/pmss-descriptors.h"
#include "libpmss/pmss-error.h"

static void
test_share (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (pmss_descriptors_share (1024, 2, 64, 8192, &error), ==,
      480);
  g_assert_cmpuint (pmss_descriptors_share (65536, 2, 64, 8192, &error), ==,
      8192);
  g_assert_cmpuint (pmss_descriptors_share (G_MAXUINT64, 3, 256, 1000, &error),
      ==, 1000);
  g_assert_cmpuint (pmss_descriptors_share (72, 2, 64, 8192, &error), ==, 4);
  g_assert_cmpuint (pmss_descriptors_share (66, 2, 64, 1, &error), ==, 1);
  g_assert_no_error (error);
}

static void
test_too_few (void)
{
  static const guint64 limits[] = { 0, 63, 64, 71 };

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_cmpuint (pmss_descriptors_share (limits[i], 2, 64, 1000, &error),
        ==, 0);
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_FAILED);
    g_assert_nonnull (g_strstr_len (error->message, -1, "needs 72"));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/descriptors/share", test_share);
  g_test_add_func ("/descriptors/too-few", test_too_few);
  return g_test_run ();
}
