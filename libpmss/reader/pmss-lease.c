/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-engine.h"

/* The session with control: opened, renewed at a third of its lease, opened
 * again when control has forgotten it, given back at the end. Playing does
 * not depend on any of it but the opening, as long as nodes take the token.
 *
 *   0        1/3       2/3        1 lease
 *   ├─────────┼─────────┼─────────┤
 *   renewed   renewal   · · · · · · lost ones are repeated: eight times where
 *             is due              control refuses, four where it is silent
 */

#define FIRST_RETRY (200 * G_TIME_SPAN_MILLISECOND)
#define REFRESH_RETRY 500       /* ms */
/* ms that the last requests are waited for: some times what control took for
 * an answer before, within these. */
#define MIN_GOODBYE 300
#define MAX_GOODBYE 2000
#define GOODBYE_RTTS 4
/* ms that one renewal is waited for: a tenth of the lease, within these. */
#define MIN_PATIENCE 500
#define MAX_PATIENCE 10000
/* Parts of a lease until a lost renewal is repeated; once it must have run out,
 * it is asked for as calmly as before. */
#define RETRIES_IN_LEASE 12
#define URGENT_RETRIES 8
#define MIN_PAUSE 250           /* ms */
/* Tokens in a row, freshly made, that nodes refuse: something is wrong with
 * the cluster (a clock, a key), not with the token's age. */
#define MAX_REFUSALS 3

static void give_back (PmssEngine * engine, const char *session);
static void renew (PmssEngine * engine);
static void reopen (PmssEngine * engine);

static void
set_timer (PmssEngine * engine, PmssAlarm * timer, guint ms)
{
  if (!engine->closing)
    pmss_alarm_set (timer, pmss_loop_now (engine->loop) +
        ms * G_TIME_SPAN_MILLISECOND);
}

static void
lease_is_due (gpointer user_data)
{
  renew (user_data);
}

static void
wait_for_next (PmssEngine * engine)
{
  engine->lost_renewals = 0;
  set_timer (engine, engine->renew_timer, MAX (engine->lease * 1000 / 3,
          MIN_PAUSE));
}

/* ms */
static guint
get_patience (PmssEngine * engine)
{
  return CLAMP (engine->lease * 1000 / 10, MIN_PATIENCE, MAX_PATIENCE);
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

/* Whether playing goes on as it is: a node takes the token that we have. */
static gboolean
is_served (PmssEngine * engine)
{
  gboolean served = FALSE;

  g_mutex_lock (&engine->lock);
  for (guint i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    served = served || (pmss_link_is_usable (link) && link->refusals == 0
        && link->counters.units > 0);
  }
  g_mutex_unlock (&engine->lock);
  return served;
}

/* ms until control is asked again, which gave no answer or @error. */
static guint
get_pause (PmssEngine * engine, const GError * error)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);
  guint third = engine->lease * 1000 / 3;
  guint pause = engine->renewing ? REFRESH_RETRY
      : engine->lost_renewals > URGENT_RETRIES ? third
      : engine->lease * 1000 / RETRIES_IN_LEASE;

  if (details != NULL)
    pause = MAX (pause, MIN (details->retry_after, engine->lease / 3) * 1000);
  return MAX (pause, MIN_PAUSE);
}

static void
try_later_or_fail (PmssEngine * engine, const GError * error)
{
  if (is_final (error) || (engine->renewing && !may_pass (error)
          && !is_served (engine))) {
    fail (engine, error);
    return;
  }
  engine->lost_renewals++;
  g_debug ("the session was not renewed: %s", error->message);
  set_timer (engine, engine->renew_timer, get_pause (engine, error));
}

/* --- Opening --- */

static void
open_again (gpointer user_data)
{
  pmss_lease_open (user_data);
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
  set_timer (engine, engine->open_timer, open_pause (engine));
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
    engine->opened_in = pmss_loop_now (engine->loop) - engine->asked;
    engine->control_rtt = engine->opened_in;
    engine->lease = session->lease;
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
ask (PmssEngine * engine, GCancellable * cancellable,
    GAsyncReadyCallback callback)
{
  if (engine->asked_session == NULL)
    engine->asked_session = pmss_client_new_session_id ();
  engine->opening = TRUE;
  engine->asked = pmss_loop_now (engine->loop);
  pmss_engine_hold (engine);
  pmss_client_open_session_async (engine->client, engine->asked_session,
      engine->medium, cancellable, callback, engine);
}

void
pmss_lease_open (PmssEngine * engine)
{
  ask (engine, engine->cancellable, session_opened);
}

/* --- Renewing --- */

static void
take_renewal (PmssEngine * engine, const PmssRenewal * renewal)
{
  engine->control_rtt = pmss_loop_now (engine->loop) - engine->renewal_began;
  engine->lease = renewal->lease;
  take_token (engine, renewal->token);
  pmss_refresh_hear (engine, renewal);
}

static void
session_renewed (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssEngine *engine = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssRenewal) renewal =
      pmss_client_renew_session_finish (PMSS_CLIENT (client), result, &error);

  pmss_patience_end (g_steal_pointer (&engine->renewal), &error);
  if (renewal != NULL)
    take_renewal (engine, renewal);
  else if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
    reopen (engine);
  else if (!is_cancelled (error))
    try_later_or_fail (engine, error);
  pmss_engine_release (engine);
}

/* One that is under way brings as new a token. */
static void
renew (PmssEngine * engine)
{
  if (engine->renewal != NULL)
    return;
  engine->renewal = pmss_patience_new (engine->loop, engine->cancellable,
      get_patience (engine));
  engine->renewal_began = pmss_loop_now (engine->loop);
  pmss_engine_hold (engine);
  pmss_client_renew_session_async (engine->client, engine->session->id,
      pmss_patience_get_cancellable (engine->renewal), session_renewed, engine);
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
  pmss_patience_end (g_steal_pointer (&engine->reopening), &error);
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
    engine->lease = session->lease;
    take_token (engine, session->token);
    pmss_refresh_take (engine, session->layout);
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
  if (engine->opening)
    return;
  engine->reopening = pmss_patience_new (engine->loop, engine->cancellable,
      MAX_PATIENCE);
  ask (engine, pmss_patience_get_cancellable (engine->reopening),
      session_reopened);
}

void
pmss_lease_refresh (PmssEngine * engine, const GError * refusal)
{
  if (engine->renewing || engine->closing)
    return;
  engine->refusals++;
  if (refusal != NULL && engine->refusals > MAX_REFUSALS) {
    pmss_engine_fail (engine, refusal);
    return;
  }
  engine->renewing = TRUE;
  renew (engine);
}

/* --- The end --- */

/* A session that is given back, and how long that is waited for. */
typedef struct
{
  PmssEngine *engine;
  PmssPatience *patience;
} Goodbye;

/* ms */
static guint
get_last_patience (PmssEngine * engine)
{
  return CLAMP (GOODBYE_RTTS * engine->control_rtt / G_TIME_SPAN_MILLISECOND,
      MIN_GOODBYE, MAX_GOODBYE);
}

static void
session_closed (GObject * client, GAsyncResult * result, gpointer user_data)
{
  Goodbye *goodbye = user_data;
  PmssEngine *engine = goodbye->engine;
  g_autoptr (GError) error = NULL;

  if (!pmss_client_close_session_finish (PMSS_CLIENT (client), result, &error))
    g_debug ("session not given back, its lease will end: %s", error->message);
  pmss_patience_end (goodbye->patience, NULL);
  g_free (goodbye);
  pmss_engine_release (engine);
}

static void
give_back (PmssEngine * engine, const char *session)
{
  Goodbye *goodbye = g_new0 (Goodbye, 1);

  goodbye->engine = engine;
  goodbye->patience = pmss_patience_new (engine->loop, NULL,
      get_last_patience (engine));
  pmss_engine_hold (engine);
  pmss_client_close_session_async (engine->client, session,
      pmss_patience_get_cancellable (goodbye->patience), session_closed,
      goodbye);
}

static void
last_time_is_over (gpointer user_data)
{
  PmssEngine *engine = user_data;

  g_cancellable_cancel (engine->cancellable);
}

void
pmss_lease_end (PmssEngine * engine)
{
  pmss_alarm_set (engine->renew_timer, PMSS_ALARM_NEVER);
  pmss_alarm_set (engine->open_timer, PMSS_ALARM_NEVER);
  /* A session that is being opened would stay at control until its lease
   * ends: better to hear of it and give it back. */
  if (engine->opening)
    pmss_alarm_set (engine->last_timer, pmss_loop_now (engine->loop) +
        get_last_patience (engine) * G_TIME_SPAN_MILLISECOND);
  else
    g_cancellable_cancel (engine->cancellable);
  if (engine->session != NULL)
    give_back (engine, engine->session->id);
}

void
pmss_lease_init (PmssEngine * engine)
{
  engine->renew_timer = pmss_alarm_new (engine->loop, lease_is_due, engine);
  engine->open_timer = pmss_alarm_new (engine->loop, open_again, engine);
  engine->last_timer = pmss_alarm_new (engine->loop, last_time_is_over, engine);
}

void
pmss_lease_stop (PmssEngine * engine)
{
  pmss_alarm_stop (engine->renew_timer);
  pmss_alarm_stop (engine->open_timer);
  pmss_alarm_stop (engine->last_timer);
}

void
pmss_lease_clear (PmssEngine * engine)
{
  pmss_alarm_end (engine->renew_timer);
  pmss_alarm_end (engine->open_timer);
  pmss_alarm_end (engine->last_timer);
}
