/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long a request is waited for, and why it ended. */
#include "libpmss/reader/pmss-patience.h"

#include "libpmss/pmss-error.h"

static GError *
cancelled (void)
{
  return g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
}

static void
test_over (void)
{
  PmssLoop *loop = pmss_loop_new (NULL);
  PmssPatience *patience = pmss_patience_new (loop, NULL, 1);
  GCancellable *cancellable = pmss_patience_get_cancellable (patience);
  g_autoptr (GError) error = cancelled ();

  while (!g_cancellable_is_cancelled (cancellable))
    g_main_context_iteration (NULL, TRUE);
  pmss_patience_end (patience, &error);
  pmss_loop_free (loop);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
}

/* Closed: that is no time-out, and what did not fail has no error. */
static void
test_outer (void)
{
  g_autoptr (GCancellable) outer = g_cancellable_new ();
  PmssLoop *loop = pmss_loop_new (NULL);
  PmssPatience *patience = pmss_patience_new (loop, outer, 60000);
  g_autoptr (GError) error = NULL;

  g_assert_false (g_cancellable_is_cancelled (pmss_patience_get_cancellable
          (patience)));
  g_cancellable_cancel (outer);
  g_assert_true (g_cancellable_is_cancelled (pmss_patience_get_cancellable
          (patience)));
  error = cancelled ();
  pmss_patience_end (patience, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  patience = pmss_patience_new (loop, outer, 60000);
  pmss_patience_end (patience, &error);
  pmss_loop_free (loop);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/patience/over", test_over);
  g_test_add_func ("/patience/outer", test_outer);
  return g_test_run ();
}
