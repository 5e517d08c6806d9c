/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-engine.h"

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-wait.h"

/* After a jump: about what six links of 100 Mbit/s bring in 50 ms, so that a
 * demuxer that reads two tracks a second apart waits for one round trip. */
#define FIRST_WINDOW (4 * 1024 * 1024)
/* us that closing waits for what is under way to end; all of it has deadlines,
 * but somebody may keep the I/O thread busy. */
#define CLOSE_PATIENCE (6 * G_TIME_SPAN_SECOND)
#define BEARER "Bearer "

static void engine_unref (PmssEngine * engine);

static void
cancel_all (PmssEngine * engine, const char *reason)
{
  guint i;

  for (i = 0; i < engine->links.all->len; i++)
    pmss_engine_cancel_streams (engine, pmss_links_get (&engine->links, i),
        G_IO_ERROR, G_IO_ERROR_CANCELLED, reason);
}

static void
close_in_thread (PmssEngine * engine)
{
  guint i;

  if (engine->closing)
    return;
  engine->closing = TRUE;
  cancel_all (engine, "closed");
  for (i = 0; i < engine->links.all->len; i++) {
    PmssLink *link = pmss_links_get (&engine->links, i);

    if (link->probe != NULL)
      g_cancellable_cancel (link->probe);
  }
  pmss_reports_stop (engine->reports);
  pmss_lease_end (engine->lease);
}

static void
answer_closer (gpointer task)
{
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

/* Nothing is under way any more: the I/O thread forgets the engine. */
static void
leave (PmssEngine * engine)
{
  GQueue closers;

  g_clear_pointer (&engine->rebuilder, pmss_rebuilder_free);
  pmss_alarm_stop (engine->kick);
  pmss_alarm_stop (engine->tick);
  pmss_lease_stop (engine->lease);
  g_mutex_lock (&engine->lock);
  if (engine->share != NULL)
    pmss_rows_empty (&engine->rows);
  pmss_engine_leave_memory (engine);
  engine->left = TRUE;
  closers = engine->closers;
  g_queue_init (&engine->closers);
  g_cond_broadcast (&engine->changed);
  g_mutex_unlock (&engine->lock);
  g_queue_clear_full (&closers, answer_closer);
  engine_unref (engine);
}

static void
begin_to_open (PmssEngine * engine)
{
  engine->transport = pmss_io_get_transport (engine->io);
  pmss_lease_open (engine->lease);
}

static void
on_kick (gpointer user_data)
{
  PmssEngine *engine = user_data;
  gboolean reopen, doubted, is_over = FALSE;
  GList *ended;

  g_mutex_lock (&engine->lock);
  reopen = engine->reopen && engine->state == PMSS_ENGINE_OPENING;
  doubted = engine->doubted && engine->state == PMSS_ENGINE_OPEN;
  engine->reopen = engine->doubted = FALSE;
  if (engine->state == PMSS_ENGINE_CLOSED) {
    close_in_thread (engine);
    is_over = engine->links.n_streams == 0 && engine->n_requests == 0;
  } else if (pmss_engine_is_resting (engine)) {
    cancel_all (engine, "not wanted now");
    pmss_engine_rest_memory (engine);
  } else {
    pmss_engine_plan (engine);
  }
  ended = pmss_wait_check (engine, pmss_loop_now (engine->loop));
  pmss_engine_set_tick (engine);
  g_mutex_unlock (&engine->lock);
  if (reopen)
    begin_to_open (engine);
  if (doubted)
    pmss_lease_refuse (engine->lease, TRUE);
  pmss_news_tell (engine->news);
  pmss_wait_answer (ended);
  if (is_over)
    leave (engine);
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
  engine->authorization = g_strconcat (BEARER, token, NULL);
  engine->links.token_number++;
}

static void
set_windows (PmssEngine * engine, const PmssSession * session)
{
  guint64 unit = engine->rows.unit;
  guint64 row = engine->rows.redundancy.k * unit;
  guint64 ahead = MIN (engine->settings.read_ahead,
      engine->settings.cache_size - MIN (row, engine->settings.cache_size));
  guint64 most = MAX (2, ahead / row);

  pmss_cursors_init (&engine->cursors, &engine->rows,
      CLAMP (FIRST_WINDOW / row, 2, most), most,
      engine->settings.read_ahead_time, MAX (session->avg_bitrate,
          session->peak_bitrate));
  engine->max_blocks = MAX (2 * engine->rows.redundancy.k,
      engine->settings.cache_size / unit);
  engine->blocks_behind = engine->max_blocks -
      MIN (engine->max_blocks, most * engine->rows.redundancy.k);
  engine->pool = pmss_block_pool_new (unit);
}

static void
make_plan (PmssEngine * engine)
{
  const PmssPlan parts = {.rows = &engine->rows,.cursors =
        &engine->cursors,.links = &engine->links,.waits =
        &engine->waits,.pool = engine->pool,.max_connections =
        engine->settings.max_connections
  };

  pmss_plan_init (&engine->plan, &parts, engine->settings.max_extra);
}

static void
make_links (PmssEngine * engine, PmssLayout * layout)
{
  pmss_links_set_layout (&engine->links, layout);
  for (guint i = 0; i < engine->links.all->len; i++) {
    PmssLink *link = pmss_links_get (&engine->links, i);
    const GError *trouble = pmss_io_find_trouble (engine->io, link->peer);

    if (trouble != NULL)
      pmss_link_note_hearsay (link, pmss_loop_now (engine->loop), trouble);
  }
}

void
pmss_engine_opened (PmssEngine * engine, PmssSession * session)
{
  PmssLayout *layout = session->layout;

  g_mutex_lock (&engine->lock);
  make_links (engine, layout);
  pmss_rows_init (&engine->rows, layout, pmss_io_get_cache (engine->io));
  engine->erasure = pmss_erasure_new (engine->rows.redundancy);
  set_windows (engine, session);
  make_plan (engine);
  pmss_engine_join_memory (engine);
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

/* --- Its life --- */

PmssEngine *
pmss_engine_new (PmssClient * client, const char *medium,
    const PmssEngineSettings * settings, const PmssNewsFuncs * funcs,
    gpointer user_data, GDestroyNotify destroy)
{
  PmssEngine *engine = g_new0 (PmssEngine, 1);

  engine->refs = 1;
  engine->client = g_object_ref (client);
  engine->io = pmss_io_get (client);
  engine->medium = g_strdup (medium);
  engine->settings = *settings;
  engine->news = pmss_news_new (funcs, user_data, destroy);
  engine->loop = pmss_io_get_loop (engine->io);
  engine->kick = pmss_alarm_new (engine->loop, on_kick, engine);
  engine->tick = pmss_alarm_new (engine->loop, pmss_engine_on_tick, engine);
  engine->tick_at = PMSS_ALARM_NEVER;
  pmss_engine_init_control (engine);
  pmss_links_init (&engine->links, settings->backoff_factor,
      settings->backoff_max);
  g_mutex_init (&engine->lock);
  g_cond_init (&engine->changed);
  g_queue_init (&engine->waits.queue);
  g_queue_init (&engine->closers);
  return engine;
}

/* Lock held. FALSE: the system gives no thread. Nobody waits yet. */
static gboolean
attach (PmssEngine * engine)
{
  g_autoptr (GError) error = NULL;

  if (engine->attached)
    return TRUE;
  if (!pmss_io_start (engine->io, &error)) {
    engine->state = PMSS_ENGINE_FAILED;
    engine->failure = g_error_new (PMSS_ERROR, PMSS_ERROR_FAILED,
        "%s cannot be read: %s", engine->medium, error->message);
    return FALSE;
  }
  engine->attached = TRUE;
  g_atomic_int_inc (&engine->refs);
  return TRUE;
}

void
pmss_engine_open (PmssEngine * engine)
{
  g_mutex_lock (&engine->lock);
  if (engine->state == PMSS_ENGINE_NEW
      || (engine->state == PMSS_ENGINE_FAILED && engine->session == NULL)) {
    engine->state = PMSS_ENGINE_OPENING;
    g_clear_error (&engine->failure);
    if (attach (engine)) {
      engine->reopen = TRUE;
      pmss_engine_kick (engine);
    }
  }
  g_mutex_unlock (&engine->lock);
}

gboolean
pmss_engine_is_open (PmssEngine * engine)
{
  gboolean is_open;

  g_mutex_lock (&engine->lock);
  is_open = engine->state == PMSS_ENGINE_OPEN;
  g_mutex_unlock (&engine->lock);
  return is_open;
}

char *
pmss_engine_dup_token (PmssEngine * engine)
{
  char *token = NULL;

  g_mutex_lock (&engine->lock);
  if (engine->authorization != NULL)
    token = g_strdup (engine->authorization + strlen (BEARER));
  g_mutex_unlock (&engine->lock);
  return token;
}

void
pmss_engine_doubt_session (PmssEngine * engine)
{
  g_mutex_lock (&engine->lock);
  if (engine->state == PMSS_ENGINE_OPEN) {
    engine->doubted = TRUE;
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

void
pmss_engine_pause (PmssEngine * engine)
{
  g_mutex_lock (&engine->lock);
  engine->paused = TRUE;
  if (engine->state == PMSS_ENGINE_OPENING || engine->state == PMSS_ENGINE_OPEN)
    pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
}

/* Lock held. Returns: (transfer full): for pmss_wait_answer() */
static GList *
begin_to_close (PmssEngine * engine)
{
  if (engine->state == PMSS_ENGINE_CLOSED)
    return NULL;
  engine->state = PMSS_ENGINE_CLOSED;
  g_clear_error (&engine->failure);
  engine->failure = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED,
      "the reader was closed");
  if (engine->attached)
    pmss_engine_kick (engine);
  return pmss_wait_check (engine, pmss_loop_now (engine->loop));
}

/* Lock held. */
static gboolean
is_under_way (PmssEngine * engine)
{
  return engine->attached && !engine->left;
}

void
pmss_engine_close (PmssEngine * engine)
{
  gboolean may_wait = !pmss_io_is_own_thread (engine->io)
      && !pmss_rebuilder_is_own_thread ();
  gint64 end = g_get_monotonic_time () + CLOSE_PATIENCE;
  GList *ended;

  g_mutex_lock (&engine->lock);
  ended = begin_to_close (engine);
  while (may_wait && is_under_way (engine))
    may_wait = g_cond_wait_until (&engine->changed, &engine->lock, end);
  g_mutex_unlock (&engine->lock);
  pmss_wait_answer (ended);
}

void
pmss_engine_close_task (PmssEngine * engine, GTask * task)
{
  GList *ended;

  g_mutex_lock (&engine->lock);
  ended = begin_to_close (engine);
  if (is_under_way (engine))
    g_queue_push_tail (&engine->closers, g_steal_pointer (&task));
  g_mutex_unlock (&engine->lock);
  pmss_wait_answer (ended);
  if (task != NULL)
    answer_closer (task);
}

static void
engine_clear (PmssEngine * engine)
{
  g_clear_pointer (&engine->rebuilder, pmss_rebuilder_free);
  pmss_news_free (engine->news);
  pmss_engine_leave_memory (engine);    /* where no I/O thread ever had it */
  pmss_alarm_end (engine->kick);
  pmss_alarm_end (engine->tick);
  pmss_engine_clear_control (engine);
  pmss_rows_clear (&engine->rows);
  pmss_plan_clear (&engine->plan);
  pmss_links_clear (&engine->links);
  g_clear_pointer (&engine->erasure, pmss_erasure_unref);
  g_clear_pointer (&engine->pool, pmss_block_pool_free);
  g_clear_pointer (&engine->session, pmss_session_free);
  g_clear_error (&engine->failure);
  g_free (engine->authorization);
  g_free (engine->medium);
  g_mutex_clear (&engine->lock);
  g_cond_clear (&engine->changed);
  pmss_io_drop_client (engine->io, engine->client);
  g_free (engine);
}

static void
engine_unref (PmssEngine * engine)
{
  if (g_atomic_int_dec_and_test (&engine->refs))
    engine_clear (engine);
}

void
pmss_engine_free (PmssEngine * engine)
{
  pmss_engine_close (engine);
  engine_unref (engine);
}
