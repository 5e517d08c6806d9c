/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server that gets no thread says what to do, and leaves no core. */
#include "daemon/pmss-daemon.h"

/* In place of GLib's: there are none. */
GThread *
g_thread_try_new (const char *name, GThreadFunc func, gpointer data,
    GError ** error)
{
  g_set_error_literal (error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN,
      "Resource temporarily unavailable");
  return NULL;
}

static gpointer
run (gpointer data)
{
  return NULL;
}

static void
test_none (void)
{
  if (g_test_subprocess ()) {
    pmss_daemon_thread_new ("database", run, NULL);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*database*temporarily unavailable*TasksMax*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/daemon-thread/none", test_none);
  return g_test_run ();
}
