/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real reader without its thread. */
#include "sim-reader.h"

#include "libpmss/reader/pmss-engine.h"
#include "libpmss/reader/pmss-wait.h"
#include "sim-clock.h"
#include "sim-servers.h"
#include "sim-trace.h"

struct _SimReader
{
  PmssEngine *engine;
  GMainContext *context;        /* its io's */
  gboolean is_first;            /* of its client */
};

static void
node_lost (guint node, const char *peer, const GError * error,
    gpointer user_data)
{
  sim_trace ("is told that a node is lost: node", node, 0, 0, 0);
  sim_trace_say ("  %s", error->message);
}

static void
node_back (guint node, const char *peer, gpointer user_data)
{
  sim_trace ("is told that a node is back: node", node, 0, 0, 0);
}

static void
degraded (guint missing, guint spare, gpointer user_data)
{
  sim_trace ("is told of missing nodes: missing spare", missing, spare, 0, 0);
}

static void
waiting (gint64 start_in, gboolean granted, const GError * refusal,
    gpointer user_data)
{
  sim_trace ("is told to wait: granted start_in", granted, start_in, 0, 0);
}

static void
nothing (gpointer user_data)
{
}

static const PmssNewsFuncs funcs = {
  node_lost, node_back, degraded, waiting
};

static PmssEngineSettings
get_settings (const SimScenario * scenario)
{
  guint64 row = (guint64) scenario->medium->redundancy.k *
      scenario->medium->unit;

  return (PmssEngineSettings) {
  .cache_size = scenario->cache_rows * row,.read_ahead =
        scenario->ahead_rows * row,.read_ahead_time =
        scenario->read_ahead_time * G_TIME_SPAN_SECOND,.max_memory =
        scenario->memory,.max_connections =
        2,.max_extra = scenario->max_extra,.timeout =
        scenario->timeout * G_TIME_SPAN_SECOND,.retries =
        scenario->retries,.backoff_factor =
        scenario->backoff_factor,.backoff_max = 60,};
}

static SimReader *
new_of_client (PmssClient * client, const SimScenario * scenario)
{
  SimReader *self = g_new0 (SimReader, 1);
  PmssEngineSettings settings = get_settings (scenario);

  self->engine = pmss_engine_new (client, "films/sim", &settings, &funcs, self,
      nothing);
  self->context = g_main_context_ref (pmss_io_get_context (self->engine->io));
  return self;
}

SimReader *
sim_reader_new_beside (SimReader * first, const SimScenario * scenario)
{
  return new_of_client (first->engine->client, scenario);
}

SimReader *
sim_reader_new (const SimScenario * scenario)
{
  SimReader *self;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssClient) client = pmss_client_new (SIM_CONTROL_URL, &error);

  g_assert_no_error (error);
  pmss_client_set_credentials (client, "login", NULL, NULL);
  self = new_of_client (client, scenario);
  self->is_first = TRUE;
  pmss_io_adopt (self->engine->io);
  sim_clock_adopt (self->context);
  g_main_context_push_thread_default (self->context);
  return self;
}

void
sim_reader_free (SimReader * self)
{
  pmss_engine_free (self->engine);
  /* the client goes in there */
  while (g_main_context_iteration (self->context, FALSE));
  if (self->is_first)
    g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
  g_free (self);
}

GMainContext *
sim_reader_get_context (SimReader * self)
{
  return self->context;
}

void
sim_reader_open (SimReader * self, GAsyncReadyCallback callback,
    gpointer user_data)
{
  pmss_engine_open (self->engine);
  pmss_wait_open_task (self->engine, g_task_new (NULL, NULL, callback,
          user_data));
}

gboolean
sim_reader_open_finish (GAsyncResult * result, GError ** error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
sim_reader_read (SimReader * self, guint64 offset, gsize max,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  pmss_wait_read_task (self->engine, offset, max, g_task_new (NULL,
          cancellable, callback, user_data));
}

GBytes *
sim_reader_read_finish (GAsyncResult * result, GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
sim_reader_pause (SimReader * self)
{
  pmss_engine_pause (self->engine);
}

void
sim_reader_close (SimReader * self)
{
  pmss_engine_close (self->engine);
}

gboolean
sim_reader_is_closed (SimReader * self)
{
  return self->engine->left;
}

void
sim_reader_look (SimReader * self, SimReaderState * state)
{
  PmssEngine *engine = self->engine;

  *state = (SimReaderState) {
  .blocks = engine->rows.n_blocks,.max_blocks = engine->max_blocks,.waits =
        engine->waits.queue.length,.streams =
        engine->links.n_streams,.requests = engine->n_requests,.failed =
        engine->state == PMSS_ENGINE_FAILED && engine->session != NULL,};
  for (guint i = 0; i < engine->links.all->len; i++) {
    const PmssLinkCounters *counters =
        &((PmssLink *) engine->links.all->pdata[i])->counters;

    state->units += counters->units;
    state->asked_extra += counters->extra;
    state->late += counters->late;
    state->rebuilt += counters->rebuilt;
    state->hedged += counters->hedged;
  }
}

static void
say_stream (PmssStream * stream)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);

  sim_trace_say ("    %u.%u rows %u+%u, at %u: awaited for %" G_GINT64_FORMAT
      " us, silent for %" G_GINT64_FORMAT " us", range->geometry.extent,
      range->index, range->first_row, range->n_rows,
      pmss_stream_get_row (stream), sim_clock_now ()
      - pmss_stream_get_awaited_since (stream), sim_clock_now ()
      - pmss_stream_get_progress (stream));
}

/* Of each unit: not asked for, asked for, ready, bad; whether it is wanted; and whether its node
 * is good, late, or not to be asked. */
static void
say_row (guint64 number, guint index, gpointer user_data)
{
  PmssEngine *engine = user_data;
  PmssRow *row = pmss_rows_get (&engine->rows, number);
  g_autoptr (GString) units = g_string_new (NULL);

  for (guint i = 0; row != NULL && i < engine->rows.redundancy.k +
      engine->rows.redundancy.m; i++)
    g_string_append_printf (units, " %c%s%c", "-arb"[row->slots[i].state],
        row->slots[i].wanted ? "w" : "",
        "gln"[pmss_links_get_source (&engine->links, row, i)]);
  sim_trace_say ("  row %" G_GUINT64_FORMAT " unit %u is waited for:%s", number,
      index, units->str);
  if (row != NULL)
    sim_trace_say ("    missing %x, coming %x, spared %x, stuck %d, denied %d",
        row->missing, row->coming, row->spared, row->stuck_since != 0,
        row->denied);
}

void
sim_reader_say (SimReader * self)
{
  PmssEngine *engine = self->engine;

  pmss_waits_foreach (&engine->waits, say_row, engine);
  sim_trace_say ("  %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " blocks, %u "
      "streams, %u requests, %u extra, active row %" G_GINT64_FORMAT,
      engine->rows.n_blocks, engine->max_blocks, engine->links.n_streams,
      engine->n_requests, pmss_budget_get_units (&engine->plan.budget),
      engine->cursors.active !=
      NULL ? (gint64) engine->cursors.active->row : -1);

  for (guint i = 0; i < engine->links.all->len; i++) {
    PmssLink *link = engine->links.all->pdata[i];

    sim_trace_say ("  node %u is %s: a record takes %" G_GINT64_FORMAT
        " us, rtt %" G_GINT64_FORMAT " us, least %" G_GINT64_FORMAT " us, "
        "allowance %u, again in %" G_GINT64_FORMAT " us", link->node.id,
        pmss_link_state_to_string (link->state), link->record_time, link->rtt,
        link->least_rtt, link->allowance, link->retry_at - sim_clock_now ());
    for (guint j = 0; j < link->streams->len; j++)
      say_stream (link->streams->pdata[j]);
  }
}
