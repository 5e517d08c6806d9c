/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/nodes/same-host.h"

static const char *const same[][2] = {
  {"node.example", "NODE.example"},
  {"node.example", "node.example."},
  {"localhost", "127.0.0.1"},
  {"LOCALHOST.", "127.0.0.1"},
  {"localhost", "::1"},
  {"localhost", "[::1]"},
  {"a.localhost", "localhost"},
  {"192.0.2.1", "::ffff:192.0.2.1"},
  {"2001:db8::1", "2001:DB8:0:0:0:0:0:1"},
  {"2001:db8::1", "[2001:db8::1]"},
};

static const char *const different[][2] = {
  {"node.example", "node2.example"},
  {"node.example", "node.exampl"},
  {"192.0.2.1", "192.0.2.2"},
  {"192.0.2.1", "node.example"},
  {"localhost", "192.0.2.1"},
  {"localhost", "localhost.example"},
  {"::1", "::2"},
  /* two servers of one machine */
  {"127.0.0.1", "127.0.0.2"},
  {"127.0.0.2", "localhost"},
  {"", "localhost"},
};

static void
test_same (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (same); i++) {
    g_test_message ("%s and %s", same[i][0], same[i][1]);
    g_assert_true (pmss_same_host (same[i][0], same[i][1]));
    g_assert_true (pmss_same_host (same[i][1], same[i][0]));
  }
}

static void
test_different (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (different); i++) {
    g_test_message ("%s and %s", different[i][0], different[i][1]);
    g_assert_false (pmss_same_host (different[i][0], different[i][1]));
    g_assert_false (pmss_same_host (different[i][1], different[i][0]));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/same-host/same", test_same);
  g_test_add_func ("/same-host/different", test_different);
  return g_test_run ();
}
