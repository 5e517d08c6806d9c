/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whom not to wait for. */
#include "libpmss/reader/pmss-late.h"

#define MS G_TIME_SPAN_MILLISECOND
#define SECOND G_TIME_SPAN_SECOND
#define NOW (1000 * SECOND)
#define K 4
#define N 6

/* Six nodes that are 5 ms away and take 20 ms for a record: almost all answers come within 80 ms.
 * The first is asked for something that is needed now. */
typedef struct
{
  PmssRedundancy redundancy;
  PmssLateView views[N];
  PmssLate late;
  PmssLateVerdict verdicts[N];
} Scene;

static const gint64 patience = 80 * MS;

static Scene
make_scene (void)
{
  Scene s = {.redundancy = {K, N - K} };

  for (guint i = 0; i < N; i++)
    s.views[i] = (PmssLateView) {
    .is_busy = TRUE,.is_up = TRUE,.last_record = NOW - MS,.record_time =
        20 * MS,.rtt = 5 * MS,.least_rtt = 4 * MS,.needed =
        G_MAXINT64,.denied_since = G_MAXINT64};
  s.views[0].needed = NOW;
  return s;
}

static PmssLateVerdict
judge (Scene * s, guint i)
{
  pmss_late_judge (&s->late, NOW, s->redundancy, s->views, N, s->verdicts);
  return s->verdicts[i];
}

static void
assert_verdict (Scene * s, PmssLateVerdict verdict)
{
  g_assert_cmpint (judge (s, 0), ==, verdict);
  for (guint i = 1; i < N; i++)
    g_assert_cmpint (s->verdicts[i], ==, PMSS_LATE_WAIT);
}

/* Four times what it takes almost all, and not before. */
static void
test_overdue (void)
{
  Scene s = make_scene ();

  s.views[0].wait = patience - 1;
  assert_verdict (&s, PMSS_LATE_WAIT);
  g_assert_cmpint (s.late.hedge_time, ==, patience);
  g_assert_cmpint (s.late.look_at, ==, NOW + 1);
  s.views[0].wait = patience;
  assert_verdict (&s, PMSS_LATE_IS_LATE);
  g_assert_cmpint (s.late.look_at, ==, G_MAXINT64);
  s.views[0].is_busy = FALSE;
  assert_verdict (&s, PMSS_LATE_WAIT);
}

/* That it takes longer than it did buys a node no time; that it is far away does. */
static void
test_far (void)
{
  Scene s = make_scene ();

  s.views[0].wait = patience;
  s.views[0].record_time = s.views[0].rtt = SECOND;
  assert_verdict (&s, PMSS_LATE_IS_LATE);
  s.views[0].least_rtt = 30 * MS;
  assert_verdict (&s, PMSS_LATE_WAIT);
  s.views[0].wait = 120 * MS;
  assert_verdict (&s, PMSS_LATE_IS_LATE);
}

/* Nothing is known of any node. */
static void
test_unknown (void)
{
  Scene s = make_scene ();

  for (guint i = 0; i < N; i++)
    s.views[i].record_time = s.views[i].rtt = s.views[i].least_rtt = 0;
  s.views[0].wait = 249 * MS;
  assert_verdict (&s, PMSS_LATE_WAIT);
  g_assert_cmpint (s.late.hedge_time, ==, 250 * MS);
  s.views[0].wait = 250 * MS;
  assert_verdict (&s, PMSS_LATE_IS_LATE);
}

/* It may catch up as long as others could still give it in time. */
static void
test_needed (void)
{
  Scene s = make_scene ();

  s.views[0].wait = patience;
  s.views[0].needed = NOW + patience + 7;
  assert_verdict (&s, PMSS_LATE_WAIT);
  g_assert_cmpint (s.late.look_at, ==, NOW + 7);
  s.views[0].needed = NOW + patience;
  assert_verdict (&s, PMSS_LATE_IS_LATE);
  s.views[0].needed = G_MAXINT64;
  assert_verdict (&s, PMSS_LATE_WAIT);
  g_assert_cmpint (s.late.look_at, ==, G_MAXINT64);
}

/* As many as redundancy makes up for; with one more it is the client's own network. */
static void
test_exceptions (void)
{
  Scene s = make_scene ();

  s.views[0].wait = s.views[1].wait = patience;
  assert_verdict (&s, PMSS_LATE_IS_LATE);
  s.views[2].wait = patience;
  assert_verdict (&s, PMSS_LATE_WAIT);
  /* but for one that says nothing at all */
  s.views[0].silence = SECOND;
  assert_verdict (&s, PMSS_LATE_WAIT);
  s.views[0].silence = SECOND + 1;
  assert_verdict (&s, PMSS_LATE_IS_LATE);
}

/* Another one must have given something since, or owe nothing. */
static void
test_others (void)
{
  Scene s = make_scene ();

  s.views[0].wait = patience;
  for (guint i = 1; i < N; i++)
    s.views[i].last_record = NOW - patience;
  assert_verdict (&s, PMSS_LATE_WAIT);
  s.views[3].is_busy = FALSE;
  assert_verdict (&s, PMSS_LATE_IS_LATE);
  s.views[3].is_up = FALSE;
  assert_verdict (&s, PMSS_LATE_WAIT);
  s.views[4].last_record++;
  assert_verdict (&s, PMSS_LATE_IS_LATE);
  /* of replicas only one is asked */
  s.views[4].last_record--;
  s.redundancy = (PmssRedundancy) {
  1, 1};
  assert_verdict (&s, PMSS_LATE_IS_LATE);
}

/* Who waits for a node that is late already, and may ask nobody else for it, waits a quarter of a
 * second. */
static void
test_given_up (void)
{
  Scene s = make_scene ();

  s.views[0].is_up = FALSE;
  s.views[0].wait = SECOND;
  assert_verdict (&s, PMSS_LATE_WAIT);
  s.views[0].denied_since = NOW - 250 * MS + 1;
  assert_verdict (&s, PMSS_LATE_WAIT);
  s.views[0].denied_since = NOW - 250 * MS;
  assert_verdict (&s, PMSS_LATE_GIVE_UP);
  s.views[0].is_busy = FALSE;
  assert_verdict (&s, PMSS_LATE_WAIT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/late/overdue", test_overdue);
  g_test_add_func ("/late/far", test_far);
  g_test_add_func ("/late/unknown", test_unknown);
  g_test_add_func ("/late/needed", test_needed);
  g_test_add_func ("/late/exceptions", test_exceptions);
  g_test_add_func ("/late/others", test_others);
  g_test_add_func ("/late/given-up", test_given_up);
  return g_test_run ();
}
