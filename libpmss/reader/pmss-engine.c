/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-engine.h"

#include "libpmss/client/pmss-client-private.h"
#include "libpmss/pmss-error.h"
#include "libpmss/client/pmss-exchange.h"
#include "libpmss/reader/pmss-transport-soup.h"
#include "libpmss/reader/pmss-wait.h"

/* After a jump: about what six links of 100 Mbit/s bring in 50 ms, so that a
 * demuxer that reads two tracks a second apart waits for one round trip. */
#define FIRST_WINDOW (4 * 1024 * 1024)
/* Seconds that a connection stays open unused. */
#define IDLE_TIMEOUT 30

static void
cancel_all (PmssEngine * engine, const char *reason)
{
  guint i;

  for (i = 0; engine->links != NULL && i < engine->links->len; i++)
    pmss_engine_cancel_streams (engine, engine->links->pdata[i], G_IO_ERROR,
        G_IO_ERROR_CANCELLED, reason);
}

static void
close_in_thread (PmssEngine * engine)
{
  guint i;

  if (engine->closing)
    return;
  engine->closing = TRUE;
  cancel_all (engine, "closed");
  for (i = 0; engine->links != NULL && i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    if (link->probe != NULL)
      g_cancellable_cancel (link->probe);
  }
  pmss_reports_end (engine);
  pmss_lease_end (engine);
}

static void
on_kick (gpointer user_data)
{
  PmssEngine *engine = user_data;
  gboolean reopen;
  GList *ended;

  g_mutex_lock (&engine->lock);
  reopen = engine->reopen && engine->state == PMSS_ENGINE_OPENING;
  engine->reopen = FALSE;
  if (engine->state == PMSS_ENGINE_CLOSED) {
    close_in_thread (engine);
    if (engine->n_streams == 0 && engine->n_requests == 0)
      g_main_loop_quit (engine->main_loop);
  } else if (pmss_engine_is_resting (engine)) {
    cancel_all (engine, "not wanted now");
  } else {
    pmss_plan_run (engine);
  }
  ended = pmss_wait_check (engine, pmss_loop_now (engine->loop));
  pmss_engine_set_tick (engine);
  g_mutex_unlock (&engine->lock);
  if (reopen) {
    engine->tries = 0;
    pmss_lease_open (engine);
  }
  pmss_engine_tell_events (engine);
  pmss_wait_answer (ended);
}

void
pmss_engine_kick (PmssEngine * engine)
{
  pmss_alarm_set (engine->kick, PMSS_ALARM_NOW);
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
  engine->token_number++;
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
  engine->blocks_behind = engine->max_blocks -
      MIN (engine->max_blocks, engine->max_window * engine->rows.redundancy.k);
  engine->pool = pmss_block_pool_new (unit);
}

void
pmss_engine_opened (PmssEngine * engine, PmssSession * session)
{
  PmssLayout *layout = session->layout;
  g_autofree gint *numbers = g_new (gint, pmss_layout_get_n_nodes (layout) + 1);
  guint i;

  g_mutex_lock (&engine->lock);
  engine->links =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_link_free);
  for (i = 0; i < pmss_layout_get_n_nodes (layout); i++) {
    g_ptr_array_add (engine->links,
        pmss_link_new (pmss_layout_get_node (layout, i), i));
    numbers[i] = (gint) i;
  }
  pmss_places_init (&engine->places, layout, numbers);
  pmss_rows_init (&engine->rows, layout);
  pmss_budget_init (&engine->budget, engine->settings.max_extra);
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
  /* Nodes are spoken to directly: a proxy would make one link of them all. */
  soup = pmss_exchange_session_new (NULL, database, interaction);
  g_object_set (soup, "idle-timeout", IDLE_TIMEOUT, NULL);
  g_signal_connect (soup, "request-queued", G_CALLBACK (request_queued),
      engine);
  return soup;
}

static gpointer
run (gpointer user_data)
{
  PmssEngine *engine = user_data;
  SoupSession *soup;

  g_main_context_push_thread_default (engine->context);
  soup = new_soup (engine);
  engine->transport = pmss_transport_soup_new (engine->loop, soup);
  pmss_lease_open (engine);
  g_main_loop_run (engine->main_loop);
  soup_session_abort (soup);
  g_clear_pointer (&engine->transport, pmss_transport_soup_free);
  g_object_unref (soup);
  /* The client lives on, with others who share it. */
  pmss_client_leave_thread (engine->client);
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
  engine->main_loop = g_main_loop_new (engine->context, FALSE);
  engine->loop = pmss_loop_new (engine->context);
  engine->kick = pmss_alarm_new (engine->loop, on_kick, engine);
  engine->tick = pmss_alarm_new (engine->loop, pmss_engine_on_tick, engine);
  engine->tick_at = PMSS_ALARM_NEVER;
  pmss_lease_init (engine);
  engine->bad_shards = pmss_bad_shards_new ();
  engine->reports = pmss_reports_new (engine->loop, engine);
  engine->cancellable = g_cancellable_new ();
  g_mutex_init (&engine->join_lock);
  g_mutex_init (&engine->lock);
  g_cond_init (&engine->changed);
  g_queue_init (&engine->events);
  g_queue_init (&engine->waiting);
  return engine;
}

/* Lock held. A library is not to end the process where the system gives no thread: nobody waits yet. */
static void
start_thread (PmssEngine * engine)
{
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_try_new ("pmss-reader", run, engine, &error);

  g_atomic_pointer_set (&engine->thread, thread);
  if (thread != NULL)
    return;
  engine->state = PMSS_ENGINE_FAILED;
  engine->failure = g_error_new (PMSS_ERROR, PMSS_ERROR_FAILED,
      "%s cannot be read: %s", engine->medium, error->message);
}

void
pmss_engine_open (PmssEngine * engine)
{
  g_mutex_lock (&engine->lock);
  if (engine->state == PMSS_ENGINE_NEW
      || (engine->state == PMSS_ENGINE_FAILED && engine->thread == NULL)) {
    engine->state = PMSS_ENGINE_OPENING;
    g_clear_error (&engine->failure);
    start_thread (engine);
  } else if (engine->state == PMSS_ENGINE_FAILED && engine->session == NULL) {
    engine->state = PMSS_ENGINE_OPENING;
    g_clear_error (&engine->failure);
    engine->reopen = TRUE;
    pmss_engine_kick (engine);
  }
  g_mutex_unlock (&engine->lock);
}

PmssSession *
pmss_engine_dup_session (PmssEngine * engine, GError ** error)
{
  PmssSession *session = NULL;

  g_mutex_lock (&engine->lock);
  if (engine->session != NULL)
    session = pmss_session_copy (engine->session);
  else if (engine->failure != NULL)
    g_propagate_error (error, g_error_copy (engine->failure));
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED,
        "%s is not open yet: control has not answered", engine->medium);
  g_mutex_unlock (&engine->lock);
  return session;
}

gboolean
pmss_engine_is_io_thread (PmssEngine * engine)
{
  return g_atomic_pointer_get (&engine->thread) == g_thread_self ();
}

void
pmss_engine_pause (PmssEngine * engine)
{
  g_mutex_lock (&engine->lock);
  engine->paused = TRUE;
  pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
}

/* Several may close: all of them return when the thread has ended. */
static void
join_thread (PmssEngine * engine)
{
  g_mutex_lock (&engine->join_lock);
  if (g_atomic_pointer_get (&engine->thread) != NULL)
    g_thread_join (engine->thread);
  g_atomic_pointer_set (&engine->thread, NULL);
  g_mutex_unlock (&engine->join_lock);
}

void
pmss_engine_close (PmssEngine * engine)
{
  GList *ended = NULL;

  g_mutex_lock (&engine->lock);
  if (engine->state != PMSS_ENGINE_CLOSED) {
    engine->state = PMSS_ENGINE_CLOSED;
    g_clear_error (&engine->failure);
    engine->failure = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED,
        "the reader was closed");
    ended = pmss_wait_check (engine, pmss_loop_now (engine->loop));
    pmss_engine_kick (engine);
  }
  g_mutex_unlock (&engine->lock);
  join_thread (engine);
  pmss_wait_answer (ended);
}

void
pmss_engine_free (PmssEngine * engine)
{
  pmss_engine_close (engine);
  g_clear_pointer (&engine->rebuilder, pmss_rebuilder_free);
  engine->destroy (engine->user_data);
  pmss_alarm_end (engine->kick);
  pmss_alarm_end (engine->tick);
  pmss_lease_clear (engine);
  pmss_rows_clear (&engine->rows);
  g_clear_pointer (&engine->links, g_ptr_array_unref);
  pmss_places_clear (&engine->places);
  g_clear_pointer (&engine->erasure, pmss_erasure_unref);
  g_clear_pointer (&engine->pool, pmss_block_pool_free);
  g_clear_pointer (&engine->session, pmss_session_free);
  g_queue_clear_full (&engine->events, (GDestroyNotify) pmss_event_free);
  pmss_bad_shards_free (engine->bad_shards);
  pmss_reports_free (engine->reports);
  g_clear_error (&engine->failure);
  pmss_loop_free (engine->loop);
  g_main_loop_unref (engine->main_loop);
  g_main_context_unref (engine->context);
  g_object_unref (engine->cancellable);
  g_object_unref (engine->client);
  g_free (engine->authorization);
  g_free (engine->asked_session);
  g_free (engine->refresh.refused);
  g_free (engine->medium);
  g_mutex_clear (&engine->join_lock);
  g_mutex_clear (&engine->lock);
  g_cond_clear (&engine->changed);
  g_free (engine);
}
