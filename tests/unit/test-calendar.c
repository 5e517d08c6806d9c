/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is promised of each node; test-calendar-random.c has more. */
#include "control/admission/calendar.h"

/* A plan takes so much of a node in each slot but its first and last. */
#define RATE 6400
#define UNIT 64
#define NOW 1000

static const PmssCalendarRules plain;

/* @n + 1 slots; the first takes twice @rate, the last nothing */
static PmssStreamPlan *
make_plan_at (guint64 rate, guint n, guint k, guint m, const guint32 * ids)
{
  g_autofree guint64 *demand = g_new (guint64, n + 1);
  g_autoptr (PmssEnvelope) envelope = NULL;

  for (guint i = 0; i <= n; i++)
    demand[i] = rate * k;
  envelope = pmss_envelope_smooth (demand, n + 1, 0);
  return pmss_stream_plan_new (envelope, G_GUINT64_CONSTANT (1) << 40, k, m,
      ids, 1, 1);
}

static PmssStreamPlan *
make_plan (guint n, guint k, guint m, const guint32 * ids)
{
  return make_plan_at (RATE - UNIT, n, k, m, ids);
}

static const guint32 nodes[] = { 1, 2, 3, 4, 5, 6 };

static gboolean
fits (PmssCalendar * calendar, PmssStreamPlan * plan, guint64 slot,
    PmssCalendarBind * bind)
{
  guint64 start;

  return pmss_calendar_find (calendar, plan, 0, 1, slot, slot, &start, bind);
}

static void
test_empty (void)
{
  g_autoptr (PmssCalendar) calendar = pmss_calendar_new (&plain, NOW);
  g_autoptr (PmssStreamPlan) plan = make_plan (10, 1, 0, nodes);
  PmssCalendarBind bind;

  g_assert_cmpuint (pmss_calendar_get_promised (calendar, 1, NOW), ==, 0);
  /* nodes that are not known have no limit */
  g_assert_true (fits (calendar, plan, NOW, &bind));
  g_assert_cmpuint (pmss_calendar_count_more (calendar, plan, NULL, 50), ==,
      50);
  pmss_calendar_set_node (calendar, 1, 0);
  g_assert_false (fits (calendar, plan, NOW, &bind));
  g_assert_cmpuint (bind.node, ==, 1);
  g_assert_cmpuint (bind.failed, ==, 0);
  g_assert_cmpuint (bind.slot, ==, NOW);
  g_assert_cmpuint (pmss_calendar_count_more (calendar, plan, NULL, 50), ==, 0);
  pmss_calendar_remove_node (calendar, 1);
  g_assert_true (fits (calendar, plan, NOW, &bind));
}

/* A start is found where the stream before it has ended. */
static void
test_later (void)
{
  g_autoptr (PmssCalendar) calendar = pmss_calendar_new (&plain, NOW);
  g_autoptr (PmssStreamPlan) plan = make_plan (10, 1, 0, nodes);
  PmssReservation *reservation;
  PmssCalendarBind bind;
  guint64 start;

  pmss_calendar_set_node (calendar, 1, 2 * RATE);
  reservation = pmss_calendar_reserve (calendar, plan, 0, NOW + 5);
  g_assert_cmpuint (pmss_reservation_get_start (reservation), ==, NOW + 5);
  g_assert_true (pmss_calendar_find (calendar, plan, 0, 1, NOW, NOW + 100,
          &start, &bind));
  /* its own first slot takes two, as the other one's does in NOW + 5 */
  g_assert_cmpuint (start, ==, NOW + 15);
  g_assert_cmpuint (bind.node, ==, 1);
  g_assert_cmpuint (bind.slot, ==, NOW + 5);
  g_assert_false (pmss_calendar_find (calendar, plan, 0, 1, NOW, NOW + 14,
          &start, &bind));
  pmss_calendar_release (calendar, reservation);
  for (guint i = 0; i < 30; i++)
    g_assert_cmpuint (pmss_calendar_get_promised (calendar, 1, NOW + i), ==, 0);
}

/* Nothing is taken back where a node becomes slower, or is forced to more. */
static void
test_forced (void)
{
  g_autoptr (PmssCalendar) calendar = pmss_calendar_new (&plain, NOW);
  g_autoptr (PmssStreamPlan) plan = make_plan (10, 2, 0, nodes);
  PmssReservation *reservations[3];
  PmssCalendarBind bind;

  pmss_calendar_set_node (calendar, 1, 100 * RATE);
  for (guint i = 0; i < 3; i++)
    reservations[i] = pmss_calendar_reserve (calendar, plan, 0, NOW);
  pmss_calendar_set_node (calendar, 1, RATE);
  g_assert_cmpuint (pmss_calendar_get_promised (calendar, 1, NOW + 3), ==,
      3 * RATE);
  g_assert_false (fits (calendar, plan, NOW, &bind));
  for (guint i = 0; i < 3; i++)
    pmss_calendar_release (calendar, reservations[i]);
  pmss_calendar_set_node (calendar, 1, 2 * RATE);
  g_assert_true (fits (calendar, plan, NOW, &bind));
}

/* What a node sends is shared by those with parity when it fails. */
static void
test_failure (void)
{
  const PmssCalendarRules rules = {.reserve = 0.1,.survive_failure = TRUE };
  const guint32 others[] = { 5, 6 };
  g_autoptr (PmssCalendar) calendar = pmss_calendar_new (&rules, NOW);
  g_autoptr (PmssStreamPlan) plan = make_plan (40, 4, 2, nodes);
  g_autoptr (PmssStreamPlan) other = make_plan (40, 2, 0, others);
  PmssCalendarBind bind;

  for (guint node = 1; node <= 6; node++)
    pmss_calendar_set_node (calendar, node, 10 * RATE);
  g_assert_true (fits (calendar, plan, NOW, &bind));
  for (guint i = 0; i < 6; i++)
    pmss_calendar_reserve (calendar, plan, 0, NOW - 8);
  /* if node 1 is lost, 5 and 6 have to send the half of its six streams */
  for (guint i = 0; i < 5; i++)
    pmss_calendar_reserve (calendar, other, 0, NOW - 8);
  g_assert_true (fits (calendar, other, NOW + 8, &bind));
  pmss_calendar_reserve (calendar, other, 0, NOW - 8);
  g_assert_false (fits (calendar, other, NOW + 8, &bind));
  g_assert_cmpuint (bind.node, >=, 5);
  g_assert_cmpuint (bind.failed, >=, 1);
  g_assert_cmpuint (bind.failed, <=, 4);
  g_assert_cmpuint (bind.slot, >=, NOW + 8);
  g_assert_cmpuint (bind.slot, <, NOW + 16);
  /* for the ratio alone there is room for three; the first slot takes two */
  pmss_calendar_set_rules (calendar, &(PmssCalendarRules) {
      .reserve = 0.1}
  );
  for (guint i = 0; i < 2; i++) {
    g_assert_true (fits (calendar, other, NOW + 8, &bind));
    pmss_calendar_reserve (calendar, other, 0, NOW - 8);
  }
  g_assert_false (fits (calendar, other, NOW + 8, &bind));
  g_assert_cmpuint (bind.failed, ==, 0);
}

/* So many more, now and with nodes gone. */
static void
test_count (void)
{
  const PmssCalendarRules rules = {.survive_failure = TRUE };
  g_autoptr (PmssCalendar) calendar = pmss_calendar_new (&rules, NOW);
  g_autoptr (PmssStreamPlan) plan = make_plan (400, 4, 2, nodes);
  g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (guint));
  const guint first = 1, second = 5, third = 2;

  for (guint node = 1; node <= 6; node++)
    pmss_calendar_set_node (calendar, node, 20 * RATE);
  /* the first slot takes two */
  g_assert_cmpuint (pmss_calendar_count_more (calendar, plan, NULL, 50), ==,
      10);
  g_assert_cmpuint (pmss_calendar_count_more (calendar, plan, NULL, 3), ==, 3);
  pmss_calendar_reserve (calendar, plan, 0, NOW - 20);
  g_array_append_val (gone, first);
  /* 2 and 3 have one already; 5 and 6 get half of each */
  g_assert_cmpuint (pmss_calendar_count_more (calendar, plan, gone, 50), ==, 9);
  g_array_append_val (gone, second);
  /* 6 takes all that 1 had */
  g_assert_cmpuint (pmss_calendar_count_more (calendar, plan, gone, 50), ==, 9);
  g_array_append_val (gone, third);
  g_assert_cmpuint (pmss_calendar_count_more (calendar, plan, gone, 50), ==, 0);
}

/* Lost data shards are read from the parity shards. */
static void
test_lost (void)
{
  const guint32 lost[] = { 0, 2, 3, 4 };
  g_autoptr (PmssCalendar) calendar = pmss_calendar_new (&plain, NOW);
  g_autoptr (PmssStreamPlan) plan = make_plan (40, 2, 2, lost);

  pmss_calendar_reserve (calendar, plan, 0, NOW);
  g_assert_cmpuint (pmss_calendar_get_promised (calendar, 2, NOW + 1), ==,
      RATE);
  g_assert_cmpuint (pmss_calendar_get_promised (calendar, 3, NOW + 1), ==,
      RATE / 2);
  g_assert_cmpuint (pmss_calendar_get_promised (calendar, 4, NOW + 1), ==,
      RATE / 2);
}

static void
check_long (PmssCalendar * calendar, guint64 now, guint64 end)
{
  for (guint i = 0; i < PMSS_CALENDAR_SLOTS; i += 11)
    g_assert_cmpuint (pmss_calendar_get_promised (calendar, 1, now + i), ==,
        now + i < end ? RATE : 0);
}

/* What is beyond four hours is written in as time goes on. */
static void
test_horizon (void)
{
  const PmssCalendarRules rules = {.survive_failure = TRUE,.work_ahead = TRUE };
  const guint64 steps[] = { 1, 255, 256, 257, 3000, 7199, 7200, 20000, 1 };
  g_autoptr (PmssCalendar) calendar = pmss_calendar_new (&rules, NOW);
  g_autoptr (PmssStreamPlan) plan = make_plan (43000, 2, 1, nodes);
  guint64 now = NOW, end = NOW - 1 + 43000;
  PmssReservation *stream, *ending;

  stream = pmss_calendar_reserve (calendar, plan, 0, NOW - 1);
  ending = pmss_calendar_reserve (calendar, plan, 42990, NOW);
  pmss_calendar_release (calendar, ending);
  check_long (calendar, now, end);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    now += steps[i];
    pmss_calendar_advance (calendar, now);
    check_long (calendar, now, end);
  }
  pmss_calendar_advance (calendar, NOW);        /* never back */
  check_long (calendar, now, end);
  pmss_calendar_set_rules (calendar, &plain);
  check_long (calendar, now, end);
  pmss_calendar_advance (calendar, end - 1);
  g_assert_cmpuint (pmss_calendar_get_promised (calendar, 1, end - 1), ==,
      RATE);
  pmss_calendar_release (calendar, stream);
  check_long (calendar, end - 1, 0);
  pmss_calendar_advance (calendar, G_GUINT64_CONSTANT (1) << 60);
}

/* So many nodes that the slots of the reserve become longer. */
static void
test_many_nodes (void)
{
  const PmssCalendarRules rules = {.survive_failure = TRUE };
  g_autoptr (PmssCalendar) calendar = pmss_calendar_new (&rules, NOW);
  PmssReservation *streams[300];
  PmssCalendarBind bind;

  for (guint i = 0; i < 300; i++) {
    const guint32 ids[] = { i + 1, i % 300 + 2, (i + 2) % 300 + 1 };
    g_autoptr (PmssStreamPlan) plan = make_plan (100, 2, 1, ids);

    pmss_calendar_set_node (calendar, i + 1, 6 * RATE);
    streams[i] = pmss_calendar_reserve (calendar, plan, 0, NOW + i);
  }
  for (guint i = 0; i < 300; i++) {
    const guint32 ids[] = { i + 1, i % 300 + 2, (i + 2) % 300 + 1 };
    g_autoptr (PmssStreamPlan) plan = make_plan (100, 2, 1, ids);

    pmss_calendar_release (calendar, streams[i]);
    g_assert_true (fits (calendar, plan, NOW, &bind));
  }
  for (guint i = 0; i < 600; i++)
    g_assert_cmpuint (pmss_calendar_get_promised (calendar, 7, NOW + i), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/calendar/empty", test_empty);
  g_test_add_func ("/calendar/later", test_later);
  g_test_add_func ("/calendar/forced", test_forced);
  g_test_add_func ("/calendar/failure", test_failure);
  g_test_add_func ("/calendar/count", test_count);
  g_test_add_func ("/calendar/lost", test_lost);
  g_test_add_func ("/calendar/horizon", test_horizon);
  g_test_add_func ("/calendar/many-nodes", test_many_nodes);
  return g_test_run ();
}
