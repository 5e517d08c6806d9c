/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the opening of a session waits for a start. */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-lease-state.h"

#define MS G_TIME_SPAN_MILLISECOND
#define SECOND G_TIME_SPAN_SECOND
#define NS_PER_SECOND G_GINT64_CONSTANT (1000000000)
#define START (1000 * SECOND)
#define MAX_WAIT (60 * SECOND)
/* s */
#define LEASE 30

static const PmssLeaseSettings settings = {.retries = 3,.max_wait = MAX_WAIT,
  .seed = 1
};

#define assert_does(action, something) \
  g_assert_cmpint ((action).what, ==, PMSS_LEASE_DO_##something)

static void
assert_waits (PmssLeaseAction action, gint64 from, gint64 to)
{
  assert_does (action, WAIT);
  g_assert_cmpint (action.time, >=, from);
  g_assert_cmpint (action.time, <=, to);
}

static GError *
new_refusal (guint retry_after, gint64 start_in)
{
  GError *error = g_error_new (PMSS_ERROR, PMSS_ERROR_BUSY, "busy");

  pmss_error_get_details (error)->retry_after = retry_after;
  pmss_error_get_details (error)->start_in = start_in;
  return error;
}

static PmssLeaseAction
refuse (PmssLeaseState * state, gint64 now, guint retry_after)
{
  g_autoptr (GError) error = new_refusal (retry_after, -1);

  return pmss_lease_state_not_opened (state, now, error);
}

static PmssLeaseAction
be_silent (PmssLeaseState * state, gint64 now)
{
  g_autoptr (GError) error = g_error_new (PMSS_ERROR, PMSS_ERROR_UNREACHABLE,
      "gone");

  return pmss_lease_state_not_opened (state, now, error);
}

static PmssLeaseState
begin (const PmssLeaseSettings * with)
{
  PmssLeaseState state;

  pmss_lease_state_init (&state, with);
  assert_does (pmss_lease_state_begin (&state, START), ASK);
  return state;
}

/* --- A start that control keeps --- */

/* Asked at each third of the lease, and at the start. */
static void
test_granted (void)
{
  PmssLeaseState state = begin (&settings);

  g_assert_cmpint (pmss_lease_state_get_max_wait (&state, START), ==, MAX_WAIT);
  assert_waits (pmss_lease_state_deferred (&state, START, LEASE, 25 * SECOND),
      START + 10 * SECOND, START + 10 * SECOND);
  g_assert_true (pmss_lease_state_is_granted (&state));
  g_assert_cmpint (state.start, ==, START + 25 * SECOND);
  assert_does (pmss_lease_state_due (&state, START + 10 * SECOND), ASK);
  g_assert_false (pmss_lease_state_is_granted (&state));
  g_assert_cmpint (pmss_lease_state_get_max_wait (&state, START + 10 * SECOND),
      ==, MAX_WAIT - 10 * SECOND);
  assert_waits (pmss_lease_state_deferred (&state, START + 10 * SECOND, LEASE,
          SECOND), START + 11 * SECOND, START + 11 * SECOND);
  assert_does (pmss_lease_state_due (&state, START + 11 * SECOND), ASK);
  /* control's clock is a little behind */
  assert_waits (pmss_lease_state_deferred (&state, START + 11 * SECOND, LEASE,
          1), START + 11 * SECOND + 10 * MS, START + 11 * SECOND + 10 * MS);
  assert_does (pmss_lease_state_due (&state, START + 12 * SECOND), ASK);
  assert_waits (pmss_lease_state_opened (&state, START + 12 * SECOND, LEASE),
      START + 22 * SECOND, START + 22 * SECOND);
  g_assert_false (pmss_lease_state_is_granted (&state));
}

/* One that comes too late is given back; so is any where nobody waits. */
static void
test_granted_late (void)
{
  const PmssLeaseSettings hasty = {.retries = 3 };
  PmssLeaseState state = begin (&settings);

  assert_does (pmss_lease_state_deferred (&state, START, LEASE,
          MAX_WAIT + 1), DECLINE);
  g_assert_false (pmss_lease_state_is_granted (&state));
  assert_does (pmss_lease_state_due (&state, START + SECOND), NOTHING);
  /* the answer took its time: what counts is when it was asked */
  state = begin (&settings);
  assert_waits (pmss_lease_state_deferred (&state, START + SECOND, LEASE,
          MAX_WAIT), START + 11 * SECOND, START + 11 * SECOND);
  state = begin (&hasty);
  assert_does (pmss_lease_state_deferred (&state, START, LEASE, 1), DECLINE);
}

/* A control server that grants the same start for ever. */
static void
test_granted_for_ever (void)
{
  PmssLeaseState state = begin (&settings);
  gint64 now = START;
  PmssLeaseAction action;
  guint n = 0;

  do {
    action = pmss_lease_state_deferred (&state, now, LEASE, 5 * SECOND);
    if (action.what == PMSS_LEASE_DO_WAIT) {
      now = action.time;
      assert_does (pmss_lease_state_due (&state, now), ASK);
    }
    g_assert_cmpuint (++n, <, 100);
  } while (action.what == PMSS_LEASE_DO_WAIT);
  assert_does (action, DECLINE);
  g_assert_cmpint (now, <=, START + MAX_WAIT + PMSS_LEASE_GRACE);
}

/* A control server that starts anew has to be waited for longer than some tries take. */
static void
test_granted_and_away (void)
{
  PmssLeaseState state = begin (&settings);
  gint64 now = START + 10 * SECOND;

  pmss_lease_state_deferred (&state, START, LEASE, MAX_WAIT);
  assert_does (pmss_lease_state_due (&state, now), ASK);
  for (guint i = 0; i < 20; i++) {
    assert_waits (be_silent (&state, now), now + 2 * SECOND, now + 2 * SECOND);
    now += 2 * SECOND;
    assert_does (pmss_lease_state_due (&state, now), ASK);
  }
  assert_waits (pmss_lease_state_deferred (&state, now, LEASE, SECOND),
      now + SECOND, now + SECOND);
  now = START + MAX_WAIT + PMSS_LEASE_GRACE;
  assert_does (pmss_lease_state_due (&state, now), ASK);
  assert_does (be_silent (&state, now), DECLINE);
}

/* What control keeps is given back at the end, also while it is being asked. */
static void
test_granted_end (void)
{
  PmssLeaseState state = begin (&settings);

  pmss_lease_state_deferred (&state, START, LEASE, SECOND);
  assert_does (pmss_lease_state_end (&state, START), CANCEL);
  g_assert_true (pmss_lease_state_is_granted (&state));

  state = begin (&settings);
  pmss_lease_state_deferred (&state, START, LEASE, SECOND);
  assert_does (pmss_lease_state_due (&state, START + SECOND), ASK);
  assert_does (pmss_lease_state_end (&state, START + SECOND), WAIT);
  g_assert_false (pmss_lease_state_is_granted (&state));
  assert_does (be_silent (&state, START + SECOND), GIVE_BACK);

  state = begin (&settings);
  pmss_lease_state_end (&state, START);
  assert_does (pmss_lease_state_deferred (&state, START, LEASE, SECOND),
      GIVE_BACK);
}

/* Control has forgotten the session of a reader that plays: a start that it keeps is asked about
 * again, and playing goes on meanwhile. */
static void
test_granted_again (void)
{
  PmssLeaseState state = begin (&settings);
  g_autoptr (GError) forgotten = g_error_new (PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "what?");

  pmss_lease_state_opened (&state, START, LEASE);
  assert_does (pmss_lease_state_due (&state, START + 10 * SECOND), RENEW);
  assert_does (pmss_lease_state_not_renewed (&state, START + 10 * SECOND,
          forgotten, TRUE), ASK_AGAIN);
  assert_waits (pmss_lease_state_deferred (&state, START + 10 * SECOND, LEASE,
          600 * SECOND), START + 20 * SECOND, START + 20 * SECOND);
  g_assert_true (pmss_lease_state_is_granted (&state));
  assert_does (pmss_lease_state_due (&state, START + 20 * SECOND), RENEW);
  assert_does (pmss_lease_state_not_renewed (&state, START + 20 * SECOND,
          forgotten, TRUE), ASK_AGAIN);
  assert_waits (pmss_lease_state_reopened (&state, START + 20 * SECOND, LEASE),
      START + 30 * SECOND, START + 30 * SECOND);
  g_assert_false (pmss_lease_state_is_granted (&state));
}

/* --- Refusals --- */

/* Asked again when it was told, or a little later. */
static void
test_refused (void)
{
  PmssLeaseState state = begin (&settings);
  g_autoptr (GError) error = new_refusal (20, 30 * NS_PER_SECOND);
  PmssLeaseAction action = pmss_lease_state_not_opened (&state, START, error);

  assert_waits (action, START + 20 * SECOND, START + 25 * SECOND);
  g_assert_cmpint (state.start, ==, START + 30 * SECOND);
  assert_does (pmss_lease_state_due (&state, action.time), ASK);
  assert_waits (pmss_lease_state_opened (&state, action.time, LEASE),
      action.time + 10 * SECOND, action.time + 10 * SECOND);
}

/* Later than somebody waits: no use in waiting; nor where nobody does. */
static void
test_refused_too_long (void)
{
  const PmssLeaseSettings hasty = {.retries = 3 };
  PmssLeaseState state = begin (&settings);

  assert_does (refuse (&state, START, MAX_WAIT / SECOND + 1), FAIL);
  assert_does (pmss_lease_state_due (&state, START + SECOND), NOTHING);
  state = begin (&hasty);
  assert_does (refuse (&state, START, 0), FAIL);
  /* begun anew it waits as long anew */
  state = begin (&settings);
  assert_does (refuse (&state, START + MAX_WAIT, 0), FAIL);
  assert_does (pmss_lease_state_begin (&state, START + MAX_WAIT), ASK);
  assert_waits (refuse (&state, START + MAX_WAIT, 1),
      START + MAX_WAIT + SECOND, START + MAX_WAIT + 1500 * MS);
}

/* For ever, with no word of when: not often, to the limit and no longer. */
static void
test_refused_for_ever (void)
{
  for (guint told = 0; told <= 1; told++) {
    PmssLeaseState state = begin (&settings);
    gint64 now = START;
    PmssLeaseAction action = refuse (&state, now, told);
    guint n = 1;

    while (action.what == PMSS_LEASE_DO_WAIT) {
      now = action.time;
      assert_does (pmss_lease_state_due (&state, now), ASK);
      action = refuse (&state, now, told);
      n++;
    }
    assert_does (action, FAIL);
    g_assert_cmpint (now, <=, START + MAX_WAIT);
    g_assert_cmpint (now, >=, START + MAX_WAIT - 2 * SECOND);
    g_assert_cmpuint (n, <=, 61);
  }
}

/* Many that were refused at once and told the same come back one by one. */
static void
test_no_herd (void)
{
  guint in_quarter[8] = { 0 };

  for (guint i = 0; i < 800; i++) {
    PmssLeaseSettings own = settings;
    PmssLeaseState state;
    PmssLeaseAction action;

    own.seed = i * 7919;
    state = begin (&own);
    action = refuse (&state, START, 8);
    assert_waits (action, START + 8 * SECOND, START + 10 * SECOND - 1);
    in_quarter[(action.time - START - 8 * SECOND) / (250 * MS)]++;
  }
  for (guint i = 0; i < G_N_ELEMENTS (in_quarter); i++) {
    g_assert_cmpuint (in_quarter[i], >, 50);
    g_assert_cmpuint (in_quarter[i], <, 150);
  }
}

/* A control server that is away after a refusal is waited for; one that never answered is not. */
static void
test_refused_and_away (void)
{
  PmssLeaseState state = begin (&settings);
  gint64 now = START;

  refuse (&state, now, 1);
  for (guint i = 0; i < 10; i++) {
    now += 2 * SECOND;
    assert_does (pmss_lease_state_due (&state, now), ASK);
    assert_waits (be_silent (&state, now), now + 2 * SECOND, now + 2 * SECOND);
  }
  state = begin (&settings);
  for (guint i = 0; i < 3; i++) {
    assert_does (be_silent (&state, START), WAIT);
    assert_does (pmss_lease_state_due (&state, START), ASK);
  }
  assert_does (be_silent (&state, START), FAIL);
}

/* What control kept once is not there any more where it refuses. */
static void
test_granted_then_refused (void)
{
  PmssLeaseState state = begin (&settings);

  pmss_lease_state_deferred (&state, START, LEASE, SECOND);
  assert_does (pmss_lease_state_due (&state, START + SECOND), ASK);
  assert_does (refuse (&state, START + SECOND, 5), WAIT);
  g_assert_false (pmss_lease_state_is_granted (&state));
  assert_does (pmss_lease_state_end (&state, START + SECOND), CANCEL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lease-admission/granted", test_granted);
  g_test_add_func ("/lease-admission/granted-late", test_granted_late);
  g_test_add_func ("/lease-admission/granted-for-ever", test_granted_for_ever);
  g_test_add_func ("/lease-admission/granted-and-away", test_granted_and_away);
  g_test_add_func ("/lease-admission/granted-end", test_granted_end);
  g_test_add_func ("/lease-admission/granted-again", test_granted_again);
  g_test_add_func ("/lease-admission/refused", test_refused);
  g_test_add_func ("/lease-admission/refused-too-long", test_refused_too_long);
  g_test_add_func ("/lease-admission/refused-for-ever", test_refused_for_ever);
  g_test_add_func ("/lease-admission/no-herd", test_no_herd);
  g_test_add_func ("/lease-admission/refused-and-away", test_refused_and_away);
  g_test_add_func ("/lease-admission/granted-then-refused",
      test_granted_then_refused);
  return g_test_run ();
}
