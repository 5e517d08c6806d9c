/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nodes' health: what answers, failures and refused tokens change. */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-links.h"

#define NOW (1000 * G_TIME_SPAN_SECOND)
#define MS G_TIME_SPAN_MILLISECOND
#define UNIT 4096u
#define K 2
#define N 3

/* A medium of one extent, 2+1, whose shard i is at node i. */
typedef struct
{
  PmssLinks links;
  PmssRows rows;
  GError *error;
} Fixture;

static PmssLayout *
make_layout (void)
{
  const PmssRedundancy redundancy = { K, N - K };
  const gint places[PMSS_MAX_SHARDS] = { 0, 1, 2 };
  const PmssVersionId version = { {1} };
  PmssLayout *layout = pmss_layout_new (&version, K * UNIT, redundancy, UNIT,
      K * UNIT, NULL);

  for (guint i = 0; i < N; i++) {
    PmssNode node = { i + 1, (char *) "127.0.0.1", 1 + i, FALSE, NULL };

    pmss_layout_add_node (layout, &node);
  }
  pmss_layout_set_extent (layout, 0, places);
  return layout;
}

static void
setup (Fixture * f)
{
  g_autoptr (PmssLayout) layout = make_layout ();

  pmss_links_init (&f->links, 0, 60);
  pmss_links_set_layout (&f->links, layout);
  pmss_rows_init (&f->rows, layout, NULL);
  f->error = g_error_new (PMSS_ERROR, PMSS_ERROR_UNREACHABLE, "gone");
}

static void
teardown (Fixture * f)
{
  pmss_rows_clear (&f->rows);
  pmss_links_clear (&f->links);
  g_error_free (f->error);
}

static PmssSource
get_source (Fixture * f, guint index)
{
  return pmss_links_get_source (&f->links, pmss_rows_ensure (&f->rows, 0),
      index);
}

static void
test_places (void)
{
  Fixture f = { 0, };

  setup (&f);
  for (guint i = 0; i < N; i++) {
    PmssLink *link = pmss_links_get (&f.links, i);

    g_assert_true (pmss_links_get_shard_link (&f.links, 0, i) == link);
    g_assert_cmpint (pmss_links_get_link_shard (&f.links, link, 0), ==,
        (gint) i);
    g_assert_cmpint (get_source (&f, i), ==, PMSS_SOURCE_GOOD);
  }
  pmss_links_get (&f.links, 1)->state = PMSS_LINK_LATE;
  g_assert_cmpint (get_source (&f, 1), ==, PMSS_SOURCE_LATE);
  pmss_links_get (&f.links, 1)->state = PMSS_LINK_PROBING;
  g_assert_cmpint (get_source (&f, 1), ==, PMSS_SOURCE_NONE);
  pmss_bad_shards_note (f.links.bad_shards, 0, 2, NOW);
  g_assert_cmpint (get_source (&f, 2), ==, PMSS_SOURCE_NONE);
  teardown (&f);
}

/* The second failure in a row is reported, once; what was under way at a failure fails with it. */
static void
test_lost (void)
{
  Fixture f = { 0, };
  PmssLink *link;

  setup (&f);
  link = pmss_links_get (&f.links, 0);
  g_assert_false (pmss_links_note_failed (&f.links, link, NOW, NOW - MS,
          f.error, FALSE));
  g_assert_cmpint (link->state, ==, PMSS_LINK_LOST);
  g_assert_true (pmss_links_is_probe_due (link, NOW, FALSE));
  g_assert_false (pmss_links_note_failed (&f.links, link, NOW + MS, NOW - MS,
          f.error, FALSE));
  g_assert_cmpuint (link->failures, ==, 1);
  g_assert_true (pmss_links_note_failed (&f.links, link, NOW + MS, NOW + 1,
          f.error, FALSE));
  g_assert_false (pmss_links_note_failed (&f.links, link, NOW + 3 * MS,
          NOW + 2 * MS, f.error, FALSE));
  g_assert_cmpuint (link->counters.errors, ==, 4);
  g_assert_false (pmss_links_is_probe_due (link, NOW + 3 * MS, FALSE));
  g_assert_cmpint (pmss_links_get_due (&f.links, FALSE), ==, link->retry_at);
  g_assert_cmpint (pmss_links_get_due (&f.links, TRUE), ==,
      link->urgent_retry_at);
  g_assert_true (pmss_links_note_good (&f.links, link, NOW + 4 * MS));
  g_assert_false (pmss_links_note_good (&f.links, link, NOW + 5 * MS));
  g_assert_cmpint (pmss_links_get_due (&f.links, FALSE), ==, G_MAXINT64);
  teardown (&f);
}

/* Of a node that has no shard any more nothing is said. */
static void
test_retired (void)
{
  Fixture f = { 0, };
  PmssLink *link;

  setup (&f);
  link = pmss_links_get (&f.links, 0);
  link->retired = TRUE;
  for (guint i = 0; i < 3; i++)
    g_assert_false (pmss_links_note_failed (&f.links, link, NOW + 2 * i,
            NOW + 2 * i - 1, f.error, FALSE));
  g_assert_cmpint (link->state, ==, PMSS_LINK_UP);
  teardown (&f);
}

/* Control is asked for a new token once; a node that refuses that one, too, while others take it,
 * is its own trouble. */
static void
test_refused (void)
{
  Fixture f = { 0, };
  PmssLinksRefusal refusal;
  PmssLink *link;

  setup (&f);
  link = pmss_links_get (&f.links, 0);
  pmss_links_get (&f.links, 1)->counters.units = 1;
  g_assert_true (pmss_links_is_served (&f.links));
  f.links.token_number = 1;
  refusal = pmss_links_note_refused (&f.links, link, 1);
  g_assert_false (refusal.is_answered);
  g_assert_true (refusal.is_trusted);
  g_assert_true (refusal.ask_control);
  pmss_links_note_failed (&f.links, link, NOW, NOW - 1, f.error, FALSE);
  f.links.token_number = 2;
  pmss_links_retry_refused (&f.links);
  g_assert_cmpint (link->state, ==, PMSS_LINK_UP);
  refusal = pmss_links_note_refused (&f.links, link, 2);
  g_assert_false (refusal.ask_control);
  pmss_links_note_failed (&f.links, link, NOW + 2, NOW + 1, f.error, FALSE);
  f.links.token_number = 3;
  pmss_links_retry_refused (&f.links);
  g_assert_cmpint (link->state, ==, PMSS_LINK_LOST);
  /* nobody takes it: it is the token */
  pmss_links_get (&f.links, 1)->refusals = 1;
  g_assert_false (pmss_links_is_served (&f.links));
  refusal = pmss_links_note_refused (&f.links, link, 3);
  g_assert_false (refusal.is_trusted);
  g_assert_true (refusal.ask_control);
  teardown (&f);
}

/* The farthest node counts; before any has answered, control does. */
static void
test_near (void)
{
  Fixture f = { 0, };

  setup (&f);
  f.links.opened_in = 5 * MS;
  g_assert_true (pmss_links_is_near (&f.links));
  f.links.opened_in = 50 * MS;
  g_assert_false (pmss_links_is_near (&f.links));
  pmss_links_get (&f.links, 0)->least_rtt = MS;
  g_assert_true (pmss_links_is_near (&f.links));
  pmss_links_get (&f.links, 2)->least_rtt = 20 * MS;
  g_assert_false (pmss_links_is_near (&f.links));
  /* a probe takes as long as a round trip may, and less where nobody else can be asked */
  g_assert_cmpuint (pmss_links_get_probe_patience (pmss_links_get (&f.links, 2),
          FALSE), ==, 2000);
  g_assert_cmpuint (pmss_links_get_probe_patience (pmss_links_get (&f.links, 2),
          TRUE), ==, 500);
  teardown (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/links/places", test_places);
  g_test_add_func ("/links/lost", test_lost);
  g_test_add_func ("/links/retired", test_retired);
  g_test_add_func ("/links/refused", test_refused);
  g_test_add_func ("/links/near", test_near);
  return g_test_run ();
}
