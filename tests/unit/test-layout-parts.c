/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layouts in parts: from the catalog's pages and changes to what a reader has. */
#include "catalog-fixture.h"

#include "control/catalog/catalog-health.h"
#include "control/catalog/layout-parts.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define N_EXTENTS 10

static PmssVersion
publish (CatalogFixture * f)
{
  gint64 id = catalog_fixture_add_medium (f, "film");
  PmssVersion version = catalog_fixture_add_version (f, id,
      (N_EXTENTS - 1) * CATALOG_FIXTURE_EXTENT + 1);

  for (guint i = 0; i < N_EXTENTS; i++) {
    catalog_fixture_place (f, &version, i, i % 6);
    pmss_catalog_set_extent_state (f->catalog, &version.id, i,
        PMSS_EXTENT_VERIFIED, NULL);
  }
  g_assert_true (pmss_catalog_publish_version (f->catalog, &version.id, NULL));
  control_fixture_exec (&f->base, "INSERT INTO identity (one, cluster, starts,"
      " started) VALUES (1, lower (hex (zeroblob (16))), 1, 1)");
  return version;
}

static PmssLayoutPart *
load_page (CatalogFixture * f, const PmssVersion * version, guint32 first,
    guint count)
{
  g_autoptr (GError) error = NULL;
  PmssLayoutPart *page = pmss_layout_parts_load_page (f->catalog, &version->id,
      first, count, &error);

  g_assert_no_error (error);
  g_assert_false (page->changes);
  return page;
}

/* As a reader does it: page by page, each through its JSON. */
static PmssLayout *
load_pages (CatalogFixture * f, const PmssVersion * version, guint count)
{
  g_autoptr (PmssLayoutBuilder) builder = pmss_layout_builder_new ();
  g_autoptr (GError) error = NULL;
  PmssLayout *layout;
  guint32 first;

  while (pmss_layout_builder_get_next (builder, &first)) {
    g_autoptr (PmssLayoutPart) page = load_page (f, version, first, count);
    g_autoptr (PmssJsonWriter) writer = pmss_json_writer_new ();
    g_autoptr (GBytes) text = NULL;
    g_autoptr (JsonNode) json = NULL;
    g_autoptr (PmssLayoutPart) again = NULL;

    pmss_layout_part_write (page, writer);
    text = pmss_json_writer_finish (writer);
    json = pmss_json_parse (g_bytes_get_data (text, NULL),
        g_bytes_get_size (text), &error);
    g_assert_no_error (error);
    again = pmss_layout_part_from_json (json, &error);

    g_assert_no_error (error);
    g_assert_true (pmss_layout_builder_add (builder, again, &error));
  }
  layout = pmss_layout_builder_finish (builder, &error);
  g_assert_no_error (error);
  return layout;
}

static PmssLayoutPart *
load_changes (CatalogFixture * f, const PmssVersion * version, guint64 since,
    guint count)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) nodes = pmss_catalog_list_version_nodes (f->catalog,
      &version->id, &error);
  PmssLayoutPart *part = pmss_layout_parts_load_changes (f->catalog,
      &version->id, since, count, nodes, &error);

  g_assert_no_error (error);
  return part;
}

/* Takes over what changed since @layout, @count extents at a time. */
static PmssLayout *
refresh (CatalogFixture * f, const PmssVersion * version, PmssLayout * layout,
    guint count, guint * n_changes)
{
  PmssLayout *now = pmss_layout_ref (layout);
  guint n;

  *n_changes = 0;
  do {
    g_autoptr (PmssLayoutPart) part = load_changes (f, version,
        pmss_layout_get_generation (now), count);
    g_autoptr (GError) error = NULL;
    PmssLayout *next = pmss_layout_apply_changes (now, part, &error);

    g_assert_no_error (error);
    n = part->numbers->len;
    *n_changes += n;
    pmss_layout_unref (now);
    now = next;
  } while (n == count);
  return now;
}

/* Both say the same of every shard: the node, and where it is. */
static void
assert_same (PmssLayout * a, PmssLayout * b)
{
  g_assert_true (pmss_layout_check_same_geometry (a, b, NULL));
  g_assert_cmpuint (pmss_layout_get_generation (a), ==,
      pmss_layout_get_generation (b));
  for (guint32 e = 0; e < pmss_layout_get_n_extents (a); e++)
    for (guint s = 0; s < 3; s++) {
      const PmssNode *one = pmss_layout_get_node (a,
          pmss_layout_get_shard_node (a, e, s));
      const PmssNode *other = pmss_layout_get_node (b,
          pmss_layout_get_shard_node (b, e, s));

      g_assert_cmpuint (one->id, ==, other->id);
      g_assert_cmpstr (one->address, ==, other->address);
      g_assert_cmpuint (one->port, ==, other->port);
      g_assert_cmpint (one->tls, ==, other->tls);
    }
}

static void
move (CatalogFixture * f, const PmssVersion * version, guint32 extent,
    guint shard, guint node)
{
  g_assert_true (pmss_catalog_replace_shard (f->catalog, &version->id, extent,
          shard, f->node + node, NULL));
}

static void
test_pages (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (PmssLayout) whole = load_pages (f, &version, 4096);

  g_assert_cmpuint (pmss_layout_get_generation (whole), ==, 1);
  for (guint count = 1; count <= N_EXTENTS; count++) {
    g_autoptr (PmssLayout) paged = load_pages (f, &version, count);

    assert_same (whole, paged);
  }
  for (guint first = N_EXTENTS; first < N_EXTENTS + 2; first++) {
    g_autoptr (PmssLayoutPart) none = load_page (f, &version, first, 5);

    g_assert_cmpuint (pmss_layout_part_get_n_extents (none), ==, 0);
  }
}

static void
test_moved (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (PmssLayout) old = load_pages (f, &version, 4);
  g_autoptr (PmssLayout) now = NULL;
  guint n;

  move (f, &version, 7, 1, 9);
  move (f, &version, 2, 0, 9);
  move (f, &version, 7, 2, 8);
  now = load_pages (f, &version, 4096);
  g_assert_cmpuint (pmss_layout_get_generation (now), ==, 4);
  for (guint count = 1; count < 4; count++) {
    g_autoptr (PmssLayout) refreshed = refresh (f, &version, old, count, &n);

    g_assert_cmpuint (n, ==, 2);
    assert_same (now, refreshed);
  }
  {
    g_autoptr (PmssLayout) same = refresh (f, &version, now, 4, &n);

    g_assert_cmpuint (n, ==, 0);
    assert_same (now, same);
  }
}

/* One row is written, however many versions name the node; what moved before
 * and after is not lost. */
static void
test_address (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (PmssLayout) old = load_pages (f, &version, 4);
  g_autoptr (PmssLayout) now = NULL;
  g_autoptr (PmssLayout) refreshed = NULL;
  guint n;

  move (f, &version, 1, 1, 9);
  control_fixture_exec (&f->base, "UPDATE node SET address = '192.0.2.1',"
      " port = 99 WHERE id = (SELECT min (id) FROM node)");
  control_fixture_exec (&f->base, "UPDATE node SET tls = 1 - tls"
      " WHERE id = (SELECT max (id) FROM node)");
  move (f, &version, 3, 1, 9);
  now = load_pages (f, &version, 4096);
  g_assert_cmpuint (pmss_layout_get_generation (now), ==, 5);
  refreshed = refresh (f, &version, old, 1, &n);
  g_assert_cmpuint (n, >=, 2);
  assert_same (now, refreshed);
  /* as it was: nothing has changed */
  control_fixture_exec (&f->base, "UPDATE node SET address = address,"
      " port = port, tls = tls, zone = 'elsewhere'");
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT addresses FROM identity"), ==, 2);
}

/* A shard that was bad, and is not: the place is the same, and is said again. */
static void
test_mended (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (PmssLayout) old = load_pages (f, &version, 4);
  g_autoptr (PmssLayout) now = NULL;
  guint n;

  for (guint i = 0; i < 2; i++) {
    g_autofree char *sql = g_strdup_printf ("INSERT INTO bad_shard (version,"
        " number, shard, node, state, kind, source, found)"
        " SELECT version, 5, %u, (SELECT min (id) FROM node), '%s',"
        " 'missing', 'scrub', 1 FROM extent WHERE number = 5", i,
        i == 0 ? "bad" : "suspected");

    control_fixture_exec (&f->base, sql);
  }
  g_clear_pointer (&now, pmss_layout_unref);
  now = refresh (f, &version, old, 4, &n);
  g_assert_cmpuint (n, ==, 0);
  control_fixture_exec (&f->base, "DELETE FROM bad_shard");
  g_clear_pointer (&now, pmss_layout_unref);
  now = refresh (f, &version, old, 4, &n);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (pmss_layout_get_generation (now), ==, 2);
}

/* The database was put back: a reader that knows more gets what there is. */
static void
test_put_back (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (PmssLayoutPart) part = load_changes (f, &version, 1000, 4);

  g_assert_false (part->changes);
  g_assert_cmpuint (part->first, ==, 0);
  g_assert_cmpuint (part->generation, ==, 1);
  g_assert_cmpuint (pmss_layout_part_get_n_extents (part), ==, 4);
}

/* 1 TB in extents of 16 MiB, in as few answers as there should be. */
static void
test_terabyte (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (PmssLayout) layout = NULL;
  g_autoptr (PmssLayout) now = NULL;
  guint n;

  control_fixture_exec (&f->base, "WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL"
      " SELECT i + 1 FROM n WHERE i < 65535) INSERT INTO extent (version,"
      " number, state, nodes) SELECT version, i, 2, nodes FROM extent, n"
      " WHERE number = 0");
  control_fixture_exec (&f->base, "UPDATE version SET size = 65536 * extent");
  control_fixture_exec (&f->base, "UPDATE node SET shards = shards + 65526"
      " WHERE id < (SELECT min (id) FROM node) + 3");
  version.size = (guint64) 65536 *version.extent;
  layout = load_pages (f, &version, PMSS_MAX_PART_EXTENTS);
  g_assert_cmpuint (pmss_layout_get_n_extents (layout), ==, 65536);
  move (f, &version, 60000, 1, 9);
  now = refresh (f, &version, layout, 1024, &n);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (pmss_layout_get_node (now, pmss_layout_get_shard_node (now,
              60000, 1))->id, ==, f->node + 9);
}

/* --- What a control server says that lies --- */

static void
assert_refused (PmssLayout * layout, PmssLayoutPart * part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pmss_layout_apply_changes (layout, part, &error));
  assert_pmss_error (error, INVALID);
}

static void
test_lies (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (PmssLayout) layout = load_pages (f, &version, 4);
  g_autoptr (PmssLayoutPart) part = NULL;
  g_autoptr (PmssLayoutPart) page = load_page (f, &version, 0, 4);

  move (f, &version, 1, 1, 9);
  part = load_changes (f, &version, 1, 4);
  assert_refused (layout, page);
#define REFUSED(member, lie) G_STMT_START { \
    typeof (part->member) truth = part->member; \
    part->member = lie; \
    assert_refused (layout, part); \
    part->member = truth; \
  } G_STMT_END
  REFUSED (size, part->size - 1);
  REFUSED (size, 0);
  REFUSED (redundancy.k, 1);
  REFUSED (redundancy.m, 0);
  REFUSED (unit, 8192);
  REFUSED (extent_size, 2 * part->extent_size);
  REFUSED (generation, 0);
  REFUSED (version.bytes[0], (guint8) (part->version.bytes[0] + 1));
  g_array_index (part->numbers, guint32, 0) = N_EXTENTS;
  assert_refused (layout, part);
  g_array_index (part->numbers, guint32, 0) = 1;
  pmss_layout_unref (pmss_layout_apply_changes (layout, part, NULL));
}

static void
test_lying_pages (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (PmssLayoutBuilder) builder = pmss_layout_builder_new ();
  g_autoptr (PmssLayoutPart) first = load_page (f, &version, 0, 4);
  g_autoptr (PmssLayoutPart) next = load_page (f, &version, 4, 4);
  g_autoptr (PmssLayoutPart) none = load_page (f, &version, N_EXTENTS, 4);
  g_autoptr (PmssLayoutPart) all = load_page (f, &version, 0, N_EXTENTS);
  g_autoptr (GError) error = NULL;

  g_assert_false (pmss_layout_builder_add (builder, next, NULL));
  g_clear_pointer (&builder, pmss_layout_builder_free);
  builder = pmss_layout_builder_new ();
  g_assert_true (pmss_layout_builder_add (builder, first, NULL));
  g_assert_null (pmss_layout_builder_finish (builder, &error));
  assert_pmss_error (error, INVALID);
  g_assert_false (pmss_layout_builder_add (builder, first, NULL));
  none->first = 4;
  g_assert_false (pmss_layout_builder_add (builder, none, NULL));
  all->first = 4;
  g_assert_false (pmss_layout_builder_add (builder, all, NULL));
  next->size--;
  g_assert_false (pmss_layout_builder_add (builder, next, NULL));
  next->size++;
  g_assert_true (pmss_layout_builder_add (builder, next, NULL));
}

/* A document that speaks of more than it brings takes no more memory than it
 * is worth. */
static void
test_vast (CatalogFixture * f, gconstpointer data)
{
  PmssVersion version = publish (f);
  g_autoptr (PmssLayoutBuilder) builder = pmss_layout_builder_new ();
  g_autoptr (PmssLayoutPart) page = load_page (f, &version, 0, 4);

  page->size = G_MAXINT64;
  g_assert_false (pmss_layout_builder_add (builder, page, NULL));
  page->size = (guint64) PMSS_MAX_LAYOUT_EXTENTS *page->extent_size;
  g_assert_true (pmss_layout_builder_add (builder, page, NULL));
}

#define ADD(name, func) \
  g_test_add (name, CatalogFixture, NULL, catalog_fixture_init, func, \
      catalog_fixture_clear)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/layout-parts/pages", test_pages);
  ADD ("/layout-parts/moved", test_moved);
  ADD ("/layout-parts/address", test_address);
  ADD ("/layout-parts/mended", test_mended);
  ADD ("/layout-parts/put-back", test_put_back);
  ADD ("/layout-parts/terabyte", test_terabyte);
  ADD ("/layout-parts/lies", test_lies);
  ADD ("/layout-parts/lying-pages", test_lying_pages);
  ADD ("/layout-parts/vast", test_vast);
  return g_test_run ();
}
