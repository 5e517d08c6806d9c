/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calendar beside a model that adds everything up, and nodes that send. */
#include "calendar-model.h"

#define MOST_SLOTS 60
#define STEPS 250

typedef struct
{
  guint admitted, refused, later;
} Counts;

static void
ask (CalendarModel * model, GRand * rand, gboolean with_losses, Counts * counts)
{
  g_autoptr (PmssStreamPlan) plan = calendar_model_make_plan (rand,
      MOST_SLOTS, with_losses);
  guint32 skip = g_rand_int_range (rand, 0, 3) == 0
      ? (guint32) g_rand_int_range (rand, 0, MOST_SLOTS) : 0;
  guint64 first = model->now + (guint64) g_rand_int_range (rand, 0, 10);
  guint64 last = first + (guint64) g_rand_int_range (rand, 0, 20);
  guint64 start = 0;
  PmssCalendarBind bind;
  gboolean fits = pmss_calendar_find (model->calendar, plan, skip, 1, first,
      last, &start, &bind);

  for (guint64 slot = first; slot <= (fits ? start : last); slot++)
    g_assert_cmpint (calendar_model_fits (model, plan, skip, slot), ==,
        fits && slot == start);
  if (!fits || start > first) {
    g_assert_cmpuint (bind.node, >=, 1);
    g_assert_cmpuint (bind.node, <=, MODEL_NODES);
    g_assert_cmpuint (bind.failed, !=, bind.node);
    g_assert_cmpuint (bind.slot, >=, model->now);
  }
  counts->admitted += fits;
  counts->later += fits && start > first;
  counts->refused += !fits;
  if (fits)
    calendar_model_reserve (model, plan, skip, start);
}

static void
release_one (CalendarModel * model, GRand * rand)
{
  guint n = model->streams->len;
  guint first = n > 0 ? g_rand_int (rand) % n : 0;

  for (guint i = 0; i < n; i++) {
    ModelStream *stream = g_ptr_array_index (model->streams,
        (i + first) % n);

    if (stream->reservation != NULL) {
      calendar_model_release (model, stream);
      return;
    }
  }
}

static void
release_all (CalendarModel * model)
{
  for (guint i = 0; i < model->streams->len; i++) {
    ModelStream *stream = g_ptr_array_index (model->streams, i);

    if (stream->reservation != NULL)
      calendar_model_release (model, stream);
  }
}

/* Nothing is left of what was released: as much fits as into a new one. */
static void
check_nothing_left (CalendarModel * model, GRand * rand)
{
  g_autoptr (PmssStreamPlan) plan = calendar_model_make_plan (rand,
      MOST_SLOTS, FALSE);
  g_autoptr (PmssCalendar) anew = NULL;

  release_all (model);
  calendar_model_compare (model);
  /* the present 16 s remember what was sent in them */
  pmss_calendar_advance (model->calendar, model->now + 8);
  anew = pmss_calendar_new (&model->rules, model->now + 8);
  for (guint node = 1; node <= MODEL_NODES; node++)
    pmss_calendar_set_node (anew, node, model->capacity[node]);
  g_assert_cmpuint (pmss_calendar_count_more (model->calendar, plan, NULL,
          1000), ==, pmss_calendar_count_more (anew, plan, NULL, 1000));
}

static void
live (guint32 seed, const PmssCalendarRules * rules, gboolean with_losses,
    Counts * counts)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  CalendarModel *model = calendar_model_new (rules,
      (guint64) g_rand_int_range (rand, 0, 20000), 8000);

  for (guint i = 0; i < STEPS; i++) {
    switch (g_rand_int_range (rand, 0, 7)) {
      case 0:
        release_one (model, rand);
        ask (model, rand, with_losses, counts);
        break;
      case 1:
      case 2:
        calendar_model_step (model, rand);
        break;
      default:
        ask (model, rand, with_losses, counts);
    }
    if (i % 10 == 0)
      calendar_model_compare (model);
  }
  for (guint i = 0; i < MOST_SLOTS; i++)
    calendar_model_step (model, rand);
  check_nothing_left (model, rand);
  calendar_model_free (model);
}

static void
live_often (guint32 first, const PmssCalendarRules * rules,
    gboolean with_losses)
{
  Counts counts = { 0 };
  guint n = g_getenv ("PMSS_TEST_FEW") != NULL ? 1 : 20;

  for (guint32 seed = first; seed < first + n; seed++)
    live (seed, rules, with_losses, &counts);
  g_test_message ("%u admitted, %u of them later, %u refused",
      counts.admitted, counts.later, counts.refused);
  /* each answer was given often enough to be tested */
  g_assert_cmpuint (counts.admitted, >, 12 * n);
  g_assert_cmpuint (counts.later, >, n);
  g_assert_cmpuint (counts.refused, >, 12 * n);
}

static void
test_plain (void)
{
  const PmssCalendarRules rules = {.reserve = 0.1 };

  live_often (100, &rules, FALSE);
}

static void
test_work_ahead (void)
{
  const PmssCalendarRules rules = {.reserve = 0.1,.work_ahead = TRUE };

  live_often (200, &rules, FALSE);
}

static void
test_failure (void)
{
  const PmssCalendarRules rules = {.reserve = 0.1,.survive_failure = TRUE };

  live_often (300, &rules, FALSE);
}

static void
test_all (void)
{
  const PmssCalendarRules rules = {.reserve = 0.05,.survive_failure = TRUE,
    .work_ahead = TRUE
  };

  live_often (400, &rules, TRUE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/calendar/random/plain", test_plain);
  g_test_add_func ("/calendar/random/work-ahead", test_work_ahead);
  g_test_add_func ("/calendar/random/failure", test_failure);
  g_test_add_func ("/calendar/random/all", test_all);
  return g_test_run ();
}
