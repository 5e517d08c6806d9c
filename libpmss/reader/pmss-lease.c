/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Carries out what PmssLeaseState decides about the session. On the I/O thread. */
#include "libpmss/reader/pmss-lease.h"

#include "libpmss/client/pmss-busy.h"
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-patience.h"

struct _PmssLease
{
  PmssLoop *loop;
  PmssClient *client;
  char *medium;
  char *ticket;                 /* (nullable) */
  gboolean bulk;
  const PmssLeaseFuncs *funcs;
  gpointer user_data;
  PmssLeaseState state;
  char *session;                /* its id; NULL: none yet */
  PmssVersionId version;        /* that it reads */
  gboolean measured;            /* control takes measures */
  char *asked;                  /* id of the session that is asked for; NULL: none */
  gboolean given;               /* it is the one of the wish */
  PmssPatience *renewal;        /* NULL: none is under way */
  PmssPatience *reopening;      /* NULL: none is under way */
  PmssAlarm *alarm;             /* something is due */
  GCancellable *cancellable;    /* of all requests within the session */
};

static void act (PmssLease * lease, PmssLeaseAction action,
    const GError * error);
static void give_back (PmssLease * lease, const char *session);

static gint64
get_now (PmssLease * lease)
{
  return pmss_loop_now (lease->loop);
}

static gboolean
is_served (PmssLease * lease)
{
  return lease->funcs->is_served (lease->user_data);
}

/* --- Opening --- */

/* Later than somebody waits: what control has kept is of no use. */
static GError *
new_late_error (PmssLease * lease, gint64 start_in)
{
  GError *error = g_error_new (PMSS_ERROR, PMSS_ERROR_BUSY,
      "%s cannot start now", lease->medium);
  PmssErrorDetails *details = pmss_error_get_details (error);

  details->medium = g_strdup (lease->medium);
  details->start_in = start_in;
  pmss_busy_explain (error);
  return error;
}

static void
tell_wait (PmssLease * lease, gint64 until, const GError * refusal)
{
  const PmssLeaseWait wait = {.until = until,.start = lease->state.start,
    .granted = lease->state.granted,.refusal = refusal
  };

  lease->funcs->waits (&wait, lease->user_data);
}

/* ns, upwards: asked too early it would be asked once more */
static gint64
to_us (gint64 ns)
{
  return ns / 1000 + (ns % 1000 != 0);
}

static void
take_deferred (PmssLease * lease, const PmssSession * session)
{
  PmssLeaseAction action = pmss_lease_state_deferred (&lease->state,
      get_now (lease), session->lease, to_us (session->start_in));
  g_autoptr (GError) error = NULL;

  if (action.what == PMSS_LEASE_DO_WAIT)
    tell_wait (lease, action.time, NULL);
  else if (action.what == PMSS_LEASE_DO_DECLINE)
    error = new_late_error (lease, session->start_in);
  act (lease, action, error);
}

/* The session that was held for us has ended: we ask for one of our own. */
static gboolean
drop_given (PmssLease * lease, const GError * error)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);

  if (!lease->given || details == NULL
      || (details->http_status != 403 && details->http_status != 409))
    return FALSE;
  lease->given = FALSE;
  g_clear_pointer (&lease->asked, g_free);
  lease->state.asking = FALSE;
  return lease->state.phase == PMSS_LEASE_OPENING;
}

static void
take_failure (PmssLease * lease, const GError * error)
{
  PmssLeaseAction action = drop_given (lease, error) ?
      pmss_lease_state_begin (&lease->state,
      get_now (lease)) : pmss_lease_state_not_opened (&lease->state,
      get_now (lease), error);

  if (action.what == PMSS_LEASE_DO_WAIT
      && (lease->state.granted || lease->state.refused > 0))
    tell_wait (lease, action.time, error);
  act (lease, action, error);
}

static void
take_opened (PmssLease * lease, PmssSession * session)
{
  PmssLeaseAction action = pmss_lease_state_opened (&lease->state,
      get_now (lease), session->lease);

  if (action.what == PMSS_LEASE_DO_GIVE_BACK) {
    pmss_session_free (session);
  } else {
    g_clear_pointer (&lease->asked, g_free);
    lease->session = g_strdup (session->id);
    lease->version = *pmss_layout_get_version (session->layout);
    lease->measured = session->measured;
    lease->funcs->opened (session, lease->state.rtt, lease->user_data);
  }
  act (lease, action, NULL);
}

static void
session_opened (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssLease *lease = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssSession) session =
      pmss_client_open_session_finish (PMSS_CLIENT (client), result, &error);

  if (session == NULL)
    take_failure (lease, error);
  else if (session->start_in > 0)
    take_deferred (lease, session);
  else
    take_opened (lease, g_steal_pointer (&session));
  pmss_lease_release (lease);
}

/* Asked again after a failure it is the same session. */
static void
ask (PmssLease * lease, GCancellable * cancellable,
    GAsyncReadyCallback callback)
{
  PmssSessionWish wish = {.medium = lease->medium,.ticket = lease->ticket,
    .bulk = lease->bulk
  };

  if (lease->asked == NULL)
    lease->asked = pmss_client_new_session_id ();
  wish.id = lease->asked;
  wish.max_wait = 1000 *
      pmss_lease_state_get_max_wait (&lease->state, get_now (lease));
  pmss_lease_hold (lease);
  pmss_client_ask_for_session_async (lease->client, &wish, cancellable,
      callback, lease);
}

/* --- Renewing --- */

static void
session_renewed (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssLease *lease = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssRenewal) renewal =
      pmss_client_renew_session_finish (PMSS_CLIENT (client), result, &error);

  pmss_patience_end (g_steal_pointer (&lease->renewal), &error);
  if (renewal != NULL) {
    act (lease, pmss_lease_state_renewed (&lease->state, get_now (lease),
            renewal->lease), NULL);
    lease->measured = renewal->measured;
    lease->funcs->renewed (renewal, lease->user_data);
  } else {
    act (lease, pmss_lease_state_not_renewed (&lease->state, get_now (lease),
            error, is_served (lease)), error);
  }
  pmss_lease_release (lease);
}

/* @measure: (nullable) */
static void
renew (PmssLease * lease, guint patience, JsonNode * measure)
{
  lease->renewal = pmss_patience_new (lease->loop, lease->cancellable,
      patience);
  pmss_lease_hold (lease);
  pmss_client_renew_session_async (lease->client, lease->session, measure,
      pmss_patience_get_cancellable (lease->renewal), session_renewed, lease);
}

/* The bytes that are cached and those still to come must be one version's. */
static gboolean
check_same_version (PmssLease * lease, PmssSession * session, GError ** error)
{
  if (pmss_version_id_equal (pmss_layout_get_version (session->layout),
          &lease->version))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "%s was replaced by another version while it was being read",
      lease->medium);
  return FALSE;
}

static PmssLeaseAction
take_reopened (PmssLease * lease, PmssSession * session)
{
  PmssLeaseAction action = pmss_lease_state_reopened (&lease->state,
      get_now (lease), session->lease);

  if (action.what == PMSS_LEASE_DO_GIVE_BACK)
    return action;
  g_clear_pointer (&lease->asked, g_free);
  g_free (lease->session);
  lease->session = g_strdup (session->id);
  lease->measured = session->measured;
  lease->funcs->reopened (session, lease->user_data);
  return action;
}

static void
session_reopened (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssLease *lease = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssSession) session =
      pmss_client_open_session_finish (PMSS_CLIENT (client), result, &error);
  PmssLeaseAction action;

  pmss_patience_end (g_steal_pointer (&lease->reopening), &error);
  if (session != NULL && session->start_in > 0) {
    action = pmss_lease_state_deferred (&lease->state, get_now (lease),
        session->lease, to_us (session->start_in));
  } else if (session != NULL && check_same_version (lease, session, &error)) {
    action = take_reopened (lease, session);
  } else {
    if (session != NULL) {
      give_back (lease, session->id);
      g_clear_pointer (&lease->asked, g_free);
    }
    action = pmss_lease_state_not_reopened (&lease->state, get_now (lease),
        error, is_served (lease));
  }
  act (lease, action, error);
  pmss_lease_release (lease);
}

static void
ask_again (PmssLease * lease, guint patience)
{
  lease->reopening = pmss_patience_new (lease->loop, lease->cancellable,
      patience);
  ask (lease, pmss_patience_get_cancellable (lease->reopening),
      session_reopened);
}

/* --- The end --- */

/* A session that is given back, and how long that is waited for. */
typedef struct
{
  PmssLease *lease;
  PmssPatience *patience;
} Goodbye;

static void
session_closed (GObject * client, GAsyncResult * result, gpointer user_data)
{
  Goodbye *goodbye = user_data;
  PmssLease *lease = goodbye->lease;
  g_autoptr (GError) error = NULL;

  if (!pmss_client_close_session_finish (PMSS_CLIENT (client), result, &error))
    g_debug ("session not given back, its lease will end: %s", error->message);
  pmss_patience_end (goodbye->patience, NULL);
  g_free (goodbye);
  pmss_lease_release (lease);
}

static void
give_back (PmssLease * lease, const char *session)
{
  Goodbye *goodbye = g_new0 (Goodbye, 1);

  goodbye->lease = lease;
  goodbye->patience = pmss_patience_new (lease->loop, NULL,
      pmss_lease_state_get_last_patience (&lease->state));
  pmss_lease_hold (lease);
  pmss_client_close_session_async (lease->client, session,
      pmss_patience_get_cancellable (goodbye->patience), session_closed,
      goodbye);
}

/* --- What is decided --- */

/* @error: (nullable): why */
static void
act (PmssLease * lease, PmssLeaseAction action, const GError * error)
{
  switch (action.what) {
    case PMSS_LEASE_DO_NOTHING:
      break;
    case PMSS_LEASE_DO_WAIT:
      if (error != NULL)
        g_debug ("control is asked again later: %s", error->message);
      pmss_alarm_set (lease->alarm, action.time);
      break;
    case PMSS_LEASE_DO_ASK:
      ask (lease, lease->cancellable, session_opened);
      break;
    case PMSS_LEASE_DO_RENEW:
      /* out of turn, in the middle of something: nothing is told */
      renew (lease, action.patience, NULL);
      break;
    case PMSS_LEASE_DO_ASK_AGAIN:
      ask_again (lease, action.patience);
      break;
    case PMSS_LEASE_DO_FAIL:
      lease->funcs->failed (error, lease->user_data);
      break;
    case PMSS_LEASE_DO_GIVE_BACK:
      give_back (lease, lease->asked);
      break;
    case PMSS_LEASE_DO_DECLINE:
      give_back (lease, lease->asked);
      /* that one has ended */
      g_clear_pointer (&lease->asked, g_free);
      lease->funcs->failed (error, lease->user_data);
      break;
    case PMSS_LEASE_DO_CANCEL:
      g_cancellable_cancel (lease->cancellable);
      break;
  }
}

static void
on_alarm (gpointer user_data)
{
  PmssLease *lease = user_data;
  PmssLeaseAction action = pmss_lease_state_due (&lease->state,
      get_now (lease));
  g_autoptr (JsonNode) measure = NULL;

  if (action.what != PMSS_LEASE_DO_RENEW) {
    act (lease, action, NULL);
    return;
  }
  if (lease->measured)
    measure = lease->funcs->measure (lease->user_data);
  renew (lease, action.patience, measure);
}

void
pmss_lease_open (PmssLease * lease)
{
  act (lease, pmss_lease_state_begin (&lease->state, get_now (lease)), NULL);
}

gboolean
pmss_lease_refuse (PmssLease * lease, gboolean elsewhere)
{
  PmssLeaseAction action = pmss_lease_state_refused (&lease->state,
      get_now (lease), elsewhere);

  if (action.what == PMSS_LEASE_DO_FAIL)
    return FALSE;
  act (lease, action, NULL);
  return TRUE;
}

void
pmss_lease_note_taken (PmssLease * lease)
{
  pmss_lease_state_taken (&lease->state);
}

void
pmss_lease_hurry (PmssLease * lease)
{
  if (lease->measured)
    act (lease, pmss_lease_state_hurry (&lease->state, get_now (lease)), NULL);
}

void
pmss_lease_end (PmssLease * lease)
{
  pmss_alarm_set (lease->alarm, PMSS_ALARM_NEVER);
  act (lease, pmss_lease_state_end (&lease->state, get_now (lease)), NULL);
  if (lease->session != NULL)
    give_back (lease, lease->session);
  if (pmss_lease_state_is_granted (&lease->state))
    give_back (lease, lease->asked);
}

/* --- For others who ask control --- */

PmssClient *
pmss_lease_get_client (PmssLease * lease)
{
  return lease->client;
}

const char *
pmss_lease_get_session (PmssLease * lease)
{
  return lease->session;
}

gboolean
pmss_lease_is_ended (PmssLease * lease)
{
  return lease->state.phase == PMSS_LEASE_ENDED;
}

GCancellable *
pmss_lease_get_cancellable (PmssLease * lease)
{
  return lease->cancellable;
}

void
pmss_lease_hold (PmssLease * lease)
{
  lease->funcs->hold (lease->user_data);
}

void
pmss_lease_release (PmssLease * lease)
{
  lease->funcs->release (lease->user_data);
}

/* --- Its life --- */

PmssLease *
pmss_lease_new (PmssLoop * loop, PmssClient * client,
    const PmssSessionWish * wish, const PmssLeaseSettings * settings,
    const PmssLeaseFuncs * funcs, gpointer user_data)
{
  PmssLease *lease = g_new0 (PmssLease, 1);

  lease->loop = loop;
  lease->client = client;
  lease->medium = g_strdup (wish->medium);
  lease->ticket = g_strdup (wish->ticket);
  lease->asked = g_strdup (wish->id);
  lease->given = wish->id != NULL;
  lease->bulk = wish->bulk;
  lease->funcs = funcs;
  lease->user_data = user_data;
  pmss_lease_state_init (&lease->state, settings);
  lease->alarm = pmss_alarm_new (loop, on_alarm, lease);
  lease->cancellable = g_cancellable_new ();
  return lease;
}

void
pmss_lease_stop (PmssLease * lease)
{
  pmss_alarm_stop (lease->alarm);
}

void
pmss_lease_free (PmssLease * lease)
{
  pmss_alarm_end (lease->alarm);
  g_object_unref (lease->cancellable);
  g_free (lease->session);
  g_free (lease->asked);
  g_free (lease->medium);
  g_free (lease->ticket);
  g_free (lease);
}
