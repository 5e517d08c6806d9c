/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When control is asked for the session, and when nobody asks any more. */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-lease-state.h"

#define MS G_TIME_SPAN_MILLISECOND
#define SECOND G_TIME_SPAN_SECOND
#define START (1000 * SECOND)
/* s */
#define LEASE 60

static const PmssLeaseSettings settings = {.retries = 3,.backoff_factor = 1.0,
  .backoff_max = 2.5
};

/* Each is made once: the tests only look at them. */
static struct
{
  GError *unreachable, *timed_out, *busy, *not_found, *forbidden, *cancelled;
} errors;

static void
assert_wait (PmssLeaseAction action, gint64 time)
{
  g_assert_cmpint (action.what, ==, PMSS_LEASE_DO_WAIT);
  g_assert_cmpint (action.time, ==, time);
}

#define assert_does(action, something) \
  g_assert_cmpint ((action).what, ==, PMSS_LEASE_DO_##something)

/* A session is open since START; control took @rtt for it. */
static PmssLeaseState
open_session (gint64 rtt)
{
  PmssLeaseState state;

  pmss_lease_state_init (&state, &settings);
  assert_does (pmss_lease_state_begin (&state, START - rtt), ASK);
  assert_wait (pmss_lease_state_opened (&state, START, LEASE),
      START + LEASE / 3 * SECOND);
  return state;
}

/* --- Opening --- */

/* Each pause is longer, up to the longest; then it has failed, and may be begun anew. */
static void
test_open_again (void)
{
  PmssLeaseState state;

  pmss_lease_state_init (&state, &settings);
  assert_does (pmss_lease_state_begin (&state, START), ASK);
  assert_wait (pmss_lease_state_not_opened (&state, START, errors.unreachable),
      START + SECOND);
  assert_does (pmss_lease_state_due (&state, START), ASK);
  /* nobody asks twice at a time */
  assert_does (pmss_lease_state_due (&state, START), NOTHING);
  assert_wait (pmss_lease_state_not_opened (&state, START, errors.timed_out),
      START + 2 * SECOND);
  assert_does (pmss_lease_state_due (&state, START), ASK);
  assert_wait (pmss_lease_state_not_opened (&state, START, errors.unreachable),
      START + 2500 * MS);
  assert_does (pmss_lease_state_due (&state, START), ASK);
  assert_does (pmss_lease_state_not_opened (&state, START, errors.unreachable),
      FAIL);
  assert_does (pmss_lease_state_due (&state, START), NOTHING);
  assert_does (pmss_lease_state_begin (&state, START), ASK);
  assert_wait (pmss_lease_state_not_opened (&state, START, errors.unreachable),
      START + SECOND);
}

/* What control says will not change; and a server that is not there is not hammered. */
static void
test_open_failed (void)
{
  const PmssLeaseSettings hasty = {.retries = -1 };
  PmssLeaseState state;

  pmss_lease_state_init (&state, &settings);
  pmss_lease_state_begin (&state, START);
  assert_does (pmss_lease_state_not_opened (&state, START, errors.busy), FAIL);
  pmss_lease_state_init (&state, &hasty);
  pmss_lease_state_begin (&state, START);
  for (guint i = 0; i < 100; i++) {
    assert_wait (pmss_lease_state_not_opened (&state, START,
            errors.unreachable), START + 200 * MS);
    assert_does (pmss_lease_state_due (&state, START), ASK);
  }
}

/* --- Renewing --- */

/* A node was bad: control hears of it earlier, and not more often than each 10 s. */
static void
test_hurry (void)
{
  PmssLeaseState state = open_session (100 * MS);

  assert_wait (pmss_lease_state_hurry (&state, START + SECOND),
      START + 10 * SECOND);
  /* it is due then already */
  assert_does (pmss_lease_state_hurry (&state, START + 2 * SECOND), NOTHING);
  assert_does (pmss_lease_state_due (&state, START + 10 * SECOND), RENEW);
  assert_does (pmss_lease_state_hurry (&state, START + 10 * SECOND), NOTHING);
  assert_wait (pmss_lease_state_renewed (&state, START + 10 * SECOND, LEASE),
      START + 30 * SECOND);
  /* some evidence first */
  assert_wait (pmss_lease_state_hurry (&state, START + 25 * SECOND),
      START + 27 * SECOND);
  assert_does (pmss_lease_state_due (&state, START + 27 * SECOND), RENEW);
  assert_wait (pmss_lease_state_renewed (&state, START + 27 * SECOND, LEASE),
      START + 47 * SECOND);
  assert_does (pmss_lease_state_hurry (&state, START + 46 * SECOND), NOTHING);
}

/* A control server that is silent is asked no more often; a short lease is renewed in time. */
static void
test_hurry_in_vain (void)
{
  PmssLeaseState state = open_session (100 * MS);

  assert_does (pmss_lease_state_due (&state, START + 20 * SECOND), RENEW);
  assert_wait (pmss_lease_state_not_renewed (&state, START + 21 * SECOND,
          errors.timed_out, TRUE), START + 26 * SECOND);
  assert_does (pmss_lease_state_hurry (&state, START + 22 * SECOND), NOTHING);
  pmss_lease_state_due (&state, START + 26 * SECOND);
  assert_wait (pmss_lease_state_renewed (&state, START + 27 * SECOND, 3),
      START + 28 * SECOND);
  assert_does (pmss_lease_state_hurry (&state, START + 27 * SECOND), NOTHING);
  pmss_lease_state_end (&state, START + 27 * SECOND);
  assert_does (pmss_lease_state_hurry (&state, START + 60 * SECOND), NOTHING);
}

/* At a third of the lease that control said last. */
static void
test_renewed (void)
{
  PmssLeaseState state = open_session (0);
  PmssLeaseAction action = pmss_lease_state_due (&state, START);

  assert_does (action, RENEW);
  g_assert_cmpuint (action.patience, ==, LEASE * 1000 / 10);
  assert_does (pmss_lease_state_due (&state, START), NOTHING);
  assert_wait (pmss_lease_state_renewed (&state, START + SECOND, 3),
      START + 2 * SECOND);
  g_assert_cmpint (state.rtt, ==, SECOND);
  action = pmss_lease_state_due (&state, START);
  g_assert_cmpuint (action.patience, ==, 500);
  assert_wait (pmss_lease_state_renewed (&state, START, 0), START + 250 * MS);
}

static gint64
lose (PmssLeaseState * state, const GError * error)
{
  PmssLeaseAction action;

  assert_does (pmss_lease_state_due (state, START), RENEW);
  action = pmss_lease_state_not_renewed (state, START, error, TRUE);
  assert_does (action, WAIT);
  return action.time - START;
}

/* A lost one is repeated eight times within the lease, and calmly when that is over; one that is
 * answered begins anew. Nobody needs control as long as nodes take the token. */
static void
test_lost (void)
{
  PmssLeaseState state = open_session (0);

  for (guint i = 0; i < 8; i++)
    g_assert_cmpint (lose (&state, i % 2 == 0 ? errors.unreachable :
            errors.timed_out), ==, LEASE / 12 * SECOND);
  g_assert_cmpint (lose (&state, errors.unreachable), ==, LEASE / 3 * SECOND);
  assert_does (pmss_lease_state_due (&state, START), RENEW);
  pmss_lease_state_renewed (&state, START, LEASE);
  g_assert_cmpint (lose (&state, errors.unreachable), ==, LEASE / 12 * SECOND);
}

/* Control says when it has time again; but the lease must not run out meanwhile. */
static void
test_busy (void)
{
  PmssLeaseState state = open_session (0);

  pmss_error_get_details (errors.busy)->retry_after = 7;
  g_assert_cmpint (lose (&state, errors.busy), ==, 7 * SECOND);
  pmss_error_get_details (errors.busy)->retry_after = 1;
  g_assert_cmpint (lose (&state, errors.busy), ==, LEASE / 12 * SECOND);
  pmss_error_get_details (errors.busy)->retry_after = 3600;
  g_assert_cmpint (lose (&state, errors.busy), ==, LEASE / 3 * SECOND);
}

/* Somebody has ended the session: whatever nodes still take, nobody goes on. */
static void
test_forbidden (void)
{
  PmssLeaseState state = open_session (0);

  assert_does (pmss_lease_state_due (&state, START), RENEW);
  assert_does (pmss_lease_state_not_renewed (&state, START, errors.forbidden,
          TRUE), FAIL);
}

/* Control has forgotten the session: another one takes its place, later if need be. */
static void
test_forgotten (void)
{
  PmssLeaseState state = open_session (0);
  PmssLeaseAction action;

  assert_does (pmss_lease_state_due (&state, START), RENEW);
  action = pmss_lease_state_not_renewed (&state, START, errors.not_found, TRUE);
  assert_does (action, ASK_AGAIN);
  g_assert_cmpuint (action.patience, ==, 10000);
  assert_wait (pmss_lease_state_not_reopened (&state, START, errors.timed_out,
          TRUE), START + LEASE / 12 * SECOND);
  assert_does (pmss_lease_state_due (&state, START), RENEW);
  assert_does (pmss_lease_state_not_renewed (&state, START, errors.not_found,
          TRUE), ASK_AGAIN);
  assert_wait (pmss_lease_state_reopened (&state, START, 30),
      START + 10 * SECOND);
  g_assert_cmpuint (state.lost, ==, 0);
}

/* --- Tokens that nodes refuse --- */

/* A new one at once, and again soon where control does not answer. Nodes that take the old one
 * serve on; where none does, what control says counts. */
static void
test_refused (void)
{
  PmssLeaseState state = open_session (0);

  assert_does (pmss_lease_state_refused (&state, START, FALSE), RENEW);
  assert_does (pmss_lease_state_refused (&state, START, FALSE), NOTHING);
  assert_wait (pmss_lease_state_not_renewed (&state, START, errors.unreachable,
          FALSE), START + 500 * MS);
  assert_does (pmss_lease_state_due (&state, START), RENEW);
  assert_does (pmss_lease_state_not_renewed (&state, START, errors.not_found,
          TRUE), ASK_AGAIN);
  assert_wait (pmss_lease_state_not_reopened (&state, START, errors.not_found,
          TRUE), START + 500 * MS);
  assert_does (pmss_lease_state_due (&state, START), RENEW);
  pmss_lease_state_not_renewed (&state, START, errors.not_found, FALSE);
  assert_does (pmss_lease_state_not_reopened (&state, START, errors.not_found,
          FALSE), FAIL);
}

/* Refuses @n new tokens, one after the other. */
static void
refuse (PmssLeaseState * state, guint n, gboolean elsewhere)
{
  for (guint i = 0; i < n; i++) {
    assert_does (pmss_lease_state_refused (state, START, elsewhere), RENEW);
    assert_wait (pmss_lease_state_renewed (state, START, LEASE),
        START + LEASE / 3 * SECOND);
  }
}

/* Something is wrong with the cluster, but not where others take the token, nor where one was
 * taken in between. */
static void
test_refused_often (void)
{
  PmssLeaseState state = open_session (0);

  refuse (&state, 3, FALSE);
  assert_does (pmss_lease_state_refused (&state, START, FALSE), FAIL);
  refuse (&state, 10, TRUE);
  pmss_lease_state_taken (&state);
  refuse (&state, 3, FALSE);
}

/* --- The end --- */

static void
test_end (void)
{
  PmssLeaseState state = open_session (0);

  assert_does (pmss_lease_state_due (&state, START), RENEW);
  assert_does (pmss_lease_state_end (&state, START), CANCEL);
  assert_does (pmss_lease_state_not_renewed (&state, START, errors.cancelled,
          TRUE), NOTHING);
  assert_does (pmss_lease_state_renewed (&state, START, LEASE), NOTHING);
  assert_does (pmss_lease_state_refused (&state, START, FALSE), NOTHING);
}

/* A session that is being opened is heard of and given back, if that comes soon. */
static void
test_end_while_opening (void)
{
  const GError *unheard[] = { errors.cancelled, errors.timed_out };
  PmssLeaseState state;

  for (guint i = 0; i <= G_N_ELEMENTS (unheard); i++) {
    pmss_lease_state_init (&state, &settings);
    pmss_lease_state_begin (&state, START);
    assert_wait (pmss_lease_state_end (&state, START), START + 300 * MS);
    assert_does (pmss_lease_state_due (&state, START), CANCEL);
    if (i < G_N_ELEMENTS (unheard))
      assert_does (pmss_lease_state_not_opened (&state, START, unheard[i]),
          GIVE_BACK);
    else
      assert_does (pmss_lease_state_opened (&state, START, LEASE), GIVE_BACK);
  }
  pmss_lease_state_init (&state, &settings);
  pmss_lease_state_begin (&state, START);
  pmss_lease_state_end (&state, START);
  assert_does (pmss_lease_state_not_opened (&state, START, errors.unreachable),
      NOTHING);
}

static void
test_end_while_reopening (void)
{
  PmssLeaseState state = open_session (0);

  pmss_lease_state_due (&state, START);
  pmss_lease_state_not_renewed (&state, START, errors.not_found, TRUE);
  assert_wait (pmss_lease_state_end (&state, START), START + 300 * MS);
  assert_does (pmss_lease_state_reopened (&state, START, LEASE), GIVE_BACK);
}

/* As far as control is away, within bounds. */
static void
test_last_patience (void)
{
  const struct
  {
    gint64 rtt;
    guint patience;
  } cases[] = { {0, 300}, {50 * MS, 300}, {200 * MS, 800}, {SECOND, 2000} };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    PmssLeaseState state = open_session (cases[i].rtt);

    g_assert_cmpuint (pmss_lease_state_get_last_patience (&state), ==,
        cases[i].patience);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  errors.unreachable = g_error_new (PMSS_ERROR, PMSS_ERROR_UNREACHABLE, "gone");
  errors.timed_out = g_error_new (PMSS_ERROR, PMSS_ERROR_TIMED_OUT, "silent");
  errors.busy = g_error_new (PMSS_ERROR, PMSS_ERROR_BUSY, "busy");
  errors.not_found = g_error_new (PMSS_ERROR, PMSS_ERROR_NOT_FOUND, "what?");
  errors.forbidden = g_error_new (PMSS_ERROR, PMSS_ERROR_FORBIDDEN, "no");
  errors.cancelled = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "off");
  g_test_add_func ("/lease-state/open-again", test_open_again);
  g_test_add_func ("/lease-state/open-failed", test_open_failed);
  g_test_add_func ("/lease-state/hurry", test_hurry);
  g_test_add_func ("/lease-state/hurry-in-vain", test_hurry_in_vain);
  g_test_add_func ("/lease-state/renewed", test_renewed);
  g_test_add_func ("/lease-state/lost", test_lost);
  g_test_add_func ("/lease-state/busy", test_busy);
  g_test_add_func ("/lease-state/forbidden", test_forbidden);
  g_test_add_func ("/lease-state/forgotten", test_forgotten);
  g_test_add_func ("/lease-state/refused", test_refused);
  g_test_add_func ("/lease-state/refused-often", test_refused_often);
  g_test_add_func ("/lease-state/end", test_end);
  g_test_add_func ("/lease-state/end-while-opening", test_end_while_opening);
  g_test_add_func ("/lease-state/end-while-reopening",
      test_end_while_reopening);
  g_test_add_func ("/lease-state/last-patience", test_last_patience);
  return g_test_run ();
}
