/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long one storage server may keep control from the others. */
#include "control/reconcile/list-budget.h"
#include "control/nodes/avoidance.h"

#define CLOCK 1000000           /* seconds since 1970 */

/* A silent node is waited for once, then after growing pauses, and at once when it has come up anew. */
static void
test_avoidance (void)
{
  PmssAvoidance avoidance = { 0 };
  gint64 now = 5, pause = PMSS_AVOIDANCE_FIRST;

  g_assert_false (pmss_avoidance_holds (&avoidance, now, CLOCK - 9));
  for (guint i = 0; i < 10; i++) {
    /* four requests end together */
    for (guint j = 0; j < 4; j++)
      pmss_avoidance_note_timeout (&avoidance, now + j, CLOCK);
    g_assert_true (pmss_avoidance_holds (&avoidance, now + pause - 1,
            CLOCK - 9));
    g_assert_true (pmss_avoidance_holds (&avoidance, now + pause - 1, 0));
    g_assert_false (pmss_avoidance_holds (&avoidance, now + 1, CLOCK + 1));
    now += pause;
    g_assert_false (pmss_avoidance_holds (&avoidance, now, CLOCK - 9));
    pause = MIN (2 * pause, PMSS_AVOIDANCE_LONGEST);
  }
  pmss_avoidance_note_answer (&avoidance);
  g_assert_false (pmss_avoidance_holds (&avoidance, 0, 0));
  pmss_avoidance_note_timeout (&avoidance, now, CLOCK);
  g_assert_false (pmss_avoidance_holds (&avoidance,
          now + PMSS_AVOIDANCE_FIRST, CLOCK));
}

/* An honest list is read to its end, an endless one and one that comes in drops are not. */
static void
test_list (void)
{
  PmssListBudget budget;
  gint64 now = 77, minute = 60 * (gint64) G_USEC_PER_SEC;

  pmss_list_budget_init (&budget, 0, PMSS_LIST_MORE, now);
  g_assert_false (pmss_list_budget_is_spent (&budget, 1000, now));
  g_assert_true (pmss_list_budget_is_spent (&budget, PMSS_LIST_MORE, now));
  g_assert_true (pmss_list_budget_is_spent (&budget, 1000, now + minute));
  pmss_list_budget_init (&budget, 5000000, PMSS_LIST_MORE, now);
  g_assert_false (pmss_list_budget_is_spent (&budget, 5000000,
          now + 10 * minute));
  g_assert_true (pmss_list_budget_is_spent (&budget, G_MAXINT64, now));
  g_assert_true (pmss_list_budget_is_spent (&budget, 0, now + 100 * minute));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bounds/avoidance", test_avoidance);
  g_test_add_func ("/bounds/list", test_list);
  return g_test_run ();
}
