/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A day's viewers under one policy. One thread. */
#include "sim-day.h"

#include <math.h>

#include "control/admission/calendar.h"
#include "sim-sending.h"

#define SLOTS_AN_HOUR 1800
#define ZIPF 0.9

typedef struct
{
  PmssReservation *reservation; /* (nullable) */
  SimViewer *viewer;            /* (nullable): it waits */
  const SimMedium *medium;
  guint start, watched;         /* slots */
} Guest;

typedef struct
{
  const SimDay *day;
  SimPolicy policy;
  PmssCalendar *calendar;
  SimSending *sending;
  PmssStreamPlan **plans;       /* of each medium */
  GPtrArray *guests;
  double hour;                  /* bytes sent in it */
} Run;

const char *
sim_policy_to_string (SimPolicy policy)
{
  static const char *const names[] = { "on", "peak", "bucket", "average",
    "measured", "off"
  };

  return names[policy];
}

/* Arrivals */

/* A quarter by night, most at half past eight. */
static double
shape (const SimDay * day, guint slot)
{
  double hours = (double) day->slots / SLOTS_AN_HOUR;
  double hour = MAX (0, 24 - hours) + (double) slot / SLOTS_AN_HOUR;

  return 0.25 + 0.75 * exp (-pow ((hour - 20.5) / 2.5, 2));
}

static guint
choose_medium (const SimDay * day, const double *popularity, GRand * rand)
{
  double at = g_rand_double (rand) * popularity[day->media->len - 1];
  guint medium = 0;

  while (popularity[medium] < at)
    medium++;
  return medium;
}

/* The part of offered streams that a trunk of @lines loses: Erlang's B. */
static double
erlang_b (double offered, double lines)
{
  double lost = 1;

  for (guint i = 1; i <= lines; i++)
    lost = offered * lost / (i + offered * lost);
  return lost;
}

static void
set_erlang (SimDay * day, double slots, double bytes)
{
  double lines = day->capacity * day->nodes * (1 - day->reserve)
      / (bytes / slots);
  double refused = 0, all = 0;

  for (guint slot = 0; slot < day->slots; slot += SIM_BIN) {
    refused += day->expected[slot] * erlang_b (day->expected[slot] * slots,
        lines);
    all += day->expected[slot];
  }
  day->erlang_refused = refused / all;
}

static void
add_arrivals (SimDay * day, GRand * rand, const double *popularity)
{
  double time = 0;

  for (guint slot = 0; slot < day->slots; slot++) {
    for (; time < slot + 1; time -= log (1 - g_rand_double (rand))
        / day->expected[slot]) {
      SimArrival arrival = {.slot = slot };

      if (time < slot)
        continue;
      arrival.medium = choose_medium (day, popularity, rand);
      /* half of them leave before the end */
      arrival.part = g_rand_int_range (rand, 0, 2) == 0 ? 1
          : g_rand_double_range (rand, 0.05, 1);
      g_array_append_val (day->arrivals, arrival);
    }
  }
}

void
sim_day_fill (SimDay * day, GRand * rand, double load)
{
  g_autofree double *popularity = g_new (double, day->media->len);
  double sum = 0, slots = 0, bytes = 0;

  for (guint i = 0; i < day->media->len; i++) {
    const SimMedium *medium = day->media->pdata[i];
    double weight = pow (i + 1, -ZIPF);

    sum += weight;
    popularity[i] = sum;
    /* three quarters are watched on average */
    slots += weight * medium->slots * 0.76;
    bytes += weight * medium->size * 0.76 * SIM_OVERHEAD;
  }
  day->expected = g_new (double, day->slots);
  for (guint slot = 0; slot < day->slots; slot++)
    day->expected[slot] = load * day->capacity * day->nodes / (bytes / sum)
        * shape (day, slot);
  day->arrivals = g_array_new (FALSE, FALSE, sizeof (SimArrival));
  add_arrivals (day, rand, popularity);
  set_erlang (day, slots / sum, bytes / sum);
}

/* Policies */

static PmssStreamPlan *
make_plan (SimPolicy policy, const SimMedium * medium)
{
  switch (policy) {
    case SIM_POLICY_PEAK:
      return sim_medium_plan_at (medium, sim_medium_get_peak (medium));
    case SIM_POLICY_BUCKET:
      return sim_medium_plan_at (medium, sim_medium_get_bucket (medium));
    case SIM_POLICY_AVERAGE:
      return sim_medium_plan_at (medium, sim_medium_get_average (medium));
    default:
      return sim_medium_plan (medium);
  }
}

/* The nodes that it begins with were seen to have room for its average. */
static gboolean
was_room_seen (const Run * run, const SimMedium * medium)
{
  double more = sim_medium_get_average (medium) * SIM_OVERHEAD / SIM_K
      / run->day->capacity;

  for (guint i = 0; i < SIM_K; i++)
    if (sim_sending_get_busy (run->sending, medium->places[i]) + more
        > 1 - run->day->reserve)
      return FALSE;
  return TRUE;
}

static gboolean
admit (Run * run, const SimArrival * arrival, Guest * guest)
{
  PmssStreamPlan *plan = run->plans[arrival->medium];
  PmssCalendarBind bind;
  guint64 start;

  if (run->policy == SIM_POLICY_OFF)
    return TRUE;
  if (run->policy == SIM_POLICY_MEASURED)
    return was_room_seen (run, guest->medium);
  if (!pmss_calendar_find (run->calendar, plan, 0, 1, arrival->slot,
          arrival->slot + run->day->wait, &start, &bind))
    return FALSE;
  guest->start = (guint) start;
  guest->reservation = pmss_calendar_reserve (run->calendar, plan, 0, start);
  return TRUE;
}

static void
arrive (Run * run, const SimArrival * arrival, SimResult * result)
{
  Guest guest = {.medium = run->day->media->pdata[arrival->medium],
    .start = arrival->slot
  };

  result->offered++;
  guest.watched = (guint) MAX (1, guest.medium->slots * arrival->part);
  if (!admit (run, arrival, &guest))
    return;
  result->admitted++;
  result->later += guest.start > arrival->slot;
  result->waited += guest.start - arrival->slot;
  g_ptr_array_add (run->guests, g_memdup2 (&guest, sizeof guest));
}

/* Time */

static void
leave (Run * run, Guest * guest, SimResult * result)
{
  guint still = sim_viewer_get_still (guest->viewer);

  result->hurt += still > 0;
  result->still += still;
  if (guest->reservation != NULL)
    pmss_calendar_release (run->calendar, guest->reservation);
  sim_sending_remove (run->sending, guest->viewer);
}

static void
step (Run * run, guint slot, SimResult * result)
{
  guint bin = slot / SIM_BIN;
  double sent;

  for (guint i = 0; i < run->guests->len; i++) {
    Guest *guest = run->guests->pdata[i];

    if (guest->viewer == NULL && guest->start == slot)
      guest->viewer = sim_sending_add (run->sending, guest->medium);
    if (guest->viewer != NULL) {
      result->running[bin] += 1.0 / SIM_BIN;
      result->standing[bin] -= sim_viewer_get_still (guest->viewer)
          / (double) SIM_BIN;
    }
  }
  sent = sim_sending_step (run->sending);
  result->used += sent;
  run->hour += sent;
  for (guint i = run->guests->len; i-- > 0;) {
    Guest *guest = run->guests->pdata[i];

    if (guest->viewer == NULL)
      continue;
    result->standing[bin] += sim_viewer_get_still (guest->viewer)
        / (double) SIM_BIN;
    if (sim_viewer_get_played (guest->viewer) >= guest->watched) {
      leave (run, guest, result);
      g_ptr_array_remove_index_fast (run->guests, i);
    }
  }
}

static void
note_hour (Run * run, guint slot, SimResult * result)
{
  if ((slot + 1) % SLOTS_AN_HOUR != 0)
    return;
  result->busiest = MAX (result->busiest, run->hour / SLOTS_AN_HOUR
      / (run->day->capacity * run->day->nodes));
  run->hour = 0;
}

static void
run_slots (Run * run, SimResult * result)
{
  const SimDay *day = run->day;
  guint next = 0;

  for (guint slot = 0; slot < day->slots; slot++) {
    for (; next < day->arrivals->len; next++) {
      const SimArrival *arrival = &g_array_index (day->arrivals, SimArrival,
          next);

      if (arrival->slot > slot)
        break;
      arrive (run, arrival, result);
    }
    step (run, slot, result);
    note_hour (run, slot, result);
    pmss_calendar_advance (run->calendar, slot + 1);
  }
  for (guint i = 0; i < run->guests->len; i++) {
    Guest *guest = run->guests->pdata[i];

    if (guest->viewer != NULL)
      leave (run, guest, result);
  }
}

void
sim_day_run (const SimDay * day, SimPolicy policy, SimResult * result)
{
  const PmssCalendarRules rules = {.reserve = day->reserve,
    .survive_failure = day->survive_failure,
    .work_ahead = policy == SIM_POLICY_ON
  };
  Run run = {.day = day,.policy = policy };

  *result = (SimResult) {
  0};
  result->n_bins = (day->slots + SIM_BIN - 1) / SIM_BIN;
  result->running = g_new0 (double, result->n_bins);
  result->standing = g_new0 (double, result->n_bins);
  run.calendar = pmss_calendar_new (&rules, 0);
  for (guint node = 1; node <= day->nodes; node++)
    pmss_calendar_set_node (run.calendar, node, (guint64) day->capacity);
  run.sending = sim_sending_new (day->nodes, day->capacity);
  run.guests = g_ptr_array_new_with_free_func (g_free);
  run.plans = g_new (PmssStreamPlan *, day->media->len);
  for (guint i = 0; i < day->media->len; i++)
    run.plans[i] = make_plan (policy, day->media->pdata[i]);
  run_slots (&run, result);
  result->used /= day->capacity * day->nodes * day->slots;
  for (guint i = 0; i < day->media->len; i++)
    pmss_stream_plan_unref (run.plans[i]);
  g_free (run.plans);
  g_ptr_array_unref (run.guests);
  sim_sending_free (run.sending);
  pmss_calendar_free (run.calendar);
}
