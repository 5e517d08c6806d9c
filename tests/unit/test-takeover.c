/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of links, rows and news when another layout is taken over. */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-takeover.h"

#define NOW (1000 * G_TIME_SPAN_SECOND)
#define UNIT 4096u
#define N 3

typedef struct
{
  PmssRows rows;
  PmssPlaces places;
  PmssTakeover parts;
  GString *told;
} Fixture;

/* --- What is told --- */

static void
node_lost (guint node, const char *peer, const GError * error, gpointer f)
{
  g_string_append_printf (((Fixture *) f)->told, "lost %u, ", node);
}

static void
node_back (guint node, const char *peer, gpointer f)
{
  g_string_append_printf (((Fixture *) f)->told, "back %u, ", node);
}

static void
degraded (guint missing, guint spare, gpointer f)
{
  g_string_append_printf (((Fixture *) f)->told, "missing %u, spare %u, ",
      missing, spare);
}

static void
nothing (gpointer f)
{
}

static void
assert_told (Fixture * f, const char *what)
{
  pmss_news_tell (f->parts.news);
  g_assert_cmpstr (f->told->str, ==, what);
  g_string_truncate (f->told, 0);
}

/* --- Layouts --- */

/* A medium of one extent, 2+1; @nodes: ids of those that have its shards. Node i is at port i. */
static PmssLayout *
make_layout (const guint * nodes)
{
  const PmssRedundancy redundancy = { N - 1, 1 };
  const gint places[PMSS_MAX_SHARDS] = { 0, 1, 2 };
  const PmssVersionId version = { {1} };
  PmssLayout *layout = pmss_layout_new (&version, 4 * UNIT, redundancy, UNIT,
      4 * UNIT, NULL);

  for (guint i = 0; i < N; i++) {
    PmssNode node = { nodes[i], (char *) "127.0.0.1", nodes[i], FALSE, NULL };

    pmss_layout_add_node (layout, &node);
  }
  pmss_layout_set_extent (layout, 0, places);
  return layout;
}

static PmssLink *
get_link (Fixture * f, guint i)
{
  return f->parts.links->pdata[i];
}

static void
setup (Fixture * f)
{
  static const PmssNewsFuncs funcs = { node_lost, node_back, degraded };
  const guint nodes[N] = { 1, 2, 3 };
  const gint numbers[N] = { 0, 1, 2 };
  g_autoptr (PmssLayout) layout = make_layout (nodes);

  f->told = g_string_new (NULL);
  f->parts = (PmssTakeover) {
  g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_link_free),
        &f->places, &f->rows, pmss_bad_shards_new (),
        pmss_news_new (&funcs, f, nothing)};
  for (guint i = 0; i < N; i++)
    g_ptr_array_add (f->parts.links, pmss_link_new (pmss_layout_get_node
            (layout, i), i));
  pmss_places_init (&f->places, layout, numbers);
  pmss_rows_init (&f->rows, layout, NULL);
}

static void
teardown (Fixture * f)
{
  pmss_news_free (f->parts.news);
  pmss_bad_shards_free (f->parts.bad_shards);
  pmss_places_clear (&f->places);
  pmss_rows_clear (&f->rows);
  g_ptr_array_unref (f->parts.links);
  g_string_free (f->told, TRUE);
}

static void
take_over (Fixture * f, guint first, guint second, guint third)
{
  const guint nodes[N] = { first, second, third };
  g_autoptr (PmssLayout) layout = make_layout (nodes);

  pmss_takeover_run (&f->parts, layout, NOW);
  g_assert_true (f->rows.layout == layout);
}

/* --- Tests --- */

/* A node that the reader does not know is probed at once; one that has no shard any more is asked
 * for nothing, and its number goes to the next one. */
static void
test_links (void)
{
  Fixture f = { 0 };
  PmssLink *kept;

  setup (&f);
  kept = get_link (&f, 0);
  /* the second shard cannot be had where it was: nothing is lost by asking elsewhere */
  get_link (&f, 1)->state = PMSS_LINK_LOST;
  take_over (&f, 1, 4, 3);
  g_assert_cmpuint (f.parts.links->len, ==, N + 1);
  g_assert_true (get_link (&f, 0) == kept);
  g_assert_false (kept->retired);
  g_assert_true (get_link (&f, 1)->retired);
  g_assert_cmpint (get_link (&f, 1)->state, ==, PMSS_LINK_UP);
  g_assert_cmpuint (get_link (&f, N)->node.id, ==, 4);
  g_assert_cmpint (get_link (&f, N)->state, ==, PMSS_LINK_LOST);
  g_assert_cmpint (get_link (&f, N)->retry_at, ==, NOW);
  g_assert_cmpint (pmss_places_get (&f.places, 0, 1), ==, N);

  take_over (&f, 1, 5, 3);
  g_assert_cmpuint (f.parts.links->len, ==, N + 1);
  g_assert_cmpuint (get_link (&f, 1)->node.id, ==, 5);
  g_assert_true (get_link (&f, N)->retired);
  teardown (&f);
}

/* Somebody is to be told of a node by its link: it stays until that was done. */
static void
test_news (void)
{
  g_autoptr (GError) error = g_error_new_literal (PMSS_ERROR,
      PMSS_ERROR_UNREACHABLE, "gone");
  Fixture f = { 0 };

  setup (&f);
  get_link (&f, 1)->state = PMSS_LINK_LOST;
  get_link (&f, 1)->reported = TRUE;
  pmss_news_add_lost (f.parts.news, get_link (&f, 1), error);
  pmss_news_count_missing (f.parts.news, f.parts.links, 1);
  pmss_news_count_missing (f.parts.news, f.parts.links, 1);
  take_over (&f, 1, 4, 3);
  take_over (&f, 1, 5, 3);
  g_assert_cmpuint (get_link (&f, 1)->node.id, ==, 2);
  /* the places that it had are other nodes' now: none is missing */
  assert_told (&f, "lost 2, missing 1, spare 0, missing 0, spare 1, ");
  assert_told (&f, "");
  g_assert_false (pmss_news_is_about (f.parts.news, get_link (&f, 1)));
  take_over (&f, 1, 6, 3);
  g_assert_cmpuint (get_link (&f, 1)->node.id, ==, 6);
  pmss_news_add_back (f.parts.news, get_link (&f, 1));
  assert_told (&f, "back 6, ");
  teardown (&f);
}

/* The same node in another place has the same to say of itself: it stays lost until it answers. */
static void
test_moved_node (void)
{
  Fixture f = { 0 };

  setup (&f);
  get_link (&f, 1)->state = PMSS_LINK_LOST;
  get_link (&f, 1)->reported = TRUE;
  get_link (&f, 1)->told_at = 7;
  pmss_news_count_missing (f.parts.news, f.parts.links, 1);
  assert_told (&f, "missing 1, spare 0, ");
  get_link (&f, 1)->node.port = 77;
  take_over (&f, 1, 2, 3);
  g_assert_true (get_link (&f, 1)->retired);
  g_assert_false (get_link (&f, 1)->reported);
  g_assert_true (get_link (&f, N)->reported);
  g_assert_cmpint (get_link (&f, N)->told_at, ==, 7);
  assert_told (&f, "");
  teardown (&f);
}

/* What was found where a shard was says nothing of where it is; elsewhere all stays. */
static void
test_rows (void)
{
  Fixture f = { 0 };
  PmssRow *row;

  setup (&f);
  row = pmss_rows_ensure (&f.rows, 0);
  for (guint i = 0; i < 2; i++) {
    pmss_rows_set_empty (&f.rows, row, i, PMSS_UNIT_BAD);
    pmss_bad_shards_note (f.parts.bad_shards, 0, i, NOW);
  }
  row->error = g_error_new_literal (PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS, "");
  row->stuck_since = NOW;
  take_over (&f, 1, 4, 3);
  g_assert_cmpint (row->slots[0].state, ==, PMSS_UNIT_BAD);
  g_assert_cmpint (row->slots[1].state, ==, PMSS_UNIT_NONE);
  g_assert_cmpuint (pmss_bad_shards_get_tries (f.parts.bad_shards, 0, 0), ==,
      1);
  g_assert_cmpuint (pmss_bad_shards_get_tries (f.parts.bad_shards, 0, 1), ==,
      0);
  g_assert_no_error (row->error);
  g_assert_cmpint (row->stuck_since, ==, 0);
  teardown (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/takeover/links", test_links);
  g_test_add_func ("/takeover/news", test_news);
  g_test_add_func ("/takeover/moved-node", test_moved_node);
  g_test_add_func ("/takeover/rows", test_rows);
  return g_test_run ();
}
