/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-engine.h"

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-exchange.h"
#include "libpmss/reader/pmss-wait.h"

#define TICK (50 * G_TIME_SPAN_MILLISECOND)
#define FIRST_WINDOW (2 * 1024 * 1024)
#define PROBE_PATIENCE 2000     /* ms */
#define MAX_PROBE_BODY 4096
/* Seconds that a connection stays open unused. */
#define IDLE_TIMEOUT 30
/* A late node's connection is given up after a third of the reader's
 * timeout, within these. */
#define MIN_DEAD (1 * G_TIME_SPAN_SECOND)
#define MAX_DEAD (5 * G_TIME_SPAN_SECOND)

/* --- What is told without the lock --- */

typedef struct
{
  PmssLink *link;               /* NULL: degraded */
  GError *error;                /* NULL: back */
  guint missing, spare;
} Event;

static void
event_free (Event * event)
{
  g_clear_error (&event->error);
  g_free (event);
}

static void
push_event (PmssEngine * engine, PmssLink * link, const GError * error)
{
  Event *event = g_new0 (Event, 1);

  event->link = link;
  if (error != NULL)
    event->error = g_error_copy (error);
  g_queue_push_tail (&engine->events, event);
}

static void
push_degraded (PmssEngine * engine)
{
  guint i, missing = 0, m = engine->rows.redundancy.m;
  Event *event;

  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    missing += link->reported;
  }
  if (missing == engine->degraded_by)
    return;
  engine->degraded_by = missing;
  event = g_new0 (Event, 1);
  event->missing = missing;
  event->spare = missing < m ? m - missing : 0;
  g_queue_push_tail (&engine->events, event);
}

/* Lock not held. */
static void
tell_events (PmssEngine * engine)
{
  const PmssEngineFuncs *funcs = engine->funcs;
  Event *event;

  while ((event = g_queue_pop_head (&engine->events)) != NULL) {
    PmssLink *link = event->link;

    if (link == NULL)
      funcs->degraded (event->missing, event->spare, engine->user_data);
    else if (event->error != NULL)
      funcs->node_lost (link->node.id, link->peer, event->error,
          engine->user_data);
    else
      funcs->node_back (link->node.id, link->peer, engine->user_data);
    event_free (event);
  }
}

/* --- Links --- */

PmssLink *
pmss_engine_get_shard_link (PmssEngine * engine, guint32 extent, guint index)
{
  gint node = pmss_layout_get_shard_node (engine->rows.layout, extent, index);

  return node < 0 ? NULL : engine->links->pdata[node];
}

static gpointer
shard_key (guint32 extent, guint index)
{
  return GSIZE_TO_POINTER (((gsize) extent << 5 | index) + 1);
}

gboolean
pmss_engine_is_shard_bad (PmssEngine * engine, guint32 extent, guint index)
{
  return g_hash_table_contains (engine->bad_shards, shard_key (extent, index));
}

static void
link_good (PmssEngine * engine, PmssLink * link)
{
  pmss_link_note_good (link);
  engine->refusals = 0;
  if (!link->reported)
    return;
  link->reported = FALSE;
  push_event (engine, link, NULL);
  push_degraded (engine);
}

/* Lock held. */
static void
link_failed (PmssEngine * engine, PmssLink * link, const GError * error)
{
  link->counters.errors++;
  pmss_link_note_failure (link, error, engine->settings.backoff_factor,
      engine->settings.backoff_max);
  /* A single reset is a closed connection or a restarted server until the
   * probe, which follows at once, says otherwise. */
  if (link->failures < 2 || link->reported)
    return;
  link->reported = TRUE;
  g_debug ("node %u (%s) is lost: %s", link->node.id, link->peer,
      error->message);
  push_event (engine, link, error);
  push_degraded (engine);
}

typedef struct
{
  PmssEngine *engine;
  PmssLink *link;
  SoupMessage *message;
} Probe;

static GError *
probe_result (Probe * probe, GAsyncResult * result)
{
  GError *error = NULL;
  g_autoptr (GBytes) body = pmss_exchange_finish (result, &error);

  if (body != NULL
      && soup_message_get_status (probe->message) != SOUP_STATUS_OK)
    error = pmss_exchange_problem (probe->message, body, probe->link->peer);
  return error;
}

static void
probe_answered (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Probe *probe = user_data;
  PmssEngine *engine = probe->engine;
  g_autoptr (GError) error = probe_result (probe, result);

  g_mutex_lock (&engine->lock);
  g_clear_object (&probe->link->probe);
  if (error != NULL)
    link_failed (engine, probe->link, error);
  else
    pmss_link_note_probe (probe->link);
  pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
  pmss_engine_release (engine);
  g_object_unref (probe->message);
  g_free (probe);
}

static void
link_probe (PmssEngine * engine, PmssLink * link)
{
  const PmssExchangeOptions options = {.timeout = PROBE_PATIENCE,
    .max_body = MAX_PROBE_BODY,.peer = link->peer
  };
  Probe *probe = g_new0 (Probe, 1);
  g_autoptr (GUri) uri =
      g_uri_parse_relative (link->base, "/healthz", G_URI_FLAGS_NONE, NULL);
  g_autofree char *text = g_uri_to_string (uri);

  link->state = PMSS_LINK_PROBING;
  link->probe = g_cancellable_new ();
  probe->engine = engine;
  probe->link = link;
  probe->message = pmss_exchange_message_new (SOUP_METHOD_GET, text, NULL);
  pmss_engine_hold (engine);
  pmss_exchange_async (engine->soup, probe->message, &options, link->probe,
      probe_answered, probe);
}

/* --- Streams --- */

static PmssRow *
stream_row (PmssEngine * engine, PmssStream * stream, guint32 row)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);

  return pmss_rows_get (&engine->rows,
      range->geometry.extent * engine->rows.rows_per_extent + row);
}

/* Lock held: rebuilds what is missing in @row if enough has come. */
static void
try_rebuild (PmssEngine * engine, PmssRow * row)
{
  PmssExtentGeometry geometry;
  guint i, had, k = engine->rows.redundancy.k;
  GError *error = NULL;
  int n;

  if (row->missing == 0)
    return;
  pmss_rows_geometry (&engine->rows, row, &geometry);
  had = pmss_rows_count_ready (&engine->rows, row);
  for (i = 0; i < k; i++)
    had += pmss_extent_geometry_unit_length (&geometry, row->row, i) == 0;
  if (had < k)
    return;
  n = pmss_rows_rebuild (&engine->rows, row, engine->erasure, engine->pool,
      &error);
  if (n >= 0) {
    engine->rebuilt += n;
  } else {
    pmss_error_get_details (error)->medium = g_strdup (engine->medium);
    g_clear_error (&row->error);
    row->error = error;
  }
}

static void
record_came (PmssStream * stream, guint32 row_number, PmssBlock * block,
    gpointer user_data)
{
  PmssEngine *engine = user_data;
  PmssLink *link = pmss_stream_get_owner (stream);
  guint index = pmss_stream_get_range (stream)->index;
  PmssRow *row;

  g_mutex_lock (&engine->lock);
  link->counters.units++;
  link_good (engine, link);
  row = stream_row (engine, stream, row_number);
  if (row == NULL || row->slots[index].state != PMSS_UNIT_ASKED
      || row->slots[index].stream != stream) {
    link->counters.wasted++;
    pmss_block_unref (block);
  } else if (!pmss_rows_check_crc (&engine->rows, row, block)) {
    link->counters.errors++;
    pmss_block_unref (block);
    pmss_rows_set_empty (&engine->rows, row, index, PMSS_UNIT_BAD);
    pmss_engine_kick (engine);
  } else {
    pmss_rows_set_ready (&engine->rows, row, index, block);
    try_rebuild (engine, row);
    if (pmss_wait_is_for (engine, row->number, -1))
      pmss_wait_check (engine, pmss_stream_get_progress (stream));
  }
  g_mutex_unlock (&engine->lock);
}

static void
record_damaged (PmssStream * stream, guint32 row_number, const GError * error,
    gpointer user_data)
{
  PmssEngine *engine = user_data;
  PmssLink *link = pmss_stream_get_owner (stream);
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  PmssRow *row;

  g_message ("node %u (%s), extent %u, shard %u: %s", link->node.id,
      link->peer, range->geometry.extent, range->index, error->message);
  g_mutex_lock (&engine->lock);
  link->counters.errors++;
  row = stream_row (engine, stream, row_number);
  if (row != NULL && row->slots[range->index].stream == stream)
    pmss_rows_set_empty (&engine->rows, row, range->index, PMSS_UNIT_BAD);
  pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
}

/* What the stream was to bring and has not brought is to be asked again. */
static void
release_rows (PmssEngine * engine, PmssStream * stream)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  guint32 i;

  for (i = 0; i < range->n_rows; i++) {
    PmssRow *row = stream_row (engine, stream, range->first_row + i);

    if (row != NULL && row->slots[range->index].state == PMSS_UNIT_ASKED
        && row->slots[range->index].stream == stream)
      pmss_rows_set_empty (&engine->rows, row, range->index, PMSS_UNIT_NONE);
  }
}

/* Lock held: what an error says: about the node, the shard, or the token. */
static void
stream_failed (PmssEngine * engine, PmssLink * link, PmssStream * stream,
    const GError * error)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED)) {
    link->counters.errors++;
    pmss_lease_refresh (engine, error);
  } else if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_FORBIDDEN)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_RANGE)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL)) {
    g_message ("node %u (%s), extent %u, shard %u: %s", link->node.id,
        link->peer, range->geometry.extent, range->index, error->message);
    link->counters.errors++;
    link_good (engine, link);
    g_hash_table_add (engine->bad_shards,
        shard_key (range->geometry.extent, range->index));
  } else {
    link_failed (engine, link, error);
  }
}

static void
stream_done (PmssStream * stream, const GError * error, gpointer user_data)
{
  PmssEngine *engine = user_data;
  PmssLink *link = pmss_stream_get_owner (stream);

  g_mutex_lock (&engine->lock);
  g_ptr_array_remove_fast (link->streams, stream);
  engine->n_streams--;
  link->counters.bytes += pmss_stream_get_received (stream);
  pmss_link_note_timing (link, stream);
  release_rows (engine, stream);
  if (error != NULL)
    stream_failed (engine, link, stream, error);
  pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
}

static const PmssStreamFuncs stream_funcs = {
  record_came, record_damaged, stream_done
};

void
pmss_engine_start_stream (PmssEngine * engine, PmssLink * link,
    const PmssStreamRange * range)
{
  PmssStream *stream = pmss_stream_start (engine->soup, link->base,
      engine->authorization, range, engine->pool, &stream_funcs, engine);
  guint32 i;

  pmss_stream_set_owner (stream, link);
  g_ptr_array_add (link->streams, stream);
  engine->n_streams++;
  link->counters.requests++;
  for (i = 0; i < range->n_rows; i++) {
    PmssRow *row = stream_row (engine, stream, range->first_row + i);

    if (range->index >= engine->rows.redundancy.k)
      link->counters.hedged++;
    pmss_rows_set_asked (&engine->rows, row, range->index, stream);
  }
}

static void
cancel_streams (PmssEngine * engine, PmssLink * link, GQuark domain, int code,
    const char *reason)
{
  guint i;

  for (i = 0; i < link->streams->len; i++)
    pmss_stream_cancel (link->streams->pdata[i], domain, code, reason);
}

/* --- The tick: silence, retries, deadlines --- */

static gboolean
anybody_talks (PmssEngine * engine, gint64 now)
{
  guint i;

  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    if (link->streams->len > 0 && pmss_link_get_silence (link, now) <
        pmss_link_get_patience (link))
      return TRUE;
  }
  return FALSE;
}

static gint64
dead_after (PmssEngine * engine)
{
  if (engine->settings.timeout == 0)
    return MAX_DEAD;
  return CLAMP (engine->settings.timeout / 3, MIN_DEAD, MAX_DEAD);
}

/* When nobody talks it is the client's own network that is slow, or everybody
 * has given all that was asked; then nobody is called late. */
static void
tick_silence (PmssEngine * engine, gint64 now)
{
  gboolean others_talk = anybody_talks (engine, now);
  guint i;

  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];
    gint64 silence = pmss_link_get_silence (link, now);

    if (silence < pmss_link_get_patience (link))
      continue;
    if (link->state == PMSS_LINK_UP && (others_talk || silence > MIN_DEAD)) {
      link->state = PMSS_LINK_LATE;
      link->counters.late++;
      pmss_engine_kick (engine);
    }
    if (silence > dead_after (engine))
      cancel_streams (engine, link, PMSS_ERROR, PMSS_ERROR_TIMED_OUT,
          "does not answer");
  }
}

static void
tick_retries (PmssEngine * engine, gint64 now)
{
  guint i;

  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    if (link->streams->len > 0)
      continue;
    /* Late, and nothing under way that could show that it is not. */
    if (link->state == PMSS_LINK_LATE
        || (link->state == PMSS_LINK_LOST && link->retry_at <= now))
      link_probe (engine, link);
  }
}

static gboolean
needs_tick (PmssEngine * engine)
{
  guint i;

  if (engine->n_streams > 0 || engine->waiting.length > 0)
    return TRUE;
  for (i = 0; engine->links != NULL && i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    if (link->state != PMSS_LINK_UP && !engine->paused)
      return TRUE;
  }
  return FALSE;
}

static void
set_tick (PmssEngine * engine)
{
  gint64 now = g_get_monotonic_time ();

  if (engine->closing || !needs_tick (engine))
    g_source_set_ready_time (engine->tick, -1);
  else if (g_source_get_ready_time (engine->tick) < now)
    g_source_set_ready_time (engine->tick, now + TICK);
}

static gboolean
on_tick (gpointer user_data)
{
  PmssEngine *engine = user_data;
  gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&engine->lock);
  g_source_set_ready_time (engine->tick, -1);
  if (engine->state == PMSS_ENGINE_OPEN && !engine->paused) {
    tick_silence (engine, now);
    tick_retries (engine, now);
    pmss_plan_run (engine);
    pmss_plan_give_up (engine, now);
  }
  pmss_wait_check (engine, now);
  set_tick (engine);
  g_mutex_unlock (&engine->lock);
  tell_events (engine);
  return G_SOURCE_CONTINUE;
}

static void
close_in_thread (PmssEngine * engine)
{
  guint i;

  if (engine->closing)
    return;
  engine->closing = TRUE;
  g_cancellable_cancel (engine->cancellable);
  for (i = 0; engine->links != NULL && i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    cancel_streams (engine, link, G_IO_ERROR, G_IO_ERROR_CANCELLED, "closed");
    if (link->probe != NULL)
      g_cancellable_cancel (link->probe);
  }
  pmss_lease_end (engine);
}

static gboolean
on_kick (gpointer user_data)
{
  PmssEngine *engine = user_data;
  guint i;

  g_source_set_ready_time (engine->kick, -1);
  g_mutex_lock (&engine->lock);
  if (engine->state == PMSS_ENGINE_CLOSED) {
    close_in_thread (engine);
    if (engine->n_streams == 0 && engine->n_requests == 0)
      g_main_loop_quit (engine->loop);
  } else if (engine->paused && engine->links != NULL) {
    for (i = 0; i < engine->links->len; i++)
      cancel_streams (engine, engine->links->pdata[i], G_IO_ERROR,
          G_IO_ERROR_CANCELLED, "paused");
  } else {
    pmss_plan_run (engine);
  }
  pmss_wait_check (engine, g_get_monotonic_time ());
  set_tick (engine);
  g_mutex_unlock (&engine->lock);
  tell_events (engine);
  return G_SOURCE_CONTINUE;
}

void
pmss_engine_kick (PmssEngine * engine)
{
  g_source_set_ready_time (engine->kick, 0);
}

void
pmss_engine_hold (PmssEngine * engine)
{
  engine->n_requests++;
}

void
pmss_engine_release (PmssEngine * engine)
{
  engine->n_requests--;
  pmss_engine_kick (engine);
}

/* --- Opening --- */

void
pmss_engine_set_token (PmssEngine * engine, const char *token)
{
  g_free (engine->authorization);
  engine->authorization = g_strconcat ("Bearer ", token, NULL);
}

static void
set_windows (PmssEngine * engine, PmssLayout * layout)
{
  guint64 unit = pmss_layout_get_unit (layout);
  guint64 row = engine->rows.redundancy.k * unit;
  guint64 ahead = MIN (engine->settings.read_ahead,
      engine->settings.cache_size - MIN (row, engine->settings.cache_size));

  engine->max_window = MAX (2, ahead / row);
  engine->first_window = CLAMP (FIRST_WINDOW / row, 2, engine->max_window);
  engine->max_blocks = MAX (2 * engine->rows.redundancy.k,
      engine->settings.cache_size / unit);
  engine->pool = pmss_block_pool_new (unit, FIRST_WINDOW / unit + 1);
}

void
pmss_engine_opened (PmssEngine * engine, PmssSession * session)
{
  PmssLayout *layout = session->layout;
  guint i;

  g_mutex_lock (&engine->lock);
  engine->links =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_link_free);
  for (i = 0; i < pmss_layout_get_n_nodes (layout); i++)
    g_ptr_array_add (engine->links,
        pmss_link_new (pmss_layout_get_node (layout, i), i));
  pmss_rows_init (&engine->rows, layout);
  engine->erasure = pmss_erasure_new (engine->rows.redundancy);
  set_windows (engine, layout);
  engine->session = session;
  pmss_engine_set_token (engine, session->token);
  if (engine->state == PMSS_ENGINE_OPENING)
    engine->state = PMSS_ENGINE_OPEN;
  pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
}

void
pmss_engine_fail (PmssEngine * engine, const GError * error)
{
  if (engine->state == PMSS_ENGINE_CLOSED)
    return;
  engine->state = PMSS_ENGINE_FAILED;
  g_clear_error (&engine->failure);
  engine->failure = g_error_copy (error);
  pmss_engine_kick (engine);
}

/* --- The thread --- */

static gboolean
source_dispatch (GSource * source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs source_funcs = {.dispatch = source_dispatch };

static GSource *
new_source (PmssEngine * engine, GSourceFunc func, int priority)
{
  GSource *source = g_source_new (&source_funcs, sizeof (GSource));

  g_source_set_callback (source, func, engine, NULL);
  g_source_set_priority (source, priority);
  g_source_attach (source, engine->context);
  return source;
}

static gboolean
accept_certificate (SoupMessage * message, GTlsCertificate * certificate,
    GTlsCertificateFlags flags, PmssEngine * engine)
{
  gboolean accept = FALSE;
  GTlsCertificateFlags checked;

  g_object_get (engine->client, "tls-validation-flags", &checked, NULL);
  if ((flags & checked) == 0)
    return TRUE;
  g_signal_emit_by_name (engine->client, "accept-certificate", certificate,
      flags, &accept);
  return accept;
}

static void
request_queued (SoupSession * soup, SoupMessage * message, PmssEngine * engine)
{
  g_signal_connect (message, "accept-certificate",
      G_CALLBACK (accept_certificate), engine);
}

static SoupSession *
new_soup (PmssEngine * engine)
{
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GTlsInteraction) interaction = NULL;
  SoupSession *soup;

  g_object_get (engine->client, "tls-database", &database, "tls-interaction",
      &interaction, NULL);
  /* Nodes are spoken to directly, as if they were on this machine: a proxy
   * would make one link of them all. */
  soup = pmss_exchange_session_new ("localhost", database, interaction);
  g_object_set (soup, "idle-timeout", IDLE_TIMEOUT, NULL);
  g_signal_connect (soup, "request-queued", G_CALLBACK (request_queued),
      engine);
  return soup;
}

static gpointer
run (gpointer user_data)
{
  PmssEngine *engine = user_data;

  g_main_context_push_thread_default (engine->context);
  engine->soup = new_soup (engine);
  pmss_lease_open (engine);
  g_main_loop_run (engine->loop);
  if (engine->lease_timer != NULL) {
    g_source_destroy (engine->lease_timer);
    g_clear_pointer (&engine->lease_timer, g_source_unref);
  }
  soup_session_abort (engine->soup);
  g_clear_object (&engine->soup);
  /* Connections that were closed have something left to do. */
  while (g_main_context_iteration (engine->context, FALSE));
  g_main_context_pop_thread_default (engine->context);
  return NULL;
}

PmssEngine *
pmss_engine_new (PmssClient * client, const char *medium,
    const PmssEngineSettings * settings, const PmssEngineFuncs * funcs,
    gpointer user_data, GDestroyNotify destroy)
{
  PmssEngine *engine = g_new0 (PmssEngine, 1);

  engine->client = g_object_ref (client);
  engine->medium = g_strdup (medium);
  engine->settings = *settings;
  engine->funcs = funcs;
  engine->user_data = user_data;
  engine->destroy = destroy;
  engine->context = g_main_context_new ();
  engine->loop = g_main_loop_new (engine->context, FALSE);
  engine->kick = new_source (engine, on_kick, G_PRIORITY_DEFAULT);
  engine->tick = new_source (engine, on_tick, G_PRIORITY_DEFAULT);
  engine->bad_shards = g_hash_table_new (NULL, NULL);
  engine->cancellable = g_cancellable_new ();
  g_mutex_init (&engine->lock);
  g_cond_init (&engine->changed);
  g_queue_init (&engine->events);
  g_queue_init (&engine->waiting);
  return engine;
}

void
pmss_engine_open (PmssEngine * engine)
{
  g_mutex_lock (&engine->lock);
  if (engine->state == PMSS_ENGINE_NEW) {
    engine->state = PMSS_ENGINE_OPENING;
    engine->thread = g_thread_new ("pmss-reader", run, engine);
  }
  g_mutex_unlock (&engine->lock);
}

gboolean
pmss_engine_is_io_thread (PmssEngine * engine)
{
  return engine->thread == g_thread_self ();
}

void
pmss_engine_pause (PmssEngine * engine)
{
  g_mutex_lock (&engine->lock);
  engine->paused = TRUE;
  pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
}

void
pmss_engine_close (PmssEngine * engine)
{
  g_mutex_lock (&engine->lock);
  if (engine->state != PMSS_ENGINE_CLOSED) {
    engine->state = PMSS_ENGINE_CLOSED;
    g_clear_error (&engine->failure);
    engine->failure = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED,
        "the reader was closed");
    pmss_wait_check (engine, g_get_monotonic_time ());
    pmss_engine_kick (engine);
  }
  g_mutex_unlock (&engine->lock);
  if (engine->thread != NULL) {
    g_thread_join (engine->thread);
    engine->thread = NULL;
  }
}

static void
free_source (GSource * source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

void
pmss_engine_free (PmssEngine * engine)
{
  pmss_engine_close (engine);
  engine->destroy (engine->user_data);
  free_source (engine->kick);
  free_source (engine->tick);
  pmss_rows_clear (&engine->rows);
  g_clear_pointer (&engine->links, g_ptr_array_unref);
  g_clear_pointer (&engine->erasure, pmss_erasure_unref);
  g_clear_pointer (&engine->pool, pmss_block_pool_unref);
  g_clear_pointer (&engine->session, pmss_session_free);
  g_queue_clear_full (&engine->events, (GDestroyNotify) event_free);
  g_hash_table_unref (engine->bad_shards);
  g_clear_error (&engine->failure);
  g_main_loop_unref (engine->loop);
  g_main_context_unref (engine->context);
  g_object_unref (engine->cancellable);
  g_object_unref (engine->client);
  g_free (engine->authorization);
  g_free (engine->medium);
  g_mutex_clear (&engine->lock);
  g_cond_clear (&engine->changed);
  g_free (engine);
}
