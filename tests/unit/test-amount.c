/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "libpmss/pmss-amount.h"
#include "libpmss/pmss-error.h"

static void
test_good (void)
{
  static const struct
  {
    const char *text;
    guint64 amount;
  } all[] = {
    {"0", 0}, {"1000", 1000}, {"10k", 10000}, {"10K", 10000},
    {"10 M", 10000000}, {"3G", 3000000000}, {"2T", 2000000000000},
    {"64KiB", 65536}, {"1MiB", 1048576}, {"1 GiB", 1073741824},
    {"1TiB", G_GUINT64_CONSTANT (1099511627776)},
    {"9223372036854775807", G_MAXINT64}, {"0T", 0}, {"007", 7}, {"1 ", 1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    g_autoptr (GError) error = NULL;
    guint64 amount = 42;

    g_assert_true (pmss_amount_parse (all[i].text, &amount, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (amount, ==, all[i].amount);
  }
}

static void
test_bad (void)
{
  static const char *const all[] = {
    "", " ", "k", "-1", "+1", " 1", "0x10", "1.5G", "1e3", "10m", "10g",
    "10kib", "10kB", "10B", "1k k", "10K1", "١٠",
    "9223372036854775808", "18446744073709551616", "99999999999999999999999",
    "8388608TiB", "18446744073709552k",
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    g_autoptr (GError) error = NULL;
    guint64 amount = 42;

    g_test_message ("“%s”", all[i]);
    g_assert_false (pmss_amount_parse (all[i], &amount, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
    g_assert_cmpuint (amount, ==, 42);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/amount/good", test_good);
  g_test_add_func ("/amount/bad", test_bad);
  return g_test_run ();
}
