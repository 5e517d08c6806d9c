/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a seed to what happens. */
#include "sim-scenario.h"

#include "sim-trace.h"

#define SECOND G_TIME_SPAN_SECOND
#define MILLISECOND G_TIME_SPAN_MILLISECOND

static const char *const kinds[] = {
  "is killed", "falls silent", "is slow", "lies", "refuses tokens",
  "answers with a status", "loses a shard", "moves a shard",
  "control is killed", "control falls silent", "control forgets"
};

G_STATIC_ASSERT (G_N_ELEMENTS (kinds) == SIM_N_FAULT_KINDS);

const char *
sim_fault_kind_to_string (SimFaultKind kind)
{
  return kinds[kind];
}

/* --- The cluster --- */

static void
shuffle (SimRandom * random, guint * numbers, guint n)
{
  for (guint i = 0; i < n; i++)
    numbers[i] = i;
  for (guint i = n; i-- > 1;) {
    guint j = (guint) sim_random_range (random, 0, i), other = numbers[i];

    numbers[i] = numbers[j];
    numbers[j] = other;
  }
}

static void
place (SimScenario * self, SimRandom * random)
{
  guint width = self->medium->redundancy.k + self->medium->redundancy.m;
  guint order[SIM_MAX_NODES];

  g_assert (self->medium->n_extents <= G_N_ELEMENTS (self->places));
  for (guint32 e = 0; e < self->medium->n_extents; e++) {
    shuffle (random, order, self->n_nodes);
    for (guint i = 0; i < width; i++)
      self->places[e][i] = (gint) order[i];
  }
}

/* A cluster is in one room or far away; a row takes each line some milliseconds at least. */
static void
draw_lines (SimScenario * self, SimRandom * random)
{
  gint64 rtt = sim_random_spread (random, 100, 100 * MILLISECOND);
  guint64 rate = (guint64) sim_random_spread (random, 30, 1000) *
      self->medium->unit;

  for (guint i = 0; i <= self->n_nodes; i++) {
    SimLine *line = &self->lines[i == self->n_nodes ? SIM_MAX_NODES : i];

    line->rtt = sim_random_range (random, rtt, 2 * rtt);
    line->jitter = sim_random_percent (random, 50) ? rtt / 2 : 0;
    line->rate = (guint64) sim_random_range (random, (gint64) rate,
        (gint64) (2 * rate));
  }
}

/* --- Faults --- */

static gint64
draw_length (SimRandom * random)
{
  return sim_random_spread (random, 20 * MILLISECOND, 20 * SECOND);
}

static void
add_node_fault (SimScenario * self, SimRandom * random, guint node)
{
  static const guint statuses[] = { 500, 503, 404, 403, 421, 301, 416 };
  SimFault fault = {.node = node };

  fault.kind = sim_random_range (random, SIM_FAULT_KILL, SIM_FAULT_STATUS);
  fault.from = sim_random_range (random, -SECOND, self->duration);
  fault.to = sim_random_percent (random, 15) ? G_MAXINT64
      : MAX (fault.from, 0) + draw_length (random);
  fault.lie = sim_random_range (random, 0, SIM_N_LIES - 1);
  if (fault.kind == SIM_FAULT_SLOW)
    fault.value = (guint) sim_random_spread (random, 4, 300);
  else if (fault.kind == SIM_FAULT_LIE)
    fault.value = sim_random_percent (random, 50) ? 100 : 20;
  else
    fault.value = statuses[sim_random_range (random, 0, 6)];
  g_array_append_val (self->faults, fault);
}

static gboolean
has_shard (SimScenario * self, guint32 extent, guint node)
{
  for (guint i = 0; i < PMSS_MAX_SHARDS; i++)
    if (self->places[extent][i] == (gint) node)
      return TRUE;
  for (guint i = 0; i < self->faults->len; i++) {
    const SimFault *fault = &g_array_index (self->faults, SimFault, i);

    if (fault->kind == SIM_FAULT_MOVE && fault->extent == extent
        && fault->target == node)
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_touched (SimScenario * self, guint32 extent, guint shard)
{
  for (guint i = 0; i < self->faults->len; i++) {
    const SimFault *fault = &g_array_index (self->faults, SimFault, i);

    if ((fault->kind == SIM_FAULT_LOSE || fault->kind == SIM_FAULT_MOVE)
        && fault->extent == extent && fault->shard == shard)
      return TRUE;
  }
  return FALSE;
}

static void
add_shard_fault (SimScenario * self, SimRandom * random, SimFaultKind kind)
{
  guint width = self->medium->redundancy.k + self->medium->redundancy.m;
  SimFault fault = {.kind = kind,.to = G_MAXINT64 };

  fault.extent = (guint32) sim_random_range (random, 0,
      self->medium->n_extents - 1);
  fault.shard = (guint) sim_random_range (random, 0, width - 1);
  fault.from = sim_random_range (random, -SECOND, self->duration);
  fault.node = (guint) self->places[fault.extent][fault.shard];
  fault.target = (guint) sim_random_range (random, 0, self->n_nodes - 1);
  if (is_touched (self, fault.extent, fault.shard)
      || (kind == SIM_FAULT_MOVE && has_shard (self, fault.extent,
              fault.target)))
    return;
  if (kind == SIM_FAULT_MOVE)
    fault.to = MAX (fault.from, 0) + sim_random_spread (random, MILLISECOND,
        10 * SECOND);
  g_array_append_val (self->faults, fault);
}

static void
add_control_fault (SimScenario * self, SimRandom * random)
{
  SimFault fault = {.kind = sim_random_range (random, SIM_FAULT_CONTROL_KILL,
        SIM_FAULT_CONTROL_FORGET)
  };

  fault.from = sim_random_range (random, -SECOND, self->duration);
  fault.to = MAX (fault.from, 0) + sim_random_spread (random, 20 * MILLISECOND,
      60 * SECOND);
  g_array_append_val (self->faults, fault);
}

/* Half of the seeds are survivable: no more nodes than redundancy makes up for are ever in
 * trouble. */
static void
draw_node_faults (SimScenario * self, SimRandom * random)
{
  guint m = self->medium->redundancy.m;
  guint order[SIM_MAX_NODES];
  guint n_victims = sim_random_percent (random, 60) ? m
      : (guint) sim_random_range (random, 1, MIN (m + 2, self->n_nodes));
  guint n_faults = (guint) sim_random_range (random, 1, 6);

  if (n_victims == 0 || sim_random_percent (random, 15))
    return;
  shuffle (random, order, self->n_nodes);
  for (guint i = 0; i < n_faults; i++)
    add_node_fault (self, random, order[sim_random_range (random, 0,
                n_victims - 1)]);
}

static gint
compare_faults (gconstpointer a, gconstpointer b)
{
  const SimFault *first = a, *second = b;

  return (first->from > second->from) - (first->from < second->from);
}

static void
draw_faults (SimScenario * self, SimRandom * random)
{
  self->faults = g_array_new (FALSE, FALSE, sizeof (SimFault));
  draw_node_faults (self, random);
  for (guint n = (guint) sim_random_range (random, 0, 3); n > 0; n--)
    if (sim_random_percent (random, 30))
      add_shard_fault (self, random, SIM_FAULT_LOSE);
  if (sim_random_percent (random, 30))
    for (guint n = (guint) sim_random_range (random, 1, 12); n > 0; n--)
      add_shard_fault (self, random, SIM_FAULT_MOVE);
  if (sim_random_percent (random, 30))
    for (guint n = (guint) sim_random_range (random, 1, 2); n > 0; n--)
      add_control_fault (self, random);
  g_array_sort (self->faults, compare_faults);
}

/* --- The viewer --- */

static void
draw_viewer (SimScenario * self, SimRandom * random)
{
  self->viewer = sim_random_range (random, 0, SIM_N_VIEWERS - 1);
  self->n_viewers = sim_random_percent (random, 15) ? 2 : 1;
  self->pause_percent = sim_random_percent (random, 25) ? 3 : 0;
  self->cancel_percent = sim_random_percent (random, 15) ? 10 : 0;
  self->bitrate = self->medium->size * 8 * SECOND / (guint64)
      sim_random_range (random, 10 * SECOND, 60 * SECOND) + 1;
  self->tells_bitrate = sim_random_percent (random, 50);
}

static void
draw_settings (SimScenario * self, SimRandom * random)
{
  self->cache_rows = (guint) sim_random_range (random, 2, 40);
  self->ahead_rows = (guint) sim_random_range (random, 1, self->cache_rows);
  self->read_ahead_time = sim_random_percent (random, 80) ? 10 : 0;
  self->max_extra = sim_random_percent (random, 70) ? 5
      : sim_random_percent (random, 50) ? 0 : 100;
  self->timeout = sim_random_percent (random, 80) ? 15 : 5;
  self->retries = sim_random_percent (random, 80) ? 3 : -1;
  self->backoff_factor = sim_random_percent (random, 90) ? 0.0 : 0.1;
  self->lease = (guint) sim_random_spread (random, 5, 60);
}

SimViewerKind
sim_scenario_get_viewer (const SimScenario * self, guint number)
{
  return self->n_readers > 1 ? (self->viewer + number) % SIM_N_VIEWERS
      : self->viewer;
}

guint
sim_scenario_get_least (const SimScenario * self)
{
  PmssRedundancy redundancy = self->medium->redundancy;

  return MIN (2u * redundancy.k + redundancy.m,
      self->cache_rows * redundancy.k);
}

/* Every so many seeds have several readers. Their numbers are drawn apart, so that other seeds stay
 * what they were. */
#define SEEDS_OF_ONE 16
#define SEED_OF_MANY 3

static void
draw_readers (SimScenario * self)
{
  SimRandom random;
  guint64 least = (guint64) sim_scenario_get_least (self) *
      (PMSS_RECORD_HEADER_SIZE + self->medium->unit);

  self->n_readers = 1;
  if (self->seed % SEEDS_OF_ONE != SEED_OF_MANY)
    return;
  sim_random_init (&random, self->seed ^ 0x5a4e);
  self->n_readers = self->n_viewers =
      (guint) sim_random_range (&random, 2, SIM_MAX_READERS);
  self->memory = self->n_readers * least * (guint64)
      sim_random_range (&random, 100, 400) / 100;
  self->opening_pause = sim_random_range (&random, 0,
      self->duration / (2 * SIM_MAX_READERS));
}

SimScenario *
sim_scenario_new (guint64 seed)
{
  SimScenario *self = g_new0 (SimScenario, 1);
  SimRandom random;
  guint width;

  sim_random_init (&random, seed);
  self->seed = seed;
  self->medium = sim_medium_get ((guint) sim_random_range (&random, 0,
          sim_medium_count () - 1));
  width = self->medium->redundancy.k + self->medium->redundancy.m;
  self->n_nodes = (guint) sim_random_range (&random, width, width + 3);
  self->duration = sim_random_range (&random, 5 * SECOND, 60 * SECOND);
  draw_lines (self, &random);
  memset (self->places, -1, sizeof self->places);
  place (self, &random);
  draw_settings (self, &random);
  draw_viewer (self, &random);
  draw_faults (self, &random);
  draw_readers (self);
  return self;
}

void
sim_scenario_free (SimScenario * self)
{
  g_array_unref (self->faults);
  g_free (self);
}

static void
say_fault (const SimFault * fault)
{
  const double from = fault->from / (double) SECOND;

  if (fault->kind == SIM_FAULT_LOSE || fault->kind == SIM_FAULT_MOVE)
    sim_trace_say ("  %.3f s .. %.3f s: %u.%u at node %u %s (to node %u)",
        from, fault->to == G_MAXINT64 ? -1 : fault->to / (double) SECOND,
        fault->extent, fault->shard, fault->node + 1, kinds[fault->kind],
        fault->target + 1);
  else
    sim_trace_say ("  %.3f s .. %.3f s: node %u %s (value %u, lie %u)", from,
        fault->to == G_MAXINT64 ? -1 : fault->to / (double) SECOND,
        fault->node + 1, kinds[fault->kind], fault->value, fault->lie);
}

void
sim_scenario_say (const SimScenario * self)
{
  static const char *const viewers[] = { "copy", "play", "seek", "tracks" };

  sim_trace_say ("seed %" G_GUINT64_FORMAT ": %u+%u, unit %u, %u extents, %"
      G_GUINT64_FORMAT " bytes on %u nodes; %u x %s for %.1f s, lease %u s",
      self->seed, self->medium->redundancy.k, self->medium->redundancy.m,
      self->medium->unit, self->medium->n_extents, self->medium->size,
      self->n_nodes, self->n_viewers, viewers[self->viewer],
      self->duration / (double) SECOND, self->lease);
  sim_trace_say ("cache %u rows, ahead %u rows, extra %u %%, timeout %u s, "
      "retries %d, rtt %" G_GINT64_FORMAT " us, rate %" G_GUINT64_FORMAT
      " bytes/s", self->cache_rows, self->ahead_rows, self->max_extra,
      self->timeout, self->retries, self->lines[0].rtt, self->lines[0].rate);
  if (self->n_readers > 1)
    sim_trace_say ("%u readers have %" G_GUINT64_FORMAT " bytes, one comes "
        "each %.3f s", self->n_readers, self->memory, self->opening_pause /
        (double) SECOND);
  for (guint i = 0; i < self->faults->len; i++)
    say_fault (&g_array_index (self->faults, SimFault, i));
}
