/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "catalog-fixture.h"
#include "control/catalog/catalog-health.h"
#include "libpmss/pmss-error.h"

#define EXTENT CATALOG_FIXTURE_EXTENT

/* Two extents, the second of one unit and a byte. Extent e has shard s on node e + s. */
static PmssVersion
publish (CatalogFixture * f)
{
  gint64 id = catalog_fixture_add_medium (f, "a");
  PmssVersion version = catalog_fixture_add_version (f, id, EXTENT + 4097);
  g_autoptr (GError) error = NULL;

  catalog_fixture_place_verified (f, &version, 2);
  pmss_catalog_publish_version (f->catalog, &version.id, &error);
  g_assert_no_error (error);
  return version;
}

static PmssBadShard
make_bad (CatalogFixture * f, const PmssVersion * version, guint32 extent,
    guint shard, PmssBadState state)
{
  return (PmssBadShard) {
  .version = version->id,.extent = extent,.shard = shard,.node =
        f->node + extent + shard,.state = state,.kind =
        PMSS_BAD_DAMAGED,.source =
        state == PMSS_BAD_KNOWN ? PMSS_FOUND_BY_SCRUB : PMSS_FOUND_BY_READER};
}

static void
add (CatalogFixture * f, PmssBadShard bad, const guint32 * rows, guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) array = NULL;

  if (rows != NULL) {
    array = g_array_new (FALSE, FALSE, sizeof (guint32));
    g_array_append_vals (array, rows, n);
  }
  bad.rows = array;
  pmss_catalog_add_bad_shard (f->catalog, &bad, &error);
  g_assert_no_error (error);
}

static GPtrArray *
list (CatalogFixture * f)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *all = pmss_catalog_list_bad_shards (f->catalog, NULL, NULL, 100,
      &error);

  g_assert_no_error (error);
  return all;
}

/* The only one that is known has these rows. */
static void
assert_rows (CatalogFixture * f, PmssBadState state, const guint32 * rows,
    guint n)
{
  g_autoptr (GPtrArray) all = list (f);
  PmssBadShard *bad;

  g_assert_cmpuint (all->len, ==, 1);
  bad = g_ptr_array_index (all, 0);
  g_assert_cmpint (bad->state, ==, state);
  g_assert_true ((bad->rows == NULL) == (rows == NULL));
  if (rows != NULL)
    g_assert_cmpmem (bad->rows->data, bad->rows->len * 4, rows, n * 4);
}

static gint64
found (CatalogFixture * f)
{
  return control_fixture_count (&f->base, "SELECT max (found) FROM bad_shard");
}

static void
test_joins (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  PmssBadShard suspected = make_bad (f, &version, 0, 1, PMSS_BAD_SUSPECTED);
  PmssBadShard known = make_bad (f, &version, 0, 1, PMSS_BAD_KNOWN);
  const guint32 some[] = { 5, 1, 1 }, sorted[] = { 1, 5 };
  const guint32 more[] = { 7, 2 }, joined[] = { 1, 2, 5, 7 };
  /* shard 1 of an extent of 16 units has 8 records */
  const guint32 outside[] = { 8, G_MAXUINT32 };

  /* all can be had, and yet: as of a shard that is too long */
  add (f, suspected, outside, 0);
  assert_rows (f, PMSS_BAD_SUSPECTED, outside, 0);
  g_assert_true (pmss_catalog_clear_bad_shard (f->catalog, &version.id, 0, 1,
          NULL));
  add (f, suspected, outside, 2);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM bad_shard"), ==, 0);
  add (f, suspected, some, 3);
  assert_rows (f, PMSS_BAD_SUSPECTED, sorted, 2);
  add (f, suspected, more, 2);
  assert_rows (f, PMSS_BAD_SUSPECTED, joined, 4);

  /* who has looked knows better than who suspects, before and afterwards */
  control_fixture_exec (&f->base, "UPDATE bad_shard SET found = 1");
  add (f, suspected, more, 2);
  g_assert_cmpint (found (f), ==, 1);
  add (f, known, some, 3);
  g_assert_cmpint (found (f), >, 1);
  assert_rows (f, PMSS_BAD_KNOWN, sorted, 2);
  add (f, suspected, more, 2);
  assert_rows (f, PMSS_BAD_KNOWN, sorted, 2);
  add (f, known, outside, 2);
  assert_rows (f, PMSS_BAD_KNOWN, sorted, 2);
  add (f, known, more, 2);
  assert_rows (f, PMSS_BAD_KNOWN, joined, 4);
  add (f, known, NULL, 0);
  assert_rows (f, PMSS_BAD_KNOWN, NULL, 0);
  add (f, known, some, 3);
  assert_rows (f, PMSS_BAD_KNOWN, NULL, 0);
}

static void
test_only_what_is (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  gint64 id = catalog_fixture_add_medium (f, "writing");
  PmssVersion writing = catalog_fixture_add_version (f, id, EXTENT), unknown;
  PmssBadShard bad = make_bad (f, &version, 0, 1, PMSS_BAD_KNOWN);

  catalog_fixture_place (f, &writing, 0, 0);
  add (f, make_bad (f, &writing, 0, 0, PMSS_BAD_KNOWN), NULL, 0);
  pmss_version_id_generate (&unknown.id);
  add (f, make_bad (f, &unknown, 0, 0, PMSS_BAD_KNOWN), NULL, 0);
  add (f, make_bad (f, &version, 2, 0, PMSS_BAD_KNOWN), NULL, 0);
  add (f, make_bad (f, &version, G_MAXUINT32, 0, PMSS_BAD_KNOWN), NULL, 0);
  add (f, make_bad (f, &version, 0, 3, PMSS_BAD_KNOWN), NULL, 0);
  add (f, make_bad (f, &version, 0, G_MAXUINT, PMSS_BAD_KNOWN), NULL, 0);
  bad.node++;
  add (f, bad, NULL, 0);
  bad.node = 0;
  add (f, bad, NULL, 0);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM bad_shard"), ==, 0);
}

static void
test_many_rows (CatalogFixture * f, gconstpointer data)
{
  gint64 id = catalog_fixture_add_medium (f, "a");
  PmssVersion version = {
    .medium = id,.size = 16 * 1024 * 1024,.redundancy = {1, 0},.unit =
        4096,.extent = 16 * 1024 * 1024
  };
  guint32 rows[PMSS_MAX_BAD_ROWS], one = 4000, beyond = 4096;

  pmss_version_id_generate (&version.id);
  g_assert_true (pmss_catalog_add_version (f->catalog, &version, NULL));
  g_assert_true (pmss_catalog_place_extent (f->catalog, &version.id, 0,
          &f->node, 1, NULL));
  g_assert_true (pmss_catalog_set_extent_state (f->catalog, &version.id, 0,
          PMSS_EXTENT_VERIFIED, NULL));
  g_assert_true (pmss_catalog_publish_version (f->catalog, &version.id, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    rows[i] = i;
  add (f, make_bad (f, &version, 0, 0, PMSS_BAD_KNOWN), rows,
      G_N_ELEMENTS (rows));
  add (f, make_bad (f, &version, 0, 0, PMSS_BAD_KNOWN), &beyond, 1);
  assert_rows (f, PMSS_BAD_KNOWN, rows, G_N_ELEMENTS (rows));
  add (f, make_bad (f, &version, 0, 0, PMSS_BAD_KNOWN), &one, 1);
  assert_rows (f, PMSS_BAD_KNOWN, NULL, 0);
}

static void
test_list (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f), other;
  PmssBadShard *last = NULL;
  guint seen = 0;

  for (guint32 extent = 0; extent < 2; extent++)
    for (guint shard = 0; shard < 3; shard++)
      add (f, make_bad (f, &version, extent, shard, PMSS_BAD_KNOWN), NULL, 0);
  for (guint pages = 0; pages < 4; pages++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (PmssBadShard) after = last;
    g_autoptr (GPtrArray) page = pmss_catalog_list_bad_shards (f->catalog,
        pages % 2 ? &version.id : NULL, after, 2, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (page->len, ==, pages < 3 ? 2 : 0);
    last = NULL;
    for (guint i = 0; i < page->len; i++, seen++) {
      PmssBadShard *bad = g_ptr_array_index (page, i);

      g_assert_cmpuint (bad->extent * 3 + bad->shard, ==, seen);
      g_assert_cmpuint (bad->node, ==, f->node + bad->extent + bad->shard);
      g_assert_cmpint (bad->found, >, 0);
    }
    if (page->len > 0)
      last = g_ptr_array_steal_index (page, page->len - 1);
  }
  g_assert_cmpuint (seen, ==, 6);
  pmss_version_id_generate (&other.id);
  {
    g_autoptr (GPtrArray) none = pmss_catalog_list_bad_shards (f->catalog,
        &other.id, NULL, 2, NULL);
    g_assert_cmpuint (none->len, ==, 0);
  }
  g_assert_true (pmss_catalog_clear_bad_shard (f->catalog, &version.id, 1, 2,
          NULL));
  {
    guint64 count;

    g_assert_true (pmss_catalog_count_bad_shards (f->catalog, &count, NULL));
    g_assert_cmpuint (count, ==, 5);
  }
  /* what is being deleted is nobody's business */
  g_assert_true (pmss_catalog_retire_version (f->catalog, &version.id, NULL));
  {
    g_autoptr (GPtrArray) none = list (f);
    g_assert_cmpuint (none->len, ==, 0);
  }
}

static void
test_limits (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  PmssBadShard bad = make_bad (f, &version, 0, 0, PMSS_BAD_SUSPECTED);
  PmssBadShard next = make_bad (f, &version, 0, 1, PMSS_BAD_SUSPECTED);
  GLogLevelFlags fatal;

  /* as many as readers of one user may suspect */
  control_fixture_exec (&f->base,
      "WITH RECURSIVE n (i) AS (SELECT 2000 UNION ALL SELECT i + 1 FROM n"
      " WHERE i < 2999) INSERT INTO extent (version, number, state, nodes)"
      " SELECT version, i, 0, nodes" " FROM extent, n WHERE number = 0");
  control_fixture_exec (&f->base,
      "INSERT INTO bad_shard (version, number, shard, node, state, kind,"
      " source, user, found) SELECT version, number, 0,"
      " (SELECT min (id) FROM node), 'suspected', 'missing', 'reader', 'eve',"
      " 1 FROM extent WHERE number >= 2000");
  bad.user = next.user = (char *) "eve";
  add (f, bad, NULL, 0);
  bad.user = (char *) "anna";
  add (f, bad, NULL, 0);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM bad_shard WHERE number = 0"), ==, 1);

  control_fixture_exec (&f->base, "UPDATE node SET bad_shards = 100000"
      " WHERE id = (SELECT max (id) FROM node)");
  fatal = g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  next.state = PMSS_BAD_KNOWN;
  add (f, next, NULL, 0);
  g_log_set_always_fatal (fatal);
  /* said once: a second warning would be the end */
  add (f, next, NULL, 0);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM bad_shard WHERE number = 0"), ==, 1);
  control_fixture_exec (&f->base, "UPDATE node SET bad_shards = 0"
      " WHERE id = (SELECT max (id) FROM node)");
  control_fixture_exec (&f->base, "DELETE FROM extent WHERE number >= 1000");
}

static gboolean
wants (CatalogFixture * f, const PmssVersion * version, guint32 extent,
    guint shard, guint node)
{
  gboolean wanted;

  g_assert_true (pmss_catalog_wants_shard (f->catalog, &version->id, extent,
          shard, f->node + node, &wanted, NULL));
  return wanted;
}

static gint64
pending (CatalogFixture * f, guint node)
{
  g_autofree char *sql = g_strdup_printf ("SELECT count (*) FROM"
      " pending_deletion WHERE node = %u", f->node + node);

  return control_fixture_count (&f->base, sql);
}

static void
test_rebuild (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) extents = NULL;
  char name[PMSS_SHARD_NAME_SIZE];

  add (f, make_bad (f, &version, 0, 1, PMSS_BAD_KNOWN), NULL, 0);
  g_assert_true (pmss_catalog_begin_rebuild (f->catalog, &version.id, 0, 1,
          f->node + 5, &error));
  g_assert_no_error (error);
  g_assert_cmpint (catalog_fixture_shards_of (f, 5), ==, 1);
  g_assert_true (wants (f, &version, 0, 1, 1));
  g_assert_true (wants (f, &version, 0, 1, 5));
  g_assert_false (wants (f, &version, 0, 0, 5));

  /* rule 2: it is wanted, so it is not to be deleted */
  pmss_shard_name_write (&version.id, 0, 1, name);
  g_assert_true (pmss_catalog_add_pending (f->catalog, f->node + 5, name,
          &error));
  g_assert_cmpint (pending (f, 5), ==, 0);

  g_assert_true (pmss_catalog_finish_rebuild (f->catalog, &version.id, 0, 1,
          f->node + 1, f->node + 5, &error));
  g_assert_no_error (error);
  extents = pmss_catalog_list_extents (f->catalog, &version.id, 0, 1, &error);
  g_assert_cmpuint (g_array_index (extents, PmssExtent, 0).nodes[1], ==,
      f->node + 5);
  g_assert_cmpint (g_array_index (extents, PmssExtent, 0).state, ==,
      PMSS_EXTENT_VERIFIED);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM bad_shard"), ==, 0);
  g_assert_cmpint (pending (f, 1), ==, 1);
  g_assert_false (wants (f, &version, 0, 1, 1));
  g_assert_cmpint (catalog_fixture_shards_of (f, 5), ==, 1);

  /* not back to where a deletion is on its way */
  g_assert_false (pmss_catalog_begin_rebuild (f->catalog, &version.id, 0, 1,
          f->node + 1, &error));
  assert_pmss_error (error, CONFLICT);
}

/* What begin and finish do not take, and leave as it was. */
static void
test_rebuild_refused (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  const struct
  {
    guint shard, node;
    PmssError code;
  } begins[] = {
    /* one at a time */
    {1, 6, PMSS_ERROR_CONFLICT},
    /* one shard of an extent a node: of those that are sent, too */
    {2, 5, PMSS_ERROR_CONFLICT}, {2, 1, PMSS_ERROR_CONFLICT},
    {3, 7, PMSS_ERROR_INVALID},
  };
  const guint finishes[][2] = { {1, 6}, {2, 5} };

  g_assert_true (pmss_catalog_begin_rebuild (f->catalog, &version.id, 0, 1,
          f->node + 5, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (begins); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (pmss_catalog_begin_rebuild (f->catalog, &version.id, 0,
            begins[i].shard, f->node + begins[i].node, &error));
    g_assert_error (error, PMSS_ERROR, (int) begins[i].code);
  }
  g_assert_false (pmss_catalog_replace_shard (f->catalog, &version.id, 0, 2,
          f->node + 5, NULL));
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM rebuilding"), ==, 1);

  /* not where it was not begun, nor when the layout has moved on */
  for (guint i = 0; i < G_N_ELEMENTS (finishes); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (pmss_catalog_finish_rebuild (f->catalog, &version.id, 0,
            1, f->node + finishes[i][0], f->node + finishes[i][1], &error));
    assert_pmss_error (error, CONFLICT);
  }
}

static void
test_rebuild_lost (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (GError) error = NULL;

  control_fixture_exec (&f->base, "UPDATE extent SET"
      " nodes = CAST (x'00000000' || substr (nodes, 5) AS BLOB)"
      " WHERE number = 0");
  control_fixture_exec (&f->base, "UPDATE node SET shards = shards - 1"
      " WHERE id = (SELECT min (id) FROM node)");
  g_assert_true (pmss_catalog_begin_rebuild (f->catalog, &version.id, 0, 0,
          f->node + 9, &error));
  g_assert_true (pmss_catalog_finish_rebuild (f->catalog, &version.id, 0, 0,
          0, f->node + 9, &error));
  g_assert_true (wants (f, &version, 0, 0, 9));
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM pending_deletion"), ==, 0);
}

static void
test_abandon (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3; i++)
    g_assert_true (pmss_catalog_begin_rebuild (f->catalog, &version.id, 0, i,
            f->node + 5 + i, &error));
  g_assert_true (pmss_catalog_begin_rebuild (f->catalog, &version.id, 1, 0,
          f->node + 5, &error));
  g_assert_true (pmss_catalog_abandon_rebuild (f->catalog, &version.id, 0, 0,
          &error));
  g_assert_true (pmss_catalog_abandon_rebuild (f->catalog, &version.id, 0, 0,
          &error));
  g_assert_cmpint (pending (f, 5), ==, 1);
  g_assert_cmpint (catalog_fixture_shards_of (f, 5), ==, 2);
  g_assert_false (wants (f, &version, 0, 0, 5));
  g_assert_true (pmss_catalog_abandon_rebuilds (f->catalog, &error));
  g_assert_no_error (error);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM rebuilding"), ==, 0);
  g_assert_cmpint (pending (f, 5), ==, 2);
  g_assert_cmpint (pending (f, 6), ==, 1);
  g_assert_cmpint (pending (f, 7), ==, 1);
}

/* Of a version that is not ready any more nothing is rebuilt, and its extents' going leaves nothing unknown. */
static void
test_deleted_meanwhile (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (GError) error = NULL;

  add (f, make_bad (f, &version, 0, 1, PMSS_BAD_KNOWN), NULL, 0);
  g_assert_true (pmss_catalog_begin_rebuild (f->catalog, &version.id, 0, 1,
          f->node + 5, &error));
  g_assert_true (pmss_catalog_mark_deleting (f->catalog, version.medium,
          &error));
  g_assert_false (pmss_catalog_finish_rebuild (f->catalog, &version.id, 0, 1,
          f->node + 1, f->node + 5, &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  g_assert_false (pmss_catalog_begin_rebuild (f->catalog, &version.id, 1, 1,
          f->node + 5, &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  for (guint32 i = 0; i < 2; i++)
    g_assert_true (pmss_catalog_remove_extent (f->catalog, &version.id, i, 0,
            &error));
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM bad_shard"), ==, 0);
  g_assert_cmpint (pending (f, 5), ==, 1);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT sum (shards) FROM node"), ==, 1);
  /* too late to say that it is over: it is known */
  g_assert_true (pmss_catalog_abandon_rebuild (f->catalog, &version.id, 0, 1,
          &error));
}

#define ADD(name, func) \
  g_test_add ("/catalog-health/" name, CatalogFixture, NULL, \
    catalog_fixture_init, func, catalog_fixture_clear)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("joins", test_joins);
  ADD ("only-what-is", test_only_what_is);
  ADD ("many-rows", test_many_rows);
  ADD ("list", test_list);
  ADD ("limits", test_limits);
  ADD ("rebuild", test_rebuild);
  ADD ("rebuild-refused", test_rebuild_refused);
  ADD ("rebuild-lost", test_rebuild_lost);
  ADD ("abandon", test_abandon);
  ADD ("deleted-meanwhile", test_deleted_meanwhile);
  return g_test_run ();
}
