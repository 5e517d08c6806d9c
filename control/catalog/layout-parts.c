/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parts of layouts, as readers get them. On the database thread, a bounded
 * number of rows at a time. */

#include "control/catalog/layout-parts.h"

#include "control/catalog/catalog-private.h"
#include "control/catalog/extent-nodes.h"

typedef struct
{
  const PmssVersionId *id;
  guint32 first;
  guint count;
  guint64 since;
  const GArray *all_nodes;      /* (nullable) of guint: to be listed, named or not */

  gint64 own;                   /* generation: the version's, */
  gint64 addresses;             /* and the cluster's */
  GHashTable *known;            /* node id -> index in part->nodes + 1 */
  PmssLayoutPart *part;
} PartCall;

static gboolean
read_generation (PmssDatabase * database, PartCall * call, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT generation, coalesce ((SELECT addresses FROM identity), 0)"
      " FROM version WHERE id = ?1", PMSS_VERSION_BLOB (call->id));

  if (pmss_rows_next (rows, &local)) {
    call->own = pmss_rows_int (rows, 0);
    call->addresses = pmss_rows_int (rows, 1);
    return TRUE;
  }
  if (local == NULL)
    g_set_error_literal (&local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no such version");
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
begin_part (PmssDatabase * database, PartCall * call, GError ** error)
{
  PmssLayoutPart *part = call->part = pmss_layout_part_new ();
  PmssVersion version;

  if (!pmss_catalog_read_version (database, call->id, &version, error)
      || !read_generation (database, call, error))
    return FALSE;
  part->version = version.id;
  part->size = version.size;
  part->redundancy = version.redundancy;
  part->unit = version.unit;
  part->extent_size = version.extent;
  part->generation = (guint64) (call->own + call->addresses);
  return TRUE;
}

/* --- Nodes --- */

static gboolean
add_node (PmssDatabase * database, PartCall * call, guint id, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = NULL;
  PmssNode node = {.id = id };
  guint index;

  if (g_hash_table_contains (call->known, GUINT_TO_POINTER (id)))
    return TRUE;
  rows = pmss_database_query (database,
      "SELECT address, port, tls, zone FROM node WHERE id = ?1", PMSS_INT (id));
  if (!pmss_rows_next (rows, &local)) {
    if (local == NULL)
      g_set_error (&local, PMSS_ERROR, PMSS_ERROR_CORRUPT,
          "A layout names node %u, which is not there", id);
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  node.address = (char *) pmss_rows_text (rows, 0);
  node.port = (guint16) pmss_rows_int (rows, 1);
  node.tls = pmss_rows_int (rows, 2) != 0;
  node.zone = (char *) pmss_rows_text (rows, 3);
  index = pmss_layout_part_add_node (call->part, &node);
  g_hash_table_insert (call->known, GUINT_TO_POINTER (id),
      GUINT_TO_POINTER (index + 1));
  return TRUE;
}

/* Nodes that have left the layout meanwhile may be gone. */
static gboolean
add_all_nodes (PmssDatabase * database, PartCall * call, GError ** error)
{
  for (guint i = 0; i < call->all_nodes->len; i++) {
    g_autoptr (GError) local = NULL;

    if (add_node (database, call, g_array_index (call->all_nodes, guint, i),
            &local) || g_error_matches (local, PMSS_ERROR, PMSS_ERROR_CORRUPT))
      continue;
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  return TRUE;
}

/* --- Extents --- */

/* Column @column: node ids. */
static gboolean
add_places (PmssDatabase * database, PartCall * call, PmssRows * rows,
    guint column, GError ** error)
{
  guint n = call->part->redundancy.k + call->part->redundancy.m;
  guint nodes[PMSS_MAX_SHARDS];

  if (pmss_extent_nodes_read (rows, column, nodes) != n) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "The catalog has a malformed extent");
    return FALSE;
  }
  for (guint i = 0; i < n; i++) {
    gint16 place;

    if (nodes[i] != 0 && !add_node (database, call, nodes[i], error))
      return FALSE;
    place = (gint16) (GPOINTER_TO_UINT (g_hash_table_lookup (call->known,
                GUINT_TO_POINTER (nodes[i]))) - 1);
    g_array_append_val (call->part->places, place);
  }
  return TRUE;
}

static gboolean
check_no_gap (const PartCall * call, GError ** error)
{
  guint64 end = pmss_layout_part_count_extents_of_layout (call->part);
  guint64 wanted = call->first < end ? MIN (call->count, end - call->first) : 0;

  if (pmss_layout_part_get_n_extents (call->part) == wanted)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "The layout is not whole from extent %u on", call->first);
  return FALSE;
}

static gboolean
read_page (PmssDatabase * database, PartCall * call, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT nodes FROM extent WHERE version = ?1 AND number >= ?2"
      " AND number < ?3 ORDER BY number", PMSS_VERSION_BLOB (call->id),
      PMSS_INT (call->first), PMSS_INT ((gint64) call->first + call->count));

  call->part->first = call->first;
  while (pmss_rows_next (rows, &local))
    if (!add_places (database, call, rows, 0, error))
      return FALSE;
  if (local == NULL)
    return check_no_gap (call, error);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
load_page (PmssDatabase * database, gpointer data, GError ** error)
{
  PartCall *call = data;

  return begin_part (database, call, error)
      && read_page (database, call, error);
}

/* Addresses may have been fewer at @since: then the version's own part of it
 * was larger, and what is read is more than has changed. */
static gboolean
read_changes (PmssDatabase * database, PartCall * call, GError ** error)
{
  PmssLayoutPart *part = call->part;
  gint64 since = MAX (0, (gint64) call->since - call->addresses);
  gint64 last = since;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT number, generation, nodes FROM extent"
      " WHERE version = ?1 AND generation > ?2 AND generation > 0"
      " ORDER BY generation LIMIT ?3", PMSS_VERSION_BLOB (call->id),
      PMSS_INT (since), PMSS_INT (call->count));

  part->changes = TRUE;
  while (pmss_rows_next (rows, &local)) {
    guint32 number = (guint32) pmss_rows_int (rows, 0);

    last = pmss_rows_int (rows, 1);
    g_array_append_val (part->numbers, number);
    if (!add_places (database, call, rows, 2, error))
      return FALSE;
  }
  if (part->numbers->len == call->count)
    part->generation = (guint64) (last + call->addresses);
  if (local == NULL)
    return add_all_nodes (database, call, error);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
load_changes (PmssDatabase * database, gpointer data, GError ** error)
{
  PartCall *call = data;

  if (!begin_part (database, call, error))
    return FALSE;
  if (call->since > call->part->generation)
    return read_page (database, call, error);
  return read_changes (database, call, error);
}

static PmssLayoutPart *
load (PmssCatalog * catalog, PartCall * call, PmssDatabaseFunc func,
    GError ** error)
{
  gboolean loaded;

  call->known = g_hash_table_new (NULL, NULL);
  loaded = pmss_database_read (catalog->database, func, call, error);
  g_hash_table_unref (call->known);
  if (!loaded)
    g_clear_pointer (&call->part, pmss_layout_part_free);
  return call->part;
}

PmssLayoutPart *
pmss_layout_parts_load_page (PmssCatalog * self, const PmssVersionId * id,
    guint32 first, guint count, GError ** error)
{
  PartCall call = {.id = id,.first = first,.count = count };

  return load (self, &call, load_page, error);
}

PmssLayoutPart *
pmss_layout_parts_load_changes (PmssCatalog * self, const PmssVersionId * id,
    guint64 since, guint count, const GArray * nodes, GError ** error)
{
  PartCall call = {.id = id,.since = since,.count = count,.all_nodes = nodes };

  return load (self, &call, load_changes, error);
}

GArray *
pmss_layout_parts_list_nodes (const PmssLayoutPart * part)
{
  GArray *nodes;

  if (part->changes || pmss_layout_part_get_n_extents (part) !=
      pmss_layout_part_count_extents_of_layout (part))
    return NULL;
  nodes = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < part->nodes->len; i++)
    g_array_append_val (nodes, g_array_index (part->nodes, PmssNode, i).id);
  pmss_catalog_sort_nodes (nodes);
  return nodes;
}
