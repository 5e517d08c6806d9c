/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How fast the calendar decides. One thread. */
#include "sim-decisions.h"

#include <stdlib.h>
#include <time.h>

#include "control/admission/calendar.h"
#include "sim-media.h"

#define MEDIA 300
#define DECISIONS 4000
/* Time goes on by a slot after so many: 10,000 a second. */
#define IN_A_SLOT 20000
/* Slots that a client waits where the cluster is full. */
#define WAIT 30

typedef struct
{
  PmssCalendar *calendar;
  GRand *rand;
  GPtrArray *plans;
  PmssReservation **running;
  guint n_running;
  guint64 now;
  guint nodes;
  guint decisions;
  double ending;                /* seconds of CPU time for streams that ended */
} Bench;

static double
cpu_now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (double) time.tv_sec + time.tv_nsec / 1e9;
}

static PmssStreamPlan *
choose (Bench * bench)
{
  return g_ptr_array_index (bench->plans,
      g_rand_int (bench->rand) % bench->plans->len);
}

/* One more asks; if it is let in, another one ends. */
static gboolean
decide (Bench * bench, guint wait)
{
  PmssStreamPlan *plan = choose (bench);
  PmssReservation **place = &bench->running[g_rand_int (bench->rand)
      % bench->n_running];
  PmssCalendarBind bind;
  guint64 start;
  double begin;

  if (++bench->decisions % IN_A_SLOT == 0)
    pmss_calendar_advance (bench->calendar, ++bench->now);
  if (!pmss_calendar_find (bench->calendar, plan, 0, 1, bench->now + 1,
          bench->now + 1 + wait, &start, &bind))
    return FALSE;
  begin = cpu_now ();
  pmss_calendar_release (bench->calendar, *place);
  bench->ending += cpu_now () - begin;
  *place = pmss_calendar_reserve (bench->calendar, plan, 0, start);
  return TRUE;
}

static void
set_capacity (Bench * bench, double factor)
{
  guint64 slot = bench->now + 100, promised = 0;

  for (guint node = 1; node <= bench->nodes; node++)
    promised = MAX (promised, pmss_calendar_get_promised (bench->calendar,
            node, slot));
  for (guint node = 1; node <= bench->nodes; node++)
    pmss_calendar_set_node (bench->calendar, node,
        (guint64) (promised * factor));
}

static Bench *
bench_new (const SimDecisions * options)
{
  const PmssCalendarRules rules = {.reserve = 0.1,.work_ahead = TRUE,
    .survive_failure = options->survive_failure
  };
  Bench *bench = g_new0 (Bench, 1);
  g_autoptr (GPtrArray) media = NULL;

  bench->rand = g_rand_new_with_seed (options->seed);
  bench->now = 100000;
  bench->nodes = options->nodes;
  bench->n_running = options->streams;
  bench->calendar = pmss_calendar_new (&rules, bench->now);
  bench->plans = g_ptr_array_new_with_free_func (
      (GDestroyNotify) pmss_stream_plan_unref);
  media = sim_media_new (bench->rand, MEDIA, options->nodes);
  for (guint i = 0; i < MEDIA; i++)
    g_ptr_array_add (bench->plans, sim_medium_plan (media->pdata[i]));
  bench->running = g_new (PmssReservation *, options->streams);
  for (guint i = 0; i < options->streams; i++) {
    PmssStreamPlan *plan = choose (bench);
    guint32 slots = pmss_stream_plan_get_slots (plan);

    bench->running[i] = pmss_calendar_reserve (bench->calendar, plan, 0,
        bench->now - g_rand_int (bench->rand) % slots);
  }
  return bench;
}

static void
bench_free (Bench * bench)
{
  pmss_calendar_free (bench->calendar);
  g_ptr_array_unref (bench->plans);
  g_rand_free (bench->rand);
  g_free (bench->running);
  g_free (bench);
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
print_rates (const char *title, double *rates, guint n)
{
  qsort (rates, n, sizeof *rates, compare);
  g_print ("%-34s %9.0f %9.0f %9.0f", title, rates[0], rates[n / 2],
      rates[n - 1]);
}

static void
measure (Bench * bench, const char *title, guint wait, guint rounds)
{
  g_autofree double *rates = g_new (double, rounds);
  g_autofree double *ends = g_new (double, rounds);
  guint admitted = 0;

  for (guint round = 0; round < rounds; round++) {
    double begin = cpu_now ();
    guint before = admitted;

    bench->ending = 0;
    for (guint i = 0; i < DECISIONS; i++)
      admitted += decide (bench, wait);
    rates[round] = DECISIONS / (cpu_now () - begin - bench->ending);
    ends[round] = bench->ending > 0 ? (admitted - before) / bench->ending : 0;
  }
  print_rates (title, rates, rounds);
  g_print (" %9.0f %%\n", 100.0 * admitted / (DECISIONS * rounds));
  if (admitted < DECISIONS * rounds / 2)
    return;
  print_rates ("  and ends of others", ends, rounds);
  g_print ("\n");
}

void
sim_decisions_run (const SimDecisions * options)
{
  Bench *bench = bench_new (options);

  g_print ("%u nodes, %u streams run%s\n", options->nodes, options->streams,
      options->survive_failure ? ", any one node may fail" : "");
  g_print ("%-34s %9s %9s %9s %11s\n", "decisions a second of CPU time",
      "min", "median", "max", "let in");
  set_capacity (bench, 3);
  measure (bench, "there is room", 0, options->rounds);
  set_capacity (bench, 1);
  measure (bench, "nearly full", 0, options->rounds);
  measure (bench, "nearly full, starts within 60 s", WAIT, options->rounds);
  set_capacity (bench, 0.7);
  measure (bench, "full, starts within 60 s", WAIT, options->rounds);
  bench_free (bench);
}
