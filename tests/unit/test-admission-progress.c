/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/admission/stream-progress.h"

#define SLOTS 100
#define EACH 1000000            /* bytes of a slot */
#define START 5000

/* 100 slots of 1 MB, of which a client holds 5 MB. */
static PmssStreamPlan *
make_plan (void)
{
  static const guint32 places[] = { 1, 2, 3 };
  guint64 demand[SLOTS];
  g_autoptr (PmssEnvelope) envelope = NULL;

  for (guint i = 0; i < SLOTS; i++)
    demand[i] = EACH;
  envelope = pmss_envelope_smooth (demand, SLOTS, 5 * EACH);
  return pmss_stream_plan_new (envelope, SLOTS * EACH, 2, 1, places, 1, 1);
}

static PmssProgress
begin (void)
{
  return (PmssProgress) {
  .held = TRUE,.start = START};
}

static void
test_goes_on (void)
{
  g_autoptr (PmssStreamPlan) plan = make_plan ();
  PmssProgress progress = begin ();
  guint32 skip = 7;

  g_assert_cmpint (pmss_progress_note (&progress, plan, START, 0, FALSE, &skip),
      ==, PMSS_PROGRESS_GOES_ON);
  for (guint i = 0; i < 2 * SLOTS; i += 10)
    g_assert_cmpint (pmss_progress_note (&progress, plan, START + i,
            MIN (i, SLOTS) * EACH, FALSE, &skip), ==, PMSS_PROGRESS_GOES_ON);
  /* it says nothing */
  g_assert_cmpint (pmss_progress_note (&progress, plan, START + 50, -1, FALSE,
          &skip), ==, PMSS_PROGRESS_GOES_ON);
  g_assert_cmpuint (pmss_progress_get_slot (&progress, plan, START + 50), ==,
      50);
  g_assert_cmpuint (pmss_progress_get_slot (&progress, plan, G_MAXUINT64), ==,
      SLOTS - 1);
  g_assert_cmpuint (pmss_progress_get_slot (&progress, plan, 0), ==, 0);
}

static void
test_moves (void)
{
  g_autoptr (PmssStreamPlan) plan = make_plan ();
  PmssProgress progress = begin ();
  guint32 skip;

  g_assert_cmpint (pmss_progress_note (&progress, plan, START + 10, 60 * EACH,
          FALSE, &skip), ==, PMSS_PROGRESS_MOVES);
  g_assert_cmpuint (skip, >=, 55);
  g_assert_cmpuint (skip, <=, 60);
  progress.start = START + 10;
  progress.skip = skip;
  g_assert_cmpint (pmss_progress_note (&progress, plan, START + 20, 70 * EACH,
          FALSE, &skip), ==, PMSS_PROGRESS_GOES_ON);
  g_assert_cmpint (pmss_progress_note (&progress, plan, START + 30, 0, FALSE,
          &skip), ==, PMSS_PROGRESS_MOVES);
  g_assert_cmpuint (skip, ==, 0);
  /* nonsense is the end of the file */
  g_assert_cmpint (pmss_progress_note (&progress, plan, START + 30, G_MAXINT64,
          FALSE, &skip), ==, PMSS_PROGRESS_MOVES);
  g_assert_cmpuint (skip, <, SLOTS);
}

static void
test_rests (void)
{
  g_autoptr (PmssStreamPlan) plan = make_plan ();
  PmssProgress progress = begin ();
  guint32 skip;

  g_assert_cmpint (pmss_progress_note (&progress, plan, START + 10, 10 * EACH,
          TRUE, &skip), ==, PMSS_PROGRESS_GOES_ON);
  g_assert_cmpint (pmss_progress_note (&progress, plan, START + 39, 10 * EACH,
          TRUE, &skip), ==, PMSS_PROGRESS_GOES_ON);
  g_assert_cmpint (pmss_progress_note (&progress, plan, START + 40, 10 * EACH,
          TRUE, &skip), ==, PMSS_PROGRESS_RESTS);
  progress.held = FALSE;
  g_assert_cmpint (pmss_progress_note (&progress, plan, START + 60, 10 * EACH,
          TRUE, &skip), ==, PMSS_PROGRESS_GOES_ON);
  /* and it goes on where it was */
  g_assert_cmpint (pmss_progress_note (&progress, plan, START + 70, 10 * EACH,
          FALSE, &skip), ==, PMSS_PROGRESS_MOVES);
  g_assert_cmpuint (skip, <=, 10);
  g_assert_cmpuint (skip, >=, 6);
  g_assert_cmpuint (progress.idle_since, ==, 0);
}

/* Who waits for a start cannot take one by telling of a place. */
static void
test_waits (void)
{
  g_autoptr (PmssStreamPlan) plan = make_plan ();
  PmssProgress progress = begin ();
  guint32 skip;

  g_assert_cmpint (pmss_progress_note (&progress, plan, START - 1, 60 * EACH,
          FALSE, &skip), ==, PMSS_PROGRESS_GOES_ON);
  g_assert_cmpint (pmss_progress_note (&progress, plan, START - 1, 0, TRUE,
          &skip), ==, PMSS_PROGRESS_GOES_ON);
  g_assert_cmpuint (progress.idle_since, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/admission-progress/goes-on", test_goes_on);
  g_test_add_func ("/admission-progress/moves", test_moves);
  g_test_add_func ("/admission-progress/rests", test_rests);
  g_test_add_func ("/admission-progress/waits", test_waits);
  return g_test_run ();
}
