/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of media: words, orders, folders; what a page visits. */
#include <string.h>

#include "control/catalog/media-list.h"
#include "libpmss/pmss-error.h"
#include "plans-fixture.h"

static PmssMediaPage *
ask (PlansFixture * f, PmssMediaQuery query)
{
  g_autoptr (GError) error = NULL;
  PmssMediaPage *page;

  if (query.limit == 0)
    query.limit = 100;
  page = pmss_media_list (f->context.catalog, &query, &error);
  g_assert_no_error (error);
  return page;
}

/* The names, apart by blanks, of all pages of two. */
static char *
names_of (PlansFixture * f, PmssMediaQuery query)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *after = NULL;

  query.limit = 2;
  do {
    g_autoptr (PmssMediaPage) page = NULL;

    query.after = after;
    page = ask (f, query);
    for (guint i = 0; i < page->media->len; i++)
      g_string_append_printf (names, "%s%s", names->len > 0 ? " " : "",
          ((PmssMedium *) page->media->pdata[i])->name);
    g_free (after);
    after = g_steal_pointer (&page->next);
  } while (after != NULL);
  return g_string_free (g_steal_pointer (&names), FALSE);
}

static void
expect_words (PlansFixture * f, const char *text, const char *expected)
{
  g_autoptr (PmssMediaWords) words = pmss_media_words_new (text);
  g_autofree char *names = names_of (f, (PmssMediaQuery) {.words = words,
        .prefix = "a/"
      });

  g_test_message ("%s", text);
  g_assert_cmpstr (names, ==, expected);
}

static void
fill (PlansFixture * f)
{
  control_fixture_exec (&f->base, "INSERT INTO medium (id, name, state, title,"
      " size, duration_ns, k, m, created, updated) VALUES"
      " (9001, 'a/b/one.mp4', 'ready', 'Über die Straße', 5, NULL, 1, 0, 3, 1),"
      " (9002, 'a/b/two.mp4', 'failed', NULL, NULL, 7, 1, 0, 3, 1),"
      " (9003, 'a/c/d/three.mp4', 'ready', 'ΣΊΣΥΦΟΣ', 5, 7, 1, 0, 2, 1),"
      " (9004, 'a/four.mp4', 'ready', '영화 \"둘\"', 9, 1, 1, 0, 1, 1),"
      " (9005, 'a/z.mp4', 'deleting', 'four', 9, 1, 1, 0, 1, 1),"
      " (9006, 'b.mp4', 'ready', 'zz', 9, 1, 1, 0, 1, 1)");
  for (gint64 id = 9001; id < 9007; id++) {
    g_autoptr (PmssMedium) medium = pmss_catalog_get_medium_by_id
        (f->context.catalog, id, NULL);

    g_assert_true (pmss_catalog_update_medium (f->context.catalog, medium,
            NULL));
  }
}

static void
test_words (PlansFixture * f, gconstpointer data)
{
  PmssCatalog *catalog = f->context.catalog;
  g_autoptr (PmssMedium) renamed = NULL;

  g_assert_null (pmss_media_words_new (" \t "));
  fill (f);
  expect_words (f, "MP4", "a/b/one.mp4 a/b/two.mp4 a/c/d/three.mp4 a/four.mp4");
  expect_words (f, "über straße", "a/b/one.mp4");
  expect_words (f, "ÜBER one", "a/b/one.mp4");
  expect_words (f, "σίσυφος", "a/c/d/three.mp4");
  expect_words (f, "영화", "a/four.mp4");
  expect_words (f, "\"둘\"", "a/four.mp4");
  expect_words (f, "four", "a/four.mp4");
  expect_words (f, "b/", "a/b/one.mp4 a/b/two.mp4");
  /* of one or two characters, at a text's beginning and end, too */
  expect_words (f, "E", "a/b/one.mp4 a/c/d/three.mp4");
  expect_words (f, "Υ", "a/c/d/three.mp4");
  expect_words (f, "ße", "a/b/one.mp4");
  expect_words (f, "둘", "a/four.mp4");
  expect_words (f, "a/ 화", "a/four.mp4");
  expect_words (f, "qq", "");
  expect_words (f, "mp4über", "");
  expect_words (f, "% _ * NEAR(", "");
  /* what was renamed, deleted or given another title */
  renamed = pmss_catalog_rename_medium (catalog, "a/four.mp4", "a/five.mp4",
      NULL);
  g_assert_nonnull (renamed);
  expect_words (f, "four", "");
  expect_words (f, "five", "a/five.mp4");
  g_free (renamed->title);
  renamed->title = g_strdup ("Renamed");
  g_assert_true (pmss_catalog_update_medium (catalog, renamed, NULL));
  expect_words (f, "renAMED", "a/five.mp4");
  expect_words (f, "영화", "");
  g_assert_true (pmss_catalog_mark_deleting (catalog, 9004, NULL));
  expect_words (f, "renamed", "");
  g_assert_cmpint (control_fixture_count (&f->base, "SELECT count(*)"
          " FROM medium_text WHERE medium_text MATCH '\"ren\"'"), ==, 0);
}

static void
expect_order (PlansFixture * f, const char *sort, const char *expected)
{
  PmssMediaQuery query = {.prefix = "a/" };
  g_autofree char *names = NULL;

  g_assert_true (pmss_media_sort_parse (sort, &query.sort, &query.descending));
  names = names_of (f, query);
  g_test_message ("%s", sort);
  g_assert_cmpstr (names, ==, expected);
}

static void
test_orders (PlansFixture * f, gconstpointer data)
{
  PmssMediaSort sort;
  gboolean descending;

  fill (f);
  expect_order (f, "name",
      "a/b/one.mp4 a/b/two.mp4 a/c/d/three.mp4 a/four.mp4");
  expect_order (f, "-name",
      "a/four.mp4 a/c/d/three.mp4 a/b/two.mp4 a/b/one.mp4");
  expect_order (f, "created",
      "a/four.mp4 a/c/d/three.mp4 a/b/one.mp4 a/b/two.mp4");
  expect_order (f, "-created",
      "a/b/two.mp4 a/b/one.mp4 a/c/d/three.mp4 a/four.mp4");
  expect_order (f, "size",
      "a/b/two.mp4 a/b/one.mp4 a/c/d/three.mp4 a/four.mp4");
  expect_order (f, "-duration",
      "a/c/d/three.mp4 a/b/two.mp4 a/four.mp4 a/b/one.mp4");
  expect_order (f, "title",
      "a/b/two.mp4 a/b/one.mp4 a/c/d/three.mp4 a/four.mp4");
  for (guint i = 0; i < 5; i++)
    g_assert_false (pmss_media_sort_parse (((const char *const[]) { "", "-",
                "names", "--name", "Name"
                })[i], &sort, &descending));
}

static void
expect_folders (PlansFixture * f, const char *folder, const char *expected,
    const char *names)
{
  g_autoptr (PmssMediaPage) page = ask (f, (PmssMediaQuery) {
      .folder = folder});
  g_autofree char *got = names_of (f, (PmssMediaQuery) {.folder = folder });
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < page->folders->len; i++) {
    PmssMediaFolder *one = &g_array_index (page->folders, PmssMediaFolder, i);

    g_string_append_printf (text, "%s:%d ", one->name, (int) one->media);
  }
  g_assert_cmpstr (text->str, ==, expected);
  g_assert_cmpstr (got, ==, names);
}

static void
test_folders (PlansFixture * f, gconstpointer data)
{
  fill (f);
  /* subtitles belong to the film beside them */
  control_fixture_exec (&f->base, "INSERT INTO medium (id, name, state, k, m,"
      " created, updated) VALUES (9007, 'a/b/one.srt', 'ready', 1, 0, 1, 1),"
      " (9008, 'a/b/one.ko.VTT', 'ready', 1, 0, 1, 1)");
  expect_folders (f, "", "a:4 films:3000 ", "b.mp4");
  expect_folders (f, "a", "b:2 c:1 ", "a/four.mp4");
  expect_folders (f, "a/c", "d:1 ", "");
  expect_folders (f, "a/b", "",
      "a/b/one.ko.VTT a/b/one.mp4 a/b/one.srt a/b/two.mp4");
  expect_folders (f, "none", "", "");
}

/* All pages of an order, or of a search that finds @expected media: none visits more rows than it
 * may. */
static void
walk (PlansFixture * f, PmssMediaQuery query, guint expected)
{
  g_autofree char *after = NULL;
  guint n = 0;

  query.limit = 50;
  do {
    g_autoptr (PmssMediaPage) page = NULL;

    query.after = after;
    page = ask (f, query);
    n += page->media->len;
    g_free (after);
    after = g_steal_pointer (&page->next);
  } while (after != NULL);
  g_assert_cmpuint (n, ==, expected);
}

static void
test_plans (PlansFixture * f, gconstpointer data)
{
  g_autoptr (PmssMediaWords) rare = pmss_media_words_new ("0042");
  g_autoptr (PmssMediaWords) often = pmss_media_words_new ("films");
  g_autoptr (PmssMediaWords) brief = pmss_media_words_new ("77");

  for (guint i = 0; i < PMSS_N_SORTS; i++) {
    for (guint d = 0; d < 2; d++) {
      walk (f, (PmssMediaQuery) {
          .sort = i,.descending = d}
          , 3000);
      walk (f, (PmssMediaQuery) {
          .sort = i,.descending = d,.folder = "films"}
          , 3000);
      walk (f, (PmssMediaQuery) {
          .sort = i,.descending = d,.words = often}
          , 3000);
      walk (f, (PmssMediaQuery) {
          .sort = i,.descending = d,.words = rare}
          , 11);
      walk (f, (PmssMediaQuery) {
          .sort = i,.descending = d,.prefix = "films/00",.words = brief}
          , 19);
    }
  }
  g_assert_cmpint (plans_fixture_get_cost (f, "m.sort_size").scanned, ==, 0);
}

/* A search for one or two characters that few media have is answered at once, and counted. */
static void
test_brief (PlansFixture * f, gconstpointer data)
{
  static const struct
  {
    const char *text;
    gint64 total;
  } cases[] = { {"qq", 0}, {"q", 0}, {"77", 57}, {"ße", 1}, {"2x", 0},
  {"영", 1}, {"둘", 1}, {"둘 qq", 0}, {"films", -1}, {"0", -1}
  };

  fill (f);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (PmssMediaWords) words = pmss_media_words_new (cases[i].text);
    g_autoptr (PmssMediaPage) page = ask (f, (PmssMediaQuery) {
        .words = words}
    );

    g_test_message ("%s", cases[i].text);
    g_assert_cmpint (page->total, ==, cases[i].total);
    g_assert_true (cases[i].total < 0 || page->next == NULL);
  }
}

static void
test_malformed (PlansFixture * f, gconstpointer data)
{
  static const char *const places[] = { "x", "1", "1.x", ".1", "-1.1", "1." };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    PmssMediaQuery query = {.sort = PMSS_SORT_SIZE,.after = places[i],
      .limit = 1
    };
    g_autoptr (GError) error = NULL;

    g_assert_null (pmss_media_list (f->context.catalog, &query, &error));
    assert_pmss_error (error, INVALID);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/media-list/" name, PlansFixture, NULL, \
      plans_fixture_setup, func, plans_fixture_teardown)
  ADD ("words", test_words);
  ADD ("orders", test_orders);
  ADD ("folders", test_folders);
  ADD ("plans", test_plans);
  ADD ("brief", test_brief);
  ADD ("malformed", test_malformed);
  return g_test_run ();
}
