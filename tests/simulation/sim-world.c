/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A scenario, played from beginning to end. */
#include "sim-world.h"

#include "sim-auditor.h"
#include "sim-clock.h"
#include "sim-soup.h"
#include "sim-trace.h"
#include "sim-viewer.h"

#define SECOND G_TIME_SPAN_SECOND
#define MAX_VIEWERS SIM_MAX_READERS
/* us until a failed opening is tried again */
#define OPEN_AGAIN (1 * SECOND)
#define CLOSE_PATIENCE (20 * SECOND)
/* Turns without end: the reader keeps itself busy. */
#define MAX_TURNS 4000000
#define TURNS_TO_LOOK 16
/* us that a read waits until the log tells why */
#define LONG (2 * SECOND)

typedef struct _World World;

/* A reader and its viewers. */
typedef struct
{
  World *world;
  guint number;
  gint64 asked;                 /* for opening, us since the beginning */
  gboolean left;                /* before the others */
} Seat;

struct _World
{
  SimScenario *scenario;
  SimServers *servers;
  SimReader *readers[SIM_MAX_READERS];
  Seat seats[SIM_MAX_READERS];
  SimAuditor *auditor;
  SimViewer *viewers[MAX_VIEWERS];
  gint64 begin;                 /* of the clock */
  gint64 said;                  /* when a read began of which the log tells why it waits */
  gboolean ending;
  guint turns;
};

static void open_reader (gpointer data);

static void
on_opened (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Seat *seat = user_data;
  World *world = seat->world;
  g_autoptr (GError) error = NULL;

  sim_reader_open_finish (result, &error);
  sim_trace ("is open: good", error == NULL, 0, 0, 0);
  if (error != NULL)
    sim_trace_say ("  %s", error->message);
  if (world->ending || seat->left)
    return;
  sim_auditor_opened (world->auditor, seat->asked, error);
  if (error != NULL) {
    sim_clock_after (OPEN_AGAIN, open_reader, seat);
    return;
  }
  for (guint i = seat->number; i < world->scenario->n_viewers;
      i += world->scenario->n_readers)
    sim_viewer_start (world->viewers[i]);
}

static void
open_reader (gpointer data)
{
  Seat *seat = data;
  World *world = seat->world;

  if (world->ending || seat->left)
    return;
  seat->asked = sim_clock_since_begin ();
  sim_reader_open (world->readers[seat->number], on_opened, seat);
}

/* The one who came last goes first: the others may have more then. */
static void
leave (gpointer data)
{
  Seat *seat = data;
  World *world = seat->world;

  sim_trace ("leaves: reader", seat->number, 0, 0, 0);
  seat->left = TRUE;
  sim_viewer_stop (world->viewers[seat->number]);
  sim_reader_close (world->readers[seat->number]);
}

static void
new_seats (World * world)
{
  for (guint i = 0; i < world->scenario->n_readers; i++) {
    world->seats[i] = (Seat) {
    .world = world,.number = i};
    world->readers[i] = i == 0 ? sim_reader_new (world->scenario)
        : sim_reader_new_beside (world->readers[0], world->scenario);
  }
}

static World *
world_new (guint64 seed)
{
  World *world = g_new0 (World, 1);

  world->begin = sim_clock_now ();
  world->scenario = sim_scenario_new (seed);
  sim_scenario_say (world->scenario);
  world->auditor = sim_auditor_new (world->scenario);
  world->servers = sim_servers_new (world->scenario, sim_auditor_asked,
      sim_auditor_sent, world->auditor);
  sim_soup_set_finder (sim_servers_find, world->servers);
  new_seats (world);
  for (guint i = 0; i < world->scenario->n_viewers; i++)
    world->viewers[i] = sim_viewer_new (world->scenario, i,
        world->readers[i % world->scenario->n_readers], world->auditor);
  return world;
}

static void
world_free (World * world)
{
  for (guint i = 0; i < world->scenario->n_viewers; i++)
    sim_viewer_free (world->viewers[i]);
  for (guint i = world->scenario->n_readers; i-- > 0;)
    sim_reader_free (world->readers[i]);
  if (sim_soup_count_calls () > 0)
    sim_auditor_stuck (world->auditor, "requests are left after the end");
  sim_soup_set_finder (NULL, NULL);
  sim_servers_free (world->servers);
  sim_auditor_free (world->auditor);
  sim_scenario_free (world->scenario);
  g_free (world);
}

static gboolean
is_done (World * world)
{
  for (guint i = 0; i < world->scenario->n_viewers; i++)
    if (!sim_viewer_is_done (world->viewers[i])
        || sim_viewer_is_busy (world->viewers[i]))
      return FALSE;
  return TRUE;
}

static void
say_readers (World * world)
{
  for (guint i = 0; i < world->scenario->n_readers; i++)
    sim_reader_say (world->readers[i]);
}

static void
check_waiting (World * world)
{
  gint64 limit = (world->scenario->timeout + 1) * SECOND;
  gint64 long_ago = sim_clock_since_begin () - LONG;

  for (guint i = 0; i < world->scenario->n_viewers; i++) {
    gint64 began = sim_viewer_get_began (world->viewers[i]);

    if (began < long_ago && began != world->said) {
      world->said = began;
      say_readers (world);
    }
    if (sim_clock_since_begin () - limit > began)
      sim_auditor_stuck (world->auditor, "a read goes on beyond its timeout");
  }
}

/* FALSE: @until is reached, or it makes no sense to go on. */
static gboolean
turn (World * world, gint64 until)
{
  if (!sim_clock_turn (sim_reader_get_context (world->readers[0]),
          world->begin + until))
    return FALSE;
  if (++world->turns % TURNS_TO_LOOK == 0) {
    sim_auditor_look (world->auditor, world->readers);
    check_waiting (world);
  }
  if (world->turns > MAX_TURNS)
    sim_auditor_stuck (world->auditor, "it keeps itself busy without end");
  return sim_auditor_get_finding (world->auditor) == NULL;
}

static void
watch (World * world)
{
  guint n = world->scenario->n_readers;

  open_reader (&world->seats[0]);
  for (guint i = 1; i < n; i++)
    sim_clock_after (i * world->scenario->opening_pause, open_reader,
        &world->seats[i]);
  if (n > 1)
    sim_clock_after (world->scenario->duration * 3 / 4, leave,
        &world->seats[n - 1]);
  while (!is_done (world) && turn (world, world->scenario->duration));
  check_waiting (world);
  if (sim_auditor_get_finding (world->auditor) != NULL)
    say_readers (world);
}

static gboolean
is_closed (World * world)
{
  for (guint i = 0; i < world->scenario->n_readers; i++)
    if (!sim_reader_is_closed (world->readers[i]))
      return FALSE;
  return TRUE;
}

/* Some leave in the middle of a read. */
static void
end (World * world)
{
  SimRandom random;
  gint64 from;

  world->ending = TRUE;
  sim_random_init (&random, world->scenario->seed ^ 0xe4d);
  for (guint i = 0; i < world->scenario->n_viewers; i++)
    sim_viewer_stop (world->viewers[i]);
  if (sim_random_percent (&random, 50))
    while (!is_done (world) && turn (world, sim_clock_since_begin () + SECOND));
  from = sim_clock_since_begin ();
  sim_trace ("closes", 0, 0, 0, 0);
  for (guint i = 0; i < world->scenario->n_readers; i++)
    sim_reader_close (world->readers[i]);
  while (!is_closed (world)
      && sim_clock_turn (sim_reader_get_context (world->readers[0]),
          world->begin + from + CLOSE_PATIENCE));
  sim_auditor_closed (world->auditor, from, is_closed (world), world->servers);
  sim_trace ("is closed", 0, 0, 0, 0);
}

static void
fill_result (World * world, SimResult * result)
{
  result->finding = g_strdup (sim_auditor_get_finding (world->auditor));
  result->simulated = sim_clock_since_begin ();
  result->longest = sim_auditor_get_longest (world->auditor);
  result->hash = sim_trace_get_hash ();
  result->bytes = 0;
  for (guint i = 0; i < world->scenario->n_viewers; i++)
    result->bytes += sim_viewer_get_bytes (world->viewers[i]);
}

void
sim_world_run (guint64 seed, gboolean verbose, SimResult * result)
{
  World *world;

  sim_trace_begin (verbose);
  sim_clock_begin ();
  world = world_new (seed);
  watch (world);
  end (world);
  fill_result (world, result);
  world_free (world);
  sim_clock_end ();
}

void
sim_result_clear (SimResult * result)
{
  g_clear_pointer (&result->finding, g_free);
}
