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
/* A start that control keeps is asked about no more often. */
#define MIN_START (10 * MS)
/* Until a control server is asked again that refuses and does not say when, or
 * is silent while a start is waited for. */
#define REFUSAL_PAUSE (2 * G_TIME_SPAN_SECOND)
/* A refused one comes later than told by a part of that time, within these. */
#define SPREAD_PART 4
#define MIN_SPREAD (500 * MS)
#define MAX_SPREAD (5 * G_TIME_SPAN_SECOND)
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
  state->tries = state->refused = 0;
  state->granted = FALSE;
  state->start = 0;
  state->limit = now + state->settings.max_wait;
  return ask (state, now, PMSS_LEASE_DO_ASK);
}

/* A session is here, and a token. */
static PmssLeaseAction
begin_lease (PmssLeaseState * state, gint64 now, guint lease)
{
  state->lease = lease;
  state->lost = 0;
  state->urgent = FALSE;
  state->granted = FALSE;
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
give_back_asked (const PmssLeaseState * state, const GError * error)
{
  return act (state->granted || is_cancelled (error)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT) ?
      PMSS_LEASE_DO_GIVE_BACK : PMSS_LEASE_DO_NOTHING);
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

static PmssLeaseAction
fail_opening (PmssLeaseState * state)
{
  gboolean granted = state->granted;

  state->phase = PMSS_LEASE_CLOSED;
  state->granted = FALSE;
  return act (granted ? PMSS_LEASE_DO_DECLINE : PMSS_LEASE_DO_FAIL);
}

/* Until when a start is waited for that control has granted, or may. */
static gint64
get_limit (const PmssLeaseState * state)
{
  return state->limit + (state->granted ? PMSS_LEASE_GRACE : 0);
}

/* A number below @n, another one for each state and refusal: a step of
 * Knuth's multiplicative hash. */
static gint64
choose (const PmssLeaseState * state, gint64 n)
{
  guint32 mixed = (state->settings.seed ^ state->refused) * 2654435761u;

  return (gint64) (mixed >> 16) * n >> 16;
}

/* Control is asked again when it said, if that is in time. Where it did not say,
 * once more at the limit. */
static PmssLeaseAction
wait_or_give_up (PmssLeaseState * state, gint64 now, const GError * error)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);
  gint64 told = details->retry_after * G_TIME_SPAN_SECOND;
  gint64 pause = told > 0 ? told : REFUSAL_PAUSE;
  gint64 spread = CLAMP (pause / SPREAD_PART, MIN_SPREAD, MAX_SPREAD);
  gint64 limit = state->limit;

  /* what it may have kept it keeps no more */
  state->granted = FALSE;
  if (now >= limit || told > limit - now)
    return fail_opening (state);
  state->refused++;
  state->start = details->start_in >= 0 ? now + details->start_in / 1000 : 0;
  pause += choose (state, spread);
  return wait_until (state, MIN (now + pause, limit));
}

/* Control is away while a start is waited for: as long as that is, not only for
 * some tries. */
static PmssLeaseAction
wait_for_return (PmssLeaseState * state, gint64 now)
{
  gint64 limit = get_limit (state);

  if (now >= limit)
    return fail_opening (state);
  return wait_until (state, MIN (now + REFUSAL_PAUSE, limit));
}

PmssLeaseAction
pmss_lease_state_not_opened (PmssLeaseState * state, gint64 now,
    const GError * error)
{
  state->asking = FALSE;
  if (state->phase == PMSS_LEASE_ENDED)
    return give_back_asked (state, error);
  if (is_cancelled (error))
    return act (PMSS_LEASE_DO_NOTHING);
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY))
    return wait_or_give_up (state, now, error);
  if (is_silent (error) && (state->granted || state->refused > 0))
    return wait_for_return (state, now);
  if (!is_silent (error) || (state->settings.retries >= 0
          && state->tries >= (guint) state->settings.retries))
    return fail_opening (state);
  state->tries++;
  return wait_until (state, now + get_open_pause (state));
}

gint64
pmss_lease_state_get_max_wait (const PmssLeaseState * state, gint64 now)
{
  return MAX (state->limit - now, 0);
}

gboolean
pmss_lease_state_is_granted (const PmssLeaseState * state)
{
  return state->granted && !state->asking;
}

/* What was told when it was asked counts from there: the answer took its time. */
PmssLeaseAction
pmss_lease_state_deferred (PmssLeaseState * state, gint64 now, guint lease,
    gint64 start_in)
{
  gboolean in_time = start_in <= get_limit (state) - state->asked;
  gint64 pause = MIN (start_in, lease * G_TIME_SPAN_SECOND / 3);

  state->asking = FALSE;
  state->granted = TRUE;
  if (state->phase == PMSS_LEASE_ENDED)
    return act (PMSS_LEASE_DO_GIVE_BACK);
  state->rtt = now - state->asked;
  state->start = now + start_in;
  if (state->phase == PMSS_LEASE_OPENING && !in_time)
    return fail_opening (state);
  return wait_until (state, now + MAX (pause, MIN_START));
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
    return give_back_asked (state, error);
  if (!is_silent (error) && !is_cancelled (error))
    state->granted = FALSE;
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
