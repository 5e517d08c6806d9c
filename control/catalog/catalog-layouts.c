/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Layouts, page by page. On any thread. */

#include "control/catalog/catalog-private.h"

/* After so many pages' worth of changes under way a layout is read in one piece. */
#define MAX_TRIES 5

typedef struct
{
  const PmssVersionId *id;
  guint32 first;
  guint count;
  PmssLayoutPage *page;
} PageCall;

typedef struct
{
  PmssCatalog *catalog;
  const PmssVersionId *id;
  PmssLayout *layout;
} LayoutCall;

static void
node_free (gpointer data)
{
  PmssNode *node = data;

  g_free (node->address);
  g_free (node->zone);
  g_free (node);
}

void
pmss_layout_page_free (PmssLayoutPage * page)
{
  g_array_unref (page->extents);
  g_ptr_array_unref (page->nodes);
  g_free (page);
}

/* How many extents the page has to have. */
static guint
count_wanted (const PmssVersion * version, const PageCall * call)
{
  guint64 total = pmss_catalog_count_extents (version);

  return call->first >= total ? 0
      : (guint) MIN (MIN (call->count, PMSS_MAX_PAGE), total - call->first);
}

static gboolean
read_extents (PmssDatabase * database, PageCall * call, GError ** error)
{
  GArray *extents = call->page->extents;
  guint wanted = count_wanted (&call->page->version, call);
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT number, state, nodes FROM extent"
      " WHERE version = ?1 AND number >= ?2 ORDER BY number LIMIT ?3",
      PMSS_VERSION_BLOB (call->id), PMSS_INT (call->first), PMSS_INT (wanted));
  PmssExtent extent;

  while (pmss_rows_next (rows, &local)
      && pmss_catalog_read_extent_row (rows, &extent, &local)) {
    if (extent.number != call->first + extents->len)
      break;
    g_array_append_val (extents, extent);
  }
  if (local == NULL && extents->len < wanted)
    g_set_error (&local, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The version has no extent %u", call->first + extents->len);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
read_node (PmssDatabase * database, guint id, GPtrArray * nodes,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT address, port, tls, zone FROM node WHERE id = ?1", PMSS_INT (id));
  PmssNode *node;

  if (!pmss_rows_next (rows, &local)) {
    if (local == NULL)
      g_set_error (&local, PMSS_ERROR, PMSS_ERROR_CORRUPT,
          "The catalog has shards on node %u, which it does not know", id);
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  node = g_new0 (PmssNode, 1);
  node->id = id;
  node->address = g_strdup (pmss_rows_text (rows, 0));
  node->port = (guint16) pmss_rows_int (rows, 1);
  node->tls = pmss_rows_int (rows, 2) != 0;
  node->zone = g_strdup (pmss_rows_text (rows, 3));
  g_ptr_array_add (nodes, node);
  return TRUE;
}

static gint
compare_nodes (gconstpointer a, gconstpointer b)
{
  guint left = (*(const PmssNode * const *) a)->id;
  guint right = (*(const PmssNode * const *) b)->id;

  return left < right ? -1 : left > right;
}

static gboolean
read_nodes (PmssDatabase * database, PmssLayoutPage * page, GError ** error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < page->extents->len; i++) {
    const PmssExtent *extent = &g_array_index (page->extents, PmssExtent, i);

    for (guint s = 0; s < extent->n_nodes; s++)
      if (extent->nodes[s] != 0
          && g_hash_table_add (seen, GUINT_TO_POINTER (extent->nodes[s]))
          && !read_node (database, extent->nodes[s], page->nodes, error))
        return FALSE;
  }
  g_ptr_array_sort (page->nodes, compare_nodes);
  return TRUE;
}

static gboolean
load_page (PmssDatabase * database, gpointer data, GError ** error)
{
  PageCall *call = data;
  PmssLayoutPage *page = call->page;
  gint64 generation;

  if (!pmss_catalog_read_version (database, call->id, &page->version, error)
      || !pmss_catalog_read_generation (database, call->id, &generation, error))
    return FALSE;
  page->generation = (guint64) generation;
  return read_extents (database, call, error)
      && read_nodes (database, page, error);
}

PmssLayoutPage *
pmss_catalog_load_page (PmssCatalog * self, const PmssVersionId * id,
    guint32 first, guint count, GError ** error)
{
  g_autoptr (PmssLayoutPage) page = g_new0 (PmssLayoutPage, 1);
  PageCall call = {.id = id,.first = first,.count = count,.page = page };

  page->extents = g_array_new (FALSE, FALSE, sizeof (PmssExtent));
  page->nodes = g_ptr_array_new_with_free_func (node_free);
  if (!pmss_database_read (self->database, load_page, &call, error))
    return NULL;
  return g_steal_pointer (&page);
}

/* Whole layouts */

static gboolean
check_shards (const PmssExtent * extent, const PmssVersion * version,
    GError ** error)
{
  if (extent->n_nodes == (guint) version->redundancy.k + version->redundancy.m)
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "The catalog has a malformed extent");
  return FALSE;
}

/* @known: node id -> index in the layout. */
static gboolean
add_page (PmssLayout * layout, const PmssLayoutPage * page, GHashTable * known,
    GError ** error)
{
  for (guint i = 0; i < page->nodes->len; i++) {
    const PmssNode *node = g_ptr_array_index (page->nodes, i);
    gpointer id = GUINT_TO_POINTER (node->id);

    if (!g_hash_table_contains (known, id))
      g_hash_table_insert (known, id,
          GUINT_TO_POINTER (pmss_layout_add_node (layout, node)));
  }
  for (guint i = 0; i < page->extents->len; i++) {
    const PmssExtent *extent = &g_array_index (page->extents, PmssExtent, i);
    gint indices[PMSS_MAX_SHARDS];

    if (!check_shards (extent, &page->version, error))
      return FALSE;
    for (guint s = 0; s < extent->n_nodes; s++)
      indices[s] = extent->nodes[s] == 0 ? -1 : GPOINTER_TO_INT
          (g_hash_table_lookup (known, GUINT_TO_POINTER (extent->nodes[s])));
    pmss_layout_set_extent (layout, extent->number, indices);
  }
  return TRUE;
}

/* @changed: pages are of different generations. */
static PmssLayout *
join_pages (PmssCatalog * self, const PmssVersionId * id, gboolean * changed,
    GError ** error)
{
  g_autoptr (GHashTable) known = g_hash_table_new (NULL, NULL);
  g_autoptr (PmssLayout) layout = NULL;
  guint64 generation = 0;
  guint32 next = 0;

  *changed = FALSE;
  do {
    g_autoptr (PmssLayoutPage) page = pmss_catalog_load_page (self, id, next,
        PMSS_MAX_PAGE, error);
    const PmssVersion *v = page != NULL ? &page->version : NULL;

    if (page == NULL)
      return NULL;
    if (layout == NULL) {
      generation = page->generation;
      layout = pmss_layout_new (&v->id, v->size, v->redundancy, v->unit,
          v->extent, error);
    }
    *changed = page->generation != generation;
    if (layout == NULL || *changed || !add_page (layout, page, known, error))
      return NULL;
    next += page->extents->len;
  } while (next < pmss_layout_get_n_extents (layout));
  return g_steal_pointer (&layout);
}

static gboolean
load_at_once (PmssDatabase * database, gpointer data, GError ** error)
{
  LayoutCall *call = data;
  gboolean changed;

  call->layout = join_pages (call->catalog, call->id, &changed, error);
  return call->layout != NULL;
}

PmssLayout *
pmss_catalog_load_layout (PmssCatalog * self, const PmssVersionId * id,
    GError ** error)
{
  LayoutCall call = {.catalog = self,.id = id };

  for (guint i = 0; i < MAX_TRIES; i++) {
    gboolean changed;
    PmssLayout *layout = join_pages (self, id, &changed, error);

    if (!changed)
      return layout;
  }
  pmss_database_transact (self->database, load_at_once, &call, error);
  return call.layout;
}
