/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of the catalog regularly visits the rows that it is about, and no others. */
#include <stdlib.h>

#include "control/accounts/accounts.h"
#include "control/catalog/catalog-health.h"
#include "control/catalog/layout-parts.h"
#include "control/events/event-log.h"
#include "control/nodes/nodes.h"
#include "plans-fixture.h"

/* What all pages of 50 with @prefix take, one by one. */
static void
walk_pages (PlansFixture * f, const char *prefix, guint expected)
{
  g_autofree char *after = NULL;
  gint64 first = 0, before = plans_fixture_get_cost (f, "FROM medium m").steps;
  guint n = 0;

  do {
    g_autofree char *next = NULL;
    g_autoptr (GPtrArray) page = pmss_catalog_list_media (f->context.catalog,
        prefix, after, 50, &next, NULL);
    gint64 now = plans_fixture_get_cost (f, "FROM medium m").steps;

    n += page->len;
    g_assert_cmpint (now, >, before);
    if (first == 0)
      first = now - before;
    g_assert_cmpint (now - before, <=, first * 3 / 2);
    before = now;
    g_free (after);
    after = g_steal_pointer (&next);
  } while (after != NULL);
  g_assert_cmpuint (n, ==, expected);
}

/* Each page of a list costs what a page costs, the last as much as the first. */
static void
test_pages (PlansFixture * f, gconstpointer data)
{
  walk_pages (f, NULL, 3000);
  walk_pages (f, "films/", 3000);
  walk_pages (f, "films/01", 1000);
  walk_pages (f, "g", 0);
  plans_fixture_expect_no_scan (f, "m.name >");
}

static void
test_media (PlansFixture * f, gconstpointer data)
{
  PmssCatalog *catalog = f->context.catalog;

  for (guint i = 1; i < 30; i++) {
    PmssVersionId id = plans_version_of (i * 90);
    g_autofree char *name = g_strdup_printf ("films/%05u", i * 90);
    g_autoptr (PmssMedium) medium = pmss_catalog_get_medium (catalog, name,
        NULL);
    g_autoptr (PmssLayoutPart) layout = pmss_layout_parts_load_page (catalog,
        &id, 0, 1024, NULL);
    g_autoptr (PmssLayoutPart) changes = NULL;
    g_autoptr (GArray) nodes = pmss_catalog_list_version_nodes (catalog, &id,
        NULL);
    g_autoptr (GArray) versions = pmss_catalog_list_versions (catalog,
        medium->id, PMSS_VERSION_READY, NULL);
    g_autoptr (GPtrArray) bad = pmss_catalog_list_bad_shards (catalog, &id,
        NULL, 100, NULL);
    g_autoptr (GPtrArray) all = pmss_catalog_list_bad_shards (catalog, NULL,
        NULL, 100, NULL);

    g_assert_cmpuint (pmss_layout_part_get_n_extents (layout), ==, 2);
    changes = pmss_layout_parts_load_changes (catalog, &id,
        layout->generation, 1024, nodes, NULL);
    g_assert_cmpuint (pmss_layout_part_get_n_extents (changes), ==, 0);
    g_assert_cmpuint (nodes->len, ==, 3);
    g_assert_cmpuint (versions->len, ==, 1);
    g_assert_cmpuint (bad->len, ==, 1);
    g_assert_cmpuint (all->len, ==, 100);
  }
  g_assert_true (pmss_catalog_mark_deleting (catalog, 7, NULL));
  plans_fixture_expect_no_scan (f, "WHERE medium = ?1 AND state = ?2");
}

static gboolean
add_event (PmssDatabase * database, gpointer data, GError ** error)
{
  return pmss_event_log_add (database, data, atoi (PLANS_ROWS) + 1, error);
}

/* A page costs what a page costs, a user's own too, and one row more what a row costs. */
static void
test_events (PlansFixture * f, gconstpointer data)
{
  control_fixture_exec (&f->base, "INSERT INTO user (name, role, password,"
      " created) VALUES ('other', 'viewer', 'x', 1)");
  control_fixture_exec (&f->base, "UPDATE user SET events_after = 0");
  for (guint i = 0; i < 30; i++) {
    const PmssEventQuery queries[] = {
      {NULL, i * 90, 0, 50}, {NULL, -1, 3000 - i * 90, 50},
      {"viewer", i * 90, 0, 50}, {"other", -1, 3000 - i, 50},
    };
    const PmssEvent event = {.action = "logout",.minor = i % 2 };
    g_autoptr (GPtrArray) one =
        g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_event_free);

    for (guint q = 0; q < G_N_ELEMENTS (queries); q++) {
      gboolean more;
      g_autoptr (GPtrArray) page = pmss_event_log_list (f->base.database,
          &queries[q], &more, NULL);

      g_assert_cmpuint (page->len, ==, 50);
    }
    g_ptr_array_add (one, pmss_event_copy (&event));
    g_assert_true (pmss_database_transact (f->base.database, add_event, one,
            NULL));
  }
  plans_fixture_expect_no_scan (f, "DELETE FROM event");
  plans_fixture_expect_no_scan (f, "INTO event");
}

/* A dead node's shards: each is asked for by its name. */
static void
test_pending (PlansFixture * f, gconstpointer data)
{
  PmssCatalog *catalog = f->context.catalog;

  for (guint i = 1; i < 30; i++) {
    PmssVersionId id = plans_version_of (i);
    g_autoptr (GArray) nodes = pmss_catalog_list_pending_nodes (catalog, &id,
        0, 0, NULL);
    g_autoptr (GPtrArray) names = pmss_catalog_list_pending (catalog, 4, 100,
        NULL);

    g_assert_cmpuint (nodes->len, ==, 0);
    g_assert_cmpuint (names->len, ==, 100);
    g_assert_true (pmss_catalog_begin_rebuild (catalog, &id, 0, 0, 4, NULL));
    g_assert_true (pmss_catalog_finish_rebuild (catalog, &id, 0, 0, 1, 4,
            NULL));
  }
  plans_fixture_expect_no_scan (f, "FROM pending_deletion WHERE shard");
}

/* What a removed node should have deleted goes after it in pieces, also where
 * control is started anew between two of them; what others have stays. */
static void
test_removed (PlansFixture * f, gconstpointer data)
{
  gboolean more = TRUE;
  guint pieces = 0;

  control_fixture_exec (&f->base,
      "INSERT INTO pending_deletion (node, shard) VALUES (1, 'a'), (9, 'b')");
  control_fixture_exec (&f->base, "UPDATE node SET state = 'down',"
      " shards = " PLANS_ROWS " WHERE id = 4");
  g_assert_true (pmss_nodes_remove (f->context.nodes, 4, NULL));
  while (more) {
    gint64 before = control_fixture_count (&f->base,
        "SELECT count(*) FROM pending_deletion");

    g_assert_true (pmss_catalog_drop_removed (f->context.catalog, &more, NULL));
    g_assert_cmpint (control_fixture_count (&f->base,
            "SELECT count(*) FROM pending_deletion"), >=, before - 1000);
    pieces++;
  }
  g_assert_cmpuint (pieces, ==, 3 + 1 + 1);
  g_assert_cmpint (control_fixture_count (&f->base, "SELECT sum(node)"
          " FROM pending_deletion"), ==, 1);
  g_assert_cmpint (plans_fixture_get_cost (f, "WITH RECURSIVE n (id)").steps, <,
      5 * 200);
}

static void
test_accounts (PlansFixture * f, gconstpointer data)
{
  for (guint i = 0; i < 20; i++) {
    g_autoptr (PmssUser) user = pmss_accounts_authenticate (f->context.accounts,
        "nobody's", NULL);

    g_assert_null (user);
  }
  pmss_accounts_tick (f->context.accounts);
  plans_fixture_expect_no_scan (f, "FROM api_token t");
}

/* The test itself: a scan is seen. */
static gboolean
scan (PmssDatabase * database, gpointer data, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT max (size) FROM medium WHERE title IS NULL");

  g_assert_true (pmss_rows_next (rows, error));
  g_assert_cmpuint (plans_count_scans (database), ==, 1);
  return TRUE;
}

static void
test_sees (PlansFixture * f, gconstpointer data)
{
  g_assert_true (pmss_database_read (f->base.database, scan, NULL, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/plans/" name, PlansFixture, NULL, \
      plans_fixture_setup, func, plans_fixture_teardown)
  ADD ("sees", test_sees);
  ADD ("pages", test_pages);
  ADD ("media", test_media);
  ADD ("events", test_events);
  ADD ("pending", test_pending);
  ADD ("removed", test_removed);
  ADD ("accounts", test_accounts);
  return g_test_run ();
}
