/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a row is given up, and what is said of it. */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-hopeless.h"

#define SECOND G_TIME_SPAN_SECOND
#define START (1000 * SECOND)
#define K 2
#define N 4

/* A row of 2+2 units that is stuck since START. All its nodes can be asked, and none has given a
 * byte yet. */
typedef struct
{
  PmssHopelessRow row;
  PmssLink *links[N];
} Fixture;

static void
setup (Fixture * f)
{
  f->row = (PmssHopelessRow) {
  .redundancy = { K, N - K },.timeout = 15 * SECOND,.retries =
        3,.stuck_since = START};
  for (guint i = 0; i < N; i++) {
    const PmssNode node =
        { i + 1, (char *) "127.0.0.1", 7001 + i, FALSE, NULL };

    f->links[i] = pmss_link_new (&node, i);
    f->row.units[i] = (PmssHopelessUnit) {
    .link = f->links[i],.retry = G_MAXINT64};
  }
}

static void
teardown (Fixture * f)
{
  for (guint i = 0; i < N; i++)
    pmss_link_free (f->links[i]);
}

static gboolean
is_over (Fixture * f)
{
  return pmss_hopeless_is_over (&f->row, START + SECOND, FALSE);
}

static void
lose (Fixture * f, guint i, guint failures)
{
  f->links[i]->state = PMSS_LINK_LOST;
  f->links[i]->failures = failures;
}

/* As long as k units may still come nobody gives up, however much is wrong with the others. */
static void
test_over (void)
{
  Fixture f;

  setup (&f);
  f.row.units[0].link = NULL;
  f.row.units[1].is_bad = TRUE;
  g_assert_false (is_over (&f));
  f.row.units[2].tries = f.row.retries;
  g_assert_false (is_over (&f));
  f.row.units[2].tries++;
  g_assert_true (is_over (&f));
  /* the shards may be elsewhere by now */
  g_assert_false (pmss_hopeless_is_over (&f.row, START + SECOND, TRUE));
  teardown (&f);
}

/* One that gave something may give again; others are tried so often, or for ever. */
static void
test_lost (void)
{
  Fixture f;

  setup (&f);
  for (guint i = 0; i < K; i++)
    lose (&f, i, 100);
  lose (&f, 2, f.row.retries);
  g_assert_false (is_over (&f));
  f.links[2]->failures++;
  g_assert_true (is_over (&f));
  f.links[2]->counters.units = 1;
  g_assert_false (is_over (&f));
  f.links[2]->counters.units = 0;
  f.row.retries = -1;
  g_assert_false (is_over (&f));
  f.row.retries = 3;
  /* it answers again */
  f.links[2]->state = PMSS_LINK_UP;
  g_assert_false (is_over (&f));
  teardown (&f);
}

static void
test_timeout (void)
{
  Fixture f;

  setup (&f);
  g_assert_false (pmss_hopeless_is_over (&f.row, START + 15 * SECOND - 1,
          FALSE));
  g_assert_true (pmss_hopeless_is_over (&f.row, START + 15 * SECOND, TRUE));
  g_assert_cmpint (pmss_hopeless_get_due (&f.row), ==, START + 15 * SECOND);
  f.row.timeout = 0;
  g_assert_false (pmss_hopeless_is_over (&f.row, START + 3600 * SECOND, FALSE));
  g_assert_cmpint (pmss_hopeless_get_due (&f.row), ==, G_MAXINT64);
  f.row.units[3].retry = START + 7;
  g_assert_cmpint (pmss_hopeless_get_due (&f.row), ==, START + 7);
  teardown (&f);
}

/* A read that took too long is the shards' fault only where more are in trouble than redundancy
 * makes up for. */
static void
test_doubtful (void)
{
  Fixture f;

  setup (&f);
  g_assert_true (pmss_hopeless_is_doubtful (&f.row));
  f.row.stuck_since = 0;
  g_assert_false (pmss_hopeless_is_doubtful (&f.row));
  f.row.units[0].link = NULL;
  lose (&f, 1, 1);
  g_assert_false (pmss_hopeless_is_doubtful (&f.row));
  f.row.units[2].tries = 1;
  g_assert_true (pmss_hopeless_is_doubtful (&f.row));
  f.row.units[2].tries = 0;
  f.row.units[2].is_bad = TRUE;
  g_assert_true (pmss_hopeless_is_doubtful (&f.row));
  teardown (&f);
}

static void
test_error (void)
{
  Fixture f;
  g_autoptr (GError) error = NULL;
  const PmssErrorDetails *details;

  setup (&f);
  f.row.units[0].link = NULL;
  lose (&f, 1, 1);
  f.row.units[3].tries = 1;
  error = pmss_hopeless_new_error (&f.row, "films/dune", 7);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS);
  g_assert_cmpstr (error->message, ==, "films/dune: extent 7 needs 2 of its 4 "
      "shards, and fewer can be had; shard 0 is lost; node 2 (127.0.0.1:7002): "
      "does not answer; node 4 (127.0.0.1:7004): shard 3 is damaged or missing");
  details = pmss_error_get_details (error);
  g_assert_cmpstr (details->medium, ==, "films/dune");
  g_assert_cmpint (details->extent, ==, 7);
  g_assert_cmpint (details->node, ==, 2);
  g_assert_cmpstr (details->peer, ==, "127.0.0.1:7002");
  teardown (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hopeless/over", test_over);
  g_test_add_func ("/hopeless/lost", test_lost);
  g_test_add_func ("/hopeless/timeout", test_timeout);
  g_test_add_func ("/hopeless/doubtful", test_doubtful);
  g_test_add_func ("/hopeless/error", test_error);
  return g_test_run ();
}
