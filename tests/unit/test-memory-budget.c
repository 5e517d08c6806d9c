/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/repair/memory-budget.h"

#define BUDGET 100
#define ROUNDS 200

typedef struct
{
  PmssMemoryBudget *budget;
  guint64 bytes;
  gint *together;               /* bytes that are claimed now, atomic */
  gint begun;                   /* it is about to claim, atomic */
  gint *served;                 /* those that got theirs, atomic */
} Claimer;

static gpointer
claim_often (gpointer user_data)
{
  Claimer *claimer = user_data;

  for (guint i = 0; i < ROUNDS; i++) {
    gint before;

    pmss_memory_budget_claim (claimer->budget, claimer->bytes);
    before = g_atomic_int_add (claimer->together, (gint) claimer->bytes);
    g_assert_true (before == 0 || before + claimer->bytes <= BUDGET);
    g_thread_yield ();
    g_atomic_int_add (claimer->together, -(gint) claimer->bytes);
    pmss_memory_budget_release (claimer->budget, claimer->bytes);
  }
  return NULL;
}

static void
test_together (void)
{
  static const guint64 bytes[] = { 10, 30, 60, BUDGET, 3 * BUDGET };
  PmssMemoryBudget *budget = pmss_memory_budget_new (BUDGET);
  Claimer claimers[G_N_ELEMENTS (bytes)];
  GThread *threads[G_N_ELEMENTS (bytes)];
  gint together = 0;

  for (guint i = 0; i < G_N_ELEMENTS (bytes); i++) {
    claimers[i] = (Claimer) {
    .budget = budget,.bytes = bytes[i],.together = &together};
    threads[i] = g_thread_new ("claimer", claim_often, &claimers[i]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (bytes); i++)
    g_thread_join (threads[i]);
  pmss_memory_budget_free (budget);
}

static gpointer
claim_once (gpointer user_data)
{
  Claimer *claimer = user_data;

  g_atomic_int_set (&claimer->begun, TRUE);
  pmss_memory_budget_claim (claimer->budget, claimer->bytes);
  g_atomic_int_inc (claimer->served);
  pmss_memory_budget_release (claimer->budget, claimer->bytes);
  return NULL;
}

static GThread *
begin (Claimer * claimer)
{
  GThread *thread = g_thread_new ("claimer", claim_once, claimer);

  while (!g_atomic_int_get (&claimer->begun))
    g_usleep (G_TIME_SPAN_MILLISECOND);
  g_usleep (300 * G_TIME_SPAN_MILLISECOND);
  return thread;
}

/* A small claim that would fit does not overtake a large one that waits. */
static void
test_order (void)
{
  PmssMemoryBudget *budget = pmss_memory_budget_new (BUDGET);
  gint served = 0;
  Claimer large = {.budget = budget,.bytes = BUDGET,.served = &served };
  Claimer small = {.budget = budget,.bytes = 1,.served = &served };
  GThread *first, *second;

  pmss_memory_budget_claim (budget, 10);
  first = begin (&large);
  second = begin (&small);
  g_assert_cmpint (g_atomic_int_get (&served), ==, 0);
  pmss_memory_budget_release (budget, 10);
  g_thread_join (first);
  g_thread_join (second);
  g_assert_cmpint (served, ==, 2);
  pmss_memory_budget_free (budget);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/memory-budget/together", test_together);
  g_test_add_func ("/memory-budget/order", test_order);
  return g_test_run ();
}
