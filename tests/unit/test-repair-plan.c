/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog-fixture.h"
#include "control/catalog/catalog-health.h"
#include "control/repair/repair-private.h"

#define EXTENTS 1200            /* more than are looked at in a transaction */

typedef struct
{
  CatalogFixture base;
  PmssControlContext context;
  PmssVersion version;
  PmssNodeView view;
  GHashTable *except;
} Fixture;

/* Extent e lies on nodes e % 8 to e % 8 + 2. */
static gboolean
place_all (PmssDatabase * database, gpointer data, GError ** error)
{
  Fixture *f = data;

  for (guint i = 0; i < EXTENTS; i++)
    catalog_fixture_place (&f->base, &f->version, i, i % 8);
  return TRUE;
}

/* All nodes are up. */
static void
set_up (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 medium;

  catalog_fixture_init (&f->base, data);
  f->context.database = f->base.base.database;
  f->context.catalog = f->base.catalog;
  medium = catalog_fixture_add_medium (&f->base, "planned");
  f->version = catalog_fixture_add_version (&f->base, medium,
      EXTENTS * (guint64) CATALOG_FIXTURE_EXTENT);
  g_assert_true (pmss_database_transact (f->context.database, place_all, f,
          &error));
  control_fixture_exec (&f->base.base, "UPDATE extent SET state = 2");
  g_assert_true (pmss_catalog_publish_version (f->base.catalog,
          &f->version.id, &error));
  f->view.states = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < 10; i++)
    g_hash_table_insert (f->view.states, GUINT_TO_POINTER (f->base.node + i),
        GUINT_TO_POINTER (PMSS_PLACE_UP));
  f->except = g_hash_table_new (pmss_repair_place_hash,
      pmss_repair_place_equal);
}

static void
tear_down (Fixture * f, gconstpointer data)
{
  g_hash_table_unref (f->view.states);
  g_hash_table_unref (f->except);
  catalog_fixture_clear (&f->base, data);
}

static void
set_node (Fixture * f, guint node, PmssPlaceState state)
{
  g_hash_table_insert (f->view.states, GUINT_TO_POINTER (f->base.node + node),
      GUINT_TO_POINTER (state));
  f->view.gone_shards += state == PMSS_PLACE_GONE;
}

static PmssRepairPlan *
plan (Fixture * f, gboolean all)
{
  g_autoptr (GError) error = NULL;
  PmssRepairPlan *planned = pmss_repair_plan_new (&f->context, &f->view, all,
      f->except, NULL, &error);

  g_assert_no_error (error);
  return planned;
}

/* The next @n places are those of @kinds: bits of extent % 8. */
static void
check_next (PmssRepairPlan * planned, guint n, guint kinds)
{
  PmssExtentPlace place;

  for (guint i = 0; i < n; i++) {
    g_assert_true (pmss_repair_plan_next (planned, &place));
    g_assert_cmpuint ((1u << place.extent % 8) & kinds, !=, 0);
  }
}

static void
check_end (PmssRepairPlan * planned)
{
  PmssExtentPlace place;

  g_assert_false (pmss_repair_plan_next (planned, &place));
}

static void
test_order (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssRepairPlan) nothing = plan (f, TRUE);
  g_autoptr (PmssRepairPlan) planned = NULL;
  PmssExtentGeometry geometry = {
    .version = f->version.id,.redundancy = {2, 1},.unit = 4096,
    .payload = CATALOG_FIXTURE_EXTENT
  };

  g_assert_cmpuint (pmss_repair_plan_get_bytes (nothing), ==, 0);
  check_end (nothing);

  set_node (f, 4, PMSS_PLACE_GONE);
  set_node (f, 5, PMSS_PLACE_GONE);
  planned = plan (f, FALSE);
  /* two shards lost: 3, 4; one: 2, 5 */
  check_next (planned, 2 * EXTENTS / 8, 1 << 3 | 1 << 4);
  check_next (planned, 2 * EXTENTS / 8, 1 << 2 | 1 << 5);
  check_end (planned);
  g_assert_cmpuint (pmss_repair_plan_get_bytes (planned), ==,
      6 * EXTENTS / 8 * pmss_extent_geometry_shard_size (&geometry, 0));
}

/* What is away is not made anew, but what lies there, too, is in more danger. */
static void
test_away (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssRepairPlan) planned = NULL;

  set_node (f, 2, PMSS_PLACE_AWAY);
  planned = plan (f, TRUE);
  check_end (planned);
  g_clear_pointer (&planned, pmss_repair_plan_free);
  set_node (f, 4, PMSS_PLACE_GONE);
  planned = plan (f, TRUE);
  check_next (planned, EXTENTS / 8, 1 << 2);
  check_next (planned, 2 * EXTENTS / 8, 1 << 3 | 1 << 4);
  check_end (planned);
}

static void
tell_as (Fixture * f, guint32 extent, guint shard, gboolean known)
{
  PmssBadShard bad = {
    .version = f->version.id,.extent = extent,.shard = shard,
    .node = f->base.node + extent % 8 + shard,
    .state = known ? PMSS_BAD_KNOWN : PMSS_BAD_SUSPECTED,.kind =
        PMSS_BAD_DAMAGED,
    .source = known ? PMSS_FOUND_BY_SCRUB : PMSS_FOUND_BY_READER
  };
  g_autoptr (GError) error = NULL;

  pmss_catalog_add_bad_shard (f->base.catalog, &bad, &error);
  g_assert_no_error (error);
}

static void
tell (Fixture * f, guint32 extent, guint shard)
{
  tell_as (f, extent, shard, FALSE);
}

static void
check_one (Fixture * f, gboolean all, guint32 extent)
{
  g_autoptr (PmssRepairPlan) planned = plan (f, all);
  PmssExtentPlace place;

  g_assert_true (pmss_repair_plan_next (planned, &place));
  g_assert_cmpuint (place.extent, ==, extent);
  g_assert_true (pmss_version_id_equal (&place.version, &f->version.id));
}

static void
test_told (Fixture * f, gconstpointer data)
{
  PmssExtentPlace place = { f->version.id, 77 };
  g_autoptr (PmssRepairPlan) planned = NULL;

  tell (f, 900, 1);
  check_one (f, FALSE, 900);
  check_one (f, TRUE, 900);
  tell (f, 77, 0);
  tell (f, 77, 2);
  check_one (f, FALSE, 77);
  check_one (f, TRUE, 77);
  g_hash_table_add (f->except, &place);
  check_one (f, FALSE, 900);
  check_one (f, TRUE, 900);
  /* nobody can look */
  set_node (f, 900 % 8 + 1, PMSS_PLACE_AWAY);
  planned = plan (f, FALSE);
  check_end (planned);
}

/* What viewers suspect, however much, comes behind what is known, makes nothing more urgent, and is not planned without end. */
static void
test_suspicions (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssRepairPlan) planned = NULL;
  PmssExtentPlace place;
  guint n = 0;

  for (guint i = 100; i < EXTENTS; i++)
    for (guint shard = 0; shard < 3; shard++)
      tell (f, i, shard);
  planned = plan (f, FALSE);
  g_assert_true (pmss_repair_plan_is_suspicion (planned));
  while (pmss_repair_plan_next (planned, &place))
    n++;
  g_assert_cmpuint (n, ==, 256);
  g_clear_pointer (&planned, pmss_repair_plan_free);

  tell_as (f, 500, 1, TRUE);
  tell_as (f, 77, 0, TRUE);
  tell_as (f, 77, 1, TRUE);
  for (guint all = 0; all < 2; all++) {
    planned = plan (f, all);
    g_assert_false (pmss_repair_plan_is_suspicion (planned));
    g_assert_true (pmss_repair_plan_next (planned, &place));
    g_assert_cmpuint (place.extent, ==, 77);
    g_assert_true (pmss_repair_plan_next (planned, &place));
    g_assert_cmpuint (place.extent, ==, 500);
    g_clear_pointer (&planned, pmss_repair_plan_free);
  }
}

/* A node that flaps makes no plan wrong: only one whose shards are lost does. */
static void
test_flapping (Fixture * f, gconstpointer data)
{
  PmssNodeView now = { 0 };

  now.states = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < 10; i++)
    g_hash_table_insert (now.states, GUINT_TO_POINTER (f->base.node + i),
        GUINT_TO_POINTER (i == 3 ? PMSS_PLACE_AWAY : PMSS_PLACE_UP));
  g_assert_false (pmss_node_view_has_new_gone (&f->view, &now));
  g_assert_false (pmss_node_view_has_new_gone (&now, &f->view));
  g_hash_table_insert (now.states, GUINT_TO_POINTER (f->base.node + 3),
      GUINT_TO_POINTER (PMSS_PLACE_GONE));
  g_assert_true (pmss_node_view_has_new_gone (&f->view, &now));
  g_assert_false (pmss_node_view_has_new_gone (&now, &now));
  g_assert_false (pmss_node_view_has_new_gone (&now, &f->view));
  g_hash_table_unref (now.states);
}

/* A few times at once, and then once in a while; a long rest fills it up, to no more. */
static void
test_pace (void)
{
  PmssRepairPace pace = { 0 };
  gint64 now = 12345;

  for (guint round = 0; round < 2; round++) {
    for (guint i = 0; i < PMSS_REPAIR_PACE_BURST; i++)
      g_assert_true (pmss_repair_pace_take (&pace, now));
    g_assert_false (pmss_repair_pace_take (&pace, now));
    g_assert_false (pmss_repair_pace_take (&pace,
            now + PMSS_REPAIR_PACE_EVERY - 1));
    g_assert_true (pmss_repair_pace_take (&pace, now + PMSS_REPAIR_PACE_EVERY));
    g_assert_false (pmss_repair_pace_take (&pace,
            now + PMSS_REPAIR_PACE_EVERY));
    now += 1000 * PMSS_REPAIR_PACE_EVERY;
  }
}

/* What is given back can be taken at once, and no more than that; a full one
 * does not grow. */
static void
test_pace_give (void)
{
  PmssRepairPace pace = { 0 };
  gint64 now = 12345;

  for (guint i = 0; i < PMSS_REPAIR_PACE_BURST; i++)
    g_assert_true (pmss_repair_pace_take (&pace, now));
  for (guint i = 0; i < 100; i++) {
    pmss_repair_pace_give (&pace);
    g_assert_true (pmss_repair_pace_take (&pace, now));
    g_assert_false (pmss_repair_pace_take (&pace, now));
  }
  now += 1000 * PMSS_REPAIR_PACE_EVERY;
  for (guint i = 0; i < 100; i++)
    pmss_repair_pace_give (&pace);
  for (guint i = 0; i < PMSS_REPAIR_PACE_BURST; i++)
    g_assert_true (pmss_repair_pace_take (&pace, now));
  g_assert_false (pmss_repair_pace_take (&pace, now));
}

/* A place without a node is found by looking at all; what is being written or deleted is not repair's. */
static void
test_lost (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssRepairPlan) planned = NULL;

  control_fixture_exec (&f->base.base, "UPDATE extent SET nodes ="
      " CAST (zeroblob (4) || substr (nodes, 5) AS BLOB) WHERE number = 1199");
  check_one (f, TRUE, 1199);
  planned = plan (f, FALSE);
  check_end (planned);
  g_clear_pointer (&planned, pmss_repair_plan_free);
  control_fixture_exec (&f->base.base, "UPDATE version SET state = 'deleting'");
  planned = plan (f, TRUE);
  check_end (planned);
}

#define ADD(name, func) \
  g_test_add ("/repair-plan/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("order", test_order);
  ADD ("away", test_away);
  ADD ("told", test_told);
  ADD ("lost", test_lost);
  ADD ("suspicions", test_suspicions);
  ADD ("flapping", test_flapping);
  g_test_add_func ("/repair-plan/pace", test_pace);
  g_test_add_func ("/repair-plan/pace-give", test_pace_give);
  return g_test_run ();
}
