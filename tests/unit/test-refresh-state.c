/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When control is asked for the layout anew, and which layouts are taken over. */
#include "libpmss/reader/pmss-refresh-state.h"

#define MS G_TIME_SPAN_MILLISECOND
#define SECOND G_TIME_SPAN_SECOND
#define START (1000 * SECOND)
#define UNIT 4096u

static const PmssVersionId version = { {1} }, other_version = { {2} };

static PmssLayout *
make_layout (const PmssVersionId * id, guint64 size, guint64 generation)
{
  const PmssRedundancy redundancy = { 2, 1 };
  const gint places[PMSS_MAX_SHARDS] = { 0, 1, 2 };
  PmssLayout *layout = pmss_layout_new (id, size, redundancy, UNIT, 2 * UNIT,
      NULL);

  for (guint i = 0; i < 3; i++) {
    PmssNode node = { i + 1, (char *) "127.0.0.1", 1 + i, FALSE, NULL };

    pmss_layout_add_node (layout, &node);
  }
  pmss_layout_set_extent (layout, 0, places);
  pmss_layout_set_generation (layout, generation);
  return layout;
}

static void
ask (PmssRefreshState * state, gint64 now, gint64 took)
{
  pmss_refresh_state_began (state, now);
  g_assert_cmpint (pmss_refresh_state_get_due (state), ==, G_MAXINT64);
  pmss_refresh_state_ended (state, now + took);
}

/* At once, and then at pauses that double up to two seconds. */
static void
test_pauses (void)
{
  const gint64 pauses[] = { 500 * MS, SECOND, 2 * SECOND, 2 * SECOND };
  PmssRefreshState state = { 0 };

  g_assert_cmpint (pmss_refresh_state_get_due (&state), <=, START);
  for (guint i = 0; i < G_N_ELEMENTS (pauses); i++) {
    ask (&state, START, 3 * MS);
    g_assert_cmpint (pmss_refresh_state_get_due (&state), ==,
        START + 3 * MS + pauses[i]);
  }
}

/* Nobody gives up before control was asked after the trouble had begun. */
static void
test_may_help (void)
{
  PmssRefreshState state = { 0 };

  g_assert_true (pmss_refresh_state_may_help (&state, START));
  ask (&state, START - 1, SECOND);
  g_assert_true (pmss_refresh_state_may_help (&state, START));
  pmss_refresh_state_began (&state, START);
  g_assert_true (pmss_refresh_state_may_help (&state, START));
  pmss_refresh_state_ended (&state, START + 1);
  g_assert_false (pmss_refresh_state_may_help (&state, START));
}

static void
assert_renewal (PmssLayout * ours, const PmssVersionId * id, guint64 generation,
    PmssRefreshVerdict verdict)
{
  const PmssRenewal renewal = {.version = *id,.generation = generation };
  const char *why = NULL;

  g_assert_cmpint (pmss_refresh_state_judge_renewal (ours, &renewal, &why), ==,
      verdict);
  g_assert_true ((why != NULL) == (verdict == PMSS_REFRESH_REFUSE));
}

static void
test_renewal (void)
{
  g_autoptr (PmssLayout) ours = make_layout (&version, 2 * UNIT, 5);

  assert_renewal (ours, &version, 6, PMSS_REFRESH_TAKE);
  assert_renewal (ours, &version, 5, PMSS_REFRESH_KEEP);
  assert_renewal (ours, &version, 4, PMSS_REFRESH_KEEP);
  assert_renewal (ours, &other_version, 6, PMSS_REFRESH_REFUSE);
  /* control does not say */
  assert_renewal (ours, &other_version, 0, PMSS_REFRESH_KEEP);
}

static void
assert_layout (PmssLayout * ours, PmssLayout * layout, gboolean may_be_older,
    PmssRefreshVerdict verdict)
{
  PmssRefreshState state = {.tries = 7 };
  g_autofree char *why = NULL;

  g_assert_cmpint (pmss_refresh_state_judge_layout (&state, ours, layout,
          may_be_older, &why), ==, verdict);
  g_assert_true ((why != NULL) == (verdict == PMSS_REFRESH_REFUSE));
  /* after one that helps the pauses begin anew */
  g_assert_cmpuint (state.tries, ==, verdict == PMSS_REFRESH_TAKE ? 0 : 7);
}

/* An older one is of use only where ours is of none; another medium's never is. */
static void
test_layout (void)
{
  g_autoptr (PmssLayout) unknown = make_layout (&version, 2 * UNIT, 0);
  g_autoptr (PmssLayout) older = make_layout (&version, 2 * UNIT, 4);
  g_autoptr (PmssLayout) ours = make_layout (&version, 2 * UNIT, 5);
  g_autoptr (PmssLayout) newer = make_layout (&version, 2 * UNIT, 6);
  g_autoptr (PmssLayout) shorter = make_layout (&version, 2 * UNIT - 1, 6);

  assert_layout (ours, newer, FALSE, PMSS_REFRESH_TAKE);
  assert_layout (ours, ours, FALSE, PMSS_REFRESH_KEEP);
  assert_layout (ours, ours, TRUE, PMSS_REFRESH_KEEP);
  assert_layout (ours, older, FALSE, PMSS_REFRESH_REFUSE);
  assert_layout (ours, older, TRUE, PMSS_REFRESH_TAKE);
  assert_layout (unknown, unknown, FALSE, PMSS_REFRESH_TAKE);
  assert_layout (ours, shorter, TRUE, PMSS_REFRESH_REFUSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/refresh-state/pauses", test_pauses);
  g_test_add_func ("/refresh-state/may-help", test_may_help);
  g_test_add_func ("/refresh-state/renewal", test_renewal);
  g_test_add_func ("/refresh-state/layout", test_layout);
  return g_test_run ();
}
