/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decides about the session with control. Pure. */
#include "libpmss/reader/pmss-lease-state.h"

#include "libpmss/pmss-error.h"

#define MS G_TIME_SPAN_MILLISECOND
#define FIRST_RETRY (200 * MS)
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
/* What a node does is looked at for this time before control is told. */
#define EVIDENCE (2000 * MS)
/* Tokens in a row, freshly made, that nodes refuse: something is wrong with
 * the cluster (a clock, a key), not with the token's age. */
#define MAX_REFUSALS 3

static PmssLeaseAction
act (PmssLeaseDo what)
{
  return (PmssLeaseAction) {
  .what = what};
}

static PmssLeaseAction
wait_until (const PmssLeaseState * state, gint64 time)
{
  if (state->phase == PMSS_LEASE_ENDED)
    return act (PMSS_LEASE_DO_NOTHING);
  return (PmssLeaseAction) {
  .what = PMSS_LEASE_DO_WAIT,.time = time};
}

static gboolean
is_cancelled (const GError * error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static gboolean
is_silent (const GError * error)
{
  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
}

static gboolean
may_pass (const GError * error)
{
  return is_silent (error)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY);
}

/* Somebody has ended the session, or taken the right away: no use in asking
 * again. */
static gboolean
is_final (const GError * error)
{
  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_FORBIDDEN);
}

void
pmss_lease_state_init (PmssLeaseState * state,
    const PmssLeaseSettings * settings)
{
  *state = (PmssLeaseState) {
  .settings = *settings};
}

guint
pmss_lease_state_get_last_patience (const PmssLeaseState * state)
{
  return CLAMP (GOODBYE_RTTS * state->rtt / MS, MIN_GOODBYE, MAX_GOODBYE);
}

/* --- Opening --- */

static PmssLeaseAction
ask (PmssLeaseState * state, gint64 now, PmssLeaseDo what)
{
  if (state->asking)
    return act (PMSS_LEASE_DO_NOTHING);
  state->asking = TRUE;
  state->asked = now;
  return (PmssLeaseAction) {
  .what = what,.patience = MAX_PATIENCE};
}

PmssLeaseAction
pmss_lease_state_begin (PmssLeaseState * state, gint64 now)
{
  state->phase = PMSS_LEASE_OPENING;
  state->tries = 0;
  return ask (state, now, PMSS_LEASE_DO_ASK);
}

/* A session is here, and a token. */
static PmssLeaseAction
begin_lease (PmssLeaseState * state, gint64 now, guint lease)
{
  state->lease = lease;
  state->lost = 0;
  state->urgent = FALSE;
  state->renewed = now;
  state->due = now + MAX (lease * 1000 / 3, MIN_PAUSE) * MS;
  return wait_until (state, state->due);
}

PmssLeaseAction
pmss_lease_state_opened (PmssLeaseState * state, gint64 now, guint lease)
{
  state->asking = FALSE;
  if (state->phase == PMSS_LEASE_ENDED)
    return act (PMSS_LEASE_DO_GIVE_BACK);
  state->phase = PMSS_LEASE_OPEN;
  state->rtt = now - state->asked;
  return begin_lease (state, now, lease);
}

/* Ended meanwhile: control may have opened what nobody has heard of. */
static PmssLeaseAction
give_back_asked (const GError * error)
{
  return act (is_cancelled (error) || g_error_matches (error, PMSS_ERROR,
          PMSS_ERROR_TIMED_OUT) ? PMSS_LEASE_DO_GIVE_BACK :
      PMSS_LEASE_DO_NOTHING);
}

static gint64
get_open_pause (const PmssLeaseState * state)
{
  double pause = state->settings.backoff_factor * G_TIME_SPAN_SECOND *
      state->tries;

  pause = MIN (pause, state->settings.backoff_max * G_TIME_SPAN_SECOND);
  /* whatever the settings say: a server that is not there is not hammered */
  return MAX (pause, FIRST_RETRY);
}

PmssLeaseAction
pmss_lease_state_not_opened (PmssLeaseState * state, gint64 now,
    const GError * error)
{
  state->asking = FALSE;
  if (state->phase == PMSS_LEASE_ENDED)
    return give_back_asked (error);
  if (is_cancelled (error))
    return act (PMSS_LEASE_DO_NOTHING);
  if (!is_silent (error) || (state->settings.retries >= 0
          && state->tries >= (guint) state->settings.retries)) {
    state->phase = PMSS_LEASE_CLOSED;
    return act (PMSS_LEASE_DO_FAIL);
  }
  state->tries++;
  return wait_until (state, now + get_open_pause (state));
}

/* --- Renewing --- */

/* One that is under way brings as new a token. */
static PmssLeaseAction
renew (PmssLeaseState * state, gint64 now)
{
  if (state->renewing)
    return act (PMSS_LEASE_DO_NOTHING);
  state->renewing = TRUE;
  state->renewal_began = now;
  return (PmssLeaseAction) {
  .what = PMSS_LEASE_DO_RENEW,.patience =
        CLAMP (state->lease * 1000 / 10, MIN_PATIENCE, MAX_PATIENCE)};
}

/* us until control is asked again, which gave no answer or @error. */
static gint64
get_pause (const PmssLeaseState * state, const GError * error)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);
  guint pause = state->urgent ? REFRESH_RETRY
      : state->lost > URGENT_RETRIES ? state->lease * 1000 / 3
      : state->lease * 1000 / RETRIES_IN_LEASE;

  if (details != NULL)
    pause = MAX (pause, MIN (details->retry_after, state->lease / 3) * 1000);
  return MAX (pause, MIN_PAUSE) * MS;
}

static PmssLeaseAction
try_later_or_fail (PmssLeaseState * state, gint64 now, const GError * error,
    gboolean served)
{
  if (is_cancelled (error))
    return act (PMSS_LEASE_DO_NOTHING);
  if (is_final (error) || (state->urgent && !may_pass (error) && !served))
    return act (PMSS_LEASE_DO_FAIL);
  state->lost++;
  return wait_until (state, now + get_pause (state, error));
}

PmssLeaseAction
pmss_lease_state_renewed (PmssLeaseState * state, gint64 now, guint lease)
{
  state->renewing = FALSE;
  state->rtt = now - state->renewal_began;
  return begin_lease (state, now, lease);
}

/* Control does not know the session any more: it has ended while nothing was
 * read for long, or control was set up anew. */
PmssLeaseAction
pmss_lease_state_not_renewed (PmssLeaseState * state, gint64 now,
    const GError * error, gboolean served)
{
  state->renewing = FALSE;
  if (state->phase == PMSS_LEASE_ENDED)
    return act (PMSS_LEASE_DO_NOTHING);
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
    return ask (state, now, PMSS_LEASE_DO_ASK_AGAIN);
  return try_later_or_fail (state, now, error, served);
}

PmssLeaseAction
pmss_lease_state_reopened (PmssLeaseState * state, gint64 now, guint lease)
{
  state->asking = FALSE;
  if (state->phase == PMSS_LEASE_ENDED)
    return act (PMSS_LEASE_DO_GIVE_BACK);
  return begin_lease (state, now, lease);
}

PmssLeaseAction
pmss_lease_state_not_reopened (PmssLeaseState * state, gint64 now,
    const GError * error, gboolean served)
{
  state->asking = FALSE;
  if (state->phase == PMSS_LEASE_ENDED)
    return give_back_asked (error);
  return try_later_or_fail (state, now, error, served);
}

PmssLeaseAction
pmss_lease_state_refused (PmssLeaseState * state, gint64 now,
    gboolean elsewhere)
{
  if (state->urgent || state->phase != PMSS_LEASE_OPEN)
    return act (PMSS_LEASE_DO_NOTHING);
  state->refusals++;
  if (!elsewhere && state->refusals > MAX_REFUSALS)
    return act (PMSS_LEASE_DO_FAIL);
  state->urgent = TRUE;
  return renew (state, now);
}

void
pmss_lease_state_taken (PmssLeaseState * state)
{
  state->refusals = 0;
}

PmssLeaseAction
pmss_lease_state_hurry (PmssLeaseState * state, gint64 now)
{
  gint64 time = MAX (now + EVIDENCE, state->renewed + PMSS_LEASE_LEAST_PAUSE);

  if (state->phase != PMSS_LEASE_OPEN || state->renewing || state->asking
      || state->lost > 0 || time >= state->due)
    return act (PMSS_LEASE_DO_NOTHING);
  state->due = time;
  return wait_until (state, time);
}

/* --- Time, and the end --- */

PmssLeaseAction
pmss_lease_state_due (PmssLeaseState * state, gint64 now)
{
  switch (state->phase) {
    case PMSS_LEASE_OPENING:
      return ask (state, now, PMSS_LEASE_DO_ASK);
    case PMSS_LEASE_OPEN:
      return renew (state, now);
    case PMSS_LEASE_ENDED:
      return act (PMSS_LEASE_DO_CANCEL);
    default:
      return act (PMSS_LEASE_DO_NOTHING);
  }
}

/* A session that is being opened would stay at control until its lease ends:
 * better to hear of it and give it back. */
PmssLeaseAction
pmss_lease_state_end (PmssLeaseState * state, gint64 now)
{
  state->phase = PMSS_LEASE_ENDED;
  if (!state->asking)
    return act (PMSS_LEASE_DO_CANCEL);
  return (PmssLeaseAction) {
  .what = PMSS_LEASE_DO_WAIT,.time =
        now + pmss_lease_state_get_last_patience (state) * MS};
}
