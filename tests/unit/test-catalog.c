/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "catalog-fixture.h"
#include "libpmss/pmss-error.h"

static void
test_names (CatalogFixture * f, gconstpointer data)
{
  gint64 id = catalog_fixture_add_medium (f, "films/a b.webm");
  g_autoptr (PmssMedium) again = pmss_medium_new ();
  g_autoptr (PmssMedium) read = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_catalog_check_name (f->catalog, "films/other", &error));
  g_assert_no_error (error);
  g_assert_false (pmss_catalog_check_name (f->catalog, "films/a b.webm",
          &error));
  assert_pmss_error (error, EXISTS);
  g_clear_error (&error);
  again->name = g_strdup ("films/a b.webm");
  again->redundancy = (PmssRedundancy) {
  1, 0};
  g_assert_false (pmss_catalog_add_medium (f->catalog, again, &error));
  assert_pmss_error (error, EXISTS);
  g_clear_error (&error);

  g_assert_true (pmss_catalog_mark_deleting (f->catalog, id, &error));
  g_assert_null (pmss_catalog_get_medium (f->catalog, "films/a b.webm",
          &error));
  assert_pmss_error (error, NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (pmss_catalog_add_medium (f->catalog, again, &error));
  read = pmss_catalog_get_medium (f->catalog, "films/a b.webm", &error);
  g_assert_cmpint (read->id, ==, again->id);
  g_assert_cmpint (read->size, ==, -1);
  g_assert_null (read->sha256);
  g_assert_true (pmss_catalog_remove_medium (f->catalog, id, &error));
  g_assert_false (pmss_catalog_remove_medium (f->catalog, again->id, &error));
  assert_pmss_error (error, CONFLICT);
}

static void
test_update (CatalogFixture * f, gconstpointer data)
{
  gint64 id = catalog_fixture_add_medium (f, "a");
  g_autoptr (PmssMedium) medium = NULL, read = NULL;
  g_autoptr (GError) error = NULL;

  medium = pmss_catalog_get_medium_by_id (f->catalog, id, &error);
  medium->title = g_strdup ("An 'A'; DROP TABLE medium");
  medium->size = 0;
  medium->sha256 = g_strnfill (64, '0');
  medium->peak_bitrate_1s = 8000000;
  medium->tags = g_strdup ("{}");
  g_assert_true (pmss_catalog_update_medium (f->catalog, medium, &error));
  read = pmss_catalog_get_medium (f->catalog, "a", &error);
  g_assert_cmpstr (read->title, ==, medium->title);
  g_assert_cmpint (read->size, ==, 0);
  g_assert_cmpint (read->peak_bitrate_1s, ==, 8000000);
  g_assert_cmpint (read->avg_bitrate, ==, -1);
  g_assert_cmpstr (read->tags, ==, "{}");
  g_assert_false (read->has_version);

  g_assert_true (pmss_catalog_set_medium_state (f->catalog, id,
          PMSS_MEDIUM_INGESTING, PMSS_MEDIUM_FAILED, &error));
  g_assert_false (pmss_catalog_set_medium_state (f->catalog, id,
          PMSS_MEDIUM_INGESTING, PMSS_MEDIUM_FAILED, &error));
  assert_pmss_error (error, CONFLICT);
}

static void
test_list (CatalogFixture * f, gconstpointer data)
{
  static const char *const names[] = {
    "a/1", "a/2", "a/3", "a/\xc3\xa4", "a0", "b%25", "b_"
  };
  g_autoptr (GError) error = NULL;
  g_autofree char *next = NULL, *after = NULL;
  guint seen = 0;

  for (guint i = G_N_ELEMENTS (names); i > 0; i--)
    catalog_fixture_add_medium (f, names[i - 1]);
  do {
    g_autoptr (GPtrArray) page = pmss_catalog_list_media (f->catalog, NULL,
        after, 2, &next, &error);

    g_assert_no_error (error);
    for (guint i = 0; i < page->len; i++)
      g_assert_cmpstr (((PmssMedium *) page->pdata[i])->name, ==,
          names[seen++]);
    g_free (after);
    after = g_steal_pointer (&next);
  } while (after != NULL);
  g_assert_cmpuint (seen, ==, G_N_ELEMENTS (names));

  {
    g_autoptr (GPtrArray) some = pmss_catalog_list_media (f->catalog, "a/",
        "a/1", 10, &next, &error);

    g_assert_cmpuint (some->len, ==, 3);
    g_assert_null (next);
  }
  {
    /* no character of a prefix has a meaning of its own */
    g_autoptr (GPtrArray) some = pmss_catalog_list_media (f->catalog, "b%",
        NULL, 10, &next, &error);

    g_assert_cmpuint (some->len, ==, 1);
  }
}

static void
test_publish (CatalogFixture * f, gconstpointer data)
{
  gint64 id = catalog_fixture_add_medium (f, "a");
  PmssVersion first =
      catalog_fixture_add_version (f, id, CATALOG_FIXTURE_EXTENT + 1);
  PmssVersion second, read;
  g_autoptr (PmssMedium) medium = NULL;
  g_autoptr (GError) error = NULL;

  catalog_fixture_place (f, &first, 0, 0);
  g_assert_false (pmss_catalog_publish_version (f->catalog, &first.id, &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  catalog_fixture_place (f, &first, 1, 1);
  pmss_catalog_set_extent_state (f->catalog, &first.id, 0,
      PMSS_EXTENT_VERIFIED, NULL);
  pmss_catalog_set_extent_state (f->catalog, &first.id, 1,
      PMSS_EXTENT_DURABLE, NULL);
  g_assert_false (pmss_catalog_publish_version (f->catalog, &first.id, &error));
  g_clear_error (&error);
  pmss_catalog_set_extent_state (f->catalog, &first.id, 1,
      PMSS_EXTENT_VERIFIED, NULL);
  g_assert_true (pmss_catalog_publish_version (f->catalog, &first.id, &error));
  medium = pmss_catalog_get_medium (f->catalog, "a", &error);
  g_assert_cmpint (medium->state, ==, PMSS_MEDIUM_READY);
  g_assert_true (pmss_version_id_equal (&medium->version, &first.id));

  second = catalog_fixture_add_version (f, id, CATALOG_FIXTURE_EXTENT + 1);
  catalog_fixture_place_verified (f, &second, 2);
  g_assert_true (pmss_catalog_publish_version (f->catalog, &second.id, &error));
  g_assert_true (pmss_catalog_get_version (f->catalog, &first.id, &read,
          &error));
  g_assert_cmpint (read.state, ==, PMSS_VERSION_DELETING);
}

static void
test_empty_version (CatalogFixture * f, gconstpointer data)
{
  gint64 id = catalog_fixture_add_medium (f, "empty");
  PmssVersion version = catalog_fixture_add_version (f, id, 0);
  g_autoptr (PmssLayout) layout = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_catalog_publish_version (f->catalog, &version.id,
          &error));
  layout = catalog_fixture_load_layout (f, &version.id, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pmss_layout_get_n_extents (layout), ==, 0);
}

static void
test_layout (CatalogFixture * f, gconstpointer data)
{
  gint64 id = catalog_fixture_add_medium (f, "a");
  PmssVersion version =
      catalog_fixture_add_version (f, id, 2 * CATALOG_FIXTURE_EXTENT + 1);
  g_autoptr (PmssLayout) layout = NULL;
  g_autoptr (GError) error = NULL;

  catalog_fixture_place (f, &version, 0, 0);
  catalog_fixture_place (f, &version, 2, 2);
  g_assert_null (catalog_fixture_load_layout (f, &version.id, &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  catalog_fixture_place (f, &version, 1, 1);
  layout = catalog_fixture_load_layout (f, &version.id, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pmss_layout_get_n_nodes (layout), ==, 5);
  for (guint32 e = 0; e < 3; e++) {
    for (guint s = 0; s < 3; s++) {
      gint index = pmss_layout_get_shard_node (layout, e, s);

      g_assert_cmpuint (pmss_layout_get_node (layout, (guint) index)->id, ==,
          f->node + e + s);
    }
  }
}

static void
test_place (CatalogFixture * f, gconstpointer data)
{
  gint64 id = catalog_fixture_add_medium (f, "a");
  PmssVersion version =
      catalog_fixture_add_version (f, id, 3 * CATALOG_FIXTURE_EXTENT);
  guint twice[] = { f->node, f->node + 1, f->node };
  guint unknown[] = { f->node, f->node + 1, f->node + 1000 };
  g_autoptr (GError) error = NULL;

  catalog_fixture_place (f, &version, 0, 0);
  g_assert_cmpint (catalog_fixture_shards_of (f, 0), ==, 1);
  g_assert_false (pmss_catalog_place_extent (f->catalog, &version.id, 0,
          unknown, 2, &error));
  assert_pmss_error (error, INVALID);
  g_clear_error (&error);
  g_assert_false (pmss_catalog_place_extent (f->catalog, &version.id, 1,
          twice, 3, &error));
  assert_pmss_error (error, INVALID);
  g_clear_error (&error);
  g_assert_false (pmss_catalog_place_extent (f->catalog, &version.id, 1,
          unknown, 3, &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  /* nothing of what failed counts */
  g_assert_cmpint (catalog_fixture_shards_of (f, 0), ==, 1);

  g_assert_true (pmss_catalog_mark_deleting (f->catalog, id, &error));
  twice[2] = f->node + 2;
  g_assert_false (pmss_catalog_place_extent (f->catalog, &version.id, 1,
          twice, 3, &error));
  assert_pmss_error (error, CONFLICT);
}

static void
test_replace (CatalogFixture * f, gconstpointer data)
{
  gint64 id = catalog_fixture_add_medium (f, "a");
  PmssVersion version =
      catalog_fixture_add_version (f, id, CATALOG_FIXTURE_EXTENT);
  g_autoptr (GArray) extents = NULL;
  g_autoptr (GPtrArray) pending = NULL;
  g_autoptr (GArray) holders = NULL;
  g_autoptr (GError) error = NULL;
  char name[PMSS_SHARD_NAME_SIZE];
  PmssExtent *extent;

  catalog_fixture_place (f, &version, 0, 0);
  g_assert_true (pmss_catalog_replace_shard (f->catalog, &version.id, 0, 1,
          f->node + 5, &error));
  extents = pmss_catalog_list_extents (f->catalog, &version.id, 0, 10, &error);
  g_assert_cmpuint (extents->len, ==, 1);
  extent = &g_array_index (extents, PmssExtent, 0);
  g_assert_cmpuint (extent->nodes[0], ==, f->node);
  g_assert_cmpuint (extent->nodes[1], ==, f->node + 5);

  /* the old place is not forgotten before its node has confirmed */
  pmss_shard_name_write (&version.id, 0, 1, name);
  pending = pmss_catalog_list_pending (f->catalog, f->node + 1, 10, &error);
  g_assert_cmpuint (pending->len, ==, 1);
  g_assert_cmpstr (pending->pdata[0], ==, name);
  g_assert_cmpint (catalog_fixture_shards_of (f, 1), ==, 1);
  g_assert_cmpint (catalog_fixture_shards_of (f, 5), ==, 1);

  /* whoever looks for another place can know that it cannot be that one */
  holders = pmss_catalog_list_pending_nodes (f->catalog, &version.id, 0, 1,
      &error);
  g_assert_cmpuint (holders->len, ==, 1);
  g_assert_cmpuint (g_array_index (holders, guint, 0), ==, f->node + 1);
  g_clear_pointer (&holders, g_array_unref);
  holders = pmss_catalog_list_pending_nodes (f->catalog, &version.id, 0, 0,
      &error);
  g_assert_cmpuint (holders->len, ==, 0);

  g_assert_false (pmss_catalog_replace_shard (f->catalog, &version.id, 0, 1,
          f->node + 1, &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  g_assert_true (pmss_catalog_clear_pending (f->catalog, f->node + 1, name,
          &error));
  g_assert_true (pmss_catalog_clear_pending (f->catalog, f->node + 1, name,
          &error));
  g_assert_cmpint (catalog_fixture_shards_of (f, 1), ==, 0);
  g_assert_true (pmss_catalog_replace_shard (f->catalog, &version.id, 0, 1,
          f->node + 1, &error));
  g_assert_false (pmss_catalog_replace_shard (f->catalog, &version.id, 0, 1,
          f->node, &error));
  assert_pmss_error (error, CONFLICT);
}

static void
test_garbage (CatalogFixture * f, gconstpointer data)
{
  gint64 id = catalog_fixture_add_medium (f, "a");
  PmssVersion version =
      catalog_fixture_add_version (f, id, CATALOG_FIXTURE_EXTENT), unknown;
  g_autoptr (GError) error = NULL;
  char name[PMSS_SHARD_NAME_SIZE];
  gboolean places;

  catalog_fixture_place (f, &version, 0, 0);
  g_assert_true (pmss_catalog_wants_shard (f->catalog, &version.id, 0, 0,
          f->node, &places, &error));
  g_assert_true (places);
  g_assert_true (pmss_catalog_wants_shard (f->catalog, &version.id, 0, 0,
          f->node + 1, &places, &error));
  g_assert_false (places);

  /* what is wanted is not deleted, however often it is asked for */
  pmss_shard_name_write (&version.id, 0, 0, name);
  g_assert_true (pmss_catalog_add_pending (f->catalog, f->node, name, &error));
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM pending_deletion"), ==, 0);

  pmss_version_id_generate (&unknown.id);
  pmss_shard_name_write (&unknown.id, 3, 0, name);
  g_assert_true (pmss_catalog_add_pending (f->catalog, f->node, name, &error));
  g_assert_true (pmss_catalog_add_pending (f->catalog, f->node, name, &error));
  g_assert_cmpint (catalog_fixture_shards_of (f, 0), ==, 2);
  g_assert_false (pmss_catalog_add_pending (f->catalog, f->node, "../x",
          &error));
  assert_pmss_error (error, INVALID);
}

static void
test_remove (CatalogFixture * f, gconstpointer data)
{
  gint64 id = catalog_fixture_add_medium (f, "a");
  PmssVersion version =
      catalog_fixture_add_version (f, id, 2 * CATALOG_FIXTURE_EXTENT);
  g_autoptr (GArray) versions = NULL;
  g_autoptr (GError) error = NULL;

  catalog_fixture_place_verified (f, &version, 2);
  control_fixture_exec (&f->base, "INSERT INTO user (name, role, password,"
      " created) VALUES ('anna', 'viewer', 'x', 1)");
  control_fixture_exec (&f->base, "INSERT INTO session (id, user, medium,"
      " version, address, rate, created, expires) SELECT"
      " lower (hex (zeroblob (16))), 'anna', medium, id, '', 0, 1, 1"
      " FROM version");
  g_assert_true (pmss_catalog_mark_deleting (f->catalog, id, &error));
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM session"), ==, 0);
  versions = pmss_catalog_list_versions (f->catalog, id,
      PMSS_VERSION_DELETING, &error);
  g_assert_cmpuint (versions->len, ==, 1);
  g_assert_false (pmss_catalog_remove_version (f->catalog, &version.id,
          &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  g_assert_true (pmss_catalog_remove_extent (f->catalog, &version.id, 0, 0,
          &error));
  /* shard 2 of extent 1, on the fourth node, was not confirmed */
  g_assert_true (pmss_catalog_remove_extent (f->catalog, &version.id, 1,
          1 << 2, &error));
  g_assert_true (pmss_catalog_remove_version (f->catalog, &version.id, &error));
  g_assert_true (pmss_catalog_remove_medium (f->catalog, id, &error));
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT sum(shards) FROM node"), ==, 1);
  g_assert_cmpint (catalog_fixture_shards_of (f, 3), ==, 1);
}

static gboolean
two_media (PmssDatabase * database, gpointer data, GError ** error)
{
  CatalogFixture *f = data;
  g_autoptr (PmssMedium) taken = pmss_medium_new ();

  catalog_fixture_add_medium (f, "first");
  taken->name = g_strdup ("first");
  taken->redundancy = (PmssRedundancy) {
  1, 0};
  return pmss_catalog_add_medium (f->catalog, taken, error);
}

static void
test_composes (CatalogFixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (pmss_database_transact (f->base.database, two_media, f,
          &error));
  assert_pmss_error (error, EXISTS);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM medium"), ==, 0);
}

/* Extents of the whole size, one that is less, none. */
static void
test_geometry (CatalogFixture * f, gconstpointer data)
{
  const guint64 extent = CATALOG_FIXTURE_EXTENT;
  const struct
  {
    guint64 size;
    guint32 number;
    guint64 payload;            /* 0: there is no such extent */
  } cases[] = {
    {2 * extent + 1, 0, extent}, {2 * extent + 1, 1, extent},
    {2 * extent + 1, 2, 1}, {2 * extent + 1, 3, 0}, {2 * extent, 1, extent},
    {2 * extent, 2, 0}, {1, 0, 1}, {0, 0, 0}, {1, G_MAXUINT32, 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    PmssVersion version = {.size = cases[i].size,.redundancy = {2, 1},
    .unit = 4096,.extent = CATALOG_FIXTURE_EXTENT
    };
    PmssExtentGeometry geometry = {.payload = 0 };

    g_assert_true (pmss_version_get_geometry (&version, cases[i].number,
            &geometry) == (cases[i].payload > 0));
    g_assert_cmpuint (geometry.payload, ==, cases[i].payload);
    if (cases[i].payload > 0)
      g_assert_cmpuint (geometry.extent, ==, cases[i].number);
  }
}

#define ADD(name, func) \
  g_test_add ("/catalog/" name, CatalogFixture, NULL, catalog_fixture_init, \
    func, catalog_fixture_clear)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("names", test_names);
  ADD ("update", test_update);
  ADD ("list", test_list);
  ADD ("publish", test_publish);
  ADD ("empty-version", test_empty_version);
  ADD ("layout", test_layout);
  ADD ("place", test_place);
  ADD ("replace", test_replace);
  ADD ("garbage", test_garbage);
  ADD ("remove", test_remove);
  ADD ("composes", test_composes);
  ADD ("geometry", test_geometry);
  return g_test_run ();
}
