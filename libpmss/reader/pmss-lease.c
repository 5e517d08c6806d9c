/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-engine.h"

/* The session with control: opened, renewed at a third of its lease, opened
 * again when control has forgotten it, given back at the end. Playing does
 * not depend on any of it but the opening, as long as nodes take the token. */

#define FIRST_RETRY (200 * G_TIME_SPAN_MILLISECOND)
#define REFRESH_RETRY 500       /* ms */
#define GOODBYE_PATIENCE 300    /* ms */
/* Tokens in a row, freshly made, that nodes refuse: something is wrong with
 * the cluster (a clock, a key), not with the token's age. */
#define MAX_REFUSALS 3

static void give_back (PmssEngine * engine, const char *session);
static void renew (PmssEngine * engine);
static void reopen (PmssEngine * engine);

static GSource *
call_after (PmssEngine * engine, guint ms, GSourceFunc func)
{
  GSource *source = g_timeout_source_new (ms);

  g_source_set_callback (source, func, engine, NULL);
  g_source_attach (source, engine->context);
  return source;
}

static void
set_lease_timer (PmssEngine * engine, guint ms, GSourceFunc func)
{
  if (engine->lease_timer != NULL) {
    g_source_destroy (engine->lease_timer);
    g_source_unref (engine->lease_timer);
  }
  engine->lease_timer = engine->closing ? NULL : call_after (engine, ms, func);
}

static gboolean
lease_is_due (gpointer user_data)
{
  renew (user_data);
  return G_SOURCE_REMOVE;
}

static void
wait_for_next (PmssEngine * engine)
{
  set_lease_timer (engine, MAX (1, engine->session->lease / 3) * 1000,
      lease_is_due);
}

/* A new token is here, and whatever waited for it can go on. */
static void
take_token (PmssEngine * engine, const char *token)
{
  g_mutex_lock (&engine->lock);
  pmss_engine_set_token (engine, token);
  engine->renewing = FALSE;
  pmss_engine_retry_refused (engine);
  pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
  wait_for_next (engine);
}

static void
fail (PmssEngine * engine, const GError * error)
{
  g_mutex_lock (&engine->lock);
  pmss_engine_fail (engine, error);
  g_mutex_unlock (&engine->lock);
}

static gboolean
is_cancelled (const GError * error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static gboolean
may_pass (const GError * error)
{
  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY);
}

/* Somebody has ended the session, or taken the right away: no use in asking
 * again. */
static gboolean
is_final (const GError * error)
{
  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_FORBIDDEN);
}

/* When control does not answer: later again. Urgent when nodes refuse the
 * token that we have. */
static void
try_later (PmssEngine * engine)
{
  if (engine->renewing)
    set_lease_timer (engine, REFRESH_RETRY, lease_is_due);
  else
    wait_for_next (engine);
}

static void
try_later_or_fail (PmssEngine * engine, const GError * error)
{
  if (may_pass (error) || !(engine->renewing || is_final (error)))
    try_later (engine);
  else
    fail (engine, error);
}

/* --- Opening --- */

static gboolean
open_again (gpointer user_data)
{
  pmss_lease_open (user_data);
  return G_SOURCE_REMOVE;
}

static guint
open_pause (PmssEngine * engine)
{
  double pause = engine->settings.backoff_factor * G_TIME_SPAN_SECOND *
      engine->tries;

  pause = MIN (pause, engine->settings.backoff_max * G_TIME_SPAN_SECOND);
  /* whatever the settings say: a server that is not there is not hammered */
  return MAX (pause, FIRST_RETRY) / 1000;
}

static gboolean
try_open_again (PmssEngine * engine, const GError * error)
{
  if (!g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE)
      && !g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT))
    return FALSE;
  if (engine->settings.retries >= 0
      && engine->tries >= (guint) engine->settings.retries)
    return FALSE;
  engine->tries++;
  set_lease_timer (engine, open_pause (engine), open_again);
  return TRUE;
}

/* Closed meanwhile: what control may have opened is given back. */
static void
give_back_asked (PmssEngine * engine, const PmssSession * session,
    const GError * error)
{
  if (session != NULL || is_cancelled (error)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT))
    give_back (engine, engine->asked_session);
}

static void
session_opened (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssEngine *engine = user_data;
  g_autoptr (GError) error = NULL;
  PmssSession *session =
      pmss_client_open_session_finish (PMSS_CLIENT (client), result, &error);

  engine->opening = FALSE;
  if (engine->closing) {
    give_back_asked (engine, session, error);
    pmss_session_free (session);
  } else if (session != NULL) {
    engine->opened_in = g_get_monotonic_time () - engine->asked;
    g_clear_pointer (&engine->asked_session, g_free);
    pmss_engine_opened (engine, session);
    wait_for_next (engine);
  } else if (!is_cancelled (error) && !try_open_again (engine, error)) {
    fail (engine, error);
  }
  pmss_engine_release (engine);
}

/* Asked again after a failure it is the same session. */
static void
ask (PmssEngine * engine, GAsyncReadyCallback callback)
{
  if (engine->asked_session == NULL)
    engine->asked_session = pmss_client_new_session_id ();
  engine->opening = TRUE;
  engine->asked = g_get_monotonic_time ();
  pmss_engine_hold (engine);
  pmss_client_open_session_async (engine->client, engine->asked_session,
      engine->medium, engine->cancellable, callback, engine);
}

void
pmss_lease_open (PmssEngine * engine)
{
  ask (engine, session_opened);
}

/* --- Renewing --- */

static void
session_renewed (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssEngine *engine = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssRenewal) renewal =
      pmss_client_renew_session_finish (PMSS_CLIENT (client), result, &error);

  if (renewal != NULL)
    take_token (engine, renewal->token);
  else if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
    reopen (engine);
  else if (!is_cancelled (error))
    try_later_or_fail (engine, error);
  pmss_engine_release (engine);
}

static void
renew (PmssEngine * engine)
{
  pmss_engine_hold (engine);
  pmss_client_renew_session_async (engine->client, engine->session->id,
      engine->cancellable, session_renewed, engine);
}

/* The bytes that are cached and those still to come must be one version's. */
static gboolean
check_same_version (PmssEngine * engine, PmssSession * session, GError ** error)
{
  if (pmss_version_id_equal (pmss_layout_get_version (session->layout),
          pmss_layout_get_version (engine->session->layout)))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "%s was replaced by another version while it was being read",
      engine->medium);
  return FALSE;
}

static void
session_reopened (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssEngine *engine = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssSession) session =
      pmss_client_open_session_finish (PMSS_CLIENT (client), result, &error);

  engine->opening = FALSE;
  if (engine->closing) {
    give_back_asked (engine, session, error);
  } else if (session != NULL && !check_same_version (engine, session, &error)) {
    give_back (engine, session->id);
    g_clear_pointer (&engine->asked_session, g_free);
  } else if (session != NULL) {
    g_clear_pointer (&engine->asked_session, g_free);
    g_mutex_lock (&engine->lock);
    g_free (engine->session->id);
    engine->session->id = g_steal_pointer (&session->id);
    g_mutex_unlock (&engine->lock);
    take_token (engine, session->token);
  }
  if (error != NULL && !is_cancelled (error))
    try_later_or_fail (engine, error);
  pmss_engine_release (engine);
}

/* Control does not know the session any more: it has ended while nothing was
 * read for long, or control was set up anew. */
static void
reopen (PmssEngine * engine)
{
  if (!engine->opening)
    ask (engine, session_reopened);
}

void
pmss_lease_refresh (PmssEngine * engine, const GError * refusal)
{
  if (engine->renewing || engine->closing)
    return;
  if (++engine->refusals > MAX_REFUSALS) {
    pmss_engine_fail (engine, refusal);
    return;
  }
  engine->renewing = TRUE;
  renew (engine);
}

/* --- The end --- */

static void
session_closed (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssEngine *engine = user_data;
  g_autoptr (GError) error = NULL;

  if (!pmss_client_close_session_finish (PMSS_CLIENT (client), result, &error))
    g_debug ("session not given back, its lease will end: %s", error->message);
  pmss_engine_release (engine);
}

static gboolean
goodbye_is_late (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

/* Cancels @cancellable when the patience with a last request is at its end. */
static void
cancel_late (PmssEngine * engine, GCancellable * cancellable)
{
  GSource *deadline = g_timeout_source_new (GOODBYE_PATIENCE);

  g_source_set_callback (deadline, goodbye_is_late,
      g_object_ref (cancellable), g_object_unref);
  g_source_attach (deadline, engine->context);
  g_source_unref (deadline);
}

static void
give_back (PmssEngine * engine, const char *session)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  cancel_late (engine, cancellable);
  pmss_engine_hold (engine);
  pmss_client_close_session_async (engine->client, session, cancellable,
      session_closed, engine);
}

void
pmss_lease_end (PmssEngine * engine)
{
  set_lease_timer (engine, 0, NULL);
  /* A session that is being opened would stay at control until its lease
   * ends: better to hear of it and give it back. */
  if (engine->opening)
    cancel_late (engine, engine->cancellable);
  else
    g_cancellable_cancel (engine->cancellable);
  if (engine->session != NULL)
    give_back (engine, engine->session->id);
}
