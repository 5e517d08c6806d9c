/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the reader promises, and whether it was kept. */
#include "sim-auditor.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "sim-clock.h"
#include "sim-trace.h"

#define SECOND G_TIME_SPAN_SECOND
/* us that a read may take while redundancy makes up for all trouble, besides what the lines
 * take. */
#define BOUND (2 * SECOND)
/* us that it may take longer where nothing may be asked for twice. */
#define NO_EXTRA (3 * SECOND)
/* us after the last trouble of its row in which a read has to have ended, if that came too late for
 * more shards than redundancy makes up for. */
#define RECOVERY (8 * SECOND)
/* us that a node may be left alone after its trouble: the pauses between probes grow with it. */
#define MIN_TAIL (3 * SECOND)
#define MAX_TAIL (65 * SECOND)
/* us in which a shard's new place is found out, after a renewal has told of it. */
#define FIND_OUT (3 * SECOND)
/* Requests to one node in a second that are never too many, besides two for each record that the
 * line carries; */
#define FEW_REQUESTS 100
/* and in a second in which nothing comes of it: probes, and each shard now and then. */
#define FEW_VAIN 40
#define VAIN_OF_EXTENT 16
#define CLOSE_BOUND (3 * SECOND)
/* Units that may be asked for twice at once. */
#define BURST 32
/* us in which readers have given back what others of theirs are to have: what was asked for has come,
 * or is given up. */
#define GIVE_BACK (8 * SECOND)

struct _SimAuditor
{
  const SimScenario *scenario;
  char *finding;
  gint64 longest;
  guint width;
  guint64 records;              /* asked for */
  gint64 second[SIM_MAX_NODES]; /* in which the requests are counted */
  guint requests[SIM_MAX_NODES];
  gint64 over_since;            /* all readers hold more than they should; G_MAXINT64: they do not */
};

static void
G_GNUC_PRINTF (2, 3)
find (SimAuditor * self, const char *format, ...)
{
  va_list args;

  if (self->finding != NULL)
    return;
  va_start (args, format);
  self->finding = g_strdup_vprintf (format, args);
  va_end (args);
  sim_trace_say ("FOUND: %s", self->finding);
}

SimAuditor *
sim_auditor_new (const SimScenario * scenario)
{
  SimAuditor *self = g_new0 (SimAuditor, 1);

  self->scenario = scenario;
  self->width = scenario->medium->redundancy.k + scenario->medium->redundancy.m;
  self->over_since = G_MAXINT64;
  return self;
}

void
sim_auditor_free (SimAuditor * self)
{
  g_free (self->finding);
  g_free (self);
}

const char *
sim_auditor_get_finding (SimAuditor * self)
{
  return self->finding;
}

gint64
sim_auditor_get_longest (SimAuditor * self)
{
  return self->longest;
}

/* --- Trouble --- */

/* Until when @fault may be felt. */
static gint64
get_end (const SimFault * fault, guint lease)
{
  gint64 lasts;

  if (fault->to == G_MAXINT64)
    return G_MAXINT64;
  if (fault->kind == SIM_FAULT_MOVE)
    return fault->to + lease * SECOND / 3 + FIND_OUT;
  lasts = fault->to - MAX (fault->from, 0);
  return fault->to + CLAMP (2 * lasts, MIN_TAIL, MAX_TAIL);
}

static gboolean
is_felt (SimAuditor * self, const SimFault * fault, gint64 from, gint64 to)
{
  return fault->from <= to && from <= get_end (fault, self->scenario->lease);
}

static const SimFault *
get_fault (SimAuditor * self, guint i)
{
  return &g_array_index (self->scenario->faults, SimFault, i);
}

static gboolean
is_of_node (const SimFault * fault, guint node)
{
  return fault->kind < SIM_FAULT_LOSE && fault->node == node;
}

static gboolean
is_node_in_trouble (SimAuditor * self, guint node, gint64 from, gint64 to)
{
  for (guint i = 0; i < self->scenario->faults->len; i++)
    if (is_of_node (get_fault (self, i), node)
        && is_felt (self, get_fault (self, i), from, to))
      return TRUE;
  return FALSE;
}

static gboolean
is_shard_in_trouble (SimAuditor * self, guint32 extent, guint shard,
    gint64 from, gint64 to)
{
  if (is_node_in_trouble (self, (guint)
          self->scenario->places[extent][shard], from, to))
    return TRUE;
  for (guint i = 0; i < self->scenario->faults->len; i++) {
    const SimFault *fault = get_fault (self, i);

    if ((fault->kind != SIM_FAULT_LOSE && fault->kind != SIM_FAULT_MOVE)
        || fault->extent != extent || fault->shard != shard)
      continue;
    if (is_felt (self, fault, from, to) || (fault->kind == SIM_FAULT_MOVE
            && is_node_in_trouble (self, fault->target, from, to)))
      return TRUE;
  }
  return FALSE;
}

static guint
count_trouble (SimAuditor * self, guint64 row, gint64 from, gint64 to)
{
  guint32 extent = (guint32) (row /
      sim_medium_rows_per_extent (self->scenario->medium));
  guint n = 0;

  for (guint i = 0; i < self->width; i++)
    n += is_shard_in_trouble (self, extent, i, from, to);
  return n;
}

/* A reader whose tokens too many nodes refuse gives up for good. */
static gboolean
may_have_given_up (SimAuditor * self, gint64 now)
{
  guint n = 0;

  for (guint node = 0; node < self->scenario->n_nodes; node++) {
    gboolean refused = FALSE;

    for (guint i = 0; i < self->scenario->faults->len; i++) {
      const SimFault *fault = get_fault (self, i);

      refused = refused || (fault->kind == SIM_FAULT_REFUSE
          && fault->node == node && fault->from <= now);
    }
    n += refused;
  }
  return n > self->scenario->medium->redundancy.m;
}

/* Whether tokens may have run out, or the session be gone, or the layout be unknown. */
static gboolean
is_control_in_trouble (SimAuditor * self, gint64 from, gint64 to)
{
  if (may_have_given_up (self, to))
    return TRUE;
  for (guint i = 0; i < self->scenario->faults->len; i++) {
    const SimFault *fault = get_fault (self, i);

    if (fault->kind >= SIM_FAULT_CONTROL_KILL
        && is_felt (self, fault, from, to))
      return TRUE;
  }
  return FALSE;
}

/* --- Reads --- */

/* us that the lines need at the most for what a read may have to wait for. */
static gint64
get_line_time (SimAuditor * self)
{
  const SimScenario *scenario = self->scenario;
  guint64 window = (scenario->cache_rows + 2) * scenario->n_readers;
  gint64 time = 0;

  for (guint i = 0; i < scenario->n_nodes; i++) {
    const SimLine *line = &scenario->lines[i];

    time = MAX (time, 20 * line->rtt + (gint64) (window *
            (scenario->medium->unit + 128) * SECOND / line->rate));
  }
  return time;
}

static void
check_bytes (SimAuditor * self, guint64 offset, gsize max, GBytes * bytes)
{
  const SimMedium *medium = self->scenario->medium;
  gsize size = g_bytes_get_size (bytes);

  if (size == 0 || size > max || offset + size > medium->size)
    find (self, "a read of %" G_GSIZE_FORMAT " bytes at %" G_GUINT64_FORMAT
        " gave %" G_GSIZE_FORMAT, max, offset, size);
  else if (memcmp (g_bytes_get_data (bytes, NULL), medium->bytes + offset,
          size) != 0)
    find (self, "a read at %" G_GUINT64_FORMAT " gave wrong bytes", offset);
}

/* Whether @error says what was the matter, with what. */
static gboolean
tells_what (const GError * error)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);

  if (details == NULL)
    return FALSE;
  if (error->code == PMSS_ERROR_TOO_FEW_SHARDS)
    return details->medium != NULL && (strstr (error->message, "node ") != NULL
        || strstr (error->message, "shard ") != NULL);
  return error->message[0] != '\0';
}

/* What was found damaged, ahead of the read, is not asked for again before a read has failed. */
static gboolean
may_be_remembered (SimAuditor * self, guint64 row, const GError * error)
{
  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS)
      && count_trouble (self, row, 0, sim_clock_since_begin ()) >
      self->scenario->medium->redundancy.m;
}

static void
check_error (SimAuditor * self, guint64 row, gint64 began, const GError * error)
{
  gint64 now = sim_clock_since_begin ();
  guint m = self->scenario->medium->redundancy.m;

  if (!tells_what (error))
    find (self, "an error does not say what is the matter: %s", error->message);
  if (count_trouble (self, row, began, now) <= m
      && !is_control_in_trouble (self, began, now)
      && !may_be_remembered (self, row, error))
    find (self, "row %" G_GUINT64_FORMAT " was not read though no more than %u"
        " of its shards were in trouble: %s", row, m, error->message);
}

static void
check_time (SimAuditor * self, guint64 row, gint64 began)
{
  gint64 now = sim_clock_since_begin (), took = now - began;
  guint m = self->scenario->medium->redundancy.m;
  gint64 line = get_line_time (self);
  gint64 bound = BOUND + (self->scenario->max_extra > 0 ? 0 : NO_EXTRA);

  if (took > self->scenario->timeout * SECOND + SECOND)
    find (self, "a read of row %" G_GUINT64_FORMAT " took %.3f s, in spite of"
        " its timeout", row, took / (double) SECOND);
  if (is_control_in_trouble (self, began, now))
    return;
  if (count_trouble (self, row, began, now) > m) {
    gint64 since = now - RECOVERY - line;

    if (since > began && count_trouble (self, row, since, now) <= m)
      find (self, "a read of row %" G_GUINT64_FORMAT " goes on for %.3f s"
          " after the trouble", row, (now - since) / (double) SECOND);
    return;
  }
  self->longest = MAX (self->longest, took - line);
  if (took > bound + line)
    find (self, "a read of row %" G_GUINT64_FORMAT " took %.3f s though no more"
        " than %u of its shards were in trouble (the lines: %.3f s)", row,
        took / (double) SECOND, m, line / (double) SECOND);
}

void
sim_auditor_read (SimAuditor * self, guint64 offset, gsize max, gint64 began,
    GBytes * bytes, const GError * error)
{
  guint64 row = sim_medium_row_at (self->scenario->medium, offset);

  if (bytes != NULL)
    check_bytes (self, offset, max, bytes);
  else
    check_error (self, row, began, error);
  check_time (self, row, began);
}

void
sim_auditor_cancelled (SimAuditor * self, gint64 cancelled, GBytes * bytes,
    const GError * error)
{
  gint64 took = sim_clock_since_begin () - cancelled;

  if (took > 0)
    find (self, "a read ended %" G_GINT64_FORMAT " us after it was cancelled",
        took);
}

void
sim_auditor_opened (SimAuditor * self, gint64 began, const GError * error)
{
  gint64 now = sim_clock_since_begin ();

  if (is_control_in_trouble (self, began, now))
    return;
  if (error != NULL)
    find (self, "it was not opened though control is well: %s", error->message);
  else if (now - began > SECOND + 20 * self->scenario->lines[SIM_MAX_NODES].rtt)
    find (self, "opening took %.3f s though control is well",
        (now - began) / (double) SECOND);
}

/* --- Limits --- */

void
sim_auditor_asked (guint node, guint32 extent, guint shard, guint32 first_row,
    guint n_rows, gpointer user_data)
{
  SimAuditor *self = user_data;

  self->records += n_rows;
}

/* Whether nothing comes of what @node was asked for in this second. */
static gboolean
is_in_vain (SimAuditor * self, guint node, gint64 second)
{
  for (guint i = 0; i < self->scenario->faults->len; i++) {
    const SimFault *fault = get_fault (self, i);

    if (is_of_node (fault, node) && fault->kind != SIM_FAULT_SLOW
        && fault->kind != SIM_FAULT_LIE && fault->from <= second
        && fault->to > second + SECOND)
      return TRUE;
  }
  return FALSE;
}

void
sim_auditor_sent (guint node, gpointer user_data)
{
  SimAuditor *self = user_data;
  gint64 second = sim_clock_since_begin () / SECOND;
  guint64 limit = FEW_REQUESTS * self->scenario->n_readers +
      2 * self->scenario->lines[node].rate / self->scenario->medium->unit;

  if (second != self->second[node])
    self->requests[node] = 0;
  self->second[node] = second;
  self->requests[node]++;
  if (is_in_vain (self, node, second * SECOND))
    limit = self->scenario->n_readers *
        (FEW_VAIN + VAIN_OF_EXTENT * self->scenario->medium->n_extents);
  if (self->requests[node] > limit)
    find (self, "node %u was asked %u times in a second, where %"
        G_GUINT64_FORMAT " may be", node + 1, self->requests[node], limit);
}

static void
check_memory (SimAuditor * self, const SimReaderState * state)
{
  /* a row for each read that waits, and one of what late nodes owe */
  gsize max = state->max_blocks + (1 + self->scenario->n_viewers) * self->width;

  if (state->max_blocks > 0 && state->blocks > max)
    find (self, "%" G_GSIZE_FORMAT " blocks are held, where %" G_GSIZE_FORMAT
        " may be", state->blocks, max);
}

/* Besides the budget: what each reader has for who waits, and, as long as others have not given
 * theirs back, its least. */
static void
check_budget (SimAuditor * self, gsize blocks)
{
  const SimScenario *scenario = self->scenario;
  gint64 now = sim_clock_since_begin ();
  gsize max = scenario->memory / (PMSS_RECORD_HEADER_SIZE +
      scenario->medium->unit) + scenario->n_readers * 2 * self->width;

  if (scenario->memory == 0)
    return;
  if (blocks <= max)
    self->over_since = G_MAXINT64;
  else
    self->over_since = MIN (self->over_since, now);
  if (blocks > max + scenario->n_readers * sim_scenario_get_least (scenario)
      || self->over_since < now - GIVE_BACK)
    find (self, "%" G_GSIZE_FORMAT " blocks are held by all readers, where %"
        G_GSIZE_FORMAT " may be", blocks, max);
}

static void
check_extra (SimAuditor * self, const SimReaderState * state)
{
  guint percent = self->scenario->max_extra;
  guint64 burst = BURST * self->scenario->n_readers;
  guint64 max = percent == 0 ? 0 : burst + self->records * percent / 100;

  if (percent < 100
      && state->asked_extra > max + self->width * self->scenario->n_readers)
    find (self, "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " units were"
        " asked for twice, where %u %% may be", state->asked_extra,
        self->records, percent);
}

void
sim_auditor_look (SimAuditor * self, SimReader ** readers)
{
  SimReaderState sum = { 0 };

  for (guint i = 0; i < self->scenario->n_readers; i++) {
    SimReaderState state;

    sim_reader_look (readers[i], &state);
    check_memory (self, &state);
    sum.blocks += state.blocks;
    sum.asked_extra += state.asked_extra;
  }
  check_budget (self, sum.blocks);
  check_extra (self, &sum);
}

void
sim_auditor_rested (SimAuditor * self, gint64 from, guint64 wakeups)
{
  gint64 lasted = sim_clock_since_begin () - from;
  /* lost renewals are repeated twelve times in a lease; an exchange has timers of its own */
  guint64 max = 10 + 24 * (guint64) lasted / (self->scenario->lease * SECOND);

  if (wakeups > max)
    find (self, "a reader that rests for %.3f s wakes up %" G_GUINT64_FORMAT
        " times, where %" G_GUINT64_FORMAT " may be", lasted / (double) SECOND,
        wakeups, max);
}

void
sim_auditor_closed (SimAuditor * self, gint64 from, gboolean are_closed,
    SimServers * servers)
{
  gint64 now = sim_clock_since_begin ();
  guint sessions = sim_servers_count_sessions (servers);

  if (!are_closed)
    find (self, "it is not closed after %.3f s", (now - from) /
        (double) SECOND);
  if (sessions > 0 && !is_control_in_trouble (self, 0, now))
    find (self, "%u sessions are open after the end", sessions);
  if (now - from > CLOSE_BOUND)
    find (self, "closing took %.3f s", (now - from) / (double) SECOND);
}

void
sim_auditor_stuck (SimAuditor * self, const char *what)
{
  find (self, "%s", what);
}
