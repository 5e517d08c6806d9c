/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The variable is read once, so each case is a process of its own. */
#include "daemon/pmss-haste.h"

typedef struct
{
  const char *name;
  const char *value;            /* (nullable) */
  gint64 of_3000;
} Case;

static const Case cases[] = {
  {"none", NULL, 3000},
  {"one", "1", 3000},
  {"ten", "10", 300},
  {"zero", "0", 3000},
  {"eleven", "11", 3000},
  {"word", "fast", 3000},
  {"empty", "", 3000},
};

static void
test_case (gconstpointer data)
{
  const Case *one = data;
  gint64 seen;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 20 * G_USEC_PER_SEC, 0);
    g_test_trap_assert_passed ();
    return;
  }
  if (one->value != NULL)
    g_setenv ("PMSS_TEST_HASTE", one->value, TRUE);
  else
    g_unsetenv ("PMSS_TEST_HASTE");
  seen = pmss_haste (3000);
  g_assert_cmpint (seen, ==, one->of_3000);
  g_assert_cmpint (pmss_haste (3000), ==, seen);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strconcat ("/haste/", cases[i].name, NULL);

    g_test_add_data_func (path, &cases[i], test_case);
  }
  return g_test_run ();
}
