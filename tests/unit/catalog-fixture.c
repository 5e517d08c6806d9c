/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog-fixture.h"

#include "control/catalog/layout-parts.h"

void
catalog_fixture_init (CatalogFixture * f, gconstpointer data)
{
  control_fixture_init (&f->base);
  f->catalog = pmss_catalog_new (f->base.database);
  f->node = control_fixture_add_nodes (&f->base, 10);
}

void
catalog_fixture_clear (CatalogFixture * f, gconstpointer data)
{
  /* rules 4 and 6 of docs/data-model.md, whatever the test did */
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT (SELECT sum (shards) FROM node)"
          " - (SELECT coalesce (sum (length (nodes) / 4), 0) FROM extent)"
          " - (SELECT count (*) FROM rebuilding)"
          " - (SELECT count (*) FROM pending_deletion)"), ==, 0);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count (*) FROM node WHERE bad_shards <>"
          " (SELECT count (*) FROM bad_shard WHERE node = node.id)"), ==, 0);
  pmss_catalog_free (f->catalog);
  control_fixture_clear (&f->base);
}

gint64
catalog_fixture_add_medium (CatalogFixture * f, const char *name)
{
  g_autoptr (PmssMedium) medium = pmss_medium_new ();
  g_autoptr (GError) error = NULL;

  medium->name = g_strdup (name);
  medium->state = PMSS_MEDIUM_INGESTING;
  medium->redundancy = (PmssRedundancy) {
  2, 1};
  pmss_catalog_add_medium (f->catalog, medium, &error);
  g_assert_no_error (error);
  return medium->id;
}

PmssVersion
catalog_fixture_add_version (CatalogFixture * f, gint64 medium, guint64 size)
{
  PmssVersion version = {
    .medium = medium,.size = size,.redundancy = {2, 1},
    .unit = 4096,.extent = CATALOG_FIXTURE_EXTENT
  };
  g_autoptr (GError) error = NULL;

  pmss_version_id_generate (&version.id);
  pmss_catalog_add_version (f->catalog, &version, &error);
  g_assert_no_error (error);
  return version;
}

void
catalog_fixture_place (CatalogFixture * f, const PmssVersion * version,
    guint32 extent, guint first)
{
  guint nodes[] = { f->node + first, f->node + first + 1,
    f->node + first + 2
  };
  g_autoptr (GError) error = NULL;

  pmss_catalog_place_extent (f->catalog, &version->id, extent, nodes, 3,
      &error);
  g_assert_no_error (error);
}

gint64
catalog_fixture_shards_of (CatalogFixture * f, guint node)
{
  g_autofree char *sql = g_strdup_printf ("SELECT shards FROM node"
      " WHERE id = %u", f->node + node);

  return control_fixture_count (&f->base, sql);
}

void
catalog_fixture_place_verified (CatalogFixture * f, const PmssVersion * version,
    guint n)
{
  for (guint32 i = 0; i < n; i++) {
    catalog_fixture_place (f, version, i, i);
    g_assert_true (pmss_catalog_set_extent_state (f->catalog, &version->id, i,
            PMSS_EXTENT_VERIFIED, NULL));
  }
}

PmssLayout *
catalog_fixture_load_layout (CatalogFixture * f, const PmssVersionId * id,
    GError ** error)
{
  g_autoptr (PmssLayoutBuilder) builder = pmss_layout_builder_new ();
  guint32 next = 0;

  do {
    g_autoptr (PmssLayoutPart) part = pmss_layout_parts_load_page (f->catalog,
        id, next, 1, error);

    if (part == NULL || !pmss_layout_builder_add (builder, part, error))
      return NULL;
  } while (pmss_layout_builder_get_next (builder, &next));
  return pmss_layout_builder_finish (builder, error);
}
